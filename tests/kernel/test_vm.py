"""The parts of the machine that can be looked at without starting it."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from kernel.vm.cpio import archive
from kernel.vm.errors import VmError
from kernel.vm.kernel import depends, modules, uncompressed


def unpacked(data: bytes) -> dict[str, tuple[int, bytes]]:
    """Mode and content by name, read as the kernel's document on initramfs says."""
    found: dict[str, tuple[int, bytes]] = {}
    while True:
        assert data[:6] == b"070701"
        fields = [int(data[6 + 8 * number : 14 + 8 * number], 16) for number in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        name = data[110 : 110 + length - 1].decode()
        begin = (110 + length + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = mode, data[begin : begin + size]
        data = data[(begin + size + 3) // 4 * 4 :]


def test_what_goes_into_the_first_file_system_comes_out() -> None:
    entries = unpacked(archive({"init": b"#!", "a/b/c": b"12345"}, ("proc", "x/y")))
    assert entries["init"] == (0o100755, b"#!")
    assert entries["a/b/c"] == (0o100755, b"12345")
    assert {name for name, (mode, _) in entries.items() if mode == 0o040755} == {"a", "a/b", "proc", "x", "x/y"}
    assert list(entries).index("a") < list(entries).index("a/b") < list(entries).index("a/b/c")


def test_the_kernel_is_found_in_its_boot_image() -> None:
    kernel = b"\x7fELF" + bytes(range(256)) * 9
    # Other xz streams, and bytes that only look like one, stand before it.
    image = b"MZ" + b"\xfd7zXZ\0junk" + lzma.compress(b"something else") + lzma.compress(kernel) + b"tail"
    assert uncompressed(image) == kernel
    assert uncompressed(b"MZ" + lzma.compress(b"something else")) is None


def module(*needed: str) -> bytes:
    return b"\x7fELF...\0license=GPL\0depends=" + ",".join(needed).encode() + b"\0name=x\0"


def test_modules_come_after_what_they_need(tmp_path: Path) -> None:
    (tmp_path / "drivers").mkdir()
    (tmp_path / "modules.builtin").write_text("kernel/fs/first.ko\nkernel/drivers/hid-core.ko\n")
    for name, content in {
        "usb-hid.ko": module("usbcore", "hid-core"),
        "usbcore.ko": module("usb-common"),
        "usb-common.ko": module(),
    }.items():
        (tmp_path / "drivers" / name).write_bytes(content)
    (tmp_path / "drivers/packed.ko.xz").write_bytes(lzma.compress(module("usb-hid")))
    assert depends(module("usb-hid", "b")) == ["usb_hid", "b"]
    assert list(modules(tmp_path, ("packed", "usbcore", "first"))) == ["usb_common", "usbcore", "usb_hid", "packed"]
    assert modules(tmp_path, ("packed",))["packed"] == module("usb-hid")
    with pytest.raises(VmError, match="no module other"):
        modules(tmp_path, ("other",))
