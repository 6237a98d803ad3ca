"""`coldshare drill`: one seal at a time, over computers and days, and what it proves in the end."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from coldshare import declare, drill, handling
from coldshare.cli import when
from coldshare.device.errors import TokenGoneError
from coldshare.device.token import TokenClient
from coldshare.handover import ToFile
from coldshare.ledger import events as e
from coldshare.ledger.queries import View
from coldshare.ledger.store import Ledger, ledger_path
from coldshare.seal import Factors, pack, seal
from coldshare.vault import Part, ShareFacts, read_share, split
from coldshare.vault.errors import VaultPasswordNeededError
from coldshare.vault.synthetic import encrypt_legacy
from coldshare_iface import wire
from coldshare_iface.codec import Encodable
from coldshare_iface.errors import BurntError, PinWrongError
from support.bits import flip
from support.desk import KDF, PASSWORD, Cable, Desk, power_up, put_share, vault
from support.reshare import generations
from support.shell import Said, Shell, failed, share_secrets
from support.stages import Stages, same_folder
from vault.builders import Opened, edit

SEAL = ("--password-file", "pw", "--no-recovery")
OPEN = ("--password-file", "pw")
DAY = 86_400 * 1_000_000
MADE_PASSWORD, REAL_PASSWORD = "correct horse 2-of-3", "Password123!"


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return same_folder(tmp_path_factory)


@pytest.fixture
def shell(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell.stages = Stages(shell.folder, tmp_path_factory)
    return shell


def ended(said: Said, status: int) -> Said:
    assert said.status == status, (said.status, said.out, said.err)
    return said


def good(said: Said) -> Said:
    return ended(said, 0)


def computer(shell: Shell, name: str) -> None:
    """From now on the commands run on that computer; "" for the first one."""
    shell._monkeypatch.setenv("COLDSHARE_HOME", str(shell.folder / f".home{name}"))


def token(shell: Shell, number: int) -> tuple[str, ...]:
    """A token that is set up, and how to use it."""
    name = f"{number}.token"
    if not (shell.folder / name).exists():
        # It knows the computer at which it was set up.
        desk = Desk(Path(os.environ["COLDSHARE_HOME"]))
        shell.step(name, lambda: (shell.folder / name).write_bytes(desk.token(number, f"Safe {number}").image))
    return "--at", f"sim:{name}?carrier=bulk&user=approve", "--pin-file", "pin"


def folder(shell: Shell, name: str) -> tuple[str, str]:
    (shell.folder / name).mkdir(exist_ok=True)
    return "--at", f"folder:{name}"


def backup(shell: Shell, file: str, *more: str) -> None:
    shell.step(("backup", file, more), lambda: good(shell("backup", file, *more, *SEAL)))


def view() -> View:
    with Ledger(ledger_path(), create=False) as ledger:
        assert ledger.check() == []
        return ledger.view()


def kinds() -> list[str]:
    with Ledger(ledger_path(), create=False) as ledger:
        return [event.body.name for event in ledger.events()]


def listed(shell: Shell, status: int) -> dict[str, object]:
    (answer,) = ended(shell("drill", "--list", "--json"), status).json["vaults"]
    assert isinstance(answer, dict)
    return answer


def join(shell: Shell, *names: str) -> None:
    """The first of these computers takes in the ledgers of the others."""
    for name in names[1:]:
        computer(shell, name)
        good(shell("ledger", "export", f"ledger{name}"))
        computer(shell, names[0])
        good(shell("ledger", "join", f"ledger{name}"))


def sealed(
    shell: Shell, name: str, original: bytes, facts: ShareFacts, record: dict[int, Encodable] | None = None
) -> str:
    """A sealed share in a file, as whoever made it says that it is. Its password opens it alone."""
    declared = declare.declare(facts).encode()
    parts: list[Part] = [original] if record is not None else split(original)
    plaintext = pack(original, parts, declaration=declared, record=record or {})
    (shell.folder / name).write_bytes(
        seal(
            plaintext,
            backup_id=secrets.token_bytes(16),
            declaration_digest=declare.digest(declared),
            slots=[Factors(password=PASSWORD)],
            kdf=KDF,
        )
    )
    return name


def one_bit(share: Opened) -> None:
    share.ecdsa[150] ^= 1


# --- a token, a folder, a file


def test_a_token(shell: Shell) -> None:
    place = token(shell, 0)
    backup_id = good(shell("backup", "phone.vult", *place, *SEAL, "--json")).json["backup_id"]
    before = {path.name for path in shell.folder.iterdir()}
    answer = good(shell("drill", *place, *OPEN, "--json")).json
    assert (answer["backup_id"], answer["party"], answer["good"]) == (backup_id, "Phone", True)
    assert answer["token"]["label"] == "Safe 0"
    facts = read_share(vault()[0].vult).facts
    assert answer["public_share_ecdsa"] == facts.public_shares_ecdsa[0].hex()
    assert answer["public_share_eddsa"] == facts.public_share_eddsa.hex()
    assert answer["digest"] == hashlib.sha256(vault()[0].vult).hexdigest()
    assert answer["generation"] == facts.generation.hex()
    assert (answer["rehearsal"]["verdict"], answer["rehearsal"]["rehearsed"]) == ("not_yet", ["Phone"])
    assert {path.name for path in shell.folder.iterdir()} == before, "nothing was written"
    known = view()
    (held,) = known.backups()
    (drill,) = known.drills()
    assert held.drilled == held.opened == drill.time
    assert (drill.good, drill.digest.hex(), drill.party) == (True, answer["digest"], "Phone")
    assert drill.public_share_ecdsa == facts.public_shares_ecdsa[0]
    assert e.VERIFIED in [one.why for one in known.handled()]
    said = good(shell("drill", *place, *OPEN))
    assert said.out.startswith(f"Good: {backup_id[:8]}, the share of Phone of 'Savings', in 'Safe 0'.")
    assert "Savings: not proved yet. It takes 2 parties, and 1 was rehearsed." in said.out


def test_a_token_that_does_not_know_this_computer(shell: Shell) -> None:
    """As a restore would be on the worst day."""
    place = token(shell, 0)
    backup(shell, "phone.vult", *place)
    computer(shell, "new")
    said = good(shell("drill", *place, *OPEN))
    assert "This computer is new to the token" in said.err
    (held,) = view().backups()
    assert (held.party, held.state, held.size > 60_000) == ("Phone", e.ACTIVE, True)


def test_three_tokens(shell: Shell) -> None:
    for number, name in enumerate(("phone", "laptop", "tablet")):
        backup(shell, f"{name}.vult", *token(shell, number))
    assert listed(shell, 8)["verdict"] == "not_yet"
    good(shell("drill", *token(shell, 0), *OPEN))
    assert (listed(shell, 8)["verdict"], listed(shell, 8)["to_rehearse"]) == ("not_yet", ["Laptop", "Tablet"])
    said = good(shell("drill", *token(shell, 2), *OPEN))
    assert "these 2 prove signing ability: Phone (" in said.out
    assert "OT seeds" in said.out
    assert "Next: backup" in said.out
    assert (listed(shell, 8)["verdict"], listed(shell, 8)["to_rehearse"]) == ("proved", ["Laptop"])
    good(shell("drill", *token(shell, 1), *OPEN))
    found = listed(shell, 0)
    assert found["verdict"] == "proved"
    assert isinstance(found["backups"], list)
    assert [(one["party"], one["good"], one["due_now"]) for one in found["backups"]] == [
        ("Phone", True, False), ("Laptop", True, False), ("Tablet", True, False),
    ]  # fmt: skip
    said = good(shell("drill", "--list"))
    assert [line.split()[1] for line in said.out.splitlines()[1:5]] == ["SHARE", "Phone", "Laptop", "Tablet"]
    assert "Next drill: " in said.out


def test_a_folder_and_its_copy(shell: Shell) -> None:
    """Of a folder's backup and of an exported copy each has a drill of its own."""
    place = folder(shell, "stick")
    backup_id = good(shell("backup", "phone.vult", *place, *SEAL, "--json")).json["backup_id"]
    answer = good(shell("drill", *place, *OPEN, "--json")).json
    assert answer["place"] == {"folder": str(shell.folder / "stick" / "coldshare")}
    good(shell("export", *place, "--out", "copy.seal"))
    assert [one.drilled is not None for one in view().backups()] == [True, False]
    answer = good(shell("drill", "--from", "copy.seal", *OPEN, "--json")).json
    assert (answer["file"], answer["backup_id"], answer["rehearsal"]["rehearsed"]) == (
        "copy.seal",
        backup_id,
        ["Phone"],
    )
    assert [one.drilled is not None for one in view().backups()] == [True, True]
    assert all(one.state == e.ACTIVE for one in view().backups())
    words = failed(shell("drill", *place, *OPEN, "--pin-file", "pin"), "usage", 2, as_json=False)
    assert "a folder has no PIN" in words


def test_an_exported_file_with_its_code_and_with_its_token(shell: Shell) -> None:
    place = token(shell, 0)
    good(shell("backup", "phone.vult", *place, *OPEN, "--recovery-out", "code"))
    shell.secrets.add("code", (shell.folder / "code").read_text().splitlines()[2])
    good(shell("export", *place, "--out", "copy.seal"))
    good(shell("drill", "--from", "copy.seal", "--recovery-file", "code"))
    good(shell("drill", "--from", "copy.seal", *place, *OPEN))
    good(shell("drill", *place, "--recovery-file", "code"))
    assert [one.drilled is not None for one in view().backups()] == [True, True]
    assert len({one.digest for one in view().drills()}) == 1


def test_which_one_is_to_be_said(shell: Shell) -> None:
    place = folder(shell, "stick")
    old, new = (run[0].vult for run in generations(2))
    for name, data in (("old.vult", old), ("new.vult", new)):
        shell.write(name, data)
        shell.secrets.add_share(data)
    first = good(shell("backup", "old.vult", *place, *SEAL, "--json")).json["backup_id"]
    second = good(shell("backup", "new.vult", "--newer", *place, *SEAL, "--json")).json["backup_id"]
    failed(shell("drill", *place, *OPEN), "which_backup", 3, as_json=False)
    answer = good(shell("drill", *place, *OPEN, "--backup", first[:8], "--json")).json
    assert answer["rehearsal"]["rehearsed"] == [], "another generation does not count"
    answer = good(shell("drill", *place, *OPEN, "--backup", second[:8], "--json")).json
    assert answer["rehearsal"]["rehearsed"] == ["Phone"]
    assert [one["backup_id"] for one in answer["rehearsal"]["backups"]] == [second]


def test_a_backup_that_was_never_confirmed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    place = token(shell, 0)

    def gone(self: TokenClient, backup_id: bytes) -> None:
        raise TokenGoneError

    with monkeypatch.context() as patch:
        patch.setattr(TokenClient, "confirm", gone)
        ended(shell("backup", "phone.vult", *place, *SEAL), 6)
    good(shell("drill", *place, *OPEN))
    (held,) = view().backups()
    assert (held.state, held.drilled is not None) == (e.ACTIVE, True)
    failed(shell("resume", *place), "nothing_to_resume", 3, as_json=False)


def test_a_burnt_token(shell: Shell) -> None:
    """What it still gives out, its code opens; that there is one, the drill has seen."""
    desk = Desk(shell.home)
    chip = desk.token()
    with desk.client(chip) as client:
        put_share(client, vault()[0].vult, recovery=ToFile(shell.folder / "code"))
    shell.secrets.add("code", (shell.folder / "code").read_text().splitlines()[2])
    for attempt in range(wire.PIN_ATTEMPTS):
        if attempt % wire.PIN_PER_POWER_UP == 0:
            client = TokenClient(Cable(power_up(chip)))
            client.connect(desk.store)
        with pytest.raises((PinWrongError, BurntError)):
            client.unlock("000000")
    (shell.folder / "burnt.token").write_bytes(chip.image)
    at = ("--at", "sim:burnt.token?carrier=bulk&user=approve")
    computer(shell, "new")
    failed(shell("drill", *at, *OPEN), "factor_missing", 4, as_json=False)
    good(shell("drill", *at, "--recovery-file", "code"))
    (held,) = view().backups()
    assert (held.state, held.recovery, held.party, held.drilled is not None) == (e.KEYLESS, True, "Phone", True)
    assert listed(shell, 8)["rehearsed"] == ["Phone"]


def test_nothing_of_a_share_is_in_what_a_program_shows() -> None:
    """Whoever prints or logs what a drill works with."""
    share = read_share(vault()[0].vult)
    opened = drill.Opened(bytes(16), declare.declare(share.facts), vault()[0].vult, 1000, ())
    done = drill.examine(opened, read_share)
    said = repr(opened) + repr(done)
    assert repr(vault()[0].vult)[2:60] not in said
    assert share.facts.chain_code.hex() not in said
    assert repr(share.facts.chain_code)[2:-1] not in said


# --- over computers and days


def test_two_homes(shell: Shell) -> None:
    """Nobody ever brings two shares to one computer, and both learn that they can sign."""
    shell._monkeypatch.delenv("COLDSHARE_SINGLE_HOST", raising=False)
    for number, name in enumerate(("phone", "laptop")):
        computer(shell, name)
        with handling.process.fresh():
            backup(shell, f"{name}.vult", *token(shell, number))
            good(shell("drill", *token(shell, number), *OPEN))
        assert listed(shell, 8)["verdict"] == "not_yet"
    join(shell, "phone", "laptop")
    join(shell, "laptop", "phone")
    for name in ("phone", "laptop"):
        computer(shell, name)
        found = listed(shell, 0)
        assert found["verdict"] == "proved"
        assert len({one.host for one in view().drills()}) == 2
        assert "these 2 prove signing ability" in good(shell("drill", "--list")).out


def test_one_computer_is_not_to_have_both(shell: Shell) -> None:
    shell._monkeypatch.delenv("COLDSHARE_SINGLE_HOST", raising=False)
    computer(shell, "laptop")
    with handling.process.fresh():
        backup(shell, "laptop.vult", *token(shell, 1))
    computer(shell, "")
    with handling.process.fresh():
        backup(shell, "phone.vult", *token(shell, 0))
    join(shell, "", "laptop")
    said = ended(shell("drill", "--list"), 8)
    assert "On another computer: this one has had the shares of other parties." not in said.out, "its own comes first"
    with handling.process.fresh():
        good(shell("drill", *token(shell, 0), *OPEN))
    said = ended(shell("drill", "--list"), 8)
    assert "On another computer: this one has had the shares of other parties." in said.out
    (row,) = (line for line in said.out.splitlines() if line.split()[1:2] == ["Laptop"])
    assert row.endswith(" elsewhere")
    before = kinds()
    with handling.process.fresh():
        failed(shell("drill", *token(shell, 1), *OPEN), "single_host", 5, as_json=False)
    assert kinds() == before
    with handling.process.fresh():
        answer = good(shell("drill", *token(shell, 1), *OPEN, "--single-host", "--json")).json
    assert answer["warnings"]
    assert answer["rehearsal"]["verdict"] == "proved"


def test_days_go_by(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("phone", "laptop")):
        backup(shell, f"{name}.vult", *token(shell, number))
        good(shell("drill", *token(shell, number), *OPEN))
    assert listed(shell, 0)["verdict"] == "proved"
    today = when.now()
    monkeypatch.setattr(when, "now", lambda: today + 181 * DAY)
    assert listed(shell, 0)["verdict"] == "proved"
    monkeypatch.setattr(when, "now", lambda: today + 183 * DAY)
    assert listed(shell, 8)["verdict"] == "overdue"
    said = ended(shell("drill", "--list"), 8)
    assert "Savings: overdue. 2 parties were rehearsed once, and none was in the last six months." in said.out
    assert "6 months ago" in said.out


def test_a_list_of_nothing(shell: Shell) -> None:
    said = ended(shell("drill", "--list"), 8)
    assert said.out.startswith("Nothing was rehearsed yet.")
    assert ended(shell("drill", "--list", "--json"), 8).json["vaults"] == []
    assert not ledger_path().exists()
    failed(shell("drill", "--list", "--vault", "Savings"), "no_ledger", 3, as_json=False)
    Ledger(ledger_path()).close()
    assert "knows no vault yet" in ended(shell("drill", "--list"), 8).out


def test_a_backup_of_which_nobody_knows_whose_it_is(shell: Shell) -> None:
    place = folder(shell, "stick")
    backup(shell, "phone.vult", *place)
    computer(shell, "new")
    good(shell("ledger", "rescan", *place))
    answer = ended(shell("drill", "--list", "--json"), 8).json
    assert (answer["vaults"], len(answer["nameless"])) == ([], 1)
    assert "does not know whose it is. A drill tells." in ended(shell("drill", "--list"), 8).out
    good(shell("drill", *place, *OPEN))
    answer = ended(shell("drill", "--list", "--json"), 8).json
    assert (answer["vaults"][0]["rehearsed"], answer["nameless"]) == (["Phone"], [])


def test_a_file_stays_on_its_computer(shell: Shell) -> None:
    place = folder(shell, "stick")
    backup(shell, "phone.vult", *place)
    good(shell("export", *place, "--out", "copy.seal"))
    good(shell("drill", *place, *OPEN))
    assert f"drill --from {shell.folder / 'copy.seal'}" in ended(shell("drill", "--list"), 8).out
    Ledger(ledger_path().parent.with_name(".homenew") / "ledger.sqlite").close()
    join(shell, "new", "")
    said = ended(shell("drill", "--list"), 8)
    assert f"On the computer {view().hosts()[0].name}, which has the file." in said.out


def test_one_of_several_vaults(shell: Shell) -> None:
    other = vault("Holidays", ("Phone", "Laptop"))
    for one in other:
        shell.write(f"other-{one.party}.vult", one.vult)
        shell.secrets.add_share(one.vult)
    good(shell("backup", "phone.vult", *folder(shell, "a"), *SEAL))
    good(shell("backup", "other-Phone.vult", *folder(shell, "b"), *SEAL))
    both = ended(shell("drill", "--list", "--json"), 8).json["vaults"]
    assert [one["vault"]["name"] for one in both] == ["Holidays", "Savings"]
    key = both[0]["vault"]["public_key_ecdsa"]
    for name in ("Holidays", "holidays", key[:8]):
        (found,) = ended(shell("drill", "--list", "--vault", name, "--json"), 8).json["vaults"]
        assert found["vault"]["public_key_ecdsa"] == key
    said = ended(shell("drill", "--list"), 8)
    assert said.out.count("not proved yet") == 2
    assert shell("drill", "--list", "--vault", "Yacht").status == 3


# --- what goes wrong


@pytest.mark.parametrize("as_json", [False, True])
def test_a_share_that_fails_its_own_arithmetic(shell: Shell, as_json: bool) -> None:
    """Whoever sealed it did not look, or lied. That is a result."""
    facts = read_share(vault()[0].vult).facts
    broken = edit(vault()[0].vult, one_bit)
    shell.secrets.add_share(broken)
    file = sealed(shell, "broken.seal", broken, facts)
    backup(shell, "laptop.vult", *token(shell, 1))
    good(shell("drill", *token(shell, 1), *OPEN))
    said = shell("drill", "--from", file, *OPEN, *(["--json"] if as_json else []))
    words = failed(said, "drill_failed", 7, as_json=as_json)
    assert "s_i*G" in words
    (bad,) = [one for one in view().drills() if not one.good]
    assert (bad.party, bad.digest) == ("Phone", hashlib.sha256(broken).digest())
    assert (bad.public_share_ecdsa, bad.public_share_eddsa) == (None, None)
    found = listed(shell, 9)
    assert found["verdict"] == "wrong"
    said = ended(shell("drill", "--list"), 9)
    assert "Savings: something is WRONG." in said.out
    assert "its share FAILED its own arithmetic" in said.out
    # A good one is good, and says what else is wrong.
    said = ended(shell("drill", *token(shell, 1), *OPEN), 9)
    assert said.out.startswith("Good: ")
    assert "something is WRONG" in said.out


def test_a_share_that_only_its_own_password_shows_to_be_wrong(shell: Shell) -> None:
    """`verify` cannot look into a vault file with a password of its own; a drill asks for it."""
    share = read_share(vault()[0].vult)
    broken = edit(vault()[0].vult, one_bit)
    shell.secrets.add_share(broken)
    locked = encrypt_legacy(broken, "its own password")
    file = sealed(shell, "locked.seal", locked, share.facts, declare.record(share))
    shell.write("vpw", "its own password", secret="vault password")
    good(shell("verify", "--from", file, *OPEN))
    words = failed(
        shell("drill", "--from", file, *OPEN, "--vault-password-file", "vpw"), "drill_failed", 7, as_json=False
    )
    assert "s_i*G" in words
    (drill,) = view().drills()
    assert (drill.good, drill.digest) == (False, hashlib.sha256(locked).digest())


def test_a_share_of_another_party(shell: Shell) -> None:
    file = sealed(shell, "other.seal", vault()[1].vult, read_share(vault()[0].vult).facts)
    words = failed(shell("drill", "--from", file, *OPEN), "drill_failed", 7, as_json=False)
    assert "another party" in words
    assert [one.good for one in view().drills()] == [False]


def test_a_vault_file_with_its_own_password(shell: Shell) -> None:
    locked = encrypt_legacy(vault()[0].vult, "its own password")
    shell.write("locked.vult", locked)
    shell.write("vpw", "its own password", secret="vault password")
    shell.write("wrong", "another password", secret="wrong password")
    place = folder(shell, "stick")
    good(shell("backup", "locked.vult", *place, *SEAL, "--vault-password-file", "vpw"))
    before = kinds()
    failed(shell("drill", *place, *OPEN), "vault_password_needed", 4, as_json=False)
    failed(shell("drill", *place, *OPEN, "--vault-password-file", "wrong"), "vault_password_wrong", 4, as_json=False)
    assert set(kinds()[len(before) :]) <= {"share_handled"}
    answer = good(shell("drill", *place, *OPEN, "--vault-password-file", "vpw", "--json")).json
    assert answer["digest"] == hashlib.sha256(locked).hexdigest()
    assert answer["public_share_eddsa"] == read_share(vault()[0].vult).facts.public_share_eddsa.hex()


def test_a_damaged_seal(shell: Shell) -> None:
    place = folder(shell, "stick")
    backup(shell, "phone.vult", *place)
    good(shell("export", *place, "--out", "copy.seal"))
    good(shell("drill", *place, *OPEN))
    for path in (shell.folder / "stick" / "coldshare").rglob("*"):
        if path.stat().st_size > 50_000:
            path.write_bytes(flip(path.read_bytes(), 5000))
    ended(shell("drill", *place, *OPEN), 7)
    (held,) = [one for one in view().backups() if one.place.kind == e.FOLDER]
    assert held.failed_code == "folder_damaged"
    assert listed(shell, 9)["verdict"] == "wrong"
    copy = shell.folder / "copy.seal"
    copy.write_bytes(flip(copy.read_bytes(), 5000))
    ended(shell("drill", "--from", "copy.seal", *OPEN), 7)
    assert all(one.failed_code is not None for one in view().backups())


def test_a_token_with_a_damaged_seal(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    place = token(shell, 0)
    backup(shell, "phone.vult", *place)
    get = TokenClient.get

    def damaged(self: TokenClient, *arguments: object) -> bytes:
        return flip(get(self, *arguments), 5000)  # type: ignore[arg-type]

    monkeypatch.setattr(TokenClient, "get", damaged)
    ended(shell("drill", *place, *OPEN), 7)
    assert [one.failed_code is not None for one in view().backups()] == [True]


def test_what_says_nothing_of_the_backup_is_not_written_down(shell: Shell) -> None:
    place = token(shell, 0)
    backup(shell, "phone.vult", *place)
    before = kinds()
    shell.write("wrong", "another-password-that-is-wrong-7", secret="wrong password")
    failed(shell("drill", *place, "--password-file", "wrong"), "factor_wrong", 4, as_json=False)
    no = ("--at", "sim:0.token?carrier=bulk&user=reject", "--pin-file", "pin")
    assert shell("drill", *no, *OPEN).status == 5
    failed(shell("drill", *place, *OPEN, "--backup", "ffffffff"), "no_backup", 3, as_json=False)
    failed(shell("drill", *folder(shell, "empty"), *OPEN), "folder_empty", 3, as_json=False)
    failed(shell("drill", "--from", "nowhere.seal", *OPEN), "export_unreadable", 3, as_json=False)
    assert kinds() == before


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--vault", "Savings", *OPEN), "--vault is for --list"),
        (("--from", "x.seal", "--backup", "1234"), "exclude each other"),
        (("--list", "--from", "x.seal"), "leave --from out"),
        (("--list", "--at", "folder:stick"), "leave --at out"),
        (("--list", *OPEN), "leave --password-file out"),
        (("--list", "--single-host"), "leave --single-host out"),
    ],
)
def test_the_command_line(shell: Shell, argv: tuple[str, ...], words: str, as_json: bool) -> None:
    said = shell("drill", *argv, *(["--json"] if as_json else []))
    assert words in failed(said, "usage", 2, as_json=as_json)


def test_the_list_does_not_mind_the_environment(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDSHARE_AT", "folder:nowhere")
    ended(shell("drill", "--list"), 8)


def test_without_a_ledger_the_drill_is_good_all_the_same(shell: Shell) -> None:
    place = folder(shell, "stick")
    backup(shell, "phone.vult", *place)
    ledger_path().write_bytes(b"x" * 5000)
    said = good(shell("drill", *place, *OPEN))
    assert "could not be written into the ledger" in said.err
    assert "What all drills prove together cannot be said" in said.out
    assert good(shell("drill", *place, *OPEN, "--json")).json["rehearsal"] is None


def test_no_share_in_the_ledger(shell: Shell) -> None:
    place = folder(shell, "stick")
    backup(shell, "phone.vult", *place)
    good(shell("drill", *place, *OPEN))
    good(shell("ledger", "export", "out.txt"))
    with Ledger(ledger_path()) as ledger:
        raw = b"".join(one.encode() for one in ledger.events())
    data = ledger_path().read_bytes() + raw + (shell.folder / "out.txt").read_bytes()
    for secret in (PASSWORD.encode(), *share_secrets(vault()[0].vult, None).values()):
        assert secret not in data


# --- vault files that others wrote


@pytest.fixture
def rehearsed(shell: Shell, fixtures_dir: Path) -> Callable[[str, int], None]:
    """Back a real file up, on a computer and a token of its own, and drill that."""
    shell.write("made", MADE_PASSWORD, secret="password of the made files")
    shell.write("real", REAL_PASSWORD, secret="password of the real files")

    def one(name: str, number: int) -> None:
        where = str(number)
        path = fixtures_dir / name
        own: tuple[str, ...] = ()
        try:
            read_share(path.read_bytes())
        except VaultPasswordNeededError:
            kind = name.partition("/")[0]
            own = ("--vault-password-file", kind)
            shell.secrets.add_share(path.read_bytes(), {"made": MADE_PASSWORD, "real": REAL_PASSWORD}[kind])
        else:
            if not path.name.startswith("Test-part"):  # GG20 is JSON; `support.watch` looks for its scalars
                shell.secrets.add_share(path.read_bytes())
        computer(shell, where)
        place = token(shell, number)
        backup(shell, str(path), *place, *own)
        shell.step(("drill", place), lambda: good(shell("drill", *place, *OPEN, *own)))

    return one


ORIG, RESHARED = (f"made/{name}/SimVault-2903-share" for name in ("orig_2of3", "reshared_1_2_4"))


@pytest.mark.parametrize(
    ("run", "which"),
    [
        pytest.param(ORIG, (1, 2, 3), id="orig_2of3-all"),
        pytest.param(ORIG, (1, 3), id="orig_2of3-two", marks=pytest.mark.slow),
        pytest.param(RESHARED, (1, 2, 3), id="reshared_1_2_4-all", marks=pytest.mark.slow),
        pytest.param(RESHARED, (1, 3), id="reshared_1_2_4-two"),
    ],
)
def test_made_with_the_vendors_own_library(
    shell: Shell, rehearsed: Callable[[str, int], None], run: str, which: tuple[int, ...]
) -> None:
    for number in which:
        rehearsed(f"{run}{number}of3{'.pbkdf2' if number == 2 else ''}.vult", number)
    join(shell, *(str(number) for number in which))
    found = listed(shell, 0)
    assert (found["verdict"], found["in_question"], found["odd"]) == ("proved", [], [])
    assert isinstance(found["rehearsed"], list)
    assert len(found["rehearsed"]) == len(which)


def test_two_generations_do_not_make_a_pair(shell: Shell, rehearsed: Callable[[str, int], None]) -> None:
    rehearsed(f"{ORIG}1of3.vult", 1)
    rehearsed(f"{RESHARED}2of3.vult", 2)
    join(shell, "1", "2")
    assert listed(shell, 8)["verdict"] == "no_generation"
    said = ended(shell("drill", "--list"), 8)
    assert "2 generations of this vault" in said.out
    vault_, older, newer = (
        view().vaults()[0].vault,
        *(read_share(path.read_bytes()).facts.generation for path in _files(shell)),
    )
    with Ledger(ledger_path()) as ledger:
        ledger.record([e.GenerationNewer(vault_, newer, older)])
    found = listed(shell, 8)
    assert found["verdict"] == "not_yet"
    assert isinstance(found["rehearsed"], list)
    assert [name.partition("-")[0] for name in found["rehearsed"]] == ["MacBook"]


def _files(shell: Shell) -> list[Path]:
    base = Path(os.environ["COLDSHARE_FIXTURES"])
    return [base / f"{ORIG}1of3.vult", base / f"{RESHARED}2of3.vult"]


@pytest.mark.parametrize(
    ("names", "unproved"),
    [
        (("TestDKLS1of2.vult", "TestDKLS2of2.vult"), "OT seeds"),
        (("Test-part1of2.vult", "Test-part2of2.vult"), "Paillier"),
        pytest.param(
            ("TestSecureVault-cfa0-share1of2.vult", "TestSecureVault-cfa0-share2of2-Nopassword.vult"),
            "OT seeds",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["DKLS", "GG20", "encrypted"],
)
def test_written_by_the_vendors_apps(
    shell: Shell, rehearsed: Callable[[str, int], None], names: tuple[str, str], unproved: str
) -> None:
    for number, name in enumerate(names):
        rehearsed(f"real/{name}", number)
    join(shell, "0", "1")
    found = listed(shell, 0)
    assert found["verdict"] == "proved"
    assert isinstance(found["unproved"], list)
    assert [unproved in words for words in found["unproved"]] == [True]
