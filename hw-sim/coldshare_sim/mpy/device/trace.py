"""A chip that takes down what is done to it. Runs in MicroPython only."""

from coldshare_sim.mpy.device.hal import Flash


class TracedFlash(Flash):
    """Writes every operation to `trace` before it happens: `kind [1] | offset [4] | length [2]`, big-endian, and
    the bytes of a program. The kinds are `p` and `e`."""

    def __init__(self, fd: int, trace: int) -> None:
        Flash.__init__(self, fd)
        self._trace = open(trace, "r+b")  # noqa: SIM115 - a descriptor, held for life

    def _note(self, kind: bytes, offset: int, data: "bytes | bytearray") -> None:
        self._trace.write(kind + offset.to_bytes(4, "big") + len(data).to_bytes(2, "big"))
        self._trace.write(data)

    def program(self, offset: int, data: "bytes | bytearray") -> None:
        self._note(b"p", offset, data)
        Flash.program(self, offset, data)

    def erase(self, offset: int) -> None:
        self._note(b"e", offset, b"")
        Flash.erase(self, offset)
