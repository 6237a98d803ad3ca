"""`python -m kernel.vm`: prepare the machine, run the kernel tests or any command in it, or get a shell there."""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import sys
import time
from pathlib import Path

from kernel.vm.boot import Job, boot
from kernel.vm.errors import VmError
from kernel.vm.prepared import Prepared, prepare

#: The checkout, with no symbolic link in it.
ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "build" / "kernel"
_LIMIT = 900
_FOLDERS = ("COLDSHARE_FIXTURES", "COLDSHARE_VECTORS")
_PARTS = ("bench", "firmware", "firmware_iface", "host", "hw-sim", "tests")


def _folders() -> dict[str, str]:
    """The folders that the environment names, as the guest finds them."""
    return {name: str(Path(value).resolve()) for name in _FOLDERS if (value := os.environ.get(name))}


def _run(prepared: Prepared, command: list[str], limit: int, *, shell: bool = False) -> int:
    # Nothing that is compiled in there would be kept, and compiling is slow.
    for part in _PARTS:
        compileall.compile_dir(ROOT / part, quiet=2, workers=1)
    folders = _folders()
    environment = {**folders, "PYTHONPATH": str(ROOT / "tests")}
    interpreters = [Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix)]
    opened = [ROOT, *interpreters, *map(Path, folders.values())]
    return boot(prepared, Job(command, ROOT, OUT, environment, opened, limit, shell))


def _test(prepared: Prepared, arguments: list[str], limit: int) -> int:
    options = ["-m", "kernel", "-p", "no:cacheprovider", "-p", "no:xdist", "--basetemp=/run/tmp/pytest"]
    options += ["--durations=10", "--color=yes" if sys.stdout.isatty() else "--color=no"]
    options += ["--junitxml=/run/out/junit.xml"]
    return _run(prepared, [sys.executable, "-m", "pytest", *options, *(arguments or ["tests/kernel/guest"])], limit)


_WHAT = {
    "prepare": "fetch and unpack what is needed; nothing if that was done before",
    "test": "run tests/kernel/guest, or what is named, under pytest: arguments are pytest's",
    "run": "run a command as root: arguments are that command",
    "shell": "a shell as root on this terminal",
}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m kernel.vm", description=__doc__)
    parser.add_argument("--limit", type=int, default=_LIMIT, metavar="SECONDS", help="end the machine then, whatever")
    parser.add_argument("what", choices=_WHAT, help="; ".join(f"{name}: {words}" for name, words in _WHAT.items()))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT")
    options = parser.parse_args(argv)
    began = time.monotonic()
    try:
        prepared = prepare(lambda line: print(f"kernel: {line}", file=sys.stderr, flush=True))
        print(
            f"kernel: {prepared.root.name}, ready after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True
        )
        if options.what == "prepare":
            return 0
        if options.what == "shell":
            return _run(prepared, ["/bin/bash"], options.limit, shell=True)
        if options.what == "run":
            return _run(prepared, options.arguments, options.limit)
        return _test(prepared, options.arguments, options.limit)
    except VmError as error:
        print(f"kernel: {error}", file=sys.stderr)
        return 1
    finally:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = time.monotonic() - began
        processor = spent.ru_utime + spent.ru_stime
        print(f"kernel: {seconds:.0f} s in all, {processor:.0f} s of processor time", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
