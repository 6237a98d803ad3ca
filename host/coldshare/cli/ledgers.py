"""This computer's ledger, as the commands open it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coldshare.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.ledger.queries import View
    from coldshare.ledger.store import Ledger

__all__ = ["known", "opened"]


def known() -> View | None:
    """What it knows; None where there is none, or none that can be read."""
    from coldshare.home import ledger_path

    if not ledger_path().exists():
        return None  # without loading what reads one
    from coldshare.ledger.store import Ledger

    try:
        with Ledger(ledger_path(), create=False) as ledger:
            return ledger.view()
    except ColdshareError:
        return None


def opened(next_step: str, *, create: bool = False) -> Ledger:
    """The ledger. Where there is none, and none is made, NoLedgerError has this `next_step`."""
    from coldshare.ledger.errors import NoLedgerError
    from coldshare.ledger.store import Ledger, ledger_path

    try:
        return Ledger(ledger_path(), create=create)
    except NoLedgerError as error:
        error.next_step = next_step
        raise
