"""The recovery code: what opens one backup when its token or its password is gone.

It is written on paper and typed back years later, so it is made for hands and eyes:

    09Y9-YX56-W8NB-TMY7-NYV9-2MMD-AY4V-8X4Z-FK9E

**Secret.** 160 random bits, most significant bit first, as 32 symbols of 5 bits in Crockford's base32 alphabet
``0123456789ABCDEFGHJKMNPQRSTVWXYZ``: 8 groups of 4.

**Checksum.** Four more symbols, the ninth group. The symbols are elements of GF(32), bits as coefficients, modulo
x^5 + x^2 + 1. A leading 1 (not written), the 32 symbols and the 4 of the checksum, read as the coefficients of a
polynomial, highest first, are a multiple of

    g(x) = x^4 + x^2 + 2x + 3

which is the first polynomial of its degree, in the order of its coefficients, with two properties. Any two codes
differ in at least 4 symbols: up to three wrong symbols are always noticed, any two swapped ones too, and one wrong
symbol or two swapped neighbours can be located. And two whole groups that changed places are always noticed. So is
one group that is wrong in all its symbols. Anything else passes with a chance of 2^-20. The leading 1 keeps a row of
zeros from being a code. The tests prove each of these.

A code is never corrected, only refused: the paper decides what it says, not a guess.

**Typing.** Capitals or not; O is read as 0, I and L as 1; hyphens, dashes and white space are left out wherever they
are. U is no symbol.

**Factor.** The seal takes 32 bytes: HKDF-SHA256 (RFC 5869) of the 20 bytes, no salt, info ``coldshare/recovery/1``.
Random bits need no slow function; the slot adds a salt and its header by a second HKDF (`coldshare.seal.slots`).
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from coldshare.errors import SecretError
from coldshare.seal import primitives, profile

__all__ = [
    "MistypedRecoveryCodeError",
    "OtherRecoveryCodeError",
    "RecoveryCode",
    "RecoveryCodeFormError",
    "RecoveryFile",
    "parse_file",
    "short_id",
]

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SECRET_LEN: Final = 20
GROUP: Final = 4
#: The last one is the checksum.
GROUPS: Final = 9
SYMBOLS: Final = GROUP * GROUPS
INFO: Final = b"coldshare/recovery/1"

#: Characters of a typed code, separators included. More is another text.
_TYPED_MAX: Final = 256
#: g times 1, x, x^2, x^3, x^4 of the field's element x, without the leading coefficient: 4 symbols in 20 bits each.
_GENERATOR: Final = (0x00443, 0x00886, 0x0110C, 0x02218, 0x040B5)
_VALUES: Final = {
    **{symbol: value for value, symbol in enumerate(ALPHABET)},
    **{symbol.lower(): value for value, symbol in enumerate(ALPHABET)},
    **dict.fromkeys("Oo", 0),
    **dict.fromkeys("IiLl", 1),
}
_NOTE: Final = re.compile(r"#\s*backup ([0-9a-f]{8})\s*")


class RecoveryCodeFormError(SecretError):
    """This is not a recovery code: it has 9 groups of 4 letters and digits."""

    code: ClassVar[str] = "recovery_code_form"
    next_step = "Type it again from the paper. The letter U is in no code; what looks like one is a V."

    def __init__(self, message: str | None = None, groups: Sequence[int] = ()) -> None:
        """`groups` are the groups at fault, counted from 1, where they can be told. Nothing typed is quoted."""
        super().__init__(message)
        self.groups = tuple(groups)


class MistypedRecoveryCodeError(SecretError):
    """The recovery code does not fit its checksum, so something in it was misread or mistyped."""

    code: ClassVar[str] = "recovery_code_mistyped"
    next_step = "Compare every group with the paper. It does not matter whether you type 0 or O, 1 or I or L."

    def __init__(self, message: str | None = None, groups: Sequence[int] = ()) -> None:
        """`groups` are those where one wrong symbol, or two swapped neighbours, would explain it; often none."""
        super().__init__(message)
        self.groups = tuple(groups)
        if groups:
            self.next_step = (
                f"Compare {_listed(groups)} with the paper first, then the others. It does not matter whether you "
                "type 0 or O, 1 or I or L."
            )


class OtherRecoveryCodeError(SecretError):
    """This is a recovery code, but not the one that was shown."""

    code: ClassVar[str] = "recovery_code_other"
    next_step = "Type the code of this backup. If you have several papers, compare the backup ids beside the codes."


@dataclass(frozen=True)
class RecoveryCode:
    """One recovery code. `secret` has 20 bytes and is in no repr; neither is anything made from it."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Raise ValueError for a secret of another length."""
        if len(self.secret) != SECRET_LEN:
            raise ValueError(f"a recovery code holds {SECRET_LEN} bytes")

    @classmethod
    def generate(cls, random: Callable[[int], bytes] = os.urandom) -> RecoveryCode:
        """Return a new code. `random(n)` returns n bytes and is called once, for 20."""
        return cls(random(SECRET_LEN))

    @classmethod
    def parse(cls, typed: str) -> RecoveryCode:
        """Return the code that a person typed.

        Raises `RecoveryCodeFormError` for what cannot be a code and `MistypedRecoveryCodeError` when the checksum
        does not fit. Whether it is the code of a certain backup shows when that is opened.
        """
        symbols = _symbols(typed)
        if _remainder(symbols):
            raise _mistyped(symbols)
        number = 0
        for symbol in symbols[:-GROUP]:
            number = number << 5 | symbol
        return cls(number.to_bytes(SECRET_LEN, "big"))

    @property
    def groups(self) -> tuple[str, ...]:
        """The 9 groups of 4 characters."""
        number = int.from_bytes(self.secret, "big")
        symbols = [number >> shift & 31 for shift in range(8 * SECRET_LEN - 5, -1, -5)]
        check = _remainder([*symbols, 0, 0, 0, 0])
        symbols += [check >> shift & 31 for shift in (15, 10, 5, 0)]
        text = "".join(ALPHABET[symbol] for symbol in symbols)
        return tuple(text[at : at + GROUP] for at in range(0, SYMBOLS, GROUP))

    @property
    def text(self) -> str:
        """The code on one line, 44 characters."""
        return "-".join(self.groups)

    @property
    def rows(self) -> tuple[str, str, str]:
        """The code as it goes onto paper: three rows of three groups."""
        first, second, third = ("-".join(self.groups[at : at + 3]) for at in (0, 3, 6))
        return first, second, third

    def file_text(self, backup_id: bytes) -> str:
        """Return the text of a recovery file: the rows, and notes that say what it is. `parse_file` reads it."""
        return "\n".join(
            [
                "# coldshare recovery code",
                f"# backup {short_id(backup_id)}",
                *self.rows,
                "# With the sealed backup of that id this opens one share, without its token and password.",
                "# Keep it apart from the sealed backup. How to use it: docs/recovery.md",
                "",
            ]
        )

    def factor(self) -> bytes:
        """Return the 32 bytes for `seal.Factors(recovery=...)`."""
        return primitives.hkdf(b"", self.secret, INFO)

    def confirm(self, typed: str) -> None:
        """Raise `OtherRecoveryCodeError`, or what `parse` raises, unless `typed` is this code."""
        if RecoveryCode.parse(typed) != self:
            raise OtherRecoveryCodeError


@dataclass(frozen=True)
class RecoveryFile:
    """What a recovery file says. `short_id` is a note, None where there is none, and proves nothing."""

    code: RecoveryCode = field(repr=False)
    short_id: str | None


def parse_file(text: str) -> RecoveryFile:
    """Return what is in a recovery file. Lines that begin with # are notes; the rest is the code. Raises as `parse`."""
    typed: list[str] = []
    noted: str | None = None
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            typed.append(line)
        elif note := _NOTE.fullmatch(line.strip()):
            noted = note[1]
    return RecoveryFile(RecoveryCode.parse("\n".join(typed)), noted)


def short_id(backup_id: bytes) -> str:
    """Return what people see of a backup's id: 8 hexadecimal digits. Raises ValueError unless it has 16 bytes."""
    if len(backup_id) != profile.BACKUP_ID_LEN:
        raise ValueError("a backup id has 16 bytes")
    return backup_id.hex()[:8]


def _symbols(typed: str) -> list[int]:
    """Return the 36 values from 0 to 31, or raise `RecoveryCodeFormError`."""
    if len(typed) > _TYPED_MAX:
        raise RecoveryCodeFormError("This is too long to be a recovery code: it has 9 groups of 4 letters and digits.")
    pieces = "".join(" " if _separates(character) else character for character in typed).split()
    if not pieces:
        raise RecoveryCodeFormError("The recovery code is empty.")
    joined = "".join(pieces)
    if not _VALUES.keys() >= set(joined):
        lengths = [len(piece) for piece in pieces] if len(pieces) > 1 else [GROUP] * -(-len(joined) // GROUP)
        groups, at = [], 0
        for number, length in enumerate(lengths, 1):
            if not _VALUES.keys() >= set(joined[at : at + length]):
                groups.append(number)
            at += length
        raise RecoveryCodeFormError(f"There is a character in {_listed(groups)} that is in no recovery code.", groups)
    if len(joined) != SYMBOLS:
        short = [number for number, piece in enumerate(pieces, 1) if len(piece) != GROUP]
        if len(pieces) == GROUPS:
            raise RecoveryCodeFormError(f"There are not 4 characters in {_listed(short)} of the recovery code.", short)
        if not short:
            plural = "" if len(pieces) == 1 else "s"
            raise RecoveryCodeFormError(
                f"There are {len(pieces)} group{plural} of 4 characters; a recovery code has {GROUPS}."
            )
        raise RecoveryCodeFormError(f"There are {len(joined)} characters; a recovery code has {SYMBOLS}.")
    return [_VALUES[character] for character in joined]


def _separates(character: str) -> bool:
    """White space, and what word processors make of a hyphen."""
    return character.isspace() or unicodedata.category(character) == "Pd" or character == "\N{MINUS SIGN}"


def _remainder(symbols: Iterable[int]) -> int:
    """Return (1, symbols...) modulo g, 20 bits; 0 for a code with its checksum."""
    remainder = 1
    for symbol in symbols:
        remainder = (remainder & 0x7FFF) << 5 ^ symbol ^ _REDUCED[remainder >> 15]
    return remainder


def _reduced(top: int) -> int:
    """Return `top` times g, without the leading coefficient, which cancels what overflowed."""
    product = 0
    for bit, multiple in enumerate(_GENERATOR):
        if top >> bit & 1:
            product ^= multiple
    return product


_REDUCED: Final = tuple(_reduced(top) for top in range(32))


def _mistyped(symbols: Sequence[int]) -> MistypedRecoveryCodeError:
    """Say which group to look at, where one slip of the hand explains the checksum.

    The distance of 4 makes the explanation unique among these slips. More than one slip can look like another one,
    so it stays a hint.
    """
    for at in range(SYMBOLS):
        for symbol in range(32):
            if not _remainder([*symbols[:at], symbol, *symbols[at + 1 :]]):
                group = at // GROUP + 1
                return MistypedRecoveryCodeError(
                    f"The recovery code does not fit its checksum. Probably one character in {_listed([group])} is "
                    "wrong.",
                    [group],
                )
    for at in range(SYMBOLS - 1):
        if not _remainder([*symbols[:at], symbols[at + 1], symbols[at], *symbols[at + 2 :]]):
            groups = sorted({at // GROUP + 1, (at + 1) // GROUP + 1})
            where = f"in {_listed(groups)}" if len(groups) == 1 else f"where groups {groups[0]} and {groups[1]} meet"
            return MistypedRecoveryCodeError(
                f"The recovery code does not fit its checksum. Probably two characters {where} are swapped.", groups
            )
    return MistypedRecoveryCodeError()


def _listed(groups: Sequence[int]) -> str:
    return f"group {groups[0]}" if len(groups) == 1 else "groups " + ", ".join(str(group) for group in groups)
