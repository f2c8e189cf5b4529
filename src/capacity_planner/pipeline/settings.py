"""Settings from arguments, environment, file and defaults, in that precedence, each value with where it came from.

A file is TOML or YAML with the tables ``planner`` (fields of `PlannerConfig`), ``slo`` (fields of `SLO`) and ``server``
(fields of `ServerSettings`), and a list of tables ``queues`` (fields of `QueueSettings`) for the service. A variable
is ``CAPACITY_PLANNER_MAX_WORKERS``, ``CAPACITY_PLANNER_SLO_P95_LATENCY`` or ``CAPACITY_PLANNER_SERVER_HTTP``. A name
that is no field, and a duration without its unit, is refused with the remedy.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.server import ServerSettings
from capacity_planner.domain.slo import SLO
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.fields import CountMark, DurationMark, Mark, RealMark
from capacity_planner.pipeline._settings_text import TABLES, default_file_text, marks, sentences, toml_value
from capacity_planner.pipeline._table_file import find_file, read_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Settings", "default_file_text", "find_file", "load_settings", "sentences", "toml_value"]

PREFIX = "CAPACITY_PLANNER_"
_QUEUES = "queues"
_SHOWN = 80
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in effect.

    Attributes:
        config: how the planner is set.
        slo: what must hold.
        server: how the service's own process is set.
        queues: the tables of the queues as the file has them; the service checks them when it starts.
        origins: ``planner.max_workers`` → where its value came from: a file, a variable, an option or ``default``.
    """

    config: PlannerConfig
    slo: SLO
    server: ServerSettings
    queues: tuple[Mapping[str, Any], ...]
    origins: Mapping[str, str]


def load_settings(
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    arguments: Mapping[str, Any] | None = None,
    *,
    option_names: Mapping[str, str] | None = None,
) -> Settings:
    """The settings that these say together.

    Args:
        file: a TOML or YAML file.
        environ: environment variables; those without the prefix are not looked at.
        arguments: field name → value or text; ``None`` is "not given".
        option_names: field name → what the caller's user knows it as, for messages, such as ``--p95``.

    Raises:
        PlannerError: ``CONFIG_INVALID``, naming the key, where it came from and the remedy; ``details["errors"]`` lists
            all that is wrong.
    """
    found = _Findings()
    if file is not None:
        found.take_file(file)
    found.take_environ(environ or {})
    found.take_arguments(arguments or {}, option_names or {})
    return found.settings()


class _Findings:
    """Values, where they came from, and what is wrong; a later value replaces an earlier one."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._origins = dict.fromkeys(marks(), "default")
        self._queues: tuple[Mapping[str, Any], ...] = ()
        self._errors: list[dict[str, str]] = []

    def take_file(self, path: Path) -> None:
        for table, content in read_tables(path, remedy=" Make one: capacity-planner config init").items():
            if table == _QUEUES:
                self._take_queues(path, content)
            elif table not in TABLES:
                self._unknown(f"[{table}] in {path}", "table", table, (*TABLES, _QUEUES))
            elif not isinstance(content, dict):
                self._wrong(f"{table} in {path}", content, "is no table of settings.")
            else:
                self._take_table(path, table, content)

    def _take_table(self, path: Path, table: str, content: Mapping[Any, Any]) -> None:
        for name, value in content.items():
            key = f"{table}.{name}"
            if key in marks():
                self._take(key, value, f"{key} in {path}", origin=str(path))
            else:
                self._unknown(f"{key} in {path}", "setting", str(name), _names(table))

    def _take_queues(self, path: Path, content: Any) -> None:
        if isinstance(content, list) and all(isinstance(item, dict) for item in content):
            self._queues = tuple(content)
        else:
            self._wrong(f"{_QUEUES} in {path}", content, "is no list of tables. Write each under [[queues]].")

    def take_environ(self, environ: Mapping[str, str]) -> None:
        variables = {_variable(key): key for key in marks()}
        for name in sorted(environ):
            if not name.startswith(PREFIX):
                continue
            if name in variables:
                self._take(variables[name], environ[name], name, origin=name, text=True)
            else:
                self._unknown(name, "variable of capacity-planner", name, variables)

    def take_arguments(self, arguments: Mapping[str, Any], option_names: Mapping[str, str]) -> None:
        keys = {key.partition(".")[2]: key for key in marks()}
        for name, value in arguments.items():
            shown = option_names.get(name, name)
            if name not in keys:
                self._unknown(shown, "setting", name, keys)
            elif value is not None:
                self._take(keys[name], value, shown, origin=shown, text=isinstance(value, str))

    def settings(self) -> Settings:
        if self._errors:
            first, more = self._errors[0], len(self._errors) - 1
            sentence = first["message"] + (f" ({more} more in details.)" if more else "")
            raise PlannerError(ErrorCode.CONFIG_INVALID, sentence, details={**first, "errors": self._errors})
        planner, slo, server = ({n: self._values[key] for n, key in _keys(t) if key in self._values} for t in TABLES)
        return Settings(PlannerConfig(**planner), SLO(**slo), ServerSettings(**server), self._queues, self._origins)

    def _take(self, key: str, value: Any, name: str, *, origin: str, text: bool = False) -> None:
        try:
            self._values[key] = _read(marks()[key], value, text=text)
        except ValueError as error:
            self._wrong(name, value, str(error))
        self._origins[key] = origin

    def _wrong(self, name: str, value: Any, sentence: str) -> None:
        shown = repr(value)[:_SHOWN]
        self._errors.append({"field": name, "value": shown, "message": f"{name} is {shown}, which {sentence}"})

    def _unknown(self, name: str, kind: str, given: str, known: Iterable[str]) -> None:
        near = difflib.get_close_matches(given, list(known), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
        self._errors.append({"field": name, "value": "", "message": f"{name} is no {kind}. {hint}"})


def _keys(table: str) -> list[tuple[str, str]]:
    return [(key.partition(".")[2], key) for key in marks() if key.startswith(f"{table}.")]


def _names(table: str) -> list[str]:
    return [name for name, _ in _keys(table)]


def _variable(key: str) -> str:
    return PREFIX + key.removeprefix("planner.").replace(".", "_").upper()


def _read(mark: Mark, value: Any, *, text: bool) -> Any:
    if isinstance(mark, DurationMark):
        return mark.checked(units.parse_duration(value, wire=False))
    if not text:
        return mark.checked(value)
    if not value.strip():
        raise ValueError("is empty. Give a value, or unset it.")
    if isinstance(mark, CountMark | RealMark):
        return mark.checked(_number(value.strip()))
    return mark.checked(value)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("is not a number. Write digits, such as 50 or 0.85.")
    return int(text) if text.lstrip("+-").isdigit() else float(text)
