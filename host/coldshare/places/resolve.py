"""Which place a person means: by what they call it, by its label, its serial, its address or its path."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from coldshare.errors import ColdshareError, InputError, RefusedError
from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.ledger.queries import PlaceInfo, View
from coldshare.paths import home, label, path_of
from coldshare.safety.named import folded
from coldshare_iface.text import unshowable

if TYPE_CHECKING:
    from coldshare.device.address import Address

__all__ = [
    "TEXT_MAX",
    "THIS",
    "PlaceAmbiguousError",
    "PlaceNameError",
    "PlaceTextError",
    "PlaceUnknownError",
    "PlaceUnseenError",
    "address_of",
    "check_name",
    "check_text",
    "computer",
    "find",
    "known",
    "name_of",
    "told",
]

#: How this computer is called, whatever its name is.
THIS: Final = "this"
#: Bytes of UTF-8 of what is said of a place.
TEXT_MAX: Final = 200
#: Places that a message names.
_NAMED_MAX: Final = 8
#: Digits of a serial or an id that are enough, when they are of one place only.
_DIGITS_MIN: Final = 4
#: Of these the label is a path, where capitals may make a difference.
_BY_PATH: Final = (e.FOLDER, e.FILE)
_ORDER: Final = (e.TOKEN, e.FOLDER, e.FILE, e.OTHER_PLACE, e.COMPUTER)


class PlaceUnknownError(InputError):
    """The ledger knows no place that is called so."""

    code: ClassVar[str] = "place_unknown"
    next_step = "To see them all, with what each is called: coldshare place list"


class PlaceUnseenError(InputError):
    """The ledger has never heard of what is at this address."""

    code: ClassVar[str] = "place_unseen"
    next_step = "Let it look first: coldshare ledger rescan --at ADDR"


class PlaceAmbiguousError(InputError):
    """More than one place is meant by that."""

    code: ClassVar[str] = "place_ambiguous"
    next_step = "Name it by its serial or its id, the first characters will do, and give it a name of its own: --called"


class PlaceTextError(InputError):
    """What is said of a place cannot be kept."""

    code: ClassVar[str] = "place_text"
    next_step = "At most 200 bytes, and characters that a terminal shows. An empty text takes one back."


class PlaceNameError(RefusedError):
    """No place can be called so: another one is, or it means something else."""

    code: ClassVar[str] = "place_name"
    next_step = "Choose another name: one for each place."


def known(view: View, this: bytes) -> list[PlaceInfo]:
    """All places of a ledger. Computers are among them, also those of which nobody has said anything, labelled with
    their names; `this` is the id of this one."""
    names = {one.host: one.name for one in view.hosts()}
    names.setdefault(this, "")
    found = {one.place: one for one in view.places()}
    for host, name in names.items():
        place = Place(e.COMPUTER, host)
        said = found.get(place) or PlaceInfo(place, "", None, None, None, None, None, (), None, None)
        found[place] = replace(said, label=name or said.label)
    kinds = {kind: number for number, kind in enumerate(_ORDER)}
    return sorted(found.values(), key=lambda one: (kinds.get(one.place.kind, len(kinds)), one.title, one.place))


def address_of(text: str) -> Address | None:
    """The address that `text` is, None where it is none. Raises AddressError for one that is wrong."""
    from coldshare.device.address import SCHEMES, Address

    return Address.parse(text) if text.partition(":")[0] in SCHEMES and ":" in text else None


def find(places: Sequence[PlaceInfo], text: str, this: bytes) -> Place:
    """Which of `places` (see `known`) a person means by `text`.

    What they call it comes first, then what it is called anyway, then the beginning of its serial or id. A software
    token that is named by its address is opened to read its serial, a folder is read; one that is not there is known
    by its path. Raises PlaceUnknownError, PlaceAmbiguousError, PlaceUnseenError, and what opening a token raises.
    """
    for one in places:
        if str(one.place) == text:
            return one.place
    if text == THIS:
        return Place(e.COMPUTER, this)
    address = address_of(text)
    if address is not None:
        return _at(places, address)
    return _by_name(places, text, this)


def name_of(places: Sequence[PlaceInfo], place: Place, this: bytes) -> str:
    """What a person can type for that place: its title where nothing else is meant by that, else its id."""
    info = next((one for one in places if one.place == place), None)
    try:
        clear = info is not None and not info.title.startswith("-") and find(places, info.title, this) == place
    except ColdshareError:
        clear = False
    return info.title if info is not None and clear else str(place)


def computer(places: Sequence[PlaceInfo], text: str, this: bytes) -> bytes:
    """The id of the computer that a person means. Raises PlaceUnknownError, PlaceAmbiguousError."""
    if text == THIS:
        return this
    return _by_name([one for one in places if one.place.kind == e.COMPUTER], text, this, "computer").ident


def _by_name(places: Sequence[PlaceInfo], text: str, this: bytes, what: str = "place") -> Place:
    from coldshare.ledger.record import file_place

    name = folded(text)
    path = Path(path_of(text)).absolute() if text and "\0" not in path_of(text) else None
    digits = text.lower() if len(text) >= _DIGITS_MIN else None

    def called(one: PlaceInfo) -> bool:
        return one.wiped is None and one.called is not None and folded(one.called) == name

    def labelled(one: PlaceInfo) -> bool:
        if one.place.kind not in _BY_PATH:
            return one.wiped is None and bool(name) and folded(one.label) == name
        return path is not None and (one.label == label(path) or one.place == file_place(this, path))

    def numbered(one: PlaceInfo) -> bool:
        return digits is not None and one.place.ident.hex().startswith(digits)

    ways: tuple[Callable[[PlaceInfo], bool], ...] = (called, labelled, numbered)
    for way in ways:
        found = [one for one in places if way(one)]
        if len(found) > 1:
            raise PlaceAmbiguousError(f"{text!r} can be {told(found)}.")
        if found:
            return found[0].place
    listed = told(one for one in places if one.wiped is None)
    raise PlaceUnknownError(
        f"No {what} is known as {text!r}. {f'There are: {listed}.' if listed else 'There is none yet.'}"
    )


def _at(places: Sequence[PlaceInfo], address: Address) -> Place:
    import shlex

    from coldshare.places.at_hand import address_text, folder_at, token_at

    if address.scheme == "folder":
        try:
            place = folder_at(address.where)
        except ColdshareError:
            # A stick that is lost is the one that cannot be looked at.
            where = label(home(address.where))
            found = [one for one in places if one.place.kind == e.FOLDER and one.label == where]
            if len(found) > 1:
                raise PlaceAmbiguousError(f"At {where} there were {told(found)}.") from None
            if not found:
                raise
            return found[0].place
    else:
        place = token_at(address)
    if not any(one.place == place for one in places):
        raise PlaceUnseenError(
            f"The ledger has never heard of what is at {address}.",
            next_step=f"Let it look first: coldshare ledger rescan --at {shlex.quote(address_text(address))}",
        )
    return place


def told(places: Iterable[PlaceInfo]) -> str:
    """Some places in a sentence, each with as much of its id as tells it from others."""
    names = [f"{one.title!r} ({e.PLACES.get(one.place.kind, 'place')} {one.place.ident.hex()[:8]})" for one in places]
    more = len(names) - _NAMED_MAX
    return ", ".join(names[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def check_text(what: str, text: str) -> str | None:
    """`text` as the ledger keeps it, None for an empty one. `what` is for the message. Raises PlaceTextError."""
    kept = text.strip()
    what = {"called": "name"}.get(what, what)
    if any(unshowable(ord(char)) for char in kept):
        raise PlaceTextError(f"The {what} has a character in it that a terminal does not show.")
    if len(kept.encode()) > TEXT_MAX:
        raise PlaceTextError(f"The {what} has {len(kept.encode())} bytes, and there is room for {TEXT_MAX}.")
    return kept or None


def check_name(places: Iterable[PlaceInfo], place: Place, name: str) -> None:
    """Raise PlaceNameError when `place` cannot be called `name`: nobody could tell it from something else."""
    key = folded(name)
    if key in (THIS, "this computer"):
        raise PlaceNameError(f"{name!r} always is the computer at which it is said.")
    if re.match(r"[a-z][a-z+-]*:\S|-", name):
        raise PlaceNameError(f"{name!r} looks like an address or an option.")
    for one in places:
        taken = (one.called or "", one.label if one.place.kind not in _BY_PATH else "")
        if one.place != place and one.wiped is None and key in map(folded, taken):
            raise PlaceNameError(f"{told([one])} is called {name!r} already.")
