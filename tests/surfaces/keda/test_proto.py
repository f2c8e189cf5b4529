"""The wire is the one that KEDA declares, and the stubs are those of the proto file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.surfaces.keda._keda import SERVICE, compiled

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests/golden/externalscaler.txt"
TYPES = {1: "double", 3: "int64", 8: "bool", 9: "string"}
REPEATED = 3


def last(name: str) -> str:
    return name.rpartition(".")[2]


def kind(field: Any) -> str:
    if field.type_name.endswith("Entry"):
        return "map<string, string>"
    return ("repeated " if field.label == REPEATED else "") + (TYPES.get(field.type) or last(field.type_name))


def declared(*, old: bool = False) -> set[str]:
    file = compiled(old=old)
    fields = {
        f"{message.name}.{field.name} = {field.number} {kind(field)}"
        for message in file.message_type
        for field in message.field
    }
    calls = {
        f"{service.name}.{call.name} {last(call.input_type)} -> "
        f"{'stream ' if call.server_streaming else ''}{last(call.output_type)}"
        for service in file.service
        for call in service.method
    }
    return fields | calls


def test_the_wire_is_what_keda_declares() -> None:
    golden = {line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")}
    assert declared() == golden
    assert f"{compiled().package}.{compiled().service[0].name}" == SERVICE


def test_the_client_of_an_old_keda_knows_neither_floats_nor_pushed_targets() -> None:
    assert {line for line in declared() - declared(old=True) if "double" in line or "StreamMetricSpec" in line} == (
        declared() - declared(old=True)
    )
    assert len(declared() - declared(old=True)) == 3


def test_the_stubs_are_those_of_the_file() -> None:
    subprocess.run([sys.executable, str(ROOT / ".ci/protos.py"), "--check"], check=True)
