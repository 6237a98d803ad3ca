"""Every kind of vault file through the whole path: checked, sealed, onto a token, verified, and back byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coldshare import declare, restore
from coldshare.declare import DeclarationMismatchError, agree_record
from coldshare.seal.errors import SealTooLargeError
from coldshare.vault import choose_member, open_archive, read_share
from coldshare.vault.synthetic import ChainGroup, encrypt_vlt2, make_key_import
from coldshare_firmware.declaration import Declaration as OnToken
from coldshare_iface import wire
from coldshare_iface.errors import OtherGenerationError, OtherPartyError
from support.desk import PASSWORD, Desk, put_share, slots, vault
from vault.gg20 import make_gg20
from vault.old_json import fields_of, gcm, ios
from vault.zips import zipped

PARTIES = ("Phone", "Laptop", "Tablet")
GROUPS = [
    ChainGroup(("Bitcoin",)),
    ChainGroup(("Ethereum", "Base")),
    ChainGroup(("Solana",), is_eddsa=True),
]


def gg20(party: int = 0, prefix: str = "") -> bytes:
    return make_gg20("Savings", PARTIES, prefix=prefix, keys=(1234567, 7654321))[party].vult()


def key_import(party: int = 0) -> bytes:
    return make_key_import("Savings", PARTIES, 2, GROUPS)[party].vult


def old_json() -> bytes:
    return ios(fields_of(gg20()))


def old_encrypted() -> bytes:
    return gcm(old_json(), "its own")


def zip_member() -> bytes:
    archive = open_archive(zipped(("First.vult", vault()[0].vult), ("Second (1).bak", vault("Other")[1].vult)))
    return choose_member(archive.members, "Second (1).bak").data


# what, the file, its own password, library
KINDS: list[tuple[str, Callable[[], bytes], str | None, int]] = [
    ("GG20", gg20, None, wire.LIBRARY_GG20),
    ("GG20, encrypted", lambda: encrypt_vlt2(gg20(), "its own"), "its own", wire.LIBRARY_GG20),
    ("KeyImport", key_import, None, wire.LIBRARY_KEYIMPORT),
    ("old JSON", old_json, None, wire.LIBRARY_GG20),
    ("old JSON, encrypted", old_encrypted, "its own", wire.LIBRARY_GG20),
    ("zip member", zip_member, None, wire.LIBRARY_DKLS),
]


@pytest.mark.parametrize(("make", "own", "library"), [row[1:] for row in KINDS], ids=[row[0] for row in KINDS])
def test_there_and_back(desk: Desk, tmp_path: Path, make: Callable[[], bytes], own: str | None, library: int) -> None:
    data = make()
    chip = desk.token()
    done = put_share(desk.client(chip), data, vault_password=own)
    facts = read_share(data, password=own).facts
    assert done.declaration.library == library
    assert done.declaration.generation == facts.generation
    assert OnToken(done.declaration.encode()).party == facts.party
    client = desk.client(chip)
    (held,) = client.backups()
    assert held.declaration == done.declaration
    assert restore.verify(client, held, PASSWORD).opened
    out = tmp_path / "back"
    restore.restore(client, held, PASSWORD, out)
    assert out.read_bytes() == data


def test_the_record_tells_the_declaration_of_every_kind() -> None:
    for _, make, own, _ in KINDS:
        share = read_share(make(), password=own)
        record = dict(declare.record(share))
        declared = declare.declare(share.facts)
        agree_record(declared, record)  # type: ignore[arg-type]
        for key, other in ((7, bytes(32)), (14, 9), (15, 99)):
            with pytest.raises(DeclarationMismatchError):
                agree_record(declared, {**record, key: other})  # type: ignore[dict-item]
        assert share.facts.chain_code not in record.values()


def test_the_tokens_rules_hold_for_gg20(desk: Desk) -> None:
    chip = desk.token()
    put_share(desk.client(chip), gg20())
    before = slots(chip)
    with pytest.raises(OtherPartyError):
        put_share(desk.client(chip), gg20(1))
    with pytest.raises(OtherGenerationError):
        put_share(desk.client(chip), gg20(prefix="1a2b3c4d"))
    assert slots(chip) == before


def test_two_parties_of_an_import_are_two_parties(desk: Desk) -> None:
    chip = desk.token()
    shares = make_key_import("Savings", PARTIES, 2, GROUPS)
    put_share(desk.client(chip), shares[0].vult)
    with pytest.raises(OtherPartyError):
        put_share(desk.client(chip), shares[1].vult)


def test_ten_keys_fit_and_too_many_are_explained(desk: Desk) -> None:
    """A 2-party import with ten ECDSA keys takes 660 KB; 16 are more than one backup holds."""
    chip = desk.token()

    def many(count: int) -> bytes:
        groups = [ChainGroup((f"chain {k}",)) for k in range(count)]
        return make_key_import("Savings", ("Phone", "Laptop"), 2, groups)[0].vult

    data = many(9)
    done = put_share(desk.client(chip), data)
    assert 600_000 < done.sealed_size < 720_000
    assert done.sealed_size < 0.45 * len(data)
    before = slots(chip)
    with pytest.raises(SealTooLargeError) as refused:
        put_share(desk.client(chip), many(16))
    assert refused.value.next_step
    assert slots(chip) == before


def test_the_servers_share_comes_with_its_warning(desk: Desk) -> None:
    chip = desk.token()
    fast = vault("Fast", ("Server-1234", "Phone"))
    done = put_share(desk.client(chip), fast[0].vult)
    assert any("belongs on no device" in warning for warning in done.warnings)
    assert put_share(desk.client(desk.token(1)), fast[1].vult).warnings == ()


@pytest.mark.parametrize("file", ["Test-part1of2.vult", "Test-part2of2.vult"])
def test_the_vendors_gg20_shares(desk: Desk, tmp_path: Path, fixtures_dir: Path, file: str) -> None:
    data = (fixtures_dir / "real" / file).read_bytes()
    chip = desk.token()
    done = put_share(desk.client(chip), data)
    assert done.sealed_size < 0.45 * len(data)
    client = desk.client(chip)
    restore.restore(client, client.backups()[0], PASSWORD, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
