"""What a command's end means: exit codes, and errors in one sentence."""
# ruff: noqa: T201 - a command speaks.

from __future__ import annotations

import json
import os
import sys
import traceback
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import typer

from capacity_planner.errors import ErrorCode, PlannerError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")

OK, UNEXPECTED, INVALID, UNACHIEVABLE, BLOCKED, INTERRUPTED, CLOSED_PIPE = 0, 1, 2, 3, 4, 130, 141

_BY_CODE = {
    ErrorCode.SLO_UNACHIEVABLE: UNACHIEVABLE,
    ErrorCode.CAPACITY_LIMIT_EXCEEDED: UNACHIEVABLE,
    ErrorCode.COOLDOWN_ACTIVE: BLOCKED,
    ErrorCode.ANOMALY_DETECTED: BLOCKED,
    ErrorCode.FORECAST_FAILED: UNEXPECTED,
}


def guarded(command: Callable[P, int]) -> Callable[P, None]:
    """A command that ends the process with the code it returns, and never with a traceback.

    The command's ``as_json`` and ``debug`` parameters say how an error is told.
    """

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        raise typer.Exit(_outcome(command, args, kwargs))

    return run


def _outcome(command: Callable[..., int], args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    try:
        code = _run(command, args, kwargs)
        sys.stdout.flush()
    except PlannerError as error:
        return report(error, as_json=bool(kwargs.get("as_json")))
    except ServiceError as error:
        print(error.message, file=sys.stderr)
        return UNEXPECTED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _quietly()
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - the last line of defence
        return _unexpected(error, debug=bool(kwargs.get("debug")))
    return code


def _run(command: Callable[..., int], args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """The command; with ``as_json`` its notes come after it, or not at all where it fails."""
    if not kwargs.get("as_json"):
        return command(*args, **kwargs)
    from capacity_planner.surfaces.cli._console import held_notes  # noqa: PLC0415 - loads Rich

    with held_notes():
        return command(*args, **kwargs)


def report(error: PlannerError, *, as_json: bool) -> int:
    """Tell an error on stderr, and return the exit code it means."""
    if as_json:
        body = {"code": error.code, "message": error.message, "details": error.details}
        print(json.dumps(body, default=str, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"{error.code}: {error.message}", file=sys.stderr)
    return _BY_CODE.get(error.code, INVALID)


def _quietly() -> int:
    """The reader has gone (``| head``): leave Python nothing to flush into the closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return CLOSED_PIPE


def _unexpected(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    else:
        said = " ".join(str(error).split()) or "no message"
        print(f"Unexpected {type(error).__name__}: {said}. --debug shows where.", file=sys.stderr)
    return UNEXPECTED
