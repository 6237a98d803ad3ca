"""--trace: what crosses the link to a token goes into a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from coldshare.errors import ColdshareError

if TYPE_CHECKING:
    from coldshare.cli.ui import Ui
    from coldshare.device.address import Address
    from coldshare.device.trace import Trace
    from coldshare.device.transport import Transport

F = TypeVar("F", bound=Callable[..., Any])

_FILE, _RAW, _TRACE = (f"coldshare.cli.tracing.{name}" for name in ("file", "raw", "trace"))


def _keep(key: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """The commands themselves have nothing to do with it, so the value waits where `open_traced` finds it."""

    def callback(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value:
            context.meta[key] = value

    return callback


def wanted() -> bool:
    """Whether this command was asked for a trace."""
    context = click.get_current_context(silent=True)
    return context is not None and (_FILE in context.meta or _RAW in context.meta)


def trace_options(function: F) -> F:
    """--trace and --trace-raw."""
    raw = click.option(
        "--trace-raw",
        is_flag=True,
        expose_value=False,
        callback=_keep(_RAW),
        help="With --trace: whole reports too, with serial numbers and ciphertext.",
    )
    file = click.option(
        "--trace",
        metavar="FILE",
        expose_value=False,
        callback=_keep(_FILE),
        help="Write down what crosses the link to the token, without what is inside of it.",
    )
    return file(raw(function))


def open_traced(at: Address, ui: Ui, opener: Callable[[], Transport]) -> Transport:
    """What `opener` opens, traced if that was asked for. Raises what it raises, OutputExistsError and OutputError."""
    trace = _trace(ui)
    if trace is None:
        return opener()
    from coldshare.device.trace import TracedTransport

    try:
        return TracedTransport(opener(), trace, at.scheme)
    except ColdshareError as error:
        trace.write({"event": "open", "carrier": at.scheme, "failed": error.code})
        raise


def _trace(ui: Ui) -> Trace | None:
    """One for the whole command, which may open a token more than once."""
    context = click.get_current_context(silent=True)
    if context is None:
        return None
    meta = context.meta
    if _FILE not in meta:
        if _RAW in meta:
            raise click.UsageError("--trace-raw needs --trace FILE")
        return None
    if _TRACE not in meta:
        from coldshare.device.trace import RAW_HOLDS, Trace

        trace = meta[_TRACE] = Trace(Path(meta[_FILE]), raw=_RAW in meta)
        context.find_root().call_on_close(lambda: _finish(trace, ui))
        if trace.raw:
            ui.note(RAW_HOLDS)
    found: Trace = meta[_TRACE]
    return found


def _finish(trace: Trace, ui: Ui) -> None:
    trace.close()
    if trace.failed is not None:
        ui.note(f"The trace is not whole, it could not be written any more: {trace.failed}.")
