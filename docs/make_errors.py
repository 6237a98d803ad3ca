"""Writes docs/errors.md from the error classes themselves. Run it after adding or changing one:

python docs/make_errors.py

A test compares, so the page cannot drift.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

from coldshare_iface.errors import ColdshareError

PAGE = Path(__file__).with_name("errors.md")
_PACKAGES = ("coldshare_iface", "coldshare", "coldshare_sim", "coldshare_board")
_FAMILIES = {
    1: "Something unforeseen",
    2: "The command line or the address",
    3: "A file",
    4: "A PIN, password or code",
    5: "Refused",
    6: "The token or the way to it",
    7: "Integrity",
    130: "Interrupted",
}
_HEAD = """# Errors

Every error has a stable code, a sentence and a next step. On the command line the sentence may say more: which file,
where in it, how many attempts are left. With `--json` code, sentence and next step are `error.code`,
`error.message` and `error.next`. In Python the class carries them as `code`, `message` and `next_step`. Where the
wallet vendor's own tools have a code for the same thing, that is `vendor`, in JSON `error.vendor`.

This page is made from the classes by `docs/make_errors.py`.
"""
_VENDOR = """
## The vendor's codes

| code of the vendor's SDK | codes of coldshare |
|---|---|
"""
_NOT_OURS = """
`EXISTING_VAULT_PASSWORD_REQUIRED` does not occur: what comes back is compared with the public values in the ledger, and
no vault has to be opened for that.
"""


def classes() -> Iterator[type[ColdshareError]]:
    """Every error class that can reach a person, once per code."""
    for package in _PACKAGES:
        module = importlib.import_module(package)
        for found in pkgutil.walk_packages(module.__path__, f"{package}."):
            if not found.name.endswith(("__main__", ".pytest_plugin")):
                importlib.import_module(found.name)
    yield from _below(ColdshareError)


def _below(kind: type[ColdshareError]) -> Iterator[type[ColdshareError]]:
    yield kind
    for sub in kind.__subclasses__():
        if sub.__module__.split(".")[0] in _PACKAGES:
            yield from _below(sub)


def by_vendor() -> dict[str, list[str]]:
    """Each code of the vendor's that some error stands for, with the codes of those."""
    found: dict[str, set[str]] = {}
    for kind in classes():
        if kind.vendor:
            found.setdefault(kind.vendor, set()).add(kind.code)
    return {code: sorted(found[code]) for code in sorted(found)}


def page() -> str:
    """The text of docs/errors.md."""
    by_code: dict[str, type[ColdshareError]] = {}
    for kind in classes():
        # A class without a code of its own is another way to say its parent's.
        if "code" in vars(kind):
            by_code[kind.code] = kind
    text = _HEAD + _VENDOR
    text += "".join(f"| `{code}` | {', '.join(f'`{one}`' for one in ours)} |\n" for code, ours in by_vendor().items())
    text += _NOT_OURS
    for status, family in _FAMILIES.items():
        rows = sorted((kind.code, kind) for kind in by_code.values() if kind.exit_status == status)
        if not rows:
            continue
        text += f"\n## {family} (exit status {status})\n\n| code | says | what now |\n|---|---|---|\n"
        for code, kind in rows:
            text += f"| `{code}` | {_cell(kind.__doc__ or '')} | {_cell(kind.next_step)} |\n"
    return text


def _cell(sentence: str) -> str:
    return " ".join(sentence.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name}: {page().count(chr(10))} lines\n")
