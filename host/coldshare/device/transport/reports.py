"""How long a HID device's reports are, from its report descriptor (HID 1.11, section 6.2.2). No I/O."""

from __future__ import annotations

from coldshare_iface import wire

#: More than the kernel takes.
_DESCRIPTOR_MAX = 4096
_DEPTH_MAX = 16
_BITS_MAX = 8 * 65536

_LONG_ITEM = 0xFE
_TYPE_MAIN, _TYPE_GLOBAL = 0, 1
_INPUT, _OUTPUT = 8, 9
_REPORT_SIZE, _REPORT_ID, _REPORT_COUNT, _PUSH, _POP = 7, 8, 9, 10, 11


class ReportDescriptorError(Exception):
    """That is no report descriptor, or not that of a token."""


def report_size(descriptor: bytes) -> int:
    """Bytes in a report of a token, both ways: 64 or 1024. Raises ReportDescriptorError."""
    there, back = sizes(descriptor)
    if there != back or there not in (wire.REPORT_FS, wire.REPORT_HS):
        raise ReportDescriptorError(f"its reports have {there} and {back} bytes")
    return there


def sizes(descriptor: bytes) -> tuple[int, int]:
    """Bytes in an input report and in an output report without a report id. Raises ReportDescriptorError."""
    if len(descriptor) > _DESCRIPTOR_MAX:
        raise ReportDescriptorError("its report descriptor is too long")
    bits = {_INPUT: 0, _OUTPUT: 0}
    size = count = 0
    stack: list[tuple[int, int]] = []
    at = 0
    while at < len(descriptor):
        prefix = descriptor[at]
        if prefix == _LONG_ITEM:
            # Its length, its tag, its data: nobody has ever defined one.
            at += 3 + (descriptor[at + 1] if at + 1 < len(descriptor) else 0)
            continue
        length = (0, 1, 2, 4)[prefix & 3]
        kind, tag = prefix >> 2 & 3, prefix >> 4
        data = descriptor[at + 1 : at + 1 + length]
        if len(data) != length:
            raise ReportDescriptorError("its report descriptor ends in the middle of an item")
        at += 1 + length
        value = int.from_bytes(data, "little")
        if kind == _TYPE_MAIN and tag in bits:
            bits[tag] += size * count
            if bits[tag] > _BITS_MAX:
                raise ReportDescriptorError("its reports are too long")
        elif kind == _TYPE_GLOBAL:
            if tag == _REPORT_SIZE:
                size = value
            elif tag == _REPORT_COUNT:
                count = value
            elif tag == _REPORT_ID:
                raise ReportDescriptorError("its reports have ids")
            elif tag == _PUSH:
                stack.append((size, count))
                if len(stack) > _DEPTH_MAX:
                    raise ReportDescriptorError("its report descriptor is nested too deeply")
            elif tag == _POP:
                if not stack:
                    raise ReportDescriptorError("its report descriptor takes back what it did not keep")
                size, count = stack.pop()
    return -(-bits[_INPUT] // 8), -(-bits[_OUTPUT] // 8)
