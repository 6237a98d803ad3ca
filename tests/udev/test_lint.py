"""`make lint-udev` would notice: udev's own judgement of files that are wrong."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "udev" / "70-coldshare.rules"


@pytest.fixture(scope="module")
def lint() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lint", Path(__file__).with_name("lint.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_rules_are_good(lint: ModuleType) -> None:
    assert lint.main([str(FILE)]) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('TAG+="uaccess"', 'TAG+="uaccess', "Invalid key/value pair"),
        ('LABEL="coldshare_end"', "", "no matching label"),
        ("ATTRS{product}", "ATTRS", "Invalid attribute"),
        ('SUBSYSTEM=="usb"', 'SUBSYSTEM="usb"', "Invalid operator"),
    ],
)
def test_a_broken_file_is_not(
    old: str, new: str, why: str, lint: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    broken = tmp_path / FILE.name
    broken.write_text(text.replace(old, new), encoding="utf-8")
    assert lint.main([str(broken)]) == 1
    assert why in capsys.readouterr().out


@pytest.mark.slow
def test_nor_is_one_that_is_not_there(lint: ModuleType, tmp_path: Path) -> None:
    assert lint.main([str(tmp_path / FILE.name)]) == 1
