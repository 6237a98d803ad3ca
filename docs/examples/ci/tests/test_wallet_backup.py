"""The wallet's own tests. The token is the real firmware; nobody has to configure, start or press anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import wallet_backup

from coldshare.backup import backup
from coldshare.seal import KdfParams
from coldshare.vault.synthetic import make_vault
from coldshare_iface.errors import OtherPartyError, RejectedError
from coldshare_sim.testing import NO, YES

# The shares of a whole vault pass through this process. Its vault guards nothing, so that is accepted here.
pytestmark = pytest.mark.usefixtures("coldshare_single_host")

PASSWORD = "tidal-orchid-velvet-92-kettle"
SCRIPT = Path(wallet_backup.__file__)


@pytest.fixture(scope="session")
def shares() -> list[bytes]:
    """A throw-away 2-of-3 vault. Real shares have no place in a test."""
    return [share.vult for share in make_vault("Savings", ["Phone", "Laptop", "Tablet"], 2)]


@pytest.fixture(autouse=True)
def cheap_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a password costs is coldshare's to test; ours take the least that it writes."""

    def cheap(token, vault_file, password, **options):
        return backup(token, vault_file, password, kdf=KdfParams(64 * 1024, 3, 4), **options)

    monkeypatch.setattr(wallet_backup, "backup", cheap)


def test_a_share_is_kept(coldshare_token, shares):
    backup_id = wallet_backup.keep(coldshare_token, shares[0], PASSWORD)
    (held,) = coldshare_token.backups()
    assert held.backup_id.hex() == backup_id
    assert held.declaration.party == "Phone"


def test_the_person_sees_what_they_confirm(coldshare_token, coldshare_person, shares):
    def script():
        screen = yield
        assert "Savings" in screen.text
        assert "Phone" in screen.text
        yield YES

    with coldshare_person.follow(script):
        wallet_backup.keep(coldshare_token, shares[0], PASSWORD)


def test_the_person_says_no(coldshare_token, coldshare_person, shares):
    def script():
        yield
        yield NO

    with coldshare_person.follow(script), pytest.raises(RejectedError):
        wallet_backup.keep(coldshare_token, shares[0], PASSWORD)
    assert coldshare_token.backups() == []


def test_every_party_has_a_token_of_its_own(coldshare_token, coldshare_make_token, shares):
    wallet_backup.keep(coldshare_token, shares[0], PASSWORD)
    with pytest.raises(OtherPartyError):
        wallet_backup.keep(coldshare_token, shares[1], PASSWORD)
    wallet_backup.keep(coldshare_make_token(label="Safe B"), shares[1], PASSWORD)


def test_a_power_cut_at_any_moment_leaves_a_token_that_works(
    coldshare_token, coldshare_flash, coldshare_make_token, shares
):
    with coldshare_flash.trace() as trace:
        wallet_backup.keep(coldshare_token, shares[0], PASSWORD)
    moments = range(0, len(trace.operations), max(1, len(trace.operations) // 10))
    for _, _, image in trace.images(("half",), moments):
        assert len(coldshare_make_token(image=image).backups()) <= 1


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The program as a process of its own; it finds the token in COLDSHARE_AT."""
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_program(coldshare_address, coldshare_pin, shares, tmp_path):
    for name, content in (("vult", shares[0]), ("pin", coldshare_pin.encode()), ("password", PASSWORD.encode())):
        (tmp_path / name).write_bytes(content)
    done = run(tmp_path / "vult", tmp_path / "pin", tmp_path / "password")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(bytes.fromhex(done.stdout.strip())) == 16


@pytest.mark.coldshare(state="burnt")
def test_a_burnt_token_is_explained(coldshare_address, tmp_path):
    (tmp_path / "pin").write_text("0000")
    done = run(tmp_path / "pin", tmp_path / "pin", tmp_path / "pin")
    assert done.returncode == 4
    assert "destroyed" in done.stderr


def test_arguments(capsys):
    assert wallet_backup.main([]) == 2
    assert "PASSWORD_FILE" in capsys.readouterr().err
