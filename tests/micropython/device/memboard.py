"""A board in memory, for a MicroPython that has neither littlefs nor AES: AES is the host's (`hostaes`)."""

from binascii import hexlify, unhexlify

import hostaes

_BLOCK = 4096


def _aes(mode, encrypt, key, iv, data):
    # Only texts cross the border to JavaScript.
    texts = [hexlify(part).decode() for part in (key, iv, data)]
    return unhexlify(hostaes.run(mode, encrypt, texts[0], texts[1], texts[2]))


class Aes:
    def ecb_encrypt(self, key, block):
        return _aes("ecb", True, key, b"", block)

    def cbc_encrypt(self, key, iv, data):
        return _aes("cbc", True, key, iv, data)

    def cbc_decrypt(self, key, iv, data):
        return _aes("cbc", False, key, iv, data)


class KeyBlocks:
    block_size = _BLOCK

    def __init__(self):
        self.blocks = [bytearray(b"\xff" * _BLOCK), bytearray(b"\xff" * _BLOCK)]

    def read(self, block, offset, size):
        return bytes(self.blocks[block][offset : offset + size])

    def erase(self, block):
        self.blocks[block] = bytearray(b"\xff" * _BLOCK)

    def program(self, block, offset, data):
        for i in range(len(data)):
            self.blocks[block][offset + i] &= data[i]


class Files:
    def __init__(self):
        self.files = {}

    def mkdir(self, path):
        pass

    def listdir(self, path):
        return sorted([name[len(path) + 1 :] for name in self.files if name.startswith(path + "/")])

    def size(self, path):
        return len(self._file(path))

    def read(self, path, offset, length):
        return self._file(path)[offset : offset + length]

    def write(self, path, data):
        self.files[path] = bytes(data)

    def append(self, path, data):
        self.files[path] = self.files.get(path, b"") + data

    def rename(self, old, new):
        self.files[new] = self._file(old)
        del self.files[old]

    def remove(self, path):
        self._file(path)
        del self.files[path]

    def free(self):
        return 1 << 21

    def _file(self, path):
        if path not in self.files:
            raise OSError(2)
        return self.files[path]


class Hal:
    model = "memory"
    settle_ms = 0
    report_size = 64

    def __init__(self, panel):
        self.aes = Aes()
        self.keys = KeyBlocks()
        self.files = Files()
        self.show = panel.show
        self.button = panel.button
        self._now = 0
        self._count = 0

    def random(self, n):
        self._count += 1
        return (self._count.to_bytes(4, "big") * n)[:n]

    def now_ms(self):
        self._now += 100
        return self._now
