"""Scenarios → simulations, one after the other, with a bar for a person who waits."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner import units
from capacity_planner.errors import PlannerError
from capacity_planner.simulation.tiers import COMPILER
from capacity_planner.surfaces.cli._console import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from capacity_planner.domain.simulation import Simulation
    from capacity_planner.surfaces.cli._scenarios import Asked

_NOTICEABLE = 1.0


def simulated(asked: Asked, *, visible: bool) -> list[Simulation]:
    """What happens in each scenario.

    Args:
        asked: what to simulate.
        visible: whether a bar may be shown.

    Raises:
        PlannerError: ``FORECAST_FAILED`` when the time is up.
    """
    began, found = monotonic(), []
    with _bars(asked, visible=visible and sys.stderr.isatty()) as told:
        for index, scenario in enumerate(asked.scenarios):
            left = None if asked.timeout is None else _left(asked.timeout, monotonic() - began)
            try:
                found.append(asked.simulator.simulate(scenario, timeout=left, progress=told(index)))
            except PlannerError as error:
                raise _late(error, asked) from None
    return found


def _left(timeout: timedelta, elapsed: float) -> timedelta:
    """What is left of the time; nothing is left of none."""
    return units.from_seconds(max(timeout.total_seconds() - elapsed, 0.0))


def _late(error: PlannerError, asked: Asked) -> PlannerError:
    """The same error; of a limit that has passed, with the limit as it was given."""
    if asked.timeout is None or not error.details.get("timed_out"):
        return error
    shown = units.words(asked.timeout)
    message = f"--timeout is {shown}, and the simulation took longer. Allow more, or simulate fewer jobs: --duration, \
--scale or --replications."
    return PlannerError(error.code, message, details={**error.details, "field": "--timeout", "value": shown})


@contextmanager
def _bars(asked: Asked, *, visible: bool) -> Iterator[Callable[[int], Callable[[float], object] | None]]:
    """One bar for all, on stderr; each scenario has the part of it that it is expected to take."""
    expected = [asked.simulator.estimate_runtime(item).total_seconds() for item in asked.scenarios] if visible else []
    if not visible or sum(expected) < _NOTICEABLE:
        yield lambda _: None
        return
    if not COMPILER.possible:
        note(["long simulations are several times as fast with an extra: pip install 'capacity-planner[fast]'"])
    from rich.console import Console  # noqa: PLC0415 - for a terminal only
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(asked.scenarios[0].name, total=sum(expected))

        def told(index: int) -> Callable[[float], object]:
            done = sum(expected[:index])
            bars.update(task, completed=done, description=asked.scenarios[index].name)
            return lambda share: bars.update(task, completed=done + share * expected[index])

        yield told
