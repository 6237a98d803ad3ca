"""Boards for the firmware to run on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.board import Board


@pytest.fixture
def new_board() -> Callable[..., Board]:
    """Make a board; its two key blocks hold `images` (hexadecimal, blank after their ends)."""
    return Board


@pytest.fixture
def board(new_board: Callable[..., Board]) -> Board:
    return new_board()
