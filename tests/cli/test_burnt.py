"""A burnt token on the command line: paired anew by a held button, it gives out what its recovery codes open."""

from __future__ import annotations

from pathlib import Path

import pytest

from coldshare.errors import EXIT_DANGER
from coldshare.handover import ToFile
from coldshare.recovery import parse_file
from coldshare_iface import wire
from coldshare_iface.errors import BurntError, PinWrongError
from support.desk import Cable, Desk, TokenClient, power_up, put_share, vault
from support.shell import Said, Shell, failed
from support.terminal import Terminal

AT = "sim:a.token"
YES = ("--at", f"{AT}?user=approve")
NO = ("--at", f"{AT}?user=reject")
SHARE = vault()[0].vult


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


@pytest.fixture
def burnt(shell: Shell) -> Shell:
    """A burnt token with a share that the code in `code` opens. This computer was paired with it before."""
    desk = Desk(shell.home)
    chip = desk.token()
    with desk.client(chip) as client:
        backup_id = put_share(client, SHARE, recovery=ToFile(shell.folder / "code")).backup_id
    shell.secrets.add("recovery code", parse_file((shell.folder / "code").read_text()).code.text)
    for attempt in range(wire.PIN_ATTEMPTS):
        if attempt % wire.PIN_PER_POWER_UP == 0:
            client = TokenClient(Cable(power_up(chip)))
            client.connect(desk.store)
        with pytest.raises((PinWrongError, BurntError)):
            client.unlock("000000")
    (shell.folder / "a.token").write_bytes(chip.image)
    shell.write("id", backup_id.hex())
    return shell


def test_what_now_is_said_wherever_it_is_met(burnt: Shell) -> None:
    for argv in (("list",), ("verify",), ("export", "--out", "."), ("label", "Safe B"), ("audit",)):
        text = failed(burnt(*argv, *YES, "--pin-file", "pin"), "burnt", 4, as_json=False)
        for words in ("HELD", "coldshare pair", "coldshare restore --recovery", "coldshare wipe"):
            assert words in text
    said = good(burnt("tokens", "--at", AT))
    assert "state: burnt" in said.out
    assert "Next: coldshare pair, its button held" in said.out
    good(burnt("pair", *YES))
    assert "Next: coldshare list" in good(burnt("tokens", "--at", AT)).out
    assert "Safe A  burnt" in good(burnt("tokens")).out
    here = good(burnt("tokens", "--at", AT, "--json")).json
    assert [(one["label"], one["burnt"]) for one in here["tokens"]] == [("Safe A", True)]
    assert (here["here"]["state"], here["here"]["label"]) == ("burnt", "Safe A")


def test_pair_list_and_restore_without_a_pin(burnt: Shell) -> None:
    failed(burnt("pair", *NO), "rejected", 5, as_json=False)
    said = good(burnt("pair", *YES))
    assert "recovery codes open" in said.out
    said = good(burnt("list", *YES))
    assert "It takes no PIN" in said.err
    assert "keyless" in said.out
    assert "recovery code alone" in said.out
    answer = good(burnt("list", *YES, "--json")).json
    (one,) = answer["backups"]
    assert (one["backup_id"], one["state"], one["party"]) == ((burnt.folder / "id").read_text(), "keyless", None)
    good(burnt("restore", *YES, "--recovery-file", "code", "--out", "back"))
    assert (burnt.folder / "back").read_bytes() == SHARE
    said = good(burnt("verify", *YES, "--recovery-file", "code"))
    assert "the share of Phone of 'Savings', read back whole" in said.out
    assert "It opens with its recovery code alone" in said.out
    said = good(burnt("verify", *YES, "--no-password"))
    assert "a backup without a name" in said.out
    (one,) = good(burnt("verify", *YES, "--recovery-file", "code", "--json")).json["backups"]
    assert (one["state"], one["party"], one["opened"]) == ("keyless", "Phone", True)
    good(burnt("list", *YES))


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_password_alone_says_that_the_recovery_code_does_it(burnt: Shell, as_json: bool) -> None:
    good(burnt("pair", *YES))
    json = ["--json"] if as_json else []
    for argv in (("verify",), ("restore", "--out", "back")):
        # Nobody is asked at the token, nor for a password, for what cannot work.
        for more in (("--password-file", "pw"), ()):
            text = failed(burnt(*argv, *more, *NO, *json), "factor_missing", 4, as_json=as_json)
            assert "destroyed its secret" in text
            assert "--recovery-file" in text
    assert not (burnt.folder / "back").exists()


def test_export_and_open_the_file(burnt: Shell) -> None:
    good(burnt("pair", *YES))
    (burnt.folder / "cloud").mkdir()
    said = good(burnt("export", *YES, "--out", "cloud"))
    assert "a backup without a name" in said.out
    assert "recovery code alone" in said.out
    assert said.out.rstrip().endswith(".seal --recovery")
    (path,) = (burnt.folder / "cloud").iterdir()
    good(burnt("verify", "--from", str(path), "--recovery-file", "code"))
    text = failed(
        burnt("verify", "--from", str(path), "--password-file", "pw", *YES, "--pin-file", "pin"),
        "burnt",
        4,
        as_json=False,
    )
    assert "recovery code" in text


def test_rule_1_export_of_an_unnamed_share_into_a_folder_with_another(burnt: Shell) -> None:
    good(burnt("pair", *YES))
    (burnt.folder / "cloud").mkdir()
    (burnt.folder / "cloud" / "other.seal").write_bytes(b"a sealed share of nobody knows whom")
    text = failed(burnt("export", *YES, "--out", "cloud"), "unnamed_neighbour", 5, as_json=False)
    assert "two shares of one vault" in text
    # Once its code has opened it here, this computer knows whose it is, and only points at the stranger.
    good(burnt("verify", *YES, "--recovery-file", "code"))
    said = good(burnt("export", *YES, "--out", "cloud"))
    assert "does not know" in said.out


def test_restore_on_a_new_computer_introduces_itself(burnt: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDSHARE_HOME", str(burnt.folder / ".other"))
    said = good(burnt("restore", *YES, "--recovery-file", "code", "--out", "back"))
    assert "introduced first" in said.err
    assert (burnt.folder / "back").read_bytes() == SHARE
    # Commands that need its keys do not pair with it for nothing.
    text = failed(
        burnt("backup", "phone.vult", *YES, "--password-file", "pw", "--no-recovery"), "burnt", 4, as_json=False
    )
    assert "coldshare wipe" in text


def test_rule_3_the_ledger_knows_whose_share_the_token_has_forgotten(burnt: Shell) -> None:
    good(burnt("pair", *YES))
    argv = ("restore", "--recovery-file", "code", "--onto", "new phone", "--out", "back")
    # Once its code has opened it here, nobody is asked anything for what is refused.
    good(burnt("verify", *YES, "--recovery-file", "code"))
    failed(burnt(*argv, *NO), "party_alive", 5, as_json=False)
    assert not (burnt.folder / "back").exists()
    assert burnt("lost", "Phone").status in (0, EXIT_DANGER)
    assert "Import it on new phone, and nowhere else." in good(burnt(*argv, *YES)).out
    assert (burnt.folder / "back").read_bytes() == SHARE


def test_restore_gives_up_no_pairing_by_itself(burnt: Shell) -> None:
    """Whatever says that it is burnt would otherwise take the place of the token that this computer knows."""
    before = burnt.store.all()
    text = failed(burnt("restore", *YES, "--recovery-file", "code", "--out", "x"), "burnt", 4, as_json=False)
    assert "coldshare pair" in text
    assert burnt.store.all() == before


def test_what_else_it_cannot_do_is_said_without_asking_for_a_pin(burnt: Shell) -> None:
    good(burnt("pair", *YES))
    for argv in (
        ("label", "Safe B"),
        ("pin",),
        ("pairings",),
        ("remove", (burnt.folder / "id").read_text()),
        ("audit",),
        ("retire", "12345678"),
        ("backup", "phone.vult", "--password-file", "pw", "--no-recovery"),
    ):
        text = failed(burnt(*argv, *NO), "burnt", 4, as_json=False)
        assert "coldshare list" in text
    good(burnt("wipe", *YES))


def test_at_a_terminal_the_button_is_held(burnt: Shell, folder: Path) -> None:
    with Terminal("pair", "--at", AT, cwd=folder) as terminal:
        terminal.until("Are the two the same, every character?")
        terminal.type("y\n")
        terminal.until("to copy sealed shares")
        terminal.until("HOLD its button for two seconds.")
        terminal.type("h")
        assert terminal.finish() == 0
        assert "know each other now" in terminal.screen
    assert "keyless" in good(burnt("list", *YES)).out


def test_a_code_for_each_backup(shell: Shell) -> None:
    """Several on one token: the id beside the code says which."""
    desk = Desk(shell.home)
    chip = desk.token()
    with desk.client(chip) as client:
        put_share(client, SHARE, recovery=ToFile(shell.folder / "code"))
        put_share(client, vault("Other")[0].vult)
    for attempt in range(wire.PIN_ATTEMPTS):
        if attempt % wire.PIN_PER_POWER_UP == 0:
            client = TokenClient(Cable(power_up(chip)))
            client.connect(desk.store)
        with pytest.raises((PinWrongError, BurntError)):
            client.unlock("000000")
    (shell.folder / "a.token").write_bytes(chip.image)
    shell.secrets.add("recovery code", parse_file((shell.folder / "code").read_text()).code.text)
    good(shell("pair", *YES))
    text = failed(shell("restore", *YES, "--recovery-file", "code", "--out", "x"), "which_backup", 3, as_json=False)
    assert "(unnamed)" in text
    first, second = (held["backup_id"] for held in good(shell("list", *YES, "--json")).json["backups"])
    short = parse_file((shell.folder / "code").read_text()).short_id
    mine, other = (first, second) if first.startswith(short or "?") else (second, first)
    good(shell("restore", *YES, "--recovery-file", "code", "--out", "back", "--backup", mine))
    text = failed(
        shell("restore", *YES, "--recovery-file", "code", "--out", "y", "--backup", other),
        "factor_missing",
        4,
        as_json=False,
    )
    assert "without a recovery code" in text
