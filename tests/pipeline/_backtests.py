"""Small histories, and policies of known behaviour."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import BacktestScenario
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask, Seen

START = datetime(2026, 1, 5, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@dataclass
class Stub:
    """A policy that does what a function of what it sees says."""

    name: str
    decide: Callable[[PolicyTask, float, Seen], float]
    grid: Sequence[float] = (1.0,)
    default: float = 1.0
    period: float = 60.0
    title: str = "a stub"
    knob: str = "workers"
    tasks: list[PolicyTask] = field(default_factory=list)
    seen: deque[tuple[float, int, int]] = field(default_factory=deque)

    def start(self, task: PolicyTask, knob: float) -> Decide:
        self.tasks.append(task)

        def decide(seen: Seen) -> float:
            self.seen.append((seen.now, seen.ordered, len(seen.counts)))
            return self.decide(task, knob, seen)

        return decide


def registered(*stubs: Stub) -> Iterator[None]:
    """Register stubs for as long as a fixture lasts."""
    known = policies._classes  # noqa: SLF001 - there is no other way to take a policy out again
    for stub in stubs:
        known[stub.name] = lambda stub=stub: stub
    yield
    for stub in stubs:
        del known[stub.name]


def scenario(**changes: Any) -> BacktestScenario:
    """Four hours of a job every ten seconds that takes five, the first hour for learning."""
    fields: dict[str, Any] = {
        "name": "steady",
        "counts": (6,) * 240,
        "start": START,
        "service_time": 5 * SECOND,
        "service_time_std": timedelta(0),
        "allowed_wait": 10 * SECOND,
        "warmup": HOUR,
        "policies": ("stub",),
        "sweep": False,
        **changes,
    }
    return BacktestScenario(**fields)
