"""What RabbitMQ's management API says of a queue: counters and lengths, each with the instants at which it looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Mapping

Column: TypeAlias = "dict[int, int]"
_SERVED = ("ack", "deliver_no_ack", "get_no_ack")
COLUMNS = ",".join(
    [
        *("state", "consumers", "messages_ready_details", "messages_unacknowledged_details"),
        *(f"message_stats.{counter}_details" for counter in ("publish", *_SERVED)),
    ]
)
_DOWN = ("down", "stopped", "crashed", "terminated")


@dataclass(frozen=True, slots=True)
class Stats:
    """A queue over some time; columns map an instant [s since 1970] to a number, and end at the newest.

    Attributes:
        consumers: that are there now.
        published: messages that came, counted since the broker counts; nothing before the first of them.
        served: messages that were acknowledged, or needed no acknowledgement.
        ready: messages that wait in the queue.
        unacked: messages that consumers hold.
    """

    consumers: int
    published: Column
    served: Column
    ready: Column
    unacked: Column

    @classmethod
    def read(cls, data: Any) -> Stats | Gap:
        """The statistics in an answer, or why there are none.

        Raises:
            WorldError: it is no such answer.
        """
        try:
            return _read({} if data == [] else data)  # what it makes of columns none of which it has
        except (AttributeError, KeyError, TypeError, ValueError):
            message = "The answer is none of RabbitMQ's management API. Check the address, mostly http://HOST:15672."
            raise WorldError(message, temporary=False) from None


def _read(data: Mapping[str, Any]) -> Stats | Gap:
    state = data.get("state", "running")
    if state in _DOWN:
        return Gap(reason=f"The queue is {state}: its node does not run.")
    if "messages_ready_details" not in data:
        return Gap(reason="RabbitMQ has no statistics of the queue yet, as it, or its node, has only just begun.")
    counters = data.get("message_stats") or {}
    published = _counted(_column(counters.get("publish_details")))
    if not published:
        return Gap(
            reason="RabbitMQ has counted no message of the queue since the queue, or the broker, began. "
            "If messages do come, its statistics are off: see rates_mode and disable_metrics_collector."
        )
    served = [_column(counters.get(f"{name}_details")) for name in _SERVED]
    return Stats(
        consumers=int(data["consumers"]),
        published=published,
        served={at: sum(column.get(at, 0) for column in served) for at in published},
        ready=_column(data["messages_ready_details"]),
        unacked=_column(data["messages_unacknowledged_details"]),
    )


def _column(details: Mapping[str, Any] | None) -> Column:
    """Instants and numbers, the oldest first."""
    pairs = [(int(item["timestamp"]) // 1_000, int(item["sample"])) for item in (details or {}).get("samples", ())]
    return dict(sorted(pairs))


def _counted(column: Column) -> Column:
    """A counter since it was set back last, and without the zeros that RabbitMQ puts before what it has seen."""
    kept: Column = {}
    before = 0
    for at, count in column.items():
        if count < before:
            kept = {}
        if count:
            kept[at] = count
        before = count
    return kept
