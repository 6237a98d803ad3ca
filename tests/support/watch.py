"""Listens to everything that the tests make coldshare say, and fails a test in which a secret is said.

While a module's tests run, every password, factor, pairing key, PIN and share scalar that passes through the code is
noted where it passes. After each test what it wrote to standard output, standard error and the logs (at every level) is
searched for all of them, in every spelling that a leak would have.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Generator
from typing import Any

import pytest

_SHORTEST = 6  # a shorter PIN turns up in any hexadecimal text by chance


class Watch:
    """Secrets of one module of tests, by spelling."""

    def __init__(self) -> None:
        self._spellings: dict[str, str] = {}

    def forget(self) -> None:
        self._spellings.clear()

    def note(self, what: str, secret: str | bytes | None) -> None:
        if secret is None or len(secret) < _SHORTEST or len(set(secret)) < 3:
            return  # nothing, or a test's stand-in such as b"kkkk"
        if isinstance(secret, str):
            self._spellings[secret] = what
            return
        self._spellings[secret.hex()] = what
        self._spellings[base64.b64encode(secret).decode().rstrip("=")] = what
        self._spellings[base64.urlsafe_b64encode(secret).decode().rstrip("=")] = what
        self._spellings[repr(secret)[2:-1]] = what
        self._spellings[str(list(secret))[1:-1]] = what
        self._spellings[str(int.from_bytes(secret, "big"))] = what

    def heard(self, said: str) -> str | None:
        """What kind of secret is in `said`, if one is."""
        if not said:
            return None
        folded = said.lower()
        for spelling, what in self._spellings.items():
            if spelling in said or spelling in folded:
                return what
        return None


watch = Watch()


def install() -> None:
    """Note secrets where they pass. Called once for a run; the wrapped functions do what they always did."""
    from coldshare.device.pairings import PairingStore
    from coldshare.device.token import TokenClient
    from coldshare.seal.slots import Factors
    from coldshare.vault import curves

    def listen(owner: Any, name: str, note: Callable[..., None]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            note(*args, **kwargs)
            return original(*args, **kwargs)

        setattr(owner, name, wrapper)

    def factors(self: Factors) -> None:
        watch.note("password", self.password)
        for name in ("token", "fido2", "recovery"):
            watch.note(f"{name} factor", getattr(self, name))

    listen(Factors, "__post_init__", factors)
    listen(PairingStore, "keep", lambda self, pairing, *rest, **more: watch.note("pairing key", pairing.psk))
    listen(TokenClient, "unlock", lambda self, pin, *rest, **more: watch.note("PIN", pin))
    listen(TokenClient, "set_up", lambda self, pin, *rest, **more: watch.note("PIN", pin))
    listen(curves, "secp256k1_times_base", lambda secret: watch.note("ECDSA scalar", secret))
    listen(curves, "ed25519_times_base", lambda secret: watch.note("EdDSA scalar", secret))


def report(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A pytest_runtest_makereport wrapper."""
    made = yield
    if made.when != "call" or not made.passed:
        return made
    for name, text in made.sections:
        what = watch.heard(text)
        if what is not None:
            made.outcome = "failed"
            made.longrepr = f"{item.nodeid}: a secret ({what}) was said, see: {name}"
    return made
