"""Channel ids: which ones this token has given out since power-up. Portable subset."""

_BULK = 0x80000000  # the bit of a channel that belongs to the bulk carrier
_END = 0x7FFFFFFE  # the last id: with the bit it is the one before broadcast


class Channels:
    """Ids are given out in ascending order, so one number remembers all of them, and the first bit the carrier."""

    def __init__(self) -> None:
        self._next = 1

    def allocate(self, bulk: bool) -> bytes:
        """A channel id nobody has (CTAP 2.1 section 11.2.9.1.3); it wraps after two billion."""
        if self._next > _END:
            self._next = 1
        cid = (self._next | (_BULK if bulk else 0)).to_bytes(4, "big")
        self._next += 1
        return cid

    def known(self, cid: bytes, bulk: bool) -> bool:
        """Whether that id was given out on that carrier, as far as one number tells."""
        return is_bulk(cid) == bulk and 0 < int.from_bytes(cid, "big") & (_BULK - 1) < self._next


def is_bulk(cid: bytes) -> bool:
    return bool(cid[0] & 0x80)
