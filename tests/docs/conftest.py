"""`docs/recover.py` as a stranger runs it: a Python that has the package cryptography, and nothing of coldshare."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from coldshare.recovery import RecoveryCode
from coldshare.seal import Factors, KdfParams, pack, seal
from coldshare.vault import split
from coldshare.vault.synthetic import encrypt_vlt2, make_vault

SCRIPT = Path(__file__).parents[2] / "docs/recover.py"

PASSWORD = "tidal-orchid-velvet-92-kettle"
TOKEN = b"t" * 32
CODE = RecoveryCode(hashlib.sha256(b"coldshare").digest()[:20])
BACKUP_ID = bytes(range(16))
DECLARED = b"declared"

#: Nothing but Python's own modules and the folder that follows; `-S` keeps every site-packages out.
BOOT = (
    "import runpy, sys; sys.path.append(sys.argv[1]); del sys.argv[:2]; runpy.run_path(sys.argv[0], None, '__main__')"
)


def sealed_as(plaintext: bytes, *slots: Factors) -> bytes:
    return seal(
        plaintext,
        backup_id=BACKUP_ID,
        declaration_digest=hashlib.sha256(DECLARED).digest(),
        slots=slots,
        kdf=KdfParams(64 << 10, 3, 4),
    )


def packed(original: bytes) -> bytes:
    record: dict[int, object] = {1: "Savings \x1b[31m", 2: "iPhone-ab12", 12: "none"}
    return pack(original, split(original), declaration=DECLARED, record=record)


@dataclass(frozen=True)
class Worst:
    """The worst day: a folder with a sealed backup in it, and the script."""

    folder: Path
    packages: Path
    original: bytes = field(repr=False)

    @property
    def sealed(self) -> Path:
        return self.folder / "coldshare-00010203.seal"

    @property
    def out(self) -> Path:
        return self.folder / "share.vult"

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def command(self, *arguments: object) -> list[str]:
        python = [sys.executable, "-I", "-S", "-W", "error", "-c", BOOT, self.packages]
        return [str(part) for part in (*python, SCRIPT, *arguments)]

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Without a terminal, so that nothing can be asked."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the one package that the script needs, and the module that package is built on."""
    folder = tmp_path_factory.mktemp("packages")
    for name in ("cryptography", "_cffi_backend"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        target = origin.parent if origin.name == "__init__.py" else origin
        (folder / target.name).symlink_to(target)
    return folder


@pytest.fixture(scope="session")
def share() -> bytes:
    return make_vault("Savings", ["iPhone-ab12", "Mac-cd34", "Pad-ef56"], 2)[0].vult


@pytest.fixture(scope="session")
def shares(share: bytes) -> dict[str, bytes]:
    """Files of different layers: a plain vault file, one with a password of its own, and any bytes."""
    return {"plain": share, "encrypted": encrypt_vlt2(share, "its own"), "other": b"\0\xff any bytes", "empty": b""}


@pytest.fixture(scope="session")
def sealed_share(share: bytes) -> bytes:
    """As coldshare seals it: with the password and the token, or with the recovery code."""
    return sealed_as(packed(share), Factors(password=PASSWORD, token=TOKEN), Factors(recovery=CODE.factor()))


@pytest.fixture
def worst(tmp_path: Path, packages: Path, share: bytes, sealed_share: bytes) -> Worst:
    day = Worst(tmp_path, packages, share)
    day.sealed.write_bytes(sealed_share)
    return day


@pytest.fixture(scope="session")
def script() -> ModuleType:
    """The script as a module in this process, for what would take too many processes."""
    spec = importlib.util.spec_from_file_location("recover_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Opens = Callable[[bytes, dict[str, bytes]], bytes]


@pytest.fixture(scope="session")
def opens(script: ModuleType) -> Opens:
    """The original file out of sealed bytes, given the factors; nobody is there to be asked."""

    def opened(sealed: bytes, given: dict[str, bytes]) -> bytes:
        plaintext = script.open_sealed(script.parse(sealed), given, lambda name: None)
        original: bytes = script.unpack(plaintext)[0]
        return original

    return opened
