"""A cell → an instant or a field of `Metrics`; what could be a slip is refused with the remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from capacity_planner import units
from capacity_planner.domain.metrics import Metrics
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.fields import CountMark, DurationMark, RealMark, marks_of

if TYPE_CHECKING:
    from datetime import tzinfo

TimeUnit: TypeAlias = Literal["s", "ms"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_RATE = RealMark(ge=0)
_MARKS = marks_of(Metrics)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_blank(cell: Any) -> bool:
    """Whether a cell says nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def number(cell: Any) -> float:
    """A finite number that is not negative.

    Raises:
        ValueError: it is none; the message says the remedy.
    """
    if isinstance(cell, str):
        if not _NUMBER.fullmatch(cell.strip()):
            raise ValueError(_no_number(cell))
        cell = float(cell)
    return float(_RATE.checked(cell))


def _no_number(cell: str) -> str:
    if cell.strip().lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        return "is not a finite number. Leave the cell blank where nothing was measured."
    return (
        "is not a number. Write digits with a decimal point and without separators, such as 1234.5, or leave it blank."
    )


def field(name: str, cell: Any) -> Any:
    """The value of a `Metrics` field.

    Raises:
        ValueError: the cell is no such value; the message says the remedy.
    """
    mark = _MARKS[name]
    if isinstance(mark, DurationMark):
        return mark.checked(units.parse_duration(cell, wire=False))
    if isinstance(mark, CountMark):
        return mark.checked(number(cell))
    return mark.checked(number(cell) if isinstance(mark, RealMark) else str(cell).strip())


@dataclass(frozen=True, slots=True)
class Clock:
    """How the time column is read.

    Args:
        timezone: the zone of times without an offset; ``None`` refuses them.
        time_unit: the unit of an epoch; ``None`` refuses bare numbers.
    """

    timezone: tzinfo | None = None
    time_unit: TimeUnit | None = None

    def read(self, cell: Any) -> datetime:
        """An aware UTC instant.

        Raises:
            ValueError: the cell is none, or could be a slip; the message says the remedy.
        """
        if isinstance(cell, str):
            cell = cell.strip()
        if isinstance(cell, int | float) or (isinstance(cell, str) and _NUMBER.fullmatch(cell)):
            return self._from_epoch(cell)
        stamp = _stamp(cell)
        if isinstance(stamp, datetime) and stamp.tzinfo is None:
            stamp = self._localised(stamp)
        return units.parse_instant(stamp)

    def _from_epoch(self, cell: float | str) -> datetime:
        if self.time_unit is None:
            raise ValueError("is a bare number. If it counts from 1970, say in what: --time-unit s or --time-unit ms.")
        scale = timedelta(seconds=1) if self.time_unit == "s" else timedelta(milliseconds=1)
        try:
            return units.parse_instant(_EPOCH + float(cell) * scale)
        except (OverflowError, ValueError):
            raise ValueError(f"is outside the calendar as {self.time_unit} since 1970. Check --time-unit.") from None

    def _localised(self, naive: datetime) -> datetime:
        if self.timezone is None:
            raise ValueError("has no time zone. Say which it is: --timezone UTC, or a name such as Europe/Berlin.")
        early, late = (naive.replace(tzinfo=self.timezone, fold=fold).utcoffset() for fold in (0, 1))
        if early != late:
            raise ValueError(
                f"is skipped or happens twice in {self.timezone}, where the clocks change. Write the offset, "
                "or leave such rows out: --skip-bad-rows."
            )
        return naive.replace(tzinfo=self.timezone)


def _stamp(cell: Any) -> Any:
    """A ``datetime`` where the cell says one; a day begins at midnight."""
    if type(cell) is date:
        return datetime.combine(cell, time())
    try:
        return datetime.fromisoformat(cell) if isinstance(cell, str) else cell
    except ValueError:
        return cell


def zone(name: str) -> tzinfo:
    """The time zone of that IANA name.

    Raises:
        PlannerError: ``CONFIG_INVALID``: there is none.
    """
    if name.upper() in {"UTC", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        message = f"timezone is {name!r}, which is no time zone. Use UTC or an IANA name such as Europe/Berlin."
        raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "timezone", "value": name}) from None
