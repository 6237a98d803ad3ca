"""Everything that can be wrong with a vault file. No message holds a secret or a raw control character."""

from __future__ import annotations

from coldshare.errors import InputError, IntegrityError, SecretError

from .limits import MAX_FILE_SIZE

_EXPORT_AGAIN = "Copy the file again from where it came from, or export the share again in the app."


class FileUnreadableError(InputError):
    """The file cannot be read."""

    code = "vault_file_unreadable"
    next_step = "Check the path and that you may read it."


class FileTooLargeError(InputError):
    __doc__ = f"The file is larger than {MAX_FILE_SIZE // 2**20} MiB; no share of a vault is."

    code = "vault_file_too_large"
    vendor = "INVALID_FILE_FORMAT"
    next_step = "Check that this is the `.vult` file that the app exported."


class FileEmptyError(InputError):
    """The file is empty."""

    code = "vault_file_empty"
    vendor = "INVALID_FILE_FORMAT"
    next_step = _EXPORT_AGAIN


class NotAVaultFileError(InputError):
    """This is not a vault file."""

    code = "not_a_vault_file"
    vendor = "INVALID_FILE_FORMAT"
    next_step = "Name the `.vult` file that the app exported."


class FileDamagedError(InputError):
    """This is a vault file, but it is damaged or cut short."""

    code = "vault_file_damaged"
    vendor = "CORRUPTED_DATA"
    next_step = _EXPORT_AGAIN


class VaultArchiveError(InputError):
    """This is a zip. Each vault file in it is a share of its own, and is backed up on its own."""

    code = "vault_archive"
    next_step = "Say which of its files is meant, with --member and its name or number; coldshare inspect lists them."


class ArchiveDamagedError(InputError):
    """This zip is damaged or cut short."""

    code = "archive_damaged"
    vendor = "CORRUPTED_DATA"
    next_step = _EXPORT_AGAIN


class ArchiveTooLargeError(InputError):
    """This zip holds more than a backup of vaults ever does."""

    code = "archive_too_large"
    next_step = "Check that this is the file that the app exported, or unpack it and name one of the files inside."


class ArchiveEncryptedError(InputError):
    """This zip is encrypted itself, which the apps never do."""

    code = "archive_encrypted"
    vendor = "UNSUPPORTED_FORMAT"
    next_step = "Unpack it with the program that made it, and name one of the files inside."


class ArchiveEmptyError(InputError):
    """There is no vault file in this zip."""

    code = "archive_empty"
    vendor = "INVALID_FILE_FORMAT"
    next_step = _EXPORT_AGAIN


class ArchiveMemberError(InputError):
    """This zip has no such file."""

    code = "archive_member"
    next_step = "Name one by its number; coldshare inspect lists them."


class FieldError(InputError):
    """A field of the vault holds something that it must not hold."""

    code = "vault_field_invalid"
    vendor = "CORRUPTED_DATA"
    next_step = _EXPORT_AGAIN

    def __init__(self, field: str, problem: str, *, next_step: str | None = None) -> None:
        super().__init__(f"The vault's field {field} {problem}.", next_step=next_step)
        #: The field's name in `vault.proto`.
        self.field = field


class VaultPasswordNeededError(SecretError):
    """The vault file is encrypted; its password is needed to check the share before it is stored as it came."""

    code = "vault_password_needed"
    vendor = "PASSWORD_REQUIRED"
    next_step = "Give the password that was chosen when the file was exported."


class VaultPasswordWrongError(SecretError):
    """The password does not open this vault file, or the file is damaged; the two cannot be told apart."""

    code = "vault_password_wrong"
    vendor = "INVALID_PASSWORD"
    next_step = "Try the password that was chosen when this very file was exported."


class NotYetSupportedError(InputError):
    """coldshare cannot back up this kind of vault file yet."""

    code = "not_yet"
    vendor = "UNSUPPORTED_FORMAT"
    next_step = "Keep the backup that you have. The roadmap in the README says what comes next."


class NotYetLibraryError(NotYetSupportedError):
    """This share was made by a signing library that this version of coldshare does not know."""

    code = "not_yet_library"


class NotYetContainerError(NotYetSupportedError):
    """This file was written in a container format newer than this version of coldshare knows."""

    code = "not_yet_container"


class ShareCheckError(IntegrityError):
    """The share failed one of the checks that coldshare makes before it stores anything."""

    code = "share_check_failed"
    vendor = "CORRUPTED_DATA"
    next_step = "Do not rely on this file. Export the share again in the app and try that file."

    def __init__(self, check: str, claim: str, where: str) -> None:
        super().__init__(f"The share fails the check that {claim}. {where}")
        #: Stable name of the check, one of `coldshare.vault.checks.CHECKS`.
        self.check = check


class ShareLayoutError(ShareCheckError):
    """The bytes of a key share are not laid out as the library writes them."""

    code = "share_layout"


class ShareArithmeticError(ShareCheckError):
    """The numbers in a key share do not belong together: it could not sign."""

    code = "share_arithmetic"


class ShareMismatchError(ShareCheckError):
    """A key share and the vault around it say different things."""

    code = "share_mismatch"
