"""The file itself, and that an installed coldshare finds it."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from coldshare.udev import rules
from coldshare.udev.errors import RulesMissingError
from coldshare_iface import wire

ROOT = Path(__file__).parents[2]
FILE = ROOT / "udev" / rules.NAME


def lines() -> list[dict[str, tuple[str, str]]]:
    """The rules as udev reads them: key to operator and value."""
    found = []
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pairs = re.findall(r'([A-Z]+(?:\{\w+\})?)(==|!=|\+=|:=|=)"([^"]*)"', line)
            assert ", ".join(f'{key}{operator}"{value}"' for key, operator, value in pairs) == line
            found.append({key: (operator, value) for key, operator, value in pairs})
    return found


def granting() -> list[dict[str, tuple[str, str]]]:
    return [rule for rule in lines() if "TAG" in rule]


def test_both_nodes_of_a_token_are_granted_to_whoever_sits_there() -> None:
    assert [rule["SUBSYSTEM"] for rule in granting()] == [("==", "hidraw"), ("==", "usb")]
    for rule in granting():
        assert rule["TAG"] == ("+=", "uaccess")
        assert rule["MODE"] == ("=", "0660")
        assert not {"GROUP", "OWNER", "RUN"} & set(rule)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("idVendor", f"{wire.USB_VENDOR:04x}"),
        ("idProduct", f"{wire.USB_PRODUCT:04x}"),
        ("product", wire.USB_PRODUCT_STRING),
    ],
)
def test_a_token_is_matched_as_the_contract_says(field: str, value: str) -> None:
    hidraw, usb = granting()
    # A hidraw node has no such attributes itself, a USB device has.
    assert hidraw[f"ATTRS{{{field}}}"] == ("==", value)
    assert usb[f"ATTR{{{field}}}"] == ("==", value)


def test_it_ends_early_when_a_token_goes() -> None:
    first, last = lines()[0], lines()[-1]
    assert first == {"ACTION": ("==", "remove"), "GOTO": ("=", "coldshare_end")}
    assert last == {"LABEL": ("=", "coldshare_end")}


def test_its_number_lets_uaccess_work() -> None:
    assert "50-udev-default.rules" < rules.NAME < "73-seat-late.rules"


def test_this_installation_finds_it() -> None:
    assert rules.shipped() == FILE.read_bytes(), "the rules have changed since the last pip install -e ."


def test_one_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    for files in (lambda name: None, lambda name: [], unknown):
        monkeypatch.setattr(metadata, "files", files)
        with pytest.raises(RulesMissingError):
            rules.shipped()


@pytest.mark.slow
def test_a_wheel_has_it_and_finds_it(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("coldshare-*.whl")
    # As a distribution's package does it: below /usr, where udev looks.
    prefix = tmp_path / "image" / "usr"
    subprocess.run([*pip, "install", "--no-deps", "--ignore-installed", "--prefix", prefix, wheel], check=True)
    assert (prefix / "lib/udev/rules.d" / rules.NAME).read_bytes() == FILE.read_bytes()
    (packages,) = prefix.glob("lib/python*/site-packages")
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "from coldshare.udev import rules; import os; os.write(1, rules.shipped())",
        ],
        env={"PYTHONPATH": str(packages)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        check=True,
    )
    assert found.stdout == FILE.read_bytes()
