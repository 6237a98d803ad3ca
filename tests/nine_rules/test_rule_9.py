"""Rule 9: what goes in comes out, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from nine_rules.people import KINDS, PW, SEAL, People, good, token


def there_and_back(people: People, name: str, kind: str) -> bytes:
    """Through a token or a stick."""
    where = KINDS[kind]("phone")
    good(people("backup", name, *SEAL, *where))
    good(people("restore", *PW, *where, "--out", "back"))
    return (people.folder / "back").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("party", ["phone", "laptop", "tablet"])
def test_a_share_of_each_party(people: People, party: str, kind: str) -> None:
    data = (people.folder / f"{party}.vult").read_bytes()
    assert there_and_back(people, f"{party}.vult", kind) == data
    assert (people.folder / f"{party}.vult").read_bytes() == data, "the file that was backed up is not touched"


def test_through_a_sealed_file(people: People) -> None:
    good(people("backup", "phone.vult", *PW, "--recovery-out", "code", *token("phone")))
    good(people("export", *token("phone"), "--out", "copy.seal"))
    good(people("restore", "--from", "copy.seal", "--recovery-file", "code", "--out", "back"))
    people.secrets.add("code", (people.folder / "code").read_text().splitlines()[2])
    assert (people.folder / "back").read_bytes() == (people.folder / "phone.vult").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_written_in_no_usual_way_keeps_its_ways(people: People, kind: str) -> None:
    """A line break at the end, as an editor leaves it: no layer can be undone without losing it."""
    data = (people.folder / "phone.vult").read_bytes() + b"\n"
    people.write("edited.vult", data)
    good(people("backup", "edited.vult", *SEAL, *KINDS[kind]("phone")))
    good(people("restore", *PW, *KINDS[kind]("phone"), "--out", "back"))
    assert (people.folder / "back").read_bytes() == data


#: Of each kind of real file one: the password that it has itself, None for one that has none.
REAL: dict[str, str | None] = {
    "real/TestDKLS1of2.vult": None,
    "real/TestDKLS2of2.vult": None,
    "real/Test-part1of2.vult": None,
    "real/TestSecureVault-cfa0-share1of2.vult": "Password123!",
    "made/orig_2of3/SimVault-2903-share2of3.vult": None,
    "made/orig_2of3/SimVault-2903-share1of3.legacy.vult": "correct horse 2-of-3",
    "made/reshared_1_2_4/SimVault-2903-share2of3.pbkdf2.vult": "correct horse 2-of-3",
}


#: To a token in the quick tier: one of each library. A stick takes all of them.
QUICK = ("real/TestDKLS1of2.vult", "real/Test-part1of2.vult")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, marks=pytest.mark.slow if kind == "token" and name not in QUICK else ())
        for name in REAL
        for kind in KINDS
    ],
)
def test_a_real_file_of_every_kind(people: People, kind: str, name: str, fixtures_dir: Path) -> None:
    """Of both libraries, plain and with both ciphers that the vendor's apps have used."""
    data = (fixtures_dir / name).read_bytes()
    people.write("real.vult", data)
    password = REAL[name]
    more: tuple[str, ...] = ()
    if password is not None:
        people.write("own", password, secret="the file's own password")
        more = ("--vault-password-file", "own")
    else:
        people.secrets.add_share(data)
    where = KINDS[kind]("phone")
    good(people("backup", "real.vult", *SEAL, *where, *more))
    good(people("restore", *PW, *where, "--out", "back"))
    assert (people.folder / "back").read_bytes() == data
