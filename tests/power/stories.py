"""What happens to tokens. A story is two functions: what is given, in peace, and what is done while power may go.

What is done is asked for again after a cut, so it is made of `Trial`'s methods, which do what is left to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coldshare_firmware.keyarea import KeyArea
from coldshare_firmware.keys import F_AUDIT, F_LAYOUT, F_RETIRED, RESERVED
from coldshare_iface import wire
from coldshare_sim.flash import KeyBlocks
from power.state import DATA, OTHER, SMALL
from power.trial import Trial
from support.client import NO, PIN, WRONG, declaration

Act = Callable[[Trial], None]


@dataclass(frozen=True)
class Story:
    name: str
    given: Act
    act: Act


STORIES: dict[str, Story] = {}


def story(given: Act, name: str | None = None) -> Callable[[Act], Act]:
    """Add the function as a story, under its own name or another one."""

    def add(act: Act) -> Act:
        title = name or act.__name__
        assert title not in STORIES
        STORIES[title] = Story(title, given, act)
        return act

    return add


OLDER = b"\xab\xcd\x01\x02" + b"g" * 28
NEWER = declaration(generation=b"\x01\x02\x03\x04" + b"n" * 28)


def vault(number: int) -> bytes:
    """The declaration of a share of another vault."""
    return declaration(vault=bytes([number]) * 33)


# --- what is given
def blank(trial: Trial) -> None:
    """A chip that nobody has powered up."""


def new(trial: Trial) -> None:
    trial.power_up()


def ready(trial: Trial) -> None:
    trial.ready()


def after_wrong_pins(count: int) -> Act:
    """A token that is set up, has a share, and has seen `count` wrong PINs since the last right one."""

    def given(trial: Trial) -> None:
        trial.put("share", SMALL)
        trial.guesses(WRONG, count)
        if count and count % wire.PIN_PER_POWER_UP == 0:
            trial.power_cycle()
        assert trial.view.fails == count

    return given


def holding(*states: int) -> Act:
    """A token with backups of one vault, committed one after the other: `wire.BACKUP_ACTIVE` or `BACKUP_PENDING`."""

    def given(trial: Trial) -> None:
        for number, state in enumerate(states):
            trial.put(f"old {number}", OTHER, confirm=state == wire.BACKUP_ACTIVE)

    return given


def full(trial: Trial) -> None:
    """As many backups as there may be; the first is of the vault that the stories are about."""
    trial.put("old 0", SMALL)
    for number in range(1, wire.BACKUPS_MAX):
        trial.put(f"other {number}", SMALL, vault(number))


def sent(trial: Trial) -> None:
    """A transfer that has come half-way."""
    trial.send(trial.reserve("share"), DATA, 3000)


def burnt(trial: Trial) -> None:
    after_wrong_pins(7)(trial)
    trial.guess(WRONG)
    assert trial.view.state == wire.TOKEN_BURNT


def keys_lost(trial: Trial) -> None:
    """The key area has become unreadable: somebody wrote over its beginning."""
    trial.put("share", SMALL)
    for offset in (0, 4096):
        trial.chip.program(offset, bytes(16))
    trial.power_cycle()
    assert trial.view.state == wire.TOKEN_BURNT


# --- the token itself
@story(given=blank)
def first_power_up(trial: Trial) -> None:
    trial.power_up()


@story(given=new)
def pair(trial: Trial) -> None:
    trial.pair()


@story(given=ready)
def pair_another(trial: Trial) -> None:
    trial.pair("laptop")


@story(given=Trial.pair)
def set_up(trial: Trial) -> None:
    trial.ready()


@story(given=blank)
def from_nothing_to_a_backup(trial: Trial) -> None:
    trial.put("share", SMALL)


@story(given=holding(wire.BACKUP_PENDING))
def much_in_between(trial: Trial) -> None:
    """An acknowledged commit outlives whatever follows until another one is confirmed."""
    if trial.view.backup(trial.known["old 0"]) == wire.BACKUP_PENDING:
        trial.reserve("aborted")
        trial.gone(wire.OP_ABORT, "aborted")
        trial.guess(WRONG)
        trial.guess(PIN)
    trial.put("share", SMALL, declaration(nonce=b"o" * 16))


@story(given=ready)
def label(trial: Trial) -> None:
    trial.ready()
    trial.ok(wire.OP_LABEL, "Safe B")


def _three_hosts(trial: Trial) -> None:
    trial.ready()
    for number in range(3):
        trial.bench.second_host(f"host {number}").pair()
    trial.host.hello().open()
    trial.unlocked = False
    trial.ready()
    trial.known["other"] = trial.view.pairings[1]


@story(given=_three_hosts)
def unpair(trial: Trial) -> None:
    trial.ready()
    if trial.known["other"] in trial.view.pairings:
        trial.ok(wire.OP_UNPAIR, trial.known["other"], wire.UNPAIR_ONE)
    trial.ok(wire.OP_UNPAIR, trial.host.psk_id, wire.UNPAIR_OTHERS)
    trial.ok(wire.OP_UNPAIR, trial.host.psk_id, wire.UNPAIR_ONE)


# --- PINs
def _wrong(trial: Trial) -> None:
    trial.guess(WRONG)


def _right(trial: Trial) -> None:
    trial.guess(PIN)


for _count in range(wire.PIN_ATTEMPTS):
    story(after_wrong_pins(_count), f"wrong_pin_{_count + 1}")(_wrong)
    story(after_wrong_pins(_count), f"right_pin_after_{_count}")(_right)


@story(given=after_wrong_pins(1))
def change_pin(trial: Trial) -> None:
    trial.change_pin()


@story(given=ready)
def change_pin_with_a_wrong_one(trial: Trial) -> None:
    trial.change_pin(WRONG)


@story(given=ready)
def change_pin_and_refuse(trial: Trial) -> None:
    trial.ready()
    trial.bench.person.default = NO
    trial.change_pin()


# --- a share comes
@story(given=ready)
def reserve(trial: Trial) -> None:
    trial.reserve("first")
    trial.reserve("second", vault(9))


@story(given=ready)
def put(trial: Trial) -> None:
    trial.put("share", DATA)


@story(given=holding(wire.BACKUP_ACTIVE))
def replace(trial: Trial) -> None:
    trial.put("share", DATA)


@story(given=holding(wire.BACKUP_PENDING))
def replace_unconfirmed(trial: Trial) -> None:
    """The first one, acknowledged, is kept as the one to fall back on."""
    trial.put("share", DATA)


@story(given=holding(wire.BACKUP_ACTIVE, wire.BACKUP_PENDING))
def replace_beside_a_pending_one(trial: Trial) -> None:
    trial.put("share", DATA)


@story(given=full)
def replace_on_a_full_token(trial: Trial) -> None:
    trial.put("share", SMALL)


@story(given=sent)
def begin_with_another_blob(trial: Trial) -> None:
    trial.ready()
    trial.store(trial.known["share"], OTHER)


@story(given=ready)
def corrupted_on_the_way(trial: Trial) -> None:
    backup_id = trial.reserve("share")
    if trial.view.backup(backup_id) == RESERVED:
        trial.send(backup_id, OTHER, wrong=True)
    trial.store(backup_id, OTHER)


@story(given=sent)
def abort(trial: Trial) -> None:
    trial.gone(wire.OP_ABORT, "share")


@story(given=sent)
def put_another_vault_instead(trial: Trial) -> None:
    trial.put("other", SMALL, vault(9))


# --- a share of a newer generation
@story(given=holding(wire.BACKUP_ACTIVE))
def put_next(trial: Trial) -> None:
    """It stands beside the old one, which stays."""
    trial.store(trial.reserve("next", NEWER, wire.OP_RESERVE_NEXT), DATA)


@story(given=holding(wire.BACKUP_PENDING))
def put_next_to_an_unconfirmed_one(trial: Trial) -> None:
    trial.store(trial.reserve("next", NEWER, wire.OP_RESERVE_NEXT), SMALL)


def _both(trial: Trial) -> None:
    holding(wire.BACKUP_ACTIVE)(trial)
    put_next(trial)


@story(given=_both)
def replace_next(trial: Trial) -> None:
    trial.store(trial.reserve("next again", NEWER, wire.OP_RESERVE_NEXT), SMALL)


@story(given=_both)
def put_another_next(trial: Trial) -> None:
    """A third generation gives the second one's place away."""
    trial.store(trial.reserve("third", declaration(generation=b"3" * 32), wire.OP_RESERVE_NEXT), SMALL)


@story(given=_both)
def retire(trial: Trial) -> None:
    trial.ready()
    trial.ok(wire.OP_RETIRE, trial.known["next"], OLDER)


@story(given=holding(wire.BACKUP_ACTIVE))
def retire_what_is_not_here(trial: Trial) -> None:
    """Only that it is retired is kept."""
    trial.ready()
    trial.ok(wire.OP_RETIRE, trial.known["old 0"], b"0" * 32)


def _retired(trial: Trial) -> None:
    _both(trial)
    retire(trial)


@story(given=_retired)
def un_retire(trial: Trial) -> None:
    trial.ready()
    if trial.view.retired:
        trial.ok(wire.OP_UN_RETIRE, trial.known["next"], OLDER)


@story(given=_retired)
def destroy(trial: Trial) -> None:
    trial.gone(wire.OP_DESTROY, "old 0")


@story(given=_retired)
def replace_beside_a_retired_one(trial: Trial) -> None:
    trial.put("share", SMALL, NEWER)


@story(given=_both)
def remove_the_older_one(trial: Trial) -> None:
    trial.gone(wire.OP_REMOVE, "old 0")


@story(given=_both)
def remove_both(trial: Trial) -> None:
    trial.gone(wire.OP_REMOVE, "next")
    trial.gone(wire.OP_REMOVE, "old 0")


# --- and goes
@story(given=holding(wire.BACKUP_ACTIVE))
def release(trial: Trial) -> None:
    """Nothing but an entry in the audit ring comes of it."""
    trial.ready()
    trial.ok(wire.OP_OPEN, trial.known["old 0"], wire.PURPOSE_RESTORE)


@story(given=holding(wire.BACKUP_ACTIVE, wire.BACKUP_PENDING))
def remove(trial: Trial) -> None:
    trial.gone(wire.OP_REMOVE, "old 1")
    trial.gone(wire.OP_REMOVE, "old 0")


@story(given=holding(wire.BACKUP_ACTIVE, wire.BACKUP_PENDING))
def remove_the_active_one(trial: Trial) -> None:
    trial.gone(wire.OP_REMOVE, "old 0")


def _much(trial: Trial) -> None:
    trial.put("share", DATA)
    trial.send(trial.reserve("other", vault(9)), OTHER, 3000)


@story(given=_much)
def wipe(trial: Trial) -> None:
    trial.wipe()


@story(given=new)
def wipe_a_new_one(trial: Trial) -> None:
    trial.wipe()


@story(given=burnt)
def wipe_a_burnt_one(trial: Trial) -> None:
    trial.wipe()


@story(given=keys_lost)
def wipe_one_without_keys(trial: Trial) -> None:
    trial.wipe()


@story(given=burnt)
def pair_with_a_burnt_one(trial: Trial) -> None:
    trial.pair()


# --- the audit ring, and records of an older firmware
def after_entries(count: int) -> Act:
    """A token whose audit ring has seen that many."""

    def given(trial: Trial) -> None:
        trial.ready()
        while len(trial.view.events) < min(count, wire.AUDIT_MAX):
            trial.ok(wire.OP_LABEL, "Safe A")
        for _ in range(wire.AUDIT_MAX, count):
            trial.ok(wire.OP_LABEL, "Safe A")

    return given


@story(given=after_entries(wire.AUDIT_PAGE - 1))
def audit_begins_a_segment(trial: Trial) -> None:
    trial.ready()
    trial.ok(wire.OP_LABEL, "Safe B")
    trial.ok(wire.OP_LABEL, "Safe C")


@story(given=after_entries(wire.AUDIT_MAX + wire.AUDIT_PAGE - 1))
def audit_drops_a_segment(trial: Trial) -> None:
    trial.ready()
    trial.ok(wire.OP_LABEL, "Safe B")
    trial.ok(wire.OP_LABEL, "Safe C")


@story(given=after_entries(wire.AUDIT_PAGE + 1))
def wipe_a_long_audit_ring(trial: Trial) -> None:
    trial.wipe()


def _of_an_older_firmware(trial: Trial) -> None:
    """A record without generations and audit ring, which the first change replaces."""
    trial.put("share", SMALL)
    area = KeyArea(KeyBlocks(trial.chip))
    record = area.load()
    assert record is not None
    record[F_LAYOUT] = 1
    del record[F_AUDIT], record[F_RETIRED]
    area.store(record)
    trial.power_cycle()
    assert trial.view.events == ()


@story(given=_of_an_older_firmware)
def first_change_after_an_update(trial: Trial) -> None:
    trial.ready()
    trial.ok(wire.OP_LABEL, "Safe B")


@story(given=_of_an_older_firmware)
def wrong_pin_after_an_update(trial: Trial) -> None:
    trial.guess(WRONG)
