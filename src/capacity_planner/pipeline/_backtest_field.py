"""The policies that take part in a backtest: those of the registry, this planner, and the planner told what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.domain.backtest import ORACLE, PLANNER
from capacity_planner.pipeline._backtest_limits import Limited
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from capacity_planner.contracts import Decide, Policy
    from capacity_planner.pipeline._backtest_jobs import Stage
    from capacity_planner.pipeline._backtest_limits import Limits


def names_of_all() -> list[str]:
    """Every policy's name: this planner, the oracle, and the registry's."""
    return [PLANNER, ORACLE, *policies.names()]


def check_name(name: str) -> None:
    """Refuse a policy that there is not.

    Raises:
        PlannerError: ``MODEL_NOT_SUPPORTED``.
    """
    if name not in {PLANNER, ORACLE}:
        policies.get(name)


def field_of(names: Iterable[str], stage: Stage, model: str, limits: Limits, check: Callable[[], None]) -> list[Policy]:
    """The policies of these names, ready to start.

    Args:
        names: none is all.
        stage: the queue.
        model: the planner's forecast model.
        limits: what no policy may do.
        check: called by the planner while it prepares; raises to stop.
    """
    found: list[Policy] = []
    for name in list(names) or names_of_all():
        if name in {PLANNER, ORACLE}:
            found.append(_steered(stage, model, limits, check, oracle=name == ORACLE))
        else:
            found.append(policies.get(name))
    return found


def _steered(stage: Stage, model: str, limits: Limits, check: Callable[[], None], *, oracle: bool) -> Policy:
    from capacity_planner.pipeline.steered import Planner  # noqa: PLC0415 - forecasting is for these two alone

    def within(decide: Decide) -> Decide:
        return Limited(decide, limits, 0.0, lambda _: None)

    late = stage.loop.late_bins
    return Planner(stage.counts, stage.law, oracle=oracle, model=model, late_bins=late, check=check, within=within)
