"""How long plans take; prints Markdown. Times are of one process on one core, medians of warm calls.

A queue has 24 h of samples, one a minute, a window of an hour, and intervals of five minutes, as the settings have it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter, process_time

import numpy as np

from _tables import print_bar
from capacity_planner import SLO, CapacityPlanner, Metrics, PlannerConfig, PlanRequest

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = 1_440
_CONFIG = PlannerConfig(scale_up_cooldown=timedelta(0))
_QUEUES, _CALLS = 1_000, 40


class Traffic:
    """Samples of a queue, one a minute, with a day in them.

    Args:
        name: of the queue.
        rate: mean rate [jobs/s].
        service: mean service time [s].
        seed: of the noise.
    """

    def __init__(self, name: str, rate: float, service: float, seed: int) -> None:
        self._dice = np.random.default_rng(seed)
        self._name, self._rate, self._service = name, rate, service

    def sample(self, minute: int) -> Metrics:
        """The sample of a minute after noon."""
        usual = self._rate * (1.0 + 0.3 * np.sin(2.0 * np.pi * minute / DAY))
        return Metrics(
            timestamp=NOON + minute * MINUTE,
            arrival_rate=float(self._dice.poisson(60.0 * usual)) / 60.0,
            service_time=timedelta(seconds=self._service),
            current_workers=round(1.25 * self._rate * self._service) + 1,
            queue_name=self._name,
        )

    def request(self, minute: int) -> PlanRequest:
        """Asks for a p95 of four service times."""
        return PlanRequest(
            current_metrics=self.sample(minute), slo=SLO(p95_latency=timedelta(seconds=4 * self._service))
        )


def observed(config: PlannerConfig = _CONFIG) -> float:
    """Seconds for a plan of a queue that was observed."""
    planner, traffic = CapacityPlanner(config), Traffic("q", 25.0, 2.0, 1)
    for minute in range(-DAY, 0):
        planner.observe(traffic.sample(minute))
    return _timed(planner, [traffic.request(minute) for minute in range(_CALLS)])


def sent(config: PlannerConfig = _CONFIG) -> float:
    """Seconds for a plan of a queue whose whole history is sent each time."""
    planner, traffic = CapacityPlanner(config), Traffic("q", 25.0, 2.0, 1)
    history = [traffic.sample(minute) for minute in range(-DAY, 0)]
    requests = []
    for minute in range(_CALLS):
        request = traffic.request(minute)
        requests.append(replace(request, history=tuple(history)))
        history.append(request.current_metrics)
    return _timed(planner, requests)


def cached() -> float:
    """Seconds for the same question once more."""
    planner, traffic = CapacityPlanner(_CONFIG), Traffic("q", 25.0, 2.0, 1)
    for minute in range(-DAY, 0):
        planner.observe(traffic.sample(minute))
    return _timed(planner, [traffic.request(0)] * _CALLS)


def huge() -> float:
    """Seconds for a plan of a queue that needs nearly 10 000 workers."""
    config = replace(_CONFIG, max_workers=10_000, max_step_size=10_000)
    planner, traffic = CapacityPlanner(config), Traffic("q", 3_500.0, 2.0, 1)
    for minute in range(-DAY, 0):
        planner.observe(traffic.sample(minute))
    return _timed(planner, [traffic.request(minute) for minute in range(_CALLS)])


def batch() -> tuple[float, float]:
    """Seconds of processor time for 1 000 queues in one call: the first, which reads their histories, and a later."""
    dice, planner = np.random.default_rng(2), CapacityPlanner(_CONFIG)
    queues = [
        Traffic(f"q{at}", float(dice.uniform(2.0, 20.0)), float(dice.uniform(0.5, 5.0)), at) for at in range(_QUEUES)
    ]
    for queue in queues:
        for minute in range(-DAY, 0, 5):
            planner.observe(queue.sample(minute))
    times = []
    for minute in (0, 5, 10):
        requests = [queue.request(minute) for queue in queues]
        began = process_time()
        planner.generate_plans(requests)
        times.append(process_time() - began)
    return times[0], times[-1]


def _timed(planner: CapacityPlanner, requests: list[PlanRequest]) -> float:
    """The median of the calls after the first ten."""
    times = []
    for request in requests:
        began = perf_counter()
        planner.generate_plan(request)
        times.append(perf_counter() - began)
    return median(times[10:])


def main() -> int:
    """Print the figures beside their bars."""
    print_bar("a plan, the queue observed, ms", 1e3 * observed(), 20.0)
    print_bar("a plan, the history sent each time, ms", 1e3 * sent(), 20.0)
    print_bar("the same question again, ms", 1e3 * cached(), 5.0)
    print_bar("a plan for nearly 10 000 workers, ms", 1e3 * huge(), 100.0)
    first, later = batch()
    print(f"- 1 000 queues in one call, the first time: {first:.1f} s of processor time")
    print_bar("1 000 queues in one call, later, s of processor time", later, 5.0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
