"""`--onto`: the device that a restored share goes onto, and what the ledger says of it (rules 3, 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from coldshare.cli import entry
from coldshare.cli.describe import RETIRED
from coldshare.cli.render import safe
from coldshare.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.cli.ui import Ui
    from coldshare.ledger.queries import View
    from coldshare.places.folder import Contents, Kept
    from coldshare.restore import Held
    from coldshare.safety.returning import Allowed, Coming, Wish
    from coldshare_iface.messages import Declaration

F = TypeVar("F", bound=Callable[..., Any])
_NAME_MAX = 200


def _name(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    from coldshare_iface.text import unshowable

    if text is None or context.resilient_parsing:
        return text
    name = text.strip()
    if any(unshowable(ord(char)) for char in name) or not 1 <= len(name.encode()) <= _NAME_MAX:
        raise click.BadParameter("a name has 1 to 200 bytes, and characters that a terminal shows")
    return name


_onto = click.option(
    "--onto",
    metavar="DEVICE",
    callback=_name,
    help="What the device is called that the share goes onto. It is checked that it may, and recorded.",
)
_alive = click.option(
    "--although-alive", is_flag=True, help="With --onto: although the party's own device still has its share."
)
_turn = click.option(
    "--turn",
    metavar="PARTY",
    callback=_name,
    help="With --onto: the device is that of PARTY, whose share it loses, and PARTY is named by hand.",
)
_into = click.option("--into", metavar="PARTY", callback=_name, help="With --turn: the party whose share it gets.")


def onto_options(function: F) -> F:
    """--onto, --although-alive, --turn and --into."""
    return _onto(_alive(_turn(_into(function))))


class Returning:
    """What the ledger says of the share that one command restores: once before anybody types a password, as far as it
    is known whose it is, and once more when it is open, before it is written.

    Without --onto nothing is refused: `warnings` has what there is to say, and `stale` tells that it is an old share.
    With it, `allowed` is what the check came to. What is refused raises as `safety.returning.check`, and as the ledger
    where that cannot be read.
    """

    def __init__(self, ui: Ui, onto: str | None, although_alive: bool, turn: str | None, into: str | None) -> None:
        if onto is None and (although_alive or turn is not None or into is not None):
            raise click.UsageError("--although-alive, --turn and --into need --onto")
        self.onto = onto
        self.allowed: Allowed | None = None
        self.warnings: list[str] = []
        self.stale = False
        self._ui = ui
        self._options = although_alive, turn, into
        self._wish: Wish | None = None
        self._backup_id = b""
        self._old_there = False
        self._replaces: frozenset[bytes] = frozenset()

    def at_token(self, held: Held, contents: Sequence[Held]) -> None:
        """A backup on a token that has `contents`. A damaged or a burnt one may not know whose it is."""
        from coldshare_iface import wire
        from coldshare_iface.messages import Backup

        self._backup_id = held.backup_id
        self._retired(held.state == wire.BACKUP_RETIRED)
        if not isinstance(held, Backup):
            self._by_record()
            return
        told = held.declaration
        whose = told.vault, told.party
        others = [
            one
            for one in contents
            if isinstance(one, Backup)
            and (one.declaration.vault, one.declaration.party) == whose
            and one.declaration.generation != told.generation
        ]
        if held.state == wire.BACKUP_ACTIVE and any(one.state == wire.BACKUP_NEXT for one in others):
            self._outdated()
        # That was asked on the token's screen.
        older = {
            wire.BACKUP_ACTIVE: (wire.BACKUP_RETIRED,),
            wire.BACKUP_NEXT: (wire.BACKUP_RETIRED, wire.BACKUP_ACTIVE),
        }
        self._replaces = frozenset(
            one.declaration.generation for one in others if one.state in older.get(held.state, ())
        )
        self._judge(lambda view: self._coming(told))

    def in_folder(self, kept: Kept, contents: Contents) -> None:
        """A backup in a folder, which does not know whose it is; the ledger may."""
        from coldshare.places.format import State

        self._backup_id = kept.backup_id
        self._retired(not kept.live)
        beside = [one for one in contents.backups if one.record.same_share(kept.record)]
        if kept.state == State.ACTIVE and any(one.state == State.NEXT for one in beside):
            self._outdated()
        self._by_record()

    def in_file(self, backup_id: bytes) -> None:
        self._backup_id = backup_id
        self._by_record()

    def opened(self, declaration: Declaration, original: bytes) -> None:
        """The seal is open: `original` is the vault file."""
        from coldshare.ledger import record
        from coldshare.ledger.differences import share_of
        from coldshare.ledger.events import VaultSeen
        from coldshare.vault import read_share
        from coldshare.vault.errors import VaultPasswordNeededError

        coming = self._coming(declaration)
        with suppress(VaultPasswordNeededError):  # then by what its place was told alone
            for seen in record.vault_seen(share_of(declaration), read_share(original).facts):
                coming = replace(coming, seen=seen) if isinstance(seen, VaultSeen) else coming
        try:
            self._judge(lambda view: coming)
        except ColdshareError:
            record.handled(self._ui.note, declaration)  # it was in the clear here, whatever follows
            raise

    def _retired(self, retired: bool) -> None:
        if retired:
            self.stale = self._old_there = True
            if self.onto is None:
                self._tell([RETIRED])

    def _outdated(self) -> None:
        """Beside it waits a newer one. Until that takes its place, the older one is nothing to warn of by itself."""
        self._old_there = self.onto is not None

    def after(self, party: str) -> list[str]:
        """What to do with the file, now that it is written."""
        if self.onto is None or self.allowed is None:
            return [
                "Never import it where a newer share of this party is. Delete the file when it has served."
                if self.stale
                else f"Import it only on {party} or on the device that takes its place, then delete the file."
            ]
        others = " or ".join(self.allowed.elsewhere)
        lines = [f"Import it on {self.onto}, and nowhere else. Then delete the file."]
        if others:
            lines.append(f"On {others} it would turn that device into {party}.")
        if self.allowed.turned is not None:
            lines.append(f"The device of {self.allowed.turned} counts as lost now.")
        if self.allowed.replaces:
            lines.append(
                f"Whoever has the lost device of {party} has this share, too. If that may be, reshare the vault soon."
            )
        return [*lines, "Next: coldshare status"]

    def _coming(self, told: Declaration) -> Coming:
        from coldshare.ledger.differences import share_of
        from coldshare.safety.returning import Coming

        coming = Coming.of(self._backup_id, share_of(told))
        return replace(coming, old_there=self._old_there, replaces=self._replaces)

    def _by_record(self) -> None:
        """By whose share the ledger has it for. What nobody knows is judged when it is open."""
        from coldshare.safety.returning import Coming

        def known(view: View | None) -> Coming | None:
            found = [] if view is None else view.backups(gone=True)
            for one in found:
                if one.backup_id == self._backup_id and one.vault and one.party and one.generation and not one.disputed:
                    whose = one.vault, one.party, one.generation
                    return Coming(self._backup_id, *whose, old_there=self._old_there)
            return None

        self._judge(known)

    def _judge(self, whose: Callable[[View | None], Coming | None]) -> None:
        from coldshare.ledger.errors import NoLedgerError
        from coldshare.ledger.store import Ledger, ledger_path
        from coldshare.safety.returning import is_old, notes

        view: View | None = None
        try:
            with Ledger(ledger_path(), create=False) as ledger:
                view = ledger.view()
        except NoLedgerError:
            pass
        except ColdshareError as error:
            if self.onto is not None:
                error.next_step = f"{error.next_step} Without --onto the file is written, and nothing is checked."
                raise
        coming = whose(view)
        if coming is None:
            return
        if self.onto is None:
            if view is not None:
                self.stale |= is_old(view, coming)
                self._tell(notes(view, coming), now=self.stale)
            return
        self.allowed = self._check(view, coming)
        self._tell(self.allowed.warnings)

    def _check(self, view: View | None, coming: Coming) -> Allowed:
        from coldshare.safety.errors import OtherDeviceShareError
        from coldshare.safety.returning import Wish, check

        if self._wish is None:
            self._wish = Wish(self.onto or "", *self._options)
        try:
            return check(view, coming, self._wish)
        except OtherDeviceShareError as error:
            if not error.other or self._ui.quiet or not entry.person_here():
                raise
            self._ui.note(error.message)
            with self._ui.prompting():
                other = _typed(f"To give up the share of {error.other}, type whose device that is")
                if not other:
                    raise
                party = _typed("And whose it is to become")
        self._wish = replace(self._wish, turn=other, into=party)
        return check(view, coming, self._wish)

    def _tell(self, said: Iterable[str], *, now: bool = True) -> None:
        """In the answer; `now` also before anybody types a password."""
        for words in said:
            if words not in self.warnings:
                self.warnings.append(words)
                if now:
                    self._ui.note(f"Note: {words}")


def _typed(question: str) -> str:
    typed: str = click.prompt(safe(question), default="", show_default=False, err=True)
    return typed.strip()
