"""An SSD1306 display of 128 x 64 points on I2C, sixteen letters by eight. Portable subset.

`I2C` and `FrameBuffer` are MicroPython's; they are handed in.
"""

TYPE_CHECKING = False  # MicroPython has no typing module
if TYPE_CHECKING:
    from typing import Any

COLUMNS = 16
ROWS = 8
ADDRESSES = (0x3C, 0x3D)
_LETTER = 8
_WIDTH = COLUMNS * _LETTER
_HEIGHT = ROWS * _LETTER
_COMMAND = 0x80
_DATA = 0x40
# fmt: off
_SETUP = bytes((
    0xAE,              # display off
    0x20, 0x00,        # addresses run along the rows
    0x40,              # first line at the top
    0xA1, 0xC8,        # as seen with the pins at the top
    0xA8, _HEIGHT - 1, # lines
    0xD3, 0x00,        # no offset
    0xDA, 0x12,        # wiring of the lines
    0xD5, 0x80,        # clock
    0xD9, 0xF1,        # precharge
    0xDB, 0x30,        # level of the unlit
    0x81, 0xCF,        # contrast
    0xA4, 0xA6,        # show the memory, lit is 1
    0x8D, 0x14,        # the charge pump
    0xAF,              # display on
))
# fmt: on
_WINDOW = bytes((0x21, 0, _WIDTH - 1, 0x22, 0, ROWS - 1))


class Oled:
    """Raises OSError when no display answers at `address`."""

    def __init__(self, i2c: "Any", framebuffer: "Any", mode: int, address: int) -> None:
        self._i2c = i2c
        self._address = address
        # The display's memory behind the byte that announces it: one transfer, no copy.
        self._wire = bytearray(1 + _WIDTH * ROWS)
        self._wire[0] = _DATA
        self._picture = framebuffer(memoryview(self._wire)[1:], _WIDTH, _HEIGHT, mode)
        self._ready = False
        self.draw([])

    def _commands(self, codes: bytes) -> None:
        for code in codes:
            self._i2c.writeto(self._address, bytes((_COMMAND, code)))

    def draw(self, rows: "list[str]") -> None:
        """Show up to ROWS rows of up to COLUMNS letters, and nothing else. Raises OSError."""
        self._picture.fill(0)
        for i in range(len(rows)):
            self._picture.text(rows[i], 0, i * _LETTER, 1)
        ready, self._ready = self._ready, False
        if not ready:  # the first time, and after a failure: it may have been without power
            self._commands(_SETUP)
        self._commands(_WINDOW)
        self._i2c.writeto(self._address, self._wire)
        self._ready = True
