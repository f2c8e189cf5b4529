"""A client that knows the published proto file and nothing else of ours."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_status import rpc_status

PACKAGE = "capacity_planner.v1"
SERVICE = f"{PACKAGE}.CapacityPlannerService"
PROTOS = Path(str(files("capacity_planner.surfaces.grpc"))) / "proto"
PROTO = "capacity_planner/v1/capacity_planner.proto"
ANSWERS = {
    "GeneratePlan": ("PlanRequest", "PlanResponse"),
    "Simulate": ("SimulationRequest", "SimulationResponse"),
    "GetForecasts": ("ForecastRequest", "ForecastResponse"),
}


def protoc(*arguments: str) -> None:
    """Run the protocol buffer compiler on the published file."""
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", *arguments, PROTO], check=True)


@cache
def compiled() -> descriptor_pb2.FileDescriptorSet:
    """The published file with what it imports and its comments."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "set")
        protoc("--include_imports", "--include_source_info", f"--descriptor_set_out={out}")
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


@cache
def pool() -> descriptor_pool.DescriptorPool:
    """Types of its own, apart from those of our stubs."""
    made = descriptor_pool.DescriptorPool()
    for file in compiled().file:
        made.Add(file)
    return made


def message(name: str) -> Any:
    """A message's class."""
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


def from_json(name: str, value: Any) -> Any:
    """A message from protobuf's JSON."""
    return json_format.ParseDict(value, message(name)(), descriptor_pool=pool())


def to_json(sent: Any) -> Any:
    """Protobuf's JSON, with the zeros."""
    return json_format.MessageToDict(sent, always_print_fields_with_no_presence=True, descriptor_pool=pool())


class Client:
    """Calls by name."""

    def __init__(self, port: int, *, token: str | None = None, channel: grpc.Channel | None = None) -> None:
        self.channel = channel or grpc.insecure_channel(f"127.0.0.1:{port}")
        self.metadata = () if token is None else (("authorization", f"Bearer {token}"),)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def method(self, name: str) -> grpc.UnaryUnaryMultiCallable[Any, Any]:
        return self.channel.unary_unary(
            f"/{SERVICE}/{name}",
            request_serializer=lambda sent: sent.SerializeToString(),
            response_deserializer=message(ANSWERS[name][1]).FromString,
        )

    def call(self, name: str, value: Any, *, timeout: float | None = 60, **options: Any) -> Any:
        """The answer to a request, which may be given as JSON."""
        sent = from_json(ANSWERS[name][0], value) if isinstance(value, dict) else value
        return self.method(name)(sent, timeout=timeout, metadata=self.metadata, **options)

    def refusal(self, name: str, value: Any, **options: Any) -> Refusal:
        """What a request is refused with."""
        try:
            self.call(name, value, **options)
        except grpc.RpcError as error:
            return Refusal(error)
        raise AssertionError("It was answered.")


class Refusal:
    """A status with its details, by the names of their types."""

    def __init__(self, error: Any) -> None:
        self.code, self.message = error.code(), error.details()
        self.size = sum(len(str(key)) + len(value) for key, value in error.trailing_metadata() or ())
        self.details: dict[str, Any] = {}
        status = rpc_status.from_call(error)
        for detail in status.details if status else ():
            name = detail.TypeName()
            found = pool() if name.startswith(PACKAGE) else descriptor_pool.Default()
            unpacked = message_factory.GetMessageClass(found.FindMessageTypeByName(name))()
            detail.Unpack(unpacked)
            self.details[name.rpartition(".")[2]] = unpacked
