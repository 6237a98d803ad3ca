"""One step of a job, and what becomes of it. Portable subset.

A job is a generator: it yields a status while it waits, returns the fields of its reply, and raises what went wrong.
Whatever the flash or the memory does to it ends here, as a status the host can read.
"""

import gc

from coldshare_firmware.keyarea import StorageError
from coldshare_firmware.person import OpError
from coldshare_iface import wire
from coldshare_iface.transfer import TransferError

TYPE_CHECKING = False  # type checkers read this name as true; MicroPython has no typing module
if TYPE_CHECKING:
    from coldshare_firmware.ops import Job
    from coldshare_firmware.types import Map

_ENOSPC = 28


def refusal(status: int, detail: "int | None" = None) -> "Map":
    """The reply to a request that is not granted."""
    return {0: status} if detail is None else {0: status, 1: detail}


def advance(job: "Job") -> "tuple[int, Map | None]":
    """Run the job up to where it next waits: (status, None), or (0, reply) once it is over."""
    try:
        return next(job), None
    except StopIteration as done:
        reply: Map = done.value
        reply[0] = wire.STATUS_OK
    except OpError as error:
        reply = refusal(error.status, error.detail)
    except TransferError as error:
        reply = refusal(error.status, error.detail)
    except MemoryError:
        gc.collect()
        reply = refusal(wire.STATUS_STORAGE)
    except OSError as error:
        full = error.args and error.args[0] == _ENOSPC
        reply = refusal(wire.STATUS_NO_SPACE if full else wire.STATUS_STORAGE)
    except (StorageError, ValueError, KeyError):
        reply = refusal(wire.STATUS_STORAGE)
    return 0, reply
