"""Where the time of a whole backup on a software token goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coldshare.seal
import coldshare.seal.envelope
import coldshare.vault
from bench.figures import Figure
from bench.patch import AnyCall, all_patched
from bench.share import Share
from bench.token import KDF, PASSWORD, PIN, new_token, power_up
from coldshare.backup import backup
from coldshare.device.token import TokenClient
from coldshare.device.transport.sim import SimTransport
from coldshare.seal import KdfParams
from coldshare_sim.flash import KeyBlocks
from coldshare_sim.littlefs import LittleFiles

_ROUNDS = 5
_KDF = "kdf"
_OTHER = "other"

_WHAT = {
    "vault_check": "read_share",
    "pack": "base64 layers off, compress, prove the rebuild",
    "password": "the strength of the password",
    "seal": "seal without its KDF",
    "host_channel": "frames, Noise and messages on the host",
    "token_firmware": "the firmware, its frames, Noise and AES",
    "token_flash": "littlefs and the key area on the modelled chip",
    _OTHER: "the rest",
}


class Layers:
    """A stack of layers; at any moment the time goes to the one on top."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: dict[str, float] = {}
        self._clock = clock
        self._stack = [_OTHER]
        self._since = clock()

    def turn(self) -> None:
        """Book the time since the last turn."""
        now = self._clock()
        top = self._stack[-1]
        self.seconds[top] = self.seconds.get(top, 0.0) + now - self._since
        self._since = now

    def inside(self, layer: str, function: AnyCall) -> AnyCall:
        def run(*args: Any, **kwargs: Any) -> Any:
            self.turn()
            self._stack.append(layer)
            try:
                return function(*args, **kwargs)
            finally:
                self.turn()
                self._stack.pop()

        return run


# owner, its public functions, and the layer that their time belongs to
_KDF_ONLY: list[tuple[object, tuple[str, ...], str]] = [(KdfParams, ("derive",), _KDF)]
_EVERYTHING: list[tuple[object, tuple[str, ...], str]] = [
    *_KDF_ONLY,
    (coldshare.vault, ("read_share",), "vault_check"),
    (coldshare.vault, ("split",), "pack"),
    (coldshare.seal, ("pack",), "pack"),
    (coldshare.seal, ("check_password",), "password"),
    (coldshare.seal.envelope, ("check_password",), "password"),
    (coldshare.seal, ("seal",), "seal"),
    (
        TokenClient,
        ("__init__", "connect", "unlock", "backups", "reserve", "put", "commit", "get", "confirm"),
        "host_channel",
    ),
    (SimTransport, ("write", "read", "close"), "token_firmware"),
    (
        LittleFiles,
        ("__init__", "mkdir", "listdir", "size", "read", "write", "append", "rename", "remove", "free"),
        "token_flash",
    ),
    (KeyBlocks, ("read", "erase", "program"), "token_flash"),
]


def _run(
    folder: Path, name: str, share: Share, functions: list[tuple[object, tuple[str, ...], str]]
) -> dict[str, float]:
    """Seconds by layer of one backup with its read-back, from power-up to unplugging."""
    path, store = new_token(folder, name)
    layers = Layers()

    def wrapper(layer: str) -> Any:
        return lambda function: layers.inside(layer, function)

    patches = [(owner, function, wrapper(layer)) for owner, names, layer in functions for function in names]
    with all_patched(patches):
        transport = layers.inside("token_firmware", power_up)(path)
        with TokenClient(transport) as client:
            client.connect(store)
            client.unlock(PIN)
            backup(client, share.plain, PASSWORD, kdf=KDF)
        layers.turn()
    return layers.seconds


def measure(folder: Path, share: Share) -> list[Figure]:
    """The total is the best of the runs that time nothing but the KDF; the split is the best run with all timers."""
    totals: list[float] = []
    splits: list[dict[str, float]] = []
    for number in range(_ROUNDS):
        seconds = _run(folder, f"total-{number}", share, _KDF_ONLY)
        totals.append(_without_kdf(seconds))
        splits.append(_run(folder, f"split-{number}", share, _EVERYTHING))
    split = min(splits, key=_without_kdf)
    against = f"best of {_ROUNDS}, power-up to unplugging, read-back included"
    return [
        Figure(f"backup_sim_seconds_without_kdf{share.suffix}", min(totals), against),
        *(
            Figure(f"backup_sim_seconds_{layer}{share.suffix}", split.get(layer, 0.0), what)
            for layer, what in _WHAT.items()
        ),
    ]


def _without_kdf(seconds: dict[str, float]) -> float:
    return sum(seconds.values()) - seconds[_KDF]
