"""A service configuration at the door: every queue's settings fit each other, and its source and scaler exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.queues import QueueSettings, ServiceConfig
from capacity_planner.domain.slo import SLO
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.fields import DurationMark, marks_of
from capacity_planner.pipeline.validation import checked_config
from capacity_planner.registry import scalers, sources

if TYPE_CHECKING:
    from capacity_planner.pipeline.settings import Settings


def checked_service(config: Any) -> ServiceConfig:
    """A configuration that the service can run with.

    Args:
        config: a `ServiceConfig`, or a mapping as JSON gives it.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``, with the place, such as ``queues.2.planner``.
    """
    valid = codec.validate(ServiceConfig, config)
    checked_config(valid.planner)
    names: set[str] = set()
    for place, queue in enumerate(valid.queues):
        at = f"queues.{place}"
        if not queue.queue_name or queue.queue_name in names:
            problem = "must not be empty." if not queue.queue_name else "is there twice."
            raise _invalid(f"{at}.queue_name", queue.queue_name, problem)
        names.add(queue.queue_name)
        _check_queue(queue, valid, at)
    return valid


def service_of(settings: Settings) -> ServiceConfig:
    """The configuration that a settings file says.

    Raises:
        PlannerError: as `checked_service`; a duration without its unit is refused, as in the rest of the file.
    """
    for place, queue in enumerate(settings.queues):
        _no_bare(f"queues.{place}", queue, QueueSettings)
        for name, cls in (("slo", SLO), ("planner", PlannerConfig)):
            _no_bare(f"queues.{place}.{name}", queue.get(name), cls)
    return checked_service({"planner": settings.config, "slo": settings.slo, "queues": settings.queues})


def _no_bare(at: str, table: Any, cls: type[Any]) -> None:
    marks = marks_of(cls)
    for name, value in table.items() if isinstance(table, dict) else ():
        if isinstance(marks.get(name), DurationMark) and not isinstance(value, str):
            raise _invalid(f"{at}.{name}", value, 'is not a duration. Write it with its unit, such as "5s" or "1m30s".')


def _check_queue(queue: QueueSettings, service: ServiceConfig, at: str) -> None:
    try:
        checked_config(queue.config(service.planner))
        sources.make(queue.source.name, queue.source.options)
        scalers.make(queue.scaler.name, queue.scaler.options)
    except PlannerError as error:
        raise placed(error, f"{at} ({queue.queue_name})") from None
    if not (queue.slo or service.slo).has_target:
        remedy = "sets no target. Set p95_latency, max_backlog or drain_time, for the queue or for the service."
        raise _invalid(f"{at}.slo", codec.encode(queue.slo or service.slo), remedy)


def placed(error: PlannerError, at: str) -> PlannerError:
    """The same error, which also says where."""
    return PlannerError(error.code, f"{at}: {error.message}", details={**error.details, "at": at})


def _invalid(field: str, value: object, problem: str) -> PlannerError:
    details = {"field": field, "value": str(value)}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{field} is {codec.shown(value)}, which {problem}", details=details)
