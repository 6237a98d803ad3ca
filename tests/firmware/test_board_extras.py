"""What a board may have beside what every board has."""

from __future__ import annotations

import pytest

from coldshare_firmware import cbor
from coldshare_firmware.token import Token
from coldshare_firmware.x25519 import TokenSuite
from coldshare_iface import wire
from support.board import Board


class SlowBoard(Board):
    """A board that wants to be called in the middle of long work."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def progress(self) -> None:
        self.calls += 1


class DarkBoard(Board):
    """A board without a screen."""

    has_screen = False


def test_every_key_agreement_calls_a_slow_board() -> None:
    board = SlowBoard()
    suite = TokenSuite(board)
    suite.dh(b"\x07" * 32, suite.public(b"\x09" * 32))
    assert board.calls == 32


@pytest.mark.parametrize("board", [Board(), DarkBoard()])
def test_a_board_without_a_screen_does_not_claim_one(board: Board) -> None:
    capabilities = cbor.decode(Token(board).info())[6]
    assert (wire.CAP_SCREEN in capabilities) is (type(board) is Board)
    assert capabilities == sorted(capabilities)
    assert set(capabilities) | {wire.CAP_SCREEN} == {
        wire.CAP_BACKUP,
        wire.CAP_SCREEN,
        wire.CAP_MANAGE,
        wire.CAP_GENERATIONS,
        wire.CAP_AUDIT,
    }
