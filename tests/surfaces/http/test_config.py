from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.surfaces.http._served import NOON, problem, sample, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.surfaces.http._served import Served

CONFIG: dict[str, Any] = {
    "slo": {"p95_latency": "8s"},
    "queues": [{"queue_name": "emails", "mode": "manual", "planner": {"max_workers": 40, "cooldown_period": "90s"}}],
}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        yield made


def put(client: httpx.Client, match: str | None, config: dict[str, Any] = CONFIG, query: str = "") -> httpx.Response:
    return client.put(f"/v1/config{query}", json=config, headers={} if match is None else {"If-Match": match})


def test_the_configuration_is_changed_where_it_still_is_what_was_seen(fresh: Served) -> None:
    seen = fresh.client.get("/v1/config")
    assert (seen.status_code, seen.json()["version"], seen.headers["etag"]) == (200, 0, '"0"')
    changed = put(fresh.client, seen.headers["etag"])
    assert (changed.status_code, changed.json()["version"], changed.headers["etag"]) == (200, 1, '"1"')
    assert changed.json()["changed_by"] == "anonymous"
    assert fresh.client.get("/v1/config").json() == changed.json()
    stale = put(fresh.client, seen.headers["etag"])
    assert "newest is 1" in problem(stale, 412)["detail"]
    assert fresh.client.get("/v1/config").json()["version"] == 1


def test_a_change_without_a_version_is_refused(fresh: Served) -> None:
    assert "If-Match" in problem(put(fresh.client, None), 428)["detail"]


def test_a_star_takes_whatever_is_there(fresh: Served) -> None:
    assert [put(fresh.client, "*").json()["version"] for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("match", ["0", '"x"', 'W/"0"', '"0", "1"', '"', "", '"²"', '"-1"', f'"{"9" * 16}"'])
def test_a_version_that_cannot_be_one_is_refused(fresh: Served, match: str) -> None:
    answer = fresh.client.put("/v1/config", json=CONFIG, headers=[(b"If-Match", match.encode("latin-1"))])
    assert problem(answer, 400)["details"]["field"] == "If-Match"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"planner": {"max_workers": 0.5}}, "planner.max_workers"),
        ({"queues": [{"queue_name": "a"}]}, "queues.0.slo"),
        ({"slo": {"p95_latency": "8s"}, "queues": [{"queue_name": "a"}, {"queue_name": "a"}]}, "queues.1.queue_name"),
        ({"slo": {"p95_latency": "8s"}, "queues": [{"queue_name": "a", "scaler": {"name": "no"}}]}, "scaler"),
        ({"queue": []}, "queue"),
        ({"planner": {"min_workers": 5, "max_workers": 4}}, "min_workers"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(fresh: Served, config: dict[str, Any], field: str) -> None:
    told = problem(put(fresh.client, "*", config), 400)
    assert field in told["details"]["field"]
    assert fresh.client.get("/v1/config").json()["version"] == 0


def test_durations_of_the_configuration_are_written_as_asked(fresh: Served) -> None:
    text, whole = put(fresh.client, "*").json(), put(fresh.client, "*", query="?durations=ns").json()
    assert text["config"]["queues"][0]["planner"] == {"cooldown_period": "90s", "max_workers": 40}
    assert whole["config"]["queues"][0]["planner"] == {"cooldown_period": 90 * 10**9, "max_workers": 40}


def test_the_versions_are_kept(fresh: Served) -> None:
    for _ in range(3):
        put(fresh.client, "*")
    found = fresh.client.get("/v1/config/versions").json()["versions"]
    assert [item["version"] for item in found] == [3, 2, 1]


def test_of_those_who_change_the_same_version_at_once_one_wins(fresh: Served) -> None:
    statuses = []

    def change() -> None:
        with httpx.Client(base_url=fresh.server.url) as client:
            statuses.append(put(client, '"0"').status_code)

    work = [threading.Thread(target=change) for _ in range(8)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 7


def test_what_was_learned_is_forgotten_of_one_queue_or_of_all(fresh: Served) -> None:
    def known(name: str) -> int:
        return len(fresh.store.samples(name, since=NOON - timedelta(days=1)))

    fresh.client.post("/v1/metrics", json=[sample(-1, queue_name=name) for name in ("a", "b", "c")])
    fresh.clock.now += timedelta(minutes=1)
    forgotten = fresh.client.post("/v1/reset", json={"queue_name": "a"})
    assert (forgotten.status_code, forgotten.content) == (204, b"")
    assert [known(name) for name in "abc"] == [0, 1, 1]
    assert fresh.client.post("/v1/reset", json={"all": True}).status_code == 204
    assert [known(name) for name in "abc"] == [0, 0, 0]


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"queue": "a"},
        {"queue_name": 3},
        {},
        {"queue_name": None},
        {"queue_name": ""},
        {"all": False},
        {"all": True, "queue_name": "emails"},
        {"all": 1},
    ],
)
def test_nothing_is_forgotten_by_mistake(fresh: Served, body: Any) -> None:
    fresh.client.post("/v1/metrics", json=sample(-1))
    fresh.clock.now += timedelta(minutes=1)
    headers = {"Content-Type": "application/json"}
    problem(fresh.client.post("/v1/reset", content=json.dumps(body), headers=headers), 400)
    problem(fresh.client.post("/v1/reset"), 415)
    assert len(fresh.store.samples("emails", since=NOON - timedelta(days=1))) == 1


def test_who_names_no_queue_is_told_how_to_forget_all(fresh: Served) -> None:
    told = problem(fresh.client.post("/v1/reset", json={}), 400)
    assert (told["code"], told["details"]["field"]) == ("CONFIG_INVALID", "queue_name")
    assert '"all": true' in told["detail"]


def test_a_queue_that_nothing_is_known_of_cannot_be_forgotten(fresh: Served) -> None:
    assert "'emial'" in problem(fresh.client.post("/v1/reset", json={"queue_name": "emial"}), 404)["detail"]
