"""Events in words and in JSON."""

from __future__ import annotations

from dataclasses import fields
from functools import singledispatchmethod
from typing import TYPE_CHECKING, TypeAlias, Union

from coldshare.ledger import events as e
from coldshare.ledger.events import Body, Head, Place, Share

if TYPE_CHECKING:
    from coldshare.ledger.queries import View

__all__ = ["Names", "body_json"]

Json: TypeAlias = Union[bool, int, str, list["Json"], dict[str, "Json"], None]  # noqa: UP007

_HANDLED = {
    e.BACKED_UP: "to back it up",
    e.VERIFIED: "to verify a backup",
    e.RESTORED: "to restore it",
}
_GONE = {
    e.REMOVED: "removed",
    e.DESTROYED: "destroyed",
    e.REPLACED: "replaced by a newer backup",
    e.WIPED: "gone with all that was there",
    e.MISSING: "MISSING",
    e.GIVEN_UP: "given up",
}


class Names:
    """What things are called, as the ledger knows them now."""

    def __init__(self, view: View) -> None:
        self._places = {one.place: one.title for one in view.places()}
        self._hosts = {one.host: one for one in view.hosts()}
        self._vaults = {one.vault: one.name for one in view.vaults()}

    def host(self, host: bytes) -> str:
        known = self._hosts.get(host)
        if known is not None and known.ours:
            return "this computer"
        return f"{known.name if known is not None and known.name else 'a computer'} ({host.hex()[:8]})"

    def place(self, place: Place) -> str:
        title = self._places.get(place, str(place))
        return title if title == str(place) else f"{title!r} ({e.PLACES.get(place.kind, 'place')})"

    def vault(self, vault: bytes) -> str:
        name = self._vaults.get(vault)
        return f"the vault {vault.hex()[:8]}" if name is None else repr(name)

    def words(self, body: Body) -> str:
        """What happened, as a sentence without its end."""
        return self._words(body)

    @singledispatchmethod
    def _words(self, body: Body) -> str:
        return f"something that this version does not know ({body.name or 'kind'})"

    @_words.register
    def _(self, body: e.Unknown) -> str:
        return f"something that only a newer version of coldshare understands (kind {body.number})"

    @_words.register
    def _(self, body: e.HostNamed) -> str:
        return f"is called {body.host_name!r}"

    @_words.register
    def _(self, body: e.VaultSeen) -> str:
        told = f"{body.share.threshold} of {body.share.parties}, {', '.join(body.signers)}"
        return f"{body.share.name!r} was seen: {told}; generation {_short(body.share.generation)}"

    @_words.register
    def _(self, body: e.ShareHandled) -> str:
        return f"had {_share(body.share)} in the clear, {_HANDLED[body.why]}"

    @_words.register
    def _(self, body: e.PlaceNamed) -> str:
        if body.place.kind in (e.FILE, e.FOLDER):
            return f"{body.place} is {body.label!r}"
        return f"{body.place} bears the label {body.label!r}"

    @_words.register
    def _(self, body: e.PlaceDescribed) -> str:
        names = ("called", "location", "custodian", "account", "note")
        said = [f"{name} {getattr(body, name)!r}" for name in names if getattr(body, name) is not None]
        return f"{self.place(body.place)} was described: {', '.join(said) or 'nothing is said of it any more'}"

    @_words.register
    def _(self, body: e.PlaceReached) -> str:
        does = "reaches" if body.reaches else "does not reach"
        return f"{self.host(body.host)} {does} {self.place(body.place)}"

    @_words.register
    def _(self, body: e.PlaceBuiltIn) -> str:
        lies = "on a disk of the computer itself" if body.built_in else "on no disk of the computer itself"
        return f"{self.place(body.place)} is {lies}"

    @_words.register
    def _(self, body: e.PlaceLost) -> str:
        return f"{self.place(body.place)} is LOST"

    @_words.register
    def _(self, body: e.PlaceFound) -> str:
        return f"{self.place(body.place)} was found again"

    @_words.register
    def _(self, body: e.PlaceWiped) -> str:
        return f"{self.place(body.place)} was WIPED: nothing is left there"

    @_words.register
    def _(self, body: e.BackupStored) -> str:
        return f"stored: {_what(body.share, body.backup_id)}, at {self.place(body.place)}"

    @_words.register
    def _(self, body: e.BackupState) -> str:
        state = e.STATES[body.state]
        return f"found: {_what(body.share, body.backup_id)}, at {self.place(body.place)}, {state}"

    @_words.register
    def _(self, body: e.BackupVerified) -> str:
        how = "verified, its seal opened" if body.opened else "read back whole"
        return f"{how}: {_what(body.share, body.backup_id)}, at {self.place(body.place)}"

    @_words.register
    def _(self, body: e.BackupFailed) -> str:
        return f"FAILED ({body.code}): backup {_short(body.backup_id)}, at {self.place(body.place)}"

    @_words.register
    def _(self, body: e.BackupRestored) -> str:
        return f"RESTORED: {_what(body.share, body.backup_id)}, from {self.place(body.place)}"

    @_words.register
    def _(self, body: e.BackupGone) -> str:
        return f"{_GONE[body.why]}: backup {_short(body.backup_id)}, at {self.place(body.place)}"

    @_words.register
    def _(self, body: e.GenerationNewer) -> str:
        return f"{self.vault(body.vault)}: generation {_short(body.newer)} replaced {_short(body.older)}"

    @_words.register
    def _(self, body: e.GenerationRetired) -> str:
        return f"{self.vault(body.vault)}: generation {_short(body.generation)} was retired{self._at(body.place)}"

    @_words.register
    def _(self, body: e.GenerationUnRetired) -> str:
        return f"{self.vault(body.vault)}: generation {_short(body.generation)} was taken back{self._at(body.place)}"

    @_words.register
    def _(self, body: e.DeviceLost) -> str:
        return f"the device {body.party} of {self.vault(body.vault)} is LOST"

    @_words.register
    def _(self, body: e.DeviceFound) -> str:
        return f"the device {body.party} of {self.vault(body.vault)} was found again"

    @_words.register
    def _(self, body: e.DeviceRestored) -> str:
        return (
            f"the share of {body.party} of {self.vault(body.vault)} came onto {body.device!r}, "
            f"from backup {_short(body.backup_id)}"
        )

    @_words.register
    def _(self, body: e.SingleHostAccepted) -> str:
        return (
            f"may handle enough shares of {self.vault(body.vault)} to sign alone, generation {_short(body.generation)}"
        )

    @_words.register
    def _(self, body: e.DrillResult) -> str:
        how = "drilled, good" if body.good else "drill FAILED"
        return f"{how}: {_what(body.share, body.backup_id)}, at {self.place(body.place)}"

    @_words.register
    def _(self, body: e.LedgerJoined) -> str:
        return f"took in what was recorded by {', '.join(self.host(one.host) for one in body.heads) or 'nobody'}"

    @_words.register
    def _(self, body: e.VaultExtras) -> str:
        named = ", ".join((*body.keys, *body.chains)) or "nothing else"
        return f"{self.vault(body.vault)} has besides its two keys: {named}"

    @_words.register
    def _(self, body: e.IdentityCompared) -> str:
        return f"the signing key of {self.host(body.of)} was compared: {_short(body.public_key)}"

    @_words.register
    def _(self, body: e.IdentityTakenBack) -> str:
        return f"a signing key was taken back: {_short(body.public_key)}"

    @_words.register
    def _(self, body: e.ReshareStarted) -> str:
        told = f"{body.threshold} of {body.parties}; staying {', '.join(body.staying)}"
        joining = f"; joining {', '.join(body.joining)}" if body.joining else ""
        return f"reshare {_short(body.plan)} of {self.vault(body.vault)} was started: {told}{joining}"

    @_words.register
    def _(self, body: e.ReshareReported) -> str:
        return f"{body.party} has reported to reshare {_short(body.plan)}"

    @_words.register
    def _(self, body: e.ReshareFinished) -> str:
        return f"reshare {_short(body.plan)} was finished: generation {_short(body.generation)} counts"

    @_words.register
    def _(self, body: e.ReshareAborted) -> str:
        return f"reshare {_short(body.plan)} was given up"

    def _at(self, place: Place | None) -> str:
        return " everywhere" if place is None else f" at {self.place(place)}"


def _short(value: bytes) -> str:
    return value.hex()[:8]


def _share(share: Share) -> str:
    return f"the share of {share.party} of {share.name!r}"


def _what(share: Share | None, backup_id: bytes) -> str:
    whose = "a share without a name" if share is None else _share(share)
    return f"{whose}, backup {_short(backup_id)}"


def body_json(body: Body) -> dict[str, Json]:
    """The fields of an event by name, bytes in hexadecimal."""
    if isinstance(body, e.Unknown):
        return {}
    return _record(body)


def _record(record: Body | Share | Head) -> dict[str, Json]:
    return {field.name: _json(getattr(record, field.name)) for field in fields(record)}


def _json(value: object) -> Json:
    if isinstance(value, Place):
        return str(value)
    if isinstance(value, Share | Head):
        return _record(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_json(one) for one in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError
