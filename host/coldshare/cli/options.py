"""Options and the opening of a token, shared by the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import click

from coldshare.cli import entry
from coldshare.cli.complete import addresses, places
from coldshare.cli.tracing import open_traced, trace_options
from coldshare.cli.ui import Ui
from coldshare.errors import RefusedError

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.device.pairings import PairingStore
    from coldshare.device.token import TokenClient
    from coldshare_iface.errors import BurntError

F = TypeVar("F", bound=Callable[..., Any])


class PersonNeededError(RefusedError):
    """Pairing needs a person who compares the code on the token's screen with the one here."""

    code = "person_needed"
    next_step = "Run this in a terminal."


def _address(context: click.Context, parameter: click.Parameter, text: str | None) -> Address | None:
    """First of all: nobody types a PIN for a token that cannot be reached."""
    if context.resilient_parsing:
        return None
    from coldshare.device.address import Address
    from coldshare.device.transport import check_supported

    address = plugged_in() if text is None else Address.parse(text)
    if address.scheme == "folder":
        from coldshare.places.errors import FolderVerbError

        raise FolderVerbError
    check_supported(address)
    return address


def _place(context: click.Context, parameter: click.Parameter, text: str | None) -> Address | None:
    """As `_address`, for a command that works with a folder, too."""
    if text is not None and text.startswith("folder:") and not context.resilient_parsing:
        from coldshare.device.address import Address

        return Address.parse(text)
    return _address(context, parameter, text)


def _place_if_any(context: click.Context, parameter: click.Parameter, text: str | None) -> Address | None:
    return None if text is None else _place(context, parameter, text)


def plugged_in() -> Address:
    """The token to use when none was named: the one that is plugged in. Raises NoAddressError, SeveralTokensError."""
    from coldshare.device import discovery
    from coldshare.errors import ColdshareError

    labels: dict[str, str] = {}
    with suppress(ColdshareError):  # what is wrong with them is for those to say who need the keys
        labels = {one.serial.hex(): one.label for one in pairings().all()}
    return discovery.only(labels)


def _address_if_any(context: click.Context, parameter: click.Parameter, text: str | None) -> Address | None:
    return None if text is None else _address(context, parameter, text)


json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
_AT: dict[str, Any] = {
    "metavar": "ADDR",
    "envvar": "COLDSHARE_AT",
    "shell_complete": addresses,
    "help": "Which token, by an address of coldshare tokens; sim:PATH is a software one in a file. Also COLDSHARE_AT. "
    "Default: the one that is plugged in.",
}


def at_option(function: F) -> F:
    """--at, and the options of what is done at every token."""
    return click.option("--at", callback=_address, **_AT)(trace_options(function))


def at_option_if_any(function: F) -> F:
    """The same, for a command that can do without a token."""
    return click.option("--at", callback=_address_if_any, **_AT)(trace_options(function))


_AT_PLACE: dict[str, Any] = _AT | {
    "shell_complete": places,
    "help": "Which token, by an address of coldshare tokens; folder:PATH is a folder, on a stick; sim:PATH is a "
    "software token in a file. Also COLDSHARE_AT. Default: the token that is plugged in.",
}


def place_options(function: F) -> F:
    """As `token_options`, and --at takes a folder, too."""
    return click.option("--at", callback=_place, **_AT_PLACE)(trace_options(pin_option(json_option(function))))


def place_options_if_any(function: F) -> F:
    """The same, for a command that can do without: `at` may be None."""
    return click.option("--at", callback=_place_if_any, **_AT_PLACE)(trace_options(pin_option(json_option(function))))


pin_option = click.option("--pin-file", metavar="FILE", help="Read the PIN from FILE (- for standard input).")
password_option = click.option(
    "--password-file", metavar="FILE", help="Read the backup password from FILE (- for standard input)."
)
backup_option = click.option(
    "--backup", "prefix", metavar="ID", help="Which backup, by the first characters of its id."
)


def token_options(function: F) -> F:
    """--at, --pin-file and --json."""
    return at_option(pin_option(json_option(function)))


def token_options_if_any(function: F) -> F:
    """The same, for a command that can do without a token: `at` may be None."""
    return at_option_if_any(pin_option(json_option(function)))


def pairings() -> PairingStore:
    from coldshare.device.pairings import PairingStore
    from coldshare.home import pairings_path

    return PairingStore(pairings_path())


@contextmanager
def open_token(at: Address, ui: Ui, *, create: bool = False) -> Iterator[TokenClient]:
    """The token at that address, reached but not yet unlocked. Ctrl-C cancels on the token, too."""
    from coldshare.device.token import TokenClient
    from coldshare.device.transport import open_transport

    with ui.interruptible():
        transport = open_traced(at, ui, lambda: open_transport(at, create=create, on_wait=_waiting(ui)))
        ui.unattended = transport.unattended
        with TokenClient.over(transport, on_status=ui.on_status, cancel=ui.cancel) as client:
            yield client


def _waiting(ui: Ui) -> Callable[[float], None]:
    """What to do while another coldshare uses the token: say so after a second, and heed Ctrl-C."""
    said = False

    def wait(seconds: float) -> None:
        nonlocal said
        if ui.cancel.is_set():
            raise KeyboardInterrupt
        if seconds >= 1 and not said:
            said = True
            ui.note("Another coldshare uses this token. Waiting until it has finished ...")

    return wait


def unlock(client: TokenClient, pin_file: str | None, ui: Ui, *, introduce: bool = False, copies: bool = False) -> str:
    """Open the secure channel and unlock with the PIN. Returns the token's label.

    With `introduce` a computer that is new to the token is paired with it first. With `copies` a token that has
    destroyed its keys will do, too: it is asked for no PIN, and has no label.
    """
    from coldshare.cli.happened import notices
    from coldshare.device.errors import NotPairedError
    from coldshare.device.token import check_pin
    from coldshare_iface import wire
    from coldshare_iface.errors import BurntError, NotSetUpError

    store = pairings()
    try:
        client.connect(store)
    except (NotPairedError, BurntError):
        state = client.info.state
        if not introduce or state == wire.TOKEN_NEW or (state == wire.TOKEN_BURNT and not copies):
            raise
        if store.find(client.info.serial) is not None:
            raise  # it was not burnt when we last met: what we know of it is given up on purpose only, with `pair`
        ui.note("This computer is new to the token, so the two are introduced first.")
        known = ", ".join(f"{one.label!r} ({one.serial.hex()})" for one in store.all())
        if known:
            ui.note(f"It knows other ones: {known}. If this looks like one of them, it is not: then press NO there.")
        pair(client, store, ui)
        client.connect(store)
    if client.info.state == wire.TOKEN_NEW:
        raise NotSetUpError
    if client.info.state == wire.TOKEN_BURNT:
        if not copies:
            raise only_copies()
        ui.note("This token has destroyed its keys. It takes no PIN, and gives copies of its sealed shares.")
        return ""
    with ui.prompting():
        pin = entry.get(pin_file, "PIN of the token", "--pin-file", check=check_pin)
    ui.unlocking = True
    try:
        label = client.unlock(pin)
    finally:
        ui.unlocking = False
    for line in notices(client):
        ui.note(line)
    return label


def only_copies() -> BurntError:
    """What to raise where a burnt token, paired anew, is asked for more than copies."""
    from coldshare_iface.errors import BurntError

    error = BurntError()
    error.next_step = _COPIES_ONLY
    return error


_COPIES_ONLY = (
    "What it still does for this computer: coldshare list and coldshare export; coldshare verify and coldshare restore "
    "with a recovery code. To use the token again: coldshare wipe"
)


def pair(client: TokenClient, store: PairingStore, ui: Ui) -> None:
    """Introduce this computer. A token that has destroyed its keys wants its button held for that."""
    from coldshare_iface import wire

    ui.holding = client.info.state == wire.TOKEN_BURNT
    try:
        client.pair(store, compare(client, ui))
    finally:
        ui.holding = False


def compare(client: TokenClient, ui: Ui) -> Callable[[str], bool]:
    """How the person here accepts the comparison code; a scripted simulator accepts for them."""

    def ask(code: str) -> bool:
        if client.unattended:
            return True
        if not entry.person_here():
            raise PersonNeededError
        click.echo(f"\nThe token shows a code on its screen. This computer has:\n\n    {code}\n", err=True)
        with ui.prompting():
            return click.confirm("Are the two the same, every character?", default=False, err=True)

    return ask
