"""What the commands write down, and `coldshare ledger`."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from coldshare.device.errors import TokenGoneError
from coldshare.device.token import TokenClient
from coldshare.device.transport.sim import SimTransport
from coldshare.ledger import events as e
from coldshare.ledger import interchange
from coldshare.ledger.events import Place
from coldshare.ledger.queries import Backup, View
from coldshare.ledger.record import token
from coldshare.ledger.store import Ledger, ledger_path
from coldshare.seal import primitives
from coldshare_sim.flash import Chip
from ledger.samples import SAFE, UNKNOWN, event
from support.bits import flip
from support.desk import PASSWORD, PIN, Desk, put_share, quick_argon2id
from support.reshare import generations
from support.shell import Said, Shell, failed, share_secrets

YES = ("--at", "sim:a.token?user=approve", "--pin-file", "pin")
NO = ("--at", "sim:a.token?user=reject", "--pin-file", "pin")
PASSWORD_FILE = ("--password-file", "pw")
SEAL = (*PASSWORD_FILE, "--no-recovery")


def good(said: Said) -> Said:
    assert said.status == 0, said.err
    return said


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The token `a.token`, and the shares of two generations of one vault: phone-1.vult, ... tablet-2.vult."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLDSHARE_AT", raising=False)
    monkeypatch.setattr(primitives, "argon2id", quick_argon2id)
    shell = Shell(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("COLDSHARE_HOME", str(shell.home))
    shell.write("pin", PIN, secret="PIN")
    shell.write("pw", PASSWORD, secret="password")
    for number, run in enumerate(generations(2), start=1):
        for share in run:
            shell.write(f"{share.party.lower()}-{number}.vult", share.vult)
            shell.secrets.add_share(share.vult)
    (tmp_path / "a.token").write_bytes(Desk(shell.home).token().image)
    return shell


def view() -> View:
    with Ledger(ledger_path(), create=False) as ledger:
        assert ledger.check() == []
        return ledger.view()


def kinds() -> list[str]:
    with Ledger(ledger_path(), create=False) as ledger:
        return [event.body.name for event in ledger.events()]


def safe(shell: Shell) -> Place:
    (pairing,) = shell.store.all()
    return token(pairing.serial)


def backup(shell: Shell, *options: str) -> str:
    backup_id: str = good(shell("backup", *options, *YES, *SEAL, "--json")).json["backup_id"]
    return backup_id


def here(shell: Shell) -> dict[str, Backup]:
    """What the ledger has on the token, by id."""
    return {one.backup_id.hex(): one for one in view().backups(place=safe(shell))}


# --- what the commands write down


def test_backup_and_verify(shell: Shell) -> None:
    backup_id = backup(shell, "phone-1.vult")
    known = view()
    (vault,) = known.vaults()
    assert vault.name == "Savings"
    assert vault.public_key_eddsa is not None
    assert vault.chain_code_digest is not None
    (generation,) = known.generations(vault.vault)
    assert [one.party for one in generation.members] == ["Phone", "Laptop", "Tablet"]
    assert (generation.threshold, generation.parties) == (2, 3)
    assert all(one.public_share_ecdsa is not None for one in generation.members)
    assert [one.public_share_eddsa is not None for one in generation.members] == [True, False, False]
    assert known.current(vault.vault) == generation
    assert [one.party for one in known.parties(vault.vault)] == ["Laptop", "Phone", "Tablet"]
    (place,) = known.places()
    assert (place.place, place.label) == (safe(shell), "Safe A")
    (host,) = known.hosts()
    assert host.ours
    assert place.hosts == (host.host,)
    (held,) = known.backups(vault.vault)
    assert held.backup_id.hex() == backup_id
    assert (held.party, held.state, held.recovery, held.opened) == ("Phone", e.ACTIVE, False, None)
    assert held.stored == held.read_back
    assert [(one.party, one.why) for one in known.handled(vault.vault)] == [("Phone", e.BACKED_UP)]

    good(shell("verify", *YES, "--no-password"))
    (after,) = view().backups()
    assert after.opened is None
    assert after.read_back is not None
    assert held.read_back is not None
    assert after.read_back > held.read_back
    assert after.recovery is False
    good(shell("verify", *YES, *PASSWORD_FILE))
    (opened,) = view().backups()
    assert opened.opened == opened.read_back
    assert [one.why for one in view().handled()] == [e.BACKED_UP, e.VERIFIED]


def test_what_did_not_happen_is_not_written_down(shell: Shell) -> None:
    assert shell("backup", "phone-1.vult", *NO, *SEAL).status == 5
    assert not ledger_path().exists()
    backup(shell, "phone-1.vult")
    before = kinds()
    shell.write("wrong", "another-password-that-is-wrong-7", secret="wrong password")
    assert shell("verify", *YES, "--password-file", "wrong").status == 4
    assert shell("remove", "00000000", *YES).status == 3
    assert kinds() == before


def test_a_backup_that_gives_way_to_another_is_gone(shell: Shell) -> None:
    old = backup(shell, "phone-1.vult")
    new = backup(shell, "phone-1.vult")
    assert set(here(shell)) == {new}
    (gone,) = [one for one in view().backups(gone=True) if one.gone is not None]
    assert (gone.backup_id.hex(), gone.gone) == (old, e.REPLACED)


def test_after_a_reshare(shell: Shell) -> None:
    old = backup(shell, "phone-1.vult")
    new = backup(shell, "phone-2.vult", "--newer")
    held = here(shell)
    assert (held[old].state, held[new].state) == (e.ACTIVE, e.NEXT)
    (vault,) = view().vaults()
    first, second = view().generations(vault.vault)
    assert (first.generation, second.generation) == (held[old].generation, held[new].generation)
    assert second.newer_than == {first.generation}
    assert view().current(vault.vault) == second
    good(shell("retire", old, *YES))
    assert {key: one.state for key, one in here(shell).items()} == {old: e.RETIRED, new: e.ACTIVE}
    assert view().generations(vault.vault)[0].retired_at == (safe(shell),)
    good(shell("un-retire", old, *YES))
    assert {key: one.state for key, one in here(shell).items()} == {old: e.ACTIVE, new: e.NEXT}
    assert not view().generations(vault.vault)[0].retired
    good(shell("retire", old, *YES))
    good(shell("destroy", "--all", *YES))
    assert set(here(shell)) == {new}
    assert next(one for one in view().backups(gone=True) if one.gone).gone == e.DESTROYED
    assert shell("ledger", "rescan", *YES, "--json").json["differences"] == []


def test_remove_lets_the_next_one_count(shell: Shell) -> None:
    old = backup(shell, "phone-1.vult")
    new = backup(shell, "phone-2.vult", "--newer")
    good(shell("remove", old, *YES))
    held = here(shell)
    assert {key: one.state for key, one in held.items()} == {new: e.ACTIVE}
    (vault,) = view().vaults()
    assert view().generations(vault.vault)[0].retired
    assert shell("ledger", "rescan", *YES, "--json").json["differences"] == []


def test_into_a_file_and_back(shell: Shell) -> None:
    good(shell("backup", "phone-1.vult", *YES, *PASSWORD_FILE, "--recovery-out", "code"))
    (shell.folder / "cloud").mkdir()
    out = good(shell("export", *YES, "--out", "cloud", "--json")).json["out"]
    (file,) = (one for one in view().places() if one.place.kind == e.FILE)
    assert file.label == str((shell.folder / out).absolute())
    (copy,) = view().backups(place=file.place)
    assert (copy.party, copy.recovery, copy.opened) == ("Phone", True, None)
    good(shell("verify", "--from", out, "--recovery-file", "code"))
    (copy,) = view().backups(place=file.place)
    assert copy.opened is not None
    good(shell("restore", "--from", out, "--recovery-file", "code", "--out", "one.vult"))
    (copy,) = view().backups(place=file.place)
    assert copy.restored is not None
    good(shell("restore", *YES, *PASSWORD_FILE, "--out", "two.vult"))
    (held,) = here(shell).values()
    assert held.restored is not None
    assert {one.why for one in view().handled()} == {e.BACKED_UP, e.VERIFIED, e.RESTORED}


def pull_out_after(shell: Shell, monkeypatch: pytest.MonkeyPatch, count: int, *argv: str) -> Said:
    """Run a command; the token is gone after that many reports to it."""
    left = [count]
    write = SimTransport.write

    def counted(transport: SimTransport, report: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise TokenGoneError
        write(transport, report)

    with monkeypatch.context() as patch:
        patch.setattr(SimTransport, "write", counted)
        return shell(*argv)


def test_a_backup_that_is_resumed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    old = backup(shell, "phone-1.vult")
    before = kinds()
    assert pull_out_after(shell, monkeypatch, 1500, "backup", "phone-1.vult", *YES, *SEAL).status == 6
    assert kinds() == before
    good(shell("resume", *YES))
    (held,) = here(shell).values()
    assert held.backup_id.hex() != old
    assert held.state == e.ACTIVE
    assert next(one for one in view().backups(gone=True) if one.gone).gone == e.REPLACED
    assert rescan(shell)["differences"] == []


def test_a_backup_that_verify_confirms(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was stored, and the link broke before it was read back."""
    old = backup(shell, "phone-1.vult")

    def gone(client: TokenClient, backup_id: bytes) -> None:
        raise TokenGoneError

    with monkeypatch.context() as patch:
        patch.setattr(TokenClient, "confirm", gone)
        assert shell("backup", "phone-1.vult", *YES, *SEAL).status == 6
    assert set(here(shell)) == {old}
    (new,) = (one["body"]["backup_id"] for one in rescan(shell)["differences"])
    assert here(shell)[new].state == e.UNCONFIRMED
    good(shell("verify", *YES, "--backup", new, *PASSWORD_FILE))
    assert {key: one.state for key, one in here(shell).items()} == {new: e.ACTIVE}
    assert rescan(shell)["differences"] == []


def test_reseal_and_wipe(shell: Shell) -> None:
    old = backup(shell, "phone-1.vult")
    good(shell("reseal", *YES, *PASSWORD_FILE, "--recovery-out", "code"))
    (held,) = here(shell).values()
    assert held.backup_id.hex() != old
    assert held.recovery is True
    place = safe(shell)
    good(shell("wipe", *YES[:2]))
    assert view().backups() == []
    assert {one.gone for one in view().backups(gone=True)} == {e.REPLACED, e.WIPED}
    info = view().place(place)
    assert info is not None
    assert info.wiped is not None
    assert len(view().places()) == 2  # the new token that is left


def test_to_wipe_an_unknown_token_begins_no_ledger(shell: Shell) -> None:
    good(shell("wipe", *YES[:2]))
    assert not ledger_path().exists()


def test_a_backup_that_fails_is_written_down(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token gives back other bytes than it was given."""
    backup_id = backup(shell, "phone-1.vult")
    get = TokenClient.get
    monkeypatch.setattr(TokenClient, "get", lambda *arguments: flip(get(*arguments), 5000))
    said = shell("verify", *YES, *PASSWORD_FILE)
    assert said.status == 7, said.err
    (held,) = here(shell).values()
    assert held.backup_id.hex() == backup_id
    assert held.failed is not None
    assert f"Error ({held.failed_code})" in said.err
    monkeypatch.setattr(TokenClient, "get", get)
    good(shell("verify", *YES, *PASSWORD_FILE))
    (held,) = here(shell).values()
    assert (held.failed, held.failed_code) == (None, None)


@pytest.mark.parametrize("what", ["folder", "text", "newer"])
def test_what_was_done_stands_without_a_ledger(shell: Shell, what: str) -> None:
    shell.home.mkdir(exist_ok=True)
    if what == "folder":
        ledger_path().mkdir()
    elif what == "text":
        ledger_path().write_bytes(b"x" * 5000)
    else:
        import sqlite3
        from contextlib import closing

        Ledger(ledger_path()).close()
        with closing(sqlite3.connect(ledger_path())) as connection:
            connection.execute("UPDATE ledger SET schema = 99")
            connection.commit()
    said = good(shell("backup", "phone-1.vult", *YES, *SEAL))
    assert "Backed up: the share of Phone" in said.out
    assert "could not be written into the ledger" in said.err
    good(shell("backup", "phone-1.vult", *YES, *SEAL, "--json"))


def test_no_secret_is_in_it(shell: Shell) -> None:
    backup(shell, "phone-1.vult")
    good(shell("verify", *YES, *PASSWORD_FILE))
    good(shell("ledger", "export", "out.txt"))
    with Ledger(ledger_path()) as ledger:
        raw = b"".join(one.encode() for one in ledger.events())
    data = ledger_path().read_bytes() + raw + (shell.folder / "out.txt").read_bytes()
    for secret in (PIN, PASSWORD, *share_secrets((shell.folder / "phone-1.vult").read_bytes(), None).values()):
        assert (secret.encode() if isinstance(secret, str) else secret) not in data
    (pairing,) = shell.store.all()
    assert pairing.psk not in data
    from coldshare.vault import read_share

    chain_code = read_share((shell.folder / "phone-1.vult").read_bytes()).facts.chain_code
    assert chain_code not in data
    assert chain_code.hex().encode() not in data


# --- the same at folders


STICK = ("--at", "folder:stick")


def into_folder(shell: Shell, name: str, *options: str) -> str:
    (shell.folder / "stick").mkdir(exist_ok=True)
    backup_id: str = good(shell("backup", name, *options, *STICK, *SEAL, "--json")).json["backup_id"]
    return backup_id


def on_stick() -> dict[str, Backup]:
    (place,) = {one.place for one in view().places() if one.place.kind == e.FOLDER}
    return {one.backup_id.hex(): one for one in view().backups(place=place)}


def same_on_stick(shell: Shell) -> bool:
    return good(shell("ledger", "rescan", *STICK, "--json")).json["differences"] == []


def test_a_folder_from_backup_to_destroy(shell: Shell) -> None:
    old = into_folder(shell, "phone-1.vult")
    (held,) = on_stick().values()
    assert (held.party, held.state, held.opened) == ("Phone", e.ACTIVE, None)
    (place,) = view().places()
    assert place.label == str(shell.folder / "stick")
    good(shell("verify", *STICK, *PASSWORD_FILE))
    assert on_stick()[old].opened is not None
    new = into_folder(shell, "phone-2.vult", "--newer")
    held = on_stick()[new]
    assert held.state == e.NEXT
    assert held.vault is not None
    assert [one.generation for one in view().generations(held.vault)] == [on_stick()[old].generation, held.generation]
    good(shell("retire", old, *STICK))
    assert {key: one.state for key, one in on_stick().items()} == {old: e.RETIRED, new: e.ACTIVE}
    assert view().generations(held.vault)[0].retired_at == (place.place,)
    good(shell("un-retire", old, *STICK))
    assert {key: one.state for key, one in on_stick().items()} == {old: e.ACTIVE, new: e.NEXT}
    assert not view().generations(held.vault)[0].retired
    good(shell("retire", old, *STICK))
    good(shell("destroy", old, "--yes", *STICK))
    assert set(on_stick()) == {new}
    assert next(one for one in view().backups(gone=True) if one.gone).gone == e.DESTROYED
    assert same_on_stick(shell)


def test_a_folder_and_everything_else(shell: Shell) -> None:
    into_folder(shell, "phone-1.vult")
    again = into_folder(shell, "phone-1.vult")
    assert set(on_stick()) == {again}
    good(shell("reseal", *STICK, *PASSWORD_FILE, "--recovery-out", "code"))
    (held,) = on_stick().values()
    assert held.recovery is True
    good(shell("restore", *STICK, *PASSWORD_FILE, "--out", "back.vult"))
    (held,) = on_stick().values()
    assert held.restored is not None
    out = good(shell("export", *STICK, "--out", "copy.seal", "--json")).json["out"]
    (copy,) = (one for one in view().backups() if one.place.kind == e.FILE)
    assert (copy.party, Path(out).name) == ("Phone", "copy.seal")
    good(shell("remove", held.backup_id.hex(), "--yes", *STICK))
    assert on_stick() == {}
    assert {one.gone for one in view().backups(gone=True)} == {None, e.REPLACED, e.REMOVED}
    assert same_on_stick(shell)


def test_a_folder_whose_copies_are_both_damaged(shell: Shell) -> None:
    backup_id = into_folder(shell, "phone-1.vult")
    copies = [path for path in (shell.folder / "stick" / "coldshare").rglob("*") if path.stat().st_size > 50_000]
    assert len(copies) == 2
    for path in copies:
        path.write_bytes(flip(path.read_bytes(), 5000))
    said = shell("verify", *STICK, *PASSWORD_FILE)
    assert said.status == 7
    assert on_stick()[backup_id].failed_code is not None
    assert f"Error ({on_stick()[backup_id].failed_code})" in said.err


def test_rescan_of_a_folder_that_is_new_here(shell: Shell) -> None:
    backup_id = into_folder(shell, "phone-1.vult")
    other_home(shell, ".new")
    answer = good(shell("ledger", "rescan", *STICK, "--json")).json
    assert [one["body"]["backup_id"] for one in answer["differences"]] == [backup_id]
    assert on_stick()[backup_id].party is None
    good(shell("verify", *STICK, *PASSWORD_FILE))
    assert on_stick()[backup_id].party == "Phone"
    text = failed(shell("ledger", "rescan", *STICK, "--pin-file", "pin"), "usage", 2, as_json=False)
    assert "no PIN" in text


# --- coldshare ledger


def test_log(shell: Shell) -> None:
    said = good(shell("ledger", "log"))
    assert "Nothing is recorded yet" in said.out
    assert not ledger_path().exists()
    backup_id = backup(shell, "phone-1.vult")
    lines = good(shell("ledger", "log")).out.splitlines()
    assert lines[0].split() == ["TIME", "(UTC)", "COMPUTER", "WHAT"]
    assert lines[-1].endswith(f"stored: the share of Phone of 'Savings', backup {backup_id[:8]}, at 'Safe A' (token)")
    assert all("this computer" in line for line in lines[1:])
    answer = good(shell("ledger", "log", "--last", "1", "--json")).json
    (last,) = answer["events"]
    assert (last["kind"], last["body"]["backup_id"]) == ("backup_stored", backup_id)
    assert last["body"]["share"]["party"] == "Phone"
    assert last["body"]["place"] == str(safe(shell))
    assert answer["warnings"] == []


def test_events_of_later_versions_are_named(shell: Shell) -> None:
    shell.write("later.txt", interchange.encode([event(UNKNOWN, 1)]))
    said = good(shell("ledger", "join", "later.txt"))
    assert "only a newer version of coldshare understands are kept" in said.out
    said = good(shell("ledger", "log"))
    assert "(kind 999)" in said.out
    assert "count for nothing here: 1" in said.out
    assert good(shell("ledger", "log", "--json")).json["events"][0]["kind"] == "kind_999"


def test_events_from_the_future_are_named(shell: Shell) -> None:
    ahead = 4_102_444_800_000_000  # 2100
    shell.write("ahead.txt", interchange.encode([event(e.HostNamed("x"), 1, time=ahead)]))
    said = good(shell("ledger", "import", "ahead.txt"))
    assert "1 event from the future" in said.out
    backup_id = backup(shell, "phone-1.vult")
    last = good(shell("ledger", "log", "--json")).json["events"][-1]
    assert last["body"]["backup_id"] == backup_id  # after it, though its time is earlier
    assert not last["time"].startswith("21")


@pytest.mark.parametrize("name", ["plain", "with ? and # and %41", "\N{SNOWMAN}"])
def test_a_home_of_any_name(shell: Shell, name: str) -> None:
    other_home(shell, name)
    Ledger(ledger_path()).close()
    assert "Good: 0 events" in good(shell("ledger", "check")).out
    assert (shell.folder / name / "ledger.sqlite").is_file()


def other_home(shell: Shell, name: str) -> None:
    shell._monkeypatch.setenv("COLDSHARE_HOME", str(shell.folder / name))


def test_export_import_and_join(shell: Shell) -> None:
    backup(shell, "phone-1.vult")
    said = good(shell("ledger", "export", "mine.txt"))
    assert "keep it to yourself" in said.out
    assert stat.S_IMODE((shell.folder / "mine.txt").stat().st_mode) == 0o600
    failed(shell("ledger", "export", "mine.txt"), "output_exists", 3, as_json=False)
    mine = view()

    other_home(shell, ".new")
    answer = good(shell("ledger", "import", "mine.txt", "--json")).json
    assert (answer["known"], answer["conflicts"]) == (0, [])
    assert answer["new"] > 0
    assert view().rows.same(mine.rows) == ["heard"]  # but for that this computer knows it from now on
    assert kinds()[-1] == "ledger_joined"
    before = kinds()
    assert good(shell("ledger", "import", "mine.txt", "--json")).json["new"] == 0
    assert kinds() == before

    other_home(shell, ".theirs")
    with Ledger(ledger_path()) as ledger:
        ledger.record([e.HostNamed("theirs"), e.PlaceDescribed(SAFE, "grey", "bank", None, None, None)])
    before = kinds()
    text = failed(shell("ledger", "import", "mine.txt"), "ledger_other", 5, as_json=False)
    assert "coldshare ledger join" in text
    assert kinds() == before
    good(shell("ledger", "export", "theirs.txt"))
    said = good(shell("ledger", "join", "mine.txt"))
    assert "were recorded by" in said.out
    joined = view()
    assert len(joined.hosts()) == 2

    good(shell("ledger", "export", "both.txt"))

    other_home(shell, ".home")
    good(shell("ledger", "join", "theirs.txt"))
    assert view().rows.same(joined.rows) == ["heard"]
    good(shell("ledger", "export", "all.txt"))
    good(shell("ledger", "join", "both.txt"))
    known = view()

    # That one has heard of the other is no news of its own, so it ends here.
    other_home(shell, ".theirs")
    assert good(shell("ledger", "join", "all.txt", "--json")).json["new"] == 1
    assert view().rows.same(known.rows) == []


def test_a_join_names_what_differs(shell: Shell) -> None:
    shell.home.mkdir(exist_ok=True)
    with Ledger(ledger_path()) as ledger:
        ledger.record([e.PlaceDescribed(SAFE, "grey", "bank", None, None, None)])
    other = [event(e.PlaceDescribed(SAFE, "grey", "home", None, None, None), 1)]
    shell.write("theirs.txt", interchange.encode(other))
    said = good(shell("ledger", "join", "theirs.txt"))
    assert "CONFLICT: 'grey' (token) has the location 'bank' in one ledger and 'home' in the other" in said.out


@pytest.mark.parametrize("as_json", [False, True])
def test_files_that_are_none(shell: Shell, as_json: bool) -> None:
    options = ["--json"] if as_json else []
    shell.write("bad.txt", "coldshare-ledger 1\nxxxx\nend 1 00\n")
    shell.write("later.txt", "coldshare-ledger 2\nend 0 00\n")
    for name, code in (("bad.txt", "ledger_file"), ("none.txt", "ledger_file"), ("later.txt", "ledger_newer")):
        for verb in ("import", "join"):
            failed(shell("ledger", verb, name, *options), code, 3, as_json=as_json)
    failed(shell("ledger", "export", "out.txt", *options), "no_ledger", 3, as_json=as_json)
    failed(shell("ledger", "check", *options), "no_ledger", 3, as_json=as_json)
    assert not ledger_path().exists()


def test_an_altered_event_is_refused(shell: Shell) -> None:
    shell.write("one.txt", interchange.encode([event(e.HostNamed("a"), 1)]))
    shell.write("two.txt", interchange.encode([event(e.HostNamed("b"), 1)]))
    good(shell("ledger", "import", "one.txt"))
    failed(shell("ledger", "join", "two.txt"), "ledger_altered", 7, as_json=False)


def rescan(shell: Shell) -> dict[str, Any]:
    return good(shell("ledger", "rescan", *YES, "--json")).json


def test_rescan_makes_a_ledger_anew(shell: Shell) -> None:
    backup_id = backup(shell, "phone-1.vult")
    before = view()
    for path in ledger_path().parent.glob("ledger.*"):
        path.unlink()
    said = good(shell("ledger", "rescan", *YES))
    assert "There is 1 backup at 'Safe A' (token). The ledger knew otherwise:" in said.out
    assert f"found: the share of Phone of 'Savings', backup {backup_id[:8]}" in said.out
    (held,), (was,) = view().backups(), before.backups()
    assert (held.backup_id, held.party, held.generation, held.size) == (
        was.backup_id,
        was.party,
        was.generation,
        was.size,
    )
    assert held.opened is None
    answer = rescan(shell)
    assert (answer["backups"], answer["differences"], answer["label"]) == (1, [], "Safe A")


def test_rescan_finds_what_is_missing_and_what_another_computer_did(shell: Shell) -> None:
    """Meanwhile another computer has replaced the backup."""
    old = backup(shell, "phone-1.vult")
    desk = Desk(shell.home)
    chip = Chip((shell.folder / "a.token").read_bytes())
    with desk.client(chip) as client:
        new = put_share(client, (shell.folder / "phone-1.vult").read_bytes()).backup_id.hex()
    (shell.folder / "a.token").write_bytes(chip.image)
    answer = rescan(shell)
    assert [(one["kind"], one["body"]["backup_id"]) for one in answer["differences"]] == [
        ("backup_state", new),
        ("backup_gone", old),
    ]
    assert "MISSING" in answer["differences"][1]["words"]
    assert set(here(shell)) == {new}
    assert rescan(shell)["differences"] == []


def test_path_and_check(shell: Shell) -> None:
    answer = good(shell("ledger", "path", "--json")).json
    assert (answer["path"], answer["exists"]) == (str(ledger_path()), False)
    backup(shell, "phone-1.vult")
    assert good(shell("ledger", "path")).out == f"{ledger_path()}\n"
    assert "Good:" in good(shell("ledger", "check")).out


def damage(statement: str) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(ledger_path())) as connection:
        connection.execute(statement)
        connection.commit()


def test_check_finds_damage_and_mends_tables(shell: Shell) -> None:
    backup(shell, "phone-1.vult")
    damage("DELETE FROM backup")
    said = shell("ledger", "check")
    assert said.status == 7
    assert "The table 'backup' does not follow from the events." in said.out
    assert good(shell("ledger", "check", "--rebuild", "--json")).json["good"] is True
    assert len(here(shell)) == 1


def test_what_can_be_read_of_a_damaged_one_is_saved(shell: Shell) -> None:
    backup(shell, "phone-1.vult")
    count = len(kinds())
    damage("UPDATE event SET data = x'00' WHERE rowid = 1")
    said = shell("ledger", "check", "--json")
    assert (said.status, said.json["unreadable"], said.json["events"]) == (7, 1, count - 1)
    failed(shell("ledger", "log"), "ledger_damaged", 3, as_json=False)
    said = good(shell("ledger", "export", "saved.txt"))
    assert "1 event of the ledger could not be read and is not in it" in said.out
    assert len(interchange.read(shell.folder / "saved.txt")) == count - 1
    other_home(shell, ".new")
    good(shell("ledger", "import", "saved.txt"))
    assert len(view().backups()) == 1


def test_names_from_elsewhere_do_nothing_to_a_terminal(shell: Shell) -> None:
    """An event with such a name cannot even be written."""
    with pytest.raises(ValueError, match="cannot be written"):
        interchange.encode([event(e.HostNamed("\x1b[2J"), 1)])
