"""What opens a seal on the command line: a password, or a recovery code; and what is remembered once one was opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from coldshare.cli import entry
from coldshare.cli.options import password_option, plugged_in
from coldshare.cli.ui import Ui
from coldshare.paths import path_of

if TYPE_CHECKING:
    from coldshare.device.address import Address
    from coldshare.device.token import TokenClient
    from coldshare.export_index import ExportIndex
    from coldshare.recovery import RecoveryFile
    from coldshare.restore import Held, Key
    from coldshare.seal import AllowCost, KdfParams, Slot
    from coldshare_iface.messages import Declaration

F = TypeVar("F", bound=Callable[..., Any])

_recovery_file = click.option(
    "--recovery-file", metavar="FILE", help="Open with the recovery code in FILE (- for standard input) instead."
)
_recovery = click.option("--recovery", is_flag=True, help="Open with the recovery code, typed at a prompt, instead.")
_cost = click.option(
    "--allow-cost", is_flag=True, help="Try a password that takes more memory or time than coldshare uses by itself."
)


def _read_path(context: click.Context, parameter: click.Parameter, text: str | None) -> Path | None:
    return None if text is None else Path(path_of(text))


from_option = click.option(
    "--from",
    "source",
    metavar="FILE",
    callback=_read_path,
    help="Read the sealed share from an exported file. With a recovery code no token is needed.",
)


def opening_options(function: F) -> F:
    """--password-file, --recovery-file, --recovery and --allow-cost."""
    return password_option(_recovery_file(_recovery(_cost(function))))


class Opening:
    """How this command opens the seal. A file with a code is read at once, so that a bad one troubles nobody."""

    def __init__(
        self, ui: Ui, password_file: str | None, recovery_file: str | None, recovery: bool, cost: bool
    ) -> None:
        given = [password_file is not None, recovery_file is not None, recovery]
        if sum(given) > 1:
            raise click.UsageError("--password-file, --recovery-file and --recovery exclude each other")
        self._ui = ui
        self._password_file = password_file
        self._cost = cost
        self._file: RecoveryFile | None = None
        self.by_recovery = recovery or recovery_file is not None
        if recovery_file is not None:
            from coldshare.recovery import parse_file

            self._file = parse_file(entry.from_file(recovery_file, "recovery code"))
        elif recovery and not entry.person_here():
            self._typed()  # says that there is nobody to ask

    def key(self, instead: str = "") -> Key:
        """Asks for what was not given in a file."""
        if self._file is not None:
            return self._file
        with self._ui.prompting():
            if self.by_recovery:
                return self._typed()
            return entry.get(self._password_file, "password of the backup", "--password-file", instead=instead)

    @staticmethod
    def _typed() -> RecoveryFile:
        from coldshare.recovery import RecoveryCode, RecoveryFile

        typed = entry.get(None, "recovery code", "--recovery-file", check=RecoveryCode.parse)
        return RecoveryFile(RecoveryCode.parse(typed), None)

    @property
    def allow_cost(self) -> AllowCost:
        def allow(kdf: KdfParams) -> bool:
            if self._cost:
                return True
            if not entry.person_here():
                return False
            with self._ui.prompting():
                return click.confirm(f"Trying the password takes {kdf}. Go on?", default=False, err=True)

        return allow

    def needs_token(self, at: Address | None, slots: Sequence[Slot]) -> Address | None:
        """For a file that opens in these ways: the token that its password needs, none with a recovery code, or where
        the password opens it alone. Raises the same as `needed`, and FolderVerbError for a folder."""
        from coldshare.device.errors import NoAddressError
        from coldshare.seal import Factor

        if self.by_recovery or any(slot.factors == Factor.PASSWORD for slot in slots):
            return None
        if at is not None and at.scheme == "folder":
            from coldshare.places.errors import FolderVerbError

            raise FolderVerbError(
                "The password opens that file only together with its token, and a folder is none.",
                next_step="Name the token with --at, or open the file with its recovery code: --recovery-file FILE",
            )

        try:
            return needed(at)
        except NoAddressError as error:
            raise NoAddressError(
                "The password opens that file only together with its token, and no token was named or is plugged in.",
                next_step="Name the token with --at, or open the file with its recovery code: --recovery-file FILE",
            ) from error

    @contextmanager
    def spoken(self) -> Iterator[None]:
        """Somebody with the recovery code may have lost the PIN. Say what is possible then."""
        from coldshare_iface.errors import PinReplugError, PinWrongError

        try:
            yield
        except (PinReplugError, PinWrongError) as error:
            if self.by_recovery:
                error.next_step = (
                    f"{error.next_step} The recovery code opens the sealed share, not the token. If the PIN is lost "
                    "and the sealed share was exported before: coldshare restore --from FILE.seal, with the code."
                )
            raise


def needs(client: TokenClient, backup_id: bytes) -> Held | None:
    """The backup on the token that a file of that id was exported from: the file opens only while that is there."""
    from coldshare.restore import everything

    return next((held for held in everything(client.contents()) if held.backup_id == backup_id), None)


def needed(at: Address | None) -> Address:
    """For commands that can do without a token, when they cannot. Raises NoAddressError and SeveralTokensError."""
    return plugged_in() if at is None else at


def index() -> ExportIndex:
    from coldshare.export_index import ExportIndex, export_index_path

    return ExportIndex(export_index_path())


def remember(ui: Ui, backup_id: bytes, declaration: Declaration, file: Path | None = None) -> None:
    """So that this computer recognises the backup in any folder. What the command did stands even if that fails."""
    from coldshare.declare import DeclarationMismatchError
    from coldshare.errors import ColdshareError

    known = index()
    try:
        with known.locked():
            known.remember(backup_id, declaration.vault, declaration.party, file and file.absolute())
    except DeclarationMismatchError:
        raise  # the same backup was another share before: that must not pass
    except ColdshareError as error:
        ui.note(f"Note: this computer could not remember the backup for later exports. {error.message}")
