"""The vectors of kind `policy`: what may stand beside what, and what each step makes of it. Written by hand.

make_vectors.py writes them, make_readme.py makes two tables from them. The letters are labels: two that are the same
are the same vault, party, generation or backup.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Vector = dict[str, Any]
#: Retired generations: vault, then its generations, oldest first.
Retired = dict[str, list[str]]

#: What stands here -> what is offered (plain, next). Generation A is the older one; `Q` is another party.
HERE: list[tuple[str, str, list[str], Retired, dict[str, tuple[str, str]]]] = [
    ("nothing", "nothing", [], {}, {"A": ("OK", "OK")}),
    (
        "pending",
        "PENDING A",
        ["a PENDING A"],
        {},
        {"A": ("OK", "OK"), "B": ("OTHER_GENERATION", "OK"), "Q": ("OTHER_PARTY", "OTHER_PARTY")},
    ),
    (
        "active",
        "ACTIVE A",
        ["a ACTIVE A"],
        {},
        {"A": ("OK", "OK"), "B": ("OTHER_GENERATION", "OK"), "Q": ("OTHER_PARTY", "OTHER_PARTY")},
    ),
    (
        "active-pending",
        "ACTIVE A, PENDING A",
        ["a ACTIVE A", "b PENDING A"],
        {},
        {"A": ("OK", "OK"), "B": ("OTHER_GENERATION", "OK"), "Q": ("OTHER_PARTY", "OTHER_PARTY")},
    ),
    (
        "active-newer",
        "ACTIVE A, PENDING B",
        ["a ACTIVE A", "b PENDING B"],
        {},
        {
            "A": ("OTHER_GENERATION", "OTHER_GENERATION"),
            "B": ("OTHER_GENERATION", "OK"),
            "C": ("OTHER_GENERATION", "OK"),
            "Q": ("OTHER_PARTY", "OTHER_PARTY"),
        },
    ),
    (
        "active-next",
        "ACTIVE A, NEXT B",
        ["a ACTIVE A", "b NEXT B"],
        {},
        {
            "A": ("OTHER_GENERATION", "OTHER_GENERATION"),
            "B": ("OTHER_GENERATION", "OK"),
            "C": ("OTHER_GENERATION", "OK"),
            "Q": ("OTHER_PARTY", "OTHER_PARTY"),
        },
    ),
    (
        "retired-active",
        "RETIRED A, ACTIVE B",
        ["a RETIRED A", "b ACTIVE B"],
        {"V": ["A"]},
        {
            "A": ("RETIRED", "RETIRED"),
            "B": ("OK", "OK"),
            "C": ("OTHER_GENERATION", "OK"),
            "Q": ("OTHER_PARTY", "OTHER_PARTY"),
        },
    ),
    (
        "retired",
        "RETIRED A",
        ["a RETIRED A"],
        {"V": ["A"]},
        {"A": ("RETIRED", "RETIRED"), "B": ("OK", "OK"), "Q": ("OTHER_PARTY", "OTHER_PARTY")},
    ),
    (
        "mark-active",
        "ACTIVE B, a mark of A",
        ["b ACTIVE B"],
        {"V": ["A"]},
        {"A": ("RETIRED", "RETIRED"), "B": ("OK", "OK"), "C": ("OTHER_GENERATION", "OK")},
    ),
    (
        "retired-without-mark",
        "RETIRED A without a mark, ACTIVE B",
        ["a RETIRED A", "b ACTIVE B"],
        {},
        {"A": ("RETIRED", "RETIRED"), "B": ("OK", "OK")},
    ),
]


def slot(text: str) -> Vector:
    """From `id STATE generation`, and the vault and party where they are not V and P."""
    words = text.split()
    backup_id, state, generation, vault, party = [*words, "V", "P"][:5] if len(words) == 3 else [*words, "P"][:5]
    return {"id": backup_id, "state": state, "vault": vault, "party": party, "generation": generation}


def held(slots: list[str], retired: Retired) -> Vector:
    return {"slots": [slot(text) for text in slots], "retired": retired}


def others(count: int) -> list[str]:
    """Backups of as many other vaults."""
    return [f"x{n} ACTIVE A W{n}" for n in range(count)]


def admission() -> Iterator[Vector]:
    for name, words, slots, retired, offers in HERE:
        rows = []
        for offered, statuses in offers.items():
            generation, party = ("A", "Q") if offered == "Q" else (offered, "P")
            for newer, status in zip((False, True), statuses, strict=True):
                rows.append({"vault": "V", "party": party, "generation": generation, "next": newer, "status": status})
        before = held(slots, retired)
        yield {"name": "here-" + name, "comment": f"here: {words}", "before": before, "offers": rows, "expect": "ok"}

    def room(name: str, comment: str, slots: list[str], *rows: tuple[str, str, bool, str]) -> Vector:
        offers = [
            {"vault": vault, "party": "P", "generation": generation, "next": newer, "status": status}
            for vault, generation, newer, status in rows
        ]
        return {"name": name, "comment": comment, "before": held(slots, {}), "offers": offers, "expect": "ok"}

    yield room(
        "room-16",
        "sixteen backups: one can be replaced, none added",
        ["a ACTIVE A", *others(15)],
        ("V", "A", False, "OK"),
        ("V", "B", True, "NO_SPACE"),
        ("N", "A", False, "NO_SPACE"),
    )
    yield room(
        "room-17",
        "and a seventeenth that replaces one: only that one can go on",
        ["a ACTIVE A", "b PENDING A", *others(15)],
        ("V", "A", False, "OK"),
        ("V", "B", True, "NO_SPACE"),
        ("W3", "A", False, "NO_SPACE"),
    )
    yield room(
        "room-next",
        "sixteen with a NEXT one: that can give way to another NEXT one",
        ["a ACTIVE A", "b NEXT B", *others(14)],
        ("V", "C", True, "OK"),
        ("W3", "A", False, "OK"),
        ("W3", "B", True, "NO_SPACE"),
        ("N", "A", False, "NO_SPACE"),
    )
    yield room(
        "room-retired",
        "a retired backup takes a place like the others",
        ["a RETIRED A", "b ACTIVE B", *others(14)],
        ("V", "B", False, "OK"),
        ("N", "A", False, "NO_SPACE"),
    )


def steps() -> Iterator[Vector]:
    def step(
        name: str,
        words: str,
        before: list[str],
        event: str,
        after: list[str],
        retired: Retired | None = None,
        retired_after: Retired | None = None,
        asks: str | None = None,
    ) -> Vector:
        do, *rest = event.split()
        what = dict(zip(("id", "generation"), rest, strict=False))
        retired = retired or {}
        kept = retired if retired_after is None else retired_after
        out = {"name": name, "comment": words, "before": held(before, retired), "event": {"do": do, **what}}
        return out | {"asks": asks, "after": held(after, kept), "expect": "ok"}

    def no(
        name: str, before: list[str], event: str, status: str, reason: str, retired: Retired | None = None
    ) -> Vector:
        out = step(name, "a refusal asks nobody and changes nothing", before, event, before, retired)
        return out | {"expect": status, "reason": reason}

    # One vault without a reshare.
    yield step("commit-first", "commit", ["a RESERVED A"], "commit a", ["a PENDING A"], asks="store")
    yield step("confirm-first", "confirm", ["a PENDING A"], "confirm a", ["a ACTIVE A"])
    both = ["a ACTIVE A", "b PENDING A"]
    yield step("commit-refresh", "commit", ["a ACTIVE A", "b RESERVED A"], "commit b", both, asks="replace")
    yield step("confirm-refresh", "confirm, same generation", both, "confirm b", ["b ACTIVE A"])
    yield step("commit-second-pending", "commit", ["a PENDING A", "b RESERVED A"], "commit b", both, asks="replace")
    after = ["a ACTIVE A", "c PENDING A"]
    yield step("commit-third", "commit", [*both, "c RESERVED A"], "commit c", after, asks="replace")
    yield step("confirm-again", "confirm", ["b ACTIVE A"], "confirm b", ["b ACTIVE A"])
    yield step("remove-last", "remove", ["a ACTIVE A"], "remove a", [], asks="remove")
    yield step("remove-pending", "remove the PENDING one", both, "remove b", ["a ACTIVE A"], asks="remove")
    yield step("remove-only-pending", "remove", ["b PENDING A"], "remove b", [], asks="remove")
    yield step("remove-active", "remove the ACTIVE one", both, "remove a", ["b PENDING A"], asks="remove")
    elsewhere = ["a ACTIVE A", "x PENDING A W", "b PENDING A"]
    after = ["x PENDING A W", "b ACTIVE A"]
    yield step("confirm-other-vault", "another vault is another vault", elsewhere, "confirm b", after)
    yield no("confirm-reservation", ["a RESERVED A"], "confirm a", "BAD_STATE", "it is not stored yet")
    yield no("confirm-nothing", [], "confirm a", "NOT_FOUND", "no such backup")
    yield no("remove-reservation", ["a RESERVED A"], "remove a", "NOT_FOUND", "a reservation goes with abort")

    # A reshare.
    newer = ["a ACTIVE A", "b PENDING B"]
    after_next = ["a ACTIVE A", "b NEXT B"]
    yield step("commit-newer", "commit", ["a ACTIVE A", "b RESERVED B"], "commit b", newer, asks="store-newer")
    yield step("confirm-newer", "confirm, newer generation", newer, "confirm b", after_next)
    alone = ["a PENDING A", "b RESERVED B"]
    yield step("commit-newer-over-pending", "commit", alone, "commit b", newer, asks="store-newer")
    again = [*after_next, "c RESERVED C"]
    after = ["a ACTIVE A", "c PENDING C"]
    yield step("commit-other-newer", "commit", again, "commit c", after, asks="store-newer")
    mark: Retired = {"V": ["A"]}
    old_one = ["a RETIRED A", "b ACTIVE B"]
    words = "retire the ACTIVE one's generation"
    yield step("retire", words, after_next, "retire b A", old_one, {}, mark, "retire")
    after = ["a ACTIVE A", "b RETIRED B"]
    words = "retire the NEXT one's generation"
    yield step("retire-next", words, after_next, "retire a B", after, {}, {"V": ["B"]}, "retire")
    words = "retire the PENDING one's generation"
    yield step("retire-pending", words, newer, "retire a B", after, {}, {"V": ["B"]}, "retire")
    words = "a generation of which nothing is here is retired all the same"
    yield step("retire-elsewhere", words, ["b ACTIVE B"], "retire b A", ["b ACTIVE B"], {}, mark, "retire")
    words = "retired already: done, and nobody is asked"
    yield step("retire-again", words, old_one, "retire b A", old_one, mark)
    words = "a retired backup whose mark has fallen out gets it again"
    yield step("retire-marks-again", words, old_one, "retire b A", old_one, {}, mark, "retire")
    yield no("retire-itself", ["a ACTIVE A"], "retire a A", "BAD_STATE", "a generation is not older than itself")
    yield no("retire-by-pending", newer, "retire b A", "BAD_STATE", "the newer one has not been read back")
    yield no("retire-by-retired", old_one, "retire a B", "BAD_STATE", "the newer one is retired itself", mark)
    yield no("retire-by-reservation", ["a RESERVED A"], "retire a B", "NOT_FOUND", "it is not stored yet")

    # Back again.
    words = "un-retire"
    yield step("un-retire", words, old_one, "un-retire b A", after_next, mark, {}, "un-retire")
    words = "named by the retired backup itself"
    yield step("un-retire-by-itself", words, old_one, "un-retire a A", after_next, mark, {}, "un-retire")
    yield step("un-retire-alone", "un-retire", ["a RETIRED A"], "un-retire a A", ["a ACTIVE A"], mark, {}, "un-retire")
    waiting = ["a RETIRED A", "b PENDING B"]
    yield step("un-retire-pending", "un-retire", waiting, "un-retire b A", newer, mark, {}, "un-retire")
    words = "no backup of it is here: only the mark goes"
    beside = ["b ACTIVE B", "c NEXT C"]
    yield step("un-retire-mark", words, beside, "un-retire b A", beside, mark, {}, "un-retire")
    words = "a retired backup whose mark has fallen out"
    yield step("un-retire-without-mark", words, old_one, "un-retire b A", after_next, {}, {}, "un-retire")
    full = ["a RETIRED A", "b ACTIVE B", "c NEXT C"]
    yield no("un-retire-beside-next", full, "un-retire b A", "BAD_STATE", "two would wait for one place", mark)
    full = ["a RETIRED A", "b ACTIVE B", "c PENDING B"]
    yield no("un-retire-beside-pending", full, "un-retire b A", "BAD_STATE", "two would wait for one place", mark)
    yield no("un-retire-not-retired", ["b ACTIVE B"], "un-retire b A", "NOT_FOUND", "nothing to take back")

    # And gone.
    words = "remove the ACTIVE one"
    yield step("remove-before-next", words, after_next, "remove a", ["b ACTIVE B"], {}, mark, "remove")
    yield step("remove-next", "remove the NEXT one", after_next, "remove b", ["a ACTIVE A"], asks="remove")
    words = "remove the ACTIVE one"
    yield step("remove-before-newer-pending", words, newer, "remove a", ["b PENDING B"], asks="remove")
    words = "the mark stays as long as the vault has a backup here"
    yield step("destroy", words, old_one, "destroy a", ["b ACTIVE B"], mark, mark, "destroy")
    yield step("remove-retired", words, old_one, "remove a", ["b ACTIVE B"], mark, mark, "remove")
    yield step("remove-beside-retired", words, old_one, "remove b", ["a RETIRED A"], mark, mark, "remove")
    words = "with its last backup a vault is forgotten, its marks too, and no other's"
    two: Retired = {"V": ["A"], "W": ["C"]}
    last = ["a RETIRED A", "x ACTIVE A W"]
    yield step("destroy-last", words, last, "destroy a", ["x ACTIVE A W"], two, {"W": ["C"]}, "destroy")
    yield no("destroy-active", old_one, "destroy b", "BAD_STATE", "only what is retired is destroyed", mark)
    yield no("destroy-next", after_next, "destroy b", "BAD_STATE", "only what is retired is destroyed")

    # What a token can remember.
    sixteen = [f"G{n}" for n in range(16)]
    words = "the seventeenth mark of a vault: its oldest falls out"
    full_marks: Retired = {"V": sixteen}
    left: Retired = {"V": [*sixteen[1:], "A"]}
    yield step("retire-seventeenth", words, after_next, "retire b A", old_one, full_marks, left, "retire")
    vaults = ["W0", "W1", "W2", "W3"]
    stored = [f"x{n} ACTIVE A {vault}" for n, vault in enumerate(vaults)]
    fifteen: Retired = {"W0": sixteen, "W1": sixteen, "W2": sixteen, "W3": sixteen[:15]}
    words = "the sixty-fourth mark of all"
    left = {**fifteen, "V": ["A"]}
    yield step("retire-64th", words, [*stored, *after_next], "retire b A", [*stored, *old_one], fifteen, left, "retire")
    most: Retired = {"W0": sixteen, "W1": sixteen[:14], "W2": sixteen[:14], "W3": sixteen[:14], "W4": sixteen[:6]}
    stored = [*stored, "x4 ACTIVE A W4"]
    left = {**most, "W0": sixteen[1:], "V": ["A"]}
    words = "the sixty-fifth mark of all, the first of its vault: the oldest of the vault with most falls out"
    yield step("retire-65th", words, [*stored, *after_next], "retire b A", [*stored, *old_one], most, left, "retire")
    own: Retired = {"W0": sixteen, "W1": sixteen, "W2": sixteen, "W3": sixteen[:14], "V": ["F", "G"]}
    left = {**own, "V": ["G", "A"]}
    words = "the sixty-fifth mark of all, of a vault that has some: its own oldest falls out"
    yield step("retire-own", words, [*stored, *after_next], "retire b A", [*stored, *old_one], own, left, "retire")


def policy() -> Iterator[Vector]:
    yield from admission()
    yield from steps()
