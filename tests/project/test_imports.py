"""Who may import whom (DESIGN: the house). Read from the sources, so that a lazy import counts too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from coldshare_iface import portable

ROOT = Path(__file__).parents[2]
IFACE, FIRMWARE, HOST, SIM = "coldshare_iface", "coldshare_firmware", "coldshare", "coldshare_sim"
MICROPYTHON, PICO, BOARD = "coldshare_micropython", "coldshare_pico", "coldshare_board"
CONSOLE = "coldshare_console"
FOLDERS = {
    IFACE: ROOT / "firmware_iface/coldshare_iface",
    FIRMWARE: ROOT / "firmware/coldshare_firmware",
    CONSOLE: ROOT / "host/coldshare_console",
    HOST: ROOT / "host/coldshare",
    SIM: ROOT / "hw-sim/coldshare_sim",
    MICROPYTHON: ROOT / "firmware/coldshare_micropython",
    PICO: ROOT / "firmware/boards/pico/coldshare_pico",
    BOARD: ROOT / "firmware/boards/tool/coldshare_board",
}
#: The portable half of the contract: the only part that firmware may use.
PORTABLE = set(portable.HALF)
#: The modules of Python itself that a board has too.
STANDARD = {"hashlib", "gc"}
#: The host's modules that may reach for the simulator, and only when they are called.
HOST_TO_SIM = {"device/transport/sim.py", "device/transport/mpy.py", "conformance/simulated.py", "demo.py"}
SIM_TO_HOST = {"pytest_plugin.py"}


@dataclass(frozen=True)
class Import:
    """One import statement: whose, of what, and whether it waits until a function is called."""

    path: Path
    package: str
    module: str
    lazy: bool
    for_types: bool


def imports(path: Path) -> Iterator[Import]:
    def walk(node: ast.AST, lazy: bool, for_types: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(path, alias.name.split(".")[0], alias.name, lazy, for_types)
            elif isinstance(child, ast.ImportFrom):
                if child.level:  # inside the same package, which is never anybody else's business
                    continue
                module = child.module or ""
                for alias in child.names:
                    yield Import(path, module.split(".")[0], f"{module}.{alias.name}", lazy, for_types)
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield from walk(child, True, for_types)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                yield from walk(child, lazy, True)
            else:
                yield from walk(child, lazy, for_types)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False, False)


def of(package: str) -> list[Import]:
    found = [one for path in sorted(FOLDERS[package].rglob("*.py")) for one in imports(path)]
    assert found
    return found


def test_the_contract_imports_neither_side() -> None:
    assert [one for one in of(IFACE) if one.package in (HOST, FIRMWARE, SIM)] == []


def test_the_portable_half_imports_the_portable_half() -> None:
    for one in of(IFACE):
        if one.path.stem in PORTABLE and one.package == IFACE and not one.for_types:
            assert one.module.split(".")[1] in PORTABLE, one


def test_the_contract_has_an_empty_init() -> None:
    assert (FOLDERS[IFACE] / "__init__.py").read_bytes() == b""


def test_firmware_imports_only_the_portable_half() -> None:
    for one in of(FIRMWARE):
        if one.for_types or one.path.name == "types.py":
            assert one.package not in (HOST, SIM), one
            continue
        assert one.package in STANDARD | {FIRMWARE, IFACE}, one
        if one.package == IFACE:
            assert one.module.split(".")[1] in PORTABLE, one


def test_the_host_never_imports_firmware() -> None:
    assert [one for one in of(HOST) if one.package == FIRMWARE] == []


def test_the_host_reaches_for_the_simulator_in_one_place_and_lazily() -> None:
    for one in of(HOST):
        if one.package == SIM and not one.for_types:
            assert one.lazy, one
            assert one.path.relative_to(FOLDERS[HOST]).as_posix() in HOST_TO_SIM, one


def test_the_simulator_never_imports_the_host() -> None:
    for one in of(SIM):
        if one.package == HOST and not one.for_types:
            assert one.lazy, one
            assert one.path.relative_to(FOLDERS[SIM]).as_posix() in SIM_TO_HOST, one


def test_what_every_micropython_has_knows_nothing_of_a_token() -> None:
    for one in of(MICROPYTHON):
        assert one.for_types or one.package not in (HOST, SIM, PICO, BOARD, IFACE, FIRMWARE), one


def test_a_board_is_firmware() -> None:
    for one in of(PICO):
        assert one.for_types or one.package not in (HOST, SIM, BOARD), one
        if one.package == IFACE and not one.for_types:
            assert one.module.split(".")[1] in PORTABLE, one


def test_what_installs_a_board_needs_neither_host_nor_simulator() -> None:
    assert [one for one in of(BOARD) if one.package in (HOST, SIM)] == []


def test_what_programs_have_in_common_needs_the_contract_only() -> None:
    assert {one.module for one in of(CONSOLE) if one.package in FOLDERS} == {"coldshare_iface.errors.ColdshareError"}
    users = {name for name in FOLDERS if any(one.package == CONSOLE for one in of(name))}
    assert users == {SIM, BOARD}


def test_nothing_needs_a_board() -> None:
    assert [one for name in (IFACE, FIRMWARE, HOST, SIM) for one in of(name) if one.package in (PICO, BOARD)] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import coldshare_sim.flash", ("coldshare_sim", "coldshare_sim.flash", False, False)),
        ("from coldshare_iface import wire", ("coldshare_iface", "coldshare_iface.wire", False, False)),
        ("def f():\n  try:\n    import a.b\n  finally: pass", ("a", "a.b", True, False)),
        ("class C:\n  import a", ("a", "a", False, False)),
        ("if TYPE_CHECKING:\n  from a import b", ("a", "a.b", False, True)),
    ],
)
def test_imports_are_found(tmp_path: Path, source: str, expected: tuple[str, str, bool, bool]) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert list(imports(path)) == [Import(path, *expected)]
