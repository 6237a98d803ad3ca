"""What a password costs to try: the Argon2id parameters, and the bounds on writing and on reading them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from coldshare.seal import primitives
from coldshare.seal.errors import KdfCostError

__all__ = ["DEFAULT_KDF", "AllowCost", "KdfParams"]

# Never write less than the second recommended option of RFC 9106 section 4 (64 MiB, 3 passes).
_WRITE_MIN_MEMORY_KIB: Final = 64 << 10
_WRITE_MIN_PASSES: Final = 3
# Never read more: a hostile file must not be able to take the computer down.
_READ_MAX_MEMORY_KIB: Final = 1 << 20
_READ_MAX_PASSES: Final = 10
_READ_MAX_LANES: Final = 8
# RFC 9106 section 3.1: at least 8 blocks of 1 KiB in each lane.
_MIN_KIB_PER_LANE: Final = 8


@dataclass(frozen=True)
class KdfParams:
    """Argon2id parameters (RFC 9106 section 3.1): memory in KiB, passes over it, parallel lanes.

    Building one checks nothing; `check_write` and `check_read` do. Both raise `KdfCostError`, and neither
    allocates anything.
    """

    memory_kib: int = 256 << 10
    passes: int = 3
    lanes: int = 4

    def check_read(self) -> None:
        """Refuse parameters that no honest file has: above 1 GiB, 10 passes or 8 lanes, or meaningless ones."""
        if self.lanes < 1 or self.passes < 1 or self.memory_kib < _MIN_KIB_PER_LANE * self.lanes:
            raise KdfCostError(f"The password parameters of this sealed file make no sense: {self}.")
        if self.memory_kib > _READ_MAX_MEMORY_KIB or self.passes > _READ_MAX_PASSES or self.lanes > _READ_MAX_LANES:
            raise KdfCostError(
                f"Trying a password on this sealed file takes {self}. coldshare refuses above "
                f"{KdfParams(_READ_MAX_MEMORY_KIB, _READ_MAX_PASSES, _READ_MAX_LANES)}."
            )

    def check_write(self) -> None:
        """Refuse parameters below 64 MiB or 3 passes, and those that could not be read back."""
        if self.memory_kib < _WRITE_MIN_MEMORY_KIB or self.passes < _WRITE_MIN_PASSES:
            raise KdfCostError(
                f"{self} would make the password too cheap to guess. The least is "
                f"{_WRITE_MIN_MEMORY_KIB >> 10} MiB and {_WRITE_MIN_PASSES} passes.",
                next_step="Use the default cost.",
            )
        self.check_read()

    @property
    def above_default(self) -> bool:
        """True when this takes more memory, or more work (memory times passes), than the default."""
        return (
            self.memory_kib > DEFAULT_KDF.memory_kib
            or self.memory_kib * self.passes > DEFAULT_KDF.memory_kib * DEFAULT_KDF.passes
        )

    def derive(self, password: bytes, salt: bytes) -> bytes:
        """Return the 32-byte factor secret of a normalised password. Takes about a second by default."""
        self.check_read()
        return primitives.argon2id(password, salt, memory_kib=self.memory_kib, passes=self.passes, lanes=self.lanes)

    def __str__(self) -> str:
        memory = f"{self.memory_kib >> 10} MiB" if self.memory_kib >= 1 << 10 else f"{self.memory_kib} KiB"
        return f"Argon2id with {memory}, t={self.passes}, p={self.lanes}"


#: 256 MiB, 3 passes, 4 lanes: 1.4 s on two cores.
DEFAULT_KDF: Final = KdfParams()

#: Asked when a slot costs more than the default. True: go on.
AllowCost: TypeAlias = Callable[[KdfParams], bool]
