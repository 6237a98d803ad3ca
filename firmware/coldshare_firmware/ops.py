"""What the token does when it is asked over the secure channel, and who may ask. Portable subset.

Every operation is a generator (a job): it may wait for a person, and it returns the fields of its reply.
"""

from coldshare_firmware import screens
from coldshare_firmware.generations import Generations
from coldshare_firmware.incoming import Incoming
from coldshare_firmware.keys import F_AUDIT, F_LABEL, F_PAIRINGS
from coldshare_firmware.manage import Manage
from coldshare_firmware.outgoing import Outgoing
from coldshare_firmware.person import OpError, ask
from coldshare_firmware.pin import PinGate
from coldshare_iface import wire

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from coldshare_firmware.audit import Audit
    from coldshare_firmware.keys import Keys
    from coldshare_firmware.store import Store
    from coldshare_firmware.types import Hal, Map

    Job = Generator[int, None, Map]

# A burnt token has nothing to hide any more: sealed bytes without the factor for them.
_BURNT = (wire.OP_LIST, wire.OP_OPEN, wire.OP_READ)


class Operations:
    """The operations of one token. `new_session` is called for every channel that opens or closes."""

    def __init__(self, hal: "Hal", keys: "Keys", store: "Store", audit: "Audit", gate: PinGate) -> None:
        self._hal = hal
        self._keys = keys
        self._audit = audit
        self._gate = gate
        self._manage = manage = Manage(hal, keys, store, audit)
        self._outgoing = outgoing = Outgoing(hal, keys, store, audit)
        incoming = Incoming(hal, keys, store, audit, outgoing)
        generations = Generations(hal, keys, store, audit)
        self._unlocked = False
        self._jobs: dict[int, Callable[..., Job]] = {
            wire.OP_LIST: outgoing.list,
            wire.OP_RESERVE: incoming.reserve,
            wire.OP_RESERVE_NEXT: incoming.reserve_next,
            wire.OP_BEGIN: incoming.begin,
            wire.OP_CHUNK: incoming.chunk,
            wire.OP_PREPARE: incoming.prepare,
            wire.OP_COMMIT: incoming.commit,
            wire.OP_CONFIRM: incoming.confirm,
            wire.OP_ABORT: incoming.abort,
            wire.OP_OPEN: outgoing.open,
            wire.OP_READ: outgoing.read,
            wire.OP_LABEL: manage.label,
            wire.OP_PAIRINGS: manage.pairings,
            wire.OP_UNPAIR: manage.unpair,
            wire.OP_AUDIT: manage.audit,
            wire.OP_REMOVE: generations.remove,
            wire.OP_RETIRE: generations.retire,
            wire.OP_UN_RETIRE: generations.un_retire,
            wire.OP_DESTROY: generations.destroy,
        }

    def new_session(self, psk_id: bytes = bytes(wire.PSK_ID_SIZE)) -> None:
        """Nobody is unlocked and nothing is opened. `psk_id` says which host asks from here on."""
        self._unlocked = False
        self._outgoing.opened = b""
        self._audit.host = psk_id

    def run(self, op: int, values: "list[Any]") -> "Job":
        """The job for a request whose shape has been checked."""
        self._keys.settle()
        state = self._keys.state
        if op == wire.OP_SET_UP:
            return self._set_up(values[0], values[1])
        if state == wire.TOKEN_BURNT and op not in _BURNT:
            raise OpError(wire.STATUS_BURNT)
        if state == wire.TOKEN_NEW:
            raise OpError(wire.STATUS_NOT_SET_UP)
        if op == wire.OP_UNLOCK:
            return self._unlock(values[0])
        if op == wire.OP_CHANGE_PIN:
            return self._change_pin(values[0], values[1])
        if state != wire.TOKEN_BURNT and not self._unlocked:
            raise OpError(wire.STATUS_LOCKED)
        return self._jobs[op](*values)

    # --- who may use the token
    def run_pairing(self, op: int, values: "list[Any]", code: str) -> "Job":
        """The job for the one request of a pairing channel. `code` is the one that was compared."""
        return self._manage.wipe() if op == wire.OP_WIPE else self._pair(code, values[0])

    def _pair(self, code: str, host: str) -> "Job":
        """Give this host a pairing key, after a press at the code that its own person has accepted."""
        self._keys.settle()
        pairings = self._keys.record[F_PAIRINGS]
        if len(pairings) >= wire.PAIRINGS_MAX:
            raise OpError(wire.STATUS_PAIRINGS_FULL)
        yield from ask(self._hal, screens.pair(code, host, self._keys.state == wire.TOKEN_BURNT))
        psk_id = self._hal.random(wire.PSK_ID_SIZE)
        psk = self._hal.random(wire.PSK_SIZE)
        self._audit.change({F_PAIRINGS: pairings + [[psk_id, psk, host]]}, wire.EVENT_PAIRED, psk_id)
        return {1: psk_id, 2: psk}

    def _set_up(self, pin: str, label: str) -> "Job":
        if self._keys.state != wire.TOKEN_NEW:
            burnt = self._keys.state == wire.TOKEN_BURNT
            raise OpError(wire.STATUS_BURNT if burnt else wire.STATUS_ALREADY_SET_UP)
        yield from self._gate.set_up(pin, label)
        self._unlocked = True
        return {}

    def _unlock(self, pin: str) -> "Job":
        self._unlocked = False
        yield from self._gate.attempt(pin)
        self._unlocked = True
        count, head = self._keys.record[F_AUDIT]
        return {1: self._keys.record[F_LABEL], 2: count, 3: head}

    def _change_pin(self, old: str, new: str) -> "Job":
        self._unlocked = False
        yield from self._gate.change(old, new)
        self._unlocked = True
        return {}
