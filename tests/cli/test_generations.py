"""After a reshare, on the command line: backup --newer, retire, un-retire, destroy, and what rules 1 and 5 say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coldshare_sim.flash import Chip
from coldshare_sim.littlefs import LittleFiles
from support.desk import PIN, Desk, put_share
from support.reshare import generations
from support.shell import Said, Shell, failed, holds
from support.terminal import Terminal

AT = "sim:a.token"
YES = ("--at", f"{AT}?user=approve", "--pin-file", "pin")
NO = ("--at", f"{AT}?user=reject", "--pin-file", "pin")
SEAL = ("--password-file", "pw", "--no-recovery")
COMBINE = "Old shares still work with each other"


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


@pytest.fixture
def shell(shell: Shell) -> Shell:
    """The shares of three generations of one vault: phone-1.vult, laptop-1.vult, ... phone-3.vult."""
    for number, run in enumerate(generations(), start=1):
        for share in run:
            shell.write(f"{share.party.lower()}-{number}.vult", share.vult)
            shell.secrets.add_share(share.vult)
    return shell


@pytest.fixture
def both(shell: Shell) -> Shell:
    """A token with the first generation's share, active, and the second one's beside it."""
    desk = Desk(shell.home)
    chip = desk.token()
    with desk.client(chip) as client:
        put_share(client, (shell.folder / "phone-1.vult").read_bytes())
        put_share(client, (shell.folder / "phone-2.vult").read_bytes(), newer=True)
    (shell.folder / "a.token").write_bytes(chip.image)
    return shell


def listed(shell: Shell) -> list[dict[str, Any]]:
    backups: list[dict[str, Any]] = good(shell("list", *YES, "--json")).json["backups"]
    return backups


def ids(shell: Shell) -> list[str]:
    return [held["backup_id"][:8] for held in listed(shell)]


def states(shell: Shell) -> list[str]:
    return [held["state"] for held in listed(shell)]


# --- backup --newer


def test_backup_newer(shell: Shell) -> None:
    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)
    good(shell("backup", "phone-1.vult", *YES, *SEAL))
    (old,) = listed(shell)
    text = failed(shell("backup", "phone-2.vult", *YES, *SEAL), "other_generation", 5, as_json=False)
    assert old["generation"][:8] in text
    assert old["backup_id"][:8] in text
    assert "--newer" in text
    said = good(shell("backup", "phone-2.vult", *YES, *SEAL, "--newer"))
    assert f"is to be NEWER than {old['generation'][:8]}" in said.err
    assert "The token asks you" in said.err
    assert "never reshared" not in said.err
    assert f"The token keeps both: {old['backup_id'][:8]} counts until you retire it." in said.out
    assert f"Next: coldshare retire {old['backup_id'][:8]}" in said.out
    assert states(shell) == ["active", "next"]
    assert "counts once the old one is retired" in good(shell("list", *YES)).out


def test_backup_newer_as_json(both: Shell) -> None:
    old, next_one = listed(both)
    answer = good(both("backup", "phone-3.vult", *YES, *SEAL, "--newer", "--json")).json
    assert answer["beside"]["backup_id"] == old["backup_id"]
    assert answer["replaced"] == 1
    assert next_one["backup_id"] not in [held["backup_id"] for held in listed(both)]


def test_newer_where_nothing_is_older(shell: Shell) -> None:
    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)
    said = good(shell("backup", "phone-1.vult", *YES, *SEAL, "--newer"))
    assert "--newer changes nothing" in said.err
    assert "Next: coldshare verify" in said.out
    assert good(shell("backup", "phone-1.vult", *YES, *SEAL, "--json")).json["beside"] is None


def test_one_that_was_never_reshared_is_rather_the_older_one(shell: Shell) -> None:
    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)
    good(shell("backup", "phone-2.vult", *YES, *SEAL))
    said = shell("backup", "phone-1.vult", *NO, *SEAL, "--newer")
    failed_text = said.err
    assert said.status == 5
    assert "rather the older one" in failed_text
    assert states(shell) == ["active"]


def test_a_person_reads_which_one_is_newer_and_holds_to_retire(both: Shell, folder: Path) -> None:
    old, new = ids(both)
    with Terminal("retire", old, "--at", AT, cwd=folder) as terminal:
        terminal.answer("PIN of the token: ", PIN)
        terminal.until("To be retired: generation")
        terminal.until("RETIRE old share?")
        terminal.until("HOLD its button for two seconds.")
        terminal.type("h")
        assert terminal.finish() == 0
        assert f"{new} is the active one" in terminal.screen
        both.check(terminal.raw)
    assert states(both) == ["retired", "active"]


# --- rule 1


def test_rule_1_another_party_stays_out_whatever_generation(both: Shell) -> None:
    old, _ = ids(both)
    for number in (1, 2, 3):
        for more in ((), ("--newer",)):
            text = failed(both("backup", f"laptop-{number}.vult", *YES, *SEAL, *more), "other_party", 5, as_json=False)
            assert "Phone" in text
    good(both("retire", old, *YES))
    failed(both("backup", "laptop-1.vult", *YES, *SEAL, "--newer"), "other_party", 5, as_json=False)


# --- rule 5


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_rule_5_a_stale_share_is_refused(both: Shell, as_json: bool) -> None:
    old, _ = ids(both)
    good(both("retire", old, *YES))
    before = holds(both.folder / "a.token")
    json = ["--json"] if as_json else []
    for more in ((), ("--newer",)):
        text = failed(
            both("backup", "phone-1.vult", *YES, *SEAL, *more, *json), "retired_generation", 5, as_json=as_json
        )
        assert "stale" in text
        assert f"{old} (retired)" in text
        assert "coldshare un-retire" in text
    good(both("destroy", old, *YES))
    failed(both("backup", "phone-1.vult", *YES, *SEAL, "--newer", *json), "retired_generation", 5, as_json=as_json)
    assert before != holds(both.folder / "a.token")


def test_rule_5_old_shares_are_never_called_void(both: Shell) -> None:
    old, _ = ids(both)
    for argv in (("retire", old), ("destroy", old)):
        said = good(both(*argv, *YES))
        assert COMBINE in said.out
        for word in ("void", "worthless", "useless", "invalid", "harmless"):
            assert word not in said.out + said.err


def test_rule_5_a_retired_share_comes_back_with_a_warning(both: Shell) -> None:
    old, new = ids(both)
    text = failed(both("restore", *YES, "--password-file", "pw", "--out", "x"), "which_backup", 3, as_json=False)
    assert f"{new} (Phone, next)" in text
    good(both("retire", old, *YES))
    good(both("restore", *YES, "--password-file", "pw", "--out", "new"))
    assert (both.folder / "new").read_bytes() == (both.folder / "phone-2.vult").read_bytes()
    said = good(both("restore", *YES, "--password-file", "pw", "--out", "old", "--backup", old))
    assert (both.folder / "old").read_bytes() == (both.folder / "phone-1.vult").read_bytes()
    assert "never replaces a newer one" in said.err
    assert "Never import it where a newer share of this party is." in said.out
    answer = good(both("restore", *YES, "--password-file", "pw", "--out", "o", "--backup", old, "--json")).json
    assert (answer["state"], len(answer["warnings"])) == ("retired", 1)
    answer = good(both("restore", *YES, "--password-file", "pw", "--out", "n", "--backup", new, "--json")).json
    assert answer["state"] == "active"
    assert "RETIRED" not in " ".join(answer["warnings"])
    (both.folder / "cloud").mkdir()
    assert "RETIRED" in good(both("export", *YES, "--backup", old, "--out", "cloud")).out
    assert "RETIRED" in good(both("verify", *YES, "--backup", old, "--password-file", "pw")).out


def test_rule_5_verify_leaves_retired_ones_out_and_says_so(both: Shell) -> None:
    old, new = ids(both)
    said = good(both("verify", *YES, "--password-file", "pw"))
    assert f"Good: {old}" in said.out
    assert f"Good: {new}" in said.out
    assert "once that is retired, it counts" in said.out
    good(both("retire", old, *YES))
    said = good(both("verify", *YES, "--password-file", "pw"))
    assert f"Good: {new}" in said.out
    assert f"Left out: {old}" in said.out
    (one,) = good(both("verify", *YES, "--password-file", "pw", "--json")).json["backups"]
    assert one["backup_id"][:8] == new


# --- retire and un-retire


def test_retire_and_un_retire(both: Shell) -> None:
    old, new = listed(both)
    (both.folder / "cloud").mkdir()
    good(both("export", *YES, "--backup", old["backup_id"], "--out", "cloud"))
    answer = good(both("retire", old["backup_id"][:8], *YES, "--json")).json
    assert answer["generation"] == old["generation"]
    assert (answer["retired"]["backup_id"], answer["retired"]["state"]) == (old["backup_id"], "retired")
    assert (answer["active"]["backup_id"], answer["active"]["state"]) == (new["backup_id"], "active")
    assert answer["known_copies"] == [str(both.folder / "cloud" / f"coldshare-{old['backup_id'][:8]}.seal")]
    failed(both("retire", old["backup_id"], *YES), "already_retired", 5, as_json=False)
    assert "A retired one is of an older generation" in good(both("list", *YES)).out

    answer = good(both("un-retire", old["backup_id"][:8], *YES, "--json")).json
    assert (answer["active"]["backup_id"], answer["newer"]["backup_id"]) == (old["backup_id"], new["backup_id"])
    assert states(both) == ["active", "next"]
    text = failed(both("un-retire", old["backup_id"][:8], *YES), "not_retired", 5, as_json=False)
    assert "is not retired" in text


def test_retire_by_generation(both: Shell) -> None:
    """No backup of the old one is on this token any more, or its name is damaged."""
    old, new = listed(both)
    chip = Chip((both.folder / "a.token").read_bytes())
    LittleFiles(chip).write(f"/r/{old['backup_id']}", b"damaged")
    (both.folder / "a.token").write_bytes(chip.image)
    text = failed(both("retire", old["backup_id"][:8], *YES), "unknown_generation", 3, as_json=False)
    assert "--generation HEX" in text
    argv = ("--generation", old["generation"], "--newer", new["backup_id"][:8])
    said = good(both("retire", *argv, *YES))
    assert f"{new['backup_id'][:8]} is the active one" in said.out
    assert sorted(states(both)) == ["active", "retired"]
    good(both("destroy", "--all", *YES))
    assert states(both) == ["active"]
    said = good(both("un-retire", *argv, *YES))
    assert "No backup of it is on this token" in said.out
    good(both("backup", "phone-1.vult", *YES, *SEAL, "--newer"))


@pytest.mark.parametrize("command", ["retire", "un-retire"])
def test_what_to_retire_must_be_said(both: Shell, command: str) -> None:
    before = both.snapshot()
    for argv in ((), ("1234", "--generation", "00" * 32), ("--generation", "00" * 32), ("--newer", "1234")):
        failed(both(command, *argv, *YES), "usage", 2, as_json=False)
    for value in ("12", "zz" * 32, "00" * 33):
        failed(both(command, "--generation", value, "--newer", "1234", *YES), "usage", 2, as_json=False)
    failed(both(command, "00000000", *YES), "no_backup", 3, as_json=False)
    assert both.snapshot() == before


def test_nothing_to_retire_it_for(shell: Shell) -> None:
    chip, backup_id = Desk(shell.home).stored()
    (shell.folder / "a.token").write_bytes(chip.image)
    before = shell.snapshot()
    text = failed(shell("retire", backup_id.hex()[:8], *YES), "no_newer", 5, as_json=False)
    assert "coldshare backup FILE --newer" in text
    failed(shell("destroy", "--all", *YES), "not_retired", 5, as_json=False)
    assert shell.snapshot() == before


def test_refused_at_the_token(both: Shell) -> None:
    old, _ = ids(both)
    before = both.snapshot()
    failed(both("retire", old, *NO), "rejected", 5, as_json=False)
    assert both.snapshot() == before
    good(both("retire", old, *YES))
    before = both.snapshot()
    failed(both("un-retire", old, *NO), "rejected", 5, as_json=False)
    failed(both("destroy", old, *NO), "rejected", 5, as_json=False)
    assert both.snapshot() == before


# --- destroy and remove


def test_destroy(both: Shell) -> None:
    old, new = ids(both)
    (both.folder / "cloud").mkdir()
    good(both("export", *YES, "--backup", old, "--out", "cloud"))
    text = failed(both("destroy", old, *YES), "not_retired", 5, as_json=False)
    assert "coldshare remove ID" in text
    good(both("retire", old, *YES))
    said = good(both("destroy", old, *YES))
    assert f"Destroyed: the share of Phone of 'Savings', backup {old}" in said.out
    assert "1 exported copy" in said.out
    assert f"coldshare-{old}.seal" in said.out
    assert ids(both) == [new]
    failed(both("destroy", new, *YES), "not_retired", 5, as_json=False)
    for argv in ((), (new, "--all")):
        failed(both("destroy", *argv, *YES), "usage", 2, as_json=False)
    failed(both("destroy", "12", *YES), "usage", 2, as_json=False)


def test_destroy_all(both: Shell) -> None:
    first, second = ids(both)
    good(both("retire", first, *YES))
    good(both("backup", "phone-3.vult", *YES, *SEAL, "--newer"))
    good(both("retire", second, *YES))
    assert states(both) == ["retired", "retired", "active"]
    answer = good(both("destroy", "--all", *YES, "--json")).json
    assert [held["backup_id"][:8] for held in answer["destroyed"]] == [first, second]
    assert answer["known_copies"] == []
    assert states(both) == ["active"]


def test_remove_says_what_follows(both: Shell) -> None:
    old, new = ids(both)
    said = good(both("remove", old, *YES))
    assert f"{new}, of a newer generation, takes its place" in said.err
    assert f"{new} is the active one now" in said.out
    assert states(both) == ["active"]
    failed(both("backup", "phone-1.vult", *YES, *SEAL, "--newer"), "retired_generation", 5, as_json=False)


def test_remove_of_a_retired_one_points_to_destroy(both: Shell) -> None:
    old, new = ids(both)
    good(both("retire", old, *YES))
    said = good(both("remove", old, *YES))
    assert f"coldshare destroy {old} does the same" in said.err
    answer = good(both("remove", new, *YES, "--json")).json
    assert (answer["active_now"], answer["removed"]["backup_id"][:8]) == (None, new)


def test_reseal_waits_for_a_decision(both: Shell) -> None:
    old, new = ids(both)
    before = both.snapshot()
    for one in (old, new):
        argv = ("--backup", one, *YES, *SEAL)
        text = failed(both("reseal", *argv), "reseal_waiting", 5, as_json=False)
        assert "coldshare retire ID" in text
    assert both.snapshot() == before
    good(both("retire", old, *YES))
    failed(both("reseal", "--backup", old, *YES, *SEAL), "reseal_retired", 5, as_json=False)
    good(both("reseal", *YES, *SEAL))
    assert states(both) == ["retired", "active"]


@pytest.mark.parametrize("command", ["retire", "un-retire", "destroy", "audit"])
def test_help_touches_no_token(shell: Shell, command: str) -> None:
    said = good(shell(command, "--help", "--at", "sim:none.token"))
    assert f"coldshare {command}" in said.out
    assert not (shell.folder / "none.token").exists()
