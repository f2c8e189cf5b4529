"""Random domain objects, drawn from the annotations of the domain's own dataclasses: a new field is covered at once."""

from __future__ import annotations

import math
import types
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.forecast import Forecast
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.plan import CapacityPlan, CostAnalysis, RequiredWorkers, ScalingStep
from capacity_planner.domain.queueing import QueueingResult
from capacity_planner.domain.request import PlanRequest, PlanResponse, PlanWarning
from capacity_planner.domain.review import PlanOutcome, PlanReview, ReliabilityBin
from capacity_planner.domain.scenario import JobTrace, SimulationScenario
from capacity_planner.domain.simulation import (
    ConfidenceInterval,
    Simulation,
    SimulationSummary,
    SLOAnalysis,
    TimelinePoint,
    ViolationPeriod,
)
from capacity_planner.domain.slo import SLO
from capacity_planner.domain.state import PlannerState
from capacity_planner.domain.traffic import TrafficPattern, TrafficSpike
from capacity_planner.fields import (
    LARGEST,
    LATEST,
    CountMark,
    DurationMark,
    InstantMark,
    Mark,
    QuantilesMark,
    RealMark,
    TextMark,
)
from capacity_planner.frozen import FrozenMap
from capacity_planner.units import UNBOUNDED

T = TypeVar("T")

DOMAIN: tuple[type[Any], ...] = (
    CapacityPlan,
    ConfidenceInterval,
    JobTrace,
    CostAnalysis,
    Forecast,
    Metrics,
    PlanOutcome,
    PlanRequest,
    PlanResponse,
    PlanReview,
    PlanWarning,
    PlannerConfig,
    PlannerState,
    QueueingResult,
    ReliabilityBin,
    RequiredWorkers,
    SLO,
    SLOAnalysis,
    ScalingStep,
    Simulation,
    SimulationScenario,
    SimulationSummary,
    TimelinePoint,
    TrafficPattern,
    TrafficSpike,
    ViolationPeriod,
)

_MICROSECOND = timedelta(microseconds=1)
_PRINTABLE = st.characters(exclude_categories=["C", "Z"], max_codepoint=0x2FFF) | st.just(" ")


def objects(cls: type[T]) -> st.SearchStrategy[T]:
    """Valid objects of a domain type."""
    hashable: Any = cls  # mypy takes no type for hashable whose objects may not be
    return _objects(hashable)


@cache
def _objects(cls: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls, include_extras=True)
    parts = {item.name: _values(hints[item.name]) for item in fields(cls)}
    return st.builds(cls, **parts)


def _values(hint: Any) -> st.SearchStrategy[Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        marks = [item for item in args[1:] if isinstance(item, Mark)]
        return _marked(marks[0]) if marks else _values(args[0])
    if origin in {Union, types.UnionType}:
        return st.one_of([st.none() if arg is type(None) else _values(arg) for arg in args])
    if origin is tuple:
        return st.lists(_values(args[0]), max_size=3).map(tuple)
    if hint is bool:
        return st.booleans()
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    return st.deferred(lambda: objects(hint))


def _marked(mark: Mark) -> st.SearchStrategy[Any]:
    values: st.SearchStrategy[Any]
    match mark:
        case DurationMark():
            values = _durations(mark)
        case InstantMark():
            values = st.datetimes(
                min_value=(mark.ge or datetime(1, 1, 1, tzinfo=UTC)).replace(tzinfo=None),
                max_value=(mark.le or LATEST).replace(tzinfo=None),
                timezones=st.just(UTC),
            )
        case RealMark():
            values = _reals(mark)
        case CountMark():
            low, high = mark.ge, mark.le if mark.lt is None else mark.lt - 1
            values = st.integers(low, high)
        case TextMark(prose=prose):
            letters = _PRINTABLE | st.just("\n") if prose else _PRINTABLE
            values = st.text(letters, max_size=12)
        case QuantilesMark():
            inside = st.floats(0, 1, exclude_min=True, exclude_max=True)
            values = st.dictionaries(inside, _finite(), max_size=3).map(FrozenMap)
        case _:
            raise AssertionError(mark)
    return values.filter(bool) if mark.zero_means is not None else values


def _durations(mark: DurationMark) -> st.SearchStrategy[timedelta]:
    low = -UNBOUNDED if mark.ge is None else mark.ge
    low = low if mark.gt is None else mark.gt + _MICROSECOND
    high = UNBOUNDED if mark.le is None else mark.le
    return st.timedeltas(low, high) | st.sampled_from([low, high])


def _reals(mark: RealMark) -> st.SearchStrategy[float]:
    low = mark.ge if mark.gt is None else mark.gt
    high = mark.le if mark.lt is None else mark.lt
    numbers = st.floats(
        min_value=low,
        max_value=high,
        exclude_min=mark.gt is not None,
        exclude_max=mark.lt is not None,
        allow_nan=False,
        allow_infinity=False,
    ).filter(lambda value: not mark.unbounded or value < LARGEST)
    return numbers | st.just(math.inf) if mark.unbounded else numbers


def _finite() -> st.SearchStrategy[float]:
    return st.floats(allow_nan=False, allow_infinity=False)
