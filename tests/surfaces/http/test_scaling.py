from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.server import ServerSettings
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.service.access import Access, Role
from capacity_planner.service.loop import Loop
from capacity_planner.service.target import metric_name
from capacity_planner.surfaces.http.routes_scaling import GROUP
from tests.surfaces.http._served import NOON, problem, sample, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.surfaces.http._served import Served

READER = "reader-token-0123456789"
MINUTE = timedelta(minutes=1)
ODD = "a/b c"
METRICS = f"{GROUP}/namespaces/jobs"


def pulled(name: str, **settings: Any) -> dict[str, Any]:
    return {"queue_name": name, "mode": "auto", "scaler": {"name": "pull"}, "best_effort": True, **settings}


def configure(made: Served, *queues: dict[str, Any]) -> None:
    slo, planner = {"p95_latency": "8s"}, {"confidence_threshold": 0.5, "max_workers": 80}
    config = {"slo": slo, "planner": planner, "queues": list(queues)}
    answer = made.client.put("/v1/config", json=config, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


def planned(made: Served, *names: str) -> None:
    """Have some queues planned for, from half an hour of samples."""
    samples = [sample(-minute, queue_name=name, current_workers=40) for name in names for minute in range(30)]
    made.client.post("/v1/metrics", json=samples)
    Loop(made.desk, made.store, made.telemetry, ServerSettings(), "test").round()


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Queues that were planned for; those who test do not change them."""
    with served(tmp_path_factory.mktemp("busy")) as made:
        names = ("emails", "reports", ODD)
        configure(made, *(pulled(name) for name in names), pulled("new"), {"queue_name": "others"})
        planned(made, *names)
        yield made


def ordered(made: Served, name: str = "emails") -> int:
    record = made.store.scalings(name, since=NOON - MINUTE)[-1]
    return record.to_workers


def metric(made: Served, name: str = "workers", **query: str) -> httpx.Response:
    return made.client.get(f"{METRICS}/{name}", params=query)


def failure(answer: httpx.Response, code: int, reason: str) -> str:
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (code, "application/json")
    assert "retry-after" not in answer.headers, "a Go client of Kubernetes would wait, and hold up other HPAs"
    assert (told["kind"], told["status"], told["code"], told["reason"]) == ("Status", "Failure", code, reason)
    return str(told["message"])


def test_the_workers_are_those_that_were_ordered(busy: Served) -> None:
    told = busy.client.get("/v1/queues/emails/workers").json()
    plan = busy.desk.records("emails")[0].response.plan
    assert told == {
        "queue_name": "emails",
        "workers": plan.steps[0].to_workers,
        "basis": "ordered",
        "since": "2026-11-23T12:00:00Z",
        "plan_id": plan.id,
    }
    assert told["workers"] == ordered(busy) > 40


def test_a_queue_s_name_is_one_part_of_the_path(busy: Served) -> None:
    told = busy.client.get("/v1/queues/a%2Fb%20c/workers").json()
    assert (told["queue_name"], told["workers"]) == (ODD, ordered(busy, ODD))


def test_nothing_is_made_up(busy: Served) -> None:
    answer = busy.client.get("/v1/queues/new/workers")
    assert "No plan was made for new yet" in problem(answer, 503)["detail"]
    assert int(answer.headers["retry-after"]) > 0
    assert "is not planned for" in problem(busy.client.get("/v1/queues/none/workers"), 404)["detail"]
    assert 'name = "pull"' in problem(busy.client.get("/v1/queues/others/workers"), 409)["detail"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"ahead": "30"}, "ahead"),
        ({"ahead": "2h"}, "ahead"),
        ({"ahead": "-1s"}, "ahead"),
        ({"fallback": "static"}, "fallback"),
        ({"hold": "true"}, "hold"),
    ],
)
def test_wrong_questions_are_refused_by_name(busy: Served, query: dict[str, str], field: str) -> None:
    answer = busy.client.get("/v1/queues/emails/workers", params=query)
    assert problem(answer, 400)["details"]["field"] == field


def test_orders_that_are_due_soon_and_orders_that_are_held_are_told_to_those_who_ask(tmp_path: Path) -> None:
    with served(tmp_path) as made:
        steps = {"max_step_size": 5, "scale_up_cooldown": "4m", "plan_interval": "5m", "cooldown_period": "5m"}
        configure(made, pulled("emails", planner=steps))
        planned(made, "emails")
        path = "/v1/queues/emails/workers"
        assert made.client.get(path).json()["workers"] == 45
        early = made.client.get(path, params={"ahead": "5m"}).json()
        assert (early["workers"], early["basis"]) == (50, "ahead")
        made.clock.now += timedelta(hours=1)
        assert "more than 15m" in problem(made.client.get(path), 503)["detail"]
        held = made.client.get(path, params={"fallback": "hold"}).json()
        assert (held["workers"], held["basis"]) == (45, "held")


def test_kubernetes_finds_the_api_group(busy: Served) -> None:
    found = busy.client.get(GROUP, params={"timeout": "32s"}).json()
    assert (found["kind"], found["groupVersion"]) == ("APIResourceList", "external.metrics.k8s.io/v1beta1")
    (resource,) = found["resources"]
    assert (resource["kind"], resource["namespaced"], resource["verbs"]) == ("ExternalMetricValueList", True, ["get"])


def test_an_external_metric_is_a_quantity_with_its_queue_and_its_time(busy: Served) -> None:
    found = metric(busy, labelSelector="queue=emails").json()
    (item,) = found["items"]
    assert (found["kind"], found["apiVersion"]) == ("ExternalMetricValueList", "external.metrics.k8s.io/v1beta1")
    assert item["value"] == str(ordered(busy))
    assert (item["metricName"], item["metricLabels"]) == ("workers", {"queue": "emails"})
    assert datetime.fromisoformat(item["timestamp"]).microsecond == 0
    assert item["timestamp"].endswith("Z")


def test_the_metric_of_a_queue_whose_name_no_label_can_have_has_a_name_of_its_own(busy: Served) -> None:
    (item,) = metric(busy, metric_name(ODD)).json()["items"]
    assert (item["metricName"], item["value"]) == (metric_name(ODD), str(ordered(busy, ODD)))
    same = metric(busy, "workers-emails", labelSelector="queue=emails").json()["items"]
    assert [item["value"] for item in same] == [str(ordered(busy))]


@pytest.mark.parametrize(
    ("selector", "queues"),
    [
        ("queue=emails", ["emails"]),
        ("queue==emails", ["emails"]),
        ("queue = emails", ["emails"]),
        ("queue in (emails)", ["emails"]),
        ("queue in (emails, reports)", ["emails", "reports"]),
        ("queue in (reports,reports)", ["reports"]),
    ],
)
def test_selectors_choose_queues(busy: Served, selector: str, queues: list[str]) -> None:
    found = metric(busy, labelSelector=selector).json()["items"]
    assert [item["metricLabels"]["queue"] for item in found] == queues


@pytest.mark.parametrize(
    "selector",
    ["", "queue", "queue!=emails", "queue notin (emails)", "app=emails", "queue=emails,app=x", "queue in ()"],
)
def test_selectors_that_choose_no_queues_are_refused(busy: Served, selector: str) -> None:
    assert "labelSelector" in failure(metric(busy, labelSelector=selector), 400, "BadRequest")


def test_what_cannot_be_told_is_told_as_kubernetes_does_so_that_an_hpa_shows_it(busy: Served) -> None:
    assert "No plan was made for new" in failure(metric(busy, labelSelector="queue=new"), 503, "ServiceUnavailable")
    assert "pull" in failure(metric(busy, labelSelector="queue=others"), 409, "Conflict")
    assert "'none'" in failure(metric(busy, labelSelector="queue=none"), 404, "NotFound")
    assert "'cpu'" in failure(metric(busy, "cpu", labelSelector="queue=emails"), 404, "NotFound")
    assert "'workers-x'" in failure(metric(busy, "workers-x"), 404, "NotFound")


def test_a_sum_that_lacks_a_queue_is_none(busy: Served) -> None:
    assert metric(busy, labelSelector="queue in (emails,new)").status_code == 503


def test_the_client_of_kubernetes_reads_metrics_and_failures(busy: Served) -> None:
    library: Any = pytest.importorskip("kubernetes")
    client = library.client.ApiClient(library.client.Configuration(host=busy.server.url))
    api = library.client.CustomObjectsApi(client)

    def ask(selector: str) -> Any:
        group = ("external.metrics.k8s.io", "v1beta1", "jobs", "workers")
        return api.list_namespaced_custom_object(*group, label_selector=selector)

    (item,) = ask("queue=emails")["items"]
    assert library.utils.parse_quantity(item["value"]) == ordered(busy)
    with pytest.raises(library.client.ApiException) as caught:
        ask("queue=new")
    error: Any = caught.value
    assert (error.status, "No plan" in error.body) == (503, True)
    client.close()


def guarded(folder: Path, **settings: Any) -> Any:
    access = Access([("keda", Role.READ, hashlib.sha256(READER.encode()).digest())])
    return served(folder, access=access, **settings)


def test_keda_s_bearer_token_is_enough_and_needed(tmp_path: Path) -> None:
    with guarded(tmp_path) as made:
        made.desk.put_config({"slo": {"p95_latency": "8s"}, "queues": [pulled("emails")]}, expected=None, by="test")
        for path in ("/v1/queues/emails/workers", GROUP, f"{METRICS}/workers?labelSelector=queue%3Demails"):
            problem(made.client.get(path), 401)
            allowed = made.client.get(path, headers={"Authorization": f"Bearer {READER}"})
            assert allowed.status_code in {200, 503}


def test_external_metrics_can_be_opened_to_an_aggregator_that_has_no_token_and_nothing_else_is(tmp_path: Path) -> None:
    with guarded(tmp_path, external_metrics="open") as made:
        made.desk.put_config({"slo": {"p95_latency": "8s"}, "queues": [pulled("emails")]}, expected=None, by="test")
        assert made.client.get(GROUP).status_code == 200
        failure(metric(made, labelSelector="queue=emails"), 503, "ServiceUnavailable")
        problem(made.client.get("/v1/queues/emails/workers"), 401)
        problem(made.client.get("/v1/queues"), 401)


def test_another_word_for_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlannerError) as caught, served(tmp_path, external_metrics="yes"):
        pass
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert "external_metrics is 'yes'" in caught.value.message
