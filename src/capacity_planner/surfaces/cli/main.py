"""The process ``capacity-planner``: the command line, and its end when it is interrupted.

Nothing is imported before `run` stands guard: an interrupt ends the process without a traceback from the start.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typer import Typer

    app: Typer

_INTERRUPTED = 130


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from capacity_planner.surfaces.cli._commands import app as commands

    return commands


def run() -> None:
    """Run the command line of this process."""
    try:
        from capacity_planner.surfaces.cli._commands import app as commands

        commands(prog_name="capacity-planner")
    except KeyboardInterrupt:
        _leave()
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _leave()
        raise


def _leave() -> None:
    """End now: CPython takes an interrupt inside generated code for unhandled, and would end by the signal."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(_INTERRUPTED)
