"""A RabbitMQ broker for tests: a node of one's own that may be stopped and started again, and those who use it."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.services._servers import free_port, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

kombu: Any = importlib.import_module("kombu")  # it has no types
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
_PATIENCE = 60.0


class Broker:
    """A node of one's own, with a name, a cookie, ports, a port mapper and a directory of its own.

    Attributes:
        amqp: its address for messages.
        url: that of its management API.
    """

    def __init__(self) -> None:
        if not (_PROGRAMS / "rabbitmq-server").exists() or shutil.which("epmd") is None:
            missing("RabbitMQ is not installed: apt-get install rabbitmq-server")
        self._home = Path(tempfile.mkdtemp(prefix="capacity-planner-rabbitmq-"))
        ports = [free_port() for _ in range(4)]
        self.amqp, self.url = f"amqp://guest:guest@127.0.0.1:{ports[0]}//", f"http://127.0.0.1:{ports[1]}"
        (self._home / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{ports[0]}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {ports[1]}\n"
        )
        (self._home / "plugins").write_text("[rabbitmq_management].\n")
        (self._home / "env.conf").touch()
        self._mapper_port, self._ports = str(ports[3]), ports
        self._environment = {
            **os.environ,
            "HOME": str(self._home),
            "RABBITMQ_NODENAME": f"capacity_planner_{ports[0]}@localhost",
            "RABBITMQ_CONFIG_FILE": str(self._home / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self._home / "env.conf"),
            "RABBITMQ_MNESIA_BASE": str(self._home / "data"),
            "RABBITMQ_LOG_BASE": str(self._home / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._home / "plugins"),
            "RABBITMQ_DIST_PORT": str(ports[2]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": self._mapper_port,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start, and wait until it answers."""
        mapper = ["epmd", "-address", "127.0.0.1", "-port", self._mapper_port]
        self._running = [self._spawn(mapper), self._spawn([str(_PROGRAMS / "rabbitmq-server")])]
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            assert self._running[1].poll() is None, self._said()
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/api/overview", auth=("guest", "guest")).is_success:
                    return
            time.sleep(0.2)
        pytest.fail(self._said())

    def stop(self) -> None:
        """Stop in good order: durable queues keep their messages."""
        for process in reversed(self._running):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(_PATIENCE)
        self._running = []

    def remove(self) -> None:
        """Stop if need be, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._home)

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._home / "out").open("a") as out:
            return subprocess.Popen(
                command, env=self._environment, cwd=self._home, stdout=out, stderr=out, start_new_session=True
            )

    def _said(self) -> str:
        return (self._home / "out").read_text()[-4000:]


@contextmanager
def broker() -> Iterator[Broker]:
    """A node that runs, and is removed afterwards."""
    node = Broker()
    try:
        node.start()
        yield node
    finally:
        node.remove()


@dataclass(slots=True)
class Record:
    """What really happened to a queue: when messages came, and when their jobs began, ended and were broken off."""

    came: list[float] = field(default_factory=list)
    began: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    broken: list[float] = field(default_factory=list)

    def arrivals(self, since: float, until: float) -> int:
        """Messages that were published."""
        return _up_to(self.came, until) - _up_to(self.came, since)

    def waiting(self, at: float) -> int:
        """Messages whose jobs had not begun."""
        return _up_to(self.came, at) - _up_to(self.began, at) + _up_to(self.broken, at)

    def active(self, at: float) -> int:
        """Jobs under way."""
        return _up_to(self.began, at) - _up_to(self.ended, at) - _up_to(self.broken, at)


def _up_to(moments: list[float], at: float) -> int:
    return sum(moment <= at for moment in moments)


@dataclass(slots=True)
class Work:
    """A queue that is fed and served until it is told to stop; it outlives the broker's restarts.

    Attributes:
        name: of the queue.
        rate: messages that come [1/s].
        service: what a job takes [s].
        consumers: that serve it.
        slots: jobs that one of them serves at once.
        prefetch: messages that one of them holds at most.
        first: messages that come at once at the begin.
    """

    name: str
    rate: float
    service: float
    consumers: int
    slots: int
    prefetch: int
    first: int = 0
    record: Record = field(default_factory=Record)

    def feed(self, channel: Any, stop: Event) -> None:
        """Publish on an even beat; what falls behind while the broker is away is not made up for."""
        kombu.Queue(self.name, durable=True, channel=channel).declare()
        producer, begin, number = kombu.Producer(channel), time.time(), 0
        while not stop.is_set():
            if len(self.record.came) >= self.first:
                number += 1
                time.sleep(max(0.0, begin + number / self.rate - time.time()))
            producer.publish(b"x", exchange="", routing_key=self.name, delivery_mode=2)
            self.record.came.append(time.time())

    def serve(self, channel: Any, stop: Event) -> None:
        """Take messages ahead, work on some at once, and acknowledge each when its job is done."""
        waiting: deque[Any] = deque()
        busy: deque[tuple[float, Any]] = deque()
        queue = kombu.Queue(self.name, durable=True)
        try:
            with kombu.Consumer(channel, [queue], on_message=waiting.append, prefetch_count=self.prefetch):
                while not stop.is_set():
                    self._work(waiting, busy)
                    pause = max(0.001, busy[0][0] - time.time()) if busy else 0.1
                    with suppress(TimeoutError):
                        channel.connection.client.drain_events(timeout=min(pause, 0.1))
        finally:
            self.record.broken.extend([time.time()] * len(busy))

    def _work(self, waiting: deque[Any], busy: deque[tuple[float, Any]]) -> None:
        now = time.time()
        while busy and busy[0][0] <= now:
            busy[0][1].ack()
            busy.popleft()
            self.record.ended.append(now)
        while waiting and len(busy) < self.slots:
            busy.append((now + self.service, waiting.popleft()))
            self.record.began.append(now)


def declared(address: str, name: str) -> None:
    """A queue that is there and was never used."""
    with kombu.Connection(address) as connection:
        kombu.Queue(name, durable=True, channel=connection.channel()).declare()


def published_once(address: str, name: str) -> None:
    """One message over a connection of its own."""
    with kombu.Connection(address) as connection:
        kombu.Producer(connection.channel()).publish(b"x", exchange="", routing_key=name)


def _again(address: str, stop: Event, work: Callable[[Any, Event], None]) -> None:
    """Do something with a channel, and begin anew where the broker goes away."""
    while not stop.is_set():
        connection = kombu.Connection(address, connect_timeout=2)
        try:
            with connection:
                work(connection.channel(), stop)
        except (OSError, *connection.connection_errors):
            time.sleep(0.2)


@contextmanager
def at_work(address: str, *works: Work) -> Iterator[None]:
    """Queues that are fed and served."""
    stop = Event()
    deeds = [deed for work in works for deed in (work.feed, *[work.serve] * work.consumers)]
    threads = [Thread(target=_again, args=(address, stop, deed)) for deed in deeds]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
