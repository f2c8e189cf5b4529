"""A HISTORY file and the flags that say how to read it → samples, and what was taken for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._settings import duration_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.sources.table import Reading


def instant(text: str | None) -> datetime | None:
    """The instant that ``--at`` says.

    Raises:
        PlannerError: ``INVALID_METRICS``.
    """
    try:
        return None if text is None else units.parse_instant(text)
    except ValueError as error:
        raise PlannerError(
            ErrorCode.INVALID_METRICS, f"--at is {text!r}, which {error}", details={"field": "--at"}
        ) from None


def read(options: Mapping[str, Any]) -> Reading:
    """The history as the options say to read it.

    Raises:
        PlannerError: ``INVALID_METRICS`` or ``CONFIG_INVALID``, with file, row and remedy.
    """
    from capacity_planner.sources.table import read_table  # noqa: PLC0415 - most calls give flags alone

    return read_table(
        options["history"],
        unit=options["unit"],
        stamp=options["stamp"],
        interval=duration_of(options, "bin_length", "--bin"),
        time_column=options["time_column"],
        value_column=options["value_column"],
        timezone=options["timezone"],
        time_unit=options["time_unit"],
        queue_name=options["queue_name"],
        skip_refused=options["skip_bad_rows"],
    )


def told(reading: Reading, name: str) -> str:
    """How a history was read, in a sentence."""
    unit = "jobs/s" if reading.unit == "rate" else f"jobs per {units.words(reading.interval)}, divided by it"
    odd = {
        "duplicate": reading.duplicates,
        "out of order": reading.out_of_order,
        "blank": reading.blank,
        "refused": reading.refused,
    }
    counted = "".join(f", {count} {word}" for word, count in odd.items() if count)
    first, last = (units.format_instant(item.timestamp) for item in (reading.metrics[0], reading.metrics[-1]))
    taken = f"column {reading.value_column} taken as {unit}"
    return f"{name}: {len(reading.metrics)} samples, {first} to {last}, {taken}{counted}."


def until(samples: tuple[Metrics, ...], now: datetime | None, window: timedelta) -> tuple[Metrics, ...]:
    """What was known then, no further back than a window.

    Raises:
        PlannerError: ``INVALID_METRICS``: nothing was.
    """
    known = samples if now is None else tuple(item for item in samples if item.timestamp <= now)
    if known:
        return tuple(item for item in known if known[-1].timestamp - item.timestamp < window)
    first = units.format_instant(samples[0].timestamp)
    message = f"--at is before the first sample, at {first}. Give a later instant."
    raise PlannerError(ErrorCode.INVALID_METRICS, message, details={"field": "--at"})
