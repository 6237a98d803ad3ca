"""What can be wrong with a ledger, or with a file of one."""

from __future__ import annotations

from typing import ClassVar

from coldshare.errors import InputError, IntegrityError, RefusedError

__all__ = [
    "LedgerAlteredError",
    "LedgerBusyError",
    "LedgerDamagedError",
    "LedgerFailedError",
    "LedgerFileError",
    "LedgerForeignError",
    "LedgerFullError",
    "LedgerNewerError",
    "NoLedgerError",
    "OtherLedgerError",
]


class NoLedgerError(InputError):
    """This computer has no ledger yet."""

    code: ClassVar[str] = "no_ledger"
    next_step = "coldshare backup begins one, and coldshare ledger rescan fills it from a token that has backups."


class LedgerForeignError(InputError):
    """The file in the ledger's place is no ledger."""

    code: ClassVar[str] = "ledger_foreign"
    next_step = (
        "Move it away; coldshare has changed nothing in it. Then coldshare ledger import brings an exported ledger "
        "back, and coldshare ledger rescan what the tokens hold."
    )


class LedgerDamagedError(InputError):
    """The ledger is damaged."""

    code: ClassVar[str] = "ledger_damaged"
    next_step = (
        "No share is lost by that. coldshare ledger check says what is left; with --rebuild the tables are made anew "
        "from the events. If the events are damaged too: move the file away, then coldshare ledger import FILE of an "
        "export, and coldshare ledger rescan with every token."
    )


class LedgerNewerError(InputError):
    """The ledger was written by a newer version of coldshare."""

    code: ClassVar[str] = "ledger_newer"
    next_step = "Update coldshare on this computer. The ledger is untouched."


class LedgerBusyError(InputError):
    """Another program keeps the ledger locked."""

    code: ClassVar[str] = "ledger_busy"
    next_step = "Wait until the other coldshare has finished, and try again."


class LedgerFailedError(InputError):
    """The ledger cannot be opened or written."""

    code: ClassVar[str] = "ledger_failed"
    next_step = "Check that its folder exists, that you may write there and that the disk is not full."


class LedgerFullError(InputError):
    """The ledger has no room for another event."""

    code: ClassVar[str] = "ledger_full"
    next_step = "Export it and keep the file, move the ledger away, and begin a new one: coldshare ledger rescan"


class LedgerFileError(InputError):
    """The file is not an exported ledger, or is damaged."""

    code: ClassVar[str] = "ledger_file"
    next_step = "Nothing was changed. Export it once more where it came from: coldshare ledger export FILE"


class LedgerAlteredError(IntegrityError):
    """An event stands in both ledgers under one id and says different things: somebody has altered one of them."""

    code: ClassVar[str] = "ledger_altered"
    next_step = "Nothing was changed. Find out which of the two is true before you rely on either."


class OtherLedgerError(RefusedError):
    """The file has nothing in common with this ledger, so it is rather another person's."""

    code: ClassVar[str] = "ledger_other"
    next_step = "If the two are to become one, say so: coldshare ledger join FILE"
