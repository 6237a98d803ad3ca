"""The board for these tests: the simulator's, in a file, or one in memory where MicroPython has no littlefs."""

try:
    from coldshare_micropython.aes import Aes
    from coldshare_sim.mpy.device.hal import Flash
    from coldshare_sim.mpy.device.hal import Hal as _Hal
except ImportError:
    from memboard import Aes
    from memboard import Hal as _Hal

    Flash = None

__all__ = ["Aes", "board"]


def board(image, panel, blocks=("", "")):
    """A board on which nothing was written but these key blocks (hexadecimal). `image` is a file of flash."""
    from binascii import unhexlify

    if Flash is None:
        hal = _Hal(panel)
        for i in range(2):
            hal.keys.program(i, 0, unhexlify(blocks[i]))
        return hal
    flash = Flash(image)
    for block in range(4):  # the keys, and what makes littlefs a file system
        flash.erase(4096 * block)
    hal = _Hal(flash, panel)
    for i in range(2):
        flash.program(4096 * i, unhexlify(blocks[i]))
    return hal
