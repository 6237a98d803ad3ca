"""The token's files on MicroPython's own littlefs. Portable subset."""

import vfs  # type: ignore[import-not-found, unused-ignore]

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from typing import Any

    from coldshare_micropython.types import BlockDevice

#: What a Pico programs at once: littlefs gets it as its smallest write.
PAGE = 256
_EIO = 5
_ENOENT = 2
_EEXIST = 17
_HARMLESS = (_ENOENT, _EEXIST)


class Files:
    """littlefs (`coldshare_firmware.types.Files`). Raises OSError for blocks that cannot be mounted."""

    def __init__(self, blocks: "BlockDevice") -> None:
        self._blocks = blocks
        self._mounted: Any = None
        self._fs()

    def mount(self) -> "Any":
        """The file system, as it is found on the chip now."""
        littlefs: Any = vfs.VfsLfs2
        return littlefs(self._blocks, progsize=PAGE)

    def _fs(self) -> "Any":
        if self._mounted is None:
            self._mounted = self.mount()
        return self._mounted

    def _do(self, name: str, *arguments: "Any") -> "Any":
        try:
            return getattr(self._fs(), name)(*arguments)
        except OSError as error:
            self._check(error)
            raise

    def _check(self, error: OSError) -> None:
        # What littlefs has in memory after such an error is not to be trusted: mount anew.
        if error.args[0] not in _HARMLESS:
            self._mounted = None

    def mkdir(self, path: str) -> None:
        try:
            self._do("mkdir", path)
        except OSError as error:
            if error.args[0] != _EEXIST:
                raise

    def listdir(self, path: str) -> "list[str]":
        return sorted([entry[0] for entry in self._do("ilistdir", path)])

    def size(self, path: str) -> int:
        size: int = self._do("stat", path)[6]
        return size

    def read(self, path: str, offset: int, length: int) -> bytes:
        try:
            with self._fs().open(path, "rb") as file:
                file.seek(offset)
                data: bytes = file.read(length)
                return data
        except OSError as error:
            self._check(error)
            raise

    def write(self, path: str, data: bytes) -> None:
        self._store(path, "wb", data)

    def append(self, path: str, data: bytes) -> None:
        self._store(path, "ab", data)

    def _store(self, path: str, mode: str, data: bytes) -> None:
        try:
            with self._fs().open(path, mode) as file:
                if file.write(data) != len(data):
                    raise OSError(_EIO)
        except OSError as error:
            self._check(error)
            raise

    def rename(self, old: str, new: str) -> None:
        self._do("rename", old, new)

    def remove(self, path: str) -> None:
        self._do("remove", path)

    def free(self) -> int:
        facts = self._do("statvfs", "/")
        free: int = facts[0] * facts[3]
        return free
