"""What can be wrong around a reshare."""

from __future__ import annotations

from coldshare.errors import InputError, IntegrityError, RefusedError

__all__ = [
    "KeyTakenBackError",
    "NoReshareError",
    "NoSuchKeyError",
    "ReportError",
    "ReportForgedError",
    "ReshareIncompleteError",
    "ReshareNewShareError",
    "ReshareOpenError",
    "ReshareRefusedError",
]


class ReportError(InputError):
    """This is not a report on a reshare, or it is damaged."""

    code = "report_unreadable"
    next_step = "Get it again from the computer that made it: coldshare reshare report"


class ReportForgedError(IntegrityError):
    """The report's signature does not fit: it was altered, or somebody else wrote it."""

    code = "report_forged"
    next_step = "Do not use it. Get it again, directly from the computer that made it: coldshare reshare report"


class KeyTakenBackError(RefusedError):
    """This computer's signing key was taken back, so its reports count nowhere."""

    code = "key_taken_back"
    next_step = (
        "Move the file identity.key out of coldshare's folder for data, and run it again: it makes a new key, which "
        "the other computers have to compare."
    )


class NoSuchKeyError(InputError):
    """No signing key with that fingerprint is known here."""

    code = "no_such_key"
    next_step = "See which keys have signed: coldshare reshare status --json"


class NoReshareError(InputError):
    """No reshare of this vault is under way."""

    code = "no_reshare"
    next_step = "Begin one: coldshare reshare start VAULT. Or bring another party's ledger: coldshare ledger join FILE"


class ReshareOpenError(RefusedError):
    """A reshare of this vault is under way already."""

    code = "reshare_open"
    next_step = "See what it waits for: coldshare reshare status. Or give it up: coldshare reshare abort"


class ReshareRefusedError(RefusedError):
    """This vault cannot be reshared as it is."""

    code = "reshare_refused"
    next_step = "See what stands in the way: coldshare status"


class ReshareNewShareError(RefusedError):
    """This share is not the one that the reshare should have made."""

    code = "reshare_new_share"
    next_step = (
        "Export the vault again on that device, after the reshare, and use the new file. See: coldshare inspect FILE"
    )


class ReshareIncompleteError(RefusedError):
    """Not every party has backed up its new share and reported it."""

    code = "reshare_incomplete"
    next_step = "See who is missing: coldshare reshare status"
