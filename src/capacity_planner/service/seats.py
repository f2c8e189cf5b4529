"""The planners of the queues, one each, whose memory is what the store has."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock, RLock
from typing import TYPE_CHECKING

from capacity_planner.pipeline.forecaster import Forecaster
from capacity_planner.pipeline.planner import CapacityPlanner

if TYPE_CHECKING:
    from datetime import datetime

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.scaling import ScalingRecord
    from capacity_planner.store.cursor import Cursor
    from capacity_planner.store.store import Store

_LOOK_BACK = timedelta(days=1)
_OUTCOMES = 500


@dataclass(slots=True)
class Seat:
    """What this process knows of one queue; ``lock`` guards the reading of the store.

    Attributes:
        config: the planner's settings.
        planner: plans.
        forecaster: forecasts, apart from plans.
        last_scaling: the newest that is known.
        ahead: samples whose time has not come: of a clock that is fast, or of one that was set back.
    """

    config: PlannerConfig
    planner: CapacityPlanner
    forecaster: Forecaster
    last_scaling: ScalingRecord | None = None
    cursor: Cursor | None = None
    ahead: list[Metrics] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)


class Seats:
    """Seats by queue.

    Args:
        store: what was measured and done.
        most: how many are kept, those that were used last; ``None`` keeps all.
    """

    def __init__(self, store: Store, most: int | None = None) -> None:
        self._store, self._most = store, most
        self._lock = Lock()
        self._seats: OrderedDict[str, Seat] = OrderedDict()

    def take(self, queue_name: str, config: PlannerConfig) -> Seat:
        """The queue's seat with these settings, and with all that the store knows by now.

        Raises:
            UnavailableError: the store does not answer.
        """
        seat = self.peek(queue_name, config)
        with seat.lock:
            if seat.cursor is None:
                seat.planner.recall(reversed(self._store.outcomes(queue_name, limit=_OUTCOMES)), queue_name=queue_name)
            if self._read_samples(queue_name, seat):
                self._read_scalings(queue_name, seat)
                return seat
        self.leave(queue_name)
        return self.take(queue_name, config)

    def peek(self, queue_name: str, config: PlannerConfig) -> Seat:
        """The queue's seat as it is, which may lag behind the store."""
        with self._lock:
            seat = self._seats.pop(queue_name, None)
            if seat is None or seat.config != config:
                seat = Seat(config, CapacityPlanner(config), Forecaster(config))
            self._seats[queue_name] = seat
            while self._most is not None and len(self._seats) > self._most:
                self._seats.popitem(last=False)
        return seat

    def leave(self, queue_name: str | None = None) -> None:
        """Forget one seat, or all; the store fills them anew when they are asked for."""
        with self._lock:
            if queue_name is None:
                self._seats.clear()
            else:
                self._seats.pop(queue_name, None)

    def taken(self) -> dict[str, Seat]:
        """The seats there are."""
        with self._lock:
            return dict(self._seats)

    def _read_samples(self, queue_name: str, seat: Seat) -> bool:
        """Read what is new; ``False`` where the queue was reset since the last reading, by whichever replica."""
        now, known = self._store.now(), seat.cursor
        samples, seat.cursor = self._store.changed_samples(queue_name, known, now - seat.config.history_window)
        if known is not None and known.resets != seat.cursor.resets:
            return False
        fresh = [*seat.ahead, *samples]
        seat.ahead = [sample for sample in fresh if sample.timestamp > now]
        for sample in fresh:
            if sample.timestamp <= now:
                seat.planner.observe(sample)
        return True

    def _read_scalings(self, queue_name: str, seat: Seat) -> None:
        now: datetime = self._store.now()
        longest = max(_LOOK_BACK, seat.config.cooldown_period, seat.config.cooldown_up)
        known = seat.last_scaling.at if seat.last_scaling else now - longest
        for record in self._store.scalings(queue_name, since=known):
            if record.at <= now:
                seat.last_scaling = record
                seat.planner.record_scaling(record.to_workers, record.at, queue_name=queue_name)
