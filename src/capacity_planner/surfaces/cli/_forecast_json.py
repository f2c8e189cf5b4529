"""A forecast → JSON."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import codec, units

if TYPE_CHECKING:
    from capacity_planner.codec import Durations
    from capacity_planner.pipeline.outlook import Outlook
    from capacity_planner.surfaces.cli._forecasting import Foreseen, Subject


def forecast_json(found: Foreseen, durations: Durations) -> str:
    """Everything there is to know; ``forecast`` and ``warnings`` decode to `Forecast` and `PlanWarning`."""
    asked, outlook = found.subject, found.outlook
    body = {
        "queue_name": asked.queue,
        "model": asked.config.forecast_model,
        "horizon": written(asked.config.forecast_window, durations),
        "history": history_json(asked, durations),
        "seasons": [written(season, durations) for season in found.seasons],
        "outcomes": outlook.outcomes,
        "forecast": [codec.encode(item, durations=durations) for item in outlook.forecasts],
        "shares": _shares(outlook),
        "anomaly": _anomaly(outlook),
        "warnings": [codec.encode(item, durations=durations) for item in outlook.warnings],
    }
    return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)


def history_json(asked: Subject, durations: Durations) -> dict[str, Any]:
    """What was read."""
    series = asked.series
    return {
        "samples": len(asked.samples),
        "start": units.format_instant(series.end - timedelta(seconds=series.interval * len(series.rates))),
        "end": units.format_instant(series.end),
        "interval": written(timedelta(seconds=series.interval), durations),
        "gaps": sum(map(math.isnan, series.rates.tolist())),
    }


def written(value: timedelta, durations: Durations) -> str | int:
    """A duration as JSON has it."""
    return units.nanoseconds(value) if durations == "ns" else units.format_duration(value)


def finite(value: float) -> float | None:
    """A number, or nothing where it is none: JSON has no infinity."""
    return value if math.isfinite(value) else None


def _shares(outlook: Outlook) -> list[dict[str, Any]]:
    return [
        {
            "timestamp": units.format_instant(item.timestamp),
            "models": [{"model": name, "share": share, "mae": finite(error)} for name, share, error in parts],
        }
        for item, parts in zip(outlook.forecasts, outlook.shares, strict=False)
    ]


def _anomaly(outlook: Outlook) -> dict[str, Any] | None:
    if (found := outlook.anomaly) is None:
        return None
    since = outlook.series.end - timedelta(seconds=found.started * outlook.series.interval)
    return {
        "expected": finite(found.expected),
        "came": finite(found.came),
        "deviations": finite(found.deviations),
        "since": units.format_instant(since),
    }
