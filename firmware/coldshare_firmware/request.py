"""The shapes of requests, as the contract gives them. Portable subset."""

from coldshare_firmware.person import OpError
from coldshare_iface import wire
from coldshare_iface.text import unshowable

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    Shapes = dict[int, tuple[tuple[int, int, int], ...]]

# One chunk fills one message: its record of 7488 bytes takes 127 reports of 64 bytes and leaves 3 bytes of them unused.
CHUNK = 7456

_BYTES = 0
_TEXT = 1
_UINT = 2
# op -> the fields after the op itself, in key order: (kind, least size or value, greatest)
_ID = (_BYTES, wire.BACKUP_ID_SIZE, wire.BACKUP_ID_SIZE)
_GENERATION = (_BYTES, wire.GENERATION_SIZE, wire.GENERATION_SIZE)
_SHAPES: "Shapes" = {
    wire.OP_PAIR_ACCEPT: ((_TEXT, 1, wire.LABEL_MAX),),
    wire.OP_SET_UP: ((_TEXT, 0, 64), (_TEXT, 1, wire.LABEL_MAX)),
    wire.OP_UNLOCK: ((_TEXT, 0, 64),),
    wire.OP_LIST: ((_UINT, 0, wire.BACKUPS_MAX + 1),),
    wire.OP_RESERVE: ((_BYTES, 1, wire.DECLARATION_MAX),),
    wire.OP_BEGIN: (_ID, (_UINT, 1, wire.BLOB_MAX), (_BYTES, wire.DIGEST_SIZE, wire.DIGEST_SIZE)),
    wire.OP_CHUNK: ((_UINT, 0, wire.BLOB_MAX), (_BYTES, 1, CHUNK)),
    wire.OP_PREPARE: (_ID,),
    wire.OP_COMMIT: (_ID,),
    wire.OP_CONFIRM: (_ID,),
    wire.OP_ABORT: (_ID,),
    wire.OP_OPEN: (_ID, (_UINT, wire.PURPOSE_VERIFY, wire.PURPOSE_RESTORE)),
    wire.OP_READ: (_ID, (_UINT, 0, wire.BLOB_MAX)),
    wire.OP_LABEL: ((_TEXT, 1, wire.LABEL_MAX),),
    wire.OP_CHANGE_PIN: ((_TEXT, 0, 64), (_TEXT, 0, 64)),
    wire.OP_PAIRINGS: (),
    wire.OP_UNPAIR: (
        (_BYTES, wire.PSK_ID_SIZE, wire.PSK_ID_SIZE),
        (_UINT, wire.UNPAIR_ONE, wire.UNPAIR_OTHERS),
    ),
    wire.OP_REMOVE: (_ID,),
    wire.OP_WIPE: (),
    wire.OP_RESERVE_NEXT: ((_BYTES, 1, wire.DECLARATION_MAX),),
    wire.OP_RETIRE: (_ID, _GENERATION),
    wire.OP_UN_RETIRE: (_ID, _GENERATION),
    wire.OP_DESTROY: (_ID,),
    wire.OP_AUDIT: ((_UINT, 1, 0xFFFFFFFF),),
}
# What may be asked in a pairing channel, and nowhere else.
PAIRING = (wire.OP_PAIR_ACCEPT, wire.OP_WIPE)
# What may be asked in the clear.
PLAIN: "Shapes" = {wire.OP_INFO: (), wire.OP_IDENTIFY: ()}


def fields(request: object, shapes: "Shapes" = _SHAPES) -> "tuple[int, list[bytes | str | int]]":
    """(op, its fields) of a request in the shape the contract gives it. Raises OpError."""
    if not isinstance(request, dict):
        raise OpError(wire.STATUS_BAD_REQUEST)
    op = request.get(0)
    if not isinstance(op, int) or op is True or op is False:
        raise OpError(wire.STATUS_BAD_REQUEST)
    shape = shapes.get(op)
    if shape is None:
        raise OpError(wire.STATUS_UNKNOWN_OP)
    if len(request) != len(shape) + 1:
        raise OpError(wire.STATUS_BAD_REQUEST)
    values: list[bytes | str | int] = []
    for i in range(len(shape)):
        kind, low, high = shape[i]
        value = request.get(i + 1)
        if kind == _UINT:
            if not isinstance(value, int) or value is True or value is False:
                raise OpError(wire.STATUS_BAD_REQUEST)
            size = value
        elif kind == _BYTES:
            if not isinstance(value, bytes):
                raise OpError(wire.STATUS_BAD_REQUEST)
            size = len(value)
        else:
            if not isinstance(value, str):
                raise OpError(wire.STATUS_BAD_REQUEST)
            size = len(value.encode())
            if any([unshowable(ord(char)) for char in value]):
                raise OpError(wire.STATUS_BAD_REQUEST)
        if size < low or size > high:
            raise OpError(wire.STATUS_BAD_REQUEST)
        values.append(value)
    return op, values
