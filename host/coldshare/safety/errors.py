"""Why a share may not go onto a device."""

from __future__ import annotations

from typing import ClassVar

from coldshare.errors import InputError, RefusedError

__all__ = [
    "DuplicateVaultError",
    "IncompatibleVaultError",
    "OtherDeviceShareError",
    "PartyAliveError",
    "StaleShareError",
    "WhichDeviceError",
]


class PartyAliveError(RefusedError):
    """This party is not lost: its share on another device gives two devices one share, and brings no party back."""

    code: ClassVar[str] = "party_alive"
    next_step = (
        "If its device is gone, or was reset and has lost its share, say so first: coldshare lost PARTY. To import the "
        "share on its own device once more, restore it without --onto. If two devices are to have one share all the "
        "same: --although-alive"
    )


class DuplicateVaultError(RefusedError):
    """That device has this very share already: it was restored onto it, and is not lost since."""

    code: ClassVar[str] = "duplicate_vault"
    vendor: ClassVar[str] = "DUPLICATE_VAULT"
    next_step = (
        "If it was never imported there, restore it once more without --onto. If that device is gone, or was reset: "
        "coldshare lost PARTY"
    )


class OtherDeviceShareError(RefusedError):
    """That device has the share of another party, and importing this one would turn it into a device of this party."""

    code: ClassVar[str] = "other_device_share"
    vendor: ClassVar[str] = "OTHER_DEVICE_SHARE"
    next_step = (
        "Use a device that has no share of this vault. If the other share is to be given up, name both by hand: the "
        "party whose device it is with --turn, and the one that it becomes with --into."
    )

    def __init__(
        self, message: str | None = None, *, next_step: str | None = None, other: str = "", party: str = ""
    ) -> None:
        super().__init__(message, next_step=next_step)
        #: Whose device it is, and whose it would become; both empty where names were given that do not fit.
        self.other = other
        self.party = party


class StaleShareError(RefusedError):
    """This share is not of the generation that counts: it would not sign together with the others."""

    code: ClassVar[str] = "stale_share"
    vendor: ClassVar[str] = "STALE_SHARE"
    next_step = "See what is possible now: coldshare lost PARTY"


class WhichDeviceError(InputError):
    """The share was on more than one device, and nothing says which of them was found."""

    code: ClassVar[str] = "which_device"
    next_step = "Say which one: coldshare lost --found PARTY --device NAME. The first one is called as the party is."


class IncompatibleVaultError(RefusedError):
    """This share and what is known of its vault do not belong together."""

    code: ClassVar[str] = "incompatible_vault"
    vendor: ClassVar[str] = "INCOMPATIBLE_VAULT"
    next_step = (
        "One of the two is not what it seems, so do not import it. Compare both: coldshare ledger log, and coldshare "
        "inspect FILE of another share of this vault. Then use another backup of this share."
    )
