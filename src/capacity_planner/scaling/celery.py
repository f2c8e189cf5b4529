"""The scaler that grows and shrinks the pools of running Celery workers, by Celery's remote control."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING

from capacity_planner.errors import WorldError
from capacity_planner.registry import scalers
from capacity_planner.scaling._bounds import Bounds
from capacity_planner.scaling._celery_nodes import Nodes, spread
from capacity_planner.scaling._options import file, need, refuse, seconds, text, texts
from capacity_planner.scaling._pidbox import Pidbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capacity_planner.domain.scaling import Order

_SCHEMES = ("redis://", "rediss://", "amqp://", "amqps://", "pyamqp://")
_LOOK, _ON_THE_WAY = 0.1, 30.0
_FOR_GOOD = "not supported"  # Celery's own words of a pool with --autoscale; a pool that is only busy says others


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a worker was asked for, until it is seen."""

    processes: int
    at: float


@scalers.register("celery")
class Celery:
    """Grows and shrinks the pools of a queue's Celery workers, evenly. Needs the extra ``celery``.

    What was grown is gone when a Celery worker restarts, which is seen at the next turn. A worker of the plan is a
    process of a pool: leave ``worker_concurrency`` at 1. Every Celery worker keeps at least one process, and only
    prefork pools without ``--autoscale`` can be scaled. A process that is busy is not stopped.

    Args:
        broker: URL of the broker, ``redis://…``, ``rediss://…``, ``amqp://…`` or ``amqps://…``.
        password_file: a file with the broker's password, instead of having it in the URL.
        queue: the queue's name in Celery; ``{queue}`` is its name here.
        nodes: patterns of workers' names such as ``mail@*``; those that match and consume the queue are scaled, and
            all that consume it where there are none.
        exchange: the workers' setting ``control_exchange``.
        key_prefix: the workers' transport option ``global_keyprefix``, for Redis.
        timeout: within which workers answer.
        settle: how long to wait until processes have come or gone.
        least: fewest processes, whatever is ordered.
        most: most processes, whatever is ordered.
    """

    name: str

    def __init__(
        self,
        *,
        broker: str,
        password_file: str = "",
        queue: str = "{queue}",
        nodes: tuple[str, ...] = (),
        exchange: str = "celery",
        key_prefix: str = "",
        timeout: str = "2s",
        settle: str = "10s",
        least: int = 0,
        most: int = 1_000,
    ) -> None:
        if not text("broker", broker).startswith(_SCHEMES):
            raise refuse("broker", "…", f"does not begin with one of {', '.join(_SCHEMES)}.")
        need("celery", "kombu", "celery")
        if broker.startswith("redis"):
            need("celery", "redis", "celery,redis")
        pidbox = Pidbox(
            broker,
            file("password_file", password_file) if text("password_file", password_file) else None,
            text("exchange", exchange),
            text("key_prefix", key_prefix),
            seconds("timeout", timeout, least=0.1, most=60.0),
        )
        self._nodes = Nodes(pidbox, text("queue", queue), texts("nodes", nodes))
        self._settle = seconds("settle", settle, most=60.0)
        self._bounds, self._lock = Bounds.of(least, most), Lock()
        self._asked: dict[str, _Asked] = {}

    def current(self, queue_name: str) -> int:
        """Processes of the pools of all workers that consume the queue."""
        with self._lock:
            return sum(self._nodes.processes(self._nodes.of(queue_name)).values())

    def scale(self, order: Order) -> int | None:
        """Grow and shrink pools, and wait until it is to be seen."""
        with self._lock:
            nodes = self._nodes.of(order.queue_name)
            wanted = self._bounds.kept(order.to_workers)
            reached, problem = self._change(self._nodes.processes(nodes), max(wanted, len(nodes)))
            running = self._settled(reached)
        if problem and running != wanted:
            message = f"{running} of {wanted} processes run. {problem}"
            raise WorldError(message, temporary=_FOR_GOOD not in problem, reached=running)
        if wanted < running <= len(nodes):
            raise WorldError(
                f"{wanted} processes were ordered, and {running} run: each of the {len(nodes)} workers of the queue "
                "keeps one. Stop workers, or raise the queue's min_workers.",
                temporary=False,
                reached=running,
            )
        return self._bounds.told(order, running)

    def _expected(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Processes as they will be: what was asked for a moment ago may not be seen yet, and must not be again."""
        now = monotonic()
        for node, asked in list(self._asked.items()):
            if now - asked.at > _ON_THE_WAY or counts.get(node) == asked.processes:
                del self._asked[node]
        return {node: self._asked[node].processes if node in self._asked else count for node, count in counts.items()}

    def _change(self, seen: Mapping[str, int], wanted: int) -> tuple[dict[str, int], str]:
        """Ask each worker for its share; what they will have, and why one will not.

        Those that are to shrink come first: what they cannot give, as it is busy, nobody else may have in addition.
        """
        counts = self._expected(seen)
        missing = {node: share - counts[node] for node, share in spread(counts, wanted).items()}
        reached, problems = dict(counts), list[str]()
        most = {node: max(seen[node], count) for node, count in counts.items()}  # a shrink may have been lost
        for node in sorted(missing, key=lambda node: missing[node]):
            room = max(wanted - sum(most.values()), 0)
            idle = self._nodes.idle(node, counts[node]) if missing[node] < 0 else 0
            more = max(min(missing[node], room), -idle)
            if not more:
                continue
            self._asked[node] = _Asked(counts[node] + more, monotonic())  # even if its answer is lost
            problem = self._nodes.order(node, "pool_grow" if more > 0 else "pool_shrink", abs(more))
            if problem:
                problems.append(problem)
                del self._asked[node]
            else:
                reached[node] = most[node] = counts[node] + more
        return reached, next(iter(problems), "")

    def _settled(self, reached: Mapping[str, int]) -> int:
        """The processes once they are as they should be, or after some patience."""
        end = monotonic() + self._settle
        while True:
            running = self._nodes.processes(list(reached))
            if running == reached or monotonic() >= end:
                return sum(running.values())
            sleep(_LOOK)
