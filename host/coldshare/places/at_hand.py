"""Which of the places that a ledger knows can be reached from this computer at this moment.

Nobody is asked and nothing is waited for. Of tokens it is looked which ones are plugged in, without opening any. A
folder and an exported file are at hand where the ledger has them, and only if it is really them that lie there. A
software token is never looked for; it is found when it is named.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from coldshare.errors import ColdshareError
from coldshare.ledger import events as e
from coldshare.ledger.events import Place
from coldshare.paths import path_of, whole

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.device.discovery import Found
    from coldshare.ledger.queries import PlaceInfo, View

__all__ = ["AtHand", "Reached", "address_text", "at_hand", "folder_at", "token_at"]

_PLUGGED: Final = ("hid", "usb")
#: Of these the person at this computer would be asked by the token itself; for its serial nobody has to be.
_IN_THIS_PROCESS: Final = ("sim", "sim+mpy")


@dataclass(frozen=True, slots=True)
class Reached:
    """A place that is at hand. `address` is what --at takes, or the path of an exported file; `command` is what to put
    behind a verb, quoted for a shell: `--at hid:0011223344556677`, `--from '/media/a b/coldshare-1a2b3c4d.seal'`."""

    place: Place
    address: str
    command: str


@dataclass(frozen=True, slots=True)
class AtHand:
    """What can be reached, and in `notes` a sentence each on what was in the way of finding out."""

    places: dict[Place, Reached] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __contains__(self, place: Place) -> bool:
        return place in self.places


def at_hand(view: View, *, named: Address | None = None) -> AtHand:
    """Look for every token, folder and exported file of the ledger; computers are none of it.

    `named` is the address of --at or COLDSHARE_AT, and the only one where a token is opened: a software one, to read
    its serial. Raises nothing; what fails becomes a note.
    """
    places: dict[Place, Reached] = {}
    notes: list[str] = []
    known = view.places()
    tokens = {one.place for one in known if one.place.kind == e.TOKEN}
    if tokens:
        for found in _plugged_in(notes):
            place = Place(e.TOKEN, bytes.fromhex(found.serial))
            if place in tokens:
                places[place] = _at(place, _way(found, named, notes))
    for one in known:
        if one.place.kind == e.FOLDER and _is_folder(one):
            places[one.place] = _at(one.place, f"folder:{one.label}")
        elif one.place.kind == e.FILE and _is_file(one, view):
            places[one.place] = Reached(one.place, one.label, f"--from {shlex.quote(one.label)}")
    if named is not None and named.scheme not in _PLUGGED:
        try:
            place = _named(named)
        except (ColdshareError, OSError) as error:
            words = error.message if isinstance(error, ColdshareError) else os.strerror(error.errno or 0)
            notes.append(f"{named} cannot be reached. {words}")
        else:
            if any(one.place == place for one in known):
                places[place] = _at(place, address_text(named))
            else:
                notes.append(
                    f"{named} is not in the ledger. To tell it what is there: "
                    f"coldshare ledger rescan --at {shlex.quote(address_text(named))}"
                )
    return AtHand(places, tuple(notes))


def token_at(address: Address) -> Place:
    """The token at that address, as it calls itself: opened, and asked for nothing but that. Of one that is plugged in
    the address has the serial, and it need not be there. Raises what opening it raises."""
    if address.scheme in _PLUGGED:
        return Place(e.TOKEN, bytes.fromhex(address.where))
    from coldshare.device.token import TokenClient
    from coldshare.device.transport import open_transport

    with TokenClient.over(open_transport(_quiet(address))) as client:
        return Place(e.TOKEN, client.info.serial)


def folder_at(where: str) -> Place:
    """The place `folder:WHERE`. Nobody who writes there is waited for: one good list is there at every moment.

    Raises as `places.folder.open_folder`.
    """
    from coldshare.places.errors import NoFolderPlaceError, from_os
    from coldshare.places.files import OsFiles
    from coldshare.places.folder import Folder, place_of

    path = place_of(where)
    try:
        files = OsFiles(path, lock=False)
    except FileNotFoundError:
        raise NoFolderPlaceError(f"There is no folder {path.name!r} in {path.parent}, so no backup is there.") from None
    except OSError as error:
        raise from_os(error, str(path)) from error
    try:
        return Place(e.FOLDER, Folder(files, str(path)).contents().place_id)
    finally:
        files.release()


def address_text(address: Address) -> str:
    """The address with its options, as --at takes it."""
    options = "&".join(f"{key}={quote(value, safe=',:@/')}" for key, value in address.options.items())
    return f"{address}?{options}" if options else str(address)


def _named(address: Address) -> Place:
    return folder_at(address.where) if address.scheme == "folder" else token_at(address)


def _quiet(address: Address) -> Address:
    """The same token without a screen in the terminal, and without the faults that a test has ordered."""
    if address.scheme not in _IN_THIS_PROCESS:
        return address
    carrier = {key: value for key, value in address.options.items() if key == "carrier"}
    return replace(address, options={"user": "reject", **carrier})


def _at(place: Place, address: str) -> Reached:
    return Reached(place, address, f"--at {shlex.quote(address)}")


def _plugged_in(notes: list[str]) -> list[Found]:
    from coldshare.device import discovery

    try:
        return discovery.find()
    except ColdshareError as error:
        notes.append(f"Which tokens are plugged in could not be found out. {error.message} {error.next_step}")
    except OSError as error:
        notes.append(f"Which tokens are plugged in could not be found out: {os.strerror(error.errno or 0)}.")
    return []


def _way(found: Found, named: Address | None, notes: list[str]) -> str:
    from coldshare.device import discovery

    if named is not None and named.scheme in _PLUGGED and named.where.lower() == found.serial:
        return str(named)
    way = discovery.best(found)
    if way.access == "no_permission":
        notes.append(f"{way.address} is plugged in, and your account may not use it. See: coldshare doctor")
    return way.address


def _is_folder(info: PlaceInfo) -> bool:
    if not whole(info.label):
        return False
    try:
        return folder_at(path_of(info.label)) == info.place
    except (ColdshareError, OSError):
        return False


def _is_file(info: PlaceInfo, view: View) -> bool:
    from coldshare.export import read_export

    path = Path(path_of(info.label))
    try:
        if not whole(info.label) or not path.is_file():
            return False
        backup_id = read_export(path).backup_id
    except (ColdshareError, OSError, ValueError):
        return False
    return any(one.backup_id == backup_id for one in view.backups(place=info.place, gone=True))
