"""The programme finds the optimum: every sequence of steps that the rules allow is tried, on small cases."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.planning._slots import divide
from capacity_planner.planning.fluid import Fluid, Tolerance
from capacity_planner.planning.need import Need
from capacity_planner.planning.schedule import follow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capacity_planner.domain.congestion import FloatArray

Steps: TypeAlias = tuple[tuple[float, int], ...]

TICK = 30.0
MINUTE = 60.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """A small question, and every answer to it.

    Args:
        needs: of each interval.
        config: settings.
        fluid: the queue at time 0.
        since: seconds since the last change.
        risks: P(the SLO is broken), shape (intervals, levels from 0).
    """

    needs: tuple[Need, ...]
    config: PlannerConfig
    fluid: Fluid
    since: float
    risks: FloatArray | None

    def answer(self) -> Steps:
        path = follow(
            self.needs, self.fluid.copy(), last_change=-self.since, config=self.config, violation=self._violation
        )
        return tuple((change.at, change.after) for change in path.changes)

    def best(self) -> Steps:
        """The least of all."""
        return min(self._sequences(0, self.fluid.ordered, -self.since, first=True, climbing=False), key=self.weight)

    def weight(self, steps: Steps) -> tuple[float, float, int, tuple[tuple[float, int], ...]]:
        """Shortfall, cost, number of steps, and later steps before earlier ones, smaller levels before larger."""
        startup, end = self.startup, self.fluid.end
        ordered = [self._ordered(steps, at) for at in np.arange(-startup, end + startup, TICK)]
        back = round(startup / TICK)
        serving = [min(ordered[at - back : at + 1]) for at in range(back, len(ordered))]
        intervals = [self.interval(at * TICK) for at in range(len(serving))]
        short = sum(
            max(self.floor[index] - level, 0) for index, level in list(zip(intervals, serving, strict=True))[back:]
        )
        cost = self.config.worker_cost_per_hour * sum(ordered[back : back + round(end / TICK)])
        if self.risks is not None:
            broken = sum(self.risks[index, level] for index, level in zip(intervals, serving, strict=True))
            cost += self.config.violation_cost_per_hour * broken
        return short, cost, len(steps), tuple((-at, level) for at, level in steps)

    # --- the rules -------------------------------------------------------------------------------------------------

    def _sequences(self, slot: int, level: int, last: float, *, first: bool, climbing: bool) -> Iterator[Steps]:
        if slot == len(self.times):
            yield ()
            return
        now = self.times[slot]
        moves, must = self._moves(now, level, last, first=first, climbing=climbing)
        for after, still in moves:
            for rest in self._sequences(slot + 1, after, now, first=False, climbing=still):
                yield ((now, after), *rest)
        if must is not True:
            yield from self._sequences(slot + 1, level, last, first=first, climbing=climbing and must is None)

    def _moves(
        self, now: float, level: int, last: float, *, first: bool, climbing: bool
    ) -> tuple[list[tuple[int, bool]], bool | None]:
        """Levels that a step can lead to, each with whether its aim was out of reach, and whether one must be made.

        ``None``: not yet, but an addition must follow, if it still falls short when it may.
        """
        config, size = self.config, self.config.max_step_size
        gaps = (config.cooldown_up.total_seconds(), config.cooldown_period.total_seconds())
        up, down = (now >= last + (gap if first else max(gap, MINUTE)) - 1e-6 for gap in gaps)
        if level > config.max_workers:
            return [(max(config.max_workers, level - size), False)] if down else [], down
        aim = self.target[self.interval(now + self.startup)]
        must = climbing and level < aim
        adds = self._additions(level, aim) if up and (must or level < self._later(now)) else []
        removes = self._removals(now, level) if down and not (climbing and self._climbs(now, last, level)) else []
        return adds + [(after, False) for after in removes], must if up else None

    def _climbs(self, now: float, last: float, level: int) -> bool:
        """Whether a climb that has begun goes on at the next slot in which it may."""
        gap = max(self.config.cooldown_up.total_seconds(), MINUTE)
        due = [at for at in self.times if at >= last + gap - 1e-6]
        return bool(due) and now <= due[0] and level < self.target[self.interval(due[0] + self.startup)]

    def _additions(self, level: int, aim: int) -> list[tuple[int, bool]]:
        highest = min(level + self.config.max_step_size, self._most)
        if level + self.config.max_step_size < aim:
            return [(highest, True)]
        return [(after, False) for after in range(max(level + 1, aim), highest + 1)]

    @cached_property
    def _most(self) -> int:
        """The largest target, or else a level at which no violations that one more worker could prevent are worth it.

        The levels tried are 0, 1, 3, 7, ... above the target.
        """
        config, largest = self.config, max(self.target[self.interval(self.startup) :])
        if self.risks is None:
            return largest
        for level in (largest + 2**power - 1 for power in range(10)):
            if level > config.max_workers:
                break
            if config.violation_cost_per_hour * self.risks[:, level].max() <= config.worker_cost_per_hour:
                return int(level)
        return config.max_workers

    def _removals(self, now: float, level: int) -> list[int]:
        config, here = self.config, self.interval(now)
        busy = self.needs[here].load / (level * config.worker_concurrency) if level else math.inf
        least = max(self.target[here : self.interval(now + self.startup) + 1])
        if (
            self._backlog(now) >= 1
            or self.needs[here].drain
            or busy >= config.scale_down_threshold
            or least >= 0.9 * level
        ):
            return []
        sizes = [
            size for size in range(1, config.max_step_size + 1) if size > level / 10 or size == config.max_step_size
        ]
        return [level - size for size in sizes if level - size >= least]

    def _backlog(self, until: float) -> float:
        """The jobs that wait when workers come as they are needed, as fast as they may, and none goes."""
        queue, size = self.fluid.copy(), self.config.max_step_size
        while queue.time < until - 1e-6:
            queue.advance(queue.time)  # those that started are there
            reached = queue.ordered + size * sum(at + self.startup <= queue.time + 1e-6 for at in self._climb)
            present = min(queue.serving, self.config.max_workers)
            walk = replace(queue, serving=max(present, min(self.floor[self.interval(queue.time)], reached)))
            walk.starting = []
            walk.advance(min(queue.time + TICK / 3, until))
            queue.backlog, queue.time = walk.backlog, walk.time
        return queue.backlog

    @cached_property
    def _climb(self) -> list[float]:
        """When whole steps up can be made."""
        cooldown = self.config.cooldown_up.total_seconds()
        made: list[float] = []
        for at in self.times:
            if at >= (made[-1] + max(cooldown, MINUTE) if made else cooldown - self.since) - 1e-6:
                made.append(at)
        return made

    def _later(self, now: float) -> int:
        return max(self.floor[self.interval(now + self.startup) :])

    # --- figures ---------------------------------------------------------------------------------------------------

    @property
    def startup(self) -> float:
        return self.config.startup_delay.total_seconds()

    @cached_property
    def times(self) -> list[float]:
        growing = max(self.floor) > self.fluid.ordered
        slots = divide(len(self.needs), self.config, last_change=-self.since, growing=growing)
        return [float(at) for at in slots.times[:-1]]

    @cached_property
    def floor(self) -> list[int]:
        return [self._clip(need.hold) for need in self.needs]

    @cached_property
    def target(self) -> list[int]:
        return [self._clip(need.target) for need in self.needs]

    def interval(self, at: float) -> int:
        return min(int(at / self.fluid.interval + 1e-9), len(self.needs) - 1)

    def _clip(self, level: int) -> int:
        return min(max(level, self.config.min_workers), self.config.max_workers)

    def _ordered(self, steps: Steps, at: float) -> int:
        return [self.fluid.ordered, *(after for time, after in steps if time <= at + 1e-6)][-1]

    @property
    def _violation(self) -> Callable[[int, FloatArray], FloatArray] | None:
        risks = self.risks
        if risks is None:
            return None

        def violation(index: int, levels: FloatArray) -> FloatArray:
            found: FloatArray = risks[index, levels.astype(int)]
            return found

        return violation


def case(seed: int, *, priced: bool) -> Case:
    """A case of six or seven slots and a handful of levels."""
    dice = np.random.default_rng(seed)
    base = int(dice.choice([0, 0, 20]))
    count, interval = (int(item) for item in dice.choice([(6, 60), (3, 120), (7, 60)]))
    startup = int(dice.choice([0, 30, 60, 120]))
    down = int(dice.choice([0, 60, 120, 180]))
    config = PlannerConfig(
        min_workers=max(base - 2, 0) + int(dice.integers(0, 3)),
        max_workers=base + int(dice.integers(4, 9)),
        max_step_size=int(dice.integers(1, 4)),
        scale_up_cooldown=timedelta(seconds=int(dice.choice([0, 60, 120, 180]))),
        cooldown_period=timedelta(seconds=max(down, startup) if priced else down),
        startup_delay=timedelta(seconds=startup),
        plan_interval=timedelta(seconds=interval),
        worker_concurrency=int(dice.choice([1, 2])),
        scale_down_threshold=float(dice.choice([0.5, 0.9])),
        worker_cost_per_hour=float(dice.choice([0.5, 1.0])),
        violation_cost_per_hour=float(dice.choice([2.0, 8.0, 64.0])),
    )
    needs = tuple(_need(dice, base, config) for _ in range(count))
    rates = [float(dice.choice([0.0, 1.0, 2.0])) * need.load for need in needs]
    serving = base + int(dice.integers(0, 10))
    fluid = Fluid(
        rates=rates if dice.random() < 0.5 else [0.0] * count,
        interval=float(interval),
        service_rate=1.0,
        tolerance=Tolerance(),
        backlog=float(dice.choice([0.0, 0.0, 0.0, 100.0])),
        serving=serving,
        starting=[(30.0, serving + 2)] if startup > 30 and dice.random() < 0.2 else [],
    )
    risks = np.sort(dice.integers(0, 9, size=(count, base + 15)) / 8.0, axis=1)[:, ::-1] if priced else None
    since = float(dice.choice([math.inf, math.inf, 30.0, 90.0]))
    return Case(needs=needs, config=config, fluid=fluid, since=since, risks=risks)


def _need(dice: np.random.Generator, base: int, config: PlannerConfig) -> Need:
    slo, unhurried, more = (int(item) for item in dice.integers(0, [7, 7, 3]))
    load = float(dice.uniform(0, 5) + base * dice.choice([0.3, 1.0])) * config.worker_concurrency
    return Need(
        rate=load,
        demand_rate=load,
        load=load,
        demand_load=load,
        slo=base + slo,
        margin=base + slo + more,
        unhurried=base + unhurried,
        drain=base + int(dice.integers(1, 9)) if dice.random() < 0.05 else 0,
    )


@pytest.mark.parametrize("seed", range(400))
def test_no_sequence_of_steps_is_better(seed: int) -> None:
    one = case(seed, priced=False)
    assert one.answer() == one.best()


@pytest.mark.parametrize("seed", range(400))
def test_no_sequence_of_steps_is_better_where_violations_cost(seed: int) -> None:
    one = case(1_000_000 + seed, priced=True)
    assert one.answer() == one.best()
