"""Rule 1 for processes and computers: neither may come to handle the shares of enough parties to sign alone.

`process` is the registry of this process. Whoever is about to have a share in the clear asks it, before anything is
written or given back. A library user who changes nothing is refused at the threshold; `process.accept` says otherwise.
What the computer did before this process began is for whoever has records of it: `Registry.watching`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import Final, Protocol, TypeAlias

from coldshare.errors import RefusedError

__all__ = ["Accept", "Before", "Registry", "Several", "SeveralSharesError", "Whose", "process"]


class Whose(Protocol):
    """Whose share it is, as a declaration tells it: `vault` is its ECDSA public key, any `threshold` parties sign."""

    @property
    def vault(self) -> bytes: ...
    @property
    def name(self) -> str: ...
    @property
    def party(self) -> str: ...
    @property
    def generation(self) -> bytes: ...
    @property
    def threshold(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Several:
    """One share too many. `others` are the other parties that were handled here, of the same vault and generation.
    `again` says that this party was, too; `opened`, that the share is in the clear already, because nobody could tell
    before whose it was."""

    share: Whose
    others: tuple[str, ...]
    again: bool
    opened: bool

    @property
    def words(self) -> str:
        """What is the matter."""
        parties = (*self.others, self.share.party) if self.again else self.others
        named = f"the share{'s' if len(parties) > 1 else ''} of {', '.join(parties)}"
        head = f"This computer has handled {named} of {self.share.name!r}, and any {self.share.threshold} shares sign."
        if self.again:
            return f"{head} Nobody has accepted that."
        if self.opened:
            return f"{head} That of {self.share.party}, one too many, was opened now, and is not written anywhere."
        return f"{head} That of {self.share.party} is one too many."

    @property
    def sentence(self) -> str:
        """What a person accepts who wants it all the same."""
        return (
            f"Whoever controls this computer, now or later, can then sign alone: with {len(self.others) + 1} shares of "
            f"{self.share.name!r} it holds as much as the whole key."
        )


class SeveralSharesError(RefusedError):
    """This computer would come to handle enough shares of one vault to sign alone."""

    code = "single_host"
    next_step = (
        "Do it on a computer that handles the shares of no other party, best on that of this share's own device. If "
        "this one may hold them all: the same with --single-host"
    )

    def __init__(self, several: Several) -> None:
        super().__init__(several.words)
        self.several = several


#: Asked when a share is one too many: whether that is accepted for its vault and generation, from now on.
Accept: TypeAlias = Callable[[Several], bool]


@dataclass(frozen=True, slots=True)
class Before:
    """What this computer did before: (vault, generation, party) of shares that it handled; and whose share it knows a
    sealed one to be, by the id of the backup."""

    handled: frozenset[tuple[bytes, bytes, str]] = frozenset()
    backups: Mapping[bytes, Whose] = field(default_factory=dict)


class Registry:
    """Which parties' shares were in the clear, by vault and generation. A party counts once, however often.

    `accept` is asked for each generation until it says yes; None refuses. Threads may share a registry.
    """

    def __init__(self, accept: Accept | None = None) -> None:
        self.accept = accept
        self._handled: set[tuple[bytes, bytes, str]] = set()
        self._accepted: set[tuple[bytes, bytes]] = set()
        self._opened: dict[tuple[bytes, bytes, str], Whose] = {}
        self._read: Callable[[], Before] | None = None
        self._before: Before | None = None
        self._lock = RLock()

    def check(self, share: Whose) -> None:
        """Raise SeveralSharesError where that share would be one too many. It is not in the clear yet."""
        with self._lock:
            self._judge(self.several(share))

    def expect(self, backup_id: bytes) -> None:
        """As `check`, for a sealed share that does not say whose it is, as far as the records know it."""
        with self._lock:
            known = self._earlier().backups.get(backup_id)
            if known is not None:
                self._judge(self.several(known))

    def take(self, share: Whose) -> None:
        """As `check`, and from then on the share counts as handled. One that is refused does not."""
        with self._lock:
            self._look_again()
            self._judge(self.several(share))
            self._handled.add(_key(share))

    def opened(self, share: Whose) -> None:
        """A seal was opened, and this was in it. It counts as handled whether or not SeveralSharesError is raised."""
        with self._lock:
            self._look_again()
            several = self.several(share, opened=True)
            self._handled.add(_key(share))
            self._opened[_key(share)] = share
            self._judge(several)

    def several(self, share: Whose, *, opened: bool = False) -> Several | None:
        """What is the matter with that share, whether or not it is accepted; None when it may come."""
        with self._lock:
            wanted = (share.vault, share.generation)
            parties = {key[2] for key in self._handled | self._earlier().handled if key[:2] == wanted}
            others = tuple(sorted(parties - {share.party}))
            too_many = bool(others) and len(others) + 1 >= share.threshold
            return Several(share, others, share.party in parties, opened) if too_many else None

    def _judge(self, several: Several | None) -> None:
        if several is None:
            return
        generation = several.share.vault, several.share.generation
        if generation in self._accepted:
            return
        if self.accept is None or not self.accept(several):
            raise SeveralSharesError(several)
        self._accepted.add(generation)

    def _look_again(self) -> None:
        """A person may have typed for minutes since, and another process may have done something meanwhile."""
        self._before = None

    def _earlier(self) -> Before:
        """Read when it matters."""
        if self._before is None:
            self._before = Before() if self._read is None else self._read()
        return self._before

    @contextmanager
    def watching(
        self, accept: Accept, read: Callable[[], Before], broken_off: Callable[[Whose], None] | None = None
    ) -> Iterator[None]:
        """Meanwhile `accept` is asked, and what `read` tells of earlier days and of other processes counts, too. It is
        called when that matters for the first time, and anew whenever a share is in the clear.

        Where an exception ends it, `broken_off` hears of every share whose seal was opened meanwhile.
        """
        held = self.accept, self._read, self._before, self._opened
        self.accept, self._read, self._before, self._opened = accept, read, None, {}
        try:
            yield
        finally:
            opened = list(self._opened.values())
            self.accept, self._read, self._before, self._opened = held
            # Not every way to leave a context hands the exception on.
            if broken_off is not None and sys.exc_info()[0] is not None:
                for share in opened:
                    broken_off(share)

    @contextmanager
    def fresh(self, accept: Accept | None = None) -> Iterator[None]:
        """Meanwhile nothing was handled yet, and nothing accepted: for tests, which are many lives of one process."""
        held = self.accept, self._read, self._before
        handled, accepted = self._handled, self._accepted
        self.accept, self._read, self._before = accept, None, None
        self._handled, self._accepted = set(), set()
        try:
            yield
        finally:
            self.accept, self._read, self._before = held
            self._handled, self._accepted = handled, accepted


def _key(share: Whose) -> tuple[bytes, bytes, str]:
    return share.vault, share.generation, share.party


#: The registry of this process.
process: Final = Registry()
