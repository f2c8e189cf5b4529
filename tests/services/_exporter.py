"""A queue that lives in this process, and shows itself as the exporters of several frameworks would."""

from __future__ import annotations

import heapq
import time
from bisect import bisect_right
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

import numpy as np
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(slots=True)
class Shape:
    """A queue to be.

    Attributes:
        name: its name.
        rate: jobs that come [1/s].
        service: the least and the most that one takes [s].
        workers: that serve it.
        concurrency: jobs that one of them serves at once.
    """

    name: str
    rate: float
    service: tuple[float, float]
    workers: int
    concurrency: int

    @property
    def slots(self) -> int:
        """Jobs that are served at once."""
        return self.workers * self.concurrency


@dataclass(slots=True)
class Queue:
    """One that runs in real time, and what happened to it."""

    shape: Shape
    arrivals: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def run(self, stop: Event) -> None:
        """Let jobs come a little off an even beat, and serve them in turn."""
        dice, begin, number = np.random.default_rng(len(self.shape.name)), time.time(), 0
        coming = begin + dice.random() / self.shape.rate
        busy: list[tuple[float, float]] = []
        while not stop.is_set():
            due = min(coming, busy[0][0] if busy else coming)
            time.sleep(max(0.0, due - time.time()))
            with self.lock:
                if due == coming:
                    self.arrivals.append(due)
                    number += 1
                    coming = begin + (number + dice.random()) / self.shape.rate
                else:
                    self.took.append(heapq.heappop(busy)[1])
                    self.ends.append(due)
                while len(busy) < self.shape.slots and len(self.starts) < len(self.arrivals):
                    service = float(dice.uniform(*self.shape.service))
                    heapq.heappush(busy, (due + service, service))
                    self.starts.append(due)

    def came(self, since: float, until: float) -> int:
        """Jobs that came."""
        return bisect_right(self.arrivals, until) - bisect_right(self.arrivals, since)

    def waiting(self, at: float) -> int:
        """Jobs that waited."""
        return bisect_right(self.arrivals, at) - bisect_right(self.starts, at)

    def active(self, at: float) -> int:
        """Jobs that were served."""
        return bisect_right(self.starts, at) - bisect_right(self.ends, at)


class Exporters:
    """The metrics of several exporters, of queues that run."""

    def __init__(self, queues: Sequence[Queue]) -> None:
        self._queues = queues

    def collect(self) -> Iterator[Metric]:
        """All families; those of exporters without a label for the queue are of the first one."""
        seen = [_Seen(queue) for queue in self._queues]
        for family in (_celery, _rq, _sidekiq, _bullmq, _rabbitmq):
            yield from family(seen)
        yield from _go_redis_work_queue(seen[0])
        yield from _flower(seen[0])


class _Seen:
    """A queue as it is at one instant."""

    def __init__(self, queue: Queue) -> None:
        with queue.lock:
            self.shape = queue.shape
            self.came, self.done = len(queue.arrivals), len(queue.ends)
            self.waiting, self.active = len(queue.arrivals) - len(queue.starts), len(queue.starts) - len(queue.ends)
            self.took = list(queue.took)
        self.prefetched = min(self.waiting, 2 * self.shape.slots)

    @property
    def worked(self) -> float:
        """Time that was spent on jobs that ended [s]."""
        return sum(self.took)

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """Of a histogram of the service times."""
        times = sorted(self.took)
        counts = [(str(bound), float(bisect_right(times, bound))) for bound in _BUCKETS]
        return [*counts, ("+Inf", float(len(times)))]


def _celery(seen: Sequence[_Seen]) -> Iterator[Metric]:
    sent = CounterMetricFamily("celery_task_sent", "_", labels=["name", "hostname", "queue_name"])
    runtime = HistogramMetricFamily("celery_task_runtime", "_", labels=["name", "hostname", "queue_name"])
    length, workers, processes = (
        GaugeMetricFamily(f"celery_{name}", "_", labels=["queue_name"])
        for name in ("queue_length", "active_worker_count", "active_process_count")
    )
    for one in seen:
        for host, share in (("a", one.came // 3), ("b", one.came - one.came // 3)):
            sent.add_metric(["task", host, one.shape.name], share)
        runtime.add_metric(["task", "w", one.shape.name], one.buckets, one.worked)
        length.add_metric([one.shape.name], one.waiting)
        workers.add_metric([one.shape.name], one.shape.workers)
        processes.add_metric([one.shape.name], one.shape.slots)
    yield from (sent, runtime, length, workers, processes)


def _rq(seen: Sequence[_Seen]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("rq_jobs", "_", labels=["queue", "status"])
    workers = GaugeMetricFamily("rq_workers", "_", labels=["name", "state", "queues"])
    counters = [
        CounterMetricFamily(f"rq_workers_{name}", "_", labels=["name", "queues"])
        for name in ("success", "failed", "working_time")
    ]
    for one in seen:
        for status, count in (("queued", one.waiting), ("started", one.active), ("finished", 7), ("failed", 0)):
            jobs.add_metric([one.shape.name, status], count)
        for number in range(one.shape.slots):
            state = "busy" if number < one.active else "idle"
            workers.add_metric([f"{one.shape.name}-{number}", state, f"{one.shape.name},spare"], 1)
        for counter, value in zip(counters, (one.done - one.done // 4, one.done // 4, one.worked), strict=True):
            counter.add_metric([f"{one.shape.name}-0", f"{one.shape.name},spare"], value)
    yield from (jobs, workers, *counters)


def _sidekiq(seen: Sequence[_Seen]) -> Iterator[Metric]:
    enqueued = CounterMetricFamily("sidekiq_jobs_enqueued", "_", labels=["queue", "worker"])
    runtime = HistogramMetricFamily("sidekiq_job_runtime_seconds", "_", labels=["queue", "worker"])
    waiting = GaugeMetricFamily("sidekiq_jobs_waiting_count", "_", labels=["queue"])
    for one in seen:
        enqueued.add_metric([one.shape.name, "Mailer"], one.came)
        runtime.add_metric([one.shape.name, "Mailer"], one.buckets, one.worked)
        waiting.add_metric([one.shape.name], one.waiting)
    yield from (enqueued, runtime, waiting)
    yield GaugeMetricFamily("sidekiq_active_processes", "_", value=sum(one.shape.workers for one in seen))
    yield GaugeMetricFamily("sidekiq_concurrency", "_", value=sum(one.shape.slots for one in seen))


def _bullmq(seen: Sequence[_Seen]) -> Iterator[Metric]:
    count = GaugeMetricFamily("bullmq_job_count", "_", labels=["queue", "state"])
    completed = CounterMetricFamily("bullmq_job_completed", "_", labels=["queue"])
    failed = CounterMetricFamily("bullmq_job_failed", "_", labels=["queue"])
    for one in seen:
        high = one.waiting // 3
        states = {"waiting": one.waiting - high, "prioritized": high, "active": one.active, "delayed": 9, "failed": 3}
        for state, number in states.items():
            count.add_metric([one.shape.name, state], number)
        completed.add_metric([one.shape.name], one.done - one.done // 5)
        failed.add_metric([one.shape.name], one.done // 5)
    yield from (count, completed, failed)


def _rabbitmq(seen: Sequence[_Seen]) -> Iterator[Metric]:
    published = CounterMetricFamily(
        "rabbitmq_queue_messages_published",
        "_",
        labels=["channel", "queue_vhost", "queue", "exchange_vhost", "exchange"],
    )
    acked = CounterMetricFamily("rabbitmq_channel_messages_acked", "_", labels=["channel", "vhost", "queue"])
    ready, unacked, consumers = (
        GaugeMetricFamily(f"rabbitmq_queue_{name}", "_", labels=["vhost", "queue"])
        for name in ("messages_ready", "messages_unacked", "consumers")
    )
    for one in seen:
        published.add_metric(["<0.1.0>", "/", one.shape.name, "/", ""], one.came)
        for channel, share in (("<0.2.0>", one.done // 2), ("<0.3.0>", one.done - one.done // 2)):
            acked.add_metric([channel, "/", one.shape.name], share)
        ready.add_metric(["/", one.shape.name], one.waiting - one.prefetched)
        unacked.add_metric(["/", one.shape.name], one.active + one.prefetched)
        consumers.add_metric(["/", one.shape.name], one.shape.workers)
    yield from (published, acked, ready, unacked, consumers)


def _go_redis_work_queue(one: _Seen) -> Iterator[Metric]:
    yield CounterMetricFamily("jobs_produced", "_", value=one.came - one.came // 10)
    yield CounterMetricFamily("jobs_retried", "_", value=one.came // 10)
    duration = HistogramMetricFamily("job_processing_duration_seconds", "_")
    duration.add_metric([], one.buckets, one.worked)
    length = GaugeMetricFamily("queue_length", "_", labels=["queue"])
    for name, number in (("high_priority", one.waiting // 4), ("low_priority", one.waiting - one.waiting // 4)):
        length.add_metric([f"jobqueue:{name}"], number)
    for name in ("completed", "dead_letter"):
        length.add_metric([f"jobqueue:{name}"], 10 + one.done)
    yield from (duration, length)
    yield GaugeMetricFamily("worker_active", "_", value=one.shape.slots)


def _flower(one: _Seen) -> Iterator[Metric]:
    events = CounterMetricFamily("flower_events", "_", labels=["worker", "type", "task"])
    events.add_metric(["web", "task-sent", "t"], one.came)
    events.add_metric(["w0", "task-succeeded", "t"], one.done)
    runtime = HistogramMetricFamily("flower_task_runtime_seconds", "_", labels=["worker", "task"])
    runtime.add_metric(["w0", "t"], one.buckets, one.worked)
    prefetched = GaugeMetricFamily("flower_worker_prefetched_tasks", "_", labels=["worker", "task"])
    prefetched.add_metric(["w0", "t"], one.prefetched)
    online = GaugeMetricFamily("flower_worker_online", "_", labels=["worker"])
    for number in range(one.shape.workers):
        online.add_metric([f"w{number}"], 1)
    yield from (events, runtime, prefetched, online)


@contextmanager
def running(shapes: Sequence[Shape]) -> Iterator[list[Queue]]:
    """Queues that run."""
    queues, stop = [Queue(shape) for shape in shapes], Event()
    threads = [Thread(target=queue.run, args=(stop,)) for queue in queues]
    for thread in threads:
        thread.start()
    try:
        yield queues
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def exported(queues: Sequence[Queue], port: int = 0) -> Iterator[int]:
    """An HTTP server with the metrics of queues; its port."""
    registry = CollectorRegistry()
    registry.register(Exporters(queues))
    server, thread = start_http_server(port, "127.0.0.1", registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
