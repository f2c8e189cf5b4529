"""Logs of the service: one line per event, for programs or for people, and no secrets in them.

Loggers are named ``capacity_planner.…``; what an event is about goes into ``extra``, never into the message:
``log.info("planned", extra={"queue": "emails", "workers": 4})``.
"""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.service._logs_secrets import HIDDEN, names_a_secret, without_secrets
from capacity_planner.units import format_duration, format_instant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_OURS = ("capacity_planner", "uvicorn", "grpc")
_ALSO = ("uvicorn.error", "uvicorn.access", "uvicorn.asgi")
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_TAKEN = frozenset({"time", "level", "logger", "message", "exception", "stack"})
_DEEPEST, _PAIR = 5, 2


class _Handler(logging.StreamHandler[Any]):
    """Ours, so that a second `configure` can tell it from those of others."""


def configure(log_format: str, log_level: str, stream: TextIO | None = None) -> None:
    """Write logs to a stream from now on; a second call replaces the first.

    Libraries are heard from ``warning`` on; uvicorn and gRPC speak as loudly as we do. Start uvicorn with
    ``log_config=None``, or it takes its loggers back.

    Args:
        log_format: ``json``, one object per line, or ``text``, for people.
        log_level: ``debug``, ``info``, ``warning`` or ``error``.
        stream: where to; stderr where it is not given.

    Raises:
        PlannerError: ``CONFIG_INVALID`` for a format or a level that there is not.
    """
    formatter = _known("log_format", log_format, {"json": JsonFormatter, "text": TextFormatter})()
    level = _known("log_level", log_level, LEVELS)
    handler = _Handler(sys.stderr if stream is None else stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [*(other for other in root.handlers if not isinstance(other, _Handler)), handler]
    root.setLevel(max(level, logging.WARNING))
    for name in (*_OURS, *_ALSO):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(level if name in _OURS else logging.NOTSET)
    logging.captureWarnings(capture=True)


def _known(field: str, value: str, choices: Mapping[str, Any]) -> Any:
    if value not in choices:
        raise PlannerError(
            ErrorCode.CONFIG_INVALID,
            f"{field} is {value!r}. It takes: {', '.join(choices)}.",
            details={"field": field, "value": value, "supported": list(choices)},
        )
    return choices[value]


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, then every extra field, and an exception as one field."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        facts = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            **{f"{name}_" if name in _TAKEN else name: value for name, value in _extras(record)},
            **_traces(self, record),
        }
        return json.dumps(facts, allow_nan=False)


class TextFormatter(logging.Formatter):
    """One line per event, as a person reads it; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        pairs = "".join(f" {_one_line(name)}={_word(value)}" for name, value in _extras(record))
        message = _one_line(without_secrets(record.getMessage()))
        line = f"{_time(record)} {record.levelname:7} {record.name} {message}{pairs}"
        lines = (part for trace in _traces(self, record).values() for part in trace.splitlines())
        return "\n".join([line, *(f"    {_one_line(part)}" for part in lines)])


def _time(record: logging.LogRecord) -> str:
    return format_instant(datetime.fromtimestamp(round(record.created, 3), UTC))


def _extras(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    for name, value in vars(record).items():
        if name not in _PLAIN:
            yield without_secrets(name), _fact(name, value)


def _fact(name: str, value: Any, depth: int = 0) -> Any:
    """A value as JSON has it."""
    if names_a_secret(name):
        return HIDDEN
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {without_secrets(str(key)): _fact(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        items = list(value)
        owner = _text(items[0]) if len(items) == _PAIR else ""  # headers come as pairs
        return [_fact(owner if place else "", item, depth + 1) for place, item in enumerate(items)]
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return format_instant(value)
    return format_duration(value) if isinstance(value, timedelta) else without_secrets(_text(value))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _traces(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, str]:
    found = {}
    if record.exc_info and record.exc_info[0] is not None:
        found["exception"] = without_secrets(formatter.formatException(record.exc_info))
    elif record.exc_text:
        found["exception"] = without_secrets(record.exc_text)
    if record.stack_info:
        found["stack"] = without_secrets(record.stack_info)
    return found


def _word(value: Any) -> str:
    """A value as text shows it: bare where that can be read in one way only, in JSON otherwise."""
    if isinstance(value, str) and value and value.isprintable() and not set(value) & set(" \"'="):
        return value
    return _one_line(json.dumps(value, ensure_ascii=False))


def _one_line(text: str) -> str:
    """A text that can neither begin a line of its own nor speak to a terminal."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
