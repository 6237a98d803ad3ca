"""Faults of a cable and of power: the words for them, what each one does, and every way to ask for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from coldshare.device.address import Address
from coldshare.device.errors import AddressError, TokenGoneError, TokenTimeoutError
from coldshare.device.pairings import PairingStore
from coldshare.device.token import TokenClient
from coldshare.device.transport import open_transport
from coldshare.device.transport.sim import SimTransport
from coldshare_iface import framing, wire
from coldshare_sim.clock import RealClock
from coldshare_sim.faults import KINDS, FaultSpecError, FaultyToken, Passed, UnpluggedError, parse
from coldshare_sim.flash import Chip
from coldshare_sim.listen import listen_unix
from coldshare_sim.panel import Panel
from coldshare_sim.person import AbsentPerson, person_for
from coldshare_sim.server import Server
from coldshare_sim.trace import MODES, FlashTrace
from support.desk import PIN, Desk

pytest_plugins = ["pytester"]

SIM = str(Path(sys.executable).with_name("coldshare-sim"))
NONCE = b"12345678"
CID = b"\0\0\0\x01"
#: Three reports, there and back.
PING = bytes(range(150))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


# --- the words


@pytest.mark.parametrize(
    ("spec", "canonical"),
    [
        ("drop:to-token:17", "drop:to-token:17"),
        ("duplicate:to-host:1", "duplicate:to-host:1"),
        ("reorder:to-host:record", "reorder:to-host:record.1"),
        ("truncate:to-host:3", "truncate:to-host:3"),
        ("truncate:to-host:3=0", "truncate:to-host:3=0"),
        ("corrupt:to-token:3", "corrupt:to-token:3=56"),
        ("corrupt:to-token:session.2=511", "corrupt:to-token:session.2=511"),
        ("replay:to-host:9", "replay:to-host:9=1"),
        ("replay:to-host:9=3-8", "replay:to-host:9=3-8"),
        ("replay:to-host:record=7", "replay:to-host:record.1=7"),
        ("delay:to-host:9", "delay:to-host:9=1"),
        ("delay:to-token:9=0.25", "delay:to-token:9=0.25"),
        ("foreign:to-token:9", "foreign:to-token:9=ping"),
        ("foreign:to-token:9=init", "foreign:to-token:9=init"),
        ("stall:to-host:keepalive", "stall:to-host:keepalive.1"),
        ("unplug:to-host:999999999", "unplug:to-host:999999999"),
        ("cut:17", "cut:17=clean"),
        ("cut:17=random", "cut:17=random"),
        ("drop:to-token:1,drop:to-token:1,cut:2=half", "drop:to-token:1,drop:to-token:1,cut:2=half"),
    ],
)
def test_good_ones(spec: str, canonical: str) -> None:
    faults = parse(spec)
    assert ",".join(str(fault) for fault in faults) == canonical
    assert parse(canonical) == faults


BAD = [
    ("", "'' is none of drop, duplicate"),
    ("lose:to-host:1", "'lose' is none of"),
    ("drop:to-host:1,", "'' is none of"),
    ("drop", "a direction and a place, as in drop:to-token:17"),
    ("drop:to-host", "a direction and a place"),
    ("drop:to-host:1:2", "a direction and a place"),
    ("drop:host:1", "'host' is not to-token or to-host"),
    ("drop:to-host:0", "'0' is not the number of a report"),
    ("drop:to-host:-1", "'-1' is not the number of a report"),
    ("drop:to-host:01", "'01' is not the number of a report"),
    ("drop:to-host:\u0661", "is not the number of a report|is no message"),
    ("drop:to-host:", "'' is not the number of a report"),
    ("drop:to-host:9999999999", "is not the number of a report"),
    ("drop:to-host:records", "'records' is no message: those are ping, init"),
    ("drop:to-host:record.", "'' is not the number of a report"),
    ("drop:to-host:record.x", "'x' is not the number of a report"),
    ("drop:to-host:1=1", "a drop has no value"),
    ("stall:to-host:1=", "a stall has no value"),
    ("truncate:to-host:1=1024", "'1024' is no number from 0 to 1023"),
    ("corrupt:to-host:1=x", "'x' is no number from 0"),
    ("replay:to-host:3=3", "only earlier reports"),
    ("replay:to-host:3=2-1", "only earlier reports"),
    ("replay:to-host:1", "only earlier reports"),
    ("replay:to-host:3=0", "'0' is not the number of a report"),
    ("delay:to-host:1=-1", "'-1' is no number of seconds"),
    ("delay:to-host:1=9999", "'9999' is no number of seconds up to 3600"),
    ("delay:to-host:1=1e3", "'1e3' is no number of seconds"),
    ("foreign:to-host:1=cancel", "'cancel' is none of ping, init"),
    ("cut", "a cut has one number"),
    ("cut:to-host:1", "a cut has one number"),
    ("cut:0", "'0' is not the number of a flash operation"),
    ("cut:1=soft", "'soft' is none of clean, half, random"),
]


@pytest.mark.parametrize(("spec", "says"), BAD)
def test_bad_ones_name_what_is_wrong(spec: str, says: str) -> None:
    with pytest.raises(FaultSpecError, match=says):
        parse(spec)


# --- what each one does


class Rig:
    """A token at a bad cable, and what arrives at each end."""

    def __init__(self, spec: str = "", chip: Chip | None = None) -> None:
        self.token = FaultyToken(chip or Chip(), AbsentPerson(), parse(spec) if spec else ())
        self.arrived: list[bytes] = []
        firmware, feed = self.token._token, self.token._token.feed

        def spy(report: bytes) -> None:
            self.arrived.append(report)
            feed(report)

        firmware.feed = spy  # type: ignore[method-assign]

    def send(self, reports: list[bytes]) -> list[bytes]:
        """What comes back, within two seconds of silence."""
        for report in reports:
            self.token.write(report)
        back = []
        while (report := self.token.read(2)) is not None:
            back.append(report)
        return back

    def ping(self, data: bytes = PING) -> list[bytes]:
        return self.send(framing.split(CID, wire.CMD_PING, data))


INIT = framing.split(wire.CID_BROADCAST, wire.CMD_INIT, NONCE)
#: As the token counts them: the INIT is number 1.
SENT = [*INIT, *framing.split(CID, wire.CMD_PING, PING)]


def spoilt(reports: list[bytes], kind: str) -> list[bytes]:
    """The four reports of INIT and PING after something has happened to the third."""
    one, two, three, four = reports
    stranger = b"\xfe\xfe\xfe\xfe"
    return {
        "drop": [one, two, four],
        "duplicate": [one, two, three, three, four],
        "reorder": [one, two, four, three],
        "truncate": [one, two, three[:32], four],
        "truncate=9": [one, two, three[:9], four],
        "corrupt": [one, two, three[:7] + bytes([three[7] ^ 0x80]) + three[8:], four],
        "corrupt=0": [one, two, bytes([three[0] ^ 0x80]) + three[1:], four],
        "corrupt=511": [one, two, three[:63] + bytes([three[63] ^ 1]), four],
        "corrupt=512": [one, two, three, four],
        "replay": [one, two, one, three, four],
        "replay=1-2": [one, two, one, two, three, four],
        "delay=0.4": [one, two, three, four],
        "foreign": [one, two, *framing.split(stranger, wire.CMD_PING, bytes(64)), three, four],
        "stall": [one, two],
    }[kind]


ALL = (
    *("drop", "duplicate", "reorder", "truncate", "truncate=9", "corrupt", "corrupt=0", "corrupt=511", "corrupt=512"),
    *("replay", "replay=1-2", "delay=0.4", "foreign", "stall"),
)


@pytest.mark.parametrize("kind", ALL)
def test_what_arrives_at_the_token(kind: str) -> None:
    name, _, value = kind.partition("=")
    rig = Rig(f"{name}:to-token:3" + (f"={value}" if value else ""))
    rig.send(INIT)
    rig.ping()
    assert rig.arrived == spoilt(SENT, kind)
    assert rig.token.pending == ()


@pytest.mark.parametrize("kind", ALL)
def test_what_arrives_at_the_host(kind: str) -> None:
    clean = Rig()
    answers = [*clean.send(INIT), *clean.ping()]
    assert len(answers) == 4
    name, _, value = kind.partition("=")
    rig = Rig(f"{name}:to-host:3" + (f"={value}" if value else ""))
    assert [*rig.send(INIT), *rig.ping()] == spoilt(answers, kind)
    assert rig.arrived == SENT
    assert rig.token.pending == ()


def test_every_kind_is_tried_here() -> None:
    assert {kind.partition("=")[0] for kind in ALL} | {"unplug", "cut"} == set(KINDS)


def test_another_computers_init() -> None:
    rig = Rig("foreign:to-token:2=init")
    rig.send(INIT)
    back = rig.ping()
    assert rig.arrived[1][:5] == wire.CID_BROADCAST + bytes([wire.CMD_INIT | 0x80])
    assert [report[:4] for report in back] == [wire.CID_BROADCAST, CID, CID, CID]
    rig = Rig("foreign:to-host:2=init")
    rig.send(INIT)
    back = rig.ping()
    assert back[0][:4] == wire.CID_BROADCAST
    assert NONCE not in back[0]


def test_a_delay_takes_its_time_and_keeps_the_order() -> None:
    rig = Rig("delay:to-host:2=1.5")
    rig.send(INIT)
    before = rig.token.clock.now_ms()
    for report in SENT[1:]:
        rig.token.write(report)
    assert rig.token.read(1.4) is None
    assert rig.token.read(0.2) is not None
    assert 1500 <= rig.token.clock.now_ms() - before < 1600
    assert rig.token.read(0) is not None


def test_a_report_that_nothing_overtakes_stays_away() -> None:
    rig = Rig("reorder:to-host:4")
    rig.send(INIT)
    assert len(rig.ping()) == 2
    assert len(rig.ping()) == 4


@pytest.mark.parametrize("direction", ["to-token", "to-host"])
def test_a_token_that_is_pulled_out(direction: str) -> None:
    rig = Rig(f"unplug:{direction}:3")
    rig.send(INIT)
    with pytest.raises(UnpluggedError):
        rig.ping()
    assert len(rig.arrived) == (2 if direction == "to-token" else 4)
    assert rig.token.gone
    for again in (lambda: rig.token.write(SENT[0]), rig.token.poll, lambda: rig.token.read(1)):
        with pytest.raises(UnpluggedError):
            again()
    rig.token.power_cycle()
    assert len(rig.send(INIT)) == 1
    assert len(rig.ping()) == 3


def test_plugging_in_leaves_nothing_on_the_cable() -> None:
    rig = Rig("delay:to-host:2=1,reorder:to-token:5")
    rig.send(INIT)
    for report in [*SENT[1:], SENT[1]]:
        rig.token.write(report)
    rig.token.power_cycle()
    assert rig.token.read(5) is None


def test_a_silent_token_is_not_waited_for() -> None:
    rig = Rig("stall:to-host:1")
    assert rig.send(INIT) == []
    assert not rig.token.waiting
    assert not rig.token.busy
    rig.token.power_cycle()
    assert len(rig.send(INIT)) == 1


@pytest.mark.parametrize(
    ("place", "number"), [("init", 1), ("ping", 2), ("ping.2", 3), ("ping.3", 4), ("ping.4", 5), ("session", None)]
)
def test_places_by_message(place: str, number: int | None) -> None:
    rig = Rig(f"drop:to-token:{place}")
    expected = [*SENT, *SENT[1:]]
    for report in expected:
        rig.token.write(report)
    if number is not None:
        del expected[number - 1]
    assert rig.arrived == expected


def test_each_happens_once_and_several_at_one_report() -> None:
    rig = Rig("drop:to-host:1,duplicate:to-host:2,corrupt:to-host:2=0,drop:to-host:4")
    assert rig.send(INIT) == []
    back = rig.ping()
    assert back[0] == back[1]
    assert back[0][0] == 0x80
    assert len(back) == 3
    assert len(rig.send(INIT)) == 1


def test_counts_begin_when_it_is_armed() -> None:
    rig = Rig("drop:to-host:9")
    rig.send(INIT)
    rig.ping()
    assert rig.token.passed == Passed(4, 4, 0)
    rig.token.arm(parse("drop:to-host:2"))
    assert rig.token.passed == Passed(0, 0, 0)
    assert len(rig.ping()) == 2
    assert rig.token.passed == Passed(3, 3, 0)


def test_reports_take_time_so_that_chatter_ends() -> None:
    rig = Rig()
    before = rig.token.clock.now_ms()
    for _ in range(100):
        rig.token.write(SENT[0])
        assert rig.token.poll() is not None
    assert rig.token.clock.now_ms() - before == pytest.approx(200, abs=1)


# --- power


def set_up(desk: Desk, spec: str) -> tuple[FaultyToken, TokenClient]:
    """A token that is unlocked, and the cable of which is `spec` from then on."""
    token = FaultyToken(desk.token(), person_for("approve"))
    client = TokenClient(SimTransport(token, token.report_size, unattended=True))
    client.connect(desk.store)
    client.unlock(PIN)
    token.arm(parse(spec) if spec else ())
    return token, client


def test_a_power_cut_at_any_operation_leaves_the_old_or_the_new(desk: Desk) -> None:
    token, client = set_up(desk, "")
    client.set_label("Safe B")
    total = token.passed.flash
    assert total > 3
    labels = []
    for at in range(1, total + 1):
        for mode in MODES:
            token, client = set_up(desk, f"cut:{at}={mode}")
            with pytest.raises(TokenGoneError):
                client.set_label("Safe B")
            assert token.passed.flash == at
            token.power_cycle()
            again = TokenClient(client._transport)
            again.connect(desk.store)
            labels.append(again.unlock(PIN))
    assert set(labels[:1] + labels[-3:]) == {"Safe A", "Safe B"}
    assert set(labels) == {"Safe A", "Safe B"}


def cut_twice(desk: Desk) -> list[int]:
    """The operations of another label after which the token has something to repair, so that power can go again."""
    _, client = set_up(desk, "")
    client.set_label("Safe B")
    found = []
    for at in range(1, client._transport.token.passed.flash + 1):  # type: ignore[attr-defined]
        token, client = set_up(desk, f"cut:{at}=half,cut:{at + 1}")
        with pytest.raises(TokenGoneError):
            client.set_label("Safe B")
        try:
            token.power_cycle()
        except UnpluggedError:
            found.append(at)
            assert token.gone
            token.power_cycle()
        token.arm(())
        again = TokenClient(client._transport)
        again.connect(desk.store)
        assert again.unlock(PIN) in ("Safe A", "Safe B")
    return found


def test_power_that_is_cut_again_while_the_token_starts(desk: Desk) -> None:
    assert cut_twice(desk)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("at", [1, 2, 5])
def test_an_operation_that_power_is_cut_in(mode: str, at: int) -> None:
    """Byte for byte what a trace of the same operations says; after it there is none."""
    chip, other = Chip(), Chip()
    rig = Rig(f"cut:{at}={mode}", chip)
    other.image[:] = chip.image
    trace = FlashTrace(other)
    for number in range(6):
        data, offset = Random(number).randbytes(256), 40960 + number * 256
        other.program(offset, data)
        if number < at - 1:
            chip.program(offset, data)
        else:
            with pytest.raises(UnpluggedError):
                chip.program(offset, data)
    assert rig.token.gone
    assert bytes(chip.image) == trace.image(at - 1, mode, Random(at))
    rig.token.power_cycle()
    chip.erase(40960)
    assert chip.read(40960, 256) == b"\xff" * 256


# --- by address


def open_at(path: Path, fault: str) -> TokenClient:
    transport = open_transport(Address.parse(f"sim:{path}?user=approve&fault={fault}"), create=True)
    try:
        return TokenClient(transport)
    except BaseException:
        transport.close()
        raise


def test_by_address(tmp_path: Path) -> None:
    store = PairingStore(tmp_path / "pairings.json")
    with open_at(tmp_path / "a.token", "delay:to-host:init=4,foreign:to-token:pair") as client:
        client.pair(store, lambda code: True, "desk")
    with pytest.raises(TokenTimeoutError):
        open_at(tmp_path / "a.token", "stall:to-host:init")
    with open_at(tmp_path / "a.token", "unplug:to-token:session.2") as client, pytest.raises(TokenGoneError):
        client.connect(store)
    with open_at(tmp_path / "a.token", "cut:2=half") as client:
        client.connect(store)
        with pytest.raises(TokenGoneError):
            client.set_up(PIN, "Safe A")


def test_the_host_is_patient_in_the_time_of_the_token(tmp_path: Path) -> None:
    """Five seconds of silence are five seconds of the token's clock, and other channels' chatter uses them up, too."""
    transport = open_transport(Address.parse(f"sim:{tmp_path / 'a.token'}?fault=stall:to-host:plain"), create=True)
    before = transport.clock()  # type: ignore[attr-defined]
    with pytest.raises(TokenTimeoutError):
        TokenClient(transport)
    assert 5 <= transport.clock() - before < 6  # type: ignore[attr-defined]
    transport.close()


@pytest.mark.parametrize(("spec", "says"), [one for one in BAD if "\u0661" not in one[0]])
def test_a_bad_one_in_an_address_makes_no_token(tmp_path: Path, spec: str, says: str) -> None:
    path = tmp_path / "a.token"
    with pytest.raises(AddressError, match=says):
        open_transport(Address.parse(f"sim:{path}?fault={spec}"), create=True)
    assert not path.exists()


@pytest.mark.parametrize("at", ["sim+unix:/x", "sim+tcp:127.0.0.1:1", "hid:00"])
def test_other_addresses_take_none(at: str) -> None:
    with pytest.raises(AddressError, match="'fault', which"):
        Address.parse(f"{at}?fault=drop:to-host:1")


# --- served


def test_a_served_token_that_is_pulled_out_is_plugged_in_again(short: Path) -> None:
    panel = Panel(person_for("approve"))
    faults = parse("unplug:to-host:plain,unplug:to-token:init.2,cut:1=half")
    token = FaultyToken(Chip(), panel, faults, clock=RealClock())
    server = Server(token, panel, listen_unix(short / "token"), None, "approve")

    def client() -> TokenClient:
        transport = open_transport(Address.parse(server.address))
        try:
            return TokenClient(transport)
        except BaseException:
            transport.close()
            raise

    with server.in_background():
        for _ in range(2):
            with pytest.raises(TokenGoneError):
                client()
        store = PairingStore(short / "pairings.json")
        with client() as one, pytest.raises(TokenGoneError):
            one.pair(store, lambda code: True)
        with client() as one:
            one.pair(store, lambda code: True)
            one.connect(store)
    assert server.failure is None
    assert token.pending == ()


def test_a_served_token_outlives_a_power_cut_while_it_starts(desk: Desk, short: Path) -> None:
    at = cut_twice(desk)[0]
    panel = Panel(person_for("approve"))
    token = FaultyToken(desk.token(), panel, clock=RealClock())
    server = Server(token, panel, listen_unix(short / "token"), None, "approve")
    with server.in_background():
        with TokenClient(open_transport(Address.parse(server.address))) as client:
            client.connect(desk.store)
            client.unlock(PIN)
            token.arm(parse(f"cut:{at}=half,cut:{at + 1}"))
            with pytest.raises(TokenGoneError):
                client.set_label("Safe B")
        with TokenClient(open_transport(Address.parse(server.address))) as client:
            client.connect(desk.store)
            assert client.unlock(PIN) in ("Safe A", "Safe B")
    assert server.failure is None
    assert token.pending == ()


@pytest.mark.parametrize("command", [("serve", "a.token", "--unix", "socket"), ("exec",)])
def test_a_bad_one_on_the_command_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    tail = ("--create",) if command[0] == "serve" else ("--", "true")
    done = subprocess.run(
        [SIM, *command, "--fault", "drop:to-host", *tail], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Error (bad_fault): The fault 'drop:to-host' cannot be" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_exec_with_a_fault(tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(PIN)
    fault = ("--fault", "unplug:to-host:session")
    command = (str(Path(sys.executable).with_name("coldshare")), "list", "--pin-file", "pin")
    done = subprocess.run(
        [SIM, "exec", "--pin-file", "pin", *fault, "--", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 6
    assert "Error (token_gone)" in done.stderr


# --- in pytest

PLUGIN = """
    import os

    import pytest

    from coldshare.device.errors import TokenGoneError, TokenTimeoutError
    from coldshare.device.address import Address
    from coldshare.device.token import TokenClient
    from coldshare.device.transport import open_transport
    from coldshare_sim.faults import FaultSpecError


    @pytest.mark.coldshare(fault="unplug:to-host:keepalive")
    def test_marker(coldshare_token, coldshare_cable, coldshare_make_token, coldshare_flash):
        assert coldshare_token.backups() == []
        with pytest.raises(TokenGoneError):
            coldshare_token.set_label("Safe B")
        assert coldshare_cable.happened
        again = coldshare_make_token(image=coldshare_flash.image)
        again.set_label("Safe B")  # no fault there


    def test_every_report(coldshare_make_token, coldshare_token, coldshare_cable, coldshare_flash):
        before = coldshare_flash.image
        coldshare_token.set_label("Safe B")
        passed = coldshare_cable.passed
        assert min(passed) > 0
        for direction, count in (("to-token", passed.to_token), ("to-host", passed.to_host)):
            for number in range(1, count + 1):
                token = coldshare_make_token(image=before, fault=f"stall:{direction}:{number}")
                with pytest.raises(TokenTimeoutError):
                    token.set_label("Safe B")


    def test_counts_from_now(coldshare_token, coldshare_cable):
        coldshare_token.backups()
        coldshare_cable.fault("drop:to-host:1")
        assert not coldshare_cable.happened
        with pytest.raises(TokenTimeoutError):
            coldshare_token.backups()
        with pytest.raises(FaultSpecError):
            coldshare_cable.fault("drop")


    def test_pulled_by_hand(coldshare_token, coldshare_cable):
        coldshare_cable.unplug()
        with pytest.raises(TokenGoneError):
            coldshare_token.backups()


    @pytest.mark.coldshare(fault="unplug:to-host:init")
    def test_served(coldshare_address, coldshare_cable):
        transport = open_transport(Address.parse(coldshare_address))
        with pytest.raises(TokenGoneError):
            TokenClient(transport)
        transport.close()
        assert coldshare_cable.happened
        with TokenClient(open_transport(Address.parse(coldshare_address))) as client:
            assert client.info.serial


    @pytest.mark.coldshare(fault="unplug:to-host:record")
    def test_both(coldshare_address, coldshare_token):
        with pytest.raises(TokenGoneError):
            coldshare_token.backups()


    @pytest.mark.coldshare(fault="drop:to-mars:1")
    def test_bad(coldshare_token): ...


    def test_no_token(coldshare_cable):
        coldshare_cable.unplug()
"""


def test_the_plugin(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PLUGIN)
    done = pytester.runpytest_subprocess("-W", "error", "--strict-markers")
    done.assert_outcomes(passed=6, errors=1, failed=1)
    done.stdout.fnmatch_lines_random(["*'to-mars' is not to-token or to-host*", "*There is no token at the cable*"])
