"""All probes, in the order in which one thing needs the other."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from coldshare.device import discovery
from coldshare.device.address import Address
from coldshare.device.discovery import Found
from coldshare.device.pairings import PairingStore
from coldshare.doctor import permissions, records, software
from coldshare.doctor.conversation import HANGS, Answer, Ask
from coldshare.doctor.finding import Fact, Finding, Level
from coldshare.errors import ColdshareError
from coldshare.home import pairings_path
from coldshare_iface import wire

# Milliseconds. A board answers in a few, one behind the slowest hub in some tens.
_SLOW = 1000
_STATES = {wire.TOKEN_NEW: "new", wire.TOKEN_READY: "ready", wire.TOKEN_BURNT: "burnt"}
#: Codes that say that somebody else has the token, which is no fault of it.
_BUSY = ("token_in_use", "channel_busy", "token_busy")
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,31}")


def examine(named: Address | None, ask: Ask, say: Callable[[str], None]) -> list[Finding]:
    """Look at everything, at the tokens that are plugged in, and at the one that is `named`.

    `ask` makes a round trip, `say` hears what takes a while. Raises nothing: a probe that fails is a finding.
    """
    found: list[Finding] = []
    for check, probe in (
        ("coldshare", software.coldshare),
        ("hidapi", software.hidapi),
        ("libusb", software.libusb),
        ("home", records.folder),
        ("turns", records.turns),
    ):
        found += probed(check, probe)
    tokens: list[Found] = []
    found += probed("tokens", lambda: _listed(tokens))
    if sys.platform.startswith("linux"):
        found += probed("udev_rules", permissions.rules)
        found += probed("udevd", permissions.udevd)
        found += probed("tokens", lambda: permissions.devices(tokens))
        found += probed("permission", lambda: permissions.nodes(tokens))
    else:
        found += probed("tokens", lambda: _plugged_in(tokens))
    answers: list[Answer] = []
    for address, serial in _addresses(tokens, named):
        if serial and any(one.reason == HANGS and one.serial == serial for one in found):
            continue  # what hangs has not let go of the token
        found += probed("round_trip", partial(_round_trip, address, serial, ask, say, answers))
    found += probed("pairing", lambda: _pairings(answers))
    return found


def probed(check: str, probe: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What `probe` finds. One that fails becomes a finding, and what it found before that stays."""
    found: list[Finding] = []
    try:
        found.extend(probe())
    except ColdshareError as error:
        found.append(Finding(check, "fail", error.code, error.message, error.next_step))
    except Exception as error:
        # Only the kind: the text of an unforeseen error could hold anything.
        kind = type(error).__name__
        found.append(
            Finding(
                check,
                "warn",
                "not_examined",
                f"This could not be looked at ({kind}).",
                "Please report this.",
                facts={"kind": kind},
            )
        )
    return found


def _listed(tokens: list[Found]) -> Iterator[Finding]:
    tokens += discovery.find()
    yield from ()


def _plugged_in(tokens: list[Found]) -> Iterator[Finding]:
    for one in tokens:
        says = f"{one.serial}: {one.model} {one.release}, {', '.join(way.address for way in one.ways)}"
        yield Finding("tokens", "ok", "plugged_in", says, serial=one.serial, facts={"ways": len(one.ways)})
    if not tokens:
        yield Finding("tokens", "warn", "none", "No token is plugged in.", permissions.NONE_PLUGGED_IN)


def _addresses(tokens: list[Found], named: Address | None) -> list[tuple[Address, str]]:
    """What can be opened: a way without permission has had its line already."""
    found = [
        (Address.parse(way.address), one.serial) for one in tokens for way in one.ways if way.access != "no_permission"
    ]
    if named is not None and str(named) not in {str(address) for address, _ in found}:
        found.append((named, ""))
    return found


def _round_trip(
    address: Address, serial: str, ask: Ask, say: Callable[[str], None], answers: list[Answer]
) -> Iterator[Finding]:
    say(f"Asking the token at {address} ...")
    answer = ask(address)
    facts: dict[str, Fact] = {"way": address.scheme}
    if answer.failed:
        level: Level = "warn" if answer.failed in _BUSY else "fail"
        says = f"{address}: {answer.message}"
        yield Finding("round_trip", level, answer.failed, says, answer.next_step, serial, facts)
        return
    answers.append(answer)
    # A version that is none is a device's own text.
    firmware = answer.firmware if _VERSION.fullmatch(answer.firmware) else "unusual"
    facts |= {"init_ms": answer.init, "usual_ms": answer.usual, "slowest_ms": answer.slowest}
    facts |= {"report_size": answer.report_size, "state": _STATES.get(answer.state, "unknown"), "firmware": firmware}
    says = f"{address}: answers in {answer.usual} ms, at most {answer.slowest}; {answer.model} {answer.firmware}"
    if serial and answer.serial != serial:
        yield Finding(
            "round_trip",
            "fail",
            "other_serial",
            f"{address}: the token says that its serial is {answer.serial}.",
            "Give it no PIN: it is broken, or not what it seems.",
            serial,
            facts,
        )
        return
    slow = answer.slowest > _SLOW
    yield Finding(
        "round_trip",
        "warn" if slow else "ok",
        "slow" if slow else "answers",
        says,
        "Try another cable and another port, without a hub." if slow else "",
        answer.serial,
        facts,
    )


def _pairings(answers: list[Answer]) -> Iterator[Finding]:
    known = {one.serial.hex(): one for one in PairingStore(pairings_path()).all()}
    for answer in {one.serial: one for one in answers}.values():
        pairing, state = known.get(answer.serial), _STATES.get(answer.state, "unknown")
        facts: dict[str, Fact] = {"paired": pairing is not None, "state": state}
        if answer.state == wire.TOKEN_BURNT:
            yield Finding(
                "pairing",
                "warn",
                "burnt",
                f"The token {answer.serial} has destroyed its keys.",
                "Its sealed shares open with their recovery codes: docs/cli.md, a burnt token",
                answer.serial,
                facts,
            )
        elif pairing is not None:
            says = f"This computer is paired with the token {answer.serial} ({pairing.label or 'no label'})."
            yield Finding("pairing", "ok", "paired", says, "", answer.serial, facts)
        else:
            mend = "coldshare init --label NAME" if answer.state == wire.TOKEN_NEW else "coldshare pair"
            says = f"This computer is not paired with the token {answer.serial}, which is {state}."
            yield Finding("pairing", "warn", "not_paired", says, mend, answer.serial, facts)
