"""What a person is told to type for a place always means that place."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.ledger.queries import PlaceInfo
from coldshare.places.resolve import (
    THIS,
    PlaceAmbiguousError,
    PlaceNameError,
    PlaceUnknownError,
    check_name,
    computer,
    find,
    name_of,
)
from coldshare_iface.errors import ColdshareError

HERE = bytes(16)
#: So few that many are the same.
TEXTS = [
    "",
    "a",
    "A",
    "aaaa",
    "AAAA",
    "aaaab",
    "this",
    "-a",
    "/a",
    "/A",
    "token:aaaa",
    "folder:/a",
    "hid:a",
    "ß",
    "SS",
    "\xe9",
    "e\u0301",
    "\xc9",
]
IDENTS = [b"\xaa\xaa", b"\xaa\xaa\xbb", b"\xaa\xab", b"\xbb\xbb\xbb", HERE]

infos = st.builds(
    PlaceInfo,
    place=st.builds(Place, st.sampled_from([*e.PLACES, 77]), st.sampled_from(IDENTS)),
    label=st.sampled_from(TEXTS),
    called=st.none() | st.sampled_from(TEXTS[1:]),
    location=st.none(),
    custodian=st.none(),
    account=st.none(),
    note=st.none(),
    hosts=st.just(()),
    lost=st.none(),
    wiped=st.none() | st.just(1),
)
lists = st.lists(infos, max_size=8, unique_by=lambda one: one.place)


def read(text: str) -> str:
    """As a person reads it, who sees no difference between two ways to write an accent."""
    return unicodedata.normalize("NFD", text).casefold()


@given(lists)
def test_the_name_of_a_place_means_it(places: list[PlaceInfo]) -> None:
    for one in places:
        name = name_of(places, one.place, HERE)
        assert find(places, name, HERE) == one.place
        assert not name.startswith("-")


@given(lists, st.sampled_from([*TEXTS, "aa", "aaa", "AAAAB", "bbbbbb", "file:bbbb"]))
def test_what_is_found_is_there_and_no_other_fits_as_well(places: list[PlaceInfo], text: str) -> None:
    place, words, several = None, "", False
    try:
        place = find(places, text, HERE)
    except PlaceUnknownError:
        assert not any(text == one.called and one.wiped is None for one in places)
        return
    except ColdshareError as error:
        words, several = error.message, isinstance(error, PlaceAmbiguousError)
    if place is None:
        # Nothing of an address that is not there can be looked at.
        assert words.count(" (") >= 2 if several else text.startswith(("folder:", "hid:"))
        return
    if text == THIS:
        assert place == Place(e.COMPUTER, HERE)
        return
    (found,) = [one for one in places if one.place == place]
    known = [
        str(found.place),
        read(found.called or ""),
        read(found.label),
        read(f"folder:{found.label}"),
    ]
    assert read(text) in known or found.place.ident.hex().startswith(text.lower())


@given(lists, st.sampled_from(TEXTS[1:]))
def test_a_name_that_is_taken_by_nobody_means_its_place(places: list[PlaceInfo], name: str) -> None:
    """Whatever `check_name` lets pass can be typed afterwards."""
    for number, one in enumerate(places):
        try:
            check_name(places, one.place, name)
        except PlaceNameError:
            continue
        if one.wiped is None:
            named = PlaceInfo(one.place, one.label, name, None, None, None, None, (), None, None)
            after = [*places[:number], named, *places[number + 1 :]]
            assert find(after, name, HERE) == one.place


@given(lists, st.sampled_from(TEXTS))
def test_a_computer_is_a_computer(places: list[PlaceInfo], text: str) -> None:
    try:
        host = computer(places, text, HERE)
    except (PlaceUnknownError, PlaceAmbiguousError):
        return
    assert host == HERE or any(one.place == Place(e.COMPUTER, host) for one in places)
