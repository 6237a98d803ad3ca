"""pytest fixtures for projects that use coldshare: software tokens that are ready in no time (docs/simulator.md).

pytest loads this file for every project of the environment that coldshare is installed in. It imports nothing, then,
that such a project does not have anyway; what a fixture needs is imported when a test asks for it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from coldshare.device.pairings import Pairing, PairingStore
    from coldshare.device.token import TokenClient
    from coldshare.device.transport import Transport
    from coldshare.device.transport.sim import SimTransport
    from coldshare_sim.flash import Chip
    from coldshare_sim.testing import Actor, Cable, FlashProbe

_CHOICES = {"state": ("new", "ready", "burnt"), "user": ("approve", "reject", "absent")}
_PINS = ("0000", "1111")
_MARKER = (
    "coldshare(state='ready', pin='4839', label='Safe A', user='approve', fault=''): the software token of this test. "
    "state is new, ready or burnt; user is approve, reject or absent; fault is what goes wrong on its cable."
)


@dataclass(frozen=True)
class _Wish:
    """What a test wants its token to be."""

    state: str = "ready"
    pin: str = "4839"
    label: str = "Safe A"
    user: str = "approve"
    fault: str = ""


# A token in a state, and the pairing that goes with it: made once, then copied.
_Ready = tuple[bytes, "Pairing | None"]
_Images = dict[tuple[str, str, str, int], _Ready]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)


def _checked(given: dict[str, Any]) -> _Wish:
    known = {field.name for field in fields(_Wish)}
    for name, value in given.items():
        if name not in known:
            pytest.fail(f"coldshare: {name!r} is none of {', '.join(sorted(known))}.", pytrace=False)
        allowed = _CHOICES.get(name)
        if not isinstance(value, str) or (allowed is not None and value not in allowed):
            pytest.fail(f"coldshare: {name}={value!r} is not {' or '.join(allowed or ('a string',))}.", pytrace=False)
    if given.get("fault"):
        from coldshare_sim.faults import FaultSpecError, parse

        try:
            parse(given["fault"])
        except FaultSpecError as error:
            pytest.fail(f"coldshare: {error.message}", pytrace=False)
    return _Wish(**given)


@pytest.fixture(scope="session")
def _coldshare_images() -> _Images:
    return {}


@pytest.fixture
def _coldshare_wish(request: pytest.FixtureRequest) -> _Wish:
    given: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("coldshare"))):  # the closest one last
        if marker.args:
            pytest.fail("coldshare: the marker takes keywords only, such as state='new'.", pytrace=False)
        given.update(marker.kwargs)
    return _checked(given)


@pytest.fixture
def coldshare_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A COLDSHARE_HOME of the test's own; the tokens of this test are paired with it."""
    home = tmp_path / "coldshare-home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("COLDSHARE_HOME", str(home))
    return home


@pytest.fixture
def coldshare_single_host(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For a test that handles the shares of several parties of one vault, which one process or computer is refused
    otherwise: here it is accepted, also for commands that are run as processes of their own."""
    from coldshare import handling

    monkeypatch.setenv("COLDSHARE_SINGLE_HOST", "1")
    with handling.process.fresh(lambda several: True):
        yield


@pytest.fixture
def coldshare_store(coldshare_home: Path) -> PairingStore:
    """The pairing keys in that home."""
    from coldshare.device.pairings import PairingStore

    return PairingStore(coldshare_home / "pairings.json")


@pytest.fixture
def coldshare_pin(_coldshare_wish: _Wish) -> str:
    """The PIN of this test's token."""
    return _coldshare_wish.pin


@pytest.fixture
def coldshare_person(_coldshare_wish: _Wish) -> Iterator[Actor]:
    """Who reads the token's screen and presses its buttons: by default as the marker says, or as a script does."""
    from coldshare_sim.testing import NO, NOBODY, YES, Actor

    actor = Actor({"approve": YES, "reject": NO, "absent": NOBODY}[_coldshare_wish.user])
    yield actor
    actor.finish()


@pytest.fixture
def coldshare_flash(_coldshare_wish: _Wish, _coldshare_images: _Images, coldshare_store: PairingStore) -> FlashProbe:
    """The flash chip of this test's token."""
    from coldshare_sim.testing import FlashProbe

    return FlashProbe(_chip(_coldshare_wish, 0, _coldshare_images, coldshare_store))


@pytest.fixture
def coldshare_cable() -> Cable:
    """The cable to this test's token: faults on it, and how much has passed."""
    from coldshare_sim.testing import Cable

    return Cable()


@pytest.fixture
def coldshare_address(
    request: pytest.FixtureRequest,
    _coldshare_wish: _Wish,
    coldshare_flash: FlashProbe,
    coldshare_person: Actor,
    coldshare_cable: Cable,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """The address of this test's token, for other processes and for code that opens it by itself. Also COLDSHARE_AT.

    The token is served from a thread of this process, in real time.
    """
    from coldshare_sim.clock import RealClock
    from coldshare_sim.errors import BadPlaceError
    from coldshare_sim.faults import FaultyToken
    from coldshare_sim.listen import listen_tcp, listen_unix
    from coldshare_sim.panel import Panel
    from coldshare_sim.server import Server

    folder = Path(tempfile.mkdtemp(prefix="coldshare-sim-"))  # pytest's own are too long for a unix socket
    try:
        try:
            listener = listen_unix(folder / "token")
        except BadPlaceError:
            listener = listen_tcp("127.0.0.1:0")
        panel = Panel(coldshare_person)
        # A script presses by itself as far as a pairing is concerned: nobody here could compare the codes.
        user = None if _coldshare_wish.user == "absent" else _coldshare_wish.user
        token = FaultyToken(coldshare_flash.chip, panel, clock=RealClock())
        coldshare_cable.attach(token)
        if "coldshare_token" not in request.fixturenames:
            coldshare_cable.fault(_coldshare_wish.fault)
        server = Server(token, panel, listener, None, user)
        with server.in_background():
            monkeypatch.setenv("COLDSHARE_AT", server.address)
            yield server.address
        if server.failure is not None:
            raise server.failure
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def coldshare_token(
    request: pytest.FixtureRequest,
    _coldshare_wish: _Wish,
    coldshare_flash: FlashProbe,
    coldshare_person: Actor,
    coldshare_store: PairingStore,
    coldshare_cable: Cable,
) -> Iterator[TokenClient]:
    """A token, plugged in; when it is ready, paired and unlocked, too. Nothing of it waits in real time.

    In a test that uses `coldshare_address` as well, it is the same token, through that address.
    """
    if "coldshare_address" in request.fixturenames:
        from coldshare.device.address import Address
        from coldshare.device.transport import open_transport

        transport: Transport = open_transport(Address.parse(request.getfixturevalue("coldshare_address")))
    else:
        transport = _power_up(coldshare_flash.chip, coldshare_person, coldshare_cable)
    with _open(transport, _coldshare_wish, coldshare_store) as client:
        coldshare_cable.fault(_coldshare_wish.fault)
        yield client


@pytest.fixture
def coldshare_make_token(
    _coldshare_wish: _Wish, _coldshare_images: _Images, coldshare_person: Actor, coldshare_store: PairingStore
) -> Iterator[Callable[..., TokenClient]]:
    """More tokens: `coldshare_make_token(label="Safe B")` takes what the marker takes, the marker being the default but
    for its fault.

    With `image=`, the token on that flash image, plugged in anew: one that a power cut left, or an earlier one. The
    computer forgets how far the token's record went when it last saw it; with `forget=False` it does not, and an image
    that was put back is an error, as it is for a user.
    """
    from coldshare_sim.testing import Cable

    with ExitStack() as stack:
        made = 0

        def make(*, image: bytes | None = None, forget: bool = True, **changes: str) -> TokenClient:
            nonlocal made
            default = {field.name: getattr(_coldshare_wish, field.name) for field in fields(_Wish)}
            wish = _checked(default | {"fault": ""} | changes)
            if image is None:
                made += 1
                chip = _chip(wish, made, _coldshare_images, coldshare_store)
            else:
                from coldshare_sim.flash import Chip

                chip = Chip(image)
                if forget:
                    for pairing in coldshare_store.all():
                        coldshare_store.keep(replace(pairing, seen=None))
            cable = Cable()
            client = stack.enter_context(_open(_power_up(chip, coldshare_person, cable), wish, coldshare_store))
            cable.fault(wish.fault)
            return client

        yield make


def _chip(wish: _Wish, number: int, images: _Images, store: PairingStore) -> Chip:
    """A chip in that state. `number` tells the tokens of one test apart: each has a serial number of its own."""
    from coldshare_sim.flash import Chip

    key = (wish.state, wish.pin, wish.label, number)
    if key not in images:
        images[key] = _prepare(wish)
    image, pairing = images[key]
    if pairing is not None:
        store.keep(pairing)
    return Chip(image)


def _power_up(chip: Chip, person: Actor, cable: Cable | None = None) -> SimTransport:
    from coldshare.device.transport.sim import SimTransport
    from coldshare_sim.faults import FaultyToken

    token = FaultyToken(chip, person)
    if cable is not None:
        cable.attach(token)
    return SimTransport(token, token.report_size, unattended=True)


def _open(transport: Transport, wish: _Wish, store: PairingStore) -> TokenClient:
    from coldshare.device.token import TokenClient
    from coldshare_iface import wire

    try:
        client = TokenClient(transport)
        if client.info.state == wire.TOKEN_READY:
            client.connect(store)
            client.unlock(wish.pin)
    except BaseException:
        transport.close()
        raise
    return client


def _prepare(wish: _Wish) -> _Ready:
    """Through the front door: paired, set up, and burnt with wrong PINs, as a person would."""
    from coldshare.device.pairings import PairingStore
    from coldshare.device.token import TokenClient, check_pin
    from coldshare_iface import wire
    from coldshare_iface.errors import ColdshareError, PinFormatError
    from coldshare_sim.flash import Chip
    from coldshare_sim.testing import Actor

    try:
        check_pin(wish.pin)
    except PinFormatError as error:
        pytest.fail(f"coldshare: pin={wish.pin!r}: {error.message}", pytrace=False)
    chip = Chip()
    with tempfile.TemporaryDirectory(prefix="coldshare-sim-") as folder:
        store = PairingStore(Path(folder) / "pairings.json")
        with TokenClient(_power_up(chip, Actor())) as client:
            if wish.state == "new":
                return bytes(chip.image), None
            client.pair(store, lambda code: True, "pytest")
            client.connect(store)
            client.set_up(wish.pin, wish.label)
        pairing = store.find(client.info.serial)
        if wish.state == "burnt":
            wrong = next(pin for pin in _PINS if pin != wish.pin)
            for _ in range(wire.PIN_ATTEMPTS):
                with TokenClient(_power_up(chip, Actor())) as client, suppress(ColdshareError):
                    client.connect(store)
                    client.unlock(wrong)
            return bytes(chip.image), None
    return bytes(chip.image), pairing
