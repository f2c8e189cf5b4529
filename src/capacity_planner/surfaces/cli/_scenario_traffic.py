"""The user's own traffic in a scenario: the pattern of a history, or its counts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.pipeline.traffic import extract_pattern
from capacity_planner.surfaces.cli._reading import read, told
from capacity_planner.surfaces.cli._words import number, percent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from capacity_planner.domain.traffic import TrafficPattern, TrafficSpike
    from capacity_planner.sources.table import Reading


@dataclass(frozen=True, slots=True)
class Past:
    """A history.

    Attributes:
        name: its file.
        reading: its samples.
        pattern: what was found in it; ``None`` where its counts are to be replayed.
        notes: how it was read, and what was found.
    """

    name: str
    reading: Reading
    pattern: TrafficPattern | None
    notes: tuple[str, ...]

    @property
    def begin(self) -> datetime:
        """Where the first sample's time begins."""
        return self.reading.metrics[0].timestamp - self.length

    @property
    def end(self) -> datetime:
        """Where the last sample's time ends."""
        return self.reading.metrics[-1].timestamp

    @property
    def length(self) -> timedelta:
        """Of the time that a sample stands for."""
        return self.reading.interval

    @property
    def origin(self) -> datetime:
        """Where a scenario begins that says nothing else."""
        return self.begin if self.pattern is None else self.end


def past_of(options: Mapping[str, Any]) -> Past | None:
    """The history that the options name, and its pattern unless it is to be replayed.

    Raises:
        PlannerError: ``INVALID_METRICS`` or ``CONFIG_INVALID``, with file, row and remedy.
    """
    if options["history"] is None:
        return None
    name, reading = str(options["history"]), read(options)
    if options["replay"]:
        if not reading.interval:
            raise refuse(f"{name} has a single sample, which cannot be replayed. Give more, or --arrival-rate.")
        return Past(name, reading, None, (told(reading, name),))
    pattern = extract_pattern(reading.metrics)
    return Past(name, reading, pattern, (told(reading, name), f"{name}: found {_words(pattern)}."))


def over_history(draft: Mapping[str, Any], past: Past, where: str) -> tuple[dict[str, Any], list[str]]:
    """The fields of a draft with the history's traffic instead of its own, but for its spikes, and what was replaced.

    Args:
        draft: the fields.
        past: the history.
        where: what to call the draft.
    """
    result = {name: value for name, value in draft.items() if name not in {"trace", "traffic_pattern"}}
    own = draft.get("traffic_pattern")
    spikes = own.get("spikes") if isinstance(own, dict) else None
    replaced = next((name for name in ("traffic_pattern", "trace") if draft.get(name)), "")
    kept = ""
    if past.pattern is not None:
        pattern = {item.name: getattr(past.pattern, item.name) for item in fields(past.pattern)}
        if spikes and isinstance(spikes, list | tuple):
            pattern["spikes"], kept = (*past.pattern.spikes, *spikes), "; its spikes stay"
        result["traffic_pattern"] = pattern
    elif spikes:
        kept = ", and its spikes with it"
    return result, [f"{where}: --history replaces its {replaced}{kept}."] if replaced else []


def scaled(traffic: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """A traffic pattern or a trace of counts with so many times the jobs."""
    result = dict(traffic)
    for name in ("base_rate", "amplitude", "trend"):
        if _is_number(result.get(name)):
            result[name] *= factor
    if isinstance(result.get("rates"), list | tuple):
        result["rates"] = [rate * factor if _is_number(rate) else rate for rate in result["rates"]]
    counts = result.get("counts")
    if isinstance(counts, list | tuple) and all(_is_number(count) for count in counts):
        result["counts"] = rounded([count * factor for count in counts])
    return result


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def rounded(values: list[float]) -> tuple[int, ...]:
    """Whole numbers with the same sum so far, so that small counts do not vanish."""
    total, before, found = 0.0, 0, []
    for value in values:
        total += value
        found.append(round(total) - before)
        before = round(total)
    return tuple(found)


def seen(spike: TrafficSpike, start: datetime, span: timedelta) -> bool:
    """Whether a spike is within the simulated time."""
    return spike.start_time < start + span and start < spike.start_time + spike.duration


def _words(pattern: TrafficPattern) -> str:
    parts = [
        f"{pattern.type} traffic, {number(pattern.base_rate)} jobs/s at its end",
        f"noise {percent(pattern.noise)}",
    ]
    if pattern.trend:
        parts.append(f"{pattern.trend:+.3g} jobs/s per hour")
    if pattern.spikes:
        parts.append(f"{len(pattern.spikes)} spikes, of which those within the simulated time stay")
    return ", ".join(parts)


def refuse(message: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--history"})
