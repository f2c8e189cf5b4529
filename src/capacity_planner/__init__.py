"""Capacity planning for job queues: how many workers, when, at what cost, and how sure are we?

The public API; everything is imported on first use, so that ``import capacity_planner`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capacity_planner.domain.attainment import EqualAttainment, Frontier, FrontierPoint, PolicyOutcome, RegretSplit
    from capacity_planner.domain.backtest import Backtest, BacktestScenario, BacktestTimeline, PolicyTrack
    from capacity_planner.domain.config import PlannerConfig, default_config
    from capacity_planner.domain.congestion import Congestion, ServiceTime
    from capacity_planner.domain.forecast import Forecast, ForecastAccuracy
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.plan import CapacityPlan, CostAnalysis, RequiredWorkers, ScalingAction, ScalingStep
    from capacity_planner.domain.queueing import QueueingResult
    from capacity_planner.domain.request import PlanRequest, PlanResponse, PlanWarning
    from capacity_planner.domain.review import PlanOutcome, PlanReview, ReliabilityBin
    from capacity_planner.domain.scenario import JobTrace, ServiceFamily, SimulationScenario
    from capacity_planner.domain.simulation import (
        ConfidenceInterval,
        Simulation,
        SimulationSummary,
        SLOAnalysis,
        TimelinePoint,
        ViolationPeriod,
        ViolationSeverity,
        ViolationType,
    )
    from capacity_planner.domain.slo import SLO
    from capacity_planner.domain.state import PlannerState
    from capacity_planner.domain.traffic import PatternType, SpikeShape, TrafficPattern, TrafficSpike
    from capacity_planner.errors import ErrorCode, PlannerError
    from capacity_planner.pipeline.backtest import Backtester
    from capacity_planner.pipeline.calculator import QueueingCalculator
    from capacity_planner.pipeline.forecaster import Forecaster
    from capacity_planner.pipeline.planner import CapacityPlanner
    from capacity_planner.pipeline.review import Reviewer
    from capacity_planner.pipeline.simulator import Simulator
    from capacity_planner.pipeline.traffic import extract_pattern

_HOMES = {
    "domain.attainment": ("EqualAttainment", "Frontier", "FrontierPoint", "PolicyOutcome", "RegretSplit"),
    "domain.backtest": ("Backtest", "BacktestScenario", "BacktestTimeline", "PolicyTrack"),
    "domain.config": ("PlannerConfig", "default_config"),
    "domain.congestion": ("Congestion", "ServiceTime"),
    "domain.forecast": ("Forecast", "ForecastAccuracy"),
    "domain.metrics": ("Metrics",),
    "domain.plan": ("CapacityPlan", "CostAnalysis", "RequiredWorkers", "ScalingAction", "ScalingStep"),
    "domain.queueing": ("QueueingResult",),
    "domain.request": ("PlanRequest", "PlanResponse", "PlanWarning"),
    "domain.review": ("PlanOutcome", "PlanReview", "ReliabilityBin"),
    "domain.scenario": ("JobTrace", "ServiceFamily", "SimulationScenario"),
    "domain.simulation": (
        "ConfidenceInterval",
        "SLOAnalysis",
        "Simulation",
        "SimulationSummary",
        "TimelinePoint",
        "ViolationPeriod",
        "ViolationSeverity",
        "ViolationType",
    ),
    "domain.slo": ("SLO",),
    "domain.state": ("PlannerState",),
    "domain.traffic": ("PatternType", "SpikeShape", "TrafficPattern", "TrafficSpike"),
    "errors": ("ErrorCode", "PlannerError"),
    "pipeline.backtest": ("Backtester",),
    "pipeline.calculator": ("QueueingCalculator",),
    "pipeline.forecaster": ("Forecaster",),
    "pipeline.planner": ("CapacityPlanner",),
    "pipeline.review": ("Reviewer",),
    "pipeline.simulator": ("Simulator",),
    "pipeline.traffic": ("extract_pattern",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "SLO",
    "Backtest",
    "BacktestScenario",
    "BacktestTimeline",
    "Backtester",
    "CapacityPlan",
    "CapacityPlanner",
    "ConfidenceInterval",
    "Congestion",
    "CostAnalysis",
    "EqualAttainment",
    "ErrorCode",
    "Forecast",
    "ForecastAccuracy",
    "Forecaster",
    "Frontier",
    "FrontierPoint",
    "JobTrace",
    "Metrics",
    "PatternType",
    "PlanOutcome",
    "PlanRequest",
    "PlanResponse",
    "PlanReview",
    "PlanWarning",
    "PlannerConfig",
    "PlannerError",
    "PlannerState",
    "PolicyOutcome",
    "PolicyTrack",
    "QueueingCalculator",
    "QueueingResult",
    "RegretSplit",
    "ReliabilityBin",
    "RequiredWorkers",
    "Reviewer",
    "SLOAnalysis",
    "ScalingAction",
    "ScalingStep",
    "ServiceFamily",
    "ServiceTime",
    "Simulation",
    "SimulationScenario",
    "SimulationSummary",
    "Simulator",
    "SpikeShape",
    "TimelinePoint",
    "TrafficPattern",
    "TrafficSpike",
    "ViolationPeriod",
    "ViolationSeverity",
    "ViolationType",
    "default_config",
    "extract_pattern",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
