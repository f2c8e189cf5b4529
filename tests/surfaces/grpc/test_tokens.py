"""Every call but health needs a token whose role allows it, once there are tokens."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from capacity_planner.service.access import Access, Role, new_token

from ._client import ANSWERS, PACKAGE, SERVICE, Client, compiled
from ._served import MINIMAL, desk, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capacity_planner.surfaces.grpc.server import GrpcServer

Code = grpc.StatusCode
HEALTH, REFLECTION = "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"
SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = str(tmp_path_factory.mktemp("tokens") / "tokens.toml")
    made = {role.value: new_token(path, f"{role}er", role) for role in Role}
    return made | {"path": path}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, tokens: dict[str, str]) -> Iterator[GrpcServer]:
    folder: Path = tmp_path_factory.mktemp("closed")
    with desk(folder) as made, serving(made, Access.load(tokens["path"])) as server:
        yield server


def reflected(port: int, *metadata: tuple[str, str]) -> list[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        return list(stub.ServerReflectionInfo(iter([asked]), metadata=metadata, timeout=10))


@pytest.mark.parametrize("sent", [None, "", "wrong", "read"])
@pytest.mark.parametrize("method", ANSWERS)
def test_a_call_is_refused_without_the_role_that_it_needs(
    closed: GrpcServer, tokens: dict[str, str], method: str, sent: str | None
) -> None:
    with Client(closed.port, token=tokens.get(sent or "", sent)) as client:
        refusal = client.refusal(method, {"queue_name": "nobody"} if method == "GetForecasts" else {})
    if sent != "read":
        assert (refusal.code, refusal.details["ErrorInfo"].reason) == (Code.UNAUTHENTICATED, "UNAUTHENTICATED")
    elif method == "GeneratePlan":
        assert (refusal.code, refusal.details["ErrorInfo"].reason) == (Code.PERMISSION_DENIED, "PERMISSION_DENIED")
        assert refusal.message == "The token reader may read, and this needs a token that may apply."
    else:
        assert refusal.code in {Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION}


def test_with_the_role_that_it_needs_it_is_answered(closed: GrpcServer, tokens: dict[str, str]) -> None:
    with Client(closed.port, token=tokens["apply"]) as client:
        assert client.call("GeneratePlan", MINIMAL).plan.id
        assert client.refusal("GetForecasts", {"queue_name": "nobody"}).code is Code.FAILED_PRECONDITION


def test_the_plan_is_recorded_under_the_tokens_name(tmp_path: Path, tokens: dict[str, str]) -> None:
    with (
        desk(tmp_path) as made,
        serving(made, Access.load(tokens["path"])) as server,
        Client(server.port, token=tokens["apply"]) as client,
    ):
        assert made.record(client.call("GeneratePlan", MINIMAL).plan.id).made_by == "applyer"


def test_a_refused_call_is_refused_before_its_request_has_come(closed: GrpcServer) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{closed.port}") as channel:
        call: Any = channel.stream_unary(f"/{SERVICE}/GeneratePlan", request_serializer=bytes)
        with pytest.raises(grpc.RpcError) as caught:
            call(endless(), timeout=5)
    error: Any = caught.value
    assert error.code() is Code.UNAUTHENTICATED


def endless() -> Iterator[bytes]:
    """A request that never comes."""
    Event().wait(20)
    yield b""


@pytest.mark.parametrize("name", ["Ponder", "generateplan"])
def test_what_is_not_there_is_not_told_without_a_token(closed: GrpcServer, name: str) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{closed.port}") as channel:
        raw: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/{name}")
        with pytest.raises(grpc.RpcError) as caught:
            raw(b"", timeout=10)
    error: Any = caught.value
    assert error.code() is Code.UNAUTHENTICATED


def test_health_needs_no_token(closed: GrpcServer) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{closed.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", SERVICE):
            assert stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status == SERVING


def test_reflection_needs_a_token_that_may_read(closed: GrpcServer, tokens: dict[str, str]) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        reflected(closed.port)
    error: Any = caught.value
    assert error.code() is Code.UNAUTHENTICATED
    (answer,) = reflected(closed.port, ("authorization", f"Bearer {tokens['read']}"))
    assert {item.name for item in answer.list_services_response.service} == {SERVICE, HEALTH, REFLECTION}


def test_a_client_learns_the_messages_by_reflection(tmp_path: Path) -> None:
    with desk(tmp_path) as made, serving(made) as server, Client(server.port) as client:
        database = ProtoReflectionDescriptorDatabase(client.channel)
        assert SERVICE in database.get_services()
        learned = DescriptorPool(database).FindServiceByName(SERVICE)
        assert {item.name: (item.input_type.name, item.output_type.name) for item in learned.methods} == ANSWERS
        file = learned.file
    published = next(item for item in compiled().file if item.package == PACKAGE)
    assert set(file.message_types_by_name) == {item.name for item in published.message_type}
