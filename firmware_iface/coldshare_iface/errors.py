"""The root of every error that coldshare raises, and the errors of the protocol itself (host side).

Each class has a stable `code` for scripts, a sentence for a person (the message) and the next step to take.
The class docstring is the default sentence, so that what is documented is what is read.
"""

from __future__ import annotations

from typing import ClassVar

from coldshare_iface import wire


class ColdshareError(Exception):
    """Something went wrong that coldshare has no better words for."""

    code: ClassVar[str] = "error"
    #: Exit status of the command line tool; the table is in docs/cli.md.
    exit_status: ClassVar[int] = 1
    #: What the wallet vendor's own tools call the same thing, where they have a code for it.
    vendor: ClassVar[str] = ""
    #: What the person can do now; overridden per instance where more is known.
    next_step: str = ""

    def __init__(self, message: str | None = None, *, next_step: str | None = None) -> None:
        super().__init__(message if message is not None else (type(self).__doc__ or "").strip())
        if next_step is not None:
            self.next_step = next_step

    @property
    def message(self) -> str:
        """The sentence for a person; it never holds a secret."""
        return str(self)


EXIT_SECRET = 4
EXIT_REFUSED = 5
EXIT_DEVICE = 6


class ProtocolError(ColdshareError):
    """Host and token did not understand each other."""

    code = "protocol"
    exit_status = EXIT_DEVICE
    next_step = "Unplug the token, plug it in and try again; if it stays so, its firmware and coldshare do not match."


class ReplyError(ProtocolError):
    """The token's answer is not one that the contract allows."""

    code = "bad_reply"


class TokenError(ColdshareError):
    """The token refused."""

    code = "token"
    exit_status = EXIT_REFUSED
    status: ClassVar[int] = 0

    def __init__(self, detail: int | None = None) -> None:
        super().__init__()
        #: The number the contract gives this status, such as PIN attempts left.
        self.detail = detail


class BadRequestError(TokenError):
    """The token did not understand a request."""

    code = "bad_request"
    exit_status = EXIT_DEVICE
    status = wire.STATUS_BAD_REQUEST
    next_step = "Use versions of coldshare and of the token's firmware that belong together."


class UnknownOperationError(TokenError):
    """The token does not know this operation."""

    code = "unknown_operation"
    exit_status = EXIT_DEVICE
    status = wire.STATUS_UNKNOWN_OP
    next_step = "Update the token's firmware."


class NotSetUpError(TokenError):
    """This token has no PIN yet."""

    code = "not_set_up"
    status = wire.STATUS_NOT_SET_UP
    next_step = "Set it up first: coldshare init --label NAME"


class AlreadySetUpError(TokenError):
    """This token is set up already."""

    code = "already_set_up"
    status = wire.STATUS_ALREADY_SET_UP
    next_step = "Use it with its PIN. A computer that it does not know yet is introduced with: coldshare pair"


class LockedError(TokenError):
    """The token is locked."""

    code = "locked"
    status = wire.STATUS_LOCKED
    next_step = "Give its PIN."


class PinWrongError(TokenError):
    """The PIN is wrong."""

    code = "pin_wrong"
    exit_status = EXIT_SECRET
    status = wire.STATUS_PIN_WRONG
    next_step = "Check the PIN before you try again: after the last attempt the token destroys its keys."

    def __init__(self, detail: int | None = None) -> None:
        super().__init__(detail)
        if detail is not None:
            plural = "" if detail == 1 else "s"
            self.args = (f"The PIN is wrong. {detail} attempt{plural} left before the token destroys its keys.",)


class PinReplugError(TokenError):
    """Three wrong PINs since the token was plugged in; it takes no more until it is plugged in again."""

    code = "pin_replug"
    exit_status = EXIT_SECRET
    status = wire.STATUS_PIN_REPLUG
    next_step = "Make sure of the PIN, unplug the token, plug it in and try again."


class BurntError(TokenError):
    """This token has destroyed its keys after too many wrong PINs; the backups on it cannot be opened with it."""

    code = "burnt"
    exit_status = EXIT_SECRET
    status = wire.STATUS_BURNT
    next_step = (
        "Its sealed shares are still on it, and each opens with its recovery code. Introduce this computer to it anew, "
        "its button HELD: coldshare pair. Then: coldshare restore --recovery, or coldshare export. Without a code use "
        "another backup, or reshare the vault from its other devices. To use the token again: coldshare wipe"
    )


class PinFormatError(TokenError):
    """A PIN has 4 to 12 digits and nothing else."""

    code = "pin_format"
    exit_status = EXIT_SECRET
    status = wire.STATUS_PIN_FORMAT
    next_step = "Choose a PIN of 4 to 12 digits."


class RejectedError(TokenError):
    """The person at the token pressed NO."""

    code = "rejected"
    status = wire.STATUS_REJECTED
    next_step = "Nothing was changed. Run the command again and press YES if what the token shows is right."


class PersonTimeoutError(TokenError):
    """Nobody pressed a button on the token."""

    code = "person_timeout"
    status = wire.STATUS_TIMED_OUT
    next_step = "Nothing was changed. Run the command again and press the button while the token asks."


class CancelledError(TokenError):
    """Cancelled."""

    code = "cancelled"
    exit_status = 130
    status = wire.STATUS_CANCELLED
    next_step = "Nothing was changed."


class PairingsFullError(TokenError):
    """This token is paired with eight computers already."""

    code = "pairings_full"
    status = wire.STATUS_PAIRINGS_FULL
    next_step = "Let it forget one of them, from a computer that it knows: coldshare pairings remove"


class BadDeclarationError(TokenError):
    """The token does not accept what it was told about this share."""

    code = "bad_declaration"
    status = wire.STATUS_BAD_DECLARATION
    next_step = "The vault's name or the party's name may be too long or hold characters that cannot be shown."


class OtherPartyError(TokenError):
    """This token already holds the share of another party of the same vault."""

    code = "other_party"
    vendor = "OTHER_DEVICE_SHARE"
    status = wire.STATUS_OTHER_PARTY
    next_step = "Use another token for this share: two shares of one vault in one place can be lost or stolen together."


class OtherGenerationError(TokenError):
    """This token already holds a share of this party from another generation of the vault."""

    code = "other_generation"
    vendor = "STALE_SHARE"
    status = wire.STATUS_OTHER_GENERATION
    next_step = (
        "The vault was reshared between the two. If this share is the newer one, add --newer: the token then asks, and "
        "keeps both until you retire the old one. If it is the older one, do not back it up: it is stale."
    )


class RetiredGenerationError(TokenError):
    """This share is of a generation that was retired on this token: it is stale."""

    code = "retired_generation"
    vendor = "STALE_SHARE"
    status = wire.STATUS_RETIRED
    next_step = (
        "Back up the share of this party from after the reshare. If the old one counts after all, take it back first: "
        "coldshare un-retire ID"
    )


class NoSpaceError(TokenError):
    """The token has no room for this backup."""

    code = "no_space"
    vendor = "PERSISTENCE_FAILED"
    status = wire.STATUS_NO_SPACE
    next_step = "Use another token, or destroy a backup that you need no more: coldshare remove ID"


class NoSuchBackupError(TokenError):
    """The token has no such backup."""

    code = "no_such_backup"
    status = wire.STATUS_NOT_FOUND
    next_step = "See what it holds: coldshare list"


class BadStateError(TokenError):
    """The token cannot do this now."""

    code = "bad_state"
    exit_status = EXIT_DEVICE
    status = wire.STATUS_BAD_STATE
    next_step = "Run the command again from the start."


class BadOffsetError(TokenError):
    """Host and token disagree about how much has been transferred."""

    code = "bad_offset"
    exit_status = EXIT_DEVICE
    status = wire.STATUS_BAD_OFFSET
    next_step = "Run the command again from the start."


class BadDigestError(TokenError):
    """What the token stored is not what was sent."""

    code = "bad_digest"
    vendor = "PERSISTENCE_FAILED"
    exit_status = EXIT_DEVICE
    status = wire.STATUS_BAD_DIGEST
    next_step = "Nothing was replaced. Run the command again; if it happens again, the token's flash may be failing."


class TokenStorageError(TokenError):
    """The token's storage failed."""

    code = "token_storage"
    vendor = "PERSISTENCE_FAILED"
    exit_status = EXIT_DEVICE
    status = wire.STATUS_STORAGE
    next_step = "Check the backups on this token with coldshare verify, and move them to another one."


def _by_status() -> dict[int, type[TokenError]]:
    return {kind.status: kind for kind in TokenError.__subclasses__()}


def token_error(status: int, detail: int | None = None) -> ColdshareError:
    """The error that a reply with `status` stands for."""
    kind = _by_status().get(status)
    if kind is None:
        return ReplyError(f"The token answered with status {status}, which this version does not know.")
    return kind(detail)
