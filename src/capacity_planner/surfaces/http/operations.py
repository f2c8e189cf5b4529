"""What can be asked: each operation with all that its route, its checks and its documentation need."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from capacity_planner.fields import CountMark, DurationMark, Mark, TextMark
from capacity_planner.service.access import Role
from capacity_planner.surfaces.http.answers import QUEUE_NAME
from capacity_planner.units import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

JSON, EVENTS = "application/json", "text/event-stream"
Pace: TypeAlias = Literal["usual", "quick", "slow"]


class CursorMark(Mark):
    """A place in a list of what was recorded: an instant, and where several share it, a comma and the last one's id."""

    def read(self, value: Any) -> tuple[datetime, str]:
        """Instant and id; without an id nothing of that instant is meant."""
        instant, _, last = str(value).partition(",")
        return parse_instant(instant), TextMark().checked(last)

    def write(self, value: Any, context: Mapping[str, Any] | None) -> str:
        """The place as one text."""
        del context
        return f"{format_instant(value[0])},{value[1]}"

    def schema(self) -> dict[str, Any]:
        """A text that begins with an instant."""
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query.

    Attributes:
        name: its name.
        mark: what it may be.
        said: what it means.
        default: where it is not given.
        choices: the texts that it may be; empty where it is free.
        example: one of its values.
    """

    name: str
    mark: Mark
    said: str
    default: Any = None
    choices: tuple[str, ...] = ()
    example: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back where all is well.

    Attributes:
        said: what it is.
        cls: its type; ``None`` where there is no body, or no JSON.
        media: its media type.
        headers: name → what it says.
        links: operation → its parameter, and where in this answer that is found.
    """

    said: str
    cls: type[Any] | None = None
    media: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Attributes:
        name: in programs that are generated from the documentation.
        method: such as ``GET``.
        path: with its parameters in braces.
        handler: what answers; a function runs in a thread, a coroutine on the event loop.
        tag: what it is listed under.
        summary: in a few words.
        said: in a few sentences.
        needs: the role of the token; ``None`` needs none.
        body: type of the JSON body; ``None`` where there is none.
        batch: whether the body may also be several of it.
        answers: status → what comes back.
        problems: statuses of the errors that are its own.
        parameters: of the query.
        conditional: whether it needs ``If-Match``.
        head: whether ``HEAD`` is answered as well.
        pace: the threads that it runs in, of `Pools`.
    """

    name: str
    method: str
    path: str
    handler: Callable[..., Any]
    tag: str
    summary: str
    said: str = ""
    needs: Role | None = Role.READ
    body: type[Any] | None = None
    batch: bool = False
    answers: Mapping[int, Answer]
    problems: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    conditional: bool = False
    head: bool = False
    pace: Pace = "usual"


DURATIONS = Parameter(
    "durations",
    TextMark(),
    'How durations are written: text is "0.350s", ns is integer nanoseconds, as Go\'s time.Duration reads them.',
    "text",
    ("text", "ns"),
    "text",
)
TIMEOUT = Parameter(
    "timeout", DurationMark(gt=timedelta(0)), "Stop after so long; at most the service's max_time.", example="5s"
)
LIMIT = Parameter("limit", CountMark(ge=1, le=200), "At most so many.", 50, example=50)
BEFORE = Parameter(
    "before",
    CursorMark(),
    "`next` of the page before; or an instant: only those recorded earlier.",
    example="2026-11-23T12:00:00Z",
)
QUEUE = Parameter("queue_name", QUEUE_NAME, "Of one queue; without it, of all.", example="emails")

PATHS = {
    "plan_id": "The plan's id.",
    "job_id": "The id that the simulation was given when it was asked for.",
    "name": "The queue's name, percent-encoded: a/b is `a%2Fb`.",
    "namespace": "A namespace of Kubernetes; queues have none, so that any will do.",
    "metric": "`workers`, with a label selector; or the name that the queue's metric has for KEDA.",
}
