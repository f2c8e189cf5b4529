from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from capacity_planner import codec
from capacity_planner.domain.review import PlanOutcome
from capacity_planner.domain.state import PlannerState
from tests.surfaces.http._served import HOUR, NOON, plan_request, problem, sample, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.surfaces.http._served import Served

NAME = "a/b c%é"
PATH = f"/v1/queues/{quote(NAME, safe='')}"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        samples = [sample(-minutes, queue_name=NAME, arrival_rate=float(minutes)) for minutes in (2000, 60, 30, 5, 0)]
        assert made.client.post("/v1/metrics", json=samples).status_code == 200
        yield made


def rates(fresh: Served, **query: str) -> list[float]:
    found = fresh.client.get(f"{PATH}/history", params=query).json()
    return [item["arrival_rate"] for item in found["samples"]]


def test_every_queue_that_is_known_is_listed(fresh: Served) -> None:
    fresh.client.post("/v1/metrics", json=sample(queue_name="zzz"))
    found = fresh.client.get("/v1/queues").json()["queues"]
    assert [item["queue_name"] for item in found] == [NAME, "zzz"]
    assert found[0]["newest_sample"]["arrival_rate"] == 0.0


def test_a_queue_has_a_status_and_its_settings(fresh: Served) -> None:
    found = fresh.client.get(PATH).json()
    assert found["status"]["queue_name"] == NAME
    assert found["settings"] is None
    config = {"slo": {"p95_latency": "8s"}, "queues": [{"queue_name": NAME, "planner": {"max_workers": 40}}]}
    fresh.client.put("/v1/config", json=config, headers={"If-Match": "*"})
    assert fresh.client.get(PATH).json()["settings"]["planner"] == {"max_workers": 40}


def test_the_state_is_what_the_planner_remembers(fresh: Served) -> None:
    answer = fresh.client.get(f"{PATH}/state")
    state = codec.decode(PlannerState, answer.content)
    assert state.last_update == NOON
    assert [item.arrival_rate for item in state.recent_history] == [60, 30, 5, 0]


def test_the_history_is_a_part_of_what_was_measured(fresh: Served) -> None:
    assert rates(fresh) == [60, 30, 5, 0]
    assert rates(fresh, limit="2") == [5, 0]
    assert rates(fresh, since=(NOON - 45 * timedelta(minutes=1)).isoformat()) == [30, 5, 0]
    assert rates(fresh, until=(NOON - 45 * timedelta(minutes=1)).isoformat()) == [60]
    assert rates(fresh, since="2026-11-01T00:00:00Z", until="2026-11-23T11:00:00+00:00") == [2000, 60]


def test_the_accuracy_has_forecasts_and_plans(fresh: Served) -> None:
    outcomes = [
        PlanOutcome(
            plan_id=f"plan-{i}",
            queue_name=NAME,
            generated_at=NOON + i * HOUR,
            forecast_window=HOUR,
            confidence=0.9,
            target_workers=4,
            slo_achievable=True,
            judged=True,
            kept=i > 0,
            runs_kept=1.0 if i else 0.0,
            broken=0.0,
            intervals=12,
        )
        for i in range(4)
    ]
    fresh.store.add_outcomes(outcomes)
    found = fresh.client.get(f"{PATH}/accuracy").json()
    assert found["forecasts"] == []
    assert [item["plan_id"] for item in found["review"]["outcomes"]] == ["plan-0", "plan-1", "plan-2", "plan-3"]
    assert found["review"]["kept_share"] == 0.75
    assert found["review"]["mean_confidence"] == pytest.approx(0.9)
    assert fresh.client.get(f"{PATH}/accuracy").json()["review"]["id"] == found["review"]["id"]


def test_forecasts_are_judged_once_their_time_has_come(fresh: Served) -> None:
    for minute in range(0, 60, 5):
        fresh.clock.now = NOON + timedelta(minutes=minute)
        asked = plan_request(minute, queue_name="judged", force_regen=True)
        assert fresh.client.post("/v1/plans", json=asked).status_code == 200
    found = fresh.client.get("/v1/queues/judged/accuracy").json()
    assert found["forecasts"][0]["model"] == "ewma"
    assert found["forecasts"][0]["outcomes"] > 0


@pytest.mark.parametrize("part", ["", "/state", "/history", "/accuracy", "/plans"])
def test_of_a_queue_that_nobody_knows_there_is_nothing(fresh: Served, part: str) -> None:
    assert "'none'" in problem(fresh.client.get(f"/v1/queues/none{part}"), 404)["detail"]


@pytest.mark.parametrize("name", ["%00", "%ff", "a%0Ab", "x" * 1001])
def test_a_name_that_no_queue_can_have_is_refused(fresh: Served, name: str) -> None:
    told = problem(fresh.client.get(f"/v1/queues/{name}/state"), 400)
    assert told["details"]["field"] == "name"


def test_a_name_is_one_part_of_the_path(fresh: Served) -> None:
    problem(fresh.client.get("/v1/queues/a/b%20c%25%C3%A9"), 404)
    fresh.client.post("/v1/metrics", json=sample(queue_name="x/history"))
    assert fresh.client.get("/v1/queues/x%2Fhistory").json()["status"]["queue_name"] == "x/history"
