"""A software token with a flaw."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from coldshare_firmware.token import Token
from coldshare_iface import wire
from coldshare_sim import broken
from coldshare_sim.clock import Clock
from coldshare_sim.faults import Fault, FaultyToken
from coldshare_sim.flash import Chip
from coldshare_sim.person import Person


class BrokenToken(FaultyToken):
    """A `FaultyToken` whose firmware breaks the rule `flaw` from every power-up on. Raises UnknownFlawError."""

    def __init__(
        self,
        where: Path | Chip,
        person: Person,
        flaw: str,
        faults: Iterable[Fault] = (),
        *,
        create: bool = False,
        clock: Clock | None = None,
        random: Callable[[int], bytes] = os.urandom,
        report_size: int = wire.REPORT_FS,
    ) -> None:
        self.flaw = broken.check(flaw)
        super().__init__(where, person, faults, create=create, clock=clock, random=random, report_size=report_size)

    def _power_up(self) -> Token:
        token = super()._power_up()
        broken.break_rule(token, self.flaw)
        return token
