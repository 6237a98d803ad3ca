"""What can go wrong between this computer and a board."""

from __future__ import annotations

from coldshare_iface.errors import EXIT_DEVICE, ColdshareError

_MAINTENANCE = (
    "Unplug it, plug it in, and press its BOOTSEL button (or NO) while its light flutters, in the first second; "
    "then run this again."
)


class BoardError(ColdshareError):
    """The board cannot be used."""

    code = "board"
    exit_status = EXIT_DEVICE


class ToolMissingError(BoardError):
    """What talks to boards, or compiles for them, is not installed."""

    code = "board_tools_missing"
    next_step = "Install it: pip install 'coldshare[board]'"


class NoBoardError(BoardError):
    """No board with MicroPython is plugged in."""

    code = "no_board"
    next_step = "Plug in a Pico that runs MicroPython, with a cable that carries data, or name its port: --port PORT"


class BootselError(BoardError):
    """The board waits for an image, in BOOTSEL mode: there is no MicroPython to talk to."""

    code = "board_in_bootsel"
    next_step = (
        "Copy the official MicroPython image for this board (micropython.org/download) onto the drive that it shows, "
        "wait until the drive is gone, and run this again."
    )


class RunningTokenError(BoardError):
    """The board runs coldshare and is a token now; a token has no console."""

    code = "board_is_token"
    next_step = _MAINTENANCE


class SeveralBoardsError(BoardError):
    """More than one board is plugged in."""

    code = "several_boards"
    next_step = "Name the one you mean: --port PORT"


class BoardPermissionError(BoardError):
    """This account may not use the board's port."""

    code = "board_permission"
    next_step = "On Linux: sudo usermod -aG dialout $USER, then log in anew."


class BoardBusyError(BoardError):
    """The board's port is in use, or gone."""

    code = "board_busy"
    next_step = "Close what else talks to the board (Thonny, a terminal, mpremote), or plug it in again."


class NotMicroPythonError(BoardError):
    """What is at that port does not answer like MicroPython."""

    code = "not_micropython"
    next_step = "Plug the board in again; if it stays so, put the official MicroPython image onto it first."


class WrongBoardError(BoardError):
    """This firmware is not for that board."""

    code = "wrong_board"
    next_step = "Use a Raspberry Pi Pico 2 or Pico, with the official MicroPython image for it."


class MicroPythonTooOldError(BoardError):
    """The board's MicroPython is too old."""

    code = "micropython_too_old"
    next_step = (
        "Put a newer official image onto it: plug it in with BOOTSEL held, and copy the image onto the drive it shows. "
        "What the board has stored stays."
    )


class NoRoomError(BoardError):
    """The firmware does not fit beside what is on the board."""

    code = "board_no_room"
    next_step = "Remove what is not needed from it (see: mpremote resume fs ls), or take another board."


class ForeignFilesError(BoardError):
    """The board starts a program of somebody else's."""

    code = "board_in_use"
    next_step = "Save what you need of it, and run this again with --replace; boot.py and main.py are then overwritten."


class CopyError(BoardError):
    """What the board has kept is not what was sent to it."""

    code = "board_copy"
    next_step = "Run it again; what was on the board before still counts. If it stays so, the flash may be worn out."


class BoardGoneError(BoardError):
    """The board stopped answering."""

    code = "board_gone"
    next_step = "Plug it in again and run this again; what was on the board before still counts."


class BoardFailedError(BoardError):
    """Something that was to run on the board failed there."""

    code = "board_failed"
    next_step = "Plug it in again and run this again; if it stays so, please report it."
