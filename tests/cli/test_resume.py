"""`coldshare resume`: a backup goes on after the link broke, as a person and as a script see it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from coldshare.cli.ui import Ui
from coldshare.device.errors import TokenGoneError
from coldshare.device.token import TokenClient
from coldshare.device.transport.sim import SimTransport
from coldshare.recovery import parse_file
from coldshare_iface.errors import ColdshareError
from coldshare_sim.flash import Chip
from support.desk import Cable, Desk, power_up, vault
from support.reshare import generations
from support.shell import Said, Shell, failed, holds
from support.terminal import Terminal

# Processes, terminals and real key derivation take their time; tests/host has the same without them.
pytestmark = pytest.mark.slow

YES = "sim:a.token?user=approve"
NO = "sim:a.token?user=reject"
OTHER = "sim:b.token?user=approve"
PIN = ("--pin-file", "pin")
BACKUP = ("backup", "phone.vult", *PIN, "--password-file", "pw", "--no-recovery")
RESUME = ("resume", "--at", YES, *PIN)
FORGET = ("resume", "--forget")
SHARE = vault()[0].vult
#: Pulls the token out in its `with` block, after so many reports to it. Gives how many have passed.
Pulled = Callable[..., AbstractContextManager[list[int]]]
#: Reports to the token after which a backup is in the middle of its chunks; what comes before them is a few dozen.
MIDDLE = 1500


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


@pytest.fixture
def ready(shell: Shell) -> Shell:
    """Two tokens that are set up, `a.token` and `b.token`."""
    desk = Desk(shell.home)
    (shell.folder / "a.token").write_bytes(desk.token().image)
    (shell.folder / "b.token").write_bytes(desk.token(1, "Safe B").image)
    shell.write("wrong-pin", "918273", secret="wrong PIN")
    return shell


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> Pulled:
    @contextmanager
    def after(count: int = MIDDLE) -> Iterator[list[int]]:
        passed = [0]
        write = SimTransport.write

        def counted(transport: SimTransport, report: bytes) -> None:
            if passed[0] >= count:
                raise TokenGoneError
            passed[0] += 1
            write(transport, report)

        with monkeypatch.context() as patch:
            patch.setattr(SimTransport, "write", counted)
            yield passed

    return after


@pytest.fixture
def cut(ready: Shell, pulled: Pulled) -> Shell:
    """A backup to `a.token` is on its way; its recovery code is in `code`."""
    with pulled():
        said = ready("backup", "phone.vult", "--at", YES, *PIN, "--password-file", "pw", "--recovery-out", "code")
    text = failed(said, "token_gone", 6, as_json=False)
    assert "go on where it stopped with coldshare resume" in text
    assert "Keep code: it has the recovery code of that backup." in text
    ready.secrets.add("recovery code", parse_file((ready.folder / "code").read_text()).code.text)
    return ready


def entries(shell: Shell) -> list[Path]:
    folder = shell.home / "outbox"
    return sorted(folder.iterdir()) if folder.exists() else []


def on_token(shell: Shell) -> object:
    """(backup id, state) of everything on `a.token`, reservations too."""
    found = holds(shell.folder / "a.token")
    assert isinstance(found, tuple)
    return found[2]


def restored(shell: Shell, *key: str) -> bytes:
    argv = key or ("--password-file", "pw")
    good(shell("restore", "--at", YES, *PIN, *argv, "--out", "back.vult"))
    return (shell.folder / "back.vult").read_bytes()


def test_it_goes_on(cut: Shell) -> None:
    (entry,) = entries(cut)
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o700
    said = good(cut(*RESUME))
    assert "Going on: the share of Phone of 'Savings', backup " in said.err
    assert "Writing to the token" in said.err
    assert "Reading back" in said.err
    assert "Sealing" not in said.err
    assert "Finished: the share of Phone of 'Savings'" in said.out
    assert "recovery code that was made for it" in said.out
    assert entries(cut) == []
    assert restored(cut) == SHARE
    good(cut("verify", "--at", YES, *PIN, "--recovery-file", "code"))


def test_only_the_rest_crosses(ready: Shell, pulled: Pulled) -> None:
    with pulled(10**9) as passed:
        sealed = good(ready(*BACKUP, "--at", OTHER, "--json")).json["sealed_size"]
    whole = passed[0]
    with pulled():
        failed(ready(*BACKUP, "--at", YES, "--json"), "token_gone", 6, as_json=True)
    with pulled(10**9) as passed:
        answer = good(ready(*RESUME, "--json")).json
    (done,) = answer["backups"]
    assert done["sealed_size"] == sealed
    assert 0.7 * 59 * MIDDLE < done["resumed_at"] < 59 * MIDDLE
    # Both have about as many other reports.
    assert abs(whole - passed[0] - done["resumed_at"] / 59) < 0.05 * whole


def test_as_json(cut: Shell) -> None:
    answer = good(cut(*RESUME, "--json")).json
    assert (answer["ok"], answer["command"], answer["token"]["label"]) == (True, "resume", "Safe A")
    (done,) = answer["backups"]
    (held,) = good(cut("list", "--at", YES, *PIN, "--json")).json["backups"]
    assert held.pop("old") is False
    assert {key: done[key] for key in held} == held
    assert held["state"] == "active"
    assert (done["already_confirmed"], done["recovery"], answer["warnings"]) == (False, True, [])


def test_cut_twice_and_resumed_twice(cut: Shell, pulled: Pulled) -> None:
    with pulled(700):
        text = failed(cut(*RESUME), "token_gone", 6, as_json=False)
    assert "coldshare resume" in text
    good(cut(*RESUME))
    assert restored(cut) == SHARE
    text = failed(cut(*RESUME), "nothing_to_resume", 3, as_json=False)
    assert "coldshare list" in text


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_nothing_to_resume(ready: Shell, as_json: bool) -> None:
    """An exit status that a script does not take for a success, and nobody is asked for a PIN."""
    before = ready.snapshot()
    for argv in (("resume", "--at", YES), FORGET, (*FORGET, "--at", YES)):
        failed(ready(*argv, *(["--json"] if as_json else [])), "nothing_to_resume", 3, as_json=as_json)
    failed(ready("resume", *(["--json"] if as_json else [])), "no_address", 2, as_json=as_json)
    assert ready.snapshot() == before


def test_another_token(cut: Shell) -> None:
    before = cut.snapshot()
    text = failed(cut("resume", "--at", OTHER), "resume_other_token", 3, as_json=False)
    (entry,) = entries(cut)
    serial = entry.name[:16]
    assert f"to 'Safe A' (serial {serial})" in text
    assert "the share of Phone of 'Savings'" in text
    known = {token["serial"] for token in cut("tokens", "--json").json["tokens"]}
    assert len(known) == 2
    assert all(one in text for one in known)
    assert cut.snapshot() == before
    good(cut(*RESUME))


def test_a_wiped_token(cut: Shell) -> None:
    good(cut("wipe", "--at", YES))
    text = failed(cut(*RESUME), "resume_other_token", 3, as_json=False)
    assert "wiped" in text
    said = good(cut(*FORGET, "--at", YES))
    assert "The token was not told" in said.out
    assert entries(cut) == []


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_the_token_has_forgotten_it(cut: Shell, as_json: bool) -> None:
    """Another computer has begun a backup there since."""
    (entry,) = entries(cut)
    kept = entry.read_bytes()
    good(cut(*BACKUP, "--at", YES))
    entry.parent.mkdir()
    entry.write_bytes(kept)
    said = cut(*RESUME, *(["--json"] if as_json else []))
    text = failed(said, "resume_forgotten", 5, as_json=as_json)
    assert "coldshare backup FILE" in text
    assert "opens nothing: destroy it" in text
    assert entries(cut) == []


def test_no_at_the_token(cut: Shell) -> None:
    text = failed(cut("resume", "--at", NO, *PIN), "rejected", 5, as_json=False)
    assert "given up" in text
    assert entries(cut) == []
    assert on_token(cut) == []


def test_a_wrong_pin_costs_an_attempt_and_nothing_else(cut: Shell) -> None:
    failed(cut("resume", "--at", YES, "--pin-file", "wrong-pin"), "pin_wrong", 4, as_json=False)
    failed(cut(*FORGET, "--at", YES, "--pin-file", "wrong-pin"), "pin_wrong", 4, as_json=False)
    assert len(entries(cut)) == 1
    good(cut(*RESUME))


# --- stored, and not confirmed


@pytest.fixture
def stored(ready: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Ctrl-C during the read-back."""
    on_step = Ui.on_step

    def cancelled(ui: Ui, step: str, done: int, total: int) -> None:
        on_step(ui, step, done, total)
        if step == "reading":
            ui.cancel.set()

    with monkeypatch.context() as patch:
        patch.setattr(Ui, "on_step", cancelled)
        said = ready(*BACKUP, "--at", YES)
    text = failed(said, "cancelled", 130, as_json=False)
    assert "coldshare resume" in text
    assert "coldshare verify" in text
    assert len(entries(ready)) == 1
    return ready


def test_what_was_stored_is_read_back(stored: Shell) -> None:
    said = good(stored(*RESUME))
    assert "Writing" not in said.err
    assert "are the ones that were sent" in said.out
    (held,) = good(stored("list", "--at", YES, *PIN, "--json")).json["backups"]
    assert held["state"] == "active"
    assert entries(stored) == []


def test_verify_finishes_it_too(stored: Shell) -> None:
    (before,) = good(stored("list", "--at", YES, *PIN, "--json")).json["backups"]
    assert before["state"] == "unconfirmed"
    good(stored("verify", "--at", YES, *PIN, "--no-password"))
    assert len(entries(stored)) == 1
    good(stored("verify", "--at", YES, *PIN, "--password-file", "pw"))
    assert entries(stored) == []
    failed(stored(*RESUME), "nothing_to_resume", 3, as_json=False)


def test_it_was_confirmed_already(stored: Shell) -> None:
    (entry,) = entries(stored)
    kept = entry.read_bytes()
    good(stored(*RESUME))
    entry.parent.mkdir()
    entry.write_bytes(kept)
    said = good(stored("resume", "--at", NO, *PIN))  # nobody is asked for anything
    assert "Nothing was left to do" in said.out
    assert entries(stored) == []
    entry.parent.mkdir()
    entry.write_bytes(kept)
    (done,) = good(stored(*RESUME, "--json")).json["backups"]
    assert (done["already_confirmed"], done["resumed_at"]) == (True, None)


def test_forgetting_it_leaves_it_on_the_token(stored: Shell) -> None:
    said = good(stored(*FORGET))
    assert "coldshare verify confirms it" in said.out
    (held,) = good(stored("list", "--at", YES, *PIN, "--json")).json["backups"]
    assert held["state"] == "unconfirmed"


# --- giving it up


def test_forget_with_the_token_at_hand(cut: Shell) -> None:
    said = good(cut(*FORGET, "--at", YES, *PIN))
    assert "Given up: the share of Phone of 'Savings', backup " in said.out
    assert "destroyed its secret" in said.out
    assert "opens nothing: destroy it" in said.out
    assert entries(cut) == []
    assert on_token(cut) == []


def test_forget_without_it(cut: Shell) -> None:
    (entry,) = entries(cut)
    serial, backup_id = entry.stem.split("-")
    answer = good(cut(*FORGET, "--json")).json
    assert (answer["serial"], answer["backup_id"]) == (serial, backup_id)
    assert (answer["token_told"], answer["stored"]) == (False, None)
    assert entries(cut) == []
    # The token has its reservation until the next backup.
    assert on_token(cut) == [(backup_id, 0)]
    good(cut(*BACKUP, "--at", YES))


@pytest.mark.parametrize("at", ["sim:gone.token", "sim+unix:nobody", OTHER])
def test_forget_what_another_token_or_none_had(cut: Shell, at: str) -> None:
    said = good(cut(*FORGET, "--at", at, *PIN))
    assert "to 'Safe A'" in said.out
    assert "The token was not told" in said.out
    assert entries(cut) == []


def test_a_burnt_token_has_forgotten_it(cut: Shell) -> None:
    chip = Chip((cut.folder / "a.token").read_bytes())
    for _ in range(8):
        client = TokenClient(Cable(power_up(chip)))
        client.connect(cut.store)
        with pytest.raises(ColdshareError):
            client.unlock("918273")
    (cut.folder / "a.token").write_bytes(chip.image)
    failed(cut(*RESUME), "burnt", 4, as_json=False)
    assert len(entries(cut)) == 1
    assert "The token was not told" in good(cut(*FORGET, "--at", YES, *PIN)).out
    assert entries(cut) == []


def test_two_of_them(cut: Shell, pulled: Pulled) -> None:
    (first,) = entries(cut)
    with pulled():
        failed(cut(*BACKUP, "--at", OTHER), "token_gone", 6, as_json=False)
    (second,) = set(entries(cut)) - {first}
    text = failed(cut(*FORGET), "which_backup", 3, as_json=False)
    assert "'Safe A'" in text
    assert "'Safe B'" in text
    assert "--backup" in text
    assert len(entries(cut)) == 2
    # The token at hand says which.
    good(cut(*RESUME))
    assert entries(cut) == [second]
    failed(cut(*FORGET, "--backup", "zz"), "nothing_to_resume", 3, as_json=False)
    good(cut(*FORGET, "--backup", second.stem.split("-")[1][:6]))
    assert entries(cut) == []


# --- a new backup all the same


def test_a_new_backup_says_what_it_ends(cut: Shell, pulled: Pulled) -> None:
    (first,) = entries(cut)
    before = cut.snapshot()
    text = cut("backup", "phone.vult", "--at", YES, *PIN, "--no-recovery").err
    assert "coldshare resume would go on with it" in text
    assert "destroy" not in text
    assert "Error (secret_needed)" in text
    # Nothing has happened yet: who reads it at a terminal can still change their mind.
    assert {name: cut.snapshot()[name] for name in before if "outbox" in name or name == "a.token"} == {
        name: before[name] for name in before if "outbox" in name or name == "a.token"
    }
    said = good(cut(*BACKUP, "--at", YES))
    assert "starts over and takes its place" in said.err
    short = first.stem.split("-")[1][:8]
    assert f"The unfinished backup {short} was given up for it. The recovery code of that one opens nothing" in said.out
    assert entries(cut) == []
    with pulled():
        failed(cut(*BACKUP, "--at", YES, "--json"), "token_gone", 6, as_json=True)
    (second,) = entries(cut)
    answer = good(cut(*BACKUP, "--at", YES, "--json")).json
    assert answer["gave_up"] == [second.stem.split("-")[1]]
    assert entries(cut) == []


def test_a_new_backup_of_another_vault(cut: Shell) -> None:
    cut.write("other.vult", vault("Other")[0].vult)
    cut.secrets.add_share(vault("Other")[0].vult)
    said = good(cut("backup", "other.vult", *BACKUP[2:], "--at", YES))
    assert "the share of Phone of 'Savings', backup " in said.err
    assert "given up for this one" in said.err
    assert "The unfinished backup " in said.out
    assert entries(cut) == []


def test_a_newer_generation_stands_beside_the_old_one_after_all(ready: Shell, pulled: Pulled) -> None:
    old, new, _ = generations()
    for name, share in (("old.vult", old[0]), ("new.vult", new[0])):
        ready.write(name, share.vult)
        ready.secrets.add_share(share.vult)
    good(ready("backup", "old.vult", *BACKUP[2:], "--at", YES))
    with pulled():
        failed(ready("backup", "new.vult", "--newer", *BACKUP[2:], "--at", YES), "token_gone", 6, as_json=False)
    said = good(ready(*RESUME))
    assert "counts once that is retired: coldshare retire ID" in said.out
    states = [held["state"] for held in good(ready("list", "--at", YES, *PIN, "--json")).json["backups"]]
    assert states == ["active", "next"]
    assert entries(ready) == []


def test_a_reseal_ends_it_and_keeps_nothing(stored: Shell, pulled: Pulled) -> None:
    good(stored(*RESUME))
    with pulled():
        failed(stored(*BACKUP, "--at", YES), "token_gone", 6, as_json=False)
    assert len(entries(stored)) == 1
    argv = ("reseal", "--at", YES, *PIN, "--password-file", "pw", "--no-recovery")
    with pulled(MIDDLE + 200):
        said = stored(*argv)
    text = failed(said, "token_gone", 6, as_json=False)
    assert "coldshare resume" not in text
    assert "takes its place" in said.err
    assert entries(stored) == []
    good(stored(*argv))


# --- whatever it was that broke the link


@pytest.mark.parametrize(
    "fault",
    [
        "unplug:to-token:1500",
        "unplug:to-host:record.20",
        "stall:to-token:1500",
        "drop:to-token:1500",
        "drop:to-host:record.20",
        "truncate:to-token:1500",
        "corrupt:to-token:1500",
        "replay:to-token:1500=1400",
        *(f"cut:{number}={mode}" for mode in ("clean", "half", "random") for number in (40, 90, 190)),
    ],
)
def test_faults_of_the_cable_and_of_the_power(ready: Shell, fault: str) -> None:
    said = ready(*BACKUP, "--at", f"{YES}&fault={fault}", "--json")
    assert said.status == 6, said.out
    assert "coldshare resume" in said.json["error"]["next"]
    (done,) = good(ready(*RESUME, "--json")).json["backups"]
    # What had arrived was on its flash, but for what a cut power took with it.
    assert done["resumed_at"] >= (60_000 if "cut" not in fault else 20_000 if "190" in fault else 0)
    assert entries(ready) == []
    assert restored(ready) == SHARE


def test_pulled_out_while_it_asks_for_its_button(ready: Shell) -> None:
    failed(ready(*BACKUP, "--at", f"{YES}&fault=unplug:to-host:keepalive"), "token_gone", 6, as_json=False)
    said = good(ready(*RESUME))
    assert "The token had all" in said.out
    assert restored(ready) == SHARE


# --- files that are none


@pytest.mark.parametrize("size", [0, 1, 100, 5000, -1])
def test_a_damaged_entry(cut: Shell, size: int) -> None:
    (entry,) = entries(cut)
    entry.write_bytes(entry.read_bytes()[:size])
    text = failed(cut(*RESUME), "outbox_unreadable", 3, as_json=False)
    assert str(entry) in text
    assert "coldshare resume --forget" in text
    assert len(entries(cut)) == 1
    if size:
        good(cut(*FORGET))
    else:
        said = good(cut(*BACKUP, "--at", YES))
        assert "was on its way to this token" in said.err
        assert restored(cut) == SHARE
    assert entries(cut) == []


def test_where_nothing_can_be_kept(ready: Shell, pulled: Pulled) -> None:
    (ready.home / "outbox").write_bytes(b"a file where the folder should be")
    said = good(ready(*BACKUP, "--at", YES))
    assert "Note: After a broken link this backup starts over" in said.err
    assert restored(ready) == SHARE
    with pulled():
        text = failed(ready(*BACKUP, "--at", YES), "token_gone", 6, as_json=False)
    assert "coldshare resume" not in text
    text = failed(ready(*RESUME), "outbox_unreadable", 3, as_json=False)
    assert "Move it away" in text


# --- processes


KILLED = """
import os, signal, sys
from coldshare.cli.app import run
from coldshare.cli.ui import Ui
from coldshare.seal import primitives
from support.desk import quick_argon2id

primitives.argon2id = quick_argon2id
on_step = Ui.on_step

def killed(ui, step, done, total):
    on_step(ui, step, done, total)
    if step == sys.argv[1] and done > 60_000:
        os.kill(os.getpid(), signal.SIGKILL)

Ui.on_step = killed
run(sys.argv[2:])
"""


@pytest.mark.parametrize("step", ["writing", "reading"])
def test_killed_in_the_middle(ready: Shell, step: str) -> None:
    """The token is in the same process, so both sides go down at once, and come up again."""
    argv = [sys.executable, "-c", KILLED, step, *BACKUP, "--at", YES]
    path = {"PYTHONPATH": str(Path(__file__).parents[1])}
    killed = subprocess.run(argv, cwd=ready.folder, capture_output=True, env=os.environ | path, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    assert len(entries(ready)) == 1
    (done,) = good(ready.spawn(*RESUME, "--json")).json["backups"]
    assert (done["resumed_at"] or 0) > 60_000 if step == "writing" else done["resumed_at"] is None
    assert entries(ready) == []
    assert restored(ready) == SHARE


@contextmanager
def served(shell: Shell) -> Iterator[subprocess.Popen[bytes]]:
    """`a.token` at `sim+unix:socket`, in a process of its own."""
    argv = [str(Path(sys.executable).with_name("coldshare-sim")), "serve", "a.token", "--unix", "socket"]
    server = subprocess.Popen([*argv, "--user", "approve"], cwd=shell.folder, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        assert b"sim+unix" in server.stdout.readline()
        yield server
    finally:
        server.kill()
        server.communicate()
        (shell.folder / "socket").unlink(missing_ok=True)


SERVED = "sim+unix:socket?user=approve"


def at_once(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Do it in the middle of the writing, once."""
    on_step, left = Ui.on_step, [1]

    def hooked(ui: Ui, step: str, done: int, total: int) -> None:
        on_step(ui, step, done, total)
        if step == "writing" and done > 60_000 and left:
            left.clear()
            action()

    monkeypatch.setattr(Ui, "on_step", hooked)


def test_a_served_token_whose_process_is_killed(ready: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(ready) as server, monkeypatch.context() as patch:
        at_once(patch, lambda: (server.kill(), server.wait()))
        text = failed(ready(*BACKUP, "--at", SERVED), "token_gone", 6, as_json=False)
        assert "coldshare resume" in text
    with served(ready):
        (done,) = good(ready.spawn("resume", "--at", SERVED, *PIN, "--json")).json["backups"]
    assert done["resumed_at"] > 60_000
    assert entries(ready) == []


@pytest.mark.parametrize("second", ["backup", "resume"])
def test_two_processes_at_once(ready: Shell, monkeypatch: pytest.MonkeyPatch, second: str) -> None:
    """The later one wins, the earlier one says that it lost the session, and nothing is left over."""
    others: list[Said] = []
    argv = ("resume", "--at", SERVED, *PIN) if second == "resume" else (*BACKUP, "--at", SERVED)
    with served(ready):
        at_once(monkeypatch, lambda: others.append(ready.spawn(*argv)))
        failed(ready(*BACKUP, "--at", SERVED), "session_lost", 6, as_json=False)
        (other,) = others
        good(other)
        assert ("Finished: " in other.out) == (second == "resume")
        assert entries(ready) == []
        failed(ready("resume", "--at", SERVED, *PIN), "nothing_to_resume", 3, as_json=False)
        (held,) = good(ready("list", "--at", SERVED, *PIN, "--json")).json["backups"]
        assert held["state"] == "active"


def test_at_a_terminal(cut: Shell, folder: Path) -> None:
    """The PIN, one press, and no password."""
    with Terminal("resume", "--at", "sim:a.token", cwd=folder) as terminal:
        terminal.answer("PIN of the token: ", (folder / "pin").read_text())
        terminal.until("Store this share?")
        terminal.press("y")
        assert terminal.finish() == 0
        assert "Finished: " in terminal.screen
        assert "assword" not in terminal.screen.partition("Finished: ")[0]
        cut.check(terminal.raw)
