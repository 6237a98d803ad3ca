"""`coldshare inspect FILE`: what a vault file is, and whether its share is sound. No token, no secret."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from coldshare.cli.options import json_option
from coldshare.cli.render import Json, Result, error_json, size
from coldshare.cli.single_host import looked_at, watch_parties
from coldshare.cli.ui import Ui
from coldshare.cli.vaultfile import VaultPassword, member_option, read_data, vault_password_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coldshare.vault import Archive, ChainFacts, ShareFacts, VaultShare
    from coldshare_iface.errors import ColdshareError

_ENCRYPTION = {
    "none": "not encrypted",
    "legacy": "encrypted (older format)",
    "vlt2": "encrypted (VLT 2)",
    "cbc": "encrypted (oldest format)",
}
_LIBRARY = {"KEYIMPORT": "KEYIMPORT (DKLS, from an imported seed: a key per chain)"}


@click.command("inspect", short_help="Check a vault file and say what it is.")
@click.argument("file", type=click.Path(path_type=Path))
@member_option
@vault_password_option
@json_option
def command(file: Path, member: str | None, vault_password_file: str | None, as_json: bool) -> Result:
    """Say what FILE is and check the share inside against itself. Shows nothing secret.

    Of a zip, every file in it.
    """
    ui = Ui(quiet=as_json)
    heard = watch_parties(ui, single_host=False)
    data = read_data(file, member, ui)
    password = VaultPassword(vault_password_file, ui)
    if isinstance(data, bytes):
        share = password.open(data)
        warnings = [*share.facts.warnings, *looked_at(share.facts)]
        return Result({**share.describe(), "warnings": [*warnings, *heard]}, _lines(share, warnings))
    return _archive(data, password, heard)


def _archive(archive: Archive, password: VaultPassword, heard: list[str]) -> Result:
    """All members. The status is that of the first one that cannot be backed up."""
    from coldshare_iface.errors import ColdshareError

    lines: list[str] = []
    told: list[Json] = []
    shares: list[ShareFacts] = []
    failed: ColdshareError | None = None
    for member in archive.members:
        lines += [f"{member.number}  {member.name}", ""]
        head: dict[str, Json] = {"number": member.number, "name": member.name}
        try:
            share = password.open(member.data, member.name)
        except ColdshareError as error:
            failed = failed or error
            told.append({**head, "ok": False, "error": error_json(error)})
            lines += [f"  Error ({error.code}): {error.message}", f"  What now: {error.next_step}", ""]
            continue
        shares.append(share.facts)
        noted = [*share.facts.warnings, *looked_at(share.facts)]
        told.append({**head, "ok": True, **share.describe(), "warnings": noted})
        lines += [*(f"  {line}".rstrip() for line in _lines(share, noted)), ""]
    warnings = _together(shares)
    lines += [f"Note: {warning}" for warning in warnings]
    answer: dict[str, Json] = {"members": told, "notes": list(archive.notes), "warnings": [*warnings, *heard]}
    if failed is None:
        lines.append("Back each of them up on its own: coldshare backup FILE --member NUMBER")
        return Result(answer, lines)
    return Result({"ok": False, **answer, "error": error_json(failed)}, lines, failed.exit_status)


def _together(shares: list[ShareFacts]) -> list[str]:
    """A zip is a place, too: it never should hold the shares of two parties of one vault."""
    parties: dict[bytes, dict[str, str]] = {}
    for facts in shares:
        parties.setdefault(facts.public_key_ecdsa, {})[facts.party] = facts.vault_name
    return [
        f"This zip holds the shares of {len(names)} parties of the vault {next(iter(names.values()))!r}:"
        f" {', '.join(names)}. Shares of two parties never belong in one place."
        for names in parties.values()
        if len(names) > 1
    ]


def _chain(chain: ChainFacts) -> str:
    kind = "EdDSA" if chain.is_eddsa else "ECDSA"
    return f"  {kind} key     {chain.public_key.hex()} ({chain.chain})"


def _lines(share: VaultShare, warnings: Sequence[str]) -> list[str]:
    facts = share.facts
    signers = [f"{signer} (the vendor's server)" if signer in facts.servers else signer for signer in facts.signers]
    lines = [
        f"{facts.vault_name}",
        f"  share of      {facts.party} (number {facts.index + 1} of {facts.parties})",
        f"  signers       {', '.join(signers)}",
        f"  signs with    any {facts.threshold} of {facts.parties}",
        f"  library       {_LIBRARY.get(facts.library, facts.library)}",
        f"  generation    {facts.generation.hex()}",
        f"  reshared      {'yes, at least once' if facts.reshared else 'no'}",
        f"  kind          {'fast vault: a server holds one share' if facts.fast_vault else 'secure vault'}",
        f"  ECDSA key     {facts.public_key_ecdsa.hex()}",
        f"  EdDSA key     {facts.public_key_eddsa.hex()}",
        *(
            f"  {'EdDSA' if chain.is_eddsa else 'ECDSA'} key     {chain.public_key.hex()} ({chain.chain})"
            for chain in facts.chains
        ),
        *(f"  other key     {name}, not checked" for name in facts.extra_keys),
        f"  file          {size(len(share.original))}, {_ENCRYPTION.get(str(share.encryption), str(share.encryption))}",
        "",
    ]
    lines += [f"  ok  {made.check}" for made in facts.checks if made.result == "ok"]
    lines += [f"  --  {made.check} ({made.result})" for made in facts.checks if made.result != "ok"]
    lines += [f"Note: {warning}" for warning in warnings]
    return lines
