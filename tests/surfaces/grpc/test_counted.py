"""Every call that is refused is counted once, whoever refuses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from capacity_planner.service.access import Access, Role, new_token
from capacity_planner.service.telemetry import Telemetry

from ._client import SERVICE, Client
from ._served import MINIMAL, desk, serving

if TYPE_CHECKING:
    from pathlib import Path


def counted(telemetry: Telemetry) -> dict[str, float]:
    """Refusals by code."""
    text = telemetry.exposition(None)[0].decode()
    found = re.findall(r'^capacity_planner_errors_total{code="(\w+)"} (\S+)$', text, re.MULTILINE)
    return {code: float(count) for code, count in found if float(count)}


def broken(port: int, method: str) -> None:
    """Send what is no message."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        raw: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/{method}")
        with pytest.raises(grpc.RpcError):
            raw(b"\xff", timeout=10)


def test_what_the_desk_and_what_the_surface_refuses_is_counted_once_each(tmp_path: Path) -> None:
    telemetry = Telemetry()
    with (
        desk(tmp_path, telemetry=telemetry) as made,
        serving(made, telemetry=telemetry) as server,
        Client(server.port) as client,
    ):
        client.refusal("GetForecasts", {"queue_name": "nobody"})
        assert counted(telemetry) == {"INSUFFICIENT_HISTORY": 1}
        client.refusal("GeneratePlan", MINIMAL | {"strict": True, "slo": {"p95_latency": "1s"}})
        by_desk = counted(telemetry)
        assert by_desk == {"INSUFFICIENT_HISTORY": 1, "SLO_UNACHIEVABLE": 1}
        client.call("GeneratePlan", MINIMAL)
        assert counted(telemetry) == by_desk
        for method in ("GeneratePlan", "Simulate"):
            broken(server.port, method)
        assert counted(telemetry) == by_desk | {"CONFIG_INVALID": 2}


def test_what_fails_in_an_unforeseen_way_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        """A desk whose plans fail."""

        def plan(self, *_: Any, **__: Any) -> Any:
            raise KeyError("x")

    telemetry = Telemetry()
    with serving(Failing(), telemetry=telemetry) as server, Client(server.port) as client:
        client.refusal("GeneratePlan", MINIMAL)
    assert counted(telemetry) == {"INTERNAL": 1}
    assert "A gRPC call failed unexpectedly." in caplog.text


def test_refused_tokens_are_counted(tmp_path: Path) -> None:
    path = str(tmp_path / "tokens.toml")
    token, telemetry = new_token(path, "reader", Role.READ), Telemetry()
    with desk(tmp_path) as made, serving(made, Access.load(path), telemetry) as server:
        for sent in (None, "wrong", token):
            with Client(server.port, token=sent) as client:
                client.refusal("GeneratePlan", MINIMAL)
    assert counted(telemetry) == {"ACCESS_DENIED": 3}
