"""Backtests at the door: every field within its bounds, all that does not fit told at once, before any work."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.backtest import BacktestScenario
from capacity_planner.errors import PlannerError
from capacity_planner.fields import LATEST
from capacity_planner.pipeline._backtest_field import check_name, names_of_all
from capacity_planner.pipeline._backtest_jobs import MINUTE, bins_of, minutes_of, service_law, warmup_of
from capacity_planner.pipeline.findings import Finding, refusal
from capacity_planner.registry import forecast_models
from capacity_planner.units import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST_JOBS, _MOST_REPLAYED = 20_000_000, 2_000_000_000
_MOST_MINUTES = 400 * 1_440
_MOST_SERVERS = 1_000_000
_STAND_INS = {"start": "2000-01-01T00:00:00Z"}


def checked_backtest(scenario: Any) -> BacktestScenario:
    """A scenario that can be replayed.

    Raises:
        PlannerError: ``CONFIG_INVALID``; ``details["errors"]`` lists every problem with its field and remedy.
    """
    valid, problems = _read(scenario)
    wrong = {_top(item["field"]) for item in problems}
    if valid is not None:
        for needed, check in _CHECKS:
            found = [] if wrong & needed else [item.told() for item in check(valid)]
            wrong |= {_top(item["field"]) for item in found}
            problems += found
    if valid is None or problems:
        raise refusal(problems)
    return valid


def check_amount(scenario: BacktestScenario, jobs: float, runs: int) -> None:
    """Refuse what would take for ever.

    Args:
        scenario: the question.
        jobs: that each run replays.
        runs: policies times values of their knobs.

    Raises:
        PlannerError: ``CONFIG_INVALID`` with the remedy.
    """
    if jobs * runs > _MOST_REPLAYED:
        problem = (
            f"with {jobs:,.0f} jobs replayed {runs} times: more than {_MOST_REPLAYED:,} in all. Replay a shorter time, "
            "fewer policies, or without sweep."
        )
        raise refusal([Finding("policies", ", ".join(scenario.policies) or "all", problem).told()])


def _read(scenario: Any) -> tuple[BacktestScenario | None, list[dict[str, str]]]:
    """The scenario, or what can be read of it, and what cannot."""
    try:
        return codec.validate(BacktestScenario, scenario, at="scenario"), []
    except PlannerError as error:
        unread = error.details.get("errors") or [{"field": "scenario", "value": "", "message": error.message}]
    if is_dataclass(scenario):
        scenario = {item.name: getattr(scenario, item.name) for item in fields(scenario)}
    if not isinstance(scenario, dict):
        return None, unread
    wrong = {_top(item["field"]) for item in unread}
    rest = {name: value for name, value in scenario.items() if name not in wrong}
    try:
        return codec.validate(BacktestScenario, {**_STAND_INS, **rest}), unread
    except PlannerError:
        return None, unread


def _top(name: str) -> str:
    """The scenario's own field in a name such as ``scenario.trace.counts.0``."""
    return name.split(".")[1] if "." in name else name


def _history(scenario: BacktestScenario) -> Iterator[Finding]:
    trace = scenario.trace
    measured = bool(trace and (trace.arrival_times or trace.counts))
    if bool(scenario.counts) == measured:
        problem = "but a history is either counts or a trace. Give one of them."
        yield Finding("counts", f"{len(scenario.counts):,} counts", problem)
        return
    if trace and trace.arrival_times and trace.counts:
        yield Finding("trace.counts", f"{len(trace.counts):,} counts", "but arrival_times are given. Leave one out.")
    elif trace and trace.counts and not trace.interval:
        yield Finding("trace.interval", "0s", "which is not known. Give the length of an interval.")
    elif trace and any(late < early for early, late in zip(trace.arrival_times, trace.arrival_times[1:], strict=False)):
        yield Finding("trace.arrival_times", "unsorted", "which cannot be replayed. Sort them.")
    elif scenario.counts and not any(count is not None for count in scenario.counts):
        yield Finding("counts", "all missing", "so that there is nothing to replay. Give what was measured.")
    else:
        yield from _amount(scenario)


def _amount(scenario: BacktestScenario) -> Iterator[Finding]:
    at = "trace" if scenario.trace and not scenario.counts else "counts"
    minutes = minutes_of(scenario)
    if minutes < 1:
        yield Finding(at, "less than a minute", "which is too little to replay. Give a longer history.")
    elif minutes > _MOST_MINUTES:
        limit = f"longer than the {_MOST_MINUTES // 1_440} days that can be replayed. Give a part of it."
        yield Finding(at, words(timedelta(minutes=minutes)), limit)
    elif scenario.start >= LATEST - timedelta(minutes=minutes):
        yield Finding("start", str(scenario.start), f"so that it ends after the year {LATEST.year - 1}. Start earlier.")
    jobs = len(scenario.trace.arrival_times) if scenario.trace else 0
    jobs = jobs or sum(count or 0 for count in bins_of(scenario)[0])
    if jobs > _MOST_JOBS:
        limit = f"more than the {_MOST_JOBS:,} that can be replayed. Replay a shorter time or a part of the traffic."
        yield Finding(at, f"{jobs:,} jobs", limit)


def _warmup(scenario: BacktestScenario) -> Iterator[Finding]:
    length = timedelta(minutes=minutes_of(scenario))
    if warmup_of(scenario) * MINUTE > length.total_seconds() - MINUTE:
        problem = f"which leaves nothing to score of {words(length)}. Make it shorter, or give a longer history."
        yield Finding("warmup", words(scenario.warmup or timedelta(0)), problem)


def _service(scenario: BacktestScenario) -> Iterator[Finding]:
    if not scenario.service_time and not (scenario.trace and scenario.trace.service_times):
        yield Finding("service_time", "0s", 'which is not known. Give the mean service time, such as "2s".')
        return
    try:
        service_law(scenario)
    except PlannerError as error:
        yield Finding("service_time", words(scenario.service_time), f"but {error.message}")


def _promise(scenario: BacktestScenario) -> Iterator[Finding]:
    latency = scenario.slo.p95_latency
    if scenario.allowed_wait is not None:
        return
    if not latency:
        yield Finding("slo.p95_latency", "0s", "so that no job can be late. Set it, or allowed_wait.")
        return
    late = float(service_law(scenario).tail(latency.total_seconds()))
    if late > 1.0 - scenario.asked_share:
        problem = (
            f"which no number of workers keeps for {scenario.asked_share:.4g} of the jobs: service alone takes longer "
            f"for {late:.3g} of them. Allow more, or ask for a smaller share."
        )
        yield Finding("slo.p95_latency", words(latency), problem)


def _workers(scenario: BacktestScenario) -> Iterator[Finding]:
    if scenario.min_workers > scenario.max_workers:
        yield Finding("min_workers", str(scenario.min_workers), f"above max_workers {scenario.max_workers:,}.")
    elif scenario.min_workers * scenario.worker_concurrency > _MOST_SERVERS:
        limit = f"times worker_concurrency {scenario.worker_concurrency}: more than {_MOST_SERVERS:,} servers."
        yield Finding("min_workers", str(scenario.min_workers), limit)


def _policies(scenario: BacktestScenario) -> Iterator[Finding]:
    names = scenario.policies
    if len(set(names)) < len(names):
        yield Finding("policies", ", ".join(names), "with a name twice. Leave one.")
    for name in names:
        try:
            check_name(name)
        except PlannerError:
            yield Finding("policies", name, f"which is no policy. Use some of: {', '.join(names_of_all())}.")


def _model(scenario: BacktestScenario) -> Iterator[Finding]:
    try:
        forecast_models.get(scenario.forecast_model)
    except PlannerError as error:
        yield Finding("forecast_model", scenario.forecast_model, f"but {error.message}")


_CHECKS: tuple[tuple[set[str], Callable[[BacktestScenario], Iterator[Finding]]], ...] = (
    ({"counts", "interval", "trace", "start"}, _history),
    ({"counts", "interval", "trace", "start", "warmup"}, _warmup),
    ({"service_time", "service_time_std", "service_time_p95", "service_family", "trace"}, _service),
    ({"service_time", "service_time_std", "service_time_p95", "trace", "slo", "allowed_wait", "share"}, _promise),
    ({"min_workers", "max_workers", "worker_concurrency"}, _workers),
    ({"policies"}, _policies),
    ({"forecast_model"}, _model),
)
