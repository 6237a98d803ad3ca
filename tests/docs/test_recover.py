"""`docs/recover.py`: one file that opens a sealed backup on the day when coldshare is gone."""

from __future__ import annotations

import ast
import base64
import contextlib
import fcntl
import hashlib
import os
import random
import select
import stat
import subprocess
import sys
import termios
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from coldshare.errors import SecretError
from coldshare.recovery import RecoveryCode
from coldshare.seal import Factors, KdfParams, PasswordFormError, RebuildError, pack, padding, primitives, profile
from coldshare.seal.password import normalise_password
from coldshare_iface import codec

from .conftest import BACKUP_ID, CODE, DECLARED, PASSWORD, SCRIPT, TOKEN, Opens, Worst, packed, sealed_as

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, sessions and terminals of POSIX")

RECOVERY = {"recovery": CODE.factor()}
OTHER = RecoveryCode(bytes(20))


def assert_nothing_written(worst: Worst) -> None:
    assert not os.path.lexists(worst.out)


def assert_plain_words(text: str) -> None:
    """A sentence for a person: no traceback, no secret."""
    assert text.strip()
    assert "Traceback" not in text
    for secret in (*CODE.groups, CODE.factor().hex(), PASSWORD, TOKEN.hex()):
        assert secret not in text


# --- alone in the world -------------------------------------------------------------------------------------


def test_it_imports_python_and_one_package() -> None:
    roots = set()
    for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            roots.add((node.module or "").split(".")[0])
    assert roots - set(sys.stdlib_module_names) == {"cryptography"}


@pytest.mark.parametrize("module", ["coldshare", "coldshare_iface", "coldshare_firmware", "coldshare_sim", "cbor2"])
def test_nothing_of_ours_can_be_imported_where_it_runs(worst: Worst, module: str) -> None:
    probe = worst.write("probe.py", f"import cryptography\nimport {module}\n")
    command = [str(probe) if part == str(SCRIPT) else part for part in worst.command()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"No module named '{module}'" in done.stderr


def test_the_manual_is_the_help(worst: Worst) -> None:
    done = worst.run("--help")
    assert done.returncode == 0
    manual = ast.get_docstring(ast.parse(SCRIPT.read_text(encoding="utf-8"))) or ""
    assert manual in done.stdout
    for option in ("--recovery-file", "--password-file", "--token-file", "--fido2-file"):
        assert option in manual


# --- it opens -----------------------------------------------------------------------------------------------


def test_the_recovery_code_opens_the_backup_byte_for_byte(worst: Worst) -> None:
    code = worst.write("code", CODE.text)
    done = worst.run(worst.sealed, worst.out, "--recovery-file", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert worst.out.read_bytes() == worst.original
    assert stat.S_IMODE(worst.out.stat().st_mode) == 0o600
    assert hashlib.sha256(worst.original).hexdigest() in done.stdout
    assert "the share of iPhone-ab12, a party of the vault Savings ?[31m" in done.stdout
    assert "Note" not in done.stdout
    assert_plain_words(done.stdout)


def test_a_recovery_file_of_coldshare_and_a_generous_umask(worst: Worst) -> None:
    code = worst.write("code", "\ufeff" + CODE.file_text(BACKUP_ID).replace("\n", "\r\n"))
    before = os.umask(0)
    try:
        done = worst.run(worst.sealed, worst.out, "--recovery-file", code)
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    assert worst.out.read_bytes() == worst.original
    assert stat.S_IMODE(worst.out.stat().st_mode) == 0o600


def test_the_password_and_the_secret_of_the_token(worst: Worst) -> None:
    """With the real Argon2id."""
    password, token = worst.write("password", PASSWORD + "\n"), worst.write("token", TOKEN.hex() + "\n")
    done = worst.run(worst.sealed, worst.out, "--password-file", password, "--token-file", token)
    assert done.returncode == 0, done.stderr
    assert worst.out.read_bytes() == worst.original
    assert "64 MiB" in done.stderr


def test_an_old_cryptography_says_what_is_missing(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before version 44 there is no such module; a recovery code needs none."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.kdf.argon2", None)
    with pytest.raises(script.Trouble, match="version 44 or newer"):
        script.argon2id(b"password", bytes(16), 65536, 3, 4)


def test_what_it_is_without_a_secret(worst: Worst) -> None:
    done = worst.run(worst.sealed)
    assert (done.returncode, done.stderr) == (0, "")
    assert "begins with 00010203" in done.stdout
    assert "  - the password and the token's secret\n  - the recovery code\n" in done.stdout
    assert sorted(path.name for path in worst.folder.iterdir()) == [worst.sealed.name]


@pytest.mark.parametrize("kind", ["plain", "encrypted", "other", "empty"])
def test_every_kind_of_file(kind: str, shares: dict[str, bytes], opens: Opens) -> None:
    sealed = sealed_as(packed(shares[kind]), Factors(recovery=CODE.factor()))
    assert opens(sealed, RECOVERY) == shares[kind]


@settings(deadline=None)
@given(
    st.recursive(
        st.binary(max_size=300) | st.binary(min_size=1, max_size=3).map(lambda piece: piece * 100),
        lambda inner: st.lists(inner, max_size=5),
        max_leaves=12,
    )
)
def test_any_tree_of_parts(opens: Opens, tree: Any) -> None:
    parts = tree if isinstance(tree, list) else [tree]
    original = rebuilt(parts)
    try:
        plaintext = pack(original, parts, declaration=b"", record={0: None, 1: [True, False, -5, "é"]})
    except RebuildError:
        assume(False)  # deeper than coldshare writes
    assert opens(sealed_as(plaintext, Factors(recovery=CODE.factor())), RECOVERY) == original


def rebuilt(parts: list[Any]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else base64.b64encode(rebuilt(part)) for part in parts)


@pytest.mark.parametrize("bits", range(1, 16))
def test_every_combination_of_factors(
    bits: int, opens: Opens, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for Argon2id on both sides."""

    def hashed(password: bytes, salt: bytes, **cost: int) -> bytes:
        return hashlib.sha256(salt + password + repr([*cost.values()]).encode()).digest()

    monkeypatch.setattr(primitives, "argon2id", hashed)
    monkeypatch.setattr(script, "argon2id", lambda p, s, memory, t, lanes: hashed(p, s, m=memory, t=t, p=lanes))
    every: dict[str, Any] = {"password": PASSWORD, "token": TOKEN, "fido2": b"f" * 32, "recovery": CODE.factor()}
    chosen = {name: every[name] for number, name in enumerate(every) if bits >> number & 1}
    sealed = sealed_as(packed(b"x"), Factors(fido2=b"other" + bytes(27)), Factors(**chosen))
    secrets = {name: secret.encode() if isinstance(secret, str) else secret for name, secret in chosen.items()}
    assert opens(sealed, secrets) == b"x"
    for name in chosen:
        with pytest.raises(script.Trouble, match=r"It does not open|What you gave"):
            opens(sealed, {**secrets, name: b"w" * 32})


def test_a_slot_of_a_later_version_is_passed_over_and_authenticated(script: ModuleType, opens: Opens) -> None:
    """As `coldshare.seal` reads it: an unknown slot beside a known one."""
    header: Any = {1: 16, 2: bytes(16), 9: [{1: "é", 2: -3}, None, True, 1 << 40]}
    sealed = with_extra_slot(header)
    assert opens(sealed, RECOVERY) == b"x"
    assert "something that this program does not know" in script.ways(script.parse(sealed))
    with pytest.raises(script.Trouble, match="damaged or changed"):
        opens(sealed.replace("é".encode(), "è".encode()), RECOVERY)


def with_extra_slot(header: Any, commitment: bytes | None = None) -> bytes:
    """An envelope made by hand with the slot of the recovery code and one more."""
    file_key, iv, salt = b"k" * 32, b"i" * 12, b"s" * 16
    known: Any = {1: 8, 2: salt}
    wrapped = primitives.wrap(primitives.hkdf(salt, CODE.factor(), profile.INFO_SLOT + codec.encode(known)), file_key)
    protected = codec.encode(
        {
            1: 3,
            5: iv,
            profile.VERSION: 1,
            profile.SUITE: 1,
            profile.BACKUP_ID: BACKUP_ID,
            profile.COMMIT: commitment or primitives.hkdf_expand(file_key, profile.INFO_COMMIT),
            profile.DECLARATION: bytes(32),
        },
        negative_keys=True,
    )
    slots = [(header, bytes(40)), (known, wrapped)]
    digest = hashlib.sha256(codec.encode([[*slot] for slot in slots])).digest()
    aad = codec.encode(["Encrypt", protected, digest])
    body = primitives.encrypt(primitives.hkdf_expand(file_key, profile.INFO_BODY), iv, packed(b"x"), aad)
    recipients = [[b"", {1: -5, profile.SLOT: head}, key] for head, key in slots]
    return codec.encode([protected, {}, body, recipients], negative_keys=True, tag=96)


def test_a_key_that_the_header_does_not_commit_to(script: ModuleType, opens: Opens) -> None:
    """All the rest is authentic: only the commitment tells."""
    with pytest.raises(script.Trouble, match="commitment"):
        opens(with_extra_slot({1: 16, 2: bytes(16)}, commitment=bytes(32)), RECOVERY)


def test_a_declaration_that_differs_is_said_and_no_obstacle(worst: Worst) -> None:
    plaintext = pack(b"x", [b"x"], declaration=b"another", record={})
    worst.sealed.write_bytes(sealed_as(plaintext, Factors(recovery=CODE.factor())))
    done = worst.run(worst.sealed, worst.out, "--recovery-file", worst.write("code", CODE.text))
    assert done.returncode == 0
    assert "Note: " in done.stdout
    assert worst.out.read_bytes() == b"x"


# --- it does not open ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OTHER.text, "the recovery code is not the one of this backup, whose id begins with 00010203"),
        (CODE.text[:-1] + "0", "Look at group 9 first"),
        (CODE.text[:16] + "Z" + CODE.text[17:], "Look at group 4 first"),
        ("-".join(reversed(CODE.groups)), "a mistake in it"),
        (CODE.text[:-5], "in 9 groups of 4; these are 32"),
        (CODE.text[:5] + "U" + CODE.text[6:], "In group 2 is a character"),
        ("", "these are 0"),
        (b"\xff\xfe", "is not text"),
        ("0" * 20000, "is too large"),
    ],
)
def test_a_wrong_recovery_code(worst: Worst, text: str | bytes, words: str) -> None:
    done = worst.run(worst.sealed, worst.out, "--recovery-file", worst.write("code", text))
    assert done.returncode == 1
    assert words in done.stderr
    assert_plain_words(done.stderr)
    assert_nothing_written(worst)


@pytest.mark.parametrize(
    ("password", "token", "words"),
    [
        (PASSWORD + "!", TOKEN.hex(), "the password or the token's secret is not the one"),
        (PASSWORD, "00" * 32, "the password or the token's secret is not the one"),
        (PASSWORD, TOKEN.hex()[:-2], "64 hexadecimal digits"),
        (PASSWORD, "x" * 64, "64 hexadecimal digits"),
        ("", TOKEN.hex(), "The password is empty"),
        ("two\nlines", TOKEN.hex(), "control character"),
        (PASSWORD, None, "What you gave does not open this backup"),
        (None, TOKEN.hex(), "no terminal to ask for the password. Use --password-file"),
        (None, None, "no terminal to ask for the recovery code. Use --recovery-file"),
    ],
)
def test_wrong_or_missing_factors(worst: Worst, password: str | None, token: str | None, words: str) -> None:
    given: list[object] = []
    if password is not None:
        given += ["--password-file", worst.write("password", password)]
    if token is not None:
        given += ["--token-file", worst.write("token", token)]
    done = worst.run(worst.sealed, worst.out, *given)
    assert done.returncode == 1
    assert words in done.stderr
    assert_plain_words(done.stderr)
    assert_nothing_written(worst)


@pytest.mark.parametrize("kind", ["file", "link", "dangling", "folder"])
def test_nothing_is_overwritten(worst: Worst, kind: str) -> None:
    other = worst.write("other", "precious")
    if kind == "file":
        worst.out.write_bytes(b"precious")
    elif kind == "folder":
        worst.out.mkdir()
    else:
        worst.out.symlink_to(other if kind == "link" else worst.folder / "nowhere")
    done = worst.run(worst.sealed, worst.out, "--recovery-file", worst.write("code", CODE.text))
    assert done.returncode == 1
    assert "exists already, and nothing is overwritten" in done.stderr
    assert other.read_bytes() == b"precious"
    assert not (worst.folder / "nowhere").exists()
    if kind == "file":
        assert worst.out.read_bytes() == b"precious"


def test_a_file_that_appears_meanwhile_stays(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "nowhere")
    with pytest.raises(script.Trouble, match="exists already"):
        script.write_new(tmp_path / "out", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("what", ["full", "changed"])
def test_a_failing_disk_leaves_nothing(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    if what == "full":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "read_bytes", lambda _: b"other")
    with pytest.raises(script.Trouble, match="No space left" if what == "full" else "does not read back"):
        script.write_new(tmp_path / "out", b"x")
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_not_there(worst: Worst) -> None:
    for arguments in (
        (worst.folder / "none", worst.out),
        (worst.folder, worst.out),
        (worst.sealed, worst.out, "--recovery-file", worst.folder / "none"),
        (worst.sealed, worst.folder / "no/folder", "--recovery-file", worst.write("code", CODE.text)),
    ):
        done = worst.run(*arguments)
        assert done.returncode == 1
        assert "cannot be" in done.stderr
        assert_plain_words(done.stderr)
    assert_nothing_written(worst)


def test_secrets_are_not_taken_from_the_command_line(worst: Worst) -> None:
    for arguments in (("--recovery", CODE.text), (CODE.text,), ("--rec", "x")):
        done = worst.run(worst.sealed, worst.out, *arguments)
        assert done.returncode == 2
        assert_nothing_written(worst)


# --- damage -------------------------------------------------------------------------------------------------


def test_damaged_files_as_a_person_meets_them(worst: Worst, sealed_share: bytes) -> None:
    code = worst.write("code", CODE.text)
    middle = len(sealed_share) // 2
    for damaged in (
        b"",
        sealed_share[:1],
        sealed_share[:-1],
        sealed_share[:middle],
        sealed_share + b"\0",
        sealed_share[:middle] + bytes([sealed_share[middle] ^ 1]) + sealed_share[middle + 1 :],
        worst.original,
        bytes(2 << 20),
    ):
        worst.sealed.write_bytes(damaged)
        done = worst.run(worst.sealed, worst.out, "--recovery-file", code)
        assert done.returncode == 1
        assert "damaged" in done.stderr or "too large" in done.stderr
        assert_plain_words(done.stderr)
        assert_nothing_written(worst)


def test_no_flipped_bit_is_accepted(opens: Opens, script: ModuleType) -> None:
    """Every bit of a small envelope with an unused slot beside the one that opens."""
    sealed = sealed_as(packed(b"x"), Factors(token=TOKEN), Factors(recovery=CODE.factor()))
    for at in range(len(sealed)):
        for bit in range(8):
            flipped = sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :]
            with pytest.raises(script.Trouble):
                opens(flipped, RECOVERY)


def test_no_cut_and_no_addition_is_accepted(opens: Opens, script: ModuleType) -> None:
    sealed = sealed_as(packed(b"x"), Factors(recovery=CODE.factor()))
    for at in range(len(sealed)):
        with pytest.raises(script.Trouble):
            opens(sealed[:at], RECOVERY)
    for tail in (b"\0", b"\xf6", sealed):
        with pytest.raises(script.Trouble):
            opens(sealed + tail, RECOVERY)


def test_slots_cannot_be_taken_away_or_exchanged(opens: Opens, script: ModuleType) -> None:
    sealed = sealed_as(packed(b"x"), Factors(token=TOKEN), Factors(recovery=CODE.factor()))
    envelope = codec.decode(sealed, limit=1 << 20, negative_keys=True, tag=96)
    assert isinstance(envelope, list)
    *rest, slots = envelope
    assert isinstance(slots, list)
    for changed in (slots[1:], slots[::-1], [*slots, slots[0]]):
        with pytest.raises(script.Trouble, match="damaged or changed"):
            opens(codec.encode([*rest, changed], negative_keys=True, tag=96), RECOVERY)


@pytest.mark.parametrize("kdf", [[(1 << 20) + 1, 3, 4], [65536, 11, 4], [65536, 3, 9], [31, 3, 4], [65536, 0, 4]])
def test_costs_are_bounded_before_anything_is_tried(script: ModuleType, kdf: list[int]) -> None:
    slot = {1: 1, 2: bytes(16), 3: kdf}
    with pytest.raises(script.Trouble, match="more memory or time"):
        script.parse(with_extra_slot(slot))
    assert KdfParams(1 << 20, 10, 8)  # the bounds of coldshare itself are allowed
    script.parse(with_extra_slot({**slot, 3: [1 << 20, 10, 8]}))


def test_a_later_format_is_said(script: ModuleType, opens: Opens) -> None:
    sealed = sealed_as(packed(b"x"), Factors(recovery=CODE.factor()))
    for at in (sealed.index(b"\x3aCS\0\1") + 5, sealed.index(b"\x3aCS\0\2") + 5):
        with pytest.raises(script.Trouble, match="later format"):
            script.parse(sealed[:at] + b"\x02" + sealed[at + 1 :])
    for key, number in ((1, 2), (2, 7)):
        with pytest.raises(script.Trouble, match="later format"):
            script.unpack(content(**{f"k{key}": number}))


def content(**changes: Any) -> bytes:
    """The padded content of the file `x`, with some fields replaced."""
    tree = codec.encode([b"x"])
    fields: dict[int, Any] = {1: 1, 2: 0, 3: tree, 4: len(tree), 5: 1, 6: hashlib.sha256(b"x").digest(), 7: b"", 8: {}}
    fields |= {int(name[1:]): value for name, value in changes.items()}
    return padding.pad(codec.encode({key: value for key, value in fields.items() if value is not ...}, limit=1 << 21))


BOMB = zlib.compressobj(wbits=-15)
BOMB_BYTES = BOMB.compress(bytes(1 << 20)) + BOMB.flush()


@pytest.mark.parametrize(
    "changes",
    [
        {"k8": ...},
        {"k9": 0},
        {"k4": 2},
        {"k4": 17 << 20},
        {"k5": 2},
        {"k6": bytes(32)},
        {"k6": "text"},
        {"k7": "text"},
        {"k8": []},
        {"k3": codec.encode({1: b"x"})},
        {"k3": codec.encode([1]), "k4": 2},
        {"k3": codec.encode([[[[[[b"x"]]]]]]), "k4": 8},
        {"k2": 1},
        {"k2": 1, "k3": BOMB_BYTES},
        {"k2": 1, "k3": BOMB_BYTES, "k4": 1 << 20},
    ],
)
def test_content_that_coldshare_does_not_write(script: ModuleType, changes: dict[str, Any]) -> None:
    assert script.unpack(content())[0] == b"x"
    with pytest.raises(script.Trouble):
        script.unpack(content(**changes))


@pytest.mark.parametrize("padded", [b"", b"\0" * 64, b"\x80", content() + b"\0", content()[:-1], b"\x01" + content()])
def test_padding_that_coldshare_does_not_write(script: ModuleType, padded: bytes) -> None:
    with pytest.raises(script.Trouble):
        script.unpack(padded)


# --- its parts against coldshare's --------------------------------------------------------------------------


@given(st.text(max_size=60) | st.text(alphabet="0123456789abcdefghjkmnpqrstvwxyz-oil", min_size=30, max_size=46))
def test_codes_are_read_as_coldshare_reads_them(script: ModuleType, typed: str) -> None:
    try:
        expected = RecoveryCode.parse(typed).factor()
    except SecretError:
        with pytest.raises(script.Trouble):
            script.recovery_factor(typed)
    else:
        assert script.recovery_factor(typed) == expected


@given(st.binary(min_size=20, max_size=20))
def test_every_code_is_read(script: ModuleType, secret: bytes) -> None:
    code = RecoveryCode(secret)
    assert script.recovery_factor(code.text) == code.factor()


@given(st.text(min_size=1, max_size=40))
def test_passwords_are_prepared_as_coldshare_prepares_them(script: ModuleType, password: str) -> None:
    try:
        expected = normalise_password(password)
    except PasswordFormError:
        return  # coldshare seals under no such password
    assert script.password_bytes(password) == expected


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 64), (1 << 64) - 1) | st.binary(max_size=300) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(-(1 << 64), (1 << 64) - 1), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(values)
def test_cbor_is_written_and_read_as_coldshare_does(script: ModuleType, value: Any) -> None:
    try:
        encoded = codec.encode(value, negative_keys=True)
    except codec.CodecError:
        return
    assert script.encode(value) == encoded
    assert script.decode(encoded, "") == value


@given(st.binary(max_size=40), st.randoms(use_true_random=False), values)
def test_cbor_that_coldshare_refuses_is_refused(
    script: ModuleType, noise: bytes, source: random.Random, value: Any
) -> None:
    candidates = [noise]
    with contextlib.suppress(codec.CodecError):
        damaged = bytearray(codec.encode(value, negative_keys=True))
        damaged[source.randrange(len(damaged))] ^= 1 << source.randrange(8)
        candidates.append(bytes(damaged))
    for data in candidates:
        expected: Any = ...
        with contextlib.suppress(codec.CodecError):
            expected = codec.decode(data, negative_keys=True)
        try:
            found = script.decode(data, "")
        except script.Trouble:
            found = ...
        assert found == expected


@pytest.mark.parametrize(
    "data", [b"\x81" * (1 << 20), b"\x9a\xff\xff\xff\xff" * 100, b"\x5b" + b"\xff" * 8 + bytes(99)]
)
def test_hostile_cbor_costs_nothing(script: ModuleType, data: bytes) -> None:
    with pytest.raises(script.Trouble):
        script.decode(data, "")


# --- a person at a terminal ---------------------------------------------------------------------------------


def at_a_terminal(worst: Worst, answers: list[str], *arguments: object) -> tuple[int, str]:
    """Run the script with a terminal of its own; give each answer when it is asked for something."""

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    leader, follower = os.openpty()
    process = subprocess.Popen(
        worst.command(*arguments),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(follower)
    seen, waiting = "", list(answers)
    with contextlib.suppress(OSError):  # what Linux says when the other side is closed
        while select.select([leader], [], [], 60)[0] and (piece := os.read(leader, 4096)):
            seen += piece.decode()
            if seen.endswith("): ") and waiting:
                os.write(leader, waiting.pop(0).encode())
    os.close(leader)
    return process.wait(60), seen


def test_a_person_types_the_code_and_it_is_not_shown(worst: Worst) -> None:
    mistyped = CODE.text.replace("W8NB", "W8NC")
    status, seen = at_a_terminal(worst, [f"{mistyped}\n", f"{CODE.text.lower()}\n"], worst.sealed, worst.out)
    assert status == 0, seen
    assert "Look at group 3 first" in seen
    assert seen.count("Type the recovery code") == 2
    for group in CODE.groups:
        assert group not in seen
        assert group.lower() not in seen
    assert worst.out.read_bytes() == worst.original


def test_a_person_types_the_password(worst: Worst) -> None:
    token = worst.write("token", TOKEN.hex())
    status, seen = at_a_terminal(worst, [f"{PASSWORD}\n"], worst.sealed, worst.out, "--token-file", token)
    assert status == 0, seen
    assert PASSWORD not in seen
    assert worst.out.read_bytes() == worst.original


@pytest.mark.parametrize("answer", ["\n", "\x04", "\x03"])
def test_a_person_who_has_nothing_to_type(worst: Worst, answer: str) -> None:
    status, seen = at_a_terminal(worst, [answer], worst.sealed, worst.out)
    assert status == 1
    assert "Traceback" not in seen
    assert ("does not open" in seen) == (answer == "\n")
    assert_nothing_written(worst)


def test_one_of_two_ways_can_be_passed_over(worst: Worst) -> None:
    """A file without a token: the code first, because it costs nothing to try; then the password."""
    slots = (Factors(password=PASSWORD), Factors(recovery=CODE.factor()))
    worst.sealed.write_bytes(sealed_as(packed(b"x"), *slots))
    status, seen = at_a_terminal(worst, ["\n", f"{PASSWORD}\n"], worst.sealed, worst.out)
    assert status == 0, seen
    assert seen.index("Type the recovery code") < seen.index("Type the password")
    assert worst.out.read_bytes() == b"x"


def test_the_digest_of_the_declaration_is_the_one_that_was_sealed(script: ModuleType, sealed_share: bytes) -> None:
    plaintext = script.open_sealed(script.parse(sealed_share), RECOVERY, lambda name: None)
    assert script.unpack(plaintext)[1] == DECLARED
