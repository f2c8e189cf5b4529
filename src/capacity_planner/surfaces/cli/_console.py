"""Results go to stdout, notes to stderr; colour is for a terminal only, and never with NO_COLOR."""

from __future__ import annotations

import codecs
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PLAIN = {"±": "~", "–": "-", "…": "~"}
_HELD: ContextVar[list[str] | None] = ContextVar("held", default=None)


class Results(Console):
    """A console that leaves a closed pipe to `guarded`, where Rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Pass the error on."""
        raise BrokenPipeError


def results() -> Console:
    """The console of results; a character that the stream cannot write becomes a plain one or a question mark."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        codecs.register_error("plain", _plain)
        reconfigure(errors="plain")
    return Results(file=sys.stdout, markup=False, highlight=False, emoji=False)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """As wide as what it stands for, so that tables stay aligned."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


def print_json(text: str) -> None:
    """Write JSON to stdout in UTF-8, which RFC 8259 asks for whatever the terminal speaks."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8")
    print(text)  # noqa: T201 - a command speaks


@contextmanager
def held_notes() -> Iterator[None]:
    """Hold notes back until the end, and tell none where it fails: its error is all that a program wants to read."""
    held: list[str] = []
    token = _HELD.set(held)
    try:
        yield
    finally:
        _HELD.reset(token)
    note(held)


def note(lines: Iterable[str]) -> None:
    """Tell notes on stderr."""
    held = _HELD.get()
    if held is not None:
        held.extend(lines)
        return
    for line in lines:
        print(f"note: {line}", file=sys.stderr)  # noqa: T201 - a command speaks
