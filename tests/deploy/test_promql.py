"""The checker of expressions finds what is wrong."""

from __future__ import annotations

import pytest

from tests.deploy._promql import known, strange, used


def test_metrics_are_told_from_functions_labels_and_words() -> None:
    expression = """
      histogram_quantile(0.95, sum by (le, queue) (rate(a_bucket{job=~"$job", x!="y{z}"}[5m]))) > 1e3 # not_this
      and on (queue) (b offset 5m or vector(0)) unless ignoring (pod) level:c:sum > bool Inf
    """
    assert list(used(expression)) == [
        ("a_bucket", {"job", "x"}),
        ("b", set()),
        ("level:c:sum", set()),
        ("", {"le", "queue", "pod"}),
    ]


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("capacity_planner_target_workers", []),
        ("capacity_planner_target_worker > 1", ["capacity_planner_target_worker"]),
        ('capacity_planner_errors_total{code="X"}', []),
        ('capacity_planner_errors_total{queue="X"}', ["capacity_planner_errors_total{queue}"]),
        ("sum by (queue) (capacity_planner_errors_total)", ["{queue}"]),
        ("sum by (job, code) (rate(capacity_planner_errors_total[5m]))", []),
        ("rate(capacity_planner_simulation_duration_seconds[5m])", ["capacity_planner_simulation_duration_seconds"]),
        ("rate(capacity_planner_simulation_duration_seconds_count[5m])", []),
        ("up == 0", []),
        ("queue:capacity_planner_plan_age_seconds:min", []),
        ("queue:capacity_planner_plan_age_seconds:max", ["queue:capacity_planner_plan_age_seconds:max"]),
    ],
)
def test_what_there_is_not_is_found(expression: str, wrong: list[str]) -> None:
    assert strange(expression, known()) == wrong
