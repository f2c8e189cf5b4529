"""Our own policy, as it is judged beside others: steering by a forecast, with a quantile that sets itself."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.policy import PolicyTask
from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting import _season
from capacity_planner.forecasting._load import BEYOND, LEVELS, LoadFollower, Loads, horizons
from capacity_planner.pipeline.tuning import DAY, DAYS, PERIOD, PLACES, SURE, Goal, Replays
from capacity_planner.planning.offered_load import service_shares
from capacity_planner.planning.steering import Knob, Steered, Steering, Tuned, gain
from capacity_planner.registry import forecast_models
from capacity_planner.simulation.tiers import COMPILER, PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capacity_planner.contracts import Decide, ServiceLaw
    from capacity_planner.domain.congestion import FloatArray

_AT_ONCE = 2_016
# Days are not alike: what may be late is not spent to the last job in the days that are replayed.
_CAREFUL = 0.8
_HIGHEST = 2.8 * 3.3


class Planner:
    """This planner, deciding every minute; the oracle is the same, told the counts that come instead of a forecast.

    Args:
        counts: jobs per bin, of the past that is known and of the time that is scored, shape (n,). What comes after a
            decision is not looked at, but by the oracle.
        law: of the service times.
        oracle: whether it knows the counts that come.
        model: the forecast model.
        late_bins: newest complete bins that are not known yet.
        check: called now and then; raises to stop.
        within: holds what decides to limits, so that the days which are replayed know them.
    """

    knob = "place among the quantiles of past errors"
    grid: Sequence[float] = tuple(range(PLACES))
    default = math.nan
    period = PERIOD

    def __init__(
        self,
        counts: FloatArray,
        law: ServiceLaw,
        *,
        oracle: bool = False,
        model: str = "auto",
        late_bins: int = 1,
        check: Callable[[], None] = lambda: None,
        within: Callable[[Decide], Decide] = lambda decide: decide,
    ) -> None:
        self.name = "oracle" if oracle else "planner"
        self.title = "oracle: this planner with the counts that come" if oracle else "this planner"
        self._counts, self._law, self._model, self._oracle = np.nan_to_num(counts), law, model, oracle
        self._late, self._check, self._within = late_bins, check, within
        self._known: tuple[object, Loads, Replays] | None = None

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales from the end of the past on; NaN as the knob lets it set itself.

        Args:
            task: the queue.
            knob: place in the table of quantiles.
        """
        steering = Steering(
            service_time=task.service_time, startup_delay=task.startup_delay, allowed_wait=task.allowed_wait
        )
        loads, replays = self._prepared(task, steering)
        place = Knob(knob) if math.isfinite(knob) else self._tuned(task, replays)
        return Steered(task, steering, loads, place, self._law)

    def _tuned(self, task: PolicyTask, replays: Replays) -> Tuned:
        start = len(task.past) * task.interval
        learned = min(DAY, start)

        def daily(at: float) -> float:
            now = start + at
            first = max(now - DAYS * DAY, learned)
            return replays.best(first, now) if now - first >= DAY else SURE

        # Without a past nobody knows what a usual minute is: the place then moves from day to day alone.
        usual = float(task.past.mean()) if task.past.any() else math.inf
        return Tuned(
            daily,
            share=task.share,
            gain=gain(task.startup_delay),
            usual=usual * 60.0 / task.interval,
            highest=PLACES - 1.0,
        )

    def _prepared(self, task: PolicyTask, steering: Steering) -> tuple[Loads, Replays]:
        key = tuple(getattr(task, name) for name in PolicyTask.__dataclass_fields__ if name != "past"), len(task.past)
        if self._known is None or self._known[0] != key:
            loads = self._followed(task)
            replays = Replays(
                counts=self._counts,
                loads=loads,
                law=self._law,
                task=task,
                steering=steering,
                goal=Goal(share=1.0 - _CAREFUL * (1.0 - task.share)),
                tier=COMPILER.tier or PLAIN,
                late_bins=self._late,
                check=self._check,
                within=self._within,
            )
            self._known = (key, loads, replays)
        return self._known[1], self._known[2]

    def _followed(self, task: PolicyTask) -> Loads:
        """What is said of the demand after each bin, by one that reads on and on."""
        ahead = horizons(task.interval, task.startup_delay, 1 + self._late)
        shares = service_shares(self._law, task.interval)
        if self._oracle:
            return _foreseen(self._counts, shares, ahead)
        seasons = _season.periods(task.past / task.interval, task.interval)
        follower = LoadFollower(
            forecast_models.get(self._model),
            ForecastTask(ahead=ahead, interval=task.interval, periods=seasons),
            shares,
        )
        parts = []
        for at in range(0, len(self._counts), _AT_ONCE):
            parts.append(follower.read(self._counts[at : at + _AT_ONCE]))
            self._check()
        return Loads(
            loads=np.concatenate([part.loads for part in parts]),
            ahead=np.concatenate([part.ahead for part in parts]),
            scores=np.concatenate([part.scores for part in parts]),
        )


def _foreseen(counts: FloatArray, shares: FloatArray, ahead: tuple[int, ...]) -> Loads:
    """The true loads in place of forecasts; what is uncertain is how jobs fall within a bin and how long they take."""
    loads = np.convolve(counts, shares)[: len(counts)]
    places = np.minimum(np.arange(len(counts))[:, None] + np.array(ahead), len(counts) - 1)
    normal = [NormalDist().inv_cdf(level) for level in LEVELS]
    tops = np.linspace(normal[-1], _HIGHEST, len(BEYOND) + 1)[1:]
    scores = np.broadcast_to(np.concatenate([normal, tops]), (len(counts), PLACES))
    return Loads(loads=loads, ahead=loads[places], scores=scores)
