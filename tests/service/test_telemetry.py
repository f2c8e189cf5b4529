"""What a Prometheus server is told."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from capacity_planner import ErrorCode, PlannerError
from capacity_planner.domain.scaling import Decision, Reason
from capacity_planner.errors import (
    ConflictError,
    NotFoundError,
    ServiceError,
    TooLargeError,
    UnavailableError,
    WorldError,
)
from capacity_planner.service.access import AccessError
from capacity_planner.service.telemetry import Telemetry
from capacity_planner.units import UNBOUNDED
from tests.service._told import NOW, SAMPLE, clock_at, families, plan, samples, tell_all, told, value

OURS = "capacity_planner_"
FIVE = timedelta(minutes=5)


def test_the_four_of_the_specification_have_its_names_and_labels() -> None:
    found = families(told())
    assert found["capacity_planner_generation_duration_seconds"][::2] == ("histogram", ("queue",))
    assert found["capacity_planner_forecast_accuracy"][::2] == ("gauge", ("model",))
    assert found["capacity_planner_cache_hit_ratio"][::2] == ("gauge", ())
    assert found["capacity_planner_simulation_duration_seconds"][::2] == ("histogram", ())


def test_a_plan_shows_in_its_queue() -> None:
    telemetry, response = Telemetry(clock=clock_at([1_000.0])), plan()
    telemetry.planned("emails", 0.02, response, source="loop")
    shown = {
        "target_workers": response.plan.target_workers,
        "required_workers": response.plan.required[0].workers,
        "plan_confidence": response.plan.confidence,
        "forecast_arrival_rate": response.forecast[0].arrival_rate,
        "slo_achievable": 1.0,
        "expected_p95_seconds": response.queueing_result.p95_response_time.total_seconds(),
        "slo_p95_seconds": 30.0,
        "cost_per_hour": response.plan.cost_impact.projected_cost_per_hour,
        "plan_timestamp_seconds": 1_000.0,
    }
    assert {name: value(telemetry, name, queue="emails") for name in shown} == pytest.approx(shown)
    assert value(telemetry, "generation_duration_seconds_count", queue="emails") == 1
    assert value(telemetry, "generation_duration_seconds_sum", queue="emails") == pytest.approx(0.02)
    assert value(telemetry, "generation_duration_seconds_bucket", queue="emails", le="0.01") == 0
    assert value(telemetry, "generation_duration_seconds_bucket", queue="emails", le="0.03") == 1
    assert value(telemetry, "plans_total", source="loop", outcome="made") == 1


def test_what_a_later_plan_does_not_say_is_no_longer_shown() -> None:
    telemetry, response = Telemetry(), plan()
    telemetry.planned("emails", 0.02, response, source="loop")
    slo = replace(response.plan.slo, p95_latency=timedelta(0), max_backlog=5)
    poor = replace(response.plan, slo=slo, required=(), slo_achievable=False)
    queueing = replace(response.queueing_result, p95_response_time=UNBOUNDED)
    later = replace(response, plan=poor, forecast=(), queueing_result=queueing)
    telemetry.planned("emails", 0.02, later, source="loop")
    for name in ("slo_p95_seconds", "required_workers", "forecast_arrival_rate"):
        assert value(telemetry, name, queue="emails") is None
    assert value(telemetry, "slo_achievable", queue="emails") == 0
    assert value(telemetry, "expected_p95_seconds", queue="emails") == math.inf


def test_a_refused_plan_is_timed_and_counted_and_shows_nothing() -> None:
    telemetry = Telemetry()
    telemetry.planned("emails", 0.02, None, source="request")
    assert value(telemetry, "generation_duration_seconds_count", queue="emails") == 1
    assert value(telemetry, "plans_total", source="request", outcome="refused") == 1
    assert value(telemetry, "target_workers", queue="emails") is None
    assert math.isnan(value(telemetry, "cache_hit_ratio") or 0.0)


def test_a_question_about_a_queue_that_is_planned_for_by_itself_leaves_its_gauges_alone() -> None:
    telemetry, response = Telemetry(), plan()
    other = replace(response, plan=replace(response.plan, target_workers=99))
    telemetry.keep("emails", FIVE)
    telemetry.planned("emails", 0.02, response, source="loop")
    telemetry.planned("emails", 0.02, other, source="request")
    telemetry.planned("reports", 0.02, other, source="request")
    assert value(telemetry, "target_workers", queue="emails") == response.plan.target_workers
    assert value(telemetry, "target_workers", queue="reports") == 99
    assert value(telemetry, "generation_duration_seconds_count", queue="emails") == 2


def test_the_cache_hit_ratio_is_of_the_last_thousand_plans() -> None:
    telemetry, response = Telemetry(), plan()
    hit = replace(response, cache_hit=True)
    telemetry.planned("emails", 0.02, response, source="loop")
    for _ in range(3):
        telemetry.planned("emails", 0.001, hit, source="loop")
    assert value(telemetry, "cache_hit_ratio") == 0.75
    for _ in range(997):
        telemetry.planned("emails", 0.001, hit, source="loop")
    assert value(telemetry, "cache_hit_ratio") == 1.0
    assert value(telemetry, "plans_total", source="loop", outcome="cached") == 1_000


def test_a_measured_queue_shows_its_sample_and_the_workers_that_run() -> None:
    telemetry = Telemetry()
    telemetry.seen("emails", SAMPLE, workers=7)
    assert value(telemetry, "current_workers", queue="emails") == 7
    assert value(telemetry, "arrival_rate", queue="emails") == 5.0
    assert value(telemetry, "backlog", queue="emails") == 3
    assert value(telemetry, "sample_timestamp_seconds", queue="emails") == NOW.timestamp()


def test_every_decision_and_reason_is_counted_by_its_name() -> None:
    telemetry = Telemetry()
    for decision in Decision:
        for reason in Reason:
            telemetry.decided("emails", decision, reason)
    assert value(telemetry, "decisions_total", queue="emails", decision="applied", reason="none") == 1
    assert value(telemetry, "decisions_total", queue="emails", decision="recommended", reason="stale_data") == 1
    rows = [s for s in samples(telemetry) if s.name == f"{OURS}decisions_total"]
    assert len(rows) == len(Decision) * len(Reason)


def test_scalings_are_counted_by_direction_and_outcome_and_scalers_by_outcome() -> None:
    telemetry = Telemetry()
    telemetry.scaled("emails", 2, 5, scaler="dry_run", outcome="done")
    telemetry.scaled("emails", 5, 2, scaler="dry_run", outcome="retry")
    telemetry.scaled("emails", 5, 5, scaler="", outcome="done")
    telemetry.scaled("emails", 5, 6, scaler="of somebody", outcome="failed")
    assert value(telemetry, "scalings_total", queue="emails", direction="up", outcome="done") == 1
    assert value(telemetry, "scalings_total", queue="emails", direction="down", outcome="retry") == 1
    assert value(telemetry, "scalings_total", queue="emails", direction="none", outcome="done") == 1
    assert value(telemetry, "scaler_calls_total", scaler="dry_run", outcome="done") == 1
    assert value(telemetry, "scaler_calls_total", scaler="none", outcome="done") == 1
    assert value(telemetry, "scaler_calls_total", scaler="other", outcome="failed") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        *((PlannerError(code, "x"), str(code)) for code in ErrorCode),
        *((code, str(code)) for code in ErrorCode),
        (NotFoundError("x"), "NOT_FOUND"),
        (ConflictError("x"), "CONFLICT"),
        (TooLargeError("x"), "TOO_LARGE"),
        (UnavailableError("x"), "UNAVAILABLE"),
        (WorldError("x"), "WORLD_FAILED"),
        (AccessError(401, "x"), "ACCESS_DENIED"),
        (ServiceError("x"), "INTERNAL"),
        (ZeroDivisionError(), "INTERNAL"),
        ("UNAVAILABLE", "UNAVAILABLE"),
        ("whatever a caller says", "other"),
    ],
)
def test_an_error_is_counted_by_its_code(error: Any, code: str) -> None:
    telemetry = Telemetry()
    telemetry.refused(error)
    assert value(telemetry, "errors_total", code=code) == 1


def test_the_loop_and_the_simulations_show() -> None:
    telemetry = Telemetry(clock=clock_at([1_000.0]))
    telemetry.loop_pass(0.05, 0.4)
    telemetry.owned(7)
    telemetry.heavy(1, 2)
    telemetry.simulated(1.5)
    telemetry.stored(10)
    telemetry.gap("emails")
    assert value(telemetry, "loop_pass_duration_seconds_count") == 1
    assert value(telemetry, "loop_lag_seconds") == 0.4
    assert value(telemetry, "loop_timestamp_seconds") == 1_000.0
    assert value(telemetry, "owned_queues") == 7
    assert value(telemetry, "simulations_running") == 1
    assert value(telemetry, "simulations_waiting") == 2
    assert value(telemetry, "simulation_duration_seconds_sum") == 1.5
    assert value(telemetry, "samples_stored_total") == 10
    assert value(telemetry, "gaps_total", queue="emails") == 1


def test_what_is_not_known_yet_is_no_zero() -> None:
    telemetry = Telemetry()
    for name in ("cache_hit_ratio", "loop_lag_seconds", "loop_timestamp_seconds", "owned_queues"):
        assert math.isnan(value(telemetry, name) or 0.0), name
    assert not [s for s in samples(telemetry) if "queue" in s.labels or "model" in s.labels]


def test_what_is_alerted_upon_is_counted_from_zero_on() -> None:
    telemetry = Telemetry()
    telemetry.keep("emails", FIVE)
    assert all(value(telemetry, "errors_total", code=str(code)) == 0 for code in ErrorCode)
    assert value(telemetry, "errors_total", code="UNAVAILABLE") == 0
    assert value(telemetry, "plans_total", source="loop", outcome="made") == 0
    assert value(telemetry, "scaler_calls_total", scaler="dry_run", outcome="failed") == 0
    assert value(telemetry, "scalings_total", queue="emails", direction="up", outcome="failed") == 0


def test_a_queue_that_is_taken_over_shows_since_when_and_how_often() -> None:
    now = [1_000.0]
    telemetry = Telemetry(clock=clock_at(now))
    telemetry.keep("emails", FIVE)
    now[0] = 2_000.0
    telemetry.keep("emails", timedelta(minutes=1))
    assert value(telemetry, "planned_since_timestamp_seconds", queue="emails") == 1_000.0
    assert value(telemetry, "plan_interval_seconds", queue="emails") == 60.0


def test_a_forgotten_queue_leaves_nothing_behind() -> None:
    telemetry = told()
    tell_all(telemetry, "reports")
    for decision in Decision:
        for reason in Reason:
            telemetry.decided("emails", decision, reason)
    telemetry.forget("emails")
    telemetry.forget("emails")
    telemetry.forget("never seen")
    assert {s.labels["queue"] for s in samples(telemetry) if "queue" in s.labels} == {"reports"}


def test_queues_beyond_the_limit_are_counted_together_and_show_no_gauges() -> None:
    telemetry = Telemetry(max_queues=2)
    for queue in ("a", "b", "c", "d"):
        tell_all(telemetry, queue)
    shown = {s.labels["queue"] for s in samples(telemetry) if "queue" in s.labels}
    assert shown == {"a", "b", "other"}
    assert value(telemetry, "generation_duration_seconds_count", queue="other") == 6
    assert value(telemetry, "gaps_total", queue="other") == 2
    assert value(telemetry, "scalings_total", queue="other", direction="up", outcome="done") == 2
    gauges = {name for name, (kind, _, labels) in families(telemetry).items() if kind == "gauge" and "queue" in labels}
    assert len(gauges) == 15
    assert not [s for s in samples(telemetry) if s.name in gauges and s.labels["queue"] == "other"]


def test_a_queue_that_goes_makes_room() -> None:
    telemetry = Telemetry(max_queues=1)
    telemetry.gap("a")
    telemetry.gap("b")
    telemetry.forget("a")
    telemetry.gap("b")
    assert value(telemetry, "gaps_total", queue="b") == 1
    assert value(telemetry, "gaps_total", queue="a") is None


def test_queues_that_are_planned_for_by_themselves_go_before_those_that_are_asked_about() -> None:
    telemetry = Telemetry(max_queues=2)
    telemetry.keep("kept", FIVE)
    telemetry.planned("asked", 0.1, plan(), source="request")
    telemetry.keep("new", FIVE)
    telemetry.keep("late", FIVE)
    shown = {s.labels["queue"] for s in samples(telemetry) if "queue" in s.labels}
    assert shown == {"kept", "new"}


def test_a_thousand_names_of_strangers_leave_a_bounded_text() -> None:
    telemetry = Telemetry(max_queues=10)
    for i in range(1_000):
        telemetry.planned(f"{i}-{'x' * i}", 0.1, plan(), source=f"{i}")
        telemetry.refused(f"{i}")
        telemetry.accuracy(f"statsforecast:{i}", 0.5)
        telemetry.accuracy(f"{i}", 0.5)
        telemetry.scaled(f"{i}", 1, 2, scaler=f"{i}", outcome="done")
        telemetry.http_request(f"/v1/{i}", f"{i}", i, 0.1)
    body, _ = telemetry.exposition(None)
    labels = {(name, text) for s in samples(telemetry) for name, text in s.labels.items()}
    count = {name: sum(label == name for label, _ in labels) for name in ("queue", "model", "route", "method", "code")}
    assert count == {"queue": 11, "model": 101, "route": 65, "method": 1, "code": 17}
    assert len(body) < 1_000_000


@pytest.mark.parametrize("model", ["ewma", "auto", "statsforecast:AutoETS"])
def test_a_model_that_there_is_has_its_name(model: str) -> None:
    telemetry = Telemetry()
    telemetry.accuracy(model, 0.9)
    assert value(telemetry, "forecast_accuracy", model=model) == 0.9


def test_what_is_in_no_closed_set_is_other() -> None:
    telemetry = Telemetry()
    telemetry.accuracy("prophet", 0.9)
    telemetry.http_request("other", "BREW", 1_000, 0.1)
    telemetry.planned("emails", 0.1, plan(), source="somebody")
    assert value(telemetry, "forecast_accuracy", model="other") == 0.9
    assert value(telemetry, "http_requests_total", route="other", method="other", status="other") == 1
    assert value(telemetry, "plans_total", source="other", outcome="made") == 1


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ('a "quoted" \\ name', 'a "quoted" \\ name'),
        ("{le='5'}", "{le='5'}"),
        ("line\nbreak", "line\nbreak"),
        ("größe/日本 🐇", "größe/日本 🐇"),
        ("", "(unnamed)"),
        ("other", "(other)"),
        ("\ud800x", "?x"),
        ("x" * 200, "x" * 200),
    ],
)
def test_a_queue_may_have_any_name(name: str, label: str) -> None:
    telemetry = told()
    tell_all(telemetry, name)
    assert value(telemetry, "target_workers", queue=label) == plan().plan.target_workers
    telemetry.forget(name)
    assert value(telemetry, "target_workers", queue=label) is None


@given(st.lists(st.text(), max_size=5))
def test_whatever_queues_are_called_both_texts_can_be_parsed(names: list[str]) -> None:
    telemetry = Telemetry(max_queues=3)
    for name in names:
        telemetry.gap(name)
        telemetry.seen(name, SAMPLE, workers=1)
    parsed = []
    for accept, parse in ((None, text_string_to_metric_families), ("application/openmetrics-text", openmetrics)):
        body, _ = telemetry.exposition(accept)
        parsed.append({s.labels["queue"] for f in parse(body.decode()) for s in f.samples if "queue" in s.labels})
    assert parsed[0] == parsed[1]
    assert len(parsed[0]) <= 4
    assert bool(parsed[0]) == bool(names)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/plain; version=0.0.4; charset=utf-8"),
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html, rubbish;;=,", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
def test_the_text_is_of_the_kind_that_is_asked_for(accept: str | None, content_type: str) -> None:
    body, said = told().exposition(accept)
    assert said == content_type
    assert body.endswith(b"# EOF\n") == ("openmetrics" in content_type)
    assert b"\ncapacity_planner_errors_total{" in body


def test_both_texts_say_the_same() -> None:
    telemetry = told()
    texts = []
    for accept, parse in ((None, text_string_to_metric_families), ("application/openmetrics-text", openmetrics)):
        body, _ = telemetry.exposition(accept)
        found = [s for family in parse(body.decode()) for s in family.samples if s.name.startswith(OURS)]
        texts.append({(s.name, tuple(sorted(s.labels.items()))): s.value for s in found})
    assert texts[0] == texts[1]
    assert len(texts[0]) > 100


def test_every_metric_says_what_it_is_and_durations_are_in_seconds() -> None:
    for name, (kind, said, _) in families(told()).items():
        if name.startswith(OURS):
            assert said.endswith("."), name
            assert name.endswith("_total") == (kind == "counter"), name
            assert name.endswith("_seconds") or kind != "histogram", name
            assert not name.endswith("_created"), name


def test_the_process_and_the_version_show() -> None:
    telemetry = Telemetry()
    assert value(telemetry, "build_info", version=version("capacity-planner")) == 1
    names = {s.name for s in samples(telemetry)}
    assert "python_info" in names
    assert "python_gc_collections_total" in names
    assert "process_resident_memory_bytes" in names or sys.platform != "linux"


def test_buckets_never_shrink() -> None:
    telemetry = told()
    rows = [s for s in samples(telemetry) if s.name.endswith("_bucket") and "route" not in s.labels]
    for name in {s.name for s in rows}:
        counts = [s.value for s in rows if s.name == name]
        assert len(counts) == 11
        assert all(before <= after for before, after in pairwise(counts))


def test_two_telemetries_know_nothing_of_each_other() -> None:
    first, second = Telemetry(), Telemetry()
    first.gap("emails")
    assert value(second, "gaps_total", queue="emails") is None


def test_nothing_is_lost_between_threads() -> None:
    telemetry, failures, times = Telemetry(max_queues=4), [], 400

    def work(number: int) -> None:
        try:
            for i in range(times):
                telemetry.planned("emails", 0.02, plan(), source="loop")
                telemetry.gap(f"queue-{i % 3}")
                telemetry.http_request("/v1/plans", "POST", 200, 0.01)
                telemetry.keep(f"mine-{number}", FIVE)
                telemetry.seen(f"mine-{number}", SAMPLE, workers=i)
                telemetry.forget(f"mine-{number}")
                if i % 50 == 0:
                    telemetry.exposition(None)
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    assert not failures
    plans = [s.value for s in samples(telemetry) if s.name == f"{OURS}plans_total" and s.labels["outcome"] == "made"]
    assert sum(plans) == 6 * times
    assert value(telemetry, "http_requests_total", route="/v1/plans", method="POST", status="200") == 6 * times
    left = {s.labels["queue"] for s in samples(telemetry) if "queue" in s.labels}
    assert not {name for name in left if name.startswith("mine-")}
