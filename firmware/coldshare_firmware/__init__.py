"""The token: reports in, reports out. Portable subset of Python; no I/O but through the hal it is given."""

import gc

VERSION = "0.1.0"

# A board collects early and often. Left alone, MicroPython fills its heap first, and what outlives each message ends up
# scattered all over it: at 192 kB there is then plenty of room and no 7609 bytes of it in one piece.
_threshold = getattr(gc, "threshold", None)
if _threshold is not None:
    _threshold(16384)
