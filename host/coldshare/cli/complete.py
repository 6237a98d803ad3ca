"""What a shell may complete. No token is opened or looked for, and nothing is waited for: it reads names of files, for
an address with a serial the list of tokens that this computer knows, and for a place the ledger.
"""

from __future__ import annotations

import os
import re
from itertools import islice

import click

_SCHEMES = ("usb:", "hid:", "sim:", "sim+mpy:", "sim+unix:", "sim+tcp:")
# Of these, what follows is the serial of a token.
_BY_SERIAL = ("usb:", "hid:")
# Of these, what follows is the name of a token's file.
_IN_FILES = ("sim:", "sim+mpy:")
# A name goes onto the command line as it is. Whatever a shell could take for more than a name is not offered.
_PLAIN = re.compile(r"[\w./~+-]+\.token")
_PLAIN_NAME = re.compile(r"[\w.+][\w.+-]*")
_PLAIN_FOLDER = re.compile(r"[\w./~+-]+/")
_FOLDER = "folder:"
_ENTRIES_MAX = 1000


def addresses(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """For --at: the schemes, tokens that this computer knows, and software tokens by the name of their files."""
    for scheme in _BY_SERIAL:
        if incomplete.startswith(scheme):
            return [address for address in _known(scheme) if address.startswith(incomplete)]
    schemes = [scheme for scheme in _SCHEMES if scheme.startswith(incomplete)]
    scheme = next((scheme for scheme in _IN_FILES if incomplete.startswith(scheme)), "")
    if not scheme and "sim:" not in schemes:
        return schemes
    typed = incomplete.removeprefix(scheme) if scheme else ""
    folder, _, _ = typed.rpartition("/")
    before = typed[: len(folder) + 1] if "/" in typed else ""
    try:
        with os.scandir(os.path.expanduser(before) or ".") as entries:  # noqa: PTH111 - as the address itself is read
            names = [before + entry.name for entry in islice(entries, _ENTRIES_MAX)]
    except OSError:
        names = []
    found = sorted(name for name in names if name.startswith(typed) and _PLAIN.fullmatch(name))
    return schemes + [f"{scheme or 'sim:'}{name}" for name in found]


def places(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """As `addresses`, and folders by their names, for a command that works with one, too."""
    if not incomplete.startswith(_FOLDER):
        offered = addresses(context, parameter, incomplete)
        return [*offered, _FOLDER] if _FOLDER.startswith(incomplete) else offered
    typed = incomplete.removeprefix(_FOLDER)
    before = typed[: typed.rfind("/") + 1]
    try:
        with os.scandir(os.path.expanduser(before) or ".") as entries:  # noqa: PTH111 - as the address itself is read
            names = [f"{before}{entry.name}/" for entry in islice(entries, _ENTRIES_MAX) if entry.is_dir()]
    except OSError:
        names = []
    return [_FOLDER + name for name in sorted(names) if name.startswith(typed) and _PLAIN_FOLDER.fullmatch(name)]


def known_places(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """For PLACE: what places are called, and their addresses. A name that a shell would take apart is not offered."""
    from coldshare.cli.ledgers import known

    names, view = {"this"}, known()
    if view is not None:
        names |= {one.title for one in view.places() if one.wiped is None} | {one.name for one in view.hosts()}
    offered = sorted(name for name in names if name.startswith(incomplete) and _PLAIN_NAME.fullmatch(name))
    return [*offered, *places(context, parameter, incomplete)] if incomplete else offered


def known_parties(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """For PARTY: every party that the ledger knows. A name that a shell would take apart is not offered."""
    from coldshare.cli.ledgers import known

    view = known()
    if view is None:
        return []
    names = {one.party for vault in view.vaults() for one in view.parties(vault.vault)}
    return sorted(name for name in names if name.startswith(incomplete) and _PLAIN_NAME.fullmatch(name))


def _known(scheme: str) -> list[str]:
    from coldshare.device.pairings import PairingStore
    from coldshare.errors import ColdshareError
    from coldshare.home import pairings_path

    try:
        return [f"{scheme}{one.serial.hex()}" for one in PairingStore(pairings_path()).all()]
    except ColdshareError:
        return []
