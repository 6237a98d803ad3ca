"""`coldshare lost`: on simulated tokens and folders, and every command that it prints is typed as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from coldshare.cli.app import cli
from coldshare.handling import process
from coldshare.ledger import events as e
from coldshare.ledger import store
from coldshare.ledger.queries import Party
from coldshare.ledger.store import ledger_path
from support.desk import PASSWORD, PIN, Desk, vault
from support.ledgers import kinds, tell, vault_id, view
from support.reshare import generations
from support.shell import Said, Shell, failed
from support.stages import Stages, same_folder
from support.terminal import Terminal

SAFE = "sim:a.token?carrier=bulk&user=approve"
PW = ("--password-file", "pw")


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return same_folder(tmp_path_factory)


@pytest.fixture
def shell(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    def make() -> None:
        (shell.folder / "my stick").mkdir()
        for number, name in enumerate("abc", start=1):
            chip = Desk(shell.home).token(number, f"Safe {name.upper()}")
            (shell.folder / f"{name}.token").write_bytes(bytes(chip.image))

    shell.stages = Stages(shell.folder, tmp_path_factory)
    shell.step("lost", make)
    return shell


def token(name: str) -> str:
    return f"sim:{name}.token?carrier=bulk&user=approve"


def good(said: Said) -> Said:
    assert said.status == 0, (said.out, said.err)
    return said


def backup(shell: Shell, at: str, file: str = "phone.vult", *more: str) -> str:
    """The id of a new backup, verified."""
    return shell.step(("backup", at, file, more), lambda: _backup(shell, at, file, *more))


def _backup(shell: Shell, at: str, file: str, *more: str) -> str:
    pin = () if at.startswith("folder:") else ("--pin-file", "pin")
    code = () if "--recovery-out" in more else ("--no-recovery",)
    answer = good(shell("backup", file, "--at", at, *pin, *PW, *code, *more, "--json")).json
    backup_id: str = answer["backup_id"]
    good(shell("verify", "--at", at, *pin, *PW, "--backup", backup_id))
    return backup_id


def everybody(shell: Shell) -> None:
    """The phone's share on a token, the others' on a token and a stick."""
    backup(shell, SAFE)
    backup(shell, token("b"), "laptop.vult")
    backup(shell, "folder:my stick", "tablet.vult")


def lost(shell: Shell, party: str = "Phone", *more: str, status: int = 0) -> dict[str, Any]:
    said = shell("lost", party, *more, "--json")
    assert said.status == status, said.out
    (found,) = said.json["vaults"]
    assert isinstance(found, dict)
    return found


def commands(said: Said) -> list[str]:
    return [line.strip() for line in said.out.splitlines() if line.strip().startswith("coldshare ")]


def run(shell: Shell, command: str) -> Said:
    """Type a command as it was printed. What would be asked for at the prompt comes from files."""
    program, verb, *rest = shlex.split(command)
    assert program == "coldshare"
    if verb in ("restore", "verify"):
        at = next((word for word in rest if word.startswith(("sim:", "folder:"))), None)
        if "--recovery" in rest:
            rest[rest.index("--recovery")] = "--recovery-file"
            rest.insert(rest.index("--recovery-file") + 1, "code")
            secrets = [] if "--from" in rest else ["--pin-file", "pin"]
        else:
            secrets = [*PW, *([] if at is not None and at.startswith("folder:") else ["--pin-file", "pin"])]
        rest += secrets
    return shell(verb, *rest)


# --- import


def test_from_a_token_that_is_at_hand(shell: Shell) -> None:
    everybody(shell)
    found = lost(shell, "Phone", "--at", SAFE)
    assert (found["verdict"], found["recorded"]) == ("both", True)
    assert found["recommended"] == {"destroyed": "import", "stolen": "reshare"}
    (source,) = found["import"]["backups"]
    assert source["at_hand"]
    (way,) = source["openings"]
    assert (way["by"], way["absent"]) == ("password_and_token", [])
    good(run(shell, way["command"]))
    assert (shell.folder / source["out"]).read_bytes() == vault()[0].vult
    (phone,) = (one for one in view().parties(vault_id()) if one.party == "Phone")
    assert (phone.lost, phone.device) == (None, found["import"]["onto"])
    # Now it has a device again; whoever loses that one has a backup still.
    again = lost(shell, "new Phone")
    assert (again["party"], again["device"], again["import"]["onto"]) == ("Phone", "new Phone", "new Phone 2")


def test_from_a_token_that_is_elsewhere(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody(shell)
    tell(e.PlaceDescribed(_place(SAFE), "the grey one", "bank", "Ada", None, None))
    said = good(shell("lost", "Phone"))
    assert "Get the grey one (token, bank, with Ada)." in said.out
    (source,) = lost(shell)["import"]["backups"]
    assert not source["at_hand"]
    (way,) = source["openings"]
    assert way["absent"] == way["places"] == [source["place"]["place"]]
    monkeypatch.setenv("COLDSHARE_AT", SAFE)  # it is plugged in now
    good(run(shell, way["command"]))
    assert (shell.folder / "restored-Phone.vult").read_bytes() == vault()[0].vult


def _place(address: str) -> e.Place:
    """The only token of the ledger that the phone's share is on."""
    (one,) = (held.place for held in view().backups() if held.party == "Phone")
    assert address == SAFE
    return one


def test_from_a_stick_here_or_elsewhere(shell: Shell) -> None:
    everybody(shell)
    (source,) = lost(shell, "tablet")["import"]["backups"]
    assert source["at_hand"]
    (way,) = source["openings"]
    assert way["by"] == "password"
    (shell.folder / "my stick").rename(shell.folder / "drawer")
    (away,) = lost(shell, "tablet")["import"]["backups"]
    assert not away["at_hand"]
    assert away["openings"][0]["command"] == way["command"]  # where it was last
    assert run(shell, way["command"]).status != 0
    (shell.folder / "drawer").rename(shell.folder / "my stick")
    good(run(shell, way["command"]))
    assert (shell.folder / "restored-Tablet.vult").read_bytes() == vault()[2].vult


def test_another_stick_in_its_place_is_not_at_hand(shell: Shell) -> None:
    everybody(shell)
    (shell.folder / "my stick").rename(shell.folder / "drawer")
    (shell.folder / "my stick").mkdir()
    assert not lost(shell, "Tablet")["import"]["backups"][0]["at_hand"]


def test_from_an_exported_file(shell: Shell) -> None:
    """By its code alone; or by its password with the token, once that is there."""
    backup(shell, SAFE, "phone.vult", "--recovery-out", "code")
    good(shell("export", "--at", SAFE, "--pin-file", "pin", "--out", "."))
    file, _ = lost(shell)["import"]["backups"]
    assert (file["place"]["kind"], file["at_hand"]) == ("file", True)
    assert [way["by"] for way in file["openings"]] == ["recovery_code", "password_and_token"]
    good(run(shell, file["openings"][0]["command"]))
    written = shell.folder / file["out"]
    assert written.read_bytes() == vault()[0].vult
    written.unlink()
    tell(e.DeviceLost(vault_id(), "Phone"))
    found = lost(shell, "Phone", "--at", SAFE)["import"]["backups"]
    (file,) = (one for one in found if one["place"]["kind"] == "file")
    assert [(way["by"], way["absent"]) for way in file["openings"]] == [
        ("password_and_token", []),
        ("recovery_code", []),
    ]
    good(run(shell, file["openings"][0]["command"]))
    assert written.read_bytes() == vault()[0].vult


@pytest.mark.slow
def test_at_a_terminal_as_it_is_printed(shell: Shell) -> None:
    """Word for word, and what it asks for is typed."""
    good(shell.spawn("backup", "phone.vult", "--at", SAFE, "--pin-file", "pin", *PW, "--no-recovery"))
    with Terminal("lost", "Phone", "--at", SAFE, cwd=shell.folder) as terminal:
        terminal.finish()
    line = next(line for line in terminal.screen.splitlines() if line.strip().startswith("coldshare restore"))
    with Terminal(*shlex.split(line)[1:], cwd=shell.folder) as terminal:
        terminal.answer("PIN of the token:", PIN)
        terminal.answer("assword", PASSWORD)
        assert terminal.finish() == 0, terminal.screen
    assert (shell.folder / "restored-Phone.vult").read_bytes() == vault()[0].vult


def test_the_picture_wraps_words_and_no_command(shell: Shell) -> None:
    everybody(shell)
    plain = good(shell("lost", "Phone", "--plan", "--at", SAFE))
    with Terminal("lost", "Phone", "--plan", "--at", SAFE, cwd=shell.folder) as terminal:
        assert terminal.finish() == 0
    assert "\x1b[1m" in terminal.raw
    shown = [line.rstrip() for line in terminal.screen.splitlines()]
    assert [line.strip() for line in shown if line.strip().startswith("coldshare ")] == commands(plain)
    assert all(len(line) <= 120 for line in shown if not line.strip().startswith("coldshare "))
    assert " ".join(" ".join(shown).split()) == " ".join(plain.out.split())


# --- reshare


def test_what_must_come_back_first_is_restored_as_printed(shell: Shell) -> None:
    everybody(shell)
    lost(shell, "Laptop")
    found = lost(shell, "Phone", "--at", token("b"))
    assert found["verdict"] == "both"
    assert [one["party"] for one in found["reshare"]["ready"]] == ["Tablet"]
    (first,) = found["reshare"]["first"]
    assert (first["party"], first["device"]) == ("Laptop", "lost")
    good(run(shell, first["backups"][0]["openings"][0]["command"]))
    found = lost(shell, "Phone")
    assert [(one["party"], one["name"]) for one in found["reshare"]["ready"]] == [
        ("Laptop", "new Laptop"),
        ("Tablet", None),
    ]
    assert found["reshare"]["first"] == []


def test_every_command_of_the_text_runs(shell: Shell) -> None:
    """In their order, of both ways, but those for what only a reshare in the wallet's app makes."""
    backup(shell, SAFE)
    typed = commands(good(shell("lost", "Phone", "--at", SAFE)))
    assert [shlex.split(line)[1:3] for line in typed] == [
        ["restore", "--backup"],
        ["status"],
        ["reshare", "start"],
        ["reshare", "next"],
        ["reshare", "join"],
        ["reshare", "finish"],
        ["status"],
        ["lost", "--found"],
    ]
    for line in typed:
        verb, *rest = shlex.split(line)[1:]
        if verb == "reshare" and rest[0] != "start":
            continue
        assert run(shell, line).status == (8 if verb in ("status", "lost") else 0), line
    found = lost(shell)
    assert (found["reshare"]["under_way"], found["reshare"]["command"]) == (True, "coldshare reshare status Savings")
    assert run(shell, found["reshare"]["command"]).status == 8
    # Nothing old gives way before the new shares have signed, and no second reshare is begun.
    text = " ".join(good(shell("lost", "Phone")).out.split())
    assert text.index("Let the vault sign something small. When it has") < text.index("coldshare reshare finish")
    assert "If no app has made it yet: in the wallet's app, begin a reshare" in text


def test_the_plan_of_the_reshare_leaves_the_lost_one_out(shell: Shell) -> None:
    """Also where its share could be restored for that as well as another one's."""
    everybody(shell)
    lost(shell, "Laptop")
    command = lost(shell, "Phone")["reshare"]["command"]
    planned = good(shell(*shlex.split(command)[1:], "--look", "--json")).json
    assert (planned["staying"], planned["leaving"]) == (["Laptop", "Tablet"], ["Phone"])
    assert planned["restore_first"] == ["Laptop"]
    assert (planned["threshold"], planned["parties"]) == (2, 3)


# --- neither


def test_a_place_that_is_found_brings_the_way_back(shell: Shell) -> None:
    backup(shell, SAFE)
    tell(e.PlaceLost(_place(SAFE)), *(e.DeviceLost(vault_id(), party) for party in ("Laptop",)))
    found = lost(shell, status=9)
    assert (found["verdict"], found["reach"]) == ("neither", 1)
    assert (found["import"]["possible"], found["reshare"]["possible"]) == (False, False)
    (command,) = (note["command"] for note in found["missing"] if note["code"] == "place_lost")
    said = shell("lost", "Phone")
    assert "NEITHER WAY BACK IS POSSIBLE NOW." in said.out
    assert command in commands(said)
    assert run(shell, command).status in (0, 8)
    assert lost(shell)["verdict"] == "import"


def test_a_stick_that_names_nobody_is_looked_at(shell: Shell) -> None:
    """A new computer: of the stick it knows the ids only, and of the other parties nothing but that they exist."""
    backup(shell, "folder:my stick")
    backup(shell, SAFE, "laptop.vult")
    ledger_path().unlink()
    good(shell("ledger", "rescan", "--at", "folder:my stick"))
    good(shell("ledger", "rescan", "--at", SAFE, "--pin-file", "pin"))
    failed(shell("lost", "Phone"), "party_unknown", 3, as_json=False)
    found = lost(shell, "Laptop", "--plan")
    assert found["reshare"]["unknown"] == 2
    good(shell("verify", "--at", "folder:my stick", *PW))
    assert lost(shell, "Phone")["import"]["possible"]


def test_the_command_for_a_nameless_stick(shell: Shell) -> None:
    backup(shell, SAFE, "laptop.vult")
    backup(shell, "folder:my stick")
    ledger_path().unlink()
    good(shell("ledger", "rescan", "--at", "folder:my stick"))
    good(shell("ledger", "rescan", "--at", SAFE, "--pin-file", "pin"))
    tell(e.DeviceLost(vault_id(), "Phone"), e.DeviceLost(vault_id(), "Tablet"), e.PlaceLost(_laptops()))
    found = lost(shell, "Laptop", status=9)
    (command,) = (note["command"] for note in found["missing"] if note["code"] == "nameless")
    good(run(shell, command))
    assert "nameless" not in [note["code"] for note in lost(shell, "Laptop", status=9)["missing"]]
    assert lost(shell, "Phone", status=9)["import"]["backups"]


def _laptops() -> e.Place:
    (one,) = (held.place for held in view().backups() if held.party == "Laptop")
    return one


def reshared(shell: Shell) -> None:
    """Two generations of three shares, as `phone-1.vult` and `phone-2.vult`."""
    for number, shares in enumerate(generations(2), 1):
        for share in shares:
            shell.write(f"{share.party.lower()}-{number}.vult", share.vult)
            shell.secrets.add_share(share.vult)


def test_two_generations_are_ordered_as_printed(shell: Shell) -> None:
    reshared(shell)
    backup(shell, SAFE, "phone-1.vult")
    backup(shell, "folder:my stick", "laptop-2.vult")
    found = lost(shell, status=9)
    assert (found["verdict"], found["generation"]) == ("unordered", None)
    assert len(found["candidates"]) == 2
    assert [note["code"] for note in found["never"]] == ["unordered"]
    assert "NOTHING CAN BE RECOMMENDED YET" in shell("lost", "Phone").out
    newer = generations(2)[1][1]
    told = [note["command"] for note in found["missing"] if note["code"] == "tell" and "folder" in note["command"]]
    (command,) = told
    good(run(shell, command))
    assert newer.party == "Laptop"
    assert lost(shell)["verdict"] == "reshare"


def test_older_shares_are_the_last_resort(shell: Shell) -> None:
    reshared(shell)
    backup(shell, SAFE, "phone-1.vult")
    backup(shell, token("b"), "laptop-1.vult")
    good(shell("inspect", "phone-2.vult"))
    backup(shell, SAFE, "phone-2.vult", "--newer")
    old = {bytes.fromhex(one["generation"]) for one in _held(shell, SAFE) if one["state"] == "active"}
    assert len(old) == 1
    for held in _held(shell, SAFE):
        if bytes.fromhex(held["generation"]) not in old:
            good(shell("remove", held["backup_id"][:8], "--at", SAFE, "--pin-file", "pin"))
    found = lost(shell)
    lost(shell, "Laptop", "--vault", "Savings", status=9)
    found = lost(shell, status=9)
    (resort,) = found["older"]
    assert [note["code"] for note in found["never"]] == ["mixed_generations", "together"]
    assert {one["party"] for one in resort["backups"]} == {"Laptop", "Phone"}
    text = shell("lost", "Phone", "--at", SAFE)
    assert "LAST RESORT: older shares" in text.out
    (first, *_) = [line for line in commands(text) if line.startswith("coldshare restore")]
    assert "--onto" not in first


def _held(shell: Shell, at: str) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = good(shell("list", "--at", at, "--pin-file", "pin", "--json")).json["backups"]
    return held


# --- what is recorded


def test_it_is_recorded_once(shell: Shell) -> None:
    everybody(shell)
    before = kinds()
    first = lost(shell)
    assert kinds() == [*before, "device_lost"]
    second = lost(shell)
    assert kinds() == [*before, "device_lost"]
    assert (first["recorded"], second["recorded"]) == (True, False)
    assert first["lost"] == second["lost"] is not None
    assert "The ledger has it as lost: today" in shell("lost", "Phone").out


def test_a_plan_records_nothing(shell: Shell) -> None:
    everybody(shell)
    before = kinds()
    found = lost(shell, "Phone", "--plan", "--at", SAFE)
    said = good(shell("lost", "Phone", "--plan"))
    assert kinds() == before
    assert (found["recorded"], found["lost"], found["verdict"]) == (False, None, "both")
    assert commands(said)[-1] == "coldshare lost Phone"
    # Until then nobody would be let do it.
    command = found["import"]["backups"][0]["openings"][0]["command"]
    failed(run(shell, command), "party_alive", 5, as_json=False)
    good(run(shell, commands(said)[-1]))
    good(run(shell, command))


def test_found_again(shell: Shell) -> None:
    everybody(shell)
    before = kinds()
    assert lost(shell, "Phone", "--found")["code"] == "not_lost"
    assert kinds() == before
    said = good(shell("lost", "Phone"))
    assert commands(said)[-1] == "coldshare lost --found Phone"
    found = good(run(shell, commands(said)[-1]))
    assert kinds() == [*before, "device_lost", "device_found"]
    assert "Its share counts again." in found.out
    assert [one.lost for one in view().parties(vault_id())] == [None] * 3


def test_found_after_its_share_went_onto_a_new_device(shell: Shell) -> None:
    everybody(shell)
    good(run(shell, lost(shell, "Phone", "--at", SAFE)["import"]["backups"][0]["openings"][0]["command"]))
    before = kinds()
    found = lost(shell, "Phone", "--found", status=8)
    assert (found["code"], found["rule"], found["device"], found["recorded"]) == ("two_devices", 3, "new Phone", False)
    assert kinds() == before
    assert "two devices have one share" in shell("lost", "Phone", "--found").out


def test_the_way_back_is_told_though_nothing_can_be_recorded(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody(shell)
    monkeypatch.setattr(store, "EVENTS_MAX", 1)
    said = shell("lost", "Phone", "--json")
    assert said.status == 0
    (found,) = said.json["vaults"]
    assert (found["recorded"], found["verdict"]) == (False, "both")
    (warning,) = said.json["warnings"]
    assert "could not be written into the ledger" in warning
    text = good(shell("lost", "Phone"))
    assert "could not be written into the ledger" in text.err
    assert "WAY A" in text.out


# --- names


def test_two_vaults_and_the_worse_one_decides(shell: Shell) -> None:
    everybody(shell)
    other = vault("Spending", ("Phone", "Watch"))
    shell.write("spending.vult", other[0].vult)
    shell.secrets.add_share(other[0].vult)
    backup(shell, token("c"), "spending.vult")
    said = shell("lost", "Phone", "--json")
    assert said.status == 0
    assert [(one["vault"]["name"], one["verdict"]) for one in said.json["vaults"]] == [
        ("Savings", "both"),
        ("Spending", "import"),
    ]
    good(shell("remove", "--at", token("c"), "--pin-file", "pin", _held(shell, token("c"))[0]["backup_id"]))
    assert [one["verdict"] for one in shell("lost", "Phone", "--json").json["vaults"]] == ["both", "neither"]
    assert shell("lost", "Phone").status == 9
    assert lost(shell, "Phone", "--vault", "savings")["verdict"] == "both"
    assert lost(shell, "Phone", "--vault", "Spending", status=9)["verdict"] == "neither"


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_not_known(shell: Shell, as_json: bool) -> None:
    more = ["--json"] if as_json else []
    words = failed(shell("lost", "Phone", *more), "no_ledger", 3, as_json=as_json)
    assert "coldshare ledger import FILE" in words
    everybody(shell)
    words = failed(shell("lost", "Watch", *more), "party_unknown", 3, as_json=as_json)
    assert "Laptop, Phone, Tablet" in words
    failed(shell("lost", "Phone", "--vault", "Spending", *more), "unknown_vault", 3, as_json=as_json)
    failed(shell("lost", "Phone", "--plan", "--found", *more), "usage", 2, as_json=as_json)
    failed(shell("lost", "Phone", "--at", "nothing", *more), "bad_address", 2, as_json=as_json)
    assert "device_lost" not in kinds()


def test_a_name_that_begins_so(shell: Shell) -> None:
    names = ("iPhone-ab12", "iPad-cd34", "Mac-ef56")
    share = vault("Savings", names)[0]
    shell.write("i.vult", share.vult)
    shell.secrets.add_share(share.vult)
    backup(shell, SAFE, "i.vult")
    words = failed(shell("lost", "ip"), "party_ambiguous", 3, as_json=False)
    assert "iPad-cd34, iPhone-ab12" in words
    assert lost(shell, "iph")["party"] == "iPhone-ab12"


def test_a_shell_offers_the_parties(shell: Shell) -> None:
    def offered(incomplete: str) -> list[str]:
        found = cli.get_command(click.Context(cli), "lost")
        assert found is not None
        (party,) = (one for one in found.params if one.name == "party")
        return [one.value for one in party.shell_complete(click.Context(found), incomplete)]

    assert offered("") == []
    names = ("Phone", "Pad", "Ada's phone")  # a shell would take the last one apart
    share = vault("Savings", names)[0]
    shell.write("p.vult", share.vult)
    shell.secrets.add_share(share.vult)
    backup(shell, SAFE, "p.vult")
    assert offered("") == ["Pad", "Phone"]
    assert offered("Ph") == ["Phone"]
    assert offered("x") == []


def test_a_token_that_the_ledger_does_not_know_is_a_note(shell: Shell) -> None:
    everybody(shell)
    said = shell("lost", "Phone", "--at", token("c"), "--json")
    (warning,) = said.json["warnings"]
    assert "is not in the ledger" in warning
    assert "Note: " in good(shell("lost", "Phone", "--at", token("c"))).out


# --- rule 1


def test_rule_1_a_computer_that_has_had_another_share_is_told_to_stand_back(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phone's share was handled by one computer, the laptop's by this one; each by a process of its own."""
    monkeypatch.delenv("COLDSHARE_SINGLE_HOST", raising=False)
    good(_alone(shell, "backup", "phone.vult", "--at", SAFE, "--pin-file", "pin", *PW, "--no-recovery"))
    good(shell("ledger", "export", "phone.txt"))
    monkeypatch.setenv("COLDSHARE_HOME", str(shell.folder / "laptop's home"))
    good(_alone(shell, "backup", "laptop.vult", "--at", "folder:my stick", *PW, "--no-recovery"))
    good(shell("ledger", "join", "phone.txt"))
    found = lost(shell, "Phone", "--at", SAFE)
    (note,) = (one for one in found["never"] if one["code"] == "single_host")
    assert (note["rule"], note["parties"]) == (1, ["Laptop", "Phone"])
    assert found["import"]["possible"]
    text = good(shell("lost", "Phone", "--at", SAFE))
    assert "Take another one. (rule 1)" in text.out
    away, back, command, *_ = commands(text)
    failed(_alone(shell, *_secret(command)), "single_host", 5, as_json=False)
    good(run(shell, away))
    monkeypatch.setenv("COLDSHARE_HOME", str(shell.folder / "another home"))
    good(run(shell, back))
    good(_alone(shell, "pair", "--at", SAFE))
    good(_alone(shell, *_secret(command)))
    assert (shell.folder / "restored-Phone.vult").read_bytes() == vault()[0].vult
    monkeypatch.setenv("COLDSHARE_HOME", str(shell.home))
    assert "single_host" not in [note["code"] for note in lost(shell, "Phone")["never"]]


def _alone(shell: Shell, *argv: str) -> Said:
    """By a process that has done nothing yet."""
    with process.fresh():
        return shell(*argv)


def _secret(command: str) -> list[str]:
    return [*shlex.split(command)[1:], "--pin-file", "pin", *PW]


# --- found, after the share was on more than one device


def twice_lost(shell: Shell) -> None:
    """The phone is lost, its share goes onto another one, and that is lost as well."""
    everybody(shell)
    good(run(shell, lost(shell, "Phone", "--at", SAFE)["import"]["backups"][0]["openings"][0]["command"]))
    good(shell("lost", "Phone"))


def phone() -> Party:
    (one,) = (one for one in view().parties(vault_id()) if one.party == "Phone")
    return one


def standing(shell: Shell) -> dict[str, Any]:
    (one,) = (one for one in shell("status", "--json").json["vaults"][0]["members"] if one["party"] == "Phone")
    device: dict[str, Any] = one["device"]
    return device


@pytest.mark.parametrize("as_json", [False, True])
def test_which_one_was_found_has_to_be_said(shell: Shell, as_json: bool) -> None:
    twice_lost(shell)
    before = kinds()
    said = shell("lost", "--found", "Phone", *(["--json"] if as_json else []))
    told = failed(said, "which_device", 3, as_json=as_json)
    assert kinds() == before
    assert "'Phone', lost since 20" in told
    assert "'new Phone', restored 20" in told
    first, last = (line[line.index("coldshare ") :].rstrip(".") for line in told.splitlines()[-1].split(", or: "))
    failed(shell("lost", "--found", "Phone", "--device", "older Phone"), "which_device", 3, as_json=False)
    good(run(shell, last))
    assert kinds() == [*before, "device_found"]
    assert (phone().device, phone().lost) == ("new Phone", None)
    good(shell("lost", "Phone"))
    found = good(run(shell, first))
    assert "the device of Phone, 'Phone', has been found. It was lost since 20" in found.out
    assert "Another device had this share, too." in found.out
    assert (phone().device, phone().lost) == ("Phone", None)
    assert (standing(shell)["state"], standing(shell)["name"]) == ("restored", "Phone")


def test_the_name_of_the_device_says_which(shell: Shell) -> None:
    twice_lost(shell)
    found = lost(shell, "new phone", "--found")
    assert (found["code"], found["device"], found["recorded"]) == ("found", "new Phone", True)
    assert kinds()[-1] == "device_found"


def test_the_first_one_turns_up_while_the_other_one_is_there(shell: Shell) -> None:
    everybody(shell)
    good(run(shell, lost(shell, "Phone", "--at", SAFE)["import"]["backups"][0]["openings"][0]["command"]))
    before = kinds()
    found = lost(shell, "Phone", "--found", "--device", "Phone", status=8)
    assert (found["code"], found["recorded"]) == ("two_devices", False)
    assert lost(shell, "Phone", "--found", "--device", "new Phone")["code"] == "not_lost"
    assert kinds() == before


def test_the_first_one_is_lost_again_and_found(shell: Shell) -> None:
    """It took the place of the other one, and is still asked for by its own name."""
    twice_lost(shell)
    good(shell("lost", "--found", "Phone", "--device", "Phone"))
    good(shell("lost", "Phone"))
    failed(shell("lost", "--found", "Phone"), "which_device", 3, as_json=False)
    assert lost(shell, "Phone", "--found", "--device", "Phone")["code"] == "found"
    assert (phone().device, kinds()[-1]) == ("Phone", "device_found")


def test_the_first_one_has_no_share_of_a_later_generation(shell: Shell) -> None:
    """The other one took part in a reshare before it was lost: its share is newer."""
    twice_lost(shell)
    vault, newer = vault_id(), bytes([9]) * 32
    (old,) = view().generations(vault)
    tell(e.GenerationNewer(vault, newer, old.generation))
    signers = ("Phone", "Laptop", "Tablet")
    for party in signers:
        whose = e.Share(vault, "Savings", party, newer, 2, 3, 2)
        tell(e.BackupStored(e.Place(e.FOLDER, bytes(16)), party.encode().ljust(16), whose, 1000, e.ACTIVE, False))
    found = lost(shell, "Phone", "--found", "--device", "Phone", status=8)
    assert (found["code"], found["rule"], found["recorded"]) == ("stale_share", 5, True)
    assert standing(shell)["state"] == "stale"


def test_a_device_is_named_for_found_only(shell: Shell) -> None:
    everybody(shell)
    failed(shell("lost", "Phone", "--device", "Phone"), "usage", 2, as_json=False)
    assert lost(shell, "Phone", "--found", "--device", "Phone")["code"] == "not_lost"
    failed(shell("lost", "Phone", "--found", "--device", "Laptop"), "which_device", 3, as_json=False)
