"""A sample of what `make crash` enumerates, and that nothing bad passes for good."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from coldshare_firmware import pin as pin_module
from coldshare_firmware.audit import Audit
from coldshare_firmware.keyarea import KeyArea
from coldshare_firmware.keys import F_AUDIT, F_FAILS, F_PIN
from coldshare_firmware.person import OpError
from coldshare_firmware.store import Store
from coldshare_iface import wire
from coldshare_iface.suite import hmac_sha256
from coldshare_sim.flash import BLOCK, SIZE, Chip
from coldshare_sim.trace import FlashTrace
from power.check import Judge, power_up, try_out
from power.crash import MODES, Case, Crash, explain
from power.images import BLANK, BlockChip, Image, Memo, after, cuts
from power.stories import STORIES, Story
from power.trial import Board, Trial, tell
from support.client import Bench

#: First cuts per story, and second cuts after one of them.
_FIRST = 2
_SECOND = 12


#: Every eighth story; `make crash` tells all of them, and cuts them everywhere.
_SOME = [pytest.param(story, id=name) for name, story in list(STORIES.items())[::8]]


@pytest.mark.parametrize("story", _SOME)
def test_power_cuts(story: Story) -> None:
    crash = Crash(story)
    count = len(crash.run.operations)
    only = {count * number // _FIRST for number in range(_FIRST + 1)}
    again = Case(story.name, count // 2, "random")
    tally = crash.enumerate(only, lambda case: case.at == again.at and case.mode == again.mode, every=_SECOND)
    assert tally.bad == 0, "\n".join(f"python -m power {case}\n{problem}" for case, problem in tally.shown)
    assert tally.outcomes["neither"] == 0
    assert tally.cases > len(MODES) * (len(only) - 1)


def test_the_end_of_a_story_is_its_new_state() -> None:
    """The last instant of all is the acknowledged one, and no other."""
    crash = Crash(STORIES["label"])
    *_, (case, may, _, image) = crash.first()
    assert case.at == len(crash.run.operations)
    assert may.new is None
    assert may.judge(crash.judge(image)) == ("old", None)
    assert may.old.seen.view.label == "Safe B"


def test_one_case_in_words() -> None:
    said = explain(STORIES["label"], 1, "half", None, None)
    assert said.startswith("--story label --at 1 --mode half\noutcome: ")
    assert said.endswith("nothing is wrong with it")
    assert "label: 'Safe A'" in said
    said = explain(STORIES["label"], 1, "half", 2, "random")
    assert said.startswith("--story label --at 1 --mode half --again 2 --again-mode random\n")


def test_guessing_with_a_cut_after_every_answer() -> None:
    """Somebody who pulls the plug the moment the answer is wrong gets eight guesses like everybody else."""
    bench = Bench().make_ready()
    guesses = 0
    while bench.host.read_info()[5] == wire.TOKEN_READY:
        bench.host.open()
        status = bench.host.status(wire.OP_UNLOCK, f"{guesses:04}")
        assert status in (wire.STATUS_PIN_WRONG, wire.STATUS_BURNT)
        guesses += 1
        bench.power_cycle()
        bench.host.hello()
    assert guesses == wire.PIN_ATTEMPTS


# --- firmware that gets it wrong is found out
def bad(name: str) -> list[str]:
    """What is said about the first cuts of that story."""
    tally = Crash(STORIES[name]).enumerate(twice=lambda case: False)
    assert tally.bad >= len(tally.shown) > 0
    return [problem for _, problem in tally.shown]


def test_a_record_that_is_erased_before_the_next_one_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    real = KeyArea.store

    def store(area: KeyArea, record: dict[int, object]) -> None:
        for number in range(2):
            area._flash.erase(number)
        real(area, record)

    monkeypatch.setattr(KeyArea, "store", store)
    assert any(problem.startswith("neither old nor new") for problem in bad("label"))


def test_an_attempt_that_is_counted_after_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    def attempt(gate: pin_module.PinGate, pin: str) -> Iterator[int]:
        salt, expected = gate._keys.record[F_PIN]
        right = pin_module.equal(hmac_sha256(salt, pin.encode()), expected)
        gate._keys.change({F_FAILS: 0 if right else gate._keys.record[F_FAILS] + 1})
        if not right:
            raise OpError(wire.STATUS_PIN_WRONG, 1)
        yield from ()

    monkeypatch.setattr(pin_module.PinGate, "attempt", attempt)
    assert bad("change_pin_with_a_wrong_one")[0].startswith("neither old nor new, and the PIN had been compared")


def test_an_entry_that_is_written_after_what_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(audit: Audit, updates: dict[int, object], event: int, subject: bytes = b"", detail: int = 0) -> None:
        count, head = audit._keys.record[F_AUDIT]
        entry = (count + 1).to_bytes(4, "big") + bytes((event,)) + detail.to_bytes(3, "big") + audit.host
        entry += subject + bytes(16 - len(subject))
        audit._keys.change(updates | {F_AUDIT: [count + 1, pin_module.hmac_sha256(head, entry)]})
        audit._append(count, head, entry)

    monkeypatch.setattr(Audit, "change", change)
    with pytest.raises(AssertionError, match="audit ring"):
        Crash(STORIES["label"])


def test_an_old_record_that_is_left_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyArea, "_clear", lambda area, block: None)
    with pytest.raises(AssertionError, match="the key area has"):
        Crash(STORIES["label"])


def test_a_key_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Store.write_record

    def write_record(store: Store, backup_id: bytes, declaration: bytes) -> None:
        real(store, backup_id, declaration)
        store._files.write("/s/note", b"the key is " + store._keys.names_key(backup_id) + store._keys.record[3])
        store._files.remove("/s/note")

    monkeypatch.setattr(Store, "write_record", write_record)
    assert bad("reserve") == ["a secret, or a name in the clear, is in the files"]


def test_leftovers(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Store.sweep
    swept: list[Store] = []

    def sweep(store: Store) -> None:
        if store in swept:
            real(store)
        swept.append(store)

    monkeypatch.setattr(Store, "sweep", sweep)
    assert any("left over" in problem for problem in bad("remove_the_active_one"))


# --- what all this stands on
def test_cuts_are_those_of_the_trace() -> None:
    chip = Chip()
    trace = FlashTrace(chip)
    Bench(chip).make_ready()
    trace.stop()
    start: Image = tuple(trace.start[at : at + BLOCK] for at in range(0, SIZE, BLOCK))
    ours = list(cuts(start, trace.operations))
    theirs = list(trace.images())
    assert [(at, mode) for at, mode, _ in ours] == [(at, mode) for at, mode, _ in theirs]
    assert all(b"".join(image) == other for (*_, image), (*_, other) in zip(ours, theirs, strict=True))
    assert b"".join(after(start, trace.operations)) == bytes(chip.image)


def test_a_chip_of_blocks_is_a_chip() -> None:
    random = Random(5)
    ours, theirs = BlockChip(), Chip()
    for _ in range(2000):
        offset = random.randrange(16) * 256
        if random.random() < 0.1:
            for chip in (ours, theirs):
                chip.erase(offset // BLOCK * BLOCK)
        data = random.randbytes(256)
        for chip in (ours, theirs):
            chip.program(offset, data)
        offset, size = random.randrange(2 * BLOCK), random.randrange(2 * BLOCK)
        assert ours.read(offset, size) == theirs.read(offset, size)
    assert ours.image == bytes(theirs.image)


def test_what_is_remembered_is_what_comes_of_running_it() -> None:
    """Images that the memo has not seen, and answers for, are run for real."""
    crash = Crash(STORIES["put"])
    judge = Judge()
    new = []
    for _, _, _, image in crash.first():
        runs = judge.runs
        verdict = judge(image)
        if judge.runs == runs:
            new.append((image, verdict))
    assert len(new) > 10
    for image, verdict in new[:: len(new) // 10]:
        real = power_up(BlockChip(image))
        assert (real.seen, real.operations, real.problem) == (verdict.seen, verdict.operations, None)
        assert try_out(BlockChip(after(image, real.operations))) is None


def test_a_memo_runs_once_for_what_was_read() -> None:
    memo = Memo(lambda chip: chip.read(0, 4) + chip.read(chip.read(0, 1)[0] * BLOCK, 2))

    def image(**blocks: bytes) -> Image:
        changed = {int(name[1:]): data for name, data in blocks.items()}
        return tuple(changed.get(number, b"").ljust(BLOCK, b"\xff") for number in range(SIZE // BLOCK))

    assert memo(image(_0=b"\x01", _1=b"one")) == b"\x01\xff\xff\xffon"
    assert memo(image(_0=b"\x01", _1=b"one", _2=b"unread")) == b"\x01\xff\xff\xffon"
    assert memo.runs == 1
    assert memo(image(_0=b"\x02", _1=b"one", _2=b"two")) == b"\x02\xff\xff\xfftw"
    assert memo(image(_0=b"\x02", _2=b"two")) == b"\x02\xff\xff\xfftw"
    assert memo.runs == 2


def test_a_memo_of_something_undetermined_says_so() -> None:
    numbers = iter((1, 2))
    memo = Memo(lambda chip: chip.read(next(numbers) * BLOCK, 1))
    memo(BLANK)
    with pytest.raises(RuntimeError, match="not determined"):
        memo((BLANK[0], b"x" * BLOCK, *BLANK[2:]))


def test_looking_writes_nothing() -> None:
    chip = BlockChip()
    Board(chip)
    with pytest.raises(RuntimeError, match="made it erase"):
        chip.look().erase(0)


def test_a_story_goes_on_from_where_it_was() -> None:
    """After its end there is nothing left to do but to get in and ask."""
    story = STORIES["put"]
    run = tell(story)
    trial = Trial(BlockChip(after(run.start, run.operations)), run.steps[-1].known)
    trial.power_up()
    before = trial.view
    story.act(trial)
    assert trial.view == before
