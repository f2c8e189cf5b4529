"""What the demo says in words: a line for each second, and what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner.surfaces.cli._demo_replay import SERVICE_TIME, TRACE
from capacity_planner.surfaces.cli._demo_second import percentile
from capacity_planner.surfaces.cli._demo_settings import P95, crew_for, planner_config
from capacity_planner.surfaces.cli._words import clock, money, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.surfaces.cli._demo_second import Deed, Second
    from capacity_planner.surfaces.cli._demo_seen import Seen
    from capacity_planner.surfaces.cli._demo_stage import Stage

FURTHER = (
    "`capacity-planner config init` writes settings for a queue of your own; `capacity-planner run` then scales it.",
    f"How other autoscalers do on this trace: `capacity-planner backtest {TRACE} --service-time 5s --p95 20s`",
)


def opening(stage: Stage) -> list[str]:
    """What is real, and what is not."""
    replay = stage.replay
    real = "Redis, jobs, workers, measurements and the service are real. Only the three days before are made up:"
    return [
        f"Jobs come as taxi rides began in New York, {replay.speed:g} times as fast: 1 s here is {_minutes(stage)}.",
        f"Each takes {SERVICE_TIME:g} s on average; 95 % are to be done within {P95:g} s ({_promise(stage)} there).",
        f"{real} the planner was given samples of the same trace, thinned out at random as the replay is.",
        "The planner's clock is that of the trace, and so are the times in its reasons.",
    ]


def line_of(second: Second, number: int) -> str:
    """A second in one line."""
    p95 = "  –  " if second.p95 is None else f"{second.p95:.2f}s"
    expected = "  –" if second.forecast is None else f"{second.forecast:3.0f}"
    return (
        f"{number:3} s {clock(second.at, dated=True)}  {second.arrived:3}/s, expects {expected}/s  "
        f"{second.workers:2} of {second.wanted:2} workers  {second.backlog:3} wait  p95 {p95}"
        f"{'' if second.kept else '  late'}"
    )


def told(deed: Deed) -> str:
    """A deed in one line."""
    what = f"{deed.from_workers} → {deed.to_workers}"
    return f"{clock(deed.at)}  {what if deed.applied else f'({what}, not applied)'}  {deed.why}"


def outcome(seen: Seen) -> dict[str, Any]:
    """What the demo came to."""
    replay, elapsed = seen.stage.replay, float(len(seen.seconds))
    crew = crew_for(replay, max(replay.coming()))
    applied = [deed for deed in seen.deeds if deed.applied]
    return {
        "seconds": elapsed,
        "speed": replay.speed,
        "jobs_arrived": sum(second.arrived for second in seen.seconds),
        "jobs_done": seen.jobs,
        "p95_seconds": percentile(seen.responses),
        "slo_p95_seconds": P95,
        "kept_share": seen.kept,
        "worker_seconds": round(seen.worker_seconds, 1),
        "fixed_crew": crew,
        "fixed_worker_seconds": crew * elapsed,
        "least_workers": min((second.workers for second in seen.seconds), default=0),
        "most_workers": max((second.workers for second in seen.seconds), default=0),
        "scaled_up": sum(deed.to_workers > deed.from_workers for deed in applied),
        "scaled_down": sum(deed.to_workers < deed.from_workers for deed in applied),
        "not_applied": len(seen.deeds) - len(applied),
    }


def closing(seen: Seen) -> Iterator[str]:
    """What the demo came to, in sentences."""
    came = outcome(seen)
    if came["kept_share"] is None:
        yield "It ended before its first second was over."
        return
    p95 = f", p95 {came['p95_seconds']:.2f} s over all" if came["p95_seconds"] else ""
    yield (
        f"{came['jobs_done']} of {came['jobs_arrived']} jobs done{p95}; p95 was within {P95:g} s in "
        f"{percent(came['kept_share'])} of {came['seconds']:.0f} seconds."
    )
    used, fixed = came["worker_seconds"], came["fixed_worker_seconds"]
    yield (
        f"{used:.0f} worker-seconds ({came['least_workers']} to {came['most_workers']} workers), where "
        f"a fixed crew of {came['fixed_crew']}, as the same rules ask for at the peak, comes to {fixed:.0f}: "
        f"{_compared(1.0 - used / fixed)}."
    )
    yield (
        f"Scaled {came['scaled_up']} × up and {came['scaled_down']} × down; plans that were only recommended: "
        f"{came['not_applied']}."
    )
    yield from FURTHER


def costs(seen: Seen) -> str:
    """What workers cost at the pace of the trace."""
    config, hours = planner_config(seen.stage.replay), seen.stage.replay.speed / 3600.0
    price = config.worker_cost_per_hour
    crew = crew_for(seen.stage.replay, max(seen.stage.replay.coming()))
    now = seen.seconds[-1].workers if seen.seconds else seen.stage.crew
    spent, fixed = seen.worker_seconds * hours * price, crew * len(seen.seconds) * hours * price
    return f"{money(now * price)}/h of the trace; {money(spent)} so far, {crew} workers for its peak {money(fixed)}"


def _compared(saved: float) -> str:
    return f"{percent(abs(saved))} {'less' if saved >= 0 else 'more'}"


def _minutes(stage: Stage) -> str:
    return f"{stage.replay.speed / 60.0:g} min there"


def _promise(stage: Stage) -> str:
    return f"{P95 * stage.replay.speed / 60.0:g} min"
