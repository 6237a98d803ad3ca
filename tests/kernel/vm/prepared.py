"""Everything the machine needs, made once from Debian's packages and kept in the user's cache."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from kernel.vm import kernel
from kernel.vm.apt import Apt, unpack
from kernel.vm.errors import VmError

#: Counts up when what is kept changes; older ones are made anew.
_FORMAT = 2
_IMAGE = "linux-image-amd64"
_QEMU = "qemu-system-x86"
_PROGRAM = "qemu-system-x86_64"
_UDEV = "udev"
#: One by one, without what they recommend or pull along: one static program, and `usbip attach` with its library.
_ALONE = ("usbip", "libwrap0")
_BUSYBOX = "busybox-static"


@dataclass(frozen=True)
class Prepared:
    """A folder with `vmlinux` or `vmlinuz`, `busybox`, `modules/` (in their order: `order.json`), `qemu/`, `guest/`."""

    root: Path

    @property
    def kernel(self) -> Path:
        inner = self.root / "vmlinux"
        return inner if inner.exists() else self.root / "vmlinuz"

    @property
    def guest(self) -> Path:
        """What the guest sees laid over this computer's files."""
        return self.root / "guest"

    @property
    def busybox(self) -> bytes:
        return (self.root / "busybox").read_bytes()

    def modules(self) -> dict[str, bytes]:
        """By file name, in the order to load them."""
        names = json.loads((self.root / "order.json").read_text())
        return {f"{name}.ko": (self.root / "modules" / f"{name}.ko").read_bytes() for name in names}

    def qemu(self) -> tuple[list[str], dict[str, str]]:
        """The command that starts QEMU, and what its environment has in addition."""
        aside = self.root / "qemu"
        program = aside / "usr/bin" / _PROGRAM
        if not program.exists():
            return [_PROGRAM], {}
        libraries = sorted({str(path.parent) for path in aside.rglob("*.so*")})
        data = [folder for name in ("qemu", "seabios") if (folder := aside / "usr/share" / name).is_dir()]
        folders = [part for folder in data for part in ("-L", str(folder))]
        return [str(program), *folders], {"LD_LIBRARY_PATH": ":".join(libraries)}

    def bios(self) -> Path | None:
        """The small one that starts an uncompressed kernel at once."""
        if self.kernel.name != "vmlinux":
            return None
        places = (self.root / "qemu/usr/share/qemu/qboot.rom", Path("/usr/share/qemu/qboot.rom"))
        return next((place for place in places if place.exists()), None)

    def works(self) -> bool:
        command, environment = self.qemu()
        try:
            subprocess.run(
                [*command, "--version"], env=os.environ | environment, capture_output=True, check=True, timeout=60
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return True


def cache() -> Path:
    return user_cache_path("coldshare") / "kernel"


def find() -> Prepared | None:
    """What was prepared last."""
    made = sorted(cache().glob(f"{_FORMAT}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    return next((prepared for prepared in map(Prepared, made) if prepared.works()), None)


def prepare(say: Callable[[str], None]) -> Prepared:
    """What was prepared last; else everything is fetched. Raises VmError."""
    found = find()
    if found is not None:
        return found
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise VmError("The kernel tests run on Linux on x86-64 only.")
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache(), prefix="new-") as name:
            made, version = _make(Path(name), say)
            final = cache() / f"{_FORMAT}-{version}"
            if final.exists() and not Prepared(final).works():
                shutil.rmtree(final)
            with suppress(OSError):  # somebody else was faster
                made.rename(final)
    except OSError as error:
        raise VmError(f"The virtual machine cannot be prepared: {error}.") from error
    found = find()
    if found is None:
        raise VmError("Debian's QEMU does not run on this computer.")
    return found


def _make(work: Path, say: Callable[[str], None]) -> tuple[Path, str]:
    apt = Apt(work)
    say("looking up Debian's packages")
    apt.update()
    image = apt.dependency(_IMAGE, "linux-image-")
    version = "-".join(apt.version(package) for package in (image, _QEMU, _UDEV))
    made = work / "made"
    (made / "modules").mkdir(parents=True)

    say(f"fetching {image}")
    unpack(apt.download(image), work / "linux")
    for boot in (work / "linux/boot").glob("vmlinuz-*"):
        inner = kernel.uncompressed(boot.read_bytes())
        if inner is None:
            shutil.copy(boot, made / "vmlinuz")
        else:
            (made / "vmlinux").write_bytes(inner)
    (folder,) = (work / "linux").glob("**/lib/modules/*")
    modules = kernel.modules(folder)
    for name, data in modules.items():
        (made / "modules" / f"{name}.ko").write_bytes(data)
    (made / "order.json").write_text(json.dumps(list(modules)))

    say(f"fetching {_QEMU}")
    unpack(apt.closure(_QEMU), made / "qemu")
    say(f"fetching {_UDEV} and tools")
    unpack([*apt.closure(_UDEV), *apt.download(*_ALONE)], made / "guest")
    unpack(apt.download(_BUSYBOX), work / "busybox")
    (program,) = (work / "busybox").glob("**/bin/busybox")
    shutil.copy(program, made / "busybox")
    _merge_usr(made / "guest")
    for useless in ("usr/share/doc", "usr/share/man", "usr/share/locale"):
        for part in ("qemu", "guest"):
            shutil.rmtree(made / part / useless, ignore_errors=True)
    return made, version.replace("/", "_").replace(":", "_")


def _merge_usr(root: Path) -> None:
    """Packages still have /lib beside /usr/lib; laid over a system where one links to the other, it would hide it."""
    for name in ("bin", "sbin", "lib", "lib64"):
        old = root / name
        if old.is_dir() and Path("/", name).is_symlink():
            shutil.copytree(old, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(old)
