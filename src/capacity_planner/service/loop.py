"""Planning that runs by itself: every queue of this replica has its turn in every interval, every order its time."""

from __future__ import annotations

import logging
from concurrent.futures import wait
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING
from zlib import crc32

from capacity_planner.errors import UnavailableError
from capacity_planner.service.carrier import Carrier
from capacity_planner.service.hands import Hands
from capacity_planner.service.turn import Turns
from capacity_planner.service.upkeep import Upkeep
from capacity_planner.service.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from capacity_planner.domain.queues import QueueSettings
    from capacity_planner.domain.server import ServerSettings
    from capacity_planner.service.desk import Desk
    from capacity_planner.service.telemetry import Telemetry
    from capacity_planner.store.store import Store

_LOG = logging.getLogger("capacity_planner.loop")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAUSE, _UPKEEP_PAUSE = 0.5, 30.0
_BACK = timedelta(seconds=5)
_AT_ONCE = 8
_GRACE = 10.0
_SOON = 1.0


class Loop:
    """Plans and scales the queues whose leases this replica holds.

    A queue's intervals begin at fixed instants, spread over the interval by the queue's name. A turn that was missed
    (the process was down, the clock jumped ahead) is not made up for. Where the clock was set back, what this process
    remembers is read anew from the store, without what lies in the future now.

    Args:
        desk: the planners.
        store: what is shared with other replicas.
        telemetry: what is counted.
        server: lease and retention.
        replica: a name that no other process has, now or earlier.
    """

    def __init__(self, desk: Desk, store: Store, telemetry: Telemetry, server: ServerSettings, replica: str) -> None:
        self._desk, self._store, self._telemetry = desk, store, telemetry
        self._lease, self._replica = server.lease, replica
        self._world = World()
        self._turns = Turns(desk, store, self._world, telemetry, replica)
        self._carrier = Carrier(desk, store, self._world, telemetry, replica)
        self._upkeep = Upkeep(desk, store, telemetry, server, replica)
        self._hands = Hands(_AT_ONCE)
        self._stop = Event()
        self._mine: frozenset[str] = frozenset()
        self._held_until = 0.0
        self._taken: dict[str, datetime] = {}
        self._busy: dict[str, Future[None]] = {}
        self._now: datetime | None = None
        self._passed = self._began = monotonic()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Run in the background until `stop`."""
        self._passed = self._began = monotonic()
        self._desk.idle_for = self.idle_for
        self._thread = Thread(target=self.run, name="capacity-planner-loop", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is under way, hand the leases back, and end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2 * _GRACE)
        self._world.close()

    def run(self) -> None:
        """Run until `stop` is called."""
        helpers = [
            Thread(target=self._again, args=(self.renew, self._lease.total_seconds() / 3), daemon=True),
            Thread(target=self._again, args=(self.keep_up, _UPKEEP_PAUSE), daemon=True),
        ]
        self.renew_quietly()
        for helper in helpers:
            helper.start()
        self._again(self.sweep, _PAUSE)
        wait(list(self._busy.values()), timeout=_GRACE)
        self._hands.close()
        try:
            self._store.withdraw(self._replica)
        except UnavailableError as error:
            _LOG.warning("the leases run out by themselves", extra={"reason": error.message})

    def idle_for(self) -> float:
        """Seconds since the last pass over the queues came to its end."""
        return monotonic() - self._passed

    def stuck_for(self) -> float:
        """Seconds since a pass over the queues was begun, whatever came of it: to begin anew mends no store."""
        return monotonic() - self._began

    def renew_quietly(self) -> None:
        """Renew, or leave it to the next time."""
        self._attempt(self.renew)

    def renew(self) -> None:
        """Say that this replica lives, and renew its leases.

        Raises:
            UnavailableError: the store does not answer.
        """
        queues = self._desk.config().config.queues
        names = [queue.queue_name for queue in queues]
        begun = monotonic()
        self._store.enroll(self._replica, self._lease)
        mine = frozenset(self._store.claim(self._replica, names, self._lease))
        self._remember_turns(mine - self._mine)
        self._hands.submit(partial(_in_turn, self._world.keep(queues, mine, mine - self._mine)))
        for name in self._mine - mine:
            self._telemetry.forget(name)
        for name in mine:
            self._telemetry.keep(name, self._desk.planner_config(name).plan_interval)
        self._mine, self._held_until = mine, begun + self._lease.total_seconds()
        self._telemetry.owned(len(mine))

    def _remember_turns(self, new: frozenset[str]) -> None:
        """Learn which turns were taken already of queues that another replica, or an earlier process, planned for."""
        for status in self._store.statuses() if new else ():
            if status.queue_name in new and status.planned_slot is not None:
                self._taken[status.queue_name] = status.planned_slot

    def keep_up(self) -> None:
        """Do the upkeep that is due."""
        self._upkeep.run(self._store.now())

    def sweep(self) -> None:
        """One pass: begin the turns and the orders that are due, of the queues whose leases this replica holds.

        Raises:
            UnavailableError: the store does not answer.
        """
        self._began = began = monotonic()
        now = self._store.now()
        self._mind_clock(now)
        if hanging := self._hands.relieve():
            _LOG.warning("sources or scalers do not answer", extra={"queues": hanging})
        version = self._desk.config()
        held = self._mine if began < self._held_until else frozenset()
        mine = [queue for queue in version.config.queues if queue.queue_name in held]
        ordered = {order.queue_name for order in self._store.due_orders([queue.queue_name for queue in mine], now)}
        lags = [self._begin(queue, now, ordered=queue.queue_name in ordered) for queue in mine]
        self._passed = monotonic()
        self._telemetry.loop_pass(self._passed - began, max(lags, default=0.0))

    def settle(self) -> None:
        """Wait until all that was begun is done."""
        wait(list(self._busy.values()))

    def round(self) -> None:
        """One turn for every queue, and what is due of its orders, to the end.

        Raises:
            UnavailableError: the store does not answer.
        """
        self.renew()
        self.sweep()
        self.settle()
        self._store.withdraw(self._replica)

    def _begin(self, queue: QueueSettings, now: datetime, *, ordered: bool) -> float:
        """Begin what is due of a queue, unless something of it is under way; how late its turn is [s]."""
        name, interval = queue.queue_name, self._desk.planner_config(queue.queue_name).plan_interval
        slot, taken = slot_of(name, now, interval), self._taken.get(name)
        due = taken != slot
        if (due or ordered) and (name not in self._busy or self._busy[name].done()):
            self._busy[name] = self._hands.submit(partial(self._attempt, partial(self._work, name, due=due)))
        missed = slot if taken is None else min(slot, taken + interval)
        return (now - missed).total_seconds() if due else 0.0

    def _work(self, name: str, *, due: bool) -> None:
        """A turn first, as its plan may supersede orders; then the first order that is due and may act.

        The configuration is read here: whoever set another one meanwhile is not disregarded.
        """
        if due and not self._take(name):
            return
        version, now = self._desk.config(), self._store.now()
        queue = version.config.queue(name)
        if queue is not None:
            self._carrier.carry_first(self._store.due_orders([name], now), queue, now, version.version)

    def _take(self, name: str) -> bool:
        """Take the turn of the interval that it is by now; whether the queue is this replica's still."""
        version, now = self._desk.config(), self._store.now()
        queue = version.config.queue(name)
        if queue is None:
            return False
        slot = slot_of(name, now, self._desk.planner_config(name).plan_interval)
        if self._taken.get(name) == slot:
            return True
        written = self._turns.take(queue, slot, now, version.version)
        if not written and not self._was_planned(name, slot):
            self._mine -= {name}  # until the next renewal: the lease was lost, or the configuration changed
            return False
        self._taken[name] = slot
        return True

    def _was_planned(self, name: str, slot: datetime) -> bool:
        return any(status.planned_slot == slot for status in self._store.statuses(name))

    def _mind_clock(self, now: datetime) -> None:
        if self._now is not None and now < self._now - _BACK:
            _LOG.warning("the clock was set back", extra={"by": str(self._now - now)})
            self._desk.seats.leave()
            self._taken.clear()
        self._now = now

    def _again(self, work: Callable[[], None], pause: float) -> None:
        while not self._stop.is_set():
            done = self._attempt(work)
            self._stop.wait(pause if done else min(pause, _SOON))

    @staticmethod
    def _attempt(work: Callable[[], None]) -> bool:
        """Do some work, whatever comes of it; whether it was done."""
        try:
            work()
        except UnavailableError as error:
            _LOG.warning("the store does not answer", extra={"reason": error.message})
        except Exception:  # noqa: BLE001 - nothing may end the loop but its stop
            _LOG.exception("the loop goes on after a failure")
        else:
            return True
        return False


def _in_turn(works: Sequence[Callable[[], None]]) -> None:
    for work in works:
        work()


def slot_of(queue_name: str, now: datetime, interval: timedelta) -> datetime:
    """Begin of the queue's interval that ``now`` lies in.

    >>> from datetime import UTC, datetime, timedelta
    >>> slot_of("emails", datetime(2026, 1, 31, 12, 3, tzinfo=UTC), timedelta(minutes=5)).isoformat()
    '2026-01-31T11:58:54+00:00'
    """
    shift = timedelta(seconds=crc32(queue_name.encode()) % max(int(interval.total_seconds()), 1))
    return now - (now - _EPOCH - shift) % interval
