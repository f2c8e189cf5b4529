"""Plans → their review, with a bar for a person who waits."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from capacity_planner import units
from capacity_planner.errors import PlannerError
from capacity_planner.pipeline.review import Reviewer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from capacity_planner.domain.review import PlanReview
    from capacity_planner.surfaces.cli._review_asked import Asked


def reviewed(asked: Asked, *, visible: bool) -> PlanReview:
    """What became of the plans.

    Args:
        asked: which plans, and what came.
        visible: whether a bar may be shown.

    Raises:
        PlannerError: as `Reviewer.review`; of a time that is up in the words of the command line.
    """
    reviewer = Reviewer(asked.config)
    with _bar(len(asked.plans), visible=visible and sys.stderr.isatty()) as progress:
        try:
            return reviewer.review(
                asked.plans,
                asked.history,
                replications=asked.replications,
                hindsight=asked.hindsight,
                timeout=asked.timeout,
                progress=progress,
            )
        except PlannerError as error:
            raise _late(error, asked.timeout) from None


def _late(error: PlannerError, timeout: timedelta | None) -> PlannerError:
    """The same error; of a limit that has passed, with the limit as it was given."""
    if timeout is None or not error.details.get("timed_out"):
        return error
    shown = units.words(timeout)
    message = f"--timeout is {shown}, and the review took longer. Allow more, or review fewer plans, without \
--hindsight or with fewer --replications."
    return PlannerError(error.code, message, details={**error.details, "field": "--timeout", "value": shown})


@contextmanager
def _bar(plans: int, *, visible: bool) -> Iterator[Callable[[float], object] | None]:
    """A bar on stderr."""
    if not visible:
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - for a terminal only
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(f"{plans:,} {'plan' if plans == 1 else 'plans'}", total=1.0)
        yield lambda share: bars.update(task, completed=share)
