"""What is taken out of Debian's kernel package: the kernel itself, and the modules that are needed, in their order."""

from __future__ import annotations

import lzma
import re
from pathlib import Path

from kernel.vm.errors import VmError

#: What the machine is made of, and what the tests are about.
MODULES = (
    *("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay"),
    *("usbcore", "hid_generic", "usbhid", "uhid", "vhci_hcd"),
    *("loop", "vfat", "nls_cp437", "nls_ascii"),
)
_XZ = b"\xfd7zXZ\0"
_ELF = b"\x7fELF"


def uncompressed(image: bytes) -> bytes | None:
    """The kernel inside of a boot image, to be started without unpacking it slowly; None if it is packed otherwise."""
    start = image.find(_XZ)
    while start >= 0:
        try:
            found = lzma.LZMADecompressor().decompress(image[start:])
        except lzma.LZMAError:
            found = b""
        if found.startswith(_ELF):
            return found
        start = image.find(_XZ, start + 1)
    return None


def modules(folder: Path, wanted: tuple[str, ...] = MODULES) -> dict[str, bytes]:
    """The modules `wanted` below `folder` (lib/modules/VERSION) and what they need, in the order to load them.

    What is built into the kernel is left out. Raises VmError for what is neither.
    """
    files = {_name(path.name): path for path in folder.rglob("*.ko*")}
    built_in = {_name(line) for line in (folder / "modules.builtin").read_text().split()}
    found: dict[str, bytes] = {}

    def take(name: str) -> None:
        if name in found or name in built_in:
            return
        if name not in files:
            raise VmError(f"Debian's kernel has no module {name}.")
        data = files[name].read_bytes()
        if data.startswith(_XZ):
            data = lzma.decompress(data)
        for needed in depends(data):
            take(needed)
        found[name] = data

    for name in wanted:
        take(name)
    return found


def depends(module: bytes) -> list[str]:
    """The modules that must be there before this one: its own word, in the section .modinfo."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [_name(name) for name in found[1].decode().split(",") if name] if found else []


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1].partition(".ko")[0].replace("-", "_")
