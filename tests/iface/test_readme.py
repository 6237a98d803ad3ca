"""The protocol as it is written is the protocol as it is coded."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from coldshare_firmware import request
from coldshare_iface import codec, session, wire

ROOT = Path(__file__).parents[2]
README = (ROOT / "firmware_iface/README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def maker() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).with_name("make_readme.py")))


def test_the_generated_parts_are_up_to_date(maker: dict[str, Any]) -> None:
    assert sorted(maker["parts_in"](README)) == sorted(maker["PARTS"])
    assert maker["filled"](README) == README


def test_every_number_of_the_contract_is_in_the_readme(maker: dict[str, Any]) -> None:
    tables = "".join(make() for make in maker["PARTS"].values())
    for name in (name for name in vars(wire) if name.isupper()):
        short = re.sub(r"^(CMD|ERR|STATUS)_", "", name)
        op = name.removeprefix("OP_").lower().replace("_", "-")
        assert f"| {short} |" in tables or f"| `{op}` |" in tables, name


def test_no_word_is_left_over(maker: dict[str, Any]) -> None:
    for words, prefix in (("COMMANDS", "CMD_"), ("ERRORS", "ERR_"), ("STATUSES", "STATUS_"), ("OPS", "OP_")):
        assert set(maker[words]) == set(maker["numbers"](prefix))
    assert all(hasattr(wire, name) for name in maker["LIMITS"])
    for row in maker["OPS"].values():
        assert set(row[-1].split()) - {"person"} <= set(maker["STATUSES"])


@pytest.mark.parametrize("name", [name for name in codec.REASONS if name not in ("int_range", "type")])
def test_the_order_of_the_checks_names_every_reason(name: str) -> None:
    section = README[README.index("### Order of the checks") : README.index("## Messages")]
    assert f"`{name}`" in section


def test_links_and_fences_hold() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / "firmware_iface" / target).exists(), target
    heads = {re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in README.splitlines()}
    for anchor in re.findall(r"\]\(#([^)]+)\)", README):
        assert anchor in heads, anchor
    assert README.count("```") % 2 == 0


def test_the_longest_chunk_is_what_the_cddl_says(maker: dict[str, Any]) -> None:
    longest = maker["CHUNK_MAX"]
    assert f"chunk-size = 1..{longest} " in (ROOT / "firmware_iface/coldshare_iface/protocol.cddl").read_text()
    fits = codec.encode({0: wire.OP_CHUNK, 1: wire.BLOB_MAX, 2: bytes(longest)})
    assert len(fits) == session.RECORD_MAX
    assert longest >= request.CHUNK
