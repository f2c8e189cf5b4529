"""Replicas of what is in a cluster are ordered through the scale subresource, and never against another autoscaler."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.registry import scalers
from tests.services._servers import free_port

from ._apiserver import (
    AUTOSCALERS,
    DEPLOYMENTS,
    POOLS,
    SCALED_OBJECTS,
    STATEFUL_SETS,
    ApiServer,
    api_server,
    kubeconfig,
)
from ._orders import order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.contracts import Scaler

SCALE = "/namespaces/shop/deployments/emails/scale"


@pytest.fixture(scope="module")
def running() -> Iterator[ApiServer]:
    with api_server() as server:
        yield server


@pytest.fixture
def server(running: ApiServer) -> ApiServer:
    running.emulator.objects.clear()
    running.emulator.resources.pop(SCALED_OBJECTS, None)
    running.failures.clear()
    running.requests.clear()
    running.tokens.clear()
    running.delay = 0.0
    running.add(DEPLOYMENTS, "emails", spec={"replicas": 2, "template": {"kept": True}}, status={"replicas": 2})
    return running


@pytest.fixture
def options(server: ApiServer, tmp_path: Path) -> dict[str, Any]:
    return {"name": "{queue}", "kubeconfig": kubeconfig(server, tmp_path)}


@pytest.fixture
def scaler(options: dict[str, Any]) -> Scaler:
    return scalers.make("kubernetes", options)


def test_replicas_are_read_and_ordered_and_nothing_else_is_touched(server: ApiServer, scaler: Scaler) -> None:
    assert scaler.current("emails") == 2
    assert scaler.scale(order(5)) == 5
    assert scaler.current("emails") == 5
    kept = server.emulator.objects[DEPLOYMENTS, "shop", "emails"].raw
    assert kept["spec"] == {"replicas": 5, "template": {"kept": True}}
    patches = [request for request in server.requests if request[0] == "PATCH"]
    assert patches == [("PATCH", f"/apis/apps/v1{SCALE}", "application/merge-patch+json")]


def test_an_order_that_comes_twice_changes_nothing_more(server: ApiServer, scaler: Scaler) -> None:
    assert [scaler.scale(order(5)) for _ in range(2)] == [5, 5]
    assert server.replicas(DEPLOYMENTS, "emails") == 5


def test_none_is_a_number_of_replicas_too(server: ApiServer, scaler: Scaler) -> None:
    assert scaler.scale(order(0)) == 0
    server.add(DEPLOYMENTS, "reports", spec={}, status={})
    assert scaler.current("reports") == 0


def test_what_is_ordered_counts_and_what_is_missing_is_logged(
    server: ApiServer, scaler: Scaler, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="capacity_planner.scaling")
    assert scaler.scale(order(5)) == 5
    (record,) = caplog.records
    assert (vars(record)["ordered"], vars(record)["exist"]) == (5, 2)


def test_replicas_that_do_not_come_for_long_are_warned_of_once_and_no_plan_begins_with_the_others(
    server: ApiServer, scaler: Scaler, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warned() -> list[tuple[int, int]]:
        facts = [vars(record) for record in caplog.records if record.levelname == "WARNING"]
        return [(fact["ordered"], fact["exist"]) for fact in facts]

    def exist(replicas: int) -> None:
        server.add(DEPLOYMENTS, "emails", spec={"replicas": 12}, status={"replicas": replicas})
        assert scaler.current("emails") == 12

    assert scaler.scale(order(12)) == 12
    exist(2)
    monkeypatch.setattr("capacity_planner.scaling.kubernetes._LONG", 0.0)
    exist(4)
    exist(12)
    assert warned() == [(12, 4)]
    monkeypatch.setattr("capacity_planner.scaling.kubernetes._LONG", 0.3)
    for replicas in (3, 5, 5):
        exist(replicas)
        time.sleep(0.2)
    assert warned() == [(12, 4)]
    for _ in range(2):
        time.sleep(0.2)
        exist(5)
    assert warned() == [(12, 4), (12, 5)]


def test_other_kinds_are_scaled_and_those_of_somebodys_own_are_looked_up_once(
    server: ApiServer, options: dict[str, Any]
) -> None:
    server.add(STATEFUL_SETS, "emails", spec={"replicas": 1})
    server.add(POOLS, "pool-emails", spec={"replicas": 1})
    assert scalers.make("kubernetes", options | {"kind": "StatefulSet"}).scale(order(3)) == 3
    own = {"api_version": "queue.example.com/v1", "kind": "WorkerPool", "name": "pool-{queue}"}
    made = scalers.make("kubernetes", options | own)
    assert [made.scale(order(4)), made.current("emails")] == [4, 4]
    assert server.replicas(POOLS, "pool-emails") == 4
    assert server.asked("GET", "/apis/queue.example.com/v1") == 1
    named = scalers.make("kubernetes", options | own | {"plural": "workerpools"})
    assert named.scale(order(2)) == 2
    assert server.asked("GET", "/apis/queue.example.com/v1") == 1


@pytest.mark.parametrize(
    ("kind", "words"), [("Plain", "The kind Plain has no subresource scale"), ("Other", "has no kind Other")]
)
def test_a_kind_that_cannot_be_scaled_is_a_failure_for_good(options: dict[str, Any], kind: str, words: str) -> None:
    made = scalers.make("kubernetes", options | {"api_version": "queue.example.com/v1", "kind": kind})
    with pytest.raises(WorldError, match=words) as caught:
        made.scale(order(3))
    assert not caught.value.temporary


def test_the_namespace_is_that_of_the_option_or_of_the_context(server: ApiServer, options: dict[str, Any]) -> None:
    server.add(DEPLOYMENTS, "emails", "default", spec={"replicas": 7})
    server.add(DEPLOYMENTS, "emails", "other", spec={"replicas": 8})
    assert scalers.make("kubernetes", options | {"context": "bare"}).current("emails") == 7
    assert scalers.make("kubernetes", options | {"namespace": "other"}).current("emails") == 8


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (409, "answered 409: the object has been modified"),
        (429, "answered 429"),
        (500, "answered 500"),
        (503, "answered 503"),
        (401, "does not know who asks"),
    ],
)
def test_what_may_pass_is_temporary(server: ApiServer, scaler: Scaler, status: int, words: str) -> None:
    server.failures.append(("PATCH", SCALE, status, "the object has been modified"))
    with pytest.raises(WorldError, match=words) as caught:
        scaler.scale(order(5))
    assert caught.value.temporary
    assert server.asked("PATCH", SCALE) == 1
    assert scaler.scale(order(5)) == 5


def test_credentials_that_were_renewed_in_their_file_are_used_after_the_old_ones_are_refused(
    server: ApiServer, scaler: Scaler, options: dict[str, Any]
) -> None:
    assert scaler.current("emails") == 2
    path = Path(options["kubeconfig"])
    path.write_text(path.read_text().replace("token-of-the-planner", "renewed"))
    server.failures.append(("GET", SCALE, 401, "Unauthorized"))
    with pytest.raises(WorldError, match="does not know who asks"):
        scaler.current("emails")
    assert scaler.current("emails") == 2
    assert server.tokens == ["token-of-the-planner", "token-of-the-planner", "renewed"]


def test_a_permission_that_is_missing_is_named(server: ApiServer, scaler: Scaler) -> None:
    said = 'deployments.apps "emails" is forbidden: User "planner" cannot patch resource "deployments/scale"'
    server.failures.append(("PATCH", SCALE, 403, said))
    with pytest.raises(WorldError) as caught:
        scaler.scale(order(5))
    assert not caught.value.temporary
    assert caught.value.message == (
        f"The API server forbids it: {said}. The planner's Role needs the rule "
        'apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["get", "patch"].'
    )


def test_an_object_that_is_not_there_is_a_failure_for_good(scaler: Scaler) -> None:
    words = "There is no Deployment reports in the namespace shop"
    with pytest.raises(WorldError, match=words) as caught:
        scaler.current("reports")
    assert not caught.value.temporary
    with pytest.raises(WorldError, match=words):
        scaler.scale(order(2, queue="reports"))


def test_a_request_that_the_server_calls_wrong_is_a_failure_for_good(server: ApiServer, scaler: Scaler) -> None:
    server.failures.append(("PATCH", SCALE, 422, "spec.replicas: Invalid value"))
    with pytest.raises(WorldError, match=r"answered 422: spec\.replicas: Invalid value") as caught:
        scaler.scale(order(5))
    assert not caught.value.temporary


def test_a_server_that_is_slow_or_away_is_left_in_time(
    server: ApiServer, options: dict[str, Any], tmp_path: Path
) -> None:
    made = scalers.make("kubernetes", options | {"timeout": "0.2s"})
    server.delay = 1.0
    began = time.monotonic()
    with pytest.raises(WorldError, match="does not answer: ReadTimeoutError") as caught:
        made.current("emails")
    assert time.monotonic() - began < 0.8
    assert caught.value.temporary
    path = kubeconfig(replace(server, port=free_port()), tmp_path)
    with pytest.raises(WorldError, match="does not answer") as caught:
        scalers.make("kubernetes", options | {"kubeconfig": path}).current("emails")
    assert caught.value.temporary


def target(kind: str = "Deployment", name: str = "emails", api_version: str = "apps/v1") -> dict[str, Any]:
    return {"scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": name}}


def test_an_object_that_an_autoscaler_scales_is_left_to_it(server: ApiServer, scaler: Scaler) -> None:
    server.add(AUTOSCALERS, "cpu", spec=target())
    with pytest.raises(WorldError, match="HorizontalPodAutoscaler cpu scales the Deployment emails already") as caught:
        scaler.scale(order(5))
    assert not caught.value.temporary
    assert server.replicas(DEPLOYMENTS, "emails") == 2
    assert scaler.current("emails") == 2


def test_an_object_that_keda_scales_is_left_to_it(server: ApiServer, scaler: Scaler) -> None:
    server.serve(SCALED_OBJECTS, "ScaledObject")
    server.add(SCALED_OBJECTS, "queue-length", spec={"scaleTargetRef": {"name": "emails"}})
    with pytest.raises(WorldError, match="KEDA's ScaledObject queue-length scales the Deployment emails"):
        scaler.scale(order(5))
    assert server.replicas(DEPLOYMENTS, "emails") == 2


def test_autoscalers_of_other_objects_do_not_matter(server: ApiServer, scaler: Scaler) -> None:
    server.serve(SCALED_OBJECTS, "ScaledObject")
    server.add(AUTOSCALERS, "one", spec=target(name="reports"))
    server.add(AUTOSCALERS, "two", spec=target(kind="StatefulSet"))
    server.add(AUTOSCALERS, "three", spec=target(api_version="queue.example.com/v1"))
    server.add(AUTOSCALERS, "four", "elsewhere", spec=target())
    server.add(SCALED_OBJECTS, "five", spec={"scaleTargetRef": {"name": "emails", "kind": "StatefulSet"}})
    assert scaler.scale(order(5)) == 5


def test_autoscalers_are_looked_for_once_a_minute(
    server: ApiServer, scaler: Scaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    for to in (3, 4, 5):
        scaler.scale(order(to))
    assert server.asked("GET", "/horizontalpodautoscalers") == 1
    server.add(AUTOSCALERS, "cpu", spec=target())
    monkeypatch.setattr("capacity_planner.scaling._rivals._FRESH", -1.0)
    with pytest.raises(WorldError, match="HorizontalPodAutoscaler cpu"):
        scaler.scale(order(6))


def test_the_search_for_autoscalers_can_be_switched_off(server: ApiServer, options: dict[str, Any]) -> None:
    server.add(AUTOSCALERS, "cpu", spec=target())
    made = scalers.make("kubernetes", options | {"check_autoscalers": False})
    assert made.scale(order(5)) == 5
    assert server.asked("GET", "/horizontalpodautoscalers") == 0


def test_where_autoscalers_must_not_be_listed_the_rule_is_named_and_nothing_is_scaled(
    server: ApiServer, scaler: Scaler
) -> None:
    server.failures.append(("GET", "/horizontalpodautoscalers", 403, "cannot list"))
    with pytest.raises(WorldError) as caught:
        scaler.scale(order(5))
    rule = 'apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: ["list"]'
    assert rule in caught.value.message
    assert server.replicas(DEPLOYMENTS, "emails") == 2


def test_no_order_goes_beyond_the_bounds(server: ApiServer, options: dict[str, Any]) -> None:
    with pytest.raises(WorldError, match="option most is 3") as caught:
        scalers.make("kubernetes", options | {"most": 3}).scale(order(5))
    assert server.replicas(DEPLOYMENTS, "emails") == caught.value.reached == 3


def test_a_queue_whose_name_is_no_name_of_an_object_is_told(scaler: Scaler) -> None:
    with pytest.raises(WorldError, match="'E-Mails/1' is no name of an object"):
        scaler.current("E-Mails/1")


def test_without_any_configuration_nothing_is_guessed(tmp_path: Path, options: dict[str, Any]) -> None:
    for missing in ({"kubeconfig": str(tmp_path / "none")}, {"context": "none"}):
        with pytest.raises(WorldError, match="No cluster is configured") as caught:
            scalers.make("kubernetes", options | missing).current("emails")
        assert caught.value.temporary


@pytest.mark.parametrize("text", ["a: [b\n  c: d", "- x\n", "apiVersion: v1\nclusters: []\ncontexts: []\n", "", "\0"])
def test_a_kubeconfig_that_is_none_is_a_failure_of_the_world(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(WorldError, match=r"kubeconfig|No cluster"):
        scalers.make("kubernetes", {"name": "emails", "kubeconfig": str(path)}).current("emails")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "E-Mails"}, "name is 'E-Mails', which is no name of an object"),
        ({"name": ""}, "is no name of an object"),
        ({"api_version": "v1"}, "is no group and version, such as apps/v1"),
        ({"api_version": "a/b/c"}, "is no group and version"),
        ({"check_autoscalers": 1}, "is neither true nor false"),
        ({"timeout": "1h"}, "is not between"),
        ({"namespace": 5}, "is not a text"),
    ],
)
def test_what_makes_no_scaler_is_refused_by_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(PlannerError, match=words) as caught:
        scalers.make("kubernetes", {"name": "emails"} | options)
    assert caught.value.code is ErrorCode.CONFIG_INVALID


def test_the_library_is_not_loaded_before_it_is_needed() -> None:
    script = (
        "import sys\n"
        "from capacity_planner.registry import scalers\n"
        "scalers.make('kubernetes', {'name': 'emails'})\n"
        "assert 'kubernetes' not in sys.modules and 'urllib3' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(PlannerError, match=r"pip install 'capacity-planner\[k8s\]'") as caught:
        scalers.make("kubernetes", {"name": "emails"})
    assert caught.value.code is ErrorCode.CONFIG_INVALID
