"""Requests at the door: every field within its bounds, and the fields consistent with each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.request import PlanRequest
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.registry import forecast_models, queue_models
from capacity_planner.units import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from capacity_planner.domain.slo import SLO

_SERVICE_TIME_MODELS = ("exponential", "general")
_MOST_INTERVALS = 2_016
_PERCENT = 10.0
_SAME = 0.01


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A request without open questions: names, settings and service times are filled in."""

    queue_name: str
    metrics: Metrics
    slo: SLO
    config: PlannerConfig
    history: tuple[Metrics, ...] | None
    force_regen: bool
    strict: bool


def checked_config(config: Any) -> PlannerConfig:
    """A configuration whose fields fit each other.

    Raises:
        PlannerError: ``CONFIG_INVALID``, or ``MODEL_NOT_SUPPORTED`` for an unknown model.
    """
    valid = codec.validate(PlannerConfig, config, at="config")
    if valid.min_workers > valid.max_workers:
        raise _invalid("config.min_workers", valid.min_workers, f"must not exceed max_workers {valid.max_workers}")
    if valid.scale_down_threshold >= valid.scale_up_threshold:
        limit = f"must be below scale_up_threshold {valid.scale_up_threshold}"
        raise _invalid("config.scale_down_threshold", valid.scale_down_threshold, limit)
    if valid.plan_interval > valid.forecast_window:
        limit = f"must not exceed forecast_window {words(valid.forecast_window)}"
        raise _invalid("config.plan_interval", words(valid.plan_interval), limit)
    if valid.forecast_window > _MOST_INTERVALS * valid.plan_interval:
        limit = f"is more than {_MOST_INTERVALS} intervals of {words(valid.plan_interval)}; make plan_interval longer"
        raise _invalid("config.forecast_window", words(valid.forecast_window), limit)
    _known_models(valid)
    return valid


def checked_metrics(metrics: Any, *, at: str = "metrics") -> Metrics:
    """A sample with aware time and finite numbers; Go's zero values become "not known".

    Raises:
        PlannerError: ``INVALID_METRICS``.
    """
    return _understood(codec.validate(Metrics, metrics, at=at), at)


class Seen:
    """Samples that were checked lately, so that a history which is sent again and again is checked once.

    A sample cannot change, so the very object that was checked needs no second check.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Metrics, Metrics]] = {}

    def request(self, request: Any) -> PlanRequest:
        """A request whose fields are within their bounds, and whose history has "not known" for Go's zero values.

        Raises:
            PlannerError: as `codec.validate`.
        """
        if not isinstance(request, PlanRequest) or not isinstance(request.history, (tuple, list)):
            return self._whole(request)
        given, known = request.history, self._known
        pairs = [known.get(id(item)) for item in given]
        old = [pair is not None and pair[0] is item for item, pair in zip(given, pairs, strict=True)]
        fresh = tuple(item for item, is_old in zip(given, old, strict=True) if not is_old)
        try:
            valid = codec.validate(PlanRequest, replace(request, history=fresh))
        except PlannerError:
            return self._whole(request)  # for the place in the whole history
        read = iter(map(_of_history, valid.history or ()))
        done = [pair[1] if pair and is_old else next(read) for pair, is_old in zip(pairs, old, strict=True)]
        pairs_now = zip(given, done, strict=True)
        self._known = {id(item): (item, checked) for item, checked in pairs_now if isinstance(item, Metrics)}
        return replace(valid, history=tuple(done))

    @staticmethod
    def _whole(request: Any) -> PlanRequest:
        valid = codec.validate(PlanRequest, request)
        return valid if valid.history is None else replace(valid, history=tuple(map(_of_history, valid.history)))


def checked_request(request: Any, config: PlannerConfig, seen: Seen | None = None) -> Checked:
    """A request that can be planned for.

    Args:
        request: a `PlanRequest`, or a mapping as JSON gives it.
        config: the planner's settings, for a request without its own.
        seen: what was checked lately.

    Raises:
        PlannerError: ``INVALID_METRICS``, ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``, with the field.
    """
    valid = (seen or Seen()).request(request)
    settings = config if valid.config is None else checked_config(valid.config)
    if not valid.slo.has_target:
        raise _invalid("slo", "empty", "sets no target; set p95_latency, max_backlog or drain_time")
    metrics = _understood(valid.current_metrics, "current_metrics")
    name = _name(valid.queue_name, metrics)
    no_stranger(valid.history or (), name)
    return Checked(
        queue_name=name,
        metrics=replace(metrics, queue_name=name),
        slo=valid.slo,
        config=settings,
        history=valid.history,
        force_regen=valid.force_regen,
        strict=valid.strict,
    )


def with_service_time(metrics: Metrics, history: tuple[Metrics, ...]) -> Metrics:
    """The sample, with the newest service time known where it has none.

    Raises:
        PlannerError: ``INVALID_METRICS`` when no sample has one.
    """
    if metrics.service_time:
        return metrics
    known = next((item for item in reversed(history) if item.service_time), None)
    if known is None:
        raise PlannerError(
            ErrorCode.INVALID_METRICS,
            "current_metrics.service_time is 0s, which is not known, and no earlier sample has one. Give the mean "
            'service time, such as "2s".',
            details={"field": "current_metrics.service_time", "value": "0s"},
        )
    return replace(
        metrics,
        service_time=known.service_time,
        service_time_std=known.service_time_std,
        service_time_p95=known.service_time_p95,
    )


def _of_history(metrics: Metrics) -> Metrics:
    return _understood(metrics, "history")


def _understood(metrics: Metrics, at: str) -> Metrics:
    if metrics.utilization > _PERCENT:
        raise PlannerError(
            ErrorCode.INVALID_METRICS,
            f"{at}.utilization is {metrics.utilization}, which looks like percent. Give a share, such as 0.75.",
            details={"field": f"{at}.utilization", "value": metrics.utilization},
        )
    p95, std = metrics.service_time_p95, metrics.service_time_std
    fixed = p95 is None or abs(p95 - metrics.service_time) <= _SAME * metrics.service_time
    if (p95 or p95 is None) and (std or fixed or std is None):
        return metrics
    return replace(metrics, service_time_p95=p95 or None, service_time_std=std if std or fixed else None)


def _name(name: str, metrics: Metrics) -> str:
    if name and metrics.queue_name and name != metrics.queue_name:
        raise PlannerError(
            ErrorCode.INVALID_METRICS,
            f"current_metrics.queue_name is {codec.shown(metrics.queue_name)}, but the request is for "
            f"{codec.shown(name)}. Send the metrics "
            "of the queue you plan for.",
            details={"field": "current_metrics.queue_name", "value": metrics.queue_name},
        )
    return name or metrics.queue_name


def no_stranger(history: Iterable[Metrics], name: str) -> None:
    """Refuse a history that has samples of another queue than ``name``."""
    stranger = next((item.queue_name for item in history if item.queue_name not in {"", name}), None)
    if name and stranger:
        raise PlannerError(
            ErrorCode.INVALID_METRICS,
            f"history has samples of the queue {codec.shown(stranger)} beside those of {codec.shown(name)}. Send the "
            "history of one queue.",
            details={"field": "history.queue_name", "value": stranger},
        )


def _known_models(config: PlannerConfig) -> None:
    queue_models.get(config.queueing_model)
    forecast_models.get(config.forecast_model)
    if config.service_time_model not in _SERVICE_TIME_MODELS:
        raise PlannerError(
            ErrorCode.MODEL_NOT_SUPPORTED,
            f"service_time_model is {config.service_time_model!r}. Use one of: {', '.join(_SERVICE_TIME_MODELS)}.",
            details={"field": "service_time_model", "value": config.service_time_model},
        )


def _invalid(field: str, value: object, problem: str) -> PlannerError:
    return PlannerError(
        ErrorCode.CONFIG_INVALID, f"{field} is {value}, which {problem}.", details={"field": field, "value": str(value)}
    )
