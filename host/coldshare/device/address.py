"""Addresses of tokens: `SCHEME:WHERE?option=value`, the same on the command line and in COLDSHARE_AT."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from coldshare.device.errors import AddressError, NoAddressError
from coldshare.paths import path_of, written
from coldshare_iface import wire

_USER: dict[str, tuple[str, ...]] = {"user": ("approve", "reject")}
#: Schemes that the design reserves, the options each one takes, and their values; none are listed where the one who
#: opens the address knows them.
_OPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "sim": _USER | {"fault": (), "break": (), "carrier": ("hid", "hid-hs", "bulk")},
    "hid": {},
    "usb": {},
    "sim+unix": _USER,
    "sim+tcp": _USER,
    "sim+mpy": _USER | {"carrier": ("hid", "bulk")},
    "folder": {},
}
#: What an address can begin with.
SCHEMES = frozenset(_OPTIONS)
#: As it is typed, and as it is connected to: nobody's resolver is asked what "localhost" is.
_LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "[::1]": "::1"}
_PORT_MAX = 65535
_PORT_DIGITS = 5
#: Schemes whose `where` is the serial of a token, in hexadecimal.
_BY_SERIAL = ("hid", "usb")
_SERIAL_DIGITS = 2 * wire.SERIAL_SIZE
#: The scheme whose `where` is a path and nothing else.
_FOLDER = "folder"
#: Characters of an address: as many as a path can have, and its options.
_TEXT_MAX = 4096 + 256


@dataclass(frozen=True, slots=True)
class Address:
    """`scheme` says how to get there, `where` is the rest: a path, a serial number. As text it is read as the same one,
    but for its options."""

    scheme: str
    where: str
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None) -> Address:
        """Raises AddressError, which names the part that is wrong."""
        if not text:
            raise NoAddressError
        if len(text) > _TEXT_MAX:
            raise AddressError(f"An address has at most {_TEXT_MAX} characters; this one has {len(text)}.")
        scheme, colon, rest = text.partition(":")
        allowed = _OPTIONS.get(scheme)
        if not colon or allowed is None:
            raise AddressError(f"{text!r} is not the address of a token: it must begin with {_known()}.")
        if scheme == _FOLDER:
            # It takes no options, and a question mark is a character of a path like any other.
            where, query = path_of(rest), ""
            if "\0" in where:
                raise AddressError(f"{text!r} has a character of value zero, which no path can have.")
        else:
            where, _, query = rest.partition("?")
        if not where:
            raise AddressError(f"{text!r} says {scheme}: and then nothing.")
        options: dict[str, str] = {}
        for key, value in parse_qsl(query, keep_blank_values=True):
            if key not in allowed:
                raise AddressError(f"{text!r} has the option {key!r}, which {scheme}: addresses do not take.")
            if key in options:
                raise AddressError(f"{text!r} has the option {key!r} twice.")
            if allowed[key] and value not in allowed[key]:
                raise AddressError(f"{text!r}: {key} must be one of {', '.join(allowed[key])}.")
            options[key] = value
        if scheme == "sim+tcp":
            host_and_port(text, where)
        if scheme in _BY_SERIAL and not is_serial(where):
            raise AddressError(
                f"{text!r} must end with a serial: {_SERIAL_DIGITS} digits of 0 to 9 and a to f.",
                next_step="To see the tokens that are plugged in, with their addresses: coldshare tokens",
            )
        return cls(scheme, where, options)

    def __str__(self) -> str:
        return f"{self.scheme}:{written(self.where) if self.scheme == _FOLDER else self.where}"


def is_serial(text: str) -> bool:
    """Whether `text` can be the serial of a token, as USB tells it and as addresses have it."""
    return len(text) == _SERIAL_DIGITS and all(char in string.hexdigits for char in text)


def host_and_port(text: str, where: str) -> tuple[str, int]:
    """Of `HOST:PORT`, where HOST is this computer and nothing else. Raises AddressError about `text`."""
    host, _, port = where.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= _PORT_DIGITS else 0
    if not 1 <= number <= _PORT_MAX:
        raise AddressError(f"{text!r} must end with a port, as in sim+tcp:127.0.0.1:7000.")
    if host not in _LOOPBACK:
        raise AddressError(f"{text!r}: a software token is served on this computer only: 127.0.0.1, [::1], localhost.")
    return _LOOPBACK[host], number


def _known() -> str:
    return ", ".join(f"{scheme}:" for scheme in _OPTIONS)
