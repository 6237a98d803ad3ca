"""Whatever a host sends, nothing raises out of the token, and it still says who it is afterwards."""

from __future__ import annotations

import functools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from coldshare_firmware.person import BUTTON_HELD, BUTTON_NO, BUTTON_NONE, BUTTON_YES
from coldshare_firmware.request import CHUNK
from coldshare_iface import codec, wire
from support.client import PIN, Bench, FrameRefusedError, Puppet, blob, declaration

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@functools.cache
def base() -> Bench:
    bench = Bench().make_ready()
    bench.host.put(blob(3000))
    return bench


def unlocked() -> Bench:
    bench = base().clone()
    bench.host.again()
    return bench


def alive(bench: Bench) -> None:
    """After whatever came: drain, start afresh, and ask who is there. Never a reply that is not one."""
    while bench.token.read(61) is not None:
        pass
    info = bench.host.hello().read_info()
    assert info[0] == wire.STATUS_OK
    assert info[5] in (wire.TOKEN_READY, wire.TOKEN_BURNT)


CIDS = st.sampled_from([b"\x00\x00\x00\x01", b"\x00\x00\x00\x02", b"\x00\x00\x00\x00", wire.CID_BROADCAST]) | st.binary(
    min_size=4, max_size=4
)
KNOWN_COMMANDS = [
    wire.CMD_PING,
    wire.CMD_INIT,
    wire.CMD_CANCEL,
    wire.CMD_PLAIN,
    wire.CMD_PAIR,
    wire.CMD_SESSION,
    wire.CMD_RECORD,
]
COMMANDS = st.sampled_from([cmd | 0x80 for cmd in KNOWN_COMMANDS]) | st.integers(0, 255)


@st.composite
def reports(draw: st.DrawFn) -> bytes:
    """Reports that look like some more often than not."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=130))
    head = draw(CIDS) + bytes([draw(COMMANDS)])
    length = draw(st.sampled_from([0, 1, 8, 32, 57, 58, 64, 7609, 7610]) | st.integers(0, 0xFFFF)).to_bytes(2, "big")
    return (head + length + draw(st.binary(max_size=57))).ljust(64, b"\0")[:64]


@SETTINGS
@given(st.lists(reports(), max_size=40))
def test_arbitrary_reports(sent: list[bytes]) -> None:
    bench = unlocked()
    for report in sent:
        bench.token.write(report)
        bench.token.read(0)
    alive(bench)


@SETTINGS
@given(st.sampled_from(KNOWN_COMMANDS), st.binary(max_size=300))
def test_arbitrary_messages(cmd: int, data: bytes) -> None:
    bench = unlocked()
    bench.host.write(cmd, data)
    alive(bench)


VALUES: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 64), (1 << 64) - 1)
    | st.sampled_from([0, 1, 2, 16, 3000, wire.BLOB_MAX])
    | st.binary(max_size=40)
    | st.just(bytes(16))
    | st.just(declaration())
    | st.text(max_size=40)
    | st.just(PIN),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 20), inner, max_size=4),
    max_leaves=6,
)
REQUESTS = st.dictionaries(st.integers(0, 5), VALUES, max_size=6)


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 17), REQUESTS), min_size=1, max_size=8))
def test_arbitrary_requests_behind_the_encryption(sent: list[tuple[int, dict[int, object]]]) -> None:
    """A paired and unlocked host is hostile too."""
    bench = unlocked()
    host = bench.host
    for op, fields in sent:
        assert host.session is not None
        try:
            reply = host.opened(host.call(wire.CMD_RECORD, host.session.seal(codec.encode({**fields, 0: op}))))
        except FrameRefusedError:
            break  # it went on guessing until the token burnt
        assert isinstance(reply[0], int)
        assert 0 <= reply[0] <= wire.STATUS_STORAGE
        assert reply[0] != wire.STATUS_STORAGE, "nothing is wrong with this flash"
    alive(bench)


@SETTINGS
@given(st.binary(max_size=200))
def test_arbitrary_bytes_behind_the_encryption(data: bytes) -> None:
    bench = unlocked()
    host = bench.host
    assert host.session is not None
    reply = host.opened(host.call(wire.CMD_RECORD, host.session.seal(data)))
    assert reply[0] in (wire.STATUS_BAD_REQUEST, wire.STATUS_UNKNOWN_OP, wire.STATUS_OK)
    alive(bench)


@SETTINGS
@given(st.binary(max_size=wire.DECLARATION_MAX) | VALUES.map(lambda value: codec.encode(value)[:512]))
def test_arbitrary_declarations(data: bytes) -> None:
    bench = unlocked()
    status = bench.host.status(wire.OP_RESERVE, data)
    assert status in (wire.STATUS_OK, wire.STATUS_BAD_DECLARATION, wire.STATUS_BAD_REQUEST)
    alive(bench)


class OneVault(RuleBasedStateMachine):
    """A small model of one vault's backups against the token, with restarts and a moody person."""

    @initialize()
    def start(self) -> None:
        self.bench = Bench(person=Puppet()).make_ready()
        self.host = self.bench.host
        self.active: bytes | None = None
        self.pending: bytes | None = None
        self.reserved: bytes | None = None
        self.contents: dict[bytes, bytes] = {}
        self.sent = 0

    @rule(size=st.integers(1, 20_000), seed=st.integers(0, 1000))
    def reserve(self, size: int, seed: int) -> None:
        self.reserved, _ = self.host.reserve()
        self.contents[self.reserved] = blob(size, seed)
        self.sent = 0

    @rule(count=st.integers(1, 3))
    def send(self, count: int) -> None:
        if self.reserved is None:
            return
        data = self.contents[self.reserved]
        assert self.host.begin(self.reserved, data) == self.sent
        for _ in range(count):
            if self.sent < len(data):
                self.sent = self.host.ok(wire.OP_CHUNK, self.sent, data[self.sent : self.sent + CHUNK])[1]

    @rule(answer=st.sampled_from([BUTTON_YES, BUTTON_YES, BUTTON_NO, BUTTON_NONE]))
    def commit(self, answer: int) -> None:
        if self.reserved is None or self.sent < len(self.contents[self.reserved]):
            return
        self.host.begin(self.reserved, self.contents[self.reserved])
        self.host.ok(wire.OP_PREPARE, self.reserved)
        self.bench.person.default = answer
        status = self.host.status(wire.OP_COMMIT, self.reserved)
        self.bench.person.default = BUTTON_YES
        if answer != BUTTON_YES:
            assert status in (wire.STATUS_REJECTED, wire.STATUS_TIMED_OUT)
            return
        assert status == wire.STATUS_OK
        if self.active is None:
            self.active = self.pending
        self.pending, self.reserved = self.reserved, None

    @rule()
    def confirm(self) -> None:
        if self.pending is not None:
            self.host.ok(wire.OP_CONFIRM, self.pending)
            self.active, self.pending = self.pending, None

    @rule()
    def abort(self) -> None:
        if self.reserved is not None:
            self.host.ok(wire.OP_ABORT, self.reserved)
            self.reserved = None

    @rule(which=st.sampled_from(["active", "pending"]), answer=st.sampled_from([BUTTON_HELD, BUTTON_YES, BUTTON_NO]))
    def remove(self, which: str, answer: int) -> None:
        backup_id = getattr(self, which)
        if backup_id is None:
            return
        self.bench.person.default = answer
        status = self.host.status(wire.OP_REMOVE, backup_id)
        self.bench.person.default = BUTTON_YES
        if answer != BUTTON_HELD:
            assert status in (wire.STATUS_REJECTED, wire.STATUS_TIMED_OUT)
            return
        assert status == wire.STATUS_OK
        setattr(self, which, None)

    @rule(power=st.booleans())
    def restart(self, power: bool) -> None:
        if power:
            self.bench.power_cycle()
        self.host.again()

    @invariant()
    def holds_what_it_acknowledged(self) -> None:
        if not hasattr(self, "bench"):
            return
        expected = {}
        if self.active is not None:
            expected[self.active] = wire.BACKUP_ACTIVE
        if self.pending is not None:
            expected[self.pending] = wire.BACKUP_PENDING
        assert {held[1]: held[2] for held in self.host.list()} == expected
        for backup_id in expected:
            data = self.contents[backup_id]
            assert self.host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_VERIFY)[1] == len(data)
            assert self.host.get(backup_id, len(data)) == data


TestOneVault = OneVault.TestCase
TestOneVault.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
