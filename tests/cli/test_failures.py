"""Everything that can go wrong on a command line: one sentence, a next step, a stable code, and nothing changed."""

from __future__ import annotations

import base64
import fcntl
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from coldshare.cli.app import COMMANDS
from coldshare.device.token import TokenClient
from coldshare.vault.synthetic import encrypt_vlt2
from coldshare_iface.errors import ColdshareError
from coldshare_sim.flash import SIZE, Chip
from support.desk import Cable, Desk, power_up, put_share, vault
from support.shell import Shell, failed

YES = "sim:a.token?user=approve"
NO = "sim:a.token?user=reject"
NOBODY = "sim:a.token"
SECRETS = ("--pin-file", "pin", "--password-file", "pw")
PIN = ("--pin-file", "pin")


@pytest.fixture
def shell(shell: Shell) -> Shell:
    """With a token that holds the share of the phone, and more files, most of them bad."""
    chip, _ = Desk(shell.home).stored()
    (shell.folder / "a.token").write_bytes(chip.image)
    data = vault()[0].vult
    shell.write("wrong-pin", "918273", secret="wrong PIN")
    shell.write("letters", "12a4", secret="malformed PIN")
    shell.write("wrong-pw", "velvet-orchid-wrong-92-horse", secret="wrong password")
    shell.write("weak", "sunshine1", secret="weak password")
    shell.write("control", "tidal-orchid\nvelvet-92-kettle", secret="password with a line break")
    shell.write("latin", "tidal-orchid-sk\xe5l-92".encode("latin-1"))
    shell.write("nothing", b"")
    shell.write("long", b"x" * 17 * 1024)
    shell.write("truncated.vult", data[:-1000])
    shell.write("flipped.vult", flipped(data, 140))
    shell.write("header.vult", flipped(data, 3))
    shell.write("not-base64.vult", data[:5000] + b"*" + data[5001:])
    shell.write("locked.vult", locked())
    shell.write("note.txt", "Dear diary, ")
    shell.write("small.token", b"\xff" * 4096)
    shell.write("damaged.token", b"\0" * SIZE)
    shell.write("new.token", new_token())
    (shell.folder / "dir").mkdir()
    (shell.folder / "there.vult").write_bytes(b"mine")
    (shell.folder / "link.vult").symlink_to("nowhere")
    shell.learn()
    return shell


@cache
def new_token() -> bytes:
    chip = Chip()
    power_up(chip)  # a token finds its serial when it first wakes
    return bytes(chip.image)


@cache
def locked() -> bytes:
    return encrypt_vlt2(vault()[0].vult, "its own password")


@cache
def flipped(vult: bytes, offset: int) -> bytes:
    """One bit flipped in the raw ECDSA share, all the layers of base64 around it intact."""
    from coldshare.vault.vault_pb2 import Vault, VaultContainer

    container = VaultContainer.FromString(base64.b64decode(vult))
    message = Vault.FromString(base64.b64decode(container.vault))
    raw = bytearray(base64.b64decode(message.key_shares[0].keyshare))
    raw[offset] ^= 1
    message.key_shares[0].keyshare = base64.b64encode(raw).decode()
    container.vault = base64.b64encode(message.SerializeToString()).decode()
    return base64.b64encode(container.SerializeToString())


@dataclass(frozen=True)
class Case:
    name: str
    argv: tuple[str, ...]
    code: str
    status: int
    says: tuple[str, ...] = ()
    stdin: bytes = b""
    prepare: Callable[[Shell], object] | None = None


def case(
    name: str,
    argv: str | tuple[str, ...],
    code: str,
    status: int,
    *says: str,
    stdin: bytes = b"",
    prepare: Callable[[Shell], object] | None = None,
) -> Case:
    parts = tuple(argv.split()) if isinstance(argv, str) else argv
    return Case(name, parts, code, status, says, stdin, prepare)


def backup(file: str, at: str = YES, secrets: tuple[str, ...] = SECRETS) -> tuple[str, ...]:
    return ("backup", file, "--at", at, *secrets, "--no-recovery")


def restore(out: str, at: str = YES, secrets: tuple[str, ...] = SECRETS, *more: str) -> tuple[str, ...]:
    return ("restore", "--at", at, *secrets, "--out", out, *more)


def init(at: str, label: str = "Safe B", secrets: tuple[str, ...] = PIN) -> tuple[str, ...]:
    return ("init", "--at", at, "--label", label, *secrets)


def wrong(option: str, file: str) -> tuple[str, ...]:
    secrets = list(SECRETS)
    secrets[secrets.index(option) + 1] = file
    return tuple(secrets)


def second_backup(shell: Shell) -> None:
    desk = Desk(shell.home)
    chip = Chip((shell.folder / "a.token").read_bytes())
    put_share(desk.client(chip), vault("Other")[0].vult)
    (shell.folder / "a.token").write_bytes(chip.image)


def huge_file(shell: Shell) -> None:
    with (shell.folder / "huge").open("wb") as file:
        file.truncate(17 * 1024 * 1024)


def empty_token(shell: Shell) -> None:
    (shell.folder / "a.token").write_bytes(Desk(shell.home).token().image)


def no_pairings(shell: Shell) -> None:
    (shell.home / "pairings.json").unlink()


def broken_pairings(shell: Shell) -> None:
    (shell.home / "pairings.json").write_bytes(b'{"format": 1, "pairings": [{"psk": "zz')


def other_keys(shell: Shell) -> None:
    path = shell.home / "pairings.json"
    document = json.loads(path.read_text())
    document["pairings"][0]["psk"] = "00" * 32
    path.write_text(json.dumps(document))


def home_is_a_file(shell: Shell) -> None:
    (shell.home / "pairings.json").unlink()
    shutil.rmtree(shell.home)
    shell.home.write_bytes(b"")


def burnt(shell: Shell) -> None:
    desk = Desk(shell.home)
    chip = Chip((shell.folder / "a.token").read_bytes())
    for _ in range(8):
        client = TokenClient(Cable(power_up(chip)))
        client.connect(desk.store)
        with pytest.raises(ColdshareError):
            client.unlock("918273")
    (shell.folder / "a.token").write_bytes(chip.image)


CASES = [
    # The PIN
    case("wrong PIN", f"list --at {YES} --pin-file wrong-pin", "pin_wrong", 4, "7 attempts left"),
    case("malformed PIN", f"list --at {YES} --pin-file letters", "pin_format", 4, "4 to 12 digits"),
    case("empty PIN", f"list --at {YES} --pin-file nothing", "pin_format", 4),
    case("new PIN malformed", init("sim:b.token?user=approve", secrets=("--pin-file", "letters")), "pin_format", 4),
    case("burnt", f"list --at {YES} --pin-file pin", "burnt", 4, "destroyed its keys", prepare=burnt),
    case("init of a burnt one", init(YES), "burnt", 4, prepare=burnt),
    # The password
    case("wrong password, verify", ("verify", "--at", YES, *wrong("--password-file", "wrong-pw")), "factor_wrong", 4),
    case("wrong password, restore", restore("out", secrets=wrong("--password-file", "wrong-pw")), "factor_wrong", 4),
    case("weak password", backup("phone.vult", secrets=wrong("--password-file", "weak")), "password_weak", 4),
    case(
        "password with a control", backup("phone.vult", secrets=wrong("--password-file", "control")), "password_form", 4
    ),
    case("empty password", backup("phone.vult", secrets=wrong("--password-file", "nothing")), "password_form", 4),
    # The file
    case("truncated", backup("truncated.vult"), "vault_file_damaged", 3),
    case("bit in s_i", backup("flipped.vult"), "share_arithmetic", 7, "s_i*G == S_i"),
    case("bit in the header", backup("header.vult"), "share_layout", 7),
    case("bit in base64", backup("not-base64.vult"), "vault_file_damaged", 3, "byte 5000"),
    case("a folder", backup("dir"), "vault_file_unreadable", 3, "directory"),
    case("missing", backup("missing.vult"), "vault_file_unreadable", 3, "missing.vult", "No such file"),
    case("empty", backup("nothing"), "vault_file_empty", 3),
    case("17 MiB", backup("huge"), "vault_file_too_large", 3, "16 MiB", prepare=huge_file),
    case("something else", backup("note.txt"), "not_a_vault_file", 3),
    case("a secret for a file", backup("pw"), "not_a_vault_file", 3),
    case("inspect truncated", "inspect truncated.vult", "vault_file_damaged", 3),
    case("inspect flipped", "inspect flipped.vult", "share_arithmetic", 7),
    case("inspect missing", "inspect missing.vult", "vault_file_unreadable", 3),
    case("locked", backup("locked.vult"), "vault_password_needed", 4, "--vault-password-file"),
    case(
        "locked, wrong password",
        (*backup("locked.vult"), "--vault-password-file", "pw"),
        "vault_password_wrong",
        4,
    ),
    # The token's rules and the person at it
    case("share 2 beside share 1", backup("laptop.vult"), "other_party", 5, "Phone", "Laptop", "another token"),
    case("reject a backup", backup("phone.vult", NO), "rejected", 5, "NO", "Nothing was changed"),
    case("reject a verify", ("verify", "--at", NO, *SECRETS), "rejected", 5),
    case("reject a restore", restore("out", NO), "rejected", 5),
    case("reject an init", init("sim:new.token?user=reject"), "rejected", 5),
    case("reject a pairing", f"pair --at {NO}", "rejected", 5),
    case("nobody at the token", backup("phone.vult", NOBODY), "no_person", 6, "user=approve"),
    case("nobody to compare codes", init("sim:new.token"), "person_needed", 5, "terminal"),
    case("init twice", init(YES), "already_set_up", 5),
    case("not set up", "list --at sim:new.token?user=approve --pin-file pin", "not_paired", 5, "coldshare init"),
    # What to restore and where to
    case("out exists", restore("there.vult"), "output_exists", 3, "there.vult", "--out"),
    case("out is a dangling link", restore("link.vult"), "output_exists", 3),
    case("out is a folder", restore("dir"), "output_exists", 3),
    case("out in no folder", restore("missing/out"), "output_failed", 3, "missing"),
    case("no such backup", restore("out", YES, SECRETS, "--backup", "zz"), "no_backup", 3, "zz"),
    case("nothing on it", restore("out"), "no_backup", 3, prepare=empty_token),
    case("nothing to verify", ("verify", "--at", YES, *SECRETS), "no_backup", 3, prepare=empty_token),
    case("two on it", restore("out"), "which_backup", 3, "--backup", prepare=second_backup),
    # Which token
    case("no address", "list --pin-file pin", "no_address", 2, "--at"),
    case("bad address", "list --at a.token", "bad_address", 2, "must begin with"),
    case("bad option", "list --at sim:a.token?user=me", "bad_address", 2, "approve, reject"),
    case("hid", "list --at hid:0011 --pin-file pin", "bad_address", 2, "coldshare tokens"),
    case("no token file", "list --at sim:none.token --pin-file pin", "no_such_token", 6, "none.token"),
    case("not a token file", backup("phone.vult", "sim:note.txt"), "not_a_token", 6, "note.txt"),
    case("too small", "list --at sim:small.token", "not_a_token", 6),
    case("a folder for a token", "list --at sim:dir", "not_a_token", 6),
    case("damaged token", "list --at sim:damaged.token", "token_damaged", 6),
    case("init where something else is", init("sim:note.txt?user=approve"), "not_a_token", 6),
    case("init in no folder", init("sim:missing/b.token?user=approve"), "token_file", 6),
    # Pairing
    case("no pairing", f"list --at {YES} --pin-file pin", "not_paired", 5, "coldshare pair", prepare=no_pairings),
    case("other keys", f"list --at {YES} --pin-file pin", "session_refused", 5, prepare=other_keys),
    case("damaged pairings", f"list --at {YES} --pin-file pin", "pairings_unreadable", 3, prepare=broken_pairings),
    case("pair into damaged pairings", f"pair --at {YES}", "pairings_unreadable", 3, prepare=broken_pairings),
    case("pair into no home", f"pair --at {YES}", "pairings_unreadable", 3, "Not a directory", prepare=home_is_a_file),
    # Secrets that cannot be had
    case("secret missing", f"list --at {YES} --pin-file none", "secret_file", 3, "none", "No such file"),
    case("secret is a folder", f"list --at {YES} --pin-file dir", "secret_file", 3, "dir"),
    case(
        "secret not UTF-8", backup("phone.vult", secrets=wrong("--password-file", "latin")), "secret_file", 3, "UTF-8"
    ),
    case("secret too long", f"list --at {YES} --pin-file long", "secret_file", 3, "too long"),
    case(
        "two from standard input",
        ("verify", "--at", YES, "--pin-file", "-", "--password-file", "-"),
        "secret_file",
        3,
        "Only one secret",
        "into files",
        stdin=b"483920483920\n",
    ),
    case("no PIN and no terminal", f"list --at {YES}", "secret_needed", 4, "--pin-file"),
    case("no password and no terminal", f"verify --at {YES} --pin-file pin", "secret_needed", 4, "--no-password"),
    case("no new PIN and no terminal", init("sim:b.token?user=approve", secrets=()), "secret_needed", 4),
    case("empty standard input", f"list --at {YES} --pin-file -", "pin_format", 4),
    # The command line itself
    case("no such command", "nonsense", "usage", 2, "nonsense", "--help"),
    case("no such option", "list --frobnicate", "usage", 2, "--frobnicate", "coldshare list --help"),
    case("missing argument", f"backup --at {YES} --no-recovery", "usage", 2, "FILE"),
    case("missing option", f"restore --at {YES}", "usage", 2, "--out"),
    case("too many arguments", "inspect a b", "usage", 2),
    case("label too long", init("sim:b.token?user=approve", label="x" * 33), "usage", 2, "32 bytes"),
    case("label too long in bytes", init("sim:b.token?user=approve", label="\N{EURO SIGN}" * 11), "usage", 2),
    case("label empty", init("sim:b.token?user=approve", label=""), "usage", 2),
    case("label that cannot be shown", init("sim:b.token?user=approve", label="a\u202eb"), "usage", 2),
    case("both", ("verify", "--at", YES, "--no-password", *SECRETS), "usage", 2, "exclude each other"),
]


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_said_and_nothing_has_changed(shell: Shell, case: Case, as_json: bool) -> None:
    if case.prepare is not None:
        case.prepare(shell)
    before = shell.snapshot()
    said = shell(*case.argv, *(["--json"] if as_json else []), stdin=case.stdin)
    text = failed(said, case.code, case.status, as_json=as_json)
    for expected in case.says:
        assert expected in text
    assert shell.snapshot() == before
    if as_json and case.argv[0] in COMMANDS:
        assert said.json["command"] == case.argv[0]


def test_every_code_and_status_is_stable() -> None:
    """Scripts depend on them; docs/cli.md lists them."""
    by_code: dict[str, set[int]] = {}
    for one in CASES:
        by_code.setdefault(one.code, set()).add(one.status)
    assert all(len(statuses) == 1 for statuses in by_code.values())


def test_other_generation(shell: Shell, fixtures_dir: Path) -> None:
    empty_token(shell)
    old, new = (
        str(fixtures_dir / "made" / folder / "SimVault-2903-share1of3.vult")
        for folder in ("orig_2of3", "reshared_1_2_4")
    )
    assert shell(*backup(old)).status == 0
    before = shell.snapshot()
    text = failed(shell(*backup(new)), "other_generation", 5, as_json=False)
    assert "reshared" in text
    assert shell.snapshot() == before


def test_wrong_pins_are_counted_and_the_last_ones_want_a_press(shell: Shell) -> None:
    argv = ("list", "--at", YES, "--pin-file", "wrong-pin")
    shell(*argv)
    assert "6 attempts left" in failed(shell(*argv), "pin_wrong", 4, as_json=False)
    assert shell("list", "--at", YES, *PIN).status == 0
    assert "7 attempts left" in failed(shell(*argv), "pin_wrong", 4, as_json=False)


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_token_that_another_program_has(shell: Shell, as_json: bool) -> None:
    with (shell.folder / "a.token").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for argv in (("list", "--at", YES, *PIN), backup("phone.vult"), init(YES)):
            said = shell(*argv, *(["--json"] if as_json else []))
            assert "Another program" in failed(said, "token_busy", 6, as_json=as_json)


def test_something_unforeseen_shows_only_its_kind(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of an unforeseen error could hold anything."""
    from coldshare.cli.commands import list as command

    def fault(*_: object, **__: object) -> None:
        raise RuntimeError("tidal-orchid-velvet-92-kettle")

    monkeypatch.setattr(command, "open_token", fault)
    for as_json in (False, True):
        said = shell("list", "--at", YES, *PIN, *(["--json"] if as_json else []))
        assert "RuntimeError" in failed(said, "unexpected", 1, as_json=as_json)
    monkeypatch.setenv("COLDSHARE_DEBUG", "1")
    with pytest.raises(RuntimeError):
        shell("list", "--at", YES, *PIN)


def test_a_failure_of_one_of_several_backups_names_it(shell: Shell) -> None:
    second_backup(shell)
    said = shell("verify", "--at", YES, *wrong("--password-file", "wrong-pw"))
    text = failed(said, "factor_wrong", 4, as_json=False)
    assert "the share of Phone of 'Savings'" in text
