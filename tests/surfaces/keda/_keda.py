"""Plays KEDA: a client made of the proto file when the tests run, which asks in KEDA's order and reads as KEDA reads.

The proto file is KEDA's own where ``TEST_KEDA_PROTO`` says where one is (in kedacore/keda it is
pkg/scalers/externalscaler/externalscaler.proto), and otherwise ours, which declares the same wire.

What it does is what pkg/scalers/external_scaler.go of kedacore/keda does: the prefix of the trigger is put before the
metric's name and taken off again, a float counts where it is above 0 and else the integer, a reading is GetMetrics and
then IsActive, and a stream that ends is opened again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROTO = Path(
    os.environ.get("TEST_KEDA_PROTO") or str(files("capacity_planner.surfaces.keda") / "proto/externalscaler.proto")
)
SERVICE = "externalscaler.ExternalScaler"
_NEWER = re.compile(r"^ +(double \w+ = 3|rpc StreamMetricSpec.*\{\});?\n", re.MULTILINE)


@cache
def compiled(*, old: bool = False) -> descriptor_pb2.FileDescriptorProto:
    """The proto file as protoc reads it; an old one has neither floats nor StreamMetricSpec."""
    text = PROTO.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        source, out = Path(scratch, PROTO.name), Path(scratch, "set")
        source.write_text(_NEWER.sub("", text) if old else text, encoding="utf-8")
        command = ["-m", "grpc_tools.protoc", f"-I{scratch}", f"--descriptor_set_out={out}", PROTO.name]
        subprocess.run([sys.executable, *command], check=True)
        (file,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    return file


@cache
def pool(*, old: bool = False) -> descriptor_pool.DescriptorPool:
    """Types of its own, apart from those of our stubs."""
    made = descriptor_pool.DescriptorPool()
    made.Add(compiled(old=old))
    return made


@dataclass
class Keda:
    """A trigger of a ScaledObject.

    Attributes:
        port: of the scaler.
        metadata: of the trigger.
        index: of the trigger.
        old: whether it is a version from before floats.
        asked: the calls in their order.
    """

    port: int
    metadata: Mapping[str, str]
    index: int = 0
    old: bool = False
    header: str | None = None
    channel: grpc.Channel | None = None
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.channel = self.channel or grpc.insecure_channel(f"127.0.0.1:{self.port}")
        return self

    def __exit__(self, *_: object) -> None:
        if self.channel:
            self.channel.close()

    def message(self, name: str) -> Any:
        """A message's class."""
        return message_factory.GetMessageClass(pool(old=self.old).FindMessageTypeByName(f"externalscaler.{name}"))

    @property
    def reference(self) -> Any:
        """The ScaledObject, with all of the trigger's metadata, KEDA's own keys among them."""
        metadata = {"scalerAddress": f"planner:{self.port}", **self.metadata}
        return self.message("ScaledObjectRef")(name="emails", namespace="jobs", scalerMetadata=metadata)

    def call(self, name: str, sent: Any, answer: str) -> Any:
        """One call."""
        self.asked.append(name)
        assert self.channel
        method: Any = self.channel.unary_unary(
            f"/{SERVICE}/{name}", lambda out: out.SerializeToString(), self.message(answer).FromString
        )
        return method(sent, timeout=20, metadata=self.sent_metadata)

    @property
    def sent_metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", self.header),) if self.header else ()

    def stream(self, name: str, answer: str) -> Any:
        """An open stream."""
        self.asked.append(name)
        assert self.channel
        method: Any = self.channel.unary_stream(
            f"/{SERVICE}/{name}", lambda out: out.SerializeToString(), self.message(answer).FromString
        )
        return method(self.reference, timeout=60, metadata=self.sent_metadata, wait_for_ready=True)

    def specs(self, response: Any = None) -> dict[str, float]:
        """The metrics that the HPA is built of, by name, with their targets."""
        response = response or self.call("GetMetricSpec", self.reference, "GetMetricSpecResponse")
        return {
            f"s{self.index}-{spec.metricName}": self._float(spec, "targetSizeFloat", "targetSize")
            for spec in response.metricSpecs
        }

    def metrics_and_activity(self, name: str) -> tuple[list[float], bool]:
        """What the HPA, or KEDA while nothing runs, is told of a metric."""
        prefix = f"s{self.index}-"
        assert name.startswith(prefix)
        request = self.message("GetMetricsRequest")(
            scaledObjectRef=self.reference, metricName=name.removeprefix(prefix)
        )
        response = self.call("GetMetrics", request, "GetMetricsResponse")
        values = [self._float(value, "metricValueFloat", "metricValue") for value in response.metricValues]
        return values, self.call("IsActive", self.reference, "IsActiveResponse").result

    def read(self) -> tuple[float, bool]:
        """The one metric's value, and whether the trigger is active."""
        (name,) = self.specs()
        (value,), active = self.metrics_and_activity(name)
        return value, active

    def activity(self) -> Any:
        """Whether the trigger is active, as it is pushed."""
        return self.stream("StreamIsActive", "IsActiveResponse")

    def pushed_specs(self) -> Iterator[dict[str, float]]:
        """Metrics and targets, as they are pushed."""
        for response in self.stream("StreamMetricSpec", "GetMetricSpecResponse"):
            yield self.specs(response)

    def _float(self, message: Any, newer: str, older: str) -> float:
        found = 0.0 if self.old else getattr(message, newer)
        return float(found if found > 0 else getattr(message, older))
