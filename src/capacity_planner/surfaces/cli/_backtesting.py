"""A backtest question → its answer, with a bar for a person who waits."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from capacity_planner import units
from capacity_planner.errors import PlannerError
from capacity_planner.pipeline.backtest import Backtester
from capacity_planner.simulation.tiers import COMPILER
from capacity_planner.surfaces.cli._backtest_asked import as_flags
from capacity_planner.surfaces.cli._console import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capacity_planner.domain.backtest import Backtest
    from capacity_planner.surfaces.cli._backtest_asked import Asked


def replayed(asked: Asked, *, visible: bool) -> Backtest:
    """What would have happened.

    Args:
        asked: the question.
        visible: whether a bar may be shown.

    Raises:
        PlannerError: ``CONFIG_INVALID`` in the words of the command line; ``FORECAST_FAILED`` when the time is up.
    """
    with _bar(asked.scenario.name, visible=visible and sys.stderr.isatty()) as progress:
        try:
            return Backtester(asked.config).run(asked.scenario, timeout=asked.timeout, progress=progress)
        except PlannerError as error:
            raise _late(error, asked) if error.details.get("timed_out") else as_flags(error) from None


def _late(error: PlannerError, asked: Asked) -> PlannerError:
    shown = units.words(asked.timeout or units.UNBOUNDED)
    message = f"--timeout is {shown}, and the backtest took longer. Allow more, or replay less: a later --from, fewer \
policies by --policy, or --no-sweep."
    return PlannerError(error.code, message, details={**error.details, "field": "--timeout", "value": shown})


@contextmanager
def _bar(name: str, *, visible: bool) -> Iterator[Callable[[float], object] | None]:
    """A bar on stderr."""
    if not visible:
        yield None
        return
    if not COMPILER.possible:
        note(["backtests are faster with an extra: pip install 'capacity-planner[fast]'"])
    from rich.console import Console  # noqa: PLC0415 - for a terminal only
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(name, total=1.0)
        yield lambda share: bars.update(task, completed=share)
