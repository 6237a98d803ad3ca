"""What can go wrong with a software token as a file or as a person."""

from __future__ import annotations

from coldshare_iface.errors import EXIT_DEVICE, ColdshareError


class SimulatorError(ColdshareError):
    """The software token cannot be used."""

    code = "simulator"
    exit_status = EXIT_DEVICE


class NoSuchTokenError(SimulatorError):
    """There is no software token at that path."""

    code = "no_such_token"
    next_step = "Check the path, or make a new token there with: coldshare init --at sim:PATH"


class NotATokenError(SimulatorError):
    """That file is not the flash image of a software token."""

    code = "not_a_token"
    next_step = "Name a token's file, or a path where there is no file yet. Nothing was changed."


class DamagedTokenError(SimulatorError):
    """The flash image of this software token is damaged."""

    code = "token_damaged"
    next_step = "Nothing was changed. Put back a copy of the file if there is one, and keep the damaged one."


class TokenExistsError(SimulatorError):
    """There is a file at that path already."""

    code = "token_exists"
    next_step = "Choose another path. Nothing was changed."


class TokenBusyError(SimulatorError):
    """Another program is using this token."""

    code = "token_busy"
    next_step = "Wait until it has finished, or stop it, and try again."


class TokenFileError(SimulatorError):
    """The file of the software token cannot be made, opened or written."""

    code = "token_file"
    next_step = "Check that the folder exists, that you may write there and that the disk is not full."


class NoPersonError(SimulatorError):
    """The token waits for a person to press its button, and there is no terminal to press it in."""

    code = "no_person"
    next_step = "Run this in a terminal, or let the simulator press: add ?user=approve to the sim: address."


class UnknownPersonError(SimulatorError):
    """Nobody of that name can press a software token's buttons."""

    code = "unknown_person"
    next_step = "Use approve, reject, terminal or absent."


class BadPlaceError(SimulatorError):
    """A software token cannot be served there."""

    code = "bad_place"
    exit_status = 2
    next_step = "Use --unix PATH in a folder of yours, or --tcp 127.0.0.1:0."


class PlaceTakenError(SimulatorError):
    """Something else is served there already."""

    code = "place_taken"
    next_step = "Choose another place, or stop what is there. Nothing was changed."


class NobodyToPressError(SimulatorError):
    """Nobody could press this token's buttons."""

    code = "nobody_to_press"
    exit_status = 2
    next_step = "Give --user approve, --user reject or --control PATH, or run it in a terminal."
