"""Shares that the vendors' library made and reshared, through tokens and sticks, each party at its own computer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coldshare.identity import fingerprint
from coldshare.reshare.report import read
from coldshare.vault import read_share
from support.computers import SEAL, Computer, Computers
from support.resharing import good
from support.shell import Said, Shell, failed

# Real files, and every one of them several times.
pytestmark = pytest.mark.slow

VAULT_PASSWORD = "correct horse 2-of-3"
IPHONE, MACBOOK, PIXEL = "iPhone-a1b2c3d4e5f60718", "MacBook-1122334455667788", "Pixel-99aabbccddeeff00"
NEWCOMER = "Token-4444444444444444"


def test_orig_2of3_to_reshared_1_2_4(shell: Shell, monkeypatch: pytest.MonkeyPatch, fixtures_dir: Path) -> None:
    old, new = (
        [_file(fixtures_dir / f"made/{name}", k) for k in (1, 2, 3)] for name in ("orig_2of3", "reshared_1_2_4")
    )
    for data in (*old, *new):
        shell.secrets.add_share(data, VAULT_PASSWORD)
    shell.write("vault-pw", VAULT_PASSWORD, secret="vault password")
    generations = [read_share(one[0], password=VAULT_PASSWORD).facts.generation.hex() for one in (old, new)]
    computers = Computers(shell, monkeypatch)
    iphone, pixel = computers.with_token("iPhone"), computers.with_token("Pixel")
    macbook, newcomer = computers.with_stick("MacBook"), computers.with_stick("Token")
    for who, data in zip((iphone, macbook, pixel), old, strict=True):
        shell.write(f"old-{who.name}.vult", data)
        who.backup(f"old-{who.name}.vult", "--vault-password-file", "vault-pw")
    for who, data in zip((iphone, macbook, newcomer), new, strict=True):
        shell.write(f"new-{who.name}.vult", data)

    def next_(who: Computer, run: str = "new") -> Said:
        file = f"{run}-{who.name}.vult"
        return who("reshare", "next", file, *SEAL, "--vault-password-file", "vault-pw", *who.at, "--report", who.name)

    for who in (macbook, pixel):
        good(who("ledger", "export", f"{who.name}.ledger"))
        good(iphone("ledger", "join", f"{who.name}.ledger"))
    good(iphone("lost", "pixel"))
    answer = good(iphone("reshare", "start", "Sim Vault", "--new", "1", "--json")).json
    assert (answer["staying"], answer["leaving"], answer["threshold"]) == ([IPHONE, MACBOOK], [PIXEL], 2)
    text = failed(next_(iphone, "old"), "reshare_new_share", 5, as_json=False)
    assert f"This is the share from before the reshare: generation {generations[0][:8]}." in text

    good(next_(iphone))
    good(next_(macbook))
    good(_join(newcomer, shell, "iPhone"), 8)
    good(next_(newcomer))
    said = good(_join(iphone, shell, "MacBook", "Token"), 8)
    assert f"{NEWCOMER} (new)  backed up and reported" in said.out
    said = good(iphone("reshare", "finish", *iphone.at), 8)
    assert f"Finished: generation {generations[1][:8]} of 'Sim Vault' counts from now on." in said.out
    good(_join(macbook, shell, "iPhone", "Token"), 8)
    good(macbook("reshare", "finish", *macbook.at), 8)

    # What counts comes back byte for byte, and what does not is called old everywhere and void nowhere.
    for who, data in zip((iphone, macbook, newcomer), new, strict=True):
        good(who("restore", *who.at, "--password-file", "pw", "--out", "back"))
        assert shell.folder.joinpath("back").read_bytes() == data
        shell.folder.joinpath("back").unlink()
    said = iphone("status")
    assert f"generation {generations[1][:8]}, reshared" in said.out
    assert f"older generation {generations[0][:8]}" in said.out
    assert f"{PIXEL}, no party any more" in said.out
    for who in (iphone, macbook):
        file = f"old-{who.name}.vult"
        argv = ("backup", file, *SEAL, "--vault-password-file", "vault-pw", *who.at, "--newer")
        assert "This is an old share" in failed(who(*argv), "stale_share", 5, as_json=False)
    assert not re.search(r"\b(void|worthless|useless|invalid|harmless)\b", said.out + iphone("reshare", "status").out)


def _file(folder: Path, number: int) -> bytes:
    """The encrypted one; of the legacy kind where there is one."""
    found = sorted(folder.glob(f"SimVault-2903-share{number}of3.*.vult"))
    return found[0].read_bytes()


def _join(who: Computer, shell: Shell, *names: str) -> Said:
    keys = [fingerprint(read((shell.folder / name).read_bytes()).public_key) for name in names]
    return who("reshare", "join", *names, *(word for key in keys for word in ("--trust", key)))
