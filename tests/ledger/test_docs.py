"""docs/ledger.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coldshare.ledger import errors
from coldshare.ledger.events import BODIES
from coldshare.ledger.store import Ledger, ledger_path
from ledger.samples import BODIES as SAMPLES

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")


def test_every_kind_is_named() -> None:
    (table,) = re.findall(r"\| kinds \| tell \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE)
    assert re.findall(r"`([a-z_]+)`", table) == [body.name for body in BODIES.values()]


def test_every_code_is_named_with_its_status() -> None:
    (table,) = re.findall(r"\| code \| status \| when \|\n\|---\|---\|---\|\n((?:\|.*\n)+)", PAGE)
    told = {code: int(status) for code, status in re.findall(r"^\| `([a-z_]+)` \| (\d) \|", table, re.MULTILINE)}
    kinds = [getattr(errors, name) for name in errors.__all__]
    assert told == {kind.code: kind.exit_status for kind in kinds}


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with Ledger(ledger_path()) as ledger:
        ledger.record(SAMPLES[10:11])
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/ledger.md", "exec"), {})
    assert capsys.readouterr().out == "Savings Phone token:0001020304050607 None\n"
