"""The server says that it serves until it stops, listens where it is told, with TLS where it is told."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import json_format
from grpc_health.v1 import health_pb2, health_pb2_grpc

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.grpc.proto.capacity_planner.v1 import capacity_planner_pb2, capacity_planner_pb2_grpc
from tests.surfaces._made import response

from ._client import SERVICE, Client, protoc
from ._served import MINIMAL, desk, serving

if TYPE_CHECKING:
    from pathlib import Path

STATUS = health_pb2.HealthCheckResponse
CLIENT = """
import sys
sys.path.insert(0, sys.argv[1])
import grpc
from google.protobuf import json_format
from capacity_planner.v1 import capacity_planner_pb2 as pb2, capacity_planner_pb2_grpc as pb2_grpc
assert pb2.__file__.startswith(sys.argv[1])
with grpc.insecure_channel(f"127.0.0.1:{sys.argv[2]}") as channel:
    request = json_format.Parse(sys.stdin.read(), pb2.PlanRequest())
    answer = pb2_grpc.CapacityPlannerServiceStub(channel).GeneratePlan(request, timeout=20)
    print(answer.plan.id)
"""


class Slow:
    """A desk where a plan takes as long as it is given."""

    def __init__(self) -> None:
        self.begun, self.free = Event(), Event()

    def plan(self, request: Any, *, by: str, timeout: timedelta | None) -> Any:
        self.begun.set()
        self.free.wait(20)
        return response()


def certificate(folder: Path) -> tuple[str, str]:
    """The files of a certificate for this machine, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return str(cert), str(key)


def test_health_is_watched_until_the_server_stops(tmp_path: Path) -> None:
    with (
        desk(tmp_path) as made,
        serving(made) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        watches = [stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=10) for name in ("", SERVICE)]
        assert [next(watch).status for watch in watches] == [STATUS.SERVING] * 2
        stopping = Thread(target=server.stop, args=(timedelta(seconds=5),))
        stopping.start()
        assert [next(watch).status for watch in watches] == [STATUS.NOT_SERVING] * 2
        assert [list(watch) for watch in watches] == [[], []]
        stopping.join()


def test_a_server_stops_at_once_whoever_watches_and_leaves() -> None:
    begun = monotonic()
    for _ in range(10):
        with serving(Slow()) as server, Client(server.port) as client:
            stub = health_pb2_grpc.HealthStub(client.channel)
            watches = [stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=60) for _ in range(30)]
            assert {next(watch).status for watch in watches} == {STATUS.SERVING}
            stopping = Thread(target=server.stop, args=(timedelta(seconds=30),))
            stopping.start()
            for watch in watches[::2]:
                watch.cancel()
            assert [[item.status for item in watch] for watch in watches[1::2]] == [[STATUS.NOT_SERVING]] * 15
            stopping.join(20)
            assert not stopping.is_alive()
    assert monotonic() - begun < 20


def test_a_service_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with desk(tmp_path) as made, serving(made) as server, Client(server.port) as client:
        stub = health_pb2_grpc.HealthStub(client.channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="another"), timeout=10)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.NOT_FOUND


def test_what_runs_is_finished_before_the_server_stops() -> None:
    slow = Slow()
    with serving(slow) as server, Client(server.port) as client:
        answers: list[Any] = []
        asking = Thread(target=lambda: answers.append(client.call("GeneratePlan", MINIMAL)))
        asking.start()
        assert slow.begun.wait(5)
        stopping = Thread(target=server.stop, args=(timedelta(seconds=10),))
        stopping.start()
        slow.free.set()
        stopping.join()
        asking.join()
        assert answers[0].plan.id == "p1"


def test_what_takes_too_long_is_cut_off_when_the_server_stops() -> None:
    slow = Slow()
    with serving(slow) as server, Client(server.port) as client:
        refusals: list[Any] = []
        asking = Thread(target=lambda: refusals.append(client.refusal("GeneratePlan", MINIMAL)))
        asking.start()
        assert slow.begun.wait(5)
        begun = monotonic()
        server.stop(timedelta(seconds=0.2))
        asking.join()
        slow.free.set()
        assert refusals[0].code in {grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE}
        assert monotonic() - begun < 5


def test_tls_by_file(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    with desk(tmp_path) as made, serving(made, tls_cert=cert, tls_key=key) as server:
        trust = grpc.ssl_channel_credentials((tmp_path / "cert.pem").read_bytes())
        with Client(server.port, channel=grpc.secure_channel(f"localhost:{server.port}", trust)) as client:
            assert client.call("GeneratePlan", MINIMAL).plan.id
        with Client(server.port) as client:
            assert client.refusal("GeneratePlan", MINIMAL).code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("address", ["[::1]:0", "localhost:0", "0"])
def test_addresses_in_all_their_forms(tmp_path: Path, address: str) -> None:
    with desk(tmp_path) as made, serving(made, grpc=address) as server:
        host = "[::1]" if "::1" in address else "127.0.0.1"
        with Client(server.port, channel=grpc.insecure_channel(f"{host}:{server.port}")) as client:
            assert client.call("GeneratePlan", MINIMAL).plan.id


def test_a_port_that_is_taken_is_refused_with_the_remedy() -> None:
    with (
        serving(Slow()) as server,
        pytest.raises(PlannerError) as caught,
        serving(Slow(), grpc=f"127.0.0.1:{server.port}"),
    ):
        pass
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert str(server.port) in caught.value.message
    assert caught.value.details["field"] == "grpc"


@pytest.mark.parametrize("wrong", ["tls_cert", "tls_key"])
@pytest.mark.parametrize("path", ["", "nothing.pem"])
def test_tls_files_that_are_not_there_are_named(tmp_path: Path, wrong: str, path: str) -> None:
    cert, key = certificate(tmp_path)
    settings: dict[str, Any] = {"tls_cert": cert, "tls_key": key, wrong: path}
    with pytest.raises(PlannerError) as caught, serving(Slow(), **settings):
        pass
    assert caught.value.details == {"field": wrong, "value": path}


def test_tls_files_that_hold_no_certificate_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text("hello", encoding="utf-8")
    with pytest.raises(PlannerError) as caught, serving(Slow(), tls_cert=str(other), tls_key=str(other)):
        pass
    assert caught.value.code is ErrorCode.CONFIG_INVALID


def test_a_client_that_protoc_made_of_the_published_file_is_answered(tmp_path: Path) -> None:
    made_by_protoc = tmp_path / "stubs"
    made_by_protoc.mkdir()
    protoc(f"--python_out={made_by_protoc}", f"--grpc_python_out={made_by_protoc}")
    for folder in ("capacity_planner", "capacity_planner/v1"):
        (made_by_protoc / folder / "__init__.py").touch()
    question = capacity_planner_pb2.PlanRequest(
        current_metrics={"timestamp": {"seconds": 1_800_000_000}, "arrival_rate": 3.0, "service_time": {"seconds": 1}},
        slo={"p95_latency": {"seconds": 8}},
        queue_name="emails",
    )
    with desk(tmp_path) as made, serving(made) as server:
        command = [sys.executable, "-c", CLIENT, str(made_by_protoc), str(server.port)]
        text = json_format.MessageToJson(question)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=60)
        assert made.record(done.stdout.strip())
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            ours: Any = capacity_planner_pb2_grpc.CapacityPlannerServiceStub(channel)  # type: ignore[no-untyped-call]
            assert ours.GeneratePlan(question, timeout=20).plan.id == done.stdout.strip()
