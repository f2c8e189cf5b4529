"""Where tokens are needed, KEDA brings one in the trigger's metadata, as it can send no header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from capacity_planner.service.access import Access, Role, new_token
from tests.surfaces.keda._keda import SERVICE, Keda
from tests.surfaces.keda._served import EMAILS, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.surfaces.keda._served import Served

Code = grpc.StatusCode
Call = str
ANSWERS = {"IsActive": "IsActiveResponse", "GetMetricSpec": "GetMetricSpecResponse", "GetMetrics": "GetMetricsResponse"}
STREAMS = {"StreamIsActive": "IsActiveResponse", "StreamMetricSpec": "GetMetricSpecResponse"}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = str(tmp_path_factory.mktemp("tokens") / "tokens.toml")
    return {role.value: new_token(path, f"{role}er", role) for role in Role} | {"path": path}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, tokens: dict[str, str]) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("closed"), access=Access.load(tokens["path"])) as made:
        made.stage.tick()
        yield made


def sent(keda: Keda, name: Call) -> Any:
    return keda.message("GetMetricsRequest")(scaledObjectRef=keda.reference) if name == "GetMetrics" else keda.reference


def refusal(keda: Keda, name: Call) -> tuple[Any, str]:
    with keda, pytest.raises(grpc.RpcError) as caught:
        keda.call(name, sent(keda, name), ANSWERS[name]) if name in ANSWERS else next(keda.stream(name, STREAMS[name]))
    error: Any = caught.value
    return error.code(), error.details()


@pytest.mark.parametrize("name", [*ANSWERS, *STREAMS])
@pytest.mark.parametrize("metadata", [{}, {"tokenFromEnv": ""}, {"tokenFromEnv": "not-a-token-of-ours"}])
def test_without_a_token_nothing_is_told(closed: Served, name: Call, metadata: dict[str, str]) -> None:
    code, said = refusal(Keda(closed.port, EMAILS | metadata), name)
    assert code is Code.UNAUTHENTICATED
    assert "tokenFromEnv" in said
    assert "not-a-token-of-ours" not in said


@pytest.mark.parametrize("name", [*ANSWERS, *STREAMS])
def test_without_a_token_not_even_what_is_wrong_is_told(closed: Served, name: Call) -> None:
    assert refusal(Keda(closed.port, {}), name)[0] is Code.UNAUTHENTICATED


@pytest.mark.parametrize("role", ["read", "apply"])
def test_any_token_in_the_metadata_will_do(closed: Served, tokens: dict[str, str], role: str) -> None:
    with closed.keda(tokenFromEnv=tokens[role]) as keda:
        assert keda.read()[0] > 0
        assert next(keda.activity()).result is True
        assert next(keda.pushed_specs()) == {"s0-workers-emails": 1.0}


def test_whoever_can_send_a_header_may(closed: Served, tokens: dict[str, str]) -> None:
    with Keda(closed.port, EMAILS, header=f"Bearer {tokens['read']}") as keda:
        assert keda.read()[0] > 0


def test_the_token_of_keda_opens_nothing_else(closed: Served, tokens: dict[str, str]) -> None:
    with closed.keda(tokenFromEnv=tokens["apply"]) as keda:
        assert keda.channel
        plan: Any = keda.channel.unary_unary("/capacity_planner.v1.CapacityPlannerService/GeneratePlan")
        with pytest.raises(grpc.RpcError) as caught:
            plan(b"", timeout=10)
    error: Any = caught.value
    assert error.code() is Code.UNAUTHENTICATED


def test_reflection_lists_the_service(closed: Served, tokens: dict[str, str]) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{closed.port}") as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        metadata = (("authorization", f"Bearer {tokens['read']}"),)
        (answer,) = stub.ServerReflectionInfo(iter([asked]), metadata=metadata, timeout=10)
    assert SERVICE in [item.name for item in answer.list_services_response.service]
