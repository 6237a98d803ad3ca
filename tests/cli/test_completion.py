"""Completion in a shell: quick because it does nothing, and right even where an address has a colon in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coldshare.cli.app import COMMANDS
from coldshare.device.pairings import Pairing, PairingStore
from support.shell import COLDSHARE, Shell

BASH = shutil.which("bash")

# What is imported and opened while something is completed.
WATCHED = """
import os, sys
opened = []
def watch(event, arguments):
    if event in ("open", "socket.connect", "subprocess.Popen") and isinstance(arguments[0], (str, bytes)):
        opened.append(os.fsdecode(arguments[0]))
sys.addaudithook(watch)
from coldshare.cli.app import run
try:
    run([])
finally:
    print("MODULES", *sys.modules)
    print("OPENED", *opened)
"""


def completed(line: str, cwd: Path) -> tuple[list[str], set[str], list[str]]:
    """(what is offered, the modules that were imported, the files that were opened)."""
    environment = os.environ | {"_COLDSHARE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": "-1"}
    done = subprocess.run(
        [sys.executable, "-c", WATCHED], capture_output=True, text=True, cwd=cwd, env=environment, check=True
    )
    text, _, rest = done.stdout.partition("MODULES")
    modules, _, opened = rest.partition("OPENED")
    values = [offer.removeprefix("plain,") for offer in text.split("\n") if offer.startswith("plain,")]
    return values, set(modules.split()), opened.split()


@pytest.fixture
def tokens(folder: Path) -> Path:
    """Files that look like tokens, one of them a pipe that blocks whoever opens it."""
    for name in ("a.token", "b.token", "no.txt", "a b.token", "$(touch x).token", "'.token", "-x.token"):
        (folder / name).write_bytes(b"")
    os.mkfifo(folder / "pipe.token")
    (folder / "safe").mkdir()
    (folder / "safe" / "c.token").write_bytes(b"")
    return folder


def test_commands_and_options(folder: Path) -> None:
    assert completed("coldshare ''", folder)[0] == list(COMMANDS)
    assert completed("coldshare pa", folder)[0] == ["pair", "pairings"]
    assert "--new-pin-file" in completed("coldshare pin --", folder)[0]
    assert completed("coldshare pairings ''", folder)[0] == ["list", "remove"]
    assert completed("coldshare verify --backup ''", folder)[0] == []


@pytest.mark.parametrize("command", ["backup phone.vult", "tokens"])
def test_addresses(tokens: Path, command: str) -> None:
    line = f"coldshare {command} --at "
    names = ["sim:-x.token", "sim:a.token", "sim:b.token", "sim:pipe.token"]
    schemes = ["usb:", "hid:", "sim:", "sim+mpy:", "sim+unix:", "sim+tcp:"]
    folders = ["folder:"] if command.startswith("backup") else []
    assert completed(line + "''", tokens)[0] == [*schemes, *names, *folders]
    assert completed(line + "sim:a", tokens)[0] == ["sim:a.token"]
    assert completed(line + "sim+", tokens)[0] == ["sim+mpy:", "sim+unix:", "sim+tcp:"]
    assert completed(line + "sim+mpy:a", tokens)[0] == ["sim+mpy:a.token"]
    assert completed(line + "sim+mpy:safe/", tokens)[0] == ["sim+mpy:safe/c.token"]
    assert completed(line + "sim:safe/", tokens)[0] == ["sim:safe/c.token"]
    assert completed(line + "sim:nowhere/", tokens)[0] == []
    assert completed(line + "hid:", tokens)[0] == []
    assert completed(line + "h", tokens)[0] == ["hid:"]


def test_tokens_that_this_computer_knows(tokens: Path) -> None:
    store = PairingStore(tokens / ".home" / "pairings.json")
    serials = (bytes(8), b"\xab" * 8)
    for serial in serials:
        store.keep(Pairing(serial, b"psk id 8", b"k" * 32))
    line = "coldshare list --at "
    for scheme in ("usb:", "hid:"):
        offered, modules, _ = completed(line + scheme, tokens)
        assert offered == [f"{scheme}{serial.hex()}" for serial in serials]
        assert completed(f"{line}{scheme}ab", tokens)[0] == offered[1:]
        # Nobody has looked for a device.
        assert {"usb", "hid", "hidraw", "coldshare.device.discovery"}.isdisjoint(modules)
    (tokens / ".home" / "pairings.json").write_text("{")
    assert completed(line + "usb:", tokens)[0] == []


def test_it_opens_nothing_and_imports_next_to_nothing(tokens: Path) -> None:
    (tokens / ".home").mkdir()
    (tokens / ".home" / "pairings.json").write_text("{}")
    _, modules, opened = completed("coldshare list --at sim:", tokens)
    packages = {name.partition(".")[0] for name in modules}
    assert packages & {"cryptography", "cbor2", "coldshare_sim", "coldshare_firmware", "rich", "click"} == {"click"}
    assert not any(name.startswith(("coldshare.device", "coldshare.vault", "coldshare.seal")) for name in modules)
    assert [name for name in opened if str(tokens) in name or name.endswith((".token", ".json"))] == []


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_the_scripts(shell: Shell, shell_name: str) -> None:
    said = shell("completion", shell_name)
    assert (said.status, said.err) == (0, "")
    assert "_COLDSHARE_COMPLETE" in said.out
    assert "\ufffd" not in said.out
    answer = shell("completion", shell_name, "--json").json
    assert (answer["shell"], answer["script"]) == (shell_name, said.out)
    program = shutil.which(shell_name)
    if program is not None:
        subprocess.run([program, "-n"], input=said.out, text=True, check=True)


@pytest.mark.skipif(BASH is None, reason="needs bash")
@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("coldshare wi", ["wipe"]),
        ("coldshare list --at sim:a", ["a.token"]),  # bash has the rest already
        ("coldshare list --at=sim:a", ["a.token"]),
        ("coldshare list --at ", ["usb:", "hid:", "sim:", "sim+mpy:", "sim+unix:", "sim+tcp:"]),
        ("coldshare label 'Safe A' --at sim:b", ["b.token"]),
        ("coldshare list --pin-file ", []),
    ],
)
def test_in_bash(tokens: Path, line: str, offers: list[str]) -> None:
    script = f"""
set -u
eval "$({COLDSHARE} completion bash)"
COMP_LINE=$1 COMP_POINT=${{#1}}
COMPREPLY=()
_coldshare_completion {COLDSHARE}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    assert BASH is not None
    done = subprocess.run(
        [BASH, "--norc", "-c", script, "bash", line], capture_output=True, text=True, cwd=tokens, check=True
    )
    assert done.stderr == ""
    assert done.stdout.split()[: len(offers)] == offers
    if not offers:
        assert done.stdout.strip() == ""
    assert not (tokens / "x").exists()
