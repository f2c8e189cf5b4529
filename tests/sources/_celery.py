"""Workers of Celery as far as a source can tell: they answer, they tell of themselves, and they hold messages."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.services._redis import Redis


def envelope(body: object, headers: Mapping[str, Any] | None = None) -> str:
    """A message as kombu writes it."""
    return json.dumps(
        {
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": dict(headers or {}),
            "properties": {"body_encoding": "base64", "delivery_info": {"exchange": "", "routing_key": "emails"}},
        }
    )


class Worker:
    """One worker, which listens on the channel of Celery's remote control in a thread of its own."""

    def __init__(self, server: Redis, name: str, *queues: str, slots: int = 2, pid: int = 1, prefix: str = "") -> None:
        self.name, self.queues, self.slots, self.pid = name, queues or ("emails",), slots, pid
        self.accepted: Counter[str] = Counter()
        self.active: dict[str, str] = {}
        self.age, self.mute, self.prefix = 10_000.0, False, prefix
        client: Any = redis.Redis
        self._redis = client.from_url(server.url, decode_responses=True)
        self._pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
        self._pubsub.subscribe(f"{prefix}/0.celery.pidbox")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def begin(self, task: str, name: str = "send") -> None:
        """Accept a task."""
        self.accepted[name] += 1
        self.active[task] = name

    def work(self, count: int, name: str = "send") -> None:
        """Accept tasks and end them."""
        self.accepted[name] += count

    def tell(self, kind: str, **facts: object) -> None:
        """Publish an event."""
        event = {"type": kind, "hostname": self.name, "pid": self.pid, **facts}
        self._redis.publish(f"{self.prefix}/0.celeryev/{kind.replace('-', '.')}", envelope(event))

    def beat(self, kind: str = "worker-heartbeat") -> None:
        """Tell of oneself."""
        self.tell(kind, freq=2.0, active=len(self.active), processed=sum(self.accepted.values()))

    def stop(self) -> None:
        """Leave without a word."""
        self._stop.set()
        self._thread.join()
        self._pubsub.close()
        self._redis.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            message = self._pubsub.get_message(timeout=0.02)
            if message is not None and not self.mute:
                question = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
                self._reply(question["reply_to"], {self.name: self._answer(question["method"])}, question["ticket"])

    def _answer(self, method: str) -> Any:
        if method == "stats":
            pool = {"max-concurrency": self.slots, "processes": list(range(self.slots))}
            return {"pid": self.pid, "uptime": self.age, "total": dict(self.accepted), "pool": pool}
        if method == "active_queues":
            return [{"name": queue, "routing_key": queue, "exchange": {"name": queue}} for queue in self.queues]
        return [
            {"id": task, "name": name, "delivery_info": {"routing_key": self.queues[0]}}
            for task, name in self.active.items()
        ]

    def _reply(self, reply_to: Mapping[str, str], body: object, ticket: str) -> None:
        """As kombu does: to the queues that are bound to the exchange by the routing key."""
        for member in self._redis.smembers(f"{self.prefix}_kombu.binding.{reply_to['exchange']}"):
            routing_key, _, queue = member.split("\x06\x16")
            if routing_key == reply_to["routing_key"]:
                self._redis.lpush(self.prefix + queue, envelope(body, {"ticket": ticket}))


class Broker:
    """What producers and workers leave in Redis."""

    def __init__(self, server: Redis, prefix: str = "") -> None:
        self.redis, self.prefix = server.client, prefix

    def bind(self, queue: str = "emails") -> None:
        """Declare a queue."""
        self.redis.sadd(f"{self.prefix}_kombu.binding.{queue}", f"{queue}\x06\x16\x06\x16{queue}")

    def push(self, count: int, queue: str = "emails", step: int = 0) -> None:
        """Messages that wait."""
        key = f"{queue}\x06\x16{step}" if step else queue
        self.redis.lpush(self.prefix + key, *[envelope([[], {}, {}])] * count)

    def fetched(self, task: str, queue: str = "emails", eta: str | None = None) -> None:
        """A message that a worker fetched and did not acknowledge."""
        message = json.loads(envelope([[], {}, {}], {"id": task, "task": "send", "eta": eta}))
        self.redis.hset(f"{self.prefix}unacked", f"tag-{task}", json.dumps([message, "", queue]))
