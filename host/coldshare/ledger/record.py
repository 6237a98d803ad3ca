"""What the commands tell the ledger, one function for each thing that a command does.

None of them raises: what the command did stands, whether or not it can be recorded. `say` hears in a sentence what
went wrong. SQLAlchemy is imported when something is recorded, and not before.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coldshare.errors import EXIT_INTEGRITY, ColdshareError
from coldshare.interrupts import afterwards
from coldshare.ledger import events as e
from coldshare.ledger.differences import share_of, state_of
from coldshare.ledger.events import Body, Place, Share
from coldshare.paths import label as path_label
from coldshare_iface import wire
from coldshare_iface.text import unshowable

if TYPE_CHECKING:
    from coldshare.backup import BackupResult
    from coldshare.export import Exported
    from coldshare.generations import Step
    from coldshare.ledger.store import Ledger
    from coldshare.reseal import ResealResult
    from coldshare.restore import Checked, CheckedFile, Held
    from coldshare.resume import Resumed
    from coldshare.seal import Slot
    from coldshare.vault import ShareFacts
    from coldshare_iface.messages import Declaration

__all__ = [
    "backed_up",
    "chain_code_digest",
    "destroyed",
    "device_restored",
    "exported",
    "failed",
    "file_opened",
    "file_place",
    "handled",
    "has_code",
    "host_name",
    "keep",
    "named",
    "opened_with",
    "overwritten",
    "removed",
    "resealed",
    "restored",
    "resumed",
    "retired",
    "single_host_accepted",
    "token",
    "un_retired",
    "vault_seen",
    "verified",
    "wiped",
]

Say = Callable[[str], None]
#: What is to be recorded may depend on what the ledger knows.
Build = Callable[["Ledger"], Sequence[Body]]

_PARTIES_MAX: Final = 32
_LABEL_MAX: Final = 200
_EXTRAS_MAX: Final = 64


def keep(say: Say, build: Build, *, begin: bool = True) -> None:
    """Record what `build` returns, and how this computer is called. Without `begin` no ledger is begun for that."""
    # What is to be recorded has been done: a person who has seen that, and stops the command, finds it recorded.
    with afterwards():
        from coldshare.ledger.errors import NoLedgerError
        from coldshare.ledger.store import Ledger, ledger_path

        try:
            with Ledger(ledger_path(), create=begin) as ledger:
                ledger.record([e.HostNamed(host_name()), *build(ledger)])
        except NoLedgerError:
            pass
        except ColdshareError as error:
            say(f"Note: this could not be written into the ledger. {error.message} {error.next_step}")
        except ValueError:
            # A name that came from elsewhere has no room in an event.
            say("Note: this could not be written into the ledger, because a name in it cannot be shown.")


def host_name() -> str:
    """What this computer calls itself."""
    return _showable(platform.node(), wire.LABEL_MAX)


def token(serial: bytes) -> Place:
    return Place(e.TOKEN, serial)


def file_place(host: bytes, path: Path) -> Place:
    """A sealed share in a file of its own, which only means something on the computer `host`."""
    return Place(e.FILE, hashlib.sha256(host + str(path.absolute()).encode(errors="surrogateescape")).digest()[:16])


def backed_up(say: Say, serial: bytes, label: str, done: BackupResult) -> None:
    place, share = token(serial), share_of(done.declaration)
    bodies = [
        *named(place, label),
        *vault_seen(share, done.facts),
        e.ShareHandled(share, e.BACKED_UP),
        *(e.BackupGone(place, backup_id, e.REPLACED) for backup_id in done.gone),
    ]
    if done.older is not None:
        # It was asked on the token's screen.
        bodies.append(e.GenerationNewer(share.vault, share.generation, done.older.declaration.generation))
    state = e.ACTIVE if done.older is None else e.NEXT
    bodies.append(e.BackupStored(place, done.backup_id, share, done.sealed_size, state, done.recovery))
    keep(say, lambda ledger: bodies)


def resumed(say: Say, serial: bytes, label: str, done: Sequence[Resumed], states: Mapping[bytes, str]) -> None:
    """`states` are those of all backups on the token now, by id; empty where they are not known."""
    place = token(serial)
    numbers = {name: number for number, name in e.STATES.items()}

    def build(ledger: Ledger) -> list[Body]:
        bodies = named(place, label)
        vaults = {one.entry.declaration.vault for one in done}
        if states:
            bodies += [
                e.BackupGone(place, held.backup_id, e.REPLACED)
                for held in ledger.view().backups(place=place)
                if held.vault in vaults and held.backup_id not in states
            ]
        for one in done:
            state = numbers.get(states.get(one.entry.backup_id, "active"), e.ACTIVE)
            share = share_of(one.entry.declaration)
            size = len(one.entry.sealed)
            # It was sealed here, by a command that did not come to its end.
            bodies.append(e.ShareHandled(share, e.BACKED_UP))
            bodies.append(e.BackupStored(place, one.entry.backup_id, share, size, state, one.entry.recovery))
        return bodies

    keep(say, build)


def verified(say: Say, serial: bytes, label: str, checked: Checked) -> None:
    place = token(serial)
    share = None if checked.declaration is None else share_of(checked.declaration)
    body = e.BackupVerified(
        place,
        checked.backup.backup_id,
        share,
        checked.sealed_size,
        state_of(checked.backup.state, named=_named_by_token(checked.backup)),
        # Without the key that is only what the seal says of itself.
        has_code(checked.slots) if checked.opened else None,
        checked.opened,
    )

    def build(ledger: Ledger) -> list[Body]:
        bodies = named(place, label)
        if share is not None and checked.opened:
            bodies.append(e.ShareHandled(share, e.VERIFIED))
        if checked.confirmed and body.state == e.ACTIVE:
            # The token has just let go of the one that this one takes the place of.
            bodies += [
                e.BackupGone(place, held.backup_id, e.REPLACED)
                for held in ledger.view().backups(place=place)
                if share is not None
                and (held.vault, held.generation) == (share.vault, share.generation)
                and held.backup_id != body.backup_id
            ]
        return [*bodies, body]

    keep(say, build)


def failed(say: Say, serial: bytes, held: Held, error: ColdshareError) -> None:
    """Only an error that says something of the backup is recorded: no wrong password, no cable."""
    if error.exit_status == EXIT_INTEGRITY:
        body = e.BackupFailed(token(serial), held.backup_id, error.code)
        keep(say, lambda ledger: [body])


def restored(say: Say, serial: bytes, label: str, checked: Checked) -> None:
    if checked.declaration is None:
        return
    place, share = token(serial), share_of(checked.declaration)
    bodies = [
        *named(place, label),
        e.ShareHandled(share, e.RESTORED),
        e.BackupRestored(place, checked.backup.backup_id, share, checked.sealed_size),
    ]
    keep(say, lambda ledger: bodies)


def device_restored(say: Say, declaration: Declaration, backup_id: bytes, device: str, turned: str | None) -> None:
    """That share goes onto `device`. `turned` is the party whose share that device loses by it."""
    share = share_of(declaration)

    def build(ledger: Ledger) -> list[Body]:
        known = {one.party for one in ledger.view().parties(share.vault) if one.lost is None}
        lost = [e.DeviceLost(share.vault, turned)] if turned in known and turned is not None else []
        return [*lost, e.DeviceRestored(share.vault, share.party, device, share.generation, backup_id)]

    keep(say, build)


def file_opened(say: Say, path: Path, checked: CheckedFile, *, restored: bool = False) -> None:
    """An exported file was verified, or the share in it restored."""
    share = share_of(checked.declaration)

    def build(ledger: Ledger) -> list[Body]:
        place = file_place(ledger.host, path)
        what: Body
        if restored:
            what = e.BackupRestored(place, checked.backup_id, share, checked.sealed_size)
        else:
            code = has_code(checked.slots)
            what = e.BackupVerified(place, checked.backup_id, share, checked.sealed_size, e.ACTIVE, code, opened=True)
        why = e.RESTORED if restored else e.VERIFIED
        over = overwritten(ledger, place, checked.backup_id)
        return [*named(place, path_label(path.absolute())), e.ShareHandled(share, why), *over, what]

    keep(say, build)


def overwritten(ledger: Ledger, place: Place, backup_id: bytes) -> list[Body]:
    """An exported file holds one backup. Another one that it held before is not there any more."""
    return [
        e.BackupGone(place, held.backup_id, e.REPLACED)
        for held in ledger.view().backups(place=place)
        if held.backup_id != backup_id
    ]


def handled(say: Say, declaration: Declaration, why: int = e.VERIFIED) -> None:
    """A share was opened, and then refused because of others that this computer had handled before, or the command did
    not come to its end. `why` is one of `events.HANDLED`."""
    keep(say, lambda ledger: [e.ShareHandled(share_of(declaration), why)])


def single_host_accepted(say: Say, vault: bytes, generation: bytes) -> None:
    keep(say, lambda ledger: [e.SingleHostAccepted(vault, generation)])


def exported(say: Say, serial: bytes, label: str, done: Exported, held: Held, slots: Sequence[Slot]) -> None:
    """A sealed share went into a file. `held` is the backup on the token that it was taken from: a file without a code
    opens together with that token only."""
    share = _share(held)
    state = e.RETIRED if held.state == wire.BACKUP_RETIRED else e.ACTIVE

    def build(ledger: Ledger) -> list[Body]:
        place = file_place(ledger.host, done.path)
        code = has_code(slots)
        stored = e.BackupStored(place, done.backup_id, share, done.size, state, code)
        origin = [*named(token(serial), label), *_seen(token(serial), held)]
        return [
            *origin,
            *named(place, path_label(done.path.absolute())),
            *overwritten(ledger, place, done.backup_id),
            stored,
        ]

    keep(say, build)


def opened_with(say: Say, serial: bytes, label: str, held: Held | None) -> None:
    """An exported file was opened with the password and the token, which has that backup: without the token the
    password opens nothing."""
    if held is not None:
        keep(say, lambda ledger: [*named(token(serial), label), *_seen(token(serial), held)])


def resealed(say: Say, serial: bytes, label: str, done: ResealResult) -> None:
    place, share = token(serial), share_of(done.declaration)
    bodies = [
        *named(place, label),
        e.ShareHandled(share, e.VERIFIED),
        e.BackupGone(place, done.old_id, e.REPLACED),
        e.BackupStored(place, done.backup_id, share, done.sealed_size, e.ACTIVE, done.recovery),
    ]
    keep(say, lambda ledger: bodies)


def retired(say: Say, serial: bytes, label: str, done: Step) -> None:
    place, vault = token(serial), done.newer.declaration.vault
    bodies = [
        *named(place, label),
        e.GenerationNewer(vault, done.newer.declaration.generation, done.generation),
        e.GenerationRetired(vault, done.generation, place),
        *_states(place, done),
    ]
    keep(say, lambda ledger: bodies)


def un_retired(say: Say, serial: bytes, label: str, done: Step) -> None:
    place, vault = token(serial), done.newer.declaration.vault
    bodies = [*named(place, label), e.GenerationUnRetired(vault, done.generation, place), *_states(place, done)]
    keep(say, lambda ledger: bodies)


def destroyed(say: Say, serial: bytes, held: Held) -> None:
    body = e.BackupGone(token(serial), held.backup_id, e.DESTROYED)
    keep(say, lambda ledger: [*_seen(token(serial), held), body])


def removed(say: Say, serial: bytes, held: Held, follows: Held | None) -> None:
    """`follows` is the backup of a newer generation that counts instead; that of `held` is retired then."""
    place, share = token(serial), _share(held)
    bodies = [*_seen(place, held), e.BackupGone(place, held.backup_id, e.REMOVED)]
    after = None if follows is None else _share(follows)
    if share is not None and follows is not None and after is not None:
        bodies += [
            e.GenerationNewer(share.vault, after.generation, share.generation),
            e.GenerationRetired(share.vault, share.generation, place),
            e.BackupState(place, follows.backup_id, after, follows.size, e.ACTIVE),
        ]
    keep(say, lambda ledger: bodies)


def wiped(say: Say, before: bytes, after: bytes) -> None:
    """The token with the serial `before` is a new one now, with the serial `after`."""
    keep(say, lambda ledger: [e.PlaceWiped(token(before), after)], begin=False)


def vault_seen(share: Share, facts: ShareFacts) -> list[Body]:
    """What a vault file tells of its vault, unless that has more parties than an event has room for."""
    from coldshare.declare import showable_party

    if facts.parties > _PARTIES_MAX:
        return []
    extras = []
    if facts.extra_keys or facts.chains:
        keys = tuple(_showable(name, 32) for name in facts.extra_keys[:_EXTRAS_MAX])
        chains = tuple(_showable(one.chain, 64) for one in facts.chains[:_EXTRAS_MAX])
        extras.append(e.VaultExtras(share.vault, share.generation, keys, chains))
    return [
        e.VaultSeen(
            share=share,
            signers=tuple(showable_party(party) for party in facts.signers),
            reshared=facts.reshared,
            public_key_eddsa=facts.public_key_eddsa,
            chain_code_digest=chain_code_digest(facts.chain_code),
            points_ecdsa=facts.points_ecdsa,
            public_shares_ecdsa=facts.public_shares_ecdsa,
            point_eddsa=facts.point_eddsa,
            public_share_eddsa=facts.public_share_eddsa,
        ),
        *extras,
    ]


def chain_code_digest(chain_code: bytes) -> bytes:
    """Tells whether two shares have the same chain code, and not which one."""
    return hashlib.sha256(b"coldshare chain code\0" + chain_code).digest()


def named(place: Place, label: str) -> list[Body]:
    """What a place is called, where it is called anything."""
    return [e.PlaceNamed(place, _showable(label, _LABEL_MAX))] if label else []


def _states(place: Place, done: Step) -> list[Body]:
    both = {one.backup_id: one for one in (done.old, done.newer) if one is not None}
    return [
        e.BackupState(place, one.backup_id, share_of(one.declaration), one.size, state_of(one.state))
        for one in both.values()
    ]


def _seen(place: Place, held: Held) -> list[Body]:
    """What is there, so that the ledger can say whose share it was though it goes, and what needs it."""
    state = state_of(held.state, named=_named_by_token(held))
    return [e.BackupState(place, held.backup_id, _share(held), held.size, state)]


def _share(held: Held) -> Share | None:
    from coldshare_iface.messages import Backup

    return share_of(held.declaration) if isinstance(held, Backup) else None


def _named_by_token(held: Held) -> bool:
    return _share(held) is not None


def has_code(slots: Sequence[Slot]) -> bool:
    """Whether a recovery code alone opens it."""
    return any(slot.known and slot.names == ("recovery",) for slot in slots)


def _showable(text: str, limit: int) -> str:
    shown = "".join("?" if unshowable(ord(char)) else char for char in text)
    return shown.encode()[:limit].decode(errors="ignore")
