"""`make bench-kernel`, after the machine: figures of what `bench.kernel_bus` has measured there, put into results.json.

Exit status 1 when a bound is missed that the emulated processor does not explain.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.figures import KERNEL, Figure, results, table
from bench.record import record

_KIB = 1024
#: What of a put is the token's own work. A real token has a processor for that; here it shares one with everything.
_TOKEN = ("token_firmware", "token_flash")
_LAYERS = {
    "host_code": "frames, Noise and messages on the host",
    "host_library": "hidapi or pyusb, libusb and system calls below them",
    "token_firmware": "the firmware, its frames, Noise and AES",
    "token_flash": "littlefs and the key area on the modelled chip",
    "token_bus": "the simulator's USB/IP, its descriptors and endpoints",
    "rest": "the kernel by itself, and waiting",
}


def figures(measured: dict[str, Any], size: int) -> list[Figure]:
    """From seconds to ratios; the best round counts, on either side."""
    found = []
    for carrier in ("bulk", "hid_hs", "hid_fs"):
        rounds, split = measured[carrier]["rounds"], measured[carrier]["split"]
        put, get, raw = (min(one[name] for one in rounds) for name in ("put", "get", "raw"))
        own = sum(split[name] for name in _TOKEN) * put / split["put"]
        peer = f"put {put * 1000:.0f} ms, the same bytes raw {raw * 1000:.0f} ms; best of {len(rounds)}"
        found += [
            Figure(f"{carrier}_over_raw", put / raw, peer),
            Figure(
                f"kernel_{carrier}_over_raw_token_apart", (put - own) / raw, "the same without the token's own work"
            ),
            Figure(f"kernel_{carrier}_put_kib_per_second", size / _KIB / put, "the emulated CPU does both sides"),
            Figure(f"kernel_{carrier}_get_kib_per_second", size / _KIB / get, "the same"),
        ]
        layers = split | {"rest": split["put"] - sum(split[name] for name in _LAYERS if name != "rest")}
        found += [
            Figure(f"kernel_{carrier}_share_{layer}", layers[layer] / split["put"], what)
            for layer, what in _LAYERS.items()
        ]
    looks = measured["discovery"]
    ratio = looks["discovery"] / looks["enumerate"]
    peer = f"hidapi and pyusb list the same in {looks['enumerate'] * 1000:.1f} ms"
    return [*found, Figure("discovery_over_enumerate", ratio, peer)]


def missed(found: list[Figure]) -> list[str]:
    """The bounds that are missed, also when the token's own work counts for nothing."""
    values = {figure.name: figure.value for figure in found}
    wrong = []
    for name, bound in KERNEL.items():
        value = values.get(f"kernel_{name}_token_apart", values.get(name))
        if bound is not None and (value is None or value > bound):
            wrong.append(name)
    return wrong


def main(path: Path) -> int:
    measured = json.loads(path.read_text())
    found = figures(measured, measured["size"])
    print(table(found))
    record({name: float(value) for name, value in results(found, {}).items()})
    wrong = missed(found)
    if wrong:
        print(f"missed, whatever the token's own work takes: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
