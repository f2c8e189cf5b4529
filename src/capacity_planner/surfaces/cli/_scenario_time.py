"""When a scenario is simulated, and what of its plan falls into that time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.fields import LATEST
from capacity_planner.surfaces.cli._scenario_plan import is_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capacity_planner.domain.plan import CapacityPlan
    from capacity_planner.surfaces.cli._scenario_findings import Findings
    from capacity_planner.surfaces.cli._scenario_traffic import Past

_DAY, _INTERVAL, _MOST_INTERVALS = timedelta(days=1), timedelta(minutes=5), 10_000


def start_of(fields: Mapping[str, Any], table: Mapping[str, Any], past: Past | None, findings: Findings) -> datetime:
    """Begin of the simulated time."""
    for name, value in (("start", fields.get("start")), ("plan.generated_at", table.get("generated_at"))):
        if value is not None:
            try:
                return units.parse_instant(value)
            except ValueError as error:
                findings.add(name, value, str(error))
    if past is not None:
        return past.origin
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    findings.notes.append(f"the start is not given: taking {units.format_instant(today)}. Give --start to set it.")
    return today


def span_of(
    fields: Mapping[str, Any], table: Mapping[str, Any], start: datetime, past: Past | None
) -> tuple[timedelta, bool]:
    """The simulated time, and whether it is sure: a day where what is written is no duration, which is told later."""
    value = fields.get("duration")
    if value is None and is_whole(table):
        value = table.get("forecast_window")
    elif value is None and past is not None and past.pattern is None and past.begin <= start < past.end:
        value = past.end - start
    try:
        span = _DAY if value is None else units.parse_duration(value)
    except ValueError:
        return _DAY, False
    return (span, True) if timedelta(0) < span < units.UNBOUNDED else (_DAY, False)


def within_calendar(start: datetime, span: timedelta, past: Past | None, findings: Findings) -> datetime:
    """The start, or another one where the simulated time would end too late, which is told."""
    if start < LATEST and span < LATEST - start:
        return start
    sentence = f"is too late: {units.words(span)} from there end after the year {LATEST.year - 1}. Start earlier."
    findings.add("start", start, sentence)
    return datetime(2000, 1, 1, tzinfo=UTC) if past is None else past.origin


def granularity_of(span: timedelta) -> timedelta:
    """Five minutes, or so many of them as make not too many intervals."""
    return min(_INTERVAL * max(-(-span // (_INTERVAL * _MOST_INTERVALS)), 1), span)


def named(plan: CapacityPlan, start: datetime, span: timedelta) -> str:
    """A name for a scenario without one, by the workers that its plan has within the simulated time."""
    steps = sorted(plan.steps, key=lambda step: step.scheduled_at)
    before = [plan.current_workers, *(step.to_workers for step in steps if step.scheduled_at <= start)]
    levels = {before[-1], *(step.to_workers for step in steps if timedelta(0) < step.scheduled_at - start < span)}
    shown = f"{min(levels)} to {max(levels)}" if len(levels) > 1 else str(before[-1])
    noun = "worker" if shown == "1" else "workers"
    return f"{plan.queue_name}: {shown} {noun}" if plan.queue_name else f"{shown} {noun}"


def outside(plan: CapacityPlan, start: datetime, span: timedelta) -> Iterator[str]:
    """Notes on what of a plan is outside the simulated time, or what of that the plan does not reach."""
    count = len(plan.steps)
    late = sum(step.scheduled_at - start >= span for step in plan.steps)
    early = sum(step.scheduled_at < start for step in plan.steps)
    if late:
        yield f"{_of(late, count)} after the simulated time, and not carried out."
    if early:
        yield f"{_of(early, count)} before the simulated time, and carried out by then."
    if plan.generated_at >= LATEST or plan.forecast_window >= LATEST - plan.generated_at:
        return
    end = plan.generated_at + plan.forecast_window
    if start + span > end:
        yield f"the plan ends at {units.format_instant(end)}; its last workers stay."


def _of(some: int, count: int) -> str:
    verb = "is" if some == 1 else "are"
    return f"{some} of the plan's {count} steps {verb}" if count > 1 else "the plan's only step is"
