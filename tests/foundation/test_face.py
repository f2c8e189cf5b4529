"""The public names, and that importing them costs little."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import capacity_planner

# Names of DESIGN section 4 that this version has; the simulator and the backtester are of later versions.
PROMISED = [
    "CapacityPlan",
    "CapacityPlanner",
    "CostAnalysis",
    "ErrorCode",
    "Forecast",
    "Forecaster",
    "Metrics",
    "PatternType",
    "PlanRequest",
    "PlanResponse",
    "PlannerConfig",
    "PlannerError",
    "PlannerState",
    "QueueingCalculator",
    "QueueingResult",
    "SLO",
    "SLOAnalysis",
    "ScalingAction",
    "ScalingStep",
    "Simulation",
    "SimulationScenario",
    "SimulationSummary",
    "Simulator",
    "SpikeShape",
    "TimelinePoint",
    "TrafficPattern",
    "TrafficSpike",
    "ViolationPeriod",
]
METHODS = {
    "CapacityPlanner": ["generate_plan", "observe", "update_config", "get_state", "reset", "record_scaling"],
    "Forecaster": ["predict", "set_model", "get_accuracy"],
    "Simulator": ["simulate", "validate_scenario", "estimate_runtime"],
    "QueueingCalculator": ["calculate", "calculate_batch", "calculate_capacity", "estimate_service_rate"],
}


def test_every_promised_name_is_there() -> None:
    assert set(PROMISED) <= set(capacity_planner.__all__)


@pytest.mark.parametrize("name", capacity_planner.__all__)
def test_every_public_name_can_be_imported_and_is_explained(name: str) -> None:
    value = getattr(capacity_planner, name)
    assert inspect.getdoc(value)
    assert name in dir(capacity_planner)


@pytest.mark.parametrize(("name", "methods"), METHODS.items())
def test_the_interfaces_have_their_methods_explained(name: str, methods: list[str]) -> None:
    cls = getattr(capacity_planner, name)
    assert all(inspect.getdoc(getattr(cls, method)) for method in methods)


def test_the_list_of_names_is_sorted_and_complete() -> None:
    names = capacity_planner.__all__
    assert len(set(names)) == len(names)
    upper_first = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert names == upper_first
    assert set(capacity_planner._HOME) == set(names)  # noqa: SLF001 - the promise is that the two lists agree


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'capacity_plan'"):
        _ = capacity_planner.capacity_plan


@pytest.mark.parametrize(
    "statement", ["import capacity_planner", "from capacity_planner import PlannerError, ErrorCode; dir()"]
)
def test_importing_it_imports_nothing_heavy(statement: str) -> None:
    heavy = "numpy", "scipy", "pydantic", "typer", "rich", "yaml", "matplotlib", "pandas"
    code = f"{statement}\nimport sys\nprint([name for name in {heavy!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "[]"


def test_the_domain_imports_without_pydantic() -> None:
    code = "from capacity_planner import SLO, Metrics, PlannerConfig\nimport sys\nprint('pydantic' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.strip() == "False"
