"""Every error a person can meet has a code of its own, a sentence and a next step, and is on the page of errors."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from coldshare_iface.errors import ColdshareError

ROOT = Path(__file__).parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_errors", ROOT / "docs" / "make_errors.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE = load()
CLASSES: list[type[ColdshareError]] = sorted(set(MAKE.classes()), key=lambda kind: kind.__qualname__)


def test_the_page_is_what_the_classes_say() -> None:
    assert MAKE.PAGE.read_text(encoding="utf-8") == MAKE.page(), "run: python docs/make_errors.py"


def test_no_two_unrelated_classes_share_a_code() -> None:
    owners: dict[str, type[ColdshareError]] = {}
    for kind in CLASSES:
        if "code" in vars(kind):
            other = owners.setdefault(kind.code, kind)
            assert other is kind, f"{kind.__qualname__} and {other.__qualname__} both have the code {kind.code}"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__qualname__)
def test_code_and_sentence(kind: type[ColdshareError]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", kind.code)
    sentence = " ".join((kind.__doc__ or "").split())
    assert sentence[:1].isupper() or sentence.startswith("coldshare "), sentence
    assert sentence.endswith("."), sentence
    assert kind.exit_status in MAKE._FAMILIES


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if not kind.__subclasses__()], ids=lambda k: k.__qualname__)
def test_a_next_step(kind: type[ColdshareError]) -> None:
    """Classes at the ends of the tree are the ones that are raised."""
    steps = {"UsageError": "names the command's own help"}
    assert kind.next_step or kind.__name__ in steps, f"{kind.__qualname__} leaves the person alone"
