"""An initial file system as the kernel reads it: cpio, the format called newc."""

from __future__ import annotations

from collections.abc import Mapping

_FOLDER, _FILE = 0o040755, 0o100755


def archive(files: Mapping[str, bytes], folders: tuple[str, ...] = ()) -> bytes:
    """`files` by path, all of them executable, and empty `folders`; the folders around the files are made too."""
    around = {str(part) for path in (*files, *folders) for part in _parents(path)}
    entries = [(name, _FOLDER, b"") for name in sorted(around | set(folders))]
    entries += [(name, _FILE, data) for name, data in files.items()]
    parts = [_entry(number, *entry) for number, entry in enumerate(entries, 1)]
    return b"".join([*parts, _entry(0, "TRAILER!!!", 0, b"")])


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def _entry(inode: int, name: str, mode: int, data: bytes) -> bytes:
    named = name.encode() + b"\0"
    links = 2 if mode == _FOLDER else 1
    # inode, mode, uid, gid, links, mtime, size, device (2), its own device (2), length of the name, checksum (unused)
    fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(named), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + named
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
