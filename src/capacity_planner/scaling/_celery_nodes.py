"""The Celery workers of a queue, which Celery calls nodes: who they are, and how many processes each has."""

from __future__ import annotations

import logging
from fnmatch import fnmatchcase
from time import monotonic
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from capacity_planner.scaling._pidbox import Pidbox

_LOG = logging.getLogger("capacity_planner.scaling")
_PLACE, _PREFORK = "{queue}", "prefork"
_FRESH, _FORGOTTEN = 3.0, 120.0


class Nodes:
    """Finds nodes and asks them; only one thread may use it at a time.

    Args:
        pidbox: reaches them.
        queue: what the queue is called there.
        patterns: of their names; none take all.
    """

    def __init__(self, pidbox: Pidbox, queue: str, patterns: Sequence[str]) -> None:
        self._pidbox, self._queue, self._patterns = pidbox, queue, patterns
        self._seen: tuple[float, dict[str, Any]] = (-_FRESH, {})
        self._silent: dict[str, float] = {}
        self._shared: frozenset[str] = frozenset()

    def of(self, queue_name: str) -> list[str]:
        """The nodes that consume a queue. One that was there and is silent is asked once more, by name.

        Raises:
            WorldError: there is none, one is silent, or the broker does not answer.
        """
        answers = self._answers()
        queue = self._queue.replace(_PLACE, queue_name)
        consumed = {node: _names(answer) for node, answer in answers.items() if self._matches(node, queue_name)}
        found = sorted(node for node, names in consumed.items() if queue in names)
        self._tell_shared({node for node in found if len(consumed[node]) > 1})
        if not found:
            limit = f"{self._pidbox.timeout:g} s"
            raise WorldError(f"No Celery worker that consumes the queue {queue} answered within {limit}.")
        for node in found:
            if node in self._silent:
                raise self._unanswered(node, f" It counts as gone after {_FORGOTTEN:g} s of silence.")
        return found

    def processes(self, nodes: Collection[str]) -> dict[str, int]:
        """How many pool processes each node has.

        Raises:
            WorldError: one does not say, or has another kind of pool.
        """
        answers = self._pidbox.ask("stats", nodes=nodes)
        for node in nodes:
            if node not in answers:
                raise self._unanswered(node)
        return {node: _processes(node, answers[node]) for node in nodes}

    def idle(self, node: str, processes: int) -> int:
        """How many processes have no job at the moment."""
        active = self._pidbox.ask("active", nodes=[node]).get(node)
        return max(processes - len(active), 0) if isinstance(active, list) else 0

    def order(self, node: str, command: str, number: int) -> str:
        """Grow or shrink a pool; why not, where the node says so."""
        answer = self._pidbox.ask(command, {"n": number}, [node]).get(node)
        if answer is None:
            raise self._unanswered(node)
        refused = isinstance(answer, dict) and "error" in answer
        return f"The Celery worker {node} refuses {command}: {answer['error']}." if refused else ""

    def _answers(self) -> dict[str, Any]:
        """What all nodes said of their queues, which for some seconds need not be asked again for another queue.

        One that fell silent may come back with all its processes, so that for a while its last word stands.
        """
        at, before = self._seen
        if monotonic() - at < _FRESH:
            return before
        answers = self._pidbox.ask("active_queues")
        silent = before.keys() - answers.keys()
        if silent:
            answers |= self._pidbox.ask("active_queues", nodes=sorted(silent))
        now = monotonic()
        since = {node: self._silent.get(node, now) for node in silent - answers.keys() if self._pidbox.has(node)}
        self._silent = {node: begin for node, begin in since.items() if now - begin < _FORGOTTEN}
        self._seen = now, answers | {node: before[node] for node in self._silent}
        return self._seen[1]

    def _unanswered(self, node: str, more: str = "") -> WorldError:
        return WorldError(f"The Celery worker {node} did not answer within {self._pidbox.timeout:g} s.{more}")

    def _matches(self, node: str, queue_name: str) -> bool:
        patterns = [pattern.replace(_PLACE, queue_name) for pattern in self._patterns]
        return not patterns or any(fnmatchcase(node, pattern) for pattern in patterns)

    def _tell_shared(self, nodes: set[str]) -> None:
        new = nodes - self._shared
        self._shared |= nodes
        for node in sorted(new):
            _LOG.warning("a Celery worker serves several queues, which share its pool", extra={"node": node})


def spread(counts: Mapping[str, int], wanted: int) -> dict[str, int]:
    """As even a spread as can be, in which what must change is as little as can be.

    >>> spread({"a": 5, "b": 1, "c": 1}, 8)
    {'a': 3, 'b': 3, 'c': 2}
    """
    share, rest = divmod(wanted, len(counts))
    first = sorted(counts, key=lambda node: (-counts[node], node))
    more = frozenset(first[:rest])
    return {node: share + (node in more) for node in counts}


def _names(answer: Any) -> set[str]:
    """The queues of an answer to ``active_queues``; an error names none."""
    return {str(item.get("name")) for item in answer} if isinstance(answer, list) else set()


def _processes(node: str, answer: Any) -> int:
    pool = answer.get("pool") if isinstance(answer, dict) else None
    if not isinstance(pool, dict):
        raise WorldError(f"The Celery worker {node} does not tell of its pool: {str(answer)[:200]}.")
    kind = str(pool.get("implementation", _PREFORK if "writes" in pool else "another"))
    if _PREFORK not in kind:
        problem = f"has a pool {kind}, whose size cannot be read. Start it with --pool prefork"
        raise WorldError(f"The Celery worker {node} {problem}.", temporary=False)
    return len(pool["processes"])
