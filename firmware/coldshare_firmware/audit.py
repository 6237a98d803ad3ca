"""What was done to this token, by whom: a ring of entries on littlefs, chained by hash. Portable subset.

The head of the chain, a count and a hash, is in the key area and moves in the same atomic step as what the entry is
about; so nothing is done and not recorded, and an old flash image has an old head. `/a/N` holds the entries from
number N on, N in 8 hexadecimal digits, after the hash that came before them. Entries hold no names.

An entry is `sequence [4] | event [1] | detail [3] | psk id of the host [8] | what it is about [16]`, big-endian, and
hash n is SHA-256(hash n-1 | entry n), hash 0 being zeros.
"""

from coldshare_firmware.keys import F_AUDIT
from coldshare_iface import wire
from coldshare_iface.suite import sha256

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.keys import Keys
    from coldshare_firmware.types import Hal, Map

_FOLDER = "/a"
_HASH = wire.DIGEST_SIZE
_ENTRY = wire.AUDIT_ENTRY
_NOBODY = bytes(wire.PSK_ID_SIZE)
_SUBJECT = 16


class Audit:
    """The one way to change the record of the key area and have it remembered. `host` is the psk id of who asks."""

    def __init__(self, hal: "Hal", keys: "Keys") -> None:
        self._files = hal.files
        self._keys = keys
        self.host = _NOBODY
        if not keys.lost:
            try:
                self._files.mkdir(_FOLDER)
            except OSError:
                pass  # a full flash, from before there was a ring: the ring waits, the token does not

    def change(self, updates: "Map", event: int, subject: bytes = b"", detail: int = 0) -> None:
        """`Keys.change`, and the entry that says so. Raises what that does."""
        updates[F_AUDIT] = self.enter(event, subject, detail)
        self._keys.change(updates)

    def enter(self, event: int, subject: bytes = b"", detail: int = 0) -> "list[int | bytes]":
        """Write an entry; the head that makes it count, once it is in the key area.

        A flash or a heap that does not take it stops nothing: a token must be able to forget keys when it is full.
        The chain goes on without the entry, and `read` begins after the gap.
        """
        count, head = self._keys.record[F_AUDIT]
        entry = (count + 1).to_bytes(4, "big") + bytes((event,)) + detail.to_bytes(3, "big") + self.host
        entry += subject + bytes(_SUBJECT - len(subject))
        if not self._keys.lost:
            try:
                self._append(count, head, entry)
            except (OSError, MemoryError):
                pass
        return [count + 1, sha256(head, entry)]

    def _append(self, count: int, head: bytes, entry: bytes) -> None:
        first = count + 1
        data = head
        starts = self._starts()
        newest = max([0] + [start for start in starts if start <= count])
        if newest and count - newest < wire.AUDIT_PAGE - 1:
            # Entries behind the head were written before power went, and never counted.
            kept = self._segment(newest, count)
            if kept is not None and _chain(kept) == head:
                first, data = newest, kept
        self._files.write(_path(first), data + entry)
        for start in starts:
            # What never counted, and the oldest segments as soon as enough follow them.
            if start != first and (start > count or start + wire.AUDIT_PAGE + wire.AUDIT_MAX <= first):
                self._files.remove(_path(start))

    def _starts(self) -> "list[int]":
        """The first sequence numbers of the segments there are, ascending."""
        out: list[int] = []
        try:
            names = self._files.listdir(_FOLDER)
        except OSError:
            return out
        for name in names:
            try:
                start = int(name, 16)
            except ValueError:
                continue
            # `int` also takes signs, prefixes and underscores; nothing of ours is called that.
            if start > 0 and len(name) == 8 and _path(start) == _FOLDER + "/" + name:
                out.append(start)
        return sorted(out)

    def _segment(self, start: int, last: int) -> "bytes | None":
        """A segment, hash and entries up to number `last`; None when it is damaged or shorter."""
        want = _HASH + _ENTRY * (last + 1 - start)
        if want > _HASH + _ENTRY * wire.AUDIT_PAGE:
            return None
        try:
            data = self._files.read(_path(start), 0, want)
        except OSError:
            return None
        return data if len(data) == want else None

    def read(self, start: int) -> "tuple[int, bytes, bytes]":
        """(first, hash before it, entries one after another) from number `start` on, or from the oldest one after it
        that can be chained up to the head; no entries when there are none."""
        count, head = self._keys.record[F_AUDIT]
        # From the newest segment back, as long as one leads to the next.
        follows, last = head, count
        found = (count + 1, head, b"")
        starts = [number for number in self._starts() if number <= count]
        while starts and last >= start and last > count - wire.AUDIT_MAX:
            begin = starts.pop()
            data = self._segment(begin, last)
            if data is None or _chain(data) != follows:
                break
            follows, last = data[:_HASH], begin - 1
            found = (begin, follows, data[_HASH:])
        first, before, entries = found
        first_wanted = max(start, count - wire.AUDIT_MAX + 1)
        while first < first_wanted and entries:
            before = sha256(before, entries[:_ENTRY])
            entries = entries[_ENTRY:]
            first += 1
        return first, before, entries

    def forget(self) -> None:
        """Drop what never counted, such as the ring of a token that has been wiped. Never fails, like `Store.sweep`."""
        try:
            for start in self._starts():
                if start > self._keys.record[F_AUDIT][0]:
                    self._files.remove(_path(start))
        except OSError:
            pass


def _path(start: int) -> str:
    return _FOLDER + "/" + start.to_bytes(4, "big").hex()


def _chain(segment: bytes) -> bytes:
    """The hash that a segment leads to."""
    link = segment[:_HASH]
    for at in range(_HASH, len(segment), _ENTRY):
        link = sha256(link, segment[at : at + _ENTRY])
    return link
