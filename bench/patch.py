"""Wrappers around public functions, put there for one measurement and taken away again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

AnyCall = Callable[..., Any]


@contextmanager
def patched(owner: object, name: str, wrap: Callable[[AnyCall], AnyCall]) -> Iterator[None]:
    """`owner.name` is `wrap(owner.name)` meanwhile. `owner` is a module, a class or an object."""
    own = name in vars(owner)
    original = getattr(owner, name)
    setattr(owner, name, wrap(original))
    try:
        yield
    finally:
        if own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)


@contextmanager
def all_patched(patches: Iterable[tuple[object, str, Callable[[AnyCall], AnyCall]]]) -> Iterator[None]:
    with ExitStack() as stack:
        for owner, name, wrap in patches:
            stack.enter_context(patched(owner, name, wrap))
        yield
