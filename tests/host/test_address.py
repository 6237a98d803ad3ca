"""Addresses of tokens, as people type them."""

from __future__ import annotations

import pytest

from coldshare.device.address import Address
from coldshare.device.errors import AddressError, NoAddressError, TransportUnavailableError
from coldshare.device.transport import check_supported, open_transport


@pytest.mark.parametrize(
    ("text", "scheme", "where", "options"),
    [
        ("sim:a.token", "sim", "a.token", {}),
        ("sim:/abs/with space.token", "sim", "/abs/with space.token", {}),
        ("sim:a:b", "sim", "a:b", {}),
        ("sim:a?user=approve", "sim", "a", {"user": "approve"}),
        ("sim:a?user=reject", "sim", "a", {"user": "reject"}),
        ("sim:a?", "sim", "a", {}),
        ("sim:a%20b", "sim", "a%20b", {}),
        ("hid:0011223344556677", "hid", "0011223344556677", {}),
        ("usb:00112233445566FF", "usb", "00112233445566FF", {}),
        ("sim+unix:/run/token", "sim+unix", "/run/token", {}),
        ("sim+tcp:localhost:7000", "sim+tcp", "localhost:7000", {}),
        ("sim+tcp:127.0.0.1:1", "sim+tcp", "127.0.0.1:1", {}),
        ("sim+tcp:[::1]:65535?user=reject", "sim+tcp", "[::1]:65535", {"user": "reject"}),
        ("sim+unix:a?user=approve", "sim+unix", "a", {"user": "approve"}),
        ("sim+mpy:a", "sim+mpy", "a", {}),
        ("folder:/mnt/stick", "folder", "/mnt/stick", {}),
    ],
)
def test_good_ones(text: str, scheme: str, where: str, options: dict[str, str]) -> None:
    assert Address.parse(text) == Address(scheme, where, options)


@pytest.mark.parametrize("text", [None, ""])
def test_none(text: str | None) -> None:
    with pytest.raises(NoAddressError, match="No token was named"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.token", "must begin with sim:"),
        ("simm:a", "must begin with"),
        ("SIM:a", "must begin with"),
        (":a", "must begin with"),
        ("sim", "must begin with"),
        ("sim:", "says sim: and then nothing"),
        ("sim:?user=approve", "and then nothing"),
        ("sim:a?user=maybe", "user must be one of approve, reject"),
        ("sim:a?user", "user must be one of"),
        ("sim:a?user=", "user must be one of"),
        ("sim:a?user=approve&user=reject", "'user' twice"),
        ("sim:a?speed=9", "'speed', which sim: addresses do not take"),
        ("sim+tcp:127.0.0.1", "must end with a port"),
        ("sim+tcp:127.0.0.1:", "must end with a port"),
        ("sim+tcp:127.0.0.1:0", "must end with a port"),
        ("sim+tcp:127.0.0.1:65536", "must end with a port"),
        ("sim+tcp:127.0.0.1:-1", "must end with a port"),
        ("sim+tcp:127.0.0.1:\u0661", "must end with a port"),
        ("sim+tcp:127.0.0.1:" + "9" * 4300, "must end with a port"),
        ("sim+tcp:7000", "on this computer only"),
        ("sim+tcp:192.0.2.1:7000", "on this computer only"),
        ("sim+tcp:0.0.0.0:7000", "on this computer only"),
        ("sim+tcp:localhost.example.com:7000", "on this computer only"),
        ("sim+tcp:127.0.0.1@example.com:7000", "on this computer only"),
        ("sim+unix:a?user=maybe", "user must be one of approve, reject"),
        ("hid:00?user=approve", "'user', which hid: addresses do not take"),
        ("hid:0011", "must end with a serial: 16 digits"),
        ("usb:00112233445566fg", "must end with a serial"),
        ("usb:00112233445566ff0", "must end with a serial"),
        ("hid:../../../../../pw", "must end with a serial"),
        ("hid:\u0660011223344556677", "must end with a serial"),
        ("sim\x1b[2J:a", r"sim\\x1b"),
        ("sim:" + "a" * 4349, "at most 4352 characters; this one has 4353"),
    ],
)
def test_bad_ones_name_the_part(text: str, says: str) -> None:
    with pytest.raises(AddressError, match=says) as caught:
        Address.parse(text)
    assert caught.value.code == "bad_address"
    assert caught.value.exit_status == 2


def test_a_reserved_one_says_not_yet() -> None:
    address = Address.parse("folder:x")
    for use in (check_supported, open_transport):
        with pytest.raises(TransportUnavailableError, match="not supported by this version"):
            use(address)


def test_it_prints_as_it_is_typed_without_its_options() -> None:
    assert str(Address.parse("sim:a.token?user=approve")) == "sim:a.token"
