"""This computer's signing key: made once, private, one whoever comes first, and never a guess at a damaged one."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coldshare import identity as module
from coldshare.files import OutputError
from coldshare.identity import (
    PUBLIC_SIZE,
    SIGNATURE_SIZE,
    Identity,
    IdentityError,
    fingerprint,
    identity_path,
    signed_by,
)
from reshare.story import identity

posix = pytest.mark.skipif(os.name != "posix", reason="permissions and pipes are those of POSIX")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it would be made, in a home that is not there yet."""
    monkeypatch.setenv("COLDSHARE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "identity.key"


def test_made_once(path: Path) -> None:
    assert identity_path() == path
    first = Identity.load()
    kept = path.read_bytes()
    assert len(kept) == 32
    assert Identity.load().public == Identity.load(path).public == first.public
    assert path.read_bytes() == kept
    assert [one.name for one in path.parent.iterdir()] == ["identity.key"]
    assert Identity.load(path.with_name("other.key")).public != first.public


def test_what_it_signs() -> None:
    """RFC 8032, section 7.1, test 2, and its public key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    one = Identity(Ed25519PrivateKey.from_private_bytes(seed))
    assert one.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert one.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert len(one.public) == PUBLIC_SIZE
    assert len(one.sign(b"")) == SIGNATURE_SIZE


def test_a_key_in_a_file_is_that_key(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(bytes([1]) * 32)
    assert Identity.load().public == identity(0).public


def test_golden_fingerprint() -> None:
    """People have compared these: another form would have them compare anew."""
    assert fingerprint(bytes(32)) == "MZUH-VLPY-MK6X-O3EP"
    assert fingerprint(identity(0).public) != fingerprint(identity(1).public)
    assert repr(identity(0)) == f"Identity({fingerprint(identity(0).public)})"


@posix
def test_nobody_else_reads_it(path: Path) -> None:
    Identity.load()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    Identity.load()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_processes_at_once(path: Path) -> None:
    """All of them have the key of whoever was first."""
    code = "import sys; sys.stdin.read(1); from coldshare.identity import Identity; print(Identity.load().public.hex())"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for one in running:
        assert one.stdin is not None
        one.stdin.write("x")
        one.stdin.flush()
    keys = {one.communicate()[0].strip() for one in running}
    assert keys == {Identity.load().public.hex()}
    assert [one.name for one in path.parent.iterdir()] == ["identity.key"]


def test_another_process_is_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the writing: what lies there then is the key, and stays it."""
    write = module.write_private

    def late(where: Path, data: bytes, *, replace: bool) -> None:
        where.write_bytes(bytes([1]) * 32)
        write(where, data, replace=replace)

    monkeypatch.setattr(module, "write_private", late)
    assert Identity.load().public == identity(0).public
    assert path.read_bytes() == bytes([1]) * 32


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64, 100_000])
def test_a_damaged_one_is_not_replaced(path: Path, size: int) -> None:
    path.parent.mkdir()
    path.write_bytes(bytes(size))
    with pytest.raises(IdentityError, match="not a signing key, or is damaged"):
        Identity.load()
    assert path.read_bytes() == bytes(size)


@posix
def test_what_is_no_file(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(IdentityError, match="is no file"):
        Identity.load()
    path.rmdir()
    os.mkfifo(path)  # nobody ever writes into it
    with pytest.raises(IdentityError, match="is no file"):
        Identity.load()
    path.unlink()
    target = path.with_name("elsewhere")
    target.write_bytes(bytes([1]) * 32)
    for points_to in (target, path.with_name("nothing"), path):
        path.symlink_to(points_to)
        with pytest.raises(IdentityError, match="cannot be read"):
            Identity.load()
        path.unlink()
    assert target.read_bytes() == bytes([1]) * 32


@contextmanager
def as_somebody() -> Iterator[None]:
    """Root may read and write everything, so for a moment this process is somebody else."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@posix
def test_not_allowed() -> None:
    with tempfile.TemporaryDirectory() as name:  # where other users may look, as they may not in pytest's
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "identity.key"
        path.write_bytes(bytes([1]) * 32)
        path.chmod(0)
        with as_somebody(), pytest.raises(IdentityError, match="Permission denied"):
            Identity.load(path)
        path.unlink()
        folder.chmod(0o555)
        with as_somebody(), pytest.raises(OutputError, match="Permission denied"):
            Identity.load(path)
        folder.chmod(0o700)


def test_nowhere_to_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((OutputError, IdentityError), match=r"identity\.key cannot be"):
        Identity.load(tmp_path / "file" / "identity.key")


def test_signatures() -> None:
    one, other = identity(0), identity(1)
    signature = one.sign(b"data")
    assert signed_by(one.public, b"data", signature)
    assert not signed_by(one.public, b"Data", signature)
    assert not signed_by(one.public, b"data\0", signature)
    assert not signed_by(other.public, b"data", signature)
    for at in range(len(signature) * 8):
        changed = bytearray(signature)
        changed[at // 8] ^= 1 << at % 8
        assert not signed_by(one.public, b"data", bytes(changed))
    # The same number, a multiple of the order further: RFC 8032 has one signature, not several.
    order = 2**252 + 27742317777372353535851937790883648493
    again = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    assert not signed_by(one.public, b"data", again)


@pytest.mark.parametrize(
    ("public", "signature"),
    [(b"", bytes(64)), (bytes(31), bytes(64)), (bytes(33), bytes(64)), (bytes(32), b""), (b"\xff" * 32, bytes(64))],
    ids=["none", "short", "long", "no-signature", "no-point"],
)
def test_what_is_no_key_has_signed_nothing(public: bytes, signature: bytes) -> None:
    assert not signed_by(public, b"data", signature)
