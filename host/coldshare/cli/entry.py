"""Secrets from a file, from standard input or from a person: never from the command line itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from coldshare.errors import ColdshareError, InputError, SecretError

_SIZE_MAX = 16 * 1024
_TAKEN = "coldshare.cli.entry.stdin_taken"


class SecretNeededError(SecretError):
    """A secret is needed, and there is no terminal to ask for it."""

    code = "secret_needed"
    next_step = "Give it with the option for its file, or run the command in a terminal."


class SecretFileError(InputError):
    """A file with a secret cannot be read."""

    code = "secret_file"
    next_step = "Check the path and that the file is readable text with the secret and nothing else."


def from_file(source: str, what: str) -> str:
    """The secret in that file, or on standard input for `-`, without the line break at its end.

    The byte order mark that some editors put before a text is no part of it: nobody could type it.
    """
    try:
        if source == "-":
            meta = click.get_current_context().meta
            if _TAKEN in meta:
                raise SecretFileError(
                    "Only one secret can come from standard input.", next_step="Put the other ones into files."
                )
            meta[_TAKEN] = True
            data = sys.stdin.buffer.read(_SIZE_MAX + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(_SIZE_MAX + 1)
    except OSError as error:
        raise SecretFileError(f"{source}, the file with the {what}, cannot be read: {error.strerror}.") from None
    if len(data) > _SIZE_MAX:
        raise SecretFileError(f"{source} is too long to be a {what}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # The cause would quote the secret.
        raise SecretFileError(f"{source} is not text in UTF-8, so it is no {what}.") from None
    return text.removesuffix("\n").removesuffix("\r")


def person_here() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def get(
    source: str | None,
    what: str,
    option: str,
    *,
    check: Callable[[str], object] | None = None,
    new: bool = False,
    instead: str = "",
) -> str:
    """The secret from `source`, or typed by a person, twice if it is `new`.

    `check` raises for a secret that will not do; a person is told and asked again. `instead` names what else could
    be done where there is nobody to ask.
    """
    if source is not None:
        value = from_file(source, what)
        if check is not None:
            check(value)
        return value
    if not person_here():
        step = f"Give it with {option} FILE, or - for standard input{instead}."
        raise SecretNeededError(f"The {what} is needed, and there is no terminal to ask for it.", next_step=step)

    while True:
        typed = _ask(what[0].upper() + what[1:])
        try:
            if check is not None:
                check(typed)
        except ColdshareError as error:
            click.echo(f"{error.message} {error.next_step}", err=True)
            continue
        if not new or _ask("The same once more") == typed:
            return typed
        click.echo("The two are not the same.", err=True)


def _ask(prompt: str) -> str:
    typed: str = click.prompt(prompt, hide_input=True, err=True)
    return typed
