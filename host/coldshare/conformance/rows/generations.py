"""After a reshare: rule 5, as a token keeps it."""

from __future__ import annotations

from coldshare.conformance.bench import Bench
from coldshare.conformance.operator import AGREE, REFUSE
from coldshare.conformance.rules import READY, expect, expect_equal, expect_reply, expect_status, row
from coldshare.conformance.speaker import declaration
from coldshare_iface import wire

OLD = b"\xab\xcd\x01\x02" + b"g" * 28  # that of `declaration()`
NEW = b"\xee\xff\x03\x04" + b"h" * 28


def _next(bench: Bench, *, confirm: bool = True) -> bytes:
    """A share of a newer generation, beside the old one."""
    host = bench.host
    reply = host.ok(wire.OP_RESERVE_NEXT, declaration(generation=NEW))
    backup_id: bytes = reply[1]
    bench.send(backup_id, bench.blob(60))
    host.ok(wire.OP_COMMIT, backup_id)
    if confirm:
        host.ok(wire.OP_CONFIRM, backup_id)
    return backup_id


def _retired(bench: Bench) -> tuple[bytes, bytes]:
    """(old, new) after the old generation was retired."""
    old = bench.put(bench.blob(50))
    new = _next(bench)
    bench.host.ok(wire.OP_RETIRE, new, OLD)
    return old, new


@row("generation-next", "generations", needs=READY, spoils=True)
def next_one(bench: Bench) -> None:
    """A newer share is PENDING beside the ACTIVE one, and NEXT once it was read back; both stay."""
    old = bench.put(bench.blob(50))
    new = _next(bench, confirm=False)
    expect_equal(bench.states(), {old: wire.BACKUP_ACTIVE, new: wire.BACKUP_PENDING}, "the list after commit")
    bench.host.ok(wire.OP_CONFIRM, new)
    expect_equal(bench.states(), {old: wire.BACKUP_ACTIVE, new: wire.BACKUP_NEXT}, "the list after confirm")


@row("generation-shown", "screens", needs=READY, spoils=True, screen=True)
def shown(bench: Bench) -> None:
    """Which of two generations is newer, a person says, and both are on the screen."""
    bench.put(bench.blob(50))
    host = bench.host
    reply = host.ok(wire.OP_RESERVE_NEXT, declaration(generation=NEW))
    bench.send(reply[1], bench.blob(60))
    bench.nobody()
    host.start(wire.OP_COMMIT, reply[1])
    host.read(keepalives=True)
    lines = " ".join(bench.operator.screen())
    bench.withdraw()
    expect(OLD[:4].hex() in lines and NEW[:4].hex() in lines, f"the screen says {lines!r}")


@row("generation-same-refresh", "what-a-token-decides", needs=READY, spoils=True)
def same_refresh(bench: Bench) -> None:
    """While a newer one waits, the old generation is not refreshed: OTHER_GENERATION."""
    bench.put(bench.blob(50))
    _next(bench)
    expect_status(bench.host.status(wire.OP_RESERVE, declaration()), wire.STATUS_OTHER_GENERATION)


@row("generation-retire", "generations", needs=READY, spoils=True)
def retire(bench: Bench) -> None:
    """retire makes the old one RETIRED and the new one ACTIVE, and erases nothing."""
    data = bench.blob(50)
    old = bench.put(data)
    new = _next(bench)
    bench.operator.answer = REFUSE
    expect_reply(bench.host.ask(wire.OP_RETIRE, new, OLD), wire.STATUS_REJECTED, "the answer after NO")
    bench.operator.answer = AGREE
    bench.host.ok(wire.OP_RETIRE, new, OLD)
    bench.power_cycle()
    host = bench.unlock()
    expect_equal(bench.states(), {old: wire.BACKUP_RETIRED, new: wire.BACKUP_ACTIVE}, "the list")
    host.ok(wire.OP_OPEN, old, wire.PURPOSE_RESTORE)
    expect_equal(host.get(old, len(data)), data, "the bytes of the old one")


@row("generation-retire-held", "generations", needs=READY, spoils=True)
def retire_held(bench: Bench) -> None:
    """retire takes a button that is held."""
    bench.put(bench.blob(50))
    new = _next(bench)
    bench.short_press(wire.OP_RETIRE, new, OLD)


@row("generation-retire-verified", "generations", needs=READY, spoils=True)
def retire_verified(bench: Bench) -> None:
    """Nothing is retired for a newer one that was not read back: BAD_STATE."""
    bench.put(bench.blob(50))
    new = _next(bench, confirm=False)
    expect_status(bench.host.status(wire.OP_RETIRE, new, OLD), wire.STATUS_BAD_STATE)


@row("generation-retire-itself", "generations", needs=READY, spoils=True)
def retire_itself(bench: Bench) -> None:
    """A backup does not retire its own generation: BAD_STATE."""
    held = bench.put(bench.blob(50))
    expect_status(bench.host.status(wire.OP_RETIRE, held, OLD), wire.STATUS_BAD_STATE)


@row("generation-stale", "what-a-token-decides", needs=READY, spoils=True)
def stale(bench: Bench) -> None:
    """A share of a retired generation is RETIRED, also after the old backup is destroyed (rule 2)."""
    old, _ = _retired(bench)
    host = bench.host
    expect_status(host.status(wire.OP_RESERVE, declaration()), wire.STATUS_RETIRED, "the status of reserve")
    expect_status(host.status(wire.OP_RESERVE_NEXT, declaration()), wire.STATUS_RETIRED, "the status of reserve-next")
    host.ok(wire.OP_DESTROY, old)
    bench.power_cycle()
    status = bench.unlock().status(wire.OP_RESERVE_NEXT, declaration())
    expect_status(status, wire.STATUS_RETIRED, "the status after it is destroyed")


@row("generation-retire-absent", "generations", needs=READY, spoils=True)
def retire_absent(bench: Bench) -> None:
    """A generation can be retired of which no backup is here."""
    held = bench.put(bench.blob(50), generation=NEW)
    bench.host.ok(wire.OP_RETIRE, held, OLD)
    expect_status(bench.host.status(wire.OP_RESERVE_NEXT, declaration()), wire.STATUS_RETIRED, "the status of reserve")


@row("generation-un-retire", "generations", needs=READY, spoils=True)
def un_retire(bench: Bench) -> None:
    """un-retire takes it back: the old one is ACTIVE, the new one NEXT."""
    old, new = _retired(bench)
    bench.host.ok(wire.OP_UN_RETIRE, new, OLD)
    expect_equal(bench.states(), {old: wire.BACKUP_ACTIVE, new: wire.BACKUP_NEXT}, "the list")
    status = bench.host.status(wire.OP_UN_RETIRE, new, OLD)
    expect_status(status, wire.STATUS_NOT_FOUND, "the status of a second un-retire")


@row("generation-un-retire-held", "generations", needs=READY, spoils=True)
def un_retire_held(bench: Bench) -> None:
    """un-retire takes a button that is held."""
    _, new = _retired(bench)
    bench.short_press(wire.OP_UN_RETIRE, new, OLD)


@row("generation-destroy", "generations", needs=READY, spoils=True)
def destroy(bench: Bench) -> None:
    """destroy takes what is retired and nothing else."""
    old, new = _retired(bench)
    expect_status(bench.host.status(wire.OP_DESTROY, new), wire.STATUS_BAD_STATE, "the status for the ACTIVE one")
    bench.host.ok(wire.OP_DESTROY, old)
    expect_equal(bench.states(), {new: wire.BACKUP_ACTIVE}, "the list")


@row("generation-destroy-held", "generations", needs=READY, spoils=True)
def destroy_held(bench: Bench) -> None:
    """destroy takes a button that is held."""
    old, _ = _retired(bench)
    bench.short_press(wire.OP_DESTROY, old)


@row("generation-remove-active", "generations", needs=READY, spoils=True)
def remove_active(bench: Bench) -> None:
    """When the ACTIVE one is removed, the NEXT one takes its place, and the old generation is retired."""
    old = bench.put(bench.blob(50))
    new = _next(bench)
    bench.host.ok(wire.OP_REMOVE, old)
    expect_equal(bench.states(), {new: wire.BACKUP_ACTIVE}, "the list")
    expect_status(bench.host.status(wire.OP_RESERVE_NEXT, declaration()), wire.STATUS_RETIRED, "the status of the old")


@row("generation-first", "what-a-token-decides", needs=READY, spoils=True)
def first(bench: Bench) -> None:
    """reserve-next is like reserve where nothing stands, or the same generation."""
    reply = bench.host.ok(wire.OP_RESERVE_NEXT, declaration())
    bench.send(reply[1], bench.blob(50))
    bench.host.ok(wire.OP_COMMIT, reply[1])
    bench.host.ok(wire.OP_CONFIRM, reply[1])
    expect_equal(bench.states(), {reply[1]: wire.BACKUP_ACTIVE}, "the list")
    status = bench.host.status(wire.OP_RESERVE_NEXT, declaration())
    expect_status(status, wire.STATUS_OK, "the status for the same generation")


@row("generation-third", "generations", needs=READY, spoils=True)
def third(bench: Bench) -> None:
    """A share of a third generation takes the place of the NEXT one, and the ACTIVE one stays."""
    old = bench.put(bench.blob(50))
    _next(bench)
    reply = bench.host.ok(wire.OP_RESERVE_NEXT, declaration(generation=b"third" + bytes(27)))
    bench.send(reply[1], bench.blob(60))
    bench.host.ok(wire.OP_COMMIT, reply[1])
    bench.host.ok(wire.OP_CONFIRM, reply[1])
    expect_equal(bench.states(), {old: wire.BACKUP_ACTIVE, reply[1]: wire.BACKUP_NEXT}, "the list")


@row("generation-retire-again", "generations", needs=READY, spoils=True)
def retire_again(bench: Bench) -> None:
    """What is retired already is done, and nobody is asked."""
    _, new = _retired(bench)
    bench.operator.answer = REFUSE
    bench.host.ok(wire.OP_RETIRE, new, OLD)


@row("generation-un-retire-absent", "generations", needs=READY, spoils=True)
def un_retire_absent(bench: Bench) -> None:
    """un-retire of a generation of which no backup is here lets it come as a newer one again."""
    held = bench.put(bench.blob(50), generation=NEW)
    bench.host.ok(wire.OP_RETIRE, held, OLD)
    bench.host.ok(wire.OP_UN_RETIRE, held, OLD)
    expect_equal(bench.states(), {held: wire.BACKUP_ACTIVE}, "the list")
    status = bench.host.status(wire.OP_RESERVE_NEXT, declaration())
    expect_status(status, wire.STATUS_OK, "the status of reserve-next")
