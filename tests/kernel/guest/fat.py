"""An empty FAT16 file system, as it comes on a stick: nothing that makes one has to be installed for that."""

from __future__ import annotations

import struct

_SECTOR = 512
_PER_CLUSTER = 4
_SECTORS = 32768
_FAT_SECTORS = 33
_ROOT_ENTRIES = 512


def empty_fat() -> bytes:
    """16 MiB, in clusters of 2 KiB."""
    boot = struct.pack(
        "<3s8sHBHBHHBHHHII",
        *(b"\xeb\x3c\x90", b"MSDOS5.0", _SECTOR, _PER_CLUSTER, 1, 2, _ROOT_ENTRIES, _SECTORS, 0xF8, _FAT_SECTORS),
        *(32, 2, 0, 0),
    )
    boot += struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 0x1A2B3C4D, b"STICK      ", b"FAT16   ")
    boot = boot.ljust(510, b"\0") + b"\x55\xaa"
    fat = b"\xf8\xff\xff\xff".ljust(_FAT_SECTORS * _SECTOR, b"\0")
    return (boot + 2 * fat).ljust(_SECTORS * _SECTOR, b"\0")
