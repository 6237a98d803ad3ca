"""Rule 7: fewer than `t` shares in reach, mixed generations, a share that fails its own arithmetic, and "enough shares,
but some are wrong" are said loudly, before anything is written."""

from __future__ import annotations

import base64

import pytest

from coldshare.ledger import events as e
from coldshare.ledger.store import Ledger, ledger_path
from coldshare.vault.vault_pb2 import Vault, VaultContainer
from nine_rules.people import KINDS, PARTIES, PW, SEAL, People, good, stick, token


def broken(vult: bytes) -> bytes:
    """The same file with one bit of its secret the other way: it is whole, and its arithmetic is not."""
    container = VaultContainer.FromString(base64.b64decode(vult))
    vault = Vault.FromString(base64.b64decode(container.vault))
    for share in vault.key_shares:
        data = bytearray(base64.b64decode(share.keyshare))
        if len(data) > 1000:  # ECDSA; s_i is there
            data[150] ^= 1
            share.keyshare = base64.b64encode(bytes(data)).decode()
    container.vault = base64.b64encode(vault.SerializeToString()).decode()
    return base64.b64encode(container.SerializeToString())


def test_fewer_than_t_in_reach(people: People) -> None:
    people.back_up_all()
    people.gather()
    good(people("place", "lost", "Safe laptop"))
    people("lost", "Laptop")
    people("lost", "Tablet")
    good(people("place", "lost", "Safe phone"))
    people("lost", "Phone")
    said = people("status")
    assert said.status == 9
    assert "2 shares are needed to sign, and 1 can be reached: Tablet" in said.out
    assert people.status()[1]["verdict"] == "below_threshold"
    # The way on.
    assert "coldshare place found" in said.out
    good(people("place", "found", "Safe phone"))
    assert people.status()[0] == 8


def test_mixed_generations(people: People) -> None:
    people.back_up("phone", *token("phone"), file="phone-2.vult")
    people.back_up("laptop", *token("laptop"))
    people.gather()
    said = people("status")
    assert said.status == 9
    assert "Shares of different ones never sign together" in said.out
    assert "--newer" in said.out


@pytest.mark.parametrize("kind", KINDS)
def test_a_share_that_fails_its_own_arithmetic_goes_nowhere(people: People, kind: str) -> None:
    people.write("broken.vult", broken((people.folder / "phone.vult").read_bytes()))
    text = people.refused(("backup", "broken.vult", *SEAL, *KINDS[kind]("phone")), "share_arithmetic", 7)
    assert "fails the check that s_i*G == S_i" in text
    assert people("inspect", "broken.vult").status != 0
    good(people("backup", "phone.vult", *SEAL, *KINDS[kind]("phone")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_sealed_share_that_went_bad_is_not_restored(people: People, kind: str) -> None:
    """Enough shares, but some are wrong: until it is proved good or gone, that is what is said."""
    if kind == "token":
        from coldshare_sim.flash import Chip
        from coldshare_sim.littlefs import LittleFiles

        backup_id = people.back_up("phone", *token("phone"))
        path = people.folder / "phone.token"
        chip = Chip(path.read_bytes())
        files, name = LittleFiles(chip), f"/b/{backup_id}"
        data = bytearray(files.read(name, 0, files.size(name)))
        data[len(data) // 2] ^= 1
        files.write(name, bytes(data))
        path.write_bytes(chip.image)
    else:
        people.back_up("phone", *stick("phone"))
        for copy in (people.folder / "media/phone/stick/coldshare").glob("[0-9a-f]*.[ab]"):
            data = bytearray(copy.read_bytes())
            data[len(data) // 2] ^= 1
            copy.write_bytes(data)
    where = KINDS[kind]("phone")
    for name in PARTIES[1:]:
        people.back_up(name, *token(name))
    people.gather()
    assert people.status()[1]["verdict"] == "safe"
    people("lost", "Phone")
    before = people.things()
    assert people("restore", *PW, *where, "--onto", "new phone", "--out", "back").status == 7
    assert people.things() == before
    assert people("verify", *PW, *where).status == 7
    status, vault = people.status()
    assert (status, vault["verdict"]) == (9, "wrong_shares")


def test_enough_shares_but_one_of_them_is_of_no_use_to_the_others(people: People) -> None:
    """Each is good by itself; together they show that one comes from elsewhere. Drills bring that to light."""
    people.back_up_all()
    people.gather()
    for name in PARTIES:
        with people.at(name):
            assert people("drill", *PW, *token(name)).status in (0, 8)
    people.gather()
    said = people("drill", "--list", "--json")
    assert said.status == 0, said.out
    with Ledger(ledger_path(), create=False) as ledger:
        (bad,) = (one for one in ledger.view().drills() if one.party == "Tablet")
        others = [one for one in ledger.view().drills() if one.party == "Laptop"]
        (vault,) = ledger.view().vaults()
        (generation,) = ledger.view().generations(vault.vault)
        share = e.Share(vault.vault, vault.name, bad.party, generation.generation, 2, 3, vault.library)
        lie = e.DrillResult(
            bad.place,
            bad.backup_id,
            share,
            True,
            others[0].public_share_ecdsa,
            others[0].public_share_eddsa,
            bad.digest,
        )
        ledger.record([lie])
    status, found = people.status()
    assert (status, found["verdict"]) == (9, "wrong_shares")
