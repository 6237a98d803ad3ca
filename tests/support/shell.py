"""Running `coldshare` as people and scripts do, and looking at all that it says."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest

from coldshare.cli.app import run
from coldshare.device.pairings import PairingsError, PairingStore
from coldshare.vault.container import open_file
from coldshare.vault.errors import VaultPasswordNeededError
from coldshare.vault.vault_pb2 import Vault
from coldshare_firmware.keyarea import KeyArea, StorageError
from coldshare_firmware.keys import (
    F_LABEL,
    F_NAMES_KEY,
    F_PIN,
    F_SLOTS,
    F_STATE,
    F_STATIC,
    F_TAG_KEY,
    S_FACTOR,
    S_ID,
    S_STATE,
)
from coldshare_sim.flash import SIZE, Chip, KeyBlocks, read_image
from support.stages import Stages

T = TypeVar("T")

#: The console script of the environment that the tests run in.
COLDSHARE = str(Path(sys.executable).with_name("coldshare"))


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on standard output, and nothing on standard error."""
        assert self.err == ""
        assert self.out.startswith("{"), self.out
        answer = json.loads(self.out)  # raises for a second object
        assert isinstance(answer, dict)
        return answer


class Secrets:
    """Every secret that a test uses, in every spelling; none may ever be said."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def add(self, name: str, value: str | bytes) -> None:
        if isinstance(value, str):
            self._known[name] = value
            return
        self._known[f"{name} in hexadecimal"] = value.hex()
        self._known[f"{name} in base64"] = base64.b64encode(value).decode().rstrip("=")[: len(value) * 4 // 3 - 1]
        self._known[f"{name} as Python writes it"] = repr(value)[2:-1]

    def add_pairings(self, path: Path) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            for entry in json.loads(path.read_bytes())["pairings"]:
                self.add("pairing key", bytes.fromhex(entry["psk"]))

    def add_token(self, path: Path) -> None:
        record = key_record(path)
        for name, field in (("static key", F_STATIC), ("names key", F_NAMES_KEY), ("tag key", F_TAG_KEY)):
            self.add(f"the token's {name}", record[field])
        for slot in record[F_SLOTS]:
            self.add("factor", slot[S_FACTOR])
        if record[F_PIN]:
            self.add("PIN verifier", record[F_PIN][1])

    def add_share(self, data: bytes, password: str | None = None) -> None:
        for name, value in share_secrets(data, password).items():
            self.add(name, value)

    def check(self, said: str) -> None:
        for name, value in self._known.items():
            assert value not in said, f"the {name} was said"


@cache
def share_secrets(data: bytes, password: str | None) -> dict[str, bytes]:
    try:
        vault = Vault.FromString(open_file(data, password).vault)
    except VaultPasswordNeededError:
        return {}
    # The longer one is the ECDSA share: their order in the file is free.
    eddsa, ecdsa = sorted((base64.b64decode(share.keyshare) for share in vault.key_shares), key=len)
    return {"s_i": ecdsa[140:172], "EdDSA s_i": eddsa[3:35], "OT seed": ecdsa[-64:-32]}


def key_record(path: Path) -> dict[int, Any]:
    record = KeyArea(KeyBlocks(Chip(read_image(path)))).load()
    assert record is not None
    return record


def holds(path: Path) -> object:
    """What a token's file holds: its state, its label, and (backup id, state) of everything, reservations too. The
    bytes themselves for one that is damaged."""
    try:
        record = key_record(path)
    except (AssertionError, StorageError):
        return path.read_bytes()
    return record[F_STATE], record[F_LABEL], [(slot[S_ID].hex(), slot[S_STATE]) for slot in record[F_SLOTS]]


def known(path: Path) -> object:
    """The pairings in that file without how far their tokens' records went; the bytes of one that is damaged."""
    try:
        return [replace(pairing, seen=None) for pairing in PairingStore(path).all()]
    except PairingsError:
        return path.read_bytes()


class Shell:
    """A folder, a home and a command line. Whatever a command says is searched for secrets.

    With `stages`, what `step` makes is made once for all tests that begin alike.
    """

    stages: Stages | None = None

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.home = folder / ".home"
        self.secrets = Secrets()
        self._learned: dict[Path, tuple[int, int]] = {}
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def write(self, name: str, content: str | bytes, *, secret: str | None = None) -> str:
        """A file in the folder, by its name; with `secret`, what is in it must never be said."""
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)
        if secret is not None:
            self.secrets.add(secret, content)
        return name

    def __call__(self, *argv: str, stdin: bytes = b"") -> Said:
        """In this process."""
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        self._capsys.readouterr()
        status = run(argv)
        out, err = self._capsys.readouterr()
        return self._checked(Said(status, out, err))

    def spawn(self, *argv: str, stdin: bytes = b"", **environment: str) -> Said:
        """As a process of its own, away from any terminal."""
        done = subprocess.run(
            [COLDSHARE, *argv],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=os.environ | environment,
            timeout=120,
            check=False,
        )
        return self._checked(
            Said(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        )

    def step(self, name: Hashable, build: Callable[[], T]) -> T:
        """Part of how the test's world is made; see `Stages.step`."""
        return build() if self.stages is None else self.stages.step(name, build)

    def learn(self) -> None:
        """Look up the secrets that the commands so far have made."""
        self.secrets.add_pairings(self.home / "pairings.json")
        for path in self.folder.glob("*.token"):
            found = path.stat()
            now = found.st_mtime_ns, found.st_size
            if self._learned.get(path) != now:
                with contextlib.suppress(Exception):  # a damaged or a locked one has nothing to tell
                    self.secrets.add_token(path)
                    self._learned[path] = now

    def check(self, text: str) -> None:
        self.learn()
        self.secrets.check(text)

    def _checked(self, said: Said) -> Said:
        self.check(said.out + said.err)
        assert "Traceback" not in said.out + said.err
        return said

    @property
    def store(self) -> PairingStore:
        return PairingStore(self.home / "pairings.json")

    def snapshot(self) -> dict[str, object]:
        """Everything in the folder: tokens by what they hold, pairings as `known` says (every visit moves on how far a
        token's record went), other files by their bytes."""
        return dict(self._entries(sorted(self.folder.rglob("*"))))

    def _entries(self, paths: Iterable[Path]) -> Iterable[tuple[str, object]]:
        for path in paths:
            name = str(path.relative_to(self.folder))
            if path.is_symlink() or path.is_dir():
                yield name, "folder or link"
            elif path.suffix == ".token" and path.stat().st_size == SIZE:
                yield name, holds(path)
            elif path == self.store.path:
                yield name, known(path)
            elif path.is_file():
                yield name, path.read_bytes()


def failed(said: Said, code: str, status: int, *, as_json: bool) -> str:
    """Check that `said` is a failure as docs/cli.md promises it. Returns sentence and next step."""
    assert said.status == status, (said.status, said.out, said.err)
    if as_json:
        answer = said.json
        assert set(answer) == {"ok", "command", "error"}
        assert answer["ok"] is False
        error = answer["error"]
        assert set(error) - {"vendor"} == {"code", "message", "next"}
        assert error["code"] == code
        sentence, step = error["message"], error["next"]
    else:
        assert said.out == ""
        *before, last, what_now = said.err.splitlines()
        assert not any(line.startswith(("Error", "What now")) for line in before)
        head = f"Error ({code}): "
        assert last.startswith(head), said.err
        assert what_now.startswith("What now: "), said.err
        sentence, step = last.removeprefix(head), what_now.removeprefix("What now: ")
    assert sentence.endswith((".", "?")), sentence
    assert step, "no next step"
    assert "\n" not in sentence + step
    return f"{sentence}\n{step}"
