"""A telemetry that was told everything there is to tell, from a real plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from capacity_planner import SLO, CapacityPlanner, PlanRequest
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.scaling import Decision, Reason
from capacity_planner.errors import NotFoundError
from capacity_planner.service.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client.samples import Sample

    from capacity_planner.domain.request import PlanResponse

NOW = datetime.now(UTC).replace(microsecond=0)
SAMPLE = Metrics(
    timestamp=NOW,
    arrival_rate=5.0,
    service_time=timedelta(seconds=2),
    current_workers=12,
    backlog=3,
    queue_name="emails",
)


@cache
def plan() -> PlanResponse:
    """A real plan, of a queue with an hour of history."""
    history = tuple(replace(SAMPLE, timestamp=NOW - timedelta(minutes=5 * i)) for i in range(12, 0, -1))
    slo = SLO(p95_latency=timedelta(seconds=30))
    return CapacityPlanner().generate_plan(PlanRequest(current_metrics=SAMPLE, slo=slo, history=history))


def tell_all(telemetry: Telemetry, queue: str = "emails") -> None:
    """Every method, as the desk and the loop call them."""
    telemetry.keep(queue, timedelta(minutes=5))
    telemetry.owned(1)
    telemetry.seen(queue, SAMPLE, workers=12)
    telemetry.planned(queue, 0.02, plan(), source="loop")
    telemetry.planned(queue, 0.0004, replace(plan(), cache_hit=True), source="request")
    telemetry.planned(queue, 0.0002, None, source="request")
    telemetry.decided(queue, Decision.APPLIED, Reason.NONE)
    telemetry.decided(queue, Decision.RECOMMENDED, Reason.LOW_CONFIDENCE)
    telemetry.scaled(queue, 12, 15, scaler="dry_run", outcome="done")
    telemetry.scaled(queue, 15, 12, scaler="", outcome="done")
    telemetry.gap(queue)
    telemetry.refused(NotFoundError("There is no such plan."))
    telemetry.accuracy("ewma", 0.9)
    telemetry.simulated(1.5)
    telemetry.heavy(1, 2)
    telemetry.stored(10)
    telemetry.loop_pass(0.05, 0.4)
    telemetry.http_request("/v1/plans", "POST", 200, 0.03)


def told(**options: Any) -> Telemetry:
    """A new telemetry that was told everything."""
    telemetry = Telemetry(**options)
    tell_all(telemetry)
    return telemetry


def samples(telemetry: Telemetry) -> list[Sample]:
    """Every sample, as a client parses the text."""
    body, _ = telemetry.exposition(None)
    return [sample for family in text_string_to_metric_families(body.decode()) for sample in family.samples]


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    """The value of one series of ours; ``None`` where there is none."""
    found = [s.value for s in samples(telemetry) if s.name == f"capacity_planner_{name}" and s.labels == labels]
    assert len(found) <= 1, found
    return found[0] if found else None


def families(telemetry: Telemetry) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Name in the text → (type, help, labels)."""
    body, _ = telemetry.exposition(None)
    rows = {}
    for family in text_string_to_metric_families(body.decode()):
        labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le")
        name = f"{family.name}_total" if family.type == "counter" else family.name
        rows[name] = (family.type, family.documentation, tuple(labels))
    return rows


def clock_at(now: list[float]) -> Callable[[], float]:
    """A clock that a test sets."""
    return lambda: now[0]
