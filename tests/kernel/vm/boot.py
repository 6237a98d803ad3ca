"""Starting the machine, showing what it says, and ending it in any case."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kernel.vm.errors import VmError
from kernel.vm.initrd import initrd, start
from kernel.vm.prepared import Prepared

# One processor: with two, emulated, everything that goes back and forth between processes is ten times slower. AVX is
# slower than what libraries use without it.
_MACHINE = ("-machine", "q35", "-accel", "tcg", "-cpu", "max,-avx,-avx2", "-smp", "1", "-m", "1536")
_PLAIN = ("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot")
_KERNEL = "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr tsc=reliable rdinit=/init"
_CONSOLE_TAIL = 4000
#: How much longer than its own limit the machine is given before it is killed, in seconds.
_GRACE = 15


@dataclass(frozen=True)
class Job:
    """What runs in the machine: `command` as root in `folder`; it may leave files in /run/out, which end in `out`."""

    command: Sequence[str]
    folder: Path
    out: Path
    environment: Mapping[str, str]
    #: Folders that every user of the guest may pass.
    opened: Sequence[Path]
    #: Seconds, after which the machine ends whatever it does.
    limit: int
    #: Whether a person types into it.
    shell: bool = False


def boot(prepared: Prepared, job: Job) -> int:
    """Run it, and show what it says as it goes. The exit status of the command. Raises VmError when there is none."""
    with tempfile.TemporaryDirectory(prefix="coldshare-kernel-") as name:
        work = Path(name)
        # A folder of this run's own: another one may be under way.
        out = work / "out"
        out.mkdir()
        (out / "start").write_text(start(job.command, job.folder, job.environment, job.limit, shell=job.shell))
        image = work / "initrd"
        image.write_bytes(initrd(prepared, job.opened))
        console = out / "console.log"
        command, environment = _qemu(prepared, out, image, console)
        in_time = _run(command, environment, job)
        shutil.copytree(out, job.out, dirs_exist_ok=True)
        said = _tail(console)
        if not in_time:
            raise VmError(f"The machine was ended after {job.limit} seconds.\n{said}")
        try:
            return int((out / "status").read_text())
        except (OSError, ValueError) as error:
            raise VmError(f"The machine has stopped before the command came to its end.\n{said}") from error


def _tail(console: Path) -> str:
    with suppress(OSError):
        return f"The end of its console:\n{console.read_text(errors='replace')[-_CONSOLE_TAIL:]}"
    return "Its console is empty."


def _qemu(prepared: Prepared, out: Path, image: Path, console: Path) -> tuple[list[str], dict[str, str]]:
    program, environment = prepared.qemu()
    bios = prepared.bios()
    shares = [
        *_share("root", Path("/"), "readonly=on", "multidevs=remap"),
        *_share("layer", prepared.guest, "readonly=on"),
        *_share("out", out),
    ]
    consoles = [
        *("-serial", f"file:{_option(console)}", "-device", "virtio-serial-pci"),
        *("-chardev", "stdio,id=said,signal=off", "-device", "virtconsole,chardev=said"),
    ]
    kernel = ["-kernel", str(prepared.kernel), "-initrd", str(image), "-append", _KERNEL]
    firmware = ["-bios", str(bios)] if bios else []
    return [*program, *_MACHINE, *_PLAIN, *firmware, *kernel, *consoles, *shares], environment


def _share(tag: str, folder: Path, *options: str) -> list[str]:
    local = ",".join((f"local,id={tag},path={_option(folder)},security_model=none", *options))
    return ["-fsdev", local, "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]


def _option(path: Path) -> str:
    """A comma ends an option of QEMU's; two are one."""
    return str(path).replace(",", ",,")


def _run(command: list[str], environment: Mapping[str, str], job: Job) -> bool:
    """Whether QEMU came to its end by itself and in time."""
    stream = None if job.shell else subprocess.PIPE
    given = None if job.shell else subprocess.DEVNULL
    qemu = subprocess.Popen(command, env=os.environ | environment, stdin=given, stdout=stream)
    timed_out = threading.Event()

    def end() -> None:
        timed_out.set()
        qemu.kill()

    alarm = threading.Timer(job.limit + _GRACE, end)
    alarm.start()
    try:
        if qemu.stdout is not None:
            _show(qemu.stdout)
        qemu.wait()
    finally:
        alarm.cancel()
        qemu.kill()
        qemu.wait()
    return not timed_out.is_set()


def _show(said: IO[bytes]) -> None:
    while data := os.read(said.fileno(), 65536):
        sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
        sys.stdout.buffer.flush()
