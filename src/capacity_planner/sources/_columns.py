"""The header of a table → which column is what."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from capacity_planner.domain.metrics import Metrics
from capacity_planner.sources._cells import Table, refuse
from capacity_planner.sources._values import number

if TYPE_CHECKING:
    from pathlib import Path

_TIMES = ("timestamp", "time", "ts", "date", "datetime")
_RATES = ("arrival_rate", "rate")
_COUNTS = ("count", "value", "requests", "jobs", "arrivals")
_OTHERS = tuple(item.name for item in fields(Metrics) if item.name not in {"timestamp", "arrival_rate"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what.

    Attributes:
        header: the columns in the file's order; those that are fields of `Metrics` by the field's name.
        time: the column of times.
        value: the column of arrivals.
        others: further fields of `Metrics` that the table has.
    """

    header: list[str]
    time: str
    value: str
    others: tuple[str, ...]

    @property
    def unit(self) -> Literal["rate", "count"]:
        """What the value column's name says: jobs/s, or jobs per bin."""
        return "rate" if self.value.lower() in _RATES else "count"

    @classmethod
    def find(cls, path: Path, table: Table, time: str | None, value: str | None) -> Columns:
        """The columns by name; ``time`` and ``value`` overrule the names that are known.

        Raises:
            PlannerError: ``INVALID_METRICS``: there is no header, or no such column.
        """
        header = table.header
        if any(_is_data(cell) for cell in header):
            raise refuse(path, f"has no header: its first row is {header}. Add one, such as 'timestamp,arrival_rate'.")
        names = {name.lower(): name for name in reversed(header)}
        when = _named(path, header, time) or next((names[name] for name in _TIMES if name in names), header[0])
        what = _named(path, header, value) or next(
            (names[name] for name in (*_RATES, *_COUNTS) if name in names and names[name] != when), None
        )
        if what is None:
            raise refuse(path, f"has no column of arrivals among {listed(header)}.{_hint(header)}", columns=header)
        twice = next((name for name in (when, what) if header.count(name) > 1), None)
        if twice is not None:
            raise refuse(path, f"has the column {twice!r} twice. Leave one.", column=twice)
        others = tuple(name for name in _OTHERS if name in names and names[name] not in {when, what})
        return cls([name.lower() if name.lower() in others else name for name in header], when, what, others)


def _is_data(cell: str) -> bool:
    try:
        number(cell)
    except ValueError:
        try:
            datetime.fromisoformat(cell)
        except ValueError:
            return False
    return True


def _named(path: Path, header: list[str], name: str | None) -> str | None:
    if name is None or name in header:
        return name
    near = difflib.get_close_matches(name, header, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise refuse(path, f"has no column {name!r}; it has {listed(header)}.{hint}", column=name)


def _hint(header: list[str]) -> str:
    known = (*_RATES, *_COUNTS)
    near = next((pair for name in header for pair in difflib.get_close_matches(name.lower(), known, n=1)), None)
    named = f" Did you mean {near}?" if near else ""
    return f"{named} Name the column: --value-column NAME, and its unit: --unit rate or --unit count."


def listed(header: list[str]) -> str:
    """The first names, quoted, for a message."""
    shown = ", ".join(repr(name[:40]) for name in header[:12])
    return shown + (", …" if len(header) > 12 else "")  # noqa: PLR2004 - a line of a terminal
