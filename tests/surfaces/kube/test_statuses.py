"""A status says what is so, and since when; events tell what changed, once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.plan import ScalingAction
from capacity_planner.domain.scaling import (
    Decision,
    Order,
    OrderStatus,
    PlanRecord,
    QueueStatus,
    Reason,
    ScalingRecord,
)
from capacity_planner.surfaces.kube.deployments import Deployed
from capacity_planner.surfaces.kube.facts import Facts
from capacity_planner.surfaces.kube.names import AUTOSCALER, POOL
from capacity_planner.surfaces.kube.objects import Object
from capacity_planner.surfaces.kube.reading import Rules
from capacity_planner.surfaces.kube.reporting import change_of, status_of
from capacity_planner.surfaces.kube.rivals import rivals_of
from capacity_planner.surfaces.kube.settling import Settling, Verdict
from capacity_planner.surfaces.kube.telling import Allowance, Event, body_of, events_of
from tests.service._told import NOW, SAMPLE, plan

from ._cluster import problems
from ._wishes import SERVICE, SPEC, resource

if TYPE_CHECKING:
    from capacity_planner.domain.request import PlanResponse

MINUTE = timedelta(minutes=1)


@cache
def _response(workers: int = 0) -> PlanResponse:
    """A real plan; with ``workers`` it is told to change something."""
    found = plan()
    if not workers:
        return found
    step = replace(
        found.plan.steps[0], action=ScalingAction.SCALE_UP, from_workers=12, to_workers=workers, delta=workers - 12
    )
    return replace(found, plan=replace(found.plan, steps=(step,), target_workers=workers, delta=workers - 12))


def _record(decision: Decision, reason: Reason = Reason.NONE, workers: int = 20, **more: Any) -> PlanRecord:
    return PlanRecord(response=_response(workers), decision=decision, reason=reason, recorded_at=NOW, **more)


def _order(status: OrderStatus, **more: Any) -> Order:
    common: dict[str, Any] = {
        "id": "p/1",
        "plan_id": "p",
        "queue_name": "emails",
        "sequence": 1,
        "due": NOW,
        "expires": NOW + MINUTE,
    }
    return Order(**common, from_workers=12, to_workers=20, status=status, **more)


def _facts(record: PlanRecord | None = None, gap: str = "", age: timedelta = MINUTE, **more: Any) -> Facts:
    sample = replace(SAMPLE, timestamp=NOW - age)
    status = QueueStatus(queue_name="emails", planned_slot=NOW, newest_sample=sample, gap=gap)
    return Facts(now=NOW, stale_after=15 * MINUTE, status=status, record=record, **more)


def _verdict(found: Object | None = None, *, rival: bool = False) -> Verdict:
    ref = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "workers"}}
    body = {"metadata": {"name": "by-cpu", "namespace": "jobs"}, "spec": ref}
    rivals = rivals_of([Object(AUTOSCALER, body)] if rival else [])
    verdict: Verdict = Settling((), Rules()).settle([found or resource(spec=SPEC | {"mode": "auto"})], rivals, SERVICE)[
        0
    ]
    return verdict


def _status(facts: Facts | None, verdict: Verdict | None = None, deployed: Deployed | None = None) -> dict[str, Any]:
    return status_of(verdict or _verdict(), facts, deployed, NOW)


def _said(status: dict[str, Any], which: str) -> tuple[str, str, str]:
    found = next(item for item in status["conditions"] if item["type"] == which)
    return found["status"], found["reason"], found["message"]


FACTS = [
    None,
    _facts(),
    _facts(_record(Decision.UNCHANGED, workers=0)),
    _facts(_record(Decision.APPLIED), orders=(_order(OrderStatus.DONE),)),
    _facts(_record(Decision.RECOMMENDED, Reason.LOW_CONFIDENCE, explanation="Its confidence is low.")),
    _facts(
        _record(Decision.APPLIED),
        scaling=ScalingRecord(queue_name="emails", at=NOW, from_workers=12, to_workers=20, plan_id="p"),
    ),
]


@pytest.mark.parametrize("facts", FACTS)
def test_every_status_is_one_that_the_schema_takes(facts: Facts | None) -> None:
    body = {"kind": "CapacityPolicy", "metadata": {"name": "x"}, "spec": SPEC, "status": _status(facts)}
    assert problems(body) == []


def test_a_plan_that_is_carried_out() -> None:
    status = _status(_facts(_record(Decision.APPLIED), orders=(_order(OrderStatus.DONE),)))
    assert _said(status, "Measured")[:2] == ("True", "Measured")
    assert _said(status, "Planned")[:2] == ("True", "Planned")
    assert _said(status, "Applied") == ("True", "Applied", "1 of 1 steps are done.")
    assert (status["currentWorkers"], status["targetWorkers"]) == (12, 20)
    assert status["recommendation"].startswith("Go from 12 to 20 workers, beginning with 20 at ")
    assert "whyNotApplied" not in status


def test_a_plan_that_is_only_recommended_says_why() -> None:
    record = _record(Decision.RECOMMENDED, Reason.LOW_CONFIDENCE, explanation="Its confidence 0.5 is below 0.85.")
    status = _status(_facts(record))
    assert _said(status, "Applied") == ("False", "LowConfidence", "Its confidence 0.5 is below 0.85.")
    assert status["whyNotApplied"] == "Its confidence 0.5 is below 0.85."


def test_a_plan_that_a_person_applied_is_applied() -> None:
    record = _record(Decision.RECOMMENDED, Reason.MANUAL_MODE, applied_by="anna", applied_at=NOW)
    status = _status(_facts(record, orders=(_order(OrderStatus.PENDING),)))
    assert _said(status, "Applied")[0] == "True"
    assert "anna applied it." in _said(status, "Applied")[2]


def test_a_scaler_that_fails_is_told_with_what_it_said() -> None:
    retried = _facts(_record(Decision.APPLIED), orders=(_order(OrderStatus.PENDING, attempts=3, note="No answer."),))
    assert _said(_status(retried), "Applied") == ("False", "ScalerRetries", "Step 1 was tried 3 times: No answer.")
    failed = _facts(
        _record(Decision.APPLIED), orders=(_order(OrderStatus.FAILED, note="There is no such Deployment."),)
    )
    assert _said(_status(failed), "Applied")[1:] == (
        "ScalerFailed",
        "Step 1 was given up: There is no such Deployment.",
    )


def test_while_another_autoscaler_has_the_target_that_is_why() -> None:
    status = _status(_facts(_record(Decision.RECOMMENDED, Reason.ADVISORY_MODE)), _verdict(rival=True))
    assert _said(status, "Conflicted")[:2] == ("True", "AnotherAutoscaler")
    assert _said(status, "Applied")[:2] == ("False", "Conflicted")
    assert status["mode"] == "advisory"
    assert status["whyNotApplied"].startswith("The HorizontalPodAutoscaler by-cpu scales Deployment jobs/workers")


GAPS = [
    (_facts(gap="Redis does not answer.", age=MINUTE), ("False", "Gap"), ("False", "NoPlan")),
    (_facts(_record(Decision.APPLIED), gap="Redis does not answer."), ("False", "Gap"), ("True", "Planned")),
    (_facts(gap="The plan failed.", age=timedelta(0)), ("True", "Measured"), ("False", "NoPlan")),
    (_facts(_record(Decision.APPLIED), age=20 * MINUTE), ("False", "StaleSample"), ("True", "Planned")),
    (
        Facts(now=NOW, stale_after=MINUTE, status=QueueStatus(queue_name="emails", gap="No sample was seen yet.")),
        ("False", "NoSample"),
        ("Unknown", "Waiting"),
    ),
    (Facts(now=NOW, stale_after=MINUTE), ("Unknown", "Waiting"), ("Unknown", "Waiting")),
]


@pytest.mark.parametrize(("facts", "measured", "planned"), GAPS)
def test_what_is_missing_is_told_where_it_is_missing(
    facts: Facts, measured: tuple[str, str], planned: tuple[str, str]
) -> None:
    status = _status(facts)
    assert _said(status, "Measured")[:2] == measured
    assert _said(status, "Planned")[:2] == planned


def test_a_resource_that_is_refused_says_nothing_else() -> None:
    verdict = _verdict(resource(spec=SPEC | {"mode": "never"}))
    status = _status(None, verdict)
    assert _said(status, "Accepted")[:2] == ("False", "Invalid")
    assert _said(status, "Applied")[:2] == ("Unknown", "NotAccepted")
    assert set(status) == {"observedGeneration", "conditions"}


def test_a_condition_that_stays_keeps_its_time_and_one_that_turns_has_a_new_one() -> None:
    first = _status(_facts(_record(Decision.APPLIED)))
    later = NOW + 5 * MINUTE
    found = resource(spec=SPEC | {"mode": "auto"}, status=first)
    record = _record(Decision.RECOMMENDED, Reason.COOLDOWN, explanation="It cools down.")
    second = status_of(_verdict(found), _facts(record), None, later)
    times = {item["type"]: item["lastTransitionTime"] for item in second["conditions"]}
    before = {item["type"]: item["lastTransitionTime"] for item in first["conditions"]}
    assert times["Accepted"] == before["Accepted"]
    assert times["Applied"] != before["Applied"]


def test_a_pool_tells_of_its_pods_too() -> None:
    deployed = Deployed(ok=False, reason="NameTaken", message="There is one already.", replicas=3, ready=2)
    status = _status(_facts(), _verdict(resource(POOL, "reports")), deployed)
    assert (status["replicas"], status["readyReplicas"]) == (3, 2)
    assert status["selector"] == "capacity-planner.io/worker-pool=reports"
    assert _said(status, "Deployed") == ("False", "NameTaken", "There is one already.")


def test_a_status_that_is_as_it_was_is_not_written() -> None:
    status = _status(_facts(_record(Decision.APPLIED)))
    assert change_of(status, status) == {}
    assert change_of({**status, "whyNotApplied": "old"}, status) == {"whyNotApplied": None}


def _events(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(event.reason, event.warning) for event in events_of(before, after)]


def test_events_tell_the_first_of_it_and_nothing_twice() -> None:
    scaling = ScalingRecord(queue_name="emails", at=NOW, from_workers=12, to_workers=20, plan_id="p")
    status = _status(_facts(_record(Decision.APPLIED), orders=(_order(OrderStatus.DONE),), scaling=scaling))
    assert _events({}, status) == [("Accepted", False), ("Planned", False), ("Scaled", False)]
    assert _events(status, status) == []


def test_events_tell_of_trouble_and_of_its_end() -> None:
    good = _status(_facts(_record(Decision.APPLIED)))
    conflict = _status(_facts(_record(Decision.RECOMMENDED, Reason.ADVISORY_MODE)), _verdict(rival=True))
    assert _events(good, conflict) == [("AnotherAutoscaler", True), ("Recommended", False)]
    assert ("ConflictGone", False) in _events(conflict, good)
    gap = _status(_facts(_record(Decision.APPLIED), gap="Redis does not answer."))
    assert _events(good, gap) == [("Gap", True)]
    assert _events(gap, good) == [("Measured", False)]
    refused = _status(None, _verdict(resource(spec=SPEC | {"mode": "never"})))
    assert _events({}, refused) == [("Invalid", True)]
    assert _events(refused, good)[0] == ("Accepted", False)
    failed = _status(_facts(_record(Decision.APPLIED), orders=(_order(OrderStatus.FAILED, note="No."),)))
    assert _events(good, failed) == [("ScalerFailed", True)]


def test_the_same_recommendation_is_told_once_though_the_plan_is_another() -> None:
    record = _record(Decision.RECOMMENDED, Reason.ADVISORY_MODE, explanation="Advisory.")
    first = _status(_facts(record))
    another = replace(record, response=replace(record.response, plan=replace(record.response.plan, id="plan-2")))
    assert _events(first, _status(_facts(another))) == []
    more = replace(record, response=_response(25))
    assert _events(first, _status(_facts(more))) == [("Recommended", False)]


def test_an_event_is_as_the_api_takes_it() -> None:
    event = next(iter(events_of({}, _status(None))))
    body = body_of(event, resource(), "replica-1")
    assert body["regarding"]["uid"] == "uid-emails"
    assert body["metadata"]["namespace"] == "jobs"
    assert len(body["note"]) <= 1024
    assert body["type"] in {"Normal", "Warning"}


def test_a_resource_may_not_tell_more_than_so_many_events_at_once() -> None:
    allowance = Allowance()
    assert sum(allowance.take("emails") for _ in range(100)) == 12
    assert allowance.take("invoices")
    allowance.keep(set())
    assert allowance.take("emails")


def test_an_event_fits_whatever_it_is_about() -> None:
    event = Event("Recommended", "Очередь " * 200)
    body = body_of(event, resource(name="a" * 199 + "-b"), "replica-1")
    assert len(body["note"].encode()) <= 1024
    assert body["note"].startswith("Очередь")
    assert re.fullmatch(r"a{199}\.[0-9a-f]+", body["metadata"]["name"])
