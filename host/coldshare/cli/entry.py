"""Secrets from a file, from standard input or from a person: never from the command line itself."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from coldshare.errors import InputError, SecretError

_SIZE_MAX = 16 * 1024
_taken: set[str] = set()


class SecretNeededError(SecretError):
    """A secret is needed, and there is no terminal to ask for it."""

    code = "secret_needed"


class SecretFileError(InputError):
    """A file with a secret cannot be read."""

    code = "secret_file"
    next_step = "Check the path and that the file is readable text with the secret and nothing else."


def from_file(source: str, what: str) -> str:
    """The secret in that file, or on standard input for `-`, without the line break at its end."""
    try:
        if source == "-":
            if "-" in _taken:
                raise SecretFileError("Only one secret can come from standard input.")
            _taken.add("-")
            data = sys.stdin.buffer.read(_SIZE_MAX + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise SecretFileError(f"The file with the {what}, {source}, cannot be read: {error.strerror}.") from None
    if len(data) > _SIZE_MAX:
        raise SecretFileError(f"{source} is too long to be a {what}.")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise SecretFileError(f"{source} is not text in UTF-8, so it is no {what}.") from None
    return text.removesuffix("\n").removesuffix("\r")


def get(source: str | None, what: str, option: str, *, new: bool = False) -> str:
    """The secret from `source`, or typed by a person, twice if it is `new`."""
    if source is not None:
        return from_file(source, what)
    if not sys.stdin.isatty():
        step = f"Give it with {option} FILE, or - for standard input."
        raise SecretNeededError(f"The {what} is needed.", next_step=step)
    value: str = click.prompt(what[0].upper() + what[1:], hide_input=True, confirmation_prompt=new, err=True)
    return value
