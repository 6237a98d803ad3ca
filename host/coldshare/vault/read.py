"""Reading a vault file: what it is, and whether the share inside is sound."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NoReturn

from .checks import Checks
from .container import Form, open_file
from .dkls_vault import check_dkls_vault
from .encryption import Encryption
from .facts import JsonValue, ShareFacts
from .gg20_vault import check_gg20_vault
from .old_json import parse_old_vault
from .vault_proto import parse_vault


class VaultShare:
    """One share: the file exactly as it came, and what it says. Made by `read_share` only.

    `original` is secret. It is in no repr, comparison, copy or pickle of this object.
    """

    __slots__ = ("encryption", "facts", "form", "original")

    def __init__(self, original: bytes, facts: ShareFacts, encryption: Encryption, form: Form) -> None:
        #: The file, byte for byte. This is what is stored and given back.
        self.original: Final = original
        self.facts: Final = facts
        #: The file's own protection, which coldshare does not rely on.
        self.encryption: Final = encryption
        #: What the file is written as.
        self.form: Final = form

    def __repr__(self) -> str:
        facts = self.facts
        return (
            f"<VaultShare {facts.vault_name!r} of {facts.party!r}, {facts.threshold} of {facts.parties},"
            f" {self.encryption}, {len(self.original)} bytes>"
        )

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a vault share is secret and is neither copied nor pickled")

    def describe(self) -> dict[str, JsonValue]:
        """The facts, the file's form, size and encryption, as JSON values. Never a secret."""
        return {
            **self.facts.describe(),
            "form": self.form.value,
            "encryption": self.encryption.value,
            "file_size": len(self.original),
        }


def read_share(data: bytes, *, password: str | None = None) -> VaultShare:
    """Read and check a vault file of any kind: `.vult`, `.bak` or `.dat`, plain or encrypted, of any library.

    `password` is the file's own; it is not looked at where the file is plain. Raises `InputError` where this is
    no vault file, a damaged one or a kind not supported yet, `VaultArchiveError` where it is a zip (see
    `archive.members`), `VaultPasswordNeededError` and `VaultPasswordWrongError`, `ShareCheckError` where the share
    contradicts itself or the vault around it.
    """
    opened = open_file(data, password)
    vault = parse_vault(opened.vault) if opened.form is Form.VULT else parse_old_vault(opened.vault)
    vault = replace(vault, warnings=(*opened.warnings, *vault.warnings))
    checks = Checks()
    facts = check_gg20_vault(vault, checks) if vault.is_gg20 else check_dkls_vault(vault, checks)
    return VaultShare(data, facts, opened.encryption, opened.form)
