"""Scenarios at the door: every field within its bounds, all that does not fit told at once, before any work."""

from __future__ import annotations

import itertools
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.scenario import SimulationScenario
from capacity_planner.domain.traffic import PatternType
from capacity_planner.errors import PlannerError
from capacity_planner.fields import LATEST
from capacity_planner.pipeline.findings import Finding, refusal
from capacity_planner.pipeline.workload import service_law, staying
from capacity_planner.simulation._peak import MOST_WAITING
from capacity_planner.simulation.traffic import NOISE_PERIOD
from capacity_planner.units import format_instant, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capacity_planner.simulation.engine import Experiment

MOST_JOBS = 10_000_000_000
_MOST_INTERVALS = 100_000
_MOST_SERVERS = 1_000_000
_MOST_REPORTED = 5_000_000
_MOST_SPIKES = 1_000
_MOST_DISMISSED = 20_000_000
_MOST_DRAWS = 1_000_000
_STAND_INS = {"name": "", "duration": "1h"}


def checked_scenario(scenario: Any) -> SimulationScenario:
    """A scenario that can be simulated.

    Raises:
        PlannerError: ``CONFIG_INVALID``; ``details["errors"]`` lists every problem with its field and remedy.
    """
    valid, problems = _read(scenario)
    wrong = {_top(item["field"]) for item in problems}
    if valid is not None:
        checks = [check for needed, check in _CHECKS if not wrong & needed]
        problems += [item.told() for check in checks for item in check(valid)]
    if valid is None or problems:
        raise refusal(problems)
    return valid


def runs_of(scenario: SimulationScenario, planned: Experiment) -> int:
    """How many futures are simulated: each also with the workers unchanged, where the plan changes them."""
    return scenario.replications * (1 if staying(planned) is None else 2)


def jobs_asked(scenario: SimulationScenario, planned: Experiment) -> float:
    """Jobs to be simulated in all.

    Raises:
        PlannerError: ``CONFIG_INVALID`` when there are too many.
    """
    jobs = runs_of(scenario, planned) * (planned.arrivals.expected + planned.backlog)
    if not jobs <= MOST_JOBS:
        problem = (
            f"which asks for {jobs:.3g} jobs with {scenario.replications} replications, initial_backlog "
            f"{planned.backlog:,} and these arrivals; more than {MOST_JOBS:.0e} are too many. Simulate a shorter time, "
            "fewer replications or a part of the traffic."
        )
        raise refusal([Finding("duration", words(scenario.duration), problem).told()])
    return jobs


def _read(scenario: Any) -> tuple[SimulationScenario | None, list[dict[str, str]]]:
    """The scenario, or what can be read of it, and what cannot."""
    try:
        return codec.validate(SimulationScenario, scenario, at="scenario"), []
    except PlannerError as error:
        unread = error.details.get("errors") or [{"field": "scenario", "value": "", "message": error.message}]
    if is_dataclass(scenario):
        scenario = {item.name: getattr(scenario, item.name) for item in fields(scenario)}
    if not isinstance(scenario, dict):
        return None, unread
    wrong = {_top(item["field"]) for item in unread}
    rest = {name: value for name, value in scenario.items() if name not in wrong}
    try:
        return codec.validate(SimulationScenario, {**_STAND_INS, **rest}), unread
    except PlannerError:
        return None, unread


def _top(name: str) -> str:
    """The scenario's own field in a name such as ``scenario.plan.steps.0.delta``."""
    return name.split(".")[1] if "." in name else name


def _granularity(scenario: SimulationScenario) -> Iterator[Finding]:
    if scenario.granularity > scenario.duration:
        limit = f"which is longer than duration {words(scenario.duration)}. Make it shorter."
        yield Finding("granularity", words(scenario.granularity), limit)
    elif scenario.duration / scenario.granularity > _MOST_INTERVALS:
        limit = f"which makes more than {_MOST_INTERVALS:,} intervals of duration. Make it longer."
        yield Finding("granularity", words(scenario.granularity), limit)


def _replications(scenario: SimulationScenario) -> Iterator[Finding]:
    if scenario.replications * (scenario.duration / scenario.granularity) > _MOST_REPORTED:
        limit = f"which with these intervals are more than {_MOST_REPORTED:,} in all. Ask for fewer of either."
        yield Finding("replications", str(scenario.replications), limit)


def _times(scenario: SimulationScenario) -> Iterator[Finding]:
    start = scenario.start or scenario.plan.generated_at
    if not start < LATEST or scenario.duration >= LATEST - start:
        limit = f"which ends after the year {LATEST.year - 1}. Make it shorter, or start earlier."
        yield Finding("duration", words(scenario.duration), limit)


def _spikes(scenario: SimulationScenario) -> Iterator[Finding]:
    start = scenario.start or scenario.plan.generated_at
    spikes = scenario.traffic_pattern.spikes if scenario.traffic_pattern else ()
    if len(spikes) > _MOST_SPIKES:
        limit = f"more than the {_MOST_SPIKES:,} that can be drawn. Give custom rates instead."
        yield Finding("traffic_pattern.spikes", f"{len(spikes):,} spikes", limit)
        return
    for index, spike in enumerate(spikes):
        name = f"traffic_pattern.spikes.{index}.start_time"
        early = spike.start_time < start and start - spike.start_time >= spike.duration
        if early or (spike.start_time > start and spike.start_time - start >= scenario.duration):
            window = f"{format_instant(start)} and lasts {words(scenario.duration)}"
            problem = f"so that the spike is outside the simulated time, which begins at {window}. Move the spike."
            yield Finding(name, format_instant(spike.start_time), problem)


def _noise(scenario: SimulationScenario) -> Iterator[Finding]:
    pattern = scenario.traffic_pattern
    if pattern is None or not pattern.noise:
        return
    period = pattern.noise_period or timedelta(seconds=NOISE_PERIOD)
    if scenario.duration / period > _MOST_DRAWS:
        limit = f"of which the duration has more than {_MOST_DRAWS:,}. Make it longer, or simulate a shorter time."
        yield Finding("traffic_pattern.noise_period", words(period), limit)


def _arrivals(scenario: SimulationScenario) -> Iterator[Finding]:
    pattern, trace = scenario.traffic_pattern, scenario.trace
    measured = bool(trace and (trace.arrival_times or trace.counts))
    if pattern is None and not measured:
        yield Finding("traffic_pattern", "missing", "and no trace has arrivals. Give one of the two.")
    if pattern is not None and measured:
        yield Finding("traffic_pattern", pattern.type, "but the trace has arrivals too. Give one of the two.")
    if pattern is not None and pattern.type is PatternType.CUSTOM and not pattern.rates:
        yield Finding("traffic_pattern.rates", "empty", "which a custom pattern cannot be. Give its rates.")


def _trace(scenario: SimulationScenario) -> Iterator[Finding]:
    trace = scenario.trace
    if trace is None:
        return
    if trace.arrival_times and trace.counts:
        yield Finding("trace.counts", f"{len(trace.counts)} numbers", "beside arrival_times. Give one of the two.")
    if trace.counts and not trace.interval:
        yield Finding("trace.interval", "0s", 'which is no length of an interval of counts. Give it, such as "60s".')
    elif trace.counts and trace.interval * len(trace.counts) < scenario.duration:
        covered = words(trace.interval * len(trace.counts))
        limit = f"which cover {covered} of a duration of {words(scenario.duration)}. Shorten it, or give more."
        yield Finding("trace.counts", f"{len(trace.counts):,} numbers", limit)
    if trace.arrival_times and trace.arrival_times[0] >= scenario.duration.total_seconds():
        yield Finding("trace.arrival_times", "all later", "than the simulated time. Count from the scenario's start.")
    own = trace.arrival_times and len(trace.service_times) == len(trace.arrival_times)
    if own and scenario.replications > 1:
        limit = "but jobs with their own arrival and service times have one future. Leave it out."
        yield Finding("replications", str(scenario.replications), limit)
    if any(later < earlier for earlier, later in zip(trace.arrival_times, trace.arrival_times[1:], strict=False)):
        yield Finding("trace.arrival_times", "unsorted", "which cannot be replayed. Sort them.")
    if trace.service_times and not any(trace.service_times):
        yield Finding("trace.service_times", "all zero", "so that no job takes any time. Give measured times [s].")
    if scenario.batch_size > 1 and (trace.arrival_times or trace.counts):
        yield Finding("batch_size", str(scenario.batch_size), "but a trace has its own batches. Leave it out.")


def _service(scenario: SimulationScenario) -> Iterator[Finding]:
    if scenario.trace and scenario.trace.service_times:
        return
    if not (scenario.service_time or scenario.plan.service_time):
        yield Finding("service_time", "0s", 'which is not known. Give the mean service time, such as "2s".')
        return
    try:
        service_law(scenario)
    except PlannerError as error:
        yield Finding("service_family", scenario.service_family, f"but {error.message}")


def _backlog(scenario: SimulationScenario) -> Iterator[Finding]:
    if scenario.initial_backlog > MOST_WAITING:
        limit = f"more than the {MOST_WAITING:,} jobs that can wait at once. Make it smaller."
        yield Finding("initial_backlog", f"{scenario.initial_backlog:,}", limit)


def _servers(scenario: SimulationScenario) -> Iterator[Finding]:
    plan = scenario.plan
    most = max(plan.current_workers, *(step.to_workers for step in plan.steps), 0)
    if most * max(plan.worker_concurrency, 1) > _MOST_SERVERS:
        limit = f"times worker_concurrency {plan.worker_concurrency}: more than {_MOST_SERVERS:,} servers."
        yield Finding("plan.current_workers", f"{most:,} at its most", f"{limit} Simulate a part of the queue.")
    levels = [plan.current_workers, *(step.to_workers for step in plan.steps)]
    dismissed = sum(max(before - after, 0) for before, after in itertools.pairwise(levels))
    if dismissed * max(plan.worker_concurrency, 1) > _MOST_DISMISSED:
        limit = f"more than the {_MOST_DISMISSED:,} that can be followed. Simulate a part of the queue."
        yield Finding("plan.steps", f"{dismissed:,} workers dismissed", limit)


_CHECKS: tuple[tuple[set[str], Callable[[SimulationScenario], Iterator[Finding]]], ...] = (
    ({"duration", "granularity"}, _granularity),
    ({"duration", "granularity", "replications"}, _replications),
    ({"duration", "start", "plan"}, _times),
    ({"duration", "start", "plan", "traffic_pattern"}, _spikes),
    ({"duration", "traffic_pattern"}, _noise),
    ({"traffic_pattern", "trace"}, _arrivals),
    ({"trace", "batch_size", "duration", "replications"}, _trace),
    ({"plan", "service_time", "service_time_std", "service_time_p95", "service_family", "trace"}, _service),
    ({"initial_backlog"}, _backlog),
    ({"plan"}, _servers),
)
