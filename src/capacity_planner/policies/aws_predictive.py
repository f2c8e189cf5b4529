"""AWS predictive scaling, with target tracking for what it does not foresee."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capacity_planner.policies._seasons import DAY, WEEK
from capacity_planner.policies._tracking import MINUTE, Tracking
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask, Seen

_HOUR = 3600.0
_BUFFER = 300.0
_BACK = 2 * WEEK


@policies.register("aws_predictive")
class AwsPredictive:
    """The larger of an hourly forecast and target tracking, for one target utilization.

    The forecast of an hour holds from the start-up delay, but at least 5 minutes, before it begins. How Amazon
    forecasts is not published; here it is the mean of the same hour of the week in the last 14 days, of the same hour
    of the day where there is no week. With less than a day of data there is none.

    References:
        Amazon EC2 Auto Scaling user guide, "How predictive scaling works".
    """

    name = "aws_predictive"
    title = "AWS predictive scaling with target tracking"
    knob = "target utilization"
    grid = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1)
    default = 0.5
    period = MINUTE

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales a queue from time 0 on."""
        return _Decide(task, knob, Tracking(knob))


@dataclass
class _Decide:
    task: PolicyTask
    target: float
    tracking: Tracking
    hours: dict[int, float] = field(default_factory=dict)

    def __call__(self, seen: Seen) -> float:
        buffer = max(self.task.startup_delay, _BUFFER)
        first, last = int(seen.now // _HOUR), int((seen.now + buffer) // _HOUR)
        foreseen = max(self._load(seen, hour) for hour in range(first, last + 1))
        return max(self.tracking.workers(seen), foreseen / self.target)

    def _load(self, seen: Seen, hour: int) -> float:
        if hour not in self.hours:
            rate = self._rate(seen, hour)
            self.hours[hour] = rate * self.task.service_time / self.task.concurrency
        return self.hours[hour]

    def _rate(self, seen: Seen, hour: int) -> float:
        """Jobs a second, mean of the same hour of weeks or else of days before."""
        for season in (WEEK, DAY):
            back = [self._measured(seen, hour * _HOUR - n * season) for n in range(1, round(_BACK / season) + 1)]
            known = [rate for rate in back if rate is not None]
            if known:
                return sum(known) / len(known)
        return 0.0

    def _measured(self, seen: Seen, begin: float) -> float | None:
        """Jobs a second in an hour; ``None`` where not all of it is known."""
        first = len(self.task.past) + round(begin / self.task.interval)
        end = first + max(round(_HOUR / self.task.interval), 1)
        if first < 0 or end > len(seen.counts):
            return None
        return float(seen.counts[first:end].sum()) / (end - first) / self.task.interval
