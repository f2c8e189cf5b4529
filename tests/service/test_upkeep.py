"""Past plans are judged as they come of age, within bounds, and none is in the way of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner import RequiredWorkers
from capacity_planner.domain.server import ServerSettings
from capacity_planner.service.upkeep import Upkeep
from tests.store._kept import HOUR, MINUTE, NOON, record

from ._stage import Clock, Stage, history, queue, stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capacity_planner.domain.review import PlanOutcome

LATER = NOON + 2 * HOUR


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Stage]:
    """Two hours after noon, and one job a second came all the time."""
    made = stage(f"sqlite:///{tmp_path / 'planner.db'}", Clock(LATER), queue())
    made.store.add_samples(history(LATER, lambda _: 1.0, hours=3.0))
    yield made
    made.store.close()


def upkeep(made: Stage, replica: str = "one", **rest: Any) -> Upkeep:
    return Upkeep(made.desk, made.store, made.telemetry, ServerSettings(), replica, **rest)


def keep(made: Stage, plan_id: str, minutes: float = 0, *, queue_name: str = "emails", **rest: Any) -> None:
    made.store.add_plan(record(plan_id, minutes, queue=queue_name, **rest))


def outcomes(made: Stage, queue_name: str = "emails") -> dict[str, PlanOutcome]:
    return {item.plan_id: item for item in made.store.outcomes(queue_name, limit=1_000)}


@pytest.mark.slow
def test_more_plans_than_are_read_at_once_are_judged_in_one_go(past: Stage) -> None:
    for place in range(60):
        keep(past, f"p{place}", place / 60)
    upkeep(past, budget=timedelta(minutes=5)).run(LATER)
    found = outcomes(past)
    assert len(found) == 60
    assert all(item.judged for item in found.values())
    assert past.store.plans_to_judge(LATER, 10) == []


def test_what_the_budget_does_not_reach_is_judged_the_next_time_the_oldest_first(past: Stage) -> None:
    for minute in range(3):
        keep(past, f"p{minute}", minute)
    short = upkeep(past, budget=timedelta(microseconds=1))
    short.run(LATER)
    assert len(past.store.plans_to_judge(LATER, 10)) == 3
    past.clock.now += timedelta(seconds=31)
    upkeep(past).run(past.clock.now)
    assert len(outcomes(past)) == 3


def test_two_replicas_take_turns(past: Stage) -> None:
    upkeep(past, "one").run(LATER)
    keep(past, "p0")
    upkeep(past, "two").run(LATER)
    assert outcomes(past) == {}
    past.clock.now += timedelta(seconds=30)
    upkeep(past, "two").run(past.clock.now)
    assert outcomes(past).keys() == {"p0"}


def test_a_plan_is_judged_when_the_end_of_its_window_is_measured(past: Stage) -> None:
    keep(past, "fresh", 59)
    upkeep(past).run(LATER)
    assert outcomes(past) == {}
    past.clock.now += 10 * MINUTE
    past.store.add_samples(history(past.clock.now, lambda _: 1.0, hours=0.5))
    upkeep(past).run(past.clock.now)
    assert outcomes(past)["fresh"].judged


def test_too_many_jobs_are_told_and_not_tried(past: Stage) -> None:
    much = RequiredWorkers(
        start=NOON,
        end=NOON + HOUR,
        arrival_rate=20_000.0,
        demand_rate=20_000.0,
        offered_load=1.0,
        backlog=0.0,
        workers=1,
    )
    kept = record("much")
    plan = replace(kept.response.plan, required=(much,))
    past.store.add_plan(replace(kept, response=replace(kept.response, plan=plan)))
    past.store.add_samples(
        [replace(item, queue_name="torrent", arrival_rate=9e3) for item in past.desk.history("emails", since=NOON)]
    )
    keep(past, "flood", queue_name="torrent")
    keep(past, "calm", 1)
    upkeep(past).run(LATER)
    found = outcomes(past) | outcomes(past, "torrent")
    assert not found["much"].judged
    assert "too many jobs to judge it: about 7.2e+07" in found["much"].reason
    assert "about 3.24e+07" in found["flood"].reason
    assert found["calm"].judged


def test_what_cannot_be_judged_is_told_and_never_in_the_way(past: Stage) -> None:
    keep(past, "blind", queue_name="unseen")
    keep(past, "p0")
    upkeep(past).run(LATER)
    assert (outcomes(past)["p0"].judged, outcomes(past, "unseen")["blind"].judged) == (True, False)
    assert outcomes(past, "unseen")["blind"].reason == "The history has no samples."
    assert past.store.plans_to_judge(LATER, 10) == []


def test_what_fails_in_an_unforeseen_way_is_told_too(past: Stage, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Upkeep):
        """One whose reviews fail."""

        def _reviewed(self, plan: Any) -> PlanOutcome:
            raise MemoryError(plan.id)

    keep(past, "p0")
    Broken(past.desk, past.store, past.telemetry, ServerSettings(), "one").run(LATER)
    assert outcomes(past)["p0"].reason == "To judge it failed in an unforeseen way (MemoryError)."
    assert "a plan could not be judged" in caplog.text


def test_plans_that_were_only_asked_for_are_passed_over_unless_somebody_applied_them(past: Stage) -> None:
    for minute, plan_id in enumerate(("asked", "applied")):
        keep(past, plan_id, minute, made_by="ada")
    past.store.apply("applied", by="ada", orders=(), scaling=None)
    upkeep(past).run(LATER)
    assert outcomes(past).keys() == {"applied"}
