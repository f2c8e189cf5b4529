"""The methods of the gRPC reference, as the proto file has them."""

from __future__ import annotations

import re
from importlib.resources import files

_RPC = re.compile(r"((?: +//.*\n)+) +rpc (\w+)\((\w+)\) returns \((\w+)\);")
NEEDS = {"GeneratePlan": "apply"}


def proto() -> str:
    """The file that is published."""
    place = files("capacity_planner.surfaces.grpc.proto")
    return place.joinpath("capacity_planner/v1/capacity_planner.proto").read_text(encoding="utf-8")


def methods() -> str:
    """A table of the methods."""
    rows = [
        f"| `{name}` | `{asked}` | `{answered}` | `{NEEDS.get(name, 'read')}` | {_sentence(comment)} |"
        for comment, name, asked, answered in _RPC.findall(proto())
    ]
    return "\n".join(["| method | asked | answered | token | what it does |", "| --- | --- | --- | --- | --- |", *rows])


def _sentence(comment: str) -> str:
    return " ".join(line.strip().removeprefix("//").strip() for line in comment.splitlines())
