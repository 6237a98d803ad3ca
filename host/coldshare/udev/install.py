"""Installing the rules: copy, reload, trigger, settle, in that order, or the tokens that are here get nothing."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import site
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import coldshare
from coldshare.device.sysfs import Device
from coldshare.errors import ColdshareError
from coldshare.files import OutputError, sync_folder
from coldshare.udev.check import CURRENT, MASKED, Installed, check
from coldshare.udev.errors import NeedsRootError, NoUdevError, UdevFailedError, UdevMaskedError
from coldshare.udev.rules import NAME

# Where udevd listens, be it of systemd or of eudev.
_CONTROL = Path("/run/udev/control")
# Root's PATH may lack it, and that of a person often does.
_SBIN = ("/usr/sbin", "/sbin", "/usr/local/sbin")
_TIMEOUT = 30
_SETTLE = 10
_MODE = 0o644


@dataclass(frozen=True)
class Step:
    """One thing that is done. `command` is what is run; the one without is the writing of the file."""

    words: str
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What `install` will do. `path` is where the file is afterwards; `write` says that it has to be written."""

    path: Path
    write: bool
    steps: tuple[Step, ...]


def udevadm() -> str | None:
    """The program that talks to udevd."""
    return shutil.which("udevadm") or shutil.which("udevadm", path=os.pathsep.join(_SBIN))


def running() -> bool:
    """Whether udevd is there to be told. One that has ended leaves its socket behind."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        try:
            control.connect(str(_CONTROL))
        except ConnectionRefusedError:
            return False
        except OSError:
            return _CONTROL.exists()  # only root may connect
    return True


def plan(shipped: bytes, tokens: Sequence[Device], folders: Sequence[Path]) -> Plan:
    """Look at what is there and say what is to be done. Changes nothing. Raises NoUdevError and UdevMaskedError."""
    program = udevadm()
    if program is None:
        raise NoUdevError("There is no udevadm on this computer, so no udev that could use the rules.")
    installed = check(shipped, folders)
    if installed.state == MASKED:
        raise UdevMaskedError(f"{installed.path} turns the rules off. Nothing was done.")
    steps = []
    path = folders[0] / NAME
    if installed.state == CURRENT and installed.path is not None:
        path = installed.path
    else:
        steps.append(Step(_writing(installed, path)))
    steps.append(Step("Tell udev to read its rules again", (program, "control", "--reload-rules")))
    for token in tokens:
        # Both nodes of the token and nobody else's keyboard.
        match = ("--subsystem-match=usb", "--subsystem-match=hidraw", f"--parent-match={token.folder.resolve()}")
        steps.append(Step(f"Apply them to the token {token.serial}", (program, "trigger", "--action=change", *match)))
    if tokens:
        steps.append(Step("Wait until that is done", (program, "settle", f"--timeout={_SETTLE}")))
    return Plan(path, installed.state != CURRENT, tuple(steps))


def _writing(installed: Installed, path: Path) -> str:
    if installed.path == path:
        return f"Replace {path}, which is another version"
    in_front = f", in front of {installed.path}" if installed.path is not None else ""
    return f"Write the rules to {path}{in_front}"


def install(shipped: bytes, todo: Plan, say: Callable[[str], None]) -> None:
    """Do it, and name each step before it is done.

    Raises NeedsRootError before anything is changed, OutputError when the file cannot be written, and UdevFailedError
    when udev does not take it.
    """
    if not _is_root():
        raise NeedsRootError(next_step=f"Run: {as_root()}")
    for step in todo.steps:
        if not step.command:
            say(f"{step.words}.")
            _place(todo.path, shipped)
        elif not running():
            raise UdevFailedError(f"The rules are in {todo.path}, but udevd is not running: nobody applies them.")
        else:
            say(f"{step.words}: {shlex.join(step.command)}")
            _run(step.command, todo.path)


def as_root() -> str:
    """The command line that does the same as root, also where coldshare lives in a folder of this user."""
    # Root must not run what somebody has put into the present folder under our name: -P.
    inside = [sys.executable, "-P", "-m", "coldshare", "udev", "install"]
    ours = Path(coldshare.__file__).resolve().parents[1]
    if site.ENABLE_USER_SITE and ours == Path(site.getusersitepackages()).resolve():
        # Root's Python does not look into the folder that `pip install --user` uses.
        inside = ["env", f"PYTHONPATH={ours}", *inside]
    return shlex.join(["sudo", *inside])


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _place(path: Path, data: bytes) -> None:
    """Whole or not at all: udevd may read at any moment. It passes over names that do not end with `.rules`."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), _MODE)  # whatever the umask is
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        step = "Nothing was changed. Check that the folder can be written; some systems are read-only below /etc."
        raise OutputError(f"{path} cannot be written: {os.strerror(error.errno or 0)}.", next_step=step) from error


def _run(command: Sequence[str], path: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT, check=False
        )
        why = f"it says: {done.stderr.strip() or 'nothing'}" if done.returncode else ""
    except subprocess.TimeoutExpired:
        why = f"it has not finished in {_TIMEOUT} seconds"
    except OSError as error:
        why = f"it cannot be run: {os.strerror(error.errno or 0)}"
    if why:
        raise _failed(command, path, why)


def _failed(command: Sequence[str], path: Path, why: str) -> ColdshareError:
    return UdevFailedError(
        f"The rules are in {path}, but this failed: {shlex.join(command)}; {why}.",
        next_step="Unplug the token and plug it in again. If that does not help, start the computer anew.",
    )
