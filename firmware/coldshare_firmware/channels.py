"""Channel ids: which ones this token has given out since power-up. Portable subset."""

_END = 0xFFFFFFFE  # the last id before broadcast


class Channels:
    """Ids are given out in ascending order, so one number remembers all of them."""

    def __init__(self) -> None:
        self._next = 1

    def allocate(self) -> bytes:
        """A channel id nobody has (CTAP 2.1 section 11.2.9.1.3); it wraps after four billion."""
        if self._next > _END:
            self._next = 1
        cid = self._next.to_bytes(4, "big")
        self._next += 1
        return cid

    def known(self, cid: bytes) -> bool:
        return 0 < int.from_bytes(cid, "big") < self._next
