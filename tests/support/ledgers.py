"""This home's ledger, as tests look into it and tell it things."""

from __future__ import annotations

from coldshare.ledger import events as e
from coldshare.ledger.queries import View
from coldshare.ledger.store import Ledger, ledger_path


def view() -> View:
    with Ledger(ledger_path(), create=False) as ledger:
        return ledger.view()


def kinds() -> list[str]:
    """What was recorded, by the names of the kinds."""
    with Ledger(ledger_path(), create=False) as ledger:
        return [event.body.name for event in ledger.events()]


def tell(*bodies: e.Body) -> None:
    with Ledger(ledger_path()) as ledger:
        ledger.record(list(bodies))


def vault_id() -> bytes:
    """The only vault that it knows."""
    (one,) = view().vaults()
    return one.vault
