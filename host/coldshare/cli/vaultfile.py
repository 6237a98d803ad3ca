"""Reading the vault file that a command was given: one of several in a zip, its own password only when it has one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli import entry
from coldshare.cli.ui import Ui

if TYPE_CHECKING:
    from coldshare.vault import Archive, Member, ShareFacts, VaultShare

vault_password_option = click.option(
    "--vault-password-file",
    metavar="FILE",
    help="Read the vault file's own password from FILE (- for standard input).",
)
member_option = click.option(
    "--member",
    metavar="NAME|NUMBER",
    help="Which file, where FILE is a zip of several; coldshare inspect lists them.",
)


class VaultPassword:
    """The vault files' own password: from its file, or asked for once, when the first of them needs it."""

    def __init__(self, password_file: str | None, ui: Ui) -> None:
        self._ui = ui
        self.value = None if password_file is None else entry.from_file(password_file, "vault password")

    def open(self, data: bytes, what: str = "the vault file") -> VaultShare:
        """The checked share in `data`. Raises the classes of `coldshare.vault.errors`."""
        from coldshare.vault import read_share
        from coldshare.vault.errors import VaultPasswordNeededError

        try:
            return read_share(data, password=self.value)
        except VaultPasswordNeededError as error:
            if not entry.person_here():
                error.next_step = "Give the password it was exported with: --vault-password-file FILE"
                raise
        with self._ui.prompting():
            self.value = entry.get(None, f"password of {what}", "--vault-password-file")
        return read_share(data, password=self.value)


def read_data(path: Path, member: str | None, ui: Ui) -> bytes | Archive:
    """The vault file at `path`, or the one that `member` names in the zip there; without `member`, the whole zip.

    Raises `FileUnreadableError`, `FileTooLargeError`, and the errors of `coldshare.vault.archive`.
    """
    from coldshare.vault import choose_member, is_archive, open_archive, read_file
    from coldshare.vault.errors import ArchiveMemberError

    data = read_file(path)
    if not is_archive(data):
        if member is not None:
            raise ArchiveMemberError(
                "This file is no zip, so it has no files inside to choose from.",
                next_step="Leave --member out.",
            )
        return data
    archive = open_archive(data)
    for note in archive.notes:
        ui.note(f"Note: {note}")
    return archive if member is None else choose_member(archive.members, member).data


def read_vault(
    path: Path, password_file: str | None, ui: Ui, member: str | None = None
) -> tuple[VaultShare, str | None]:
    """The checked share, and the password that opened the file if it is encrypted.

    Of a zip with several files the person is asked which one. Raises `VaultArchiveError` where there is nobody.
    """
    data = read_data(path, member, ui)
    password = VaultPassword(password_file, ui)
    if not isinstance(data, bytes):
        data = _ask_which(data, ui).data
    share = password.open(data)
    return share, password.value


def read_vault_file(
    path: Path, password_file: str | None, ui: Ui, member: str | None = None
) -> tuple[bytes, str | None, ShareFacts]:
    share, password = read_vault(path, password_file, ui, member)
    return share.original, password, share.facts


def _ask_which(archive: Archive, ui: Ui) -> Member:
    """The member that the person picks; the only one there is, without a question."""
    from coldshare.vault import choose_member
    from coldshare.vault.errors import ArchiveMemberError, VaultArchiveError

    members = archive.members
    if len(members) == 1:
        ui.note(f"The zip holds one file: {members[0].name}")
        return members[0]
    if not entry.person_here():
        raise VaultArchiveError(f"This is a zip of {len(members)} files, and each is backed up on its own.")
    ui.note("This zip holds several files. Each is backed up on its own, onto a token of its own:")
    for member in members:
        ui.note(f"  {member.number}  {member.name}: {_headline(member.data)}")
    while True:
        with ui.prompting():
            typed: str = click.prompt("Which one", err=True)
        try:
            return choose_member(members, typed.strip())
        except ArchiveMemberError as error:
            ui.note(error.message)


def _headline(data: bytes) -> str:
    """What a member is, as far as it can be told without asking for its password."""
    from coldshare.vault import read_share
    from coldshare.vault.errors import VaultPasswordNeededError
    from coldshare_iface.errors import ColdshareError

    try:
        facts = read_share(data).facts
    except VaultPasswordNeededError:
        return "encrypted"
    except ColdshareError as error:
        return f"cannot be backed up ({error.code})"
    return f"the share of {facts.party} of {facts.vault_name!r}"
