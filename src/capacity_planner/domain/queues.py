"""How a queue is run by the service: what it promises, where it is measured, and who may scale it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.slo import SLO
from capacity_planner.fields import CONFIG, Count, Duration, Flag, Instant, Mark, RealMark, Text, TextMark, marks_of
from capacity_planner.frozen import FrozenOptions

_NAME = TextMark(longest=200)
_TEXT = TextMark(longest=10_000, prose=True)
_REMEDY = 'is not a table of options, such as {"path": "emails.csv"}.'


class Mode(StrEnum):
    """Who decides whether a plan is carried out."""

    AUTO = "auto"
    MANUAL = "manual"
    ADVISORY = "advisory"


class OptionsMark(Mark):
    """Names → texts, numbers, yes or no, or lists of these."""

    def read(self, value: Any) -> FrozenOptions:
        """The options, lists as tuples."""
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise ValueError(_REMEDY)
        return FrozenOptions({_NAME.checked(name): _plain(name, item) for name, item in value.items()})

    def write(self, value: Any, context: Mapping[str, Any] | None) -> dict[str, Any]:
        """The options as JSON has them."""
        del context
        return {name: list(item) if isinstance(item, tuple) else item for name, item in value.items()}

    def schema(self) -> dict[str, Any]:
        """Any flat object."""
        scalar = {"type": ["string", "number", "boolean"]}
        return {"type": "object", "additionalProperties": {"anyOf": [scalar, {"type": "array", "items": scalar}]}}


class OverridesMark(Mark):
    """Some of the fields of `PlannerConfig`, each within its bounds."""

    def read(self, value: Any) -> FrozenOptions:
        """The fields that are given; durations as ``timedelta``."""
        if not isinstance(value, Mapping):
            raise ValueError('is not a table of planner settings, such as {"max_workers": 40}.')  # noqa: TRY004
        return FrozenOptions({str(name): _setting(str(name), item) for name, item in value.items()})

    def write(self, value: Any, context: Mapping[str, Any] | None) -> dict[str, Any]:
        """The fields as `PlannerConfig` writes them."""
        return {
            name: None if item is None else marks_of(PlannerConfig)[name].write(item, context)
            for name, item in value.items()
        }

    def schema(self) -> dict[str, Any]:
        """The fields of `PlannerConfig`, all optional."""
        return {
            "type": "object",
            "properties": {name: mark.schema() for name, mark in marks_of(PlannerConfig).items()},
            "additionalProperties": False,
        }


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_scalar(name, item) for item in value)
    return _scalar(name, value)


def _scalar(name: str, value: Any) -> Any:
    try:
        if isinstance(value, str):
            return _TEXT.checked(value)
        if isinstance(value, bool | int):
            return value
        return RealMark().checked(value)
    except ValueError as error:
        raise ValueError(f"has {name} = {repr(value)[:80]}, which {error}") from None


def _setting(name: str, value: Any) -> Any:
    mark = marks_of(PlannerConfig).get(name)
    if mark is None:
        raise ValueError(f"has {name}, which is no setting of the planner.")
    if value is None and name == "scale_up_cooldown":
        return None
    try:
        return mark.checked(value)
    except ValueError as error:
        raise ValueError(f"has {name} = {value!r}, which {error}") from None


Options: TypeAlias = Annotated[FrozenOptions, OptionsMark()]
Overrides: TypeAlias = Annotated[FrozenOptions, OverridesMark()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A source or a scaler by name, with its options.

    Attributes:
        name: by which it is registered.
        options: what its constructor takes.
    """

    __pydantic_config__ = CONFIG

    name: Annotated[str, TextMark(longest=200)]
    options: Options = field(default_factory=FrozenOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """One queue that is planned for by itself.

    Attributes:
        queue_name: the queue.
        mode: ``auto`` carries a plan out when it may be; ``manual`` waits for a person to apply it; ``advisory`` never
            scales anything.
        slo: what must hold; ``None`` takes the service's.
        planner: settings that differ from the service's, such as ``max_workers``.
        source: where its samples come from; ``push`` waits for them at ``POST /v1/metrics``.
        scaler: what carries its plans out.
        stale_after: a sample older than this is not acted upon; zero is three plan intervals.
        best_effort: whether ``auto`` also carries out a plan that cannot keep the SLO within the limits, or one that is
            less sure than confidence_threshold asks and adds workers.
    """

    __pydantic_config__ = CONFIG

    queue_name: Annotated[str, TextMark(longest=200)]
    mode: Mode = Mode.ADVISORY
    slo: SLO | None = None
    planner: Overrides = field(default_factory=FrozenOptions)
    source: Chosen = field(default_factory=lambda: Chosen(name="push"))
    scaler: Chosen = field(default_factory=lambda: Chosen(name="dry_run"))
    stale_after: Duration = timedelta(0)
    best_effort: Flag = False

    def config(self, service: PlannerConfig) -> PlannerConfig:
        """The planner's settings for this queue.

        >>> queue = QueueSettings(queue_name="emails", planner=FrozenOptions({"max_workers": 40}))
        >>> queue.config(PlannerConfig()).max_workers
        40
        """
        return replace(service, **self.planner)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """What the service plans for: one document, changed as a whole.

    Attributes:
        planner: settings of all queues that do not say otherwise.
        slo: what must hold for all queues that do not say otherwise.
        queues: the queues that are planned for by themselves.
    """

    __pydantic_config__ = CONFIG

    planner: PlannerConfig = field(default_factory=PlannerConfig)
    slo: SLO = field(default_factory=SLO)
    queues: tuple[QueueSettings, ...] = ()

    def queue(self, name: str) -> QueueSettings | None:
        """The settings of a queue, where it is planned for by itself."""
        return next((item for item in self.queues if item.queue_name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigVersion:
    """A configuration as it was set.

    Attributes:
        version: 1, 2, …
        config: the whole document.
        changed_at: when.
        changed_by: a token's name, or the file that it was read from.
    """

    __pydantic_config__ = CONFIG

    version: Count
    config: ServiceConfig
    changed_at: Instant
    changed_by: Text
