"""Who: a token that is not what it seems, paired all the same.
Wants: to keep the host busy for ever, fill its memory, or have it believe a list or a share that is not there.
What stops it: every answer is bounded, every loop ends by a number that the contract gives, and what is believed is
compared with what was sent. tests/host/test_hostile_token.py gives such a token any answers, and
tests/host/test_link.py lets it send keepalives and other chatter without end; here are those that look right one by
one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from coldshare.device import history
from coldshare.device.errors import WrongTokenError
from coldshare.device.token import TokenClient
from coldshare_iface import wire
from coldshare_iface.errors import ReplyError
from support.client import declaration
from support.desk import puppet_client

#: So many answers are more than any contract allows; then the test itself ends it.
FOR_EVER = 60


class EndlessError(Exception):
    """The host would have gone on."""


def entry(number: int) -> dict[int, Any]:
    return {1: number.to_bytes(16, "big"), 2: wire.BACKUP_ACTIVE, 3: 1000, 4: declaration()}


def answers(page: Callable[[int, int], dict[int, Any]]) -> tuple[TokenClient, list[int]]:
    """A client of a token that answers `page(n, start)` to the request number n for a list, and how often it was."""
    asked: list[int] = []

    def answer(op: int, request: dict[int, Any]) -> dict[int, Any]:
        if len(asked) >= FOR_EVER:
            raise EndlessError
        asked.append(request.get(1, 0))
        return page(len(asked), request.get(1, 0))

    return puppet_client(answer), asked


def growing(n: int, start: int) -> dict[int, Any]:
    """One more, and always one more to come."""
    return {1: [entry(start)], 2: start + 2}


def test_a_list_that_grows_while_it_is_read() -> None:
    client, asked = answers(growing)
    with pytest.raises(ReplyError, match="out of bounds"):
        client.backups()
    assert len(asked) <= wire.BACKUPS_MAX + 1


def test_control_without_the_bound_it_would_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BACKUPS_MAX", 10**6)
    client, asked = answers(growing)
    with pytest.raises(EndlessError):
        client.backups()
    assert len(asked) == FOR_EVER


@pytest.mark.parametrize(
    ("pages", "says"),
    [
        ([{1: [entry(0)], 2: 3}, {1: [entry(1)], 2: 1}], "more backups than it announces"),
        ([{1: [entry(0)], 2: 2}, {1: [entry(0)], 2: 2}], "twice"),
        ([{1: [entry(0)], 2: 2}, {1: [], 2: 2}], "announces more"),
    ],
    ids=["shrinks", "goes back", "never goes on"],
)
def test_a_list_that_changes_between_its_pages(pages: list[dict[int, Any]], says: str) -> None:
    client, asked = answers(lambda n, start: pages[min(n, len(pages)) - 1])
    with pytest.raises(ReplyError, match=says):
        client.backups()
    assert len(asked) == len(pages)


def test_control_a_list_in_pages_that_belong_together() -> None:
    client, asked = answers(lambda n, start: {1: [entry(start)], 2: 3})
    assert [held.backup_id[-1] for held in client.backups()] == [0, 1, 2]
    assert asked == [0, 1, 2]


@pytest.mark.parametrize(
    ("step", "requests", "error"), [(0, 1, ReplyError), (1, 50, WrongTokenError), (51, 1, ReplyError)]
)
def test_a_share_that_comes_in_pieces(step: int, requests: int, error: type[Exception]) -> None:
    """Byte by byte is slow, and ends. Nothing at all is not waited for, and too much is not taken."""
    client, asked = answers(lambda n, start: {1: bytes(step)})
    with pytest.raises(error):
        client.get(bytes(16), 50, bytes(32))
    assert len(asked) == requests


def test_a_transfer_that_never_advances() -> None:
    """It takes every chunk and says that it has none: the second one is not sent."""
    taken: list[int] = []

    def answer(op: int, request: dict[int, Any]) -> dict[int, Any]:
        taken.append(op)
        return {1: 0, 2: 100}

    with pytest.raises(ReplyError, match="counts the bytes"):
        puppet_client(answer).put(bytes(16), bytes(1000))
    assert taken == [wire.OP_BEGIN, wire.OP_CHUNK]


def ring(n: int, start: int) -> dict[int, Any]:
    """One entry a page, and always more to come."""
    count = 1000 + n
    first = max(start, count + 1 - wire.AUDIT_MAX)
    data = first.to_bytes(4, "big") + bytes(wire.AUDIT_ENTRY - 4)
    before = hashlib.sha256(bytes(32) + data).digest() if n > 1 else bytes(32)
    return {1: count, 2: bytes(32), 3: first, 4: before, 5: data}


def test_an_audit_ring_that_grows_while_it_is_read() -> None:
    client, asked = answers(ring)
    with pytest.raises(ReplyError, match="do not belong together"):
        history.read(client.audit, None)
    assert len(asked) == 2
