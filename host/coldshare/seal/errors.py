"""What can go wrong with a sealed file. Every class has a stable `code`; its docstring is the default sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from coldshare.errors import InputError, IntegrityError, SecretError

__all__ = [
    "DamagedSealError",
    "KdfCostError",
    "KdfUnavailableError",
    "MissingFactorError",
    "PasswordFormError",
    "RebuildError",
    "SealTooLargeError",
    "UnsupportedSealError",
    "WeakPasswordError",
    "WrongFactorError",
]


class SealTooLargeError(InputError):
    """This is too large to be sealed, or to be a sealed file."""

    code: ClassVar[str] = "seal_too_large"
    vendor: ClassVar[str] = "INVALID_FILE_FORMAT"
    next_step = "Check that this is the file of one share. Sealed files of coldshare stay below 1.1 MiB."


class UnsupportedSealError(InputError):
    """This sealed file has a format that this version of coldshare does not know."""

    code: ClassVar[str] = "seal_unsupported"
    vendor: ClassVar[str] = "UNSUPPORTED_FORMAT"
    next_step = "Use the version of coldshare that made the backup, or a newer one. The file may be in order."


class KdfCostError(InputError):
    """Opening this sealed file asks for more memory or time than coldshare grants."""

    code: ClassVar[str] = "kdf_cost"
    next_step = "Do not open the file unless you know who sealed it. coldshare itself never writes such values."


class KdfUnavailableError(InputError):
    """The cryptography package on this computer was built without Argon2id, so no password can be used."""

    code: ClassVar[str] = "kdf_unavailable"
    next_step = "Install coldshare with pip into its own environment: that brings a build with Argon2id."


class PasswordFormError(SecretError):
    """This cannot be a password."""

    code: ClassVar[str] = "password_form"
    next_step = "Type the password again, or take the stray characters out of the password file."


class WeakPasswordError(SecretError):
    """This password is too easy to guess."""

    code: ClassVar[str] = "password_weak"
    next_step = "Choose another password. Five random words are good."


class MissingFactorError(SecretError):
    """This sealed file needs something that was not given."""

    code: ClassVar[str] = "factor_missing"
    next_step = "Give what is needed for one of the ways."

    def __init__(self, message: str, needed: Sequence[Sequence[str]]) -> None:
        """`needed` has, for each slot, the names of all factors it asks for; none where it is unknown."""
        super().__init__(message)
        self.needed = tuple(tuple(names) for names in needed)


class WrongFactorError(SecretError):
    """What was given does not open this sealed file."""

    code: ClassVar[str] = "factor_wrong"
    vendor: ClassVar[str] = "INVALID_PASSWORD"
    next_step = "Type the password again and check which token is connected. Nothing was changed."


class DamagedSealError(IntegrityError):
    """The sealed file is damaged."""

    code: ClassVar[str] = "seal_damaged"
    vendor: ClassVar[str] = "CORRUPTED_DATA"
    next_step = "Read it again from where it is kept. If it stays so, use another copy of this backup."

    def __init__(self, where: str, detail: str) -> None:
        """`where` is a stable name of the part at fault, `detail` a clause for a person."""
        super().__init__(f"The sealed file is damaged ({where}): {detail}.")
        self.where = where


class RebuildError(IntegrityError):
    """The parts do not give the original file back byte for byte, so nothing was sealed."""

    code: ClassVar[str] = "seal_rebuild"
    next_step = "This is a fault in coldshare. Keep the file as it is, and report this without attaching it."
