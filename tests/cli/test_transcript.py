"""The main job, typed as the README shows it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from coldshare.vault import read_share
from coldshare.vault.errors import VaultPasswordNeededError
from support.desk import vault
from support.shell import Said, Shell

AT = "sim:a.token?user=approve"
VAULT_PASSWORDS = {"made": "correct horse 2-of-3", "real": "Password123!"}


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


def transcript(shell: Shell, run: Callable[..., Said], file: Path, vault_password: str | None) -> None:
    """From a new token to the file that came back; `run` is a way of `shell` to run a command."""
    data = file.read_bytes()
    shell.secrets.add_share(data, vault_password)
    extra = []
    if vault_password is not None:
        extra = ["--vault-password-file", shell.write("vpw", vault_password, secret="vault password")]

    said = good(run("init", "--at", AT, "--label", "Safe A", "--pin-file", "pin"))
    assert "'Safe A'" in said.out
    assert "coldshare backup" in said.out

    said = good(run("inspect", str(file), *extra))
    assert "s_i*G == S_i" in said.out

    said = good(run("backup", str(file), "--at", AT, "--pin-file", "pin", "--password-file", "pw", *extra))
    assert "Backed up" in said.out

    (held,) = good(run("list", "--at", AT, "--pin-file", "pin", "--json")).json["backups"]
    assert held["state"] == "active"
    assert held["sealed_size"] < 0.6 * len(data)

    said = good(run("verify", "--at", AT, "--pin-file", "pin", "--password-file", "pw"))
    assert said.out.startswith("Good: ")

    arguments = ["--at", AT, "--pin-file", "pin", "--password-file", "pw", "--out", "back.vult"]
    said = good(run("restore", *arguments))
    assert "byte for byte" in said.out
    back = shell.folder / "back.vult"
    assert back.read_bytes() == data
    assert stat.S_IMODE(back.stat().st_mode) == 0o600
    assert sorted(path.name for path in shell.folder.iterdir() if path.suffix == ".token") == ["a.token"]


@pytest.mark.slow
def test_it_works_for_a_plain_file(shell: Shell, fixtures_dir: Path) -> None:
    """In real processes, one after the other, as on a terminal."""
    transcript(shell, shell.spawn, fixtures_dir / "made" / "orig_2of3" / "SimVault-2903-share1of3.vult", None)


def test_it_works_without_the_fixtures(shell: Shell) -> None:
    """The same with a made-up vault, in this process, and every answer as JSON."""
    secret = ["--pin-file", "pin", "--password-file", "pw"]
    said = good(shell("init", "--at", AT, "--label", "Safe A", "--pin-file", "pin", "--json")).json
    assert said["label"] == "Safe A"
    serial = said["serial"]
    said = good(shell("inspect", "phone.vult", "--json")).json
    assert (said["party"], said["threshold"], said["parties"]) == ("Phone", 2, 3)
    said = good(shell("backup", "phone.vult", "--at", AT, *secret, "--no-recovery", "--json")).json
    backup_id = said["backup_id"]
    assert (said["party"], said["replaced"], said["token"]) == ("Phone", 0, {"label": "Safe A", "serial": serial})
    (held,) = good(shell("list", "--at", AT, "--pin-file", "pin", "--json")).json["backups"]
    assert held["backup_id"] == backup_id
    (seen,) = good(shell("verify", "--at", AT, *secret, "--json")).json["backups"]
    assert (seen["opened"], seen["confirmed_now"]) == (True, False)
    (seen,) = good(shell("verify", "--at", AT, "--pin-file", "pin", "--no-password", "--json")).json["backups"]
    assert seen["opened"] is False
    said = good(shell("restore", "--at", AT, *secret, "--out", "back", "--backup", backup_id[:3], "--json")).json
    assert said["out"] == "back"
    assert (shell.folder / "back").read_bytes() == vault()[0].vult
    said = good(shell("backup", "phone.vult", "--at", AT, *secret, "--no-recovery", "--json")).json
    assert said["replaced"] == 1


def test_the_address_can_come_from_the_environment(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDSHARE_AT", AT)
    good(shell("init", "--label", "Safe A", "--pin-file", "pin"))
    assert "No backup yet" in good(shell("list", "--pin-file", "pin")).out


def test_a_secret_can_come_from_standard_input(shell: Shell) -> None:
    good(shell("init", "--at", AT, "--label", "Safe A", "--pin-file", "-", stdin=b"483920483920\n"))
    arguments = ["backup", "phone.vult", "--at", AT, "--pin-file", "pin", "--password-file", "-"]
    good(shell(*arguments, stdin=b"tidal-orchid-velvet-92-kettle\r\n"))
    # With the mark that some editors put first, it is the same password.
    shell.write("marked", b"\xef\xbb\xbftidal-orchid-velvet-92-kettle")
    good(shell("verify", "--at", AT, "--pin-file", "pin", "--password-file", "marked"))


def test_the_words_of_a_backup(shell: Shell) -> None:
    good(shell("init", "--at", AT, "--label", "Safe A", "--pin-file", "pin"))
    arguments = ["backup", "phone.vult", "--at", AT, "--pin-file", "pin", "--password-file", "pw"]
    first, again = good(shell(*arguments)), good(shell(*arguments))
    assert "It replaced the earlier backup" not in first.out
    assert "It replaced the earlier backup" in again.out
    assert "\x1b" not in first.err + first.out  # no bar and no colours away from a terminal
    assert "press its button" not in first.err  # nobody has to
    assert first.err.splitlines()[0] == "Savings: the share of Phone, 2 of 3, checked."


def files() -> list[str]:
    folder = Path(os.environ.get("COLDSHARE_FIXTURES") or "nowhere")
    return sorted(
        str(path.relative_to(folder)) for path in folder.glob("**/*.vult") if not path.name.startswith("Test-part")
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", files() or [pytest.param("", marks=pytest.mark.skip("no fixtures"))])
def test_it_works_for_every_file(shell: Shell, fixtures_dir: Path, name: str) -> None:
    file = fixtures_dir / name
    password = None
    try:
        read_share(file.read_bytes())
    except VaultPasswordNeededError:
        password = VAULT_PASSWORDS[Path(name).parts[0]]
    transcript(shell, shell, file, password)  # what a process of its own adds is the same for each
