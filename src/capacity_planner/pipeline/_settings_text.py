"""What is known of the settings by their types: the field's rule, its sentence, and the default file made of them."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from functools import cache
from typing import Any

from capacity_planner import units
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.server import ServerSettings
from capacity_planner.domain.slo import SLO
from capacity_planner.fields import Mark, marks_of

TABLES: dict[str, type[Any]] = {"planner": PlannerConfig, "slo": SLO, "server": ServerSettings}

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_UNITS = ((3600, "h"), (60, "m"), (1, "s"))
_HEAD = """\
# Settings of capacity-planner; every value below is the default.
# Durations carry their unit: "5s", "1m30s", "250ms", "PT90S". Arguments and CAPACITY_PLANNER_... variables come first.
"""


@cache
def marks() -> dict[str, Mark]:
    """``planner.max_workers`` → the field's rule, in the order of the fields."""
    return {f"{table}.{name}": mark for table, cls in TABLES.items() for name, mark in marks_of(cls).items()}


@cache
def sentences() -> dict[str, str]:
    """``planner.max_workers`` → the sentence of the class docstring, as one line."""
    return {
        f"{table}.{name}": " ".join(text.split())
        for table, cls in TABLES.items()
        for name, text in _ATTRIBUTE.findall(inspect.getdoc(cls) or "")
    }


def default_file_text() -> str:
    """A commented TOML file that says the defaults.

    >>> print(default_file_text().splitlines()[5])
    forecast_window = "1h"
    """
    lines = [_HEAD]
    for table, cls in TABLES.items():
        lines.append(f"[{table}]")
        for name, value in ((name, getattr(cls(), name)) for name in cls.__dataclass_fields__):
            lines.append(f"# {sentences().get(f'{table}.{name}', name)}")
            lines.append(f'# {name} = "0s"' if value is None else f"{name} = {toml_value(value)}")
        lines.append("")
    return "\n".join(lines)


def toml_value(value: Any) -> str:
    """A setting as TOML writes it.

    >>> toml_value(timedelta(minutes=90)), toml_value(0.5), toml_value("mmc")
    ('"90m"', '0.5', '"mmc"')
    """
    if isinstance(value, timedelta):
        return f'"{_with_unit(value)}"'
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _with_unit(value: timedelta) -> str:
    whole, rest = divmod(value, timedelta(seconds=1))
    if rest or not whole:
        return units.format_duration(value)
    size, unit = next((size, unit) for size, unit in _UNITS if whole % size == 0)
    return f"{whole // size}{unit}"
