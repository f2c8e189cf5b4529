"""The API server's answers and refusals, as the operator understands them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.kube.client import ApiError, Cluster
from capacity_planner.surfaces.kube.names import AUTOSCALER, DEPLOYMENT, POLICY, SCALED_OBJECT
from capacity_planner.surfaces.kube.watching import credentials_of

from ._cluster import kubeconfig
from ._wishes import SPEC

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ._cluster import Api


@pytest.fixture
def cluster(api: Api, tmp_path: Path) -> Cluster:
    return Cluster(kubeconfig(api, tmp_path), timeout=1.0)


def test_a_kind_that_there_is_not_is_told_from_one_without_objects(cluster: Cluster) -> None:
    assert cluster.objects(AUTOSCALER) == []
    assert cluster.objects(SCALED_OBJECT) is None


def test_only_the_namespaces_that_are_asked_for_are_looked_at(api: Api, cluster: Cluster) -> None:
    for namespace in ("jobs", "shop", "other"):
        api.create(POLICY, "emails", namespace, spec=SPEC)
    assert {item.namespace for item in cluster.objects(POLICY, ("jobs", "shop")) or []} == {"jobs", "shop"}
    assert len(cluster.objects(POLICY) or []) == 3


def test_an_object_that_there_is_not_is_nothing(cluster: Cluster) -> None:
    assert cluster.get(DEPLOYMENT, "jobs", "emails") is None


def test_the_namespace_and_the_credentials_are_those_of_the_context(cluster: Cluster) -> None:
    assert cluster.namespace == "planner"
    found = credentials_of(cluster.settings)
    assert (found.scheme, found.token) == ("Bearer", "token-of-the-planner")
    assert found.server == cluster.settings.host


def _always(status: int) -> Callable[[str, str], tuple[int, str]]:
    return lambda method, path: (status, "no")


def test_a_refusal_says_what_lacks_and_whether_to_try_again(api: Api, cluster: Cluster) -> None:
    for status, temporary in ((403, False), (409, True), (422, False), (429, True), (500, True)):
        api.refuse = _always(status)
        with pytest.raises(ApiError) as refused:
            cluster.objects(POLICY)
        assert (refused.value.status, refused.value.temporary) == (status, temporary)
        assert "token-of-the-planner" not in refused.value.message


def test_an_api_server_that_does_not_answer_is_told_as_such(api: Api, cluster: Cluster) -> None:
    api.stop()
    with pytest.raises(ApiError, match="The API server does not answer") as silent:
        cluster.objects(POLICY)
    assert (silent.value.status, silent.value.temporary) == (0, True)


def test_no_cluster_at_all_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="Give --kubeconfig, or run in a pod with an account") as refused:
        Cluster(str(tmp_path / "none"))
    assert refused.value.code is ErrorCode.CONFIG_INVALID


def test_which_cluster_it_is_is_handed_on_where_it_was_said(api: Api, tmp_path: Path) -> None:
    file = kubeconfig(api, tmp_path)
    assert Cluster(file, "local").options == (("kubeconfig", file), ("context", "local"))


def test_a_list_that_is_not_found_of_a_kind_that_there_is_is_no_answer(api: Api, cluster: Cluster) -> None:
    api.create(POLICY, "emails", spec=SPEC)
    api.refuse = lambda method, path: (404, "404 page not found") if path.endswith(POLICY.plural) else None
    with pytest.raises(ApiError) as refused:
        cluster.objects(POLICY)
    assert refused.value.status == 404
    api.refuse = lambda method, path: None
    assert len(cluster.objects(POLICY) or []) == 1
