"""One target under atheris, in a process of its own: `python -m fuzz.child TARGET [libFuzzer's arguments]`."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found]

#: Arithmetic without a branch that depends on its input: what is watched there costs time and tells nothing.
_UNWATCHED = ["coldshare_firmware.x25519"]

with atheris.instrument_imports(include=["coldshare", "coldshare_firmware", "coldshare_iface"], exclude=_UNWATCHED):
    from fuzz.mutate import change_cbor
    from fuzz.targets import TARGETS


def _mutate(data: bytes, longest: int, seed: int) -> bytes:
    changed = change_cbor(data, seed) if seed % 2 else None
    if changed is None or len(changed) > longest:
        mutated: bytes = atheris.Mutate(data, longest)
        return mutated
    return changed


def main() -> None:
    target = TARGETS[sys.argv.pop(1)]
    options = {"custom_mutator": _mutate} if target.is_cbor else {}
    atheris.Setup(sys.argv, target.run, **options)
    atheris.Fuzz()


main()
