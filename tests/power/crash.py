"""One story, cut at every instant in every mode, and cut again at every instant of what follows."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field, fields

from coldshare_sim.trace import MODES
from power.check import Allowed, Judge, allowed, readable
from power.images import Image, Memo, cuts
from power.state import exposed, files
from power.stories import Story
from power.trial import Known, Run, tell, tell_again

OUTCOMES = ("old", "new", "between", "neither")
_ORDER = ("neither", "old", "between", "new")
#: Bad cases that are kept to be shown.
_SHOWN = 3


@dataclass(frozen=True)
class Case:
    """Power goes at instant `at` of the story, and at instant `again` of what the token and its host do afterwards."""

    story: str
    at: int
    mode: str
    again: int | None = None
    again_mode: str | None = None

    def __str__(self) -> str:
        once = f"--story {self.story} --at {self.at} --mode {self.mode}"
        return once if self.again is None else f"{once} --again {self.again} --again-mode {self.again_mode}"


@dataclass
class Tally:
    """What came of one story."""

    story: str
    operations: int = 0
    instants: int = 0
    cases: int = 0
    #: Different contents of the chip among them.
    images: int = 0
    #: Those that differ in anything the firmware reads: so often it was really run.
    runs: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    bad: int = 0
    shown: list[tuple[Case, str]] = field(default_factory=list)

    def found(self, case: Case, problem: str) -> None:
        self.bad += 1
        if len(self.shown) < _SHOWN:
            self.shown.append((case, problem))


class Crash:
    """The enumeration of one story. `judge` and `again` run what they have not seen yet, and remember."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.run = tell(story)
        self.judge = Judge()
        self._again: dict[Known, Memo[Run]] = {}
        self._secrets: frozenset[bytes] = self.run.secrets

    def again(self, image: Image, known: Known) -> Run:
        """What happens to that image when power is back, at the hands of a host that knows this much."""
        memo = self._again.get(known)
        if memo is None:
            memo = self._again[known] = Memo(lambda chip: tell_again(self.story, chip, known))
        run = memo(image)
        self._secrets |= run.secrets
        return run

    def first(self, only: Container[int] | None = None) -> Iterator[tuple[Case, Allowed, Known, Image]]:
        """Every first cut; `only` those instants."""
        for at, mode, image in cuts(self.run.start, self.run.operations):
            if only is None or at in only:
                known = self.run.steps[self.run.done(at)].known
                yield Case(self.story.name, at, mode), allowed(self.run, at), known, image

    def second(
        self, case: Case, may: Allowed, known: Known, image: Image, every: int = 1
    ) -> Iterator[tuple[Case, Allowed, Image, str | None]]:
        """Every second cut after that first one, and what went wrong before power went again."""
        run = self.again(image, known)
        for again, mode, left in cuts(image, run.operations):
            if again % every and again != len(run.operations):
                continue
            after = may if again < run.booted or not run.steps else allowed(run, again)
            problem = run.problem if again == len(run.operations) else None
            yield Case(case.story, case.at, case.mode, again, mode), after, left, problem

    def enumerate(
        self, only: Container[int] | None = None, twice: Callable[[Case], bool] = lambda case: True, every: int = 1
    ) -> Tally:
        """Every case: the first cuts at `only` those instants, and second cuts at `every` so many instants after the
        first cuts of which `twice` says so."""
        tally = Tally(self.story.name, len(self.run.operations), len(self.run.operations) + 1)
        distinct: set[int] = set()
        blocks: set[bytes] = set()
        furthest = (0, 0)

        def take(case: Case, may: Allowed, image: Image, problem: str | None = None) -> str:
            tally.cases += 1
            distinct.add(hash(image))
            blocks.update(files(image))
            outcome, wrong = may.judge(self.judge(image))
            tally.outcomes[outcome] += 1
            if problem or wrong:
                tally.found(case, problem or wrong or "")
            return outcome

        for case, may, known, image in self.first(only):
            outcome = take(case, may, image)
            if case.mode == "clean":
                # What one cut leaves done, a later one does not leave undone.
                here = (self.run.done(case.at), _ORDER.index(outcome))
                if here < furthest:
                    tally.found(case, f"{outcome}, and a cut before that left more of it done")
                furthest = here
            if twice(case):
                for again, after, left, problem in self.second(case, may, known, image, every):
                    take(again, after, left, problem)
        tally.images = len(distinct)
        tally.runs = self.runs
        open_secret = exposed(blocks, self._secrets)
        if open_secret is not None:
            tally.found(self._with(open_secret), "a secret, or a name in the clear, is in the files")
        return tally

    @property
    def runs(self) -> int:
        return self.judge.runs + sum(memo.runs for memo in self._again.values())

    def _with(self, block: bytes) -> Case:
        """The first case that leaves that block."""
        for case, may, known, image in self.first():
            if block in files(image):
                return case
            for again, _, left, _ in self.second(case, may, known, image):
                if block in files(left):
                    return again
        raise LookupError("no case leaves such a block")


def explain(story: Story, at: int, mode: str, again: int | None, again_mode: str | None) -> str:
    """One case, run for real, in words."""
    crash = Crash(story)
    for case, may, known, image in crash.first({at}):
        if case.mode != mode:
            continue
        problem = None
        if again is not None:
            for second, after, left, wrong in crash.second(case, may, known, image):
                if (second.again, second.again_mode) == (again, again_mode):
                    case, may, image, problem = second, after, left, wrong
                    break
            else:
                raise LookupError(f"there is no second cut at {again} {again_mode}")
        verdict = Judge()(image)
        outcome, wrong = may.judge(verdict)
        lines = [str(case), f"outcome: {outcome}"]
        if verdict.seen is not None:
            found = verdict.seen.view
            lines += [f"{each.name}: {readable(getattr(found, each.name))}" for each in fields(found)]
        return "\n".join([*lines, problem or wrong or "nothing is wrong with it"])
    raise LookupError(f"there is no instant {at} with mode {mode}")


__all__ = ["MODES", "OUTCOMES", "Case", "Crash", "Tally", "explain"]
