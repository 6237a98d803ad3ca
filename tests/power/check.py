"""What must hold for whatever a power cut leaves: the old token or the new one, usable, and nobody better off."""

from __future__ import annotations

import hashlib
import traceback
from dataclasses import dataclass, fields, replace

from coldshare_firmware.keys import RESERVED
from coldshare_firmware.request import CHUNK
from coldshare_iface import wire
from coldshare_sim.flash import Operation
from power.images import BlockChip, Image, Memo, after
from power.state import BLOBS, DATA, SMALL, Seen, View, look
from power.trial import Board, Run, Step
from support.client import HELD, LABEL, PIN, Bench, Host, Puppet, declaration

_SEED = 1000
#: Blocks for an entry of the audit ring that was written and did not come to count; the next one takes its place.
_ROOM = 2
_SEED_OF_USE = 2000


@dataclass(frozen=True)
class Verdict:
    """What became of an image when power came back."""

    #: None when it could not even be looked at.
    seen: Seen | None
    #: What power-up did to the flash.
    operations: tuple[Operation, ...]
    #: What is wrong, as a traceback.
    problem: str | None = None


def power_up(chip: BlockChip) -> Verdict:
    """Let the token start, and look at its flash."""
    operations: list[Operation] = []
    chip.before = operations.append
    try:
        Board(chip, seed=_SEED)
        return Verdict(look(chip), tuple(operations))
    except Exception:
        return Verdict(None, tuple(operations), traceback.format_exc(limit=-6))


def try_out(chip: BlockChip) -> str | None:
    """Use a token, whatever it says it is, as that; what goes wrong, as a traceback."""
    try:
        bench = Board(chip, Puppet(default=HELD), seed=_SEED_OF_USE)
        use(bench, look(chip))
    except Exception:
        return traceback.format_exc(limit=-6)
    return None


class Judge:
    """Power up, look, try out, each once for all images that agree in everything that it reads.

    Most of what a cut leaves behind is gone after power-up, so there is much less to try out than to power up. That a
    token can be used in the very session in which it recovered is what telling the story again shows.
    """

    def __init__(self) -> None:
        self._power_up = Memo(power_up)
        self._try_out = Memo(try_out)

    @property
    def runs(self) -> int:
        return self._power_up.runs + self._try_out.runs

    def __call__(self, image: Image) -> Verdict:
        verdict = self._power_up(image)
        if verdict.problem is not None:
            return verdict
        return replace(verdict, problem=self._try_out(after(image, verdict.operations)))


def use(bench: Bench, seen: Seen) -> None:
    """Whatever the token says it is, it can be used as that. Raises AssertionError, or what else goes wrong."""
    host, view = bench.host, seen.view
    if view.state == wire.TOKEN_BURNT:
        _use_burnt(host, view)
        host.hello()
        assert host.wipe() == {0: wire.STATUS_OK}
        view = View(wire.TOKEN_NEW, None)
        host.hello()
    if seen.psks and view.state == wire.TOKEN_READY:
        host.psk_id, host.psk = seen.psks[-1]
    else:
        assert host.pair()[0] == wire.STATUS_OK
    host.open()
    if view.state == wire.TOKEN_NEW:
        host.ok(wire.OP_SET_UP, PIN, LABEL)
    host.ok(wire.OP_UNLOCK, view.pin or PIN)
    listed = {held[1]: held for held in host.list()}
    assert {backup_id: held[2] for backup_id, held in listed.items()} == {
        backup_id: state for backup_id, state, *_ in view.backups if state != RESERVED
    }
    for backup_id, state, digest, declared in view.backups:
        if state != RESERVED:
            size = host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)[1]
            assert hashlib.sha256(host.get(backup_id, size)).digest() == digest
            assert hashlib.sha256(listed[backup_id][4]).digest() == declared
    for backup_id in [backup[0] for backup in view.backups if backup[1] == RESERVED]:
        _finish(host, backup_id, seen)
    for held in host.list()[wire.BACKUPS_MAX - 1 :]:
        host.ok(wire.OP_REMOVE, held[1])
    backup_id, _ = host.put(SMALL, declaration(vault=b"u" * 33))
    assert host.get(backup_id, len(SMALL)) == SMALL


def _use_burnt(host: Host, view: View) -> None:
    """The sealed bytes are still there for whoever has the token and holds its button."""
    assert host.pair()[0] == wire.STATUS_OK
    host.open()
    assert {(held[1], held[2]) for held in host.list()} == {(each[0], wire.BACKUP_KEYLESS) for each in view.backups}
    for backup_id, _, digest, _ in view.backups:
        reply = host.ok(wire.OP_OPEN, backup_id, wire.PURPOSE_RESTORE)
        assert 4 not in reply, "a burnt token released a factor"
        assert hashlib.sha256(host.get(backup_id, reply[1])).digest() == digest


def _finish(host: Host, backup_id: bytes, seen: Seen) -> None:
    """What was staged goes on where it stopped, and what arrives is the share."""
    data = DATA
    if seen.staged is not None:
        _, have, digest = seen.staged
        data = BLOBS[digest]
        assert host.begin(backup_id, data) == have
        if not seen.good:
            while have < len(data):
                have = host.ok(wire.OP_CHUNK, have, data[have : have + CHUNK])[1]
            assert host.status(wire.OP_PREPARE, backup_id) == wire.STATUS_BAD_DIGEST
    host.send(backup_id, data)
    host.ok(wire.OP_COMMIT, backup_id)
    assert host.get(backup_id, len(data)) == data
    host.ok(wire.OP_CONFIRM, backup_id)


@dataclass(frozen=True)
class Allowed:
    """What a token may be when power was cut at one instant of a run."""

    old: Step
    new: Step | None
    #: The PIN has been compared: the attempt must be on flash.
    compared: bool

    def judge(self, verdict: Verdict) -> tuple[str, str | None]:
        """("old", "new", "between" or "neither", what is wrong)."""
        seen = verdict.seen
        if seen is None:
            return "neither", verdict.problem
        outcome = self._outcome(seen.view)
        problem = verdict.problem or (self._wrong(seen) if outcome != "neither" else self._neither(seen.view))
        return outcome, problem

    def _outcome(self, view: View) -> str:
        before = self.old.seen.view
        if _equal(view, before) and not self.compared:
            return "old"
        if self.new is None:
            return "neither"
        if _equal(view, self.new.seen.view):
            return "new"
        return "between" if view in _between(self.new, before) else "neither"

    def _neither(self, view: View) -> str:
        lines = ["neither old nor new" + (", and the PIN had been compared" if self.compared else "")]
        lines += differences("old", self.old.seen.view, view)
        return "\n".join(lines if self.new is None else lines + differences("new", self.new.seen.view, view))

    def _wrong(self, seen: Seen) -> str | None:
        """What was acknowledged of a transfer need not be sent again, unless what is under way replaces it. And a
        cut costs no room."""
        after = self.old if self.new is None else self.new
        if seen.used > max(self.old.seen.used, after.seen.used) + _ROOM:
            return f"{seen.used} blocks are used, {self.old.seen.used} were before and {after.seen.used} after"
        sent = dict(self.old.sent)
        if self.new is not None and self.new.op in (wire.OP_BEGIN, wire.OP_PREPARE, wire.OP_COMMIT):
            after = dict(self.new.sent)
            sent = {backup_id: min(offset, after.get(backup_id, 0)) for backup_id, offset in sent.items()}
        for backup_id, offset in sent.items():
            have = seen.staged[1] if seen.staged is not None and seen.staged[0] == backup_id else 0
            if seen.view.backup(backup_id) == RESERVED and have < offset:
                return f"{offset} bytes were acknowledged, {have} are there"
        return None


def differences(name: str, wanted: View, found: View) -> list[str]:
    """A line for each field in which they differ."""
    return [
        f"  {field.name}: {name} {readable(getattr(wanted, field.name))}, found {readable(getattr(found, field.name))}"
        for field in fields(View)
        if getattr(wanted, field.name) != getattr(found, field.name)
    ]


def readable(value: object) -> str:
    """Bytes by their beginning, in hexadecimal."""
    if isinstance(value, bytes):
        return value[:4].hex()
    if isinstance(value, tuple):
        return "(" + ", ".join(map(readable, value)) + ")"
    return repr(value)


def allowed(run: Run, at: int) -> Allowed:
    done = run.done(at)
    old = run.steps[done]
    new = run.steps[done + 1] if done + 1 < len(run.steps) else None
    compared = any(step == done and when <= at for when, step in run.compared)
    return Allowed(old, new, compared)


def _equal(view: View, step: View) -> bool:
    return view == step or (step.serial is None and replace(view, serial=None) == step)


def _between(step: Step, before: View) -> list[View]:
    """What may also be seen on the way: an attempt that is counted, and for another PIN an attempt that was right.

    The eighth attempt is counted before it is known to be right: power that goes there has burnt the token.
    """
    if step.op not in (wire.OP_UNLOCK, wire.OP_CHANGE_PIN):
        return []
    counted = replace(before, fails=before.fails + 1)
    if counted.fails == wire.PIN_ATTEMPTS:
        counted = _burnt(before)
    right = step.op == wire.OP_CHANGE_PIN and not step.seen.view.fails
    return [counted, _right(before)] if right else [counted]


def _burnt(before: View) -> View:
    nothing = hashlib.sha256().digest()
    left = sorted((each[0], wire.BACKUP_KEYLESS, each[2], nothing) for each in before.backups if each[1] != RESERVED)
    return View(
        wire.TOKEN_BURNT,
        before.serial,
        fails=wire.PIN_ATTEMPTS,
        backups=tuple(left),
        events=(*before.events, (wire.EVENT_BURNT, 0, bytes(16))),
    )


def _right(before: View) -> View:
    if not before.fails:
        return before
    entry = (wire.EVENT_WRONG_PINS, before.fails, bytes(16))
    return replace(before, fails=0, events=(*before.events, entry))
