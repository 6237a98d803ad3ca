"""Errors of the host that belong to no single package. The root class lives in the contract."""

from __future__ import annotations

from coldshare_iface.errors import ColdshareError

__all__ = ["ColdshareError", "InputError", "IntegrityError", "RefusedError", "SecretError"]

# Exit statuses of the command line tool, one per family; docs/cli.md explains them.
EXIT_INPUT = 3
EXIT_SECRET = 4
EXIT_REFUSED = 5
EXIT_DEVICE = 6
EXIT_INTEGRITY = 7
# What a command that judges found; no error.
EXIT_ATTEND = 8
EXIT_DANGER = 9


class InputError(ColdshareError):
    """A file that was given cannot be used."""

    code = "input"
    exit_status = EXIT_INPUT


class SecretError(ColdshareError):
    """A PIN, password or code was wrong or is too weak."""

    code = "secret"
    exit_status = EXIT_SECRET


class RefusedError(ColdshareError):
    """A rule, the token or the person at it said no."""

    code = "refused"
    exit_status = EXIT_REFUSED


class IntegrityError(ColdshareError):
    """What was read back is not what was written."""

    code = "integrity"
    exit_status = EXIT_INTEGRITY
