"""Small workers that speak Celery's remote control over a real broker, and whose pools do as a test says."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import kombu
from kombu.pidbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PREFORK = "celery.concurrency.prefork:TaskPool"


@dataclass
class Node:
    """One worker.

    Attributes:
        name: its name.
        processes: of its pool.
        busy: how many of them have a job.
        begun: how many more have one by the time that it is to shrink.
        queues: that it consumes.
        pool: the kind of pool.
        refuses: why it neither grows nor shrinks.
        lag: seconds until a change of its pool is to be seen.
        deaf: commands that it carries out without answering in time.
        lost: commands that never reach it.
        silent: whether it answers nothing.
        orders: the changes that it was asked for.
    """

    name: str
    processes: int = 2
    busy: int = 0
    begun: int = 0
    queues: Sequence[str] = ("emails",)
    pool: str = PREFORK
    refuses: str = ""
    lag: float = 0.0
    deaf: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    silent: bool = False
    orders: list[tuple[str, int]] = field(default_factory=list)
    _changes: list[tuple[float, int]] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """Processes that are to be seen by now."""
        return self.processes - sum(change for at, change in self._changes if time.monotonic() < at)

    def change(self, command: str, number: int) -> Any:
        """Grow or shrink, as the pool of a Celery worker does."""
        self.orders.append((command, number))
        if self.refuses:
            return {"error": self.refuses}
        if command == "pool_shrink" and number > self.processes - self.busy - self.begun:
            self.processes = self.busy + self.begun
            return {"error": 'ValueError("Can\'t shrink pool. All processes busy!")'}
        change = number if command == "pool_grow" else -number
        self.processes += change
        self._changes.append((time.monotonic() + self.lag, change))
        return {"ok": "pool will change"}

    def handlers(self) -> dict[str, Any]:
        """What it answers."""
        return {
            "active_queues": lambda state: [{"name": name, "durable": True} for name in self.queues],
            "stats": lambda state: {"pool": {"implementation": self.pool, "processes": list(range(self.seen))}},
            "active": lambda state: [{"id": str(number)} for number in range(self.busy)],
            "pool_grow": lambda state, n: self.change("pool_grow", n),
            "pool_shrink": lambda state, n: self.change("pool_shrink", n),
        }


def _serve(node: Node, broker: str, exchange: str, ready: Event, end: Event) -> None:
    with kombu.Connection(broker) as connection:  # type: ignore[attr-defined, no-untyped-call]
        mailbox = Mailbox(exchange, type="fanout", accept=["json"], serializer="json")(connection)  # type: ignore[no-untyped-call]
        spoken = mailbox.Node(node.name, channel=connection.default_channel, handlers=node.handlers())

        def read(body: Any, message: Any) -> None:
            if node.silent or body["method"] in node.lost:
                return
            if body["method"] in node.deaf:
                body = {**body, "reply_to": None}
            spoken.handle_message(body, message)

        with spoken.listen(callback=read):
            ready.set()
            while not end.is_set():
                try:
                    connection.drain_events(timeout=0.05)
                except TimeoutError:
                    continue


@contextmanager
def nodes(broker: str, *served: Node, exchange: str = "celery") -> Iterator[None]:
    """Workers that listen."""
    end, threads = Event(), []
    for node in served:
        ready = Event()
        thread = Thread(target=_serve, args=(node, broker, exchange, ready, end))
        thread.start()
        threads.append(thread)
        assert ready.wait(10), "the broker does not answer"
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join()
