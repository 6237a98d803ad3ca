"""`--single-host`, and what this computer remembers of the shares that it handled (rule 1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from coldshare.cli import entry

if TYPE_CHECKING:
    from coldshare.cli.ui import Ui
    from coldshare.handling import Before, Several, Whose
    from coldshare.ledger.store import Ledger
    from coldshare.vault import ShareFacts

F = TypeVar("F", bound=Callable[..., Any])

_UNREADABLE = "This computer's ledger cannot be read, so nobody knows here which shares it handled before."

_LOOKED = "A look at it is not recorded. Whatever else coldshare does with it here is refused, unless that is accepted."

_option = click.option(
    "--single-host",
    is_flag=True,
    envvar="COLDSHARE_SINGLE_HOST",
    help="Accept that this computer handles enough shares of one vault to sign alone. Also COLDSHARE_SINGLE_HOST=1.",
)


def single_host_option(function: F) -> F:
    """--single-host, as `single_host`."""
    return _option(function)


def watch_parties(ui: Ui, single_host: bool) -> list[str]:
    """Call it first in a command that opens a share: until the command ends, what this computer did before counts, too.

    Returns the list of what a person was told about it, to go into `warnings`; it grows while the command works.
    """
    from coldshare.handling import process

    memory = _Memory(ui, single_host)
    click.get_current_context().with_resource(process.watching(memory.accept, memory.read, memory.broken_off))
    return memory.warnings


def looked_at(facts: ShareFacts) -> list[str]:
    """For a command that only looks at a share: what to say where it is one too many for this computer."""
    from coldshare.declare import declare
    from coldshare.handling import process

    several = process.several(declare(facts))
    return [] if several is None or several.again else [f"{several.words} {_LOOKED}"]


class _Memory:
    def __init__(self, ui: Ui, single_host: bool) -> None:
        self.warnings: list[str] = []
        self._ui = ui
        self._single_host = single_host
        self._accepted: frozenset[tuple[bytes, bytes]] = frozenset()

    def read(self) -> Before:
        """From the ledger, and only what it has of this computer. A ledger that is missing has nothing to tell."""
        from coldshare.errors import ColdshareError
        from coldshare.handling import Before
        from coldshare.home import ledger_path

        path = ledger_path()
        if not path.exists():
            return Before()
        from coldshare.ledger.store import Ledger

        try:
            with Ledger(path, create=False) as ledger:
                return self._before(ledger)
        except ColdshareError as error:
            self._tell(f"{_UNREADABLE} {error.message} {error.next_step}")
            return Before()

    def _before(self, ledger: Ledger) -> Before:
        from coldshare.handling import Before
        from coldshare.ledger.events import Share

        view = ledger.view()
        self._accepted = frozenset((one.vault, one.generation) for one in view.accepted() if one.host == ledger.host)
        backups: dict[bytes, Whose] = {}
        for vault in view.vaults():
            generations = {one.generation: one for one in view.generations(vault.vault)}
            for backup in view.backups(vault.vault, gone=True):
                whose = generations.get(backup.generation or b"")
                if whose is not None and backup.party is not None and not backup.disputed:
                    numbers = whose.threshold, whose.parties, vault.library
                    backups[backup.backup_id] = Share(vault.vault, vault.name, backup.party, whose.generation, *numbers)
        return Before(
            frozenset((one.vault, one.generation, one.party) for one in view.handled() if one.host == ledger.host),
            backups,
        )

    def accept(self, several: Several) -> bool:
        from coldshare.ledger import record
        from coldshare_iface.messages import Declaration

        share = several.share
        if (share.vault, share.generation) in self._accepted:
            self._tell(f"It was accepted that this computer handles enough shares of {share.name!r} to sign alone.")
            return True
        if self._single_host and self._agreed(several):
            record.single_host_accepted(self._ui.note, share.vault, share.generation)
            return True
        if several.opened and isinstance(share, Declaration):
            record.handled(self._ui.note, share)
        return False

    def broken_off(self, share: Whose) -> None:
        """The command ends before it has recorded what it did: a disk that is full, a Ctrl-C. The share was here."""
        from coldshare.ledger import record
        from coldshare_iface.messages import Declaration

        if isinstance(share, Declaration):
            record.handled(self._ui.note, share)

    def _agreed(self, several: Several) -> bool:
        """Where nobody can be asked, the option is the answer."""
        if self._ui.quiet or not entry.person_here():
            self._tell(several.sentence)
            return True
        self._ui.note(f"{several.words} {several.sentence}")
        with self._ui.prompting():
            return click.confirm("Accept that, for good?", default=False, err=True)

    def _tell(self, words: str) -> None:
        if words in self.warnings:
            return
        self.warnings.append(words)
        self._ui.note(f"Note: {words}")
