"""What Celery's workers answer when they are asked through Redis, in the words of Celery's remote control."""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capacity_planner.sources._redis import RedisServer

_QUESTIONS: Mapping[str, dict[str, Any]] = {"stats": {}, "active_queues": {}, "active": {"safe": True}}
_SILENCE, _LONGEST = 1, 3.0
_REPLIES = "reply.celery.pidbox"
JOIN = "\x06\x16"


@dataclass(frozen=True, slots=True)
class Active:
    """A task that is being worked on."""

    id: str
    name: str
    routing_key: str


@dataclass(slots=True)
class Answered:
    """What one worker says.

    Attributes:
        id: its name and the number of its main process, as ``NAME#PID``.
        age: since it started [s].
        slots: of its pool.
        accepted: tasks that it began, by name.
        queues: that it consumes from, each with its routing key.
        active: tasks that it works on.
    """

    id: str
    age: float = float("inf")
    slots: int = 0
    accepted: dict[str, int] = field(default_factory=dict)
    queues: dict[str, str] = field(default_factory=dict)
    active: list[Active] = field(default_factory=list)


class Control:
    """Asks all workers of a broker at once.

    Args:
        server: the broker.
        prefix: of all keys.
    """

    def __init__(self, server: RedisServer, prefix: str) -> None:
        self._server, self._prefix = server, prefix
        self._id = str(uuid.uuid4())

    def ask(self) -> tuple[dict[str, Answered], int]:
        """The answers by the workers' names, and how many workers heard the questions.

        Raises:
            WorldError: the broker does not answer, or refuses.
        """
        tickets = {str(uuid.uuid4()): question for question in _QUESTIONS}
        replies, member = f"{self._id}.{_REPLIES}", JOIN.join([self._id, "", f"{self._id}.{_REPLIES}"])
        binding = f"{self._prefix}_kombu.binding.{_REPLIES}"
        try:
            _, *heard = self._server.ask(lambda pipe: self._put(pipe, binding, member, tickets))
            told = self._replies(f"{self._prefix}{replies}", sum(heard))
        finally:
            self._server.ask(lambda pipe: (pipe.srem(binding, member), pipe.delete(f"{self._prefix}{replies}")))
        answers: dict[str, dict[str, Any]] = {}
        for ticket, body in told:
            for worker, answer in body.items():
                answers.setdefault(worker, {})[tickets.get(ticket, "")] = answer
        whole = {
            worker: _answered(worker, said) for worker, said in answers.items() if _QUESTIONS.keys() <= said.keys()
        }
        return whole, max(heard)

    def _put(self, pipe: Any, binding: str, member: str, tickets: Mapping[str, str]) -> None:
        pipe.sadd(binding, member)
        for ticket, question in tickets.items():
            message = self._message(question, ticket)
            pipe.publish(f"{self._prefix}/{self._server.database}.celery.pidbox", json.dumps(message))

    def _message(self, question: str, ticket: str) -> dict[str, Any]:
        body = {
            "method": question,
            "arguments": _QUESTIONS[question],
            "destination": None,
            "pattern": None,
            "matcher": None,
            "ticket": ticket,
            "reply_to": {"exchange": _REPLIES, "routing_key": self._id},
        }
        return {
            "body": base64.b64encode(json.dumps(body).encode()).decode(),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"clock": 1, "expires": time.time() + _LONGEST},
            "properties": {
                "body_encoding": "base64",
                "delivery_mode": 1,
                "delivery_info": {"exchange": "celery.pidbox", "routing_key": ""},
                "delivery_tag": str(uuid.uuid4()),
                "priority": 0,
            },
        }

    def _replies(self, key: str, expected: int) -> list[tuple[str, dict[str, Any]]]:
        """Ticket and body of every reply, until all are there or none comes any more."""
        found: list[tuple[str, dict[str, Any]]] = []
        end = time.monotonic() + _LONGEST
        while len(found) < expected and time.monotonic() < end:
            popped = self._server.wait(key, _SILENCE)
            if popped is None:
                break
            message = json.loads(popped)
            found.append((message.get("headers", {}).get("ticket", ""), opened(message)))
        return found


def opened(message: Mapping[str, Any]) -> Any:
    """The body of a message, where it is JSON; nothing is ever unpickled."""
    if message.get("content-type") != "application/json":
        return {}
    body = message.get("body", "")
    encoded = message.get("properties", {}).get("body_encoding") == "base64"
    return json.loads(base64.b64decode(body) if encoded else body)


def _answered(worker: str, said: Mapping[str, Any]) -> Answered:
    stats, pool = said["stats"], said["stats"].get("pool") or {}
    processes = pool.get("processes")
    return Answered(
        id=f"{worker}#{stats.get('pid')}",
        age=float(stats.get("uptime", "inf")),
        slots=len(processes) if isinstance(processes, list) else int(pool.get("max-concurrency") or 1),
        accepted={str(name): int(count) for name, count in (stats.get("total") or {}).items()},
        queues={queue["name"]: queue.get("routing_key") or queue["name"] for queue in said["active_queues"] or ()},
        active=[
            Active(task["id"], task["name"], (task.get("delivery_info") or {}).get("routing_key") or "")
            for task in said["active"] or ()
        ],
    )
