"""Results go to stdout, notes to stderr; colour is for a terminal only, and never with NO_COLOR."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable


class Results(Console):
    """A console that leaves a closed pipe to `guarded`, where Rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        """Pass the error on."""
        raise BrokenPipeError


def results() -> Console:
    """The console of results; a character that the stream cannot write becomes a question mark."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    return Results(file=sys.stdout, markup=False, highlight=False, emoji=False)


def print_json(text: str) -> None:
    """Write JSON to stdout in UTF-8, which RFC 8259 asks for whatever the terminal speaks."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8")
    print(text)  # noqa: T201 - a command speaks


def note(lines: Iterable[str]) -> None:
    """Tell notes on stderr."""
    for line in lines:
        print(f"note: {line}", file=sys.stderr)  # noqa: T201 - a command speaks
