"""`coldshare reshare`: from the shares of one generation to those of the next, and no mixing."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli import entry, reshared
from coldshare.cli.handing import new_code, recovery_options
from coldshare.cli.ledgers import opened
from coldshare.cli.options import json_option, password_option, place_options, place_options_if_any
from coldshare.cli.render import Result
from coldshare.cli.single_host import single_host_option, watch_parties
from coldshare.cli.ui import Ui
from coldshare.cli.vaultfile import member_option, read_vault_file, vault_password_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.cli.render import Json
    from coldshare.device.address import Address
    from coldshare.ledger.events import Place
    from coldshare.ledger.queries import Backup, Reshare, View
    from coldshare.ledger.store import Ledger
    from coldshare.reshare.errors import ReportError, ReportForgedError
    from coldshare.reshare.progress import Progress
    from coldshare.reshare.report import Signed
    from coldshare.reshare.whose import Doubt

_LINE = "COLDSHARE:REPORT:"
#: Files of a folder that are looked at.
_FILES_MAX = 256


class _InOrder(click.Group):
    """Listed in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group("reshare", cls=_InOrder, short_help="After a reshare: every backup to the new generation.")
def command() -> None:
    """Carry a vault through a reshare, which the wallet's app performs, without mixing old shares with new ones.

    start checks whether it can be made and says what to do; next backs up each device's new share and reports it; join
    brings the reports together; finish lets the new generation count. It can be broken off and gone on with anywhere.
    With --json each of these answers with one JSON object.
    """


@command.command("start", short_help="Check whether a vault can be reshared, and what to do.")
@click.argument("vault")
@click.option("--leave", "leaving", metavar="PARTY", multiple=True, help="A party that does not take part.")
@click.option("--join", "joining", metavar="NAME", multiple=True, help="A new party, by the id that its app shows.")
@click.option("--new", metavar="NUMBER", type=click.IntRange(0, 32), help="How many join, where ids are not known yet.")
@click.option("--accept", "accepted", metavar="CODE", multiple=True, help="Go on though that is so; named by its code.")
@click.option("--look", is_flag=True, help="Only say what would be; nothing is recorded.")
@json_option
def start(
    vault: str,
    leaving: tuple[str, ...],
    joining: tuple[str, ...],
    new: int | None,
    accepted: tuple[str, ...],
    look: bool,
    as_json: bool,
) -> Result:
    """Check whether VAULT can be reshared with what is there, and say what to do, in order.

    Who is not to take part is named with --leave; a lost device's party stays out by itself. --join and --new tell of
    new devices.
    """
    from coldshare.cli.when import now
    from coldshare.reshare import steps
    from coldshare.reshare.errors import ReshareRefusedError
    from coldshare.reshare.plan import prepare
    from coldshare.safety.named import vaults

    ui = Ui(quiet=as_json)
    with _ledger() as ledger:
        view = ledger.view()
        prepared = prepare(view, vaults(view, vault)[0], now(), leaving=leaving, joining=joining, new=new)
        for one in prepared.to_accept:
            if not look and one.code not in accepted and not _accepts(one.words, ui):
                raise ReshareRefusedError(
                    one.words, next_step=f"{one.next_step} To go on all the same: --accept {one.code}"
                )
        plan = None if look else steps.begin(ledger, prepared)
    return reshared.started(prepared, plan)


def _accepts(words: str, ui: Ui) -> bool:
    if ui.quiet or not entry.person_here():
        return False
    ui.note(words)
    return click.confirm("Go on all the same?", default=False, err=True)


@command.command("next", short_help="Back up a device's new share, and report it.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--report", "out", metavar="FILE", type=click.Path(path_type=Path), help="Write the report to FILE, too.")
@click.option("--given-up", is_flag=True, help="Take up again what was given up with abort: the app has finished it.")
@member_option
@password_option
@vault_password_option
@recovery_options
@single_host_option
@place_options
def next_(
    file: Path,
    out: Path | None,
    given_up: bool,
    member: str | None,
    password_file: str | None,
    vault_password_file: str | None,
    recovery_out: Path | None,
    no_recovery: bool,
    single_host: bool,
    at: Address,
    pin_file: str | None,
    as_json: bool,
) -> Result:
    """Check the new share in FILE against itself, the old ones and the plan, back it up, and report it.

    Run it on each device's own computer. The backup stands beside that of the old share, which counts until the reshare
    is finished. The report holds public values only, signed by this computer. After a Ctrl-C or a fault run it again.
    """
    from coldshare.cli.backing import ToBackUp, back_up
    from coldshare.declare import declare, showable_party
    from coldshare.files import write_private
    from coldshare.identity import Identity
    from coldshare.ledger.differences import share_of
    from coldshare.ledger.record import chain_code_digest, host_name
    from coldshare.reshare import steps
    from coldshare.reshare.newshare import check_new, check_place, kept_of, report_on
    from coldshare.reshare.report import encode, sign
    from coldshare.reshare.whose import check_own
    from coldshare.restore import check_out

    ui = Ui(quiet=as_json)
    several = watch_parties(ui, single_host)
    if out is not None:
        check_out(out)
    identity = Identity.load()
    data, vault_password, facts = read_vault_file(file, vault_password_file, ui, member)
    share, code = share_of(declare(facts)), chain_code_digest(facts.chain_code)
    signers = tuple(showable_party(party) for party in facts.signers)
    with _ledger() as ledger:
        check_own(ledger.view(), identity.public)
        if given_up:
            steps.take_up(ledger, share)
        plan = steps.plan_for(ledger, share, signers, lambda view, plan: check_new(view, plan, facts, share, code))
        view = ledger.view()
    ui.note(
        f"The new share of {facts.party} of {facts.vault_name!r}: generation {share.generation.hex()[:8]}, "
        f"{facts.threshold} of {facts.parties}: {', '.join(signers)}. Checked."
    )
    backed = None
    place = _place(at)
    if not any(one.place == place for one in kept_of(view, share)):
        check_place(view, plan, share, place)
        recovery = new_code(ui, recovery_out, no_recovery)
        how = (password_file, recovery, recovery_out, no_recovery, True, several)
        backed = back_up(ui, at, ToBackUp(data, vault_password, facts, *how, asked=False), pin_file)
    with _ledger() as ledger:
        report = report_on(
            plan,
            facts,
            share,
            chain_code_digest=code,
            digest=hashlib.sha256(data).digest(),
            kept=kept_of(ledger.view(), share),
            time=ledger.moment(),
            host=ledger.host,
            host_name=host_name(),
            signers=signers,
        )
        signed = sign(report, identity)
        view = steps.report(ledger, plan, signed)
    if out is not None:
        write_private(out, encode(signed), replace=False)
    return reshared.reported(view, plan, signed, backed, out, several)


@command.command("report", short_help="Give this computer's own report once more.")
@click.argument("vault", required=False)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write it to FILE, which must not exist.")
@json_option
def report(vault: str | None, out: Path | None, as_json: bool) -> Result:
    """Give this computer's own report once more, as a line of text for a file, a mail or a QR code."""
    from coldshare.files import write_private
    from coldshare.identity import Identity
    from coldshare.reshare.errors import NoReshareError
    from coldshare.reshare.progress import progress
    from coldshare.reshare.report import encode
    from coldshare.reshare.whose import check_own

    identity = Identity.load()
    with _ledger() as ledger:
        view = ledger.view()
    check_own(view, identity.public)
    own = [
        (plan, party.report)
        for plan in _plans(view, vault)
        for party in progress(view, plan).parties
        if party.report is not None and party.report.public_key == identity.public
    ]
    if len({plan.vault for plan, _ in own}) > 1:
        raise click.UsageError("this computer has reported shares of several vaults: name the VAULT")
    if not own:
        raise NoReshareError(
            "This computer has not reported any new share yet.",
            next_step="Do that first: coldshare reshare next NEW.vult",
        )
    plan, signed = own[0]
    if out is not None:
        write_private(out, encode(signed), replace=False)
    return reshared.reported(view, plan, signed, None, out)


@command.command("join", short_help="Take in the reports of other computers.")
@click.argument("reports", metavar="REPORT...", nargs=-1, required=True)
@click.option(
    "--trust",
    "trusted",
    metavar="FINGERPRINT[=PARTY]",
    multiple=True,
    help="A signing key that was compared; with =PARTY, that it may report of that party, too.",
)
@json_option
def join(reports: tuple[str, ...], trusted: tuple[str, ...], as_json: bool) -> Result:
    """Take in the reports of other computers: files, folders of files, the text itself, or - for standard input.

    Whose a report is, its signature tells. The first time a computer reports, compare its fingerprint with the one that
    it shows itself; a script names it with --trust. A key speaks for the computer that was compared, and for one party:
    where it says more, that is asked, and a script names the party.
    """
    from coldshare.reshare import steps

    ui = Ui(quiet=as_json)
    bad: list[ReportError | ReportForgedError] = []
    found = [one for text in reports for one in _read(text, bad)]
    if bad and not found:
        raise bad[0]
    touched: dict[bytes, Reshare] = {}
    strangers: list[tuple[Signed, Doubt]] = []
    with _ledger(create=True) as ledger:
        for signed in found:
            view = ledger.view()
            doubt = _doubt(view, signed, trusted, ui)
            if doubt is None:
                plan = steps.take(ledger, signed, compared=_compared_now(view, signed, trusted))
                touched[plan.plan] = plan
            else:
                strangers.append((signed, doubt))
        view = ledger.view()
    plans = [steps.again(view, one) for one in touched.values()]
    warnings = [reshared.fits_nothing(one, found) for one in trusted if not any(_fits(one, told) for told in found)]
    return reshared.joined(view, plans, len(found), strangers, bad, warnings)


@command.command("status", short_help="Say who is waited for, and what is left of old shares.")
@click.argument("vault", required=False)
@json_option
def status(vault: str | None, as_json: bool) -> Result:
    """Say what each party is waited for, and what is left of the older shares."""
    with _ledger() as ledger:
        view = ledger.view()
    return reshared.status(view, _plans(view, vault))


@command.command("finish", short_help="Let the new shares count, and retire an old one.")
@click.argument("vault", required=False)
@click.option("--accept", "accepted", metavar="CODE", multiple=True, help="Go on though that is so; named by its code.")
@place_options_if_any
def finish(
    vault: str | None, accepted: tuple[str, ...], at: Address | None, pin_file: str | None, as_json: bool
) -> Result:
    """When every party has reported: let the new generation count, and retire the old one at one place.

    The first time it is recorded in the ledger. Run it once for every place with an old share; a token asks for a
    button that is HELD. Where nothing is to be retired, only the ledger is written. What is left of old shares is
    listed until all of it is destroyed.
    """
    from coldshare.reshare import steps
    from coldshare.reshare.errors import ReshareIncompleteError
    from coldshare.reshare.progress import SEVERAL_PARTIES, progress

    with _ledger() as ledger:
        view = ledger.view()
        plan = _one(view, vault)
        waits = progress(view, plan)
        if plan.finished is None and not waits.ready:
            raise ReshareIncompleteError(reshared.why_not(waits), next_step=reshared.what_now(waits))
        if plan.finished is None and SEVERAL_PARTIES not in accepted:
            _ask_about_several(waits, Ui(quiet=as_json))
        plan = steps.finish(ledger, plan).plan
        if at is None:
            at = _plugged_in(ledger.view(), plan)
    retired = None if at is None else _retire_at(plan, at, pin_file, as_json)
    with _ledger() as ledger:
        view = ledger.view()
    return reshared.finished(view, progress(view, steps.again(view, plan)), at, retired)


@command.command("abort", short_help="Give a reshare up: the old shares count, as before.")
@click.argument("vault", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def abort(vault: str | None, yes: bool, as_json: bool) -> Result:
    """Give the reshare up: the older generation counts as before. Nothing is destroyed.

    It holds for this computer, and for every one that takes in its ledger. What was stored of the new generation is
    listed, to be removed.
    """
    from coldshare.reshare import steps
    from coldshare.reshare.progress import progress

    ui = Ui(quiet=as_json)
    with _ledger() as ledger:
        view = ledger.view()
        plan = _one(view, vault)
        before = progress(view, plan)
        if not yes and not as_json and entry.person_here():
            for line in reshared.before_abort(view, before):
                ui.note(line)
            click.confirm("Give it up?", default=False, err=True, abort=True)
        after = steps.abort(ledger, plan)
    return reshared.aborted(view, after, before)


@command.command("distrust", short_help="Let a signing key count no more.")
@click.argument("fingerprint")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def distrust(fingerprint: str, yes: bool, as_json: bool) -> Result:
    """Let the key with that FINGERPRINT count no more: it was compared wrongly, or its computer is gone.

    What it has signed counts no more, and nothing of it is taken in again, whoever compares it. If the computer is
    there after all, it makes a new key, which is compared anew.
    """
    from coldshare.reshare import steps
    from coldshare.reshare.whose import keys_like

    ui = Ui(quiet=as_json)
    with _ledger() as ledger:
        view = ledger.view()
        keys = keys_like(view, fingerprint)
        own = _own_key(keys)
        if not yes and not as_json and entry.person_here():
            for line in reshared.distrusted(view, keys, own).lines:
                ui.note(line)
            click.confirm("Let it count no more?", default=False, err=True, abort=True)
        for key in keys:
            view = steps.take_back(ledger, key)
    return reshared.distrusted(view, keys, own)


# --- what the commands have in common


def _ledger(*, create: bool = False) -> Ledger:
    return opened(
        "This computer knows no vault yet. Bring a report of another party: coldshare reshare join REPORT. Or a whole "
        "ledger: coldshare ledger join FILE",
        create=create,
    )


def _own_key(keys: Sequence[bytes]) -> Path | None:
    """The file of this computer's own key, where it is one of these. None is made for that."""
    from coldshare.errors import ColdshareError
    from coldshare.identity import Identity, identity_path

    path = identity_path()
    with suppress(ColdshareError):
        if path.exists() and Identity.load(path).public in keys:
            return path
    return None


def _plans(view: View, vault: str | None) -> list[Reshare]:
    """The latest reshare of each vault that has one. Raises NoReshareError where there is none at all."""
    from coldshare.reshare.errors import NoReshareError
    from coldshare.reshare.progress import reshare_of
    from coldshare.safety.named import vaults

    found = []
    for one in vaults(view, vault):
        with suppress(NoReshareError):
            found.append(reshare_of(view, one.vault))
    if not found:
        raise NoReshareError
    return found


def _one(view: View, vault: str | None) -> Reshare:
    found = _plans(view, vault)
    going = [one for one in found if one.open] or found
    if len(going) > 1:
        raise click.UsageError("several vaults are being reshared: name the VAULT")
    return going[0]


def _place(at: Address) -> Place | None:
    """The place of --at; None for a folder that is none yet."""
    from coldshare.places.at_hand import folder_at, token_at
    from coldshare.places.errors import NoFolderPlaceError

    if at.scheme != "folder":
        return token_at(at)
    try:
        return folder_at(at.where)
    except NoFolderPlaceError:
        return None


def _read(text: str, bad: list[ReportError | ReportForgedError]) -> list[Signed]:
    """The reports that one argument stands for. `bad` gets what is wrong with others in the same folder. Raises
    ReportError, ReportForgedError."""
    import sys

    from coldshare.reshare.errors import ReportError, ReportForgedError
    from coldshare.reshare.report import TEXT_MAX, read

    if text.upper().startswith(_LINE):
        return [read(text.encode(errors="replace"))]
    if text == "-":
        return [read(sys.stdin.buffer.read(TEXT_MAX + 1))]
    path = Path(text)
    try:
        if not path.is_dir():
            return [_report(path, _head(path))]
        found = [(one, _head(one)) for one in sorted(path.iterdir())[:_FILES_MAX] if one.is_file()]
    except OSError as error:
        raise ReportError(
            f"{text} cannot be read: {error.strerror}.", next_step="Check the path, and that you may read it."
        ) from None
    meant = [(one, data) for one, data in found if data.upper().lstrip().startswith(_LINE.encode())]
    if not meant:
        raise ReportError(f"There is no report in the folder {text}.")
    reports = []
    for one, data in meant:
        try:
            reports.append(_report(one, data))
        except (ReportError, ReportForgedError) as error:
            bad.append(error)
    return reports


def _report(path: Path, data: bytes) -> Signed:
    """The report in that file; what is wrong with it is said by the file's name."""
    from coldshare.reshare.errors import ReportError, ReportForgedError
    from coldshare.reshare.report import read

    try:
        return read(data)
    except (ReportError, ReportForgedError) as error:
        error.args = (f"{path}: {error.message}",)
        raise


def _head(path: Path) -> bytes:
    """As much of a file as a report can have, and a byte more."""
    from coldshare.reshare.report import TEXT_MAX

    with path.open("rb") as file:
        return file.read(TEXT_MAX + 1)


def _doubt(view: View, signed: Signed, trusted: Sequence[str], ui: Ui) -> Doubt | None:
    """What stands against taking it in; None where its key was compared, now or before."""
    from coldshare.reshare.whose import doubt

    found = doubt(view, signed)
    if found is None or any(_vouches(one, signed, found) for one in trusted):
        return None
    if found.final or ui.quiet or not entry.person_here():
        return found
    return None if _compared(signed, found, ui) else found


def _compared_now(view: View, signed: Signed, trusted: Sequence[str]) -> bool:
    """Whether somebody has just said that this is the computer's key; else a joined ledger has said so before."""
    from coldshare.reshare.whose import counts

    return not counts(view, signed) or any(_fits(one, signed) for one in trusted)


def _ask_about_several(waits: Progress, ui: Ui) -> None:
    """Raises ReshareRefusedError."""
    from coldshare.reshare.errors import ReshareRefusedError
    from coldshare.reshare.progress import SEVERAL_PARTIES

    for said in waits.unasked:
        words = reshared.unasked(said)
        if not _accepts(words, ui):
            raise ReshareRefusedError(
                words,
                next_step="Ask in person which shares that computer has. To go on all the same: --accept "
                f"{SEVERAL_PARTIES}",
            )


def _vouches(trusted: str, signed: Signed, doubt: Doubt) -> bool:
    """Whether that `--trust` dispels it. That a compared key speaks for more is said by naming the party."""
    if doubt.final or not _fits(trusted, signed):
        return False
    return bool(trusted.partition("=")[2]) or doubt.why in ("stranger", "other_key")


def _fits(trusted: str, signed: Signed) -> bool:
    """Whether that `--trust` is of that report's key, and of its party where it names one."""
    from coldshare.identity import fingerprint
    from coldshare.reshare.whose import same_fingerprint
    from coldshare.safety.named import meant

    key, _, party = trusted.partition("=")
    told = signed.report
    if not same_fingerprint(fingerprint(signed.public_key), key):
        return False
    return not party or meant((*told.signers, told.party), party) == [told.party]


def _compared(signed: Signed, doubt: Doubt, ui: Ui) -> bool:
    from coldshare.identity import fingerprint

    told = signed.report
    new = ", which is new here" if doubt.why == "stranger" else ""
    if not new:
        ui.note(f"CAREFUL: {doubt.words} Ask why, in person, before you go on.")
    ui.note(f"A report of {told.party}, by the computer {told.host_name!r}{new}. It signs as:")
    ui.note(f"    {fingerprint(signed.public_key)}")
    also = f", and is the share of {told.party} on it" if doubt.why == "other_party" else ""
    with ui.prompting():
        return click.confirm(
            f"Does that computer itself show the same, every character{also}?", default=False, err=True
        )


def _plugged_in(view: View, plan: Reshare) -> Address | None:
    """The token that is plugged in, if this is one with an old share to be retired."""
    from coldshare.cli.options import plugged_in
    from coldshare.errors import ColdshareError
    from coldshare.ledger.events import TOKEN

    places = [one.place for one in view.places() if one.place.kind == TOKEN]
    if not any(reshared.to_retire(view, plan, one) for one in places):
        return None  # nobody looks for tokens in vain
    with suppress(ColdshareError):
        at = plugged_in()
        if reshared.to_retire(view, plan, _place(at)) is not None:
            return at
    return None


def _retire_at(plan: Reshare, at: Address, pin_file: str | None, as_json: bool) -> Result | None:
    """Retire the old share at that place; None where there is none beside a newer one."""
    from coldshare.cli.commands.retire import let_give_way
    from coldshare.generations import AlreadyRetiredError

    place = _place(at)
    with _ledger() as ledger:
        old = reshared.to_retire(ledger.view(), plan, place)
    if old is None:
        return None
    try:
        return let_give_way(old.backup_id.hex(), b"", None, at, pin_file, as_json)
    except AlreadyRetiredError:
        # The place was changed, and then the link broke, or another computer did it: only the ledger does not know.
        _noted(old, as_json)
        short = old.backup_id.hex()[:8]
        data: dict[str, Json] = {"retired": {"backup_id": old.backup_id.hex(), "state": "retired"}}
        return Result(data, [f"Retired: {short} was retired at its place already, and that is recorded now."])


def _noted(old: Backup, as_json: bool) -> None:
    """Record that its place has that backup as retired, and the one beside it as the one that counts."""
    from coldshare.ledger import events as e
    from coldshare.ledger import record

    def build(ledger: Ledger) -> list[e.Body]:
        beside = [
            one
            for one in ledger.view().backups(old.vault, place=old.place)
            if one.party == old.party and one.state == e.NEXT
        ]
        told = [(old, e.RETIRED), *((one, e.ACTIVE) for one in beside)]
        return [
            *([e.GenerationRetired(old.vault, old.generation, old.place)] if old.vault and old.generation else []),
            *(e.BackupState(one.place, one.backup_id, None, one.size, state) for one, state in told),
        ]

    record.keep(Ui(quiet=as_json).note, build)
