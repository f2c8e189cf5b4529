"""Helm and the schemas of Kubernetes, in an environment of their own: together they are 390 MB."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).resolve().parents[2] / "deploy/helm/capacity-planner"
NEEDED = ("helm-python-sdk==0.2.2", "kubernetes-validate==1.37.0")
RENDER = """
import json, sys
import helm_python as helm
order = json.load(sys.stdin)
try:
    with helm.Chart.load(order["chart"]) as chart:
        made = chart.render(order["values"], name="cp", namespace="planner")
        chart.validate_schema(order["values"])
    print(json.dumps({"made": made}))
except helm.HelmError as error:
    print(json.dumps({"error": str(error)}))
"""
VALIDATE = """
import json, sys
import kubernetes_validate
order = json.load(sys.stdin)
found = []
for body in order["bodies"]:
    try:
        kubernetes_validate.validate(body, order["version"], strict=True)
    except kubernetes_validate.ValidationError as error:
        found.append(f"{body['kind']} {body['metadata']['name']}: {error.message}")
print(json.dumps(found))
"""
LINT = """
import json, sys
import helm_python as helm
order = json.load(sys.stdin)
print(json.dumps(helm.lint(order["chart"], order["values"])["errors"]))
"""


@cache
def python() -> Path:
    """The environment's Python; without it a test is skipped, but in CI it fails."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "capacity-planner-tests" / "-".join(NEEDED).replace("==", "-")
    mark, found = folder / "made", folder / "bin/python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        problem = "" if mark.exists() else _made(folder, found)
        if not problem:
            mark.touch()
            return found
    reason = f"Helm cannot be installed: {problem}"
    if os.environ.get("REQUIRE_SERVICES"):
        pytest.fail(reason)
    pytest.skip(reason)


def _made(folder: Path, found: Path) -> str:
    """Make the environment; what went wrong."""
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(found), "-m", "pip", "install", "-q", *NEEDED],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["no message"])[-1]
    return ""


def _ask(script: str, **order: Any) -> Any:
    done = subprocess.run(
        [python(), "-c", script], input=json.dumps(order), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def rendered(**values: Any) -> list[dict[str, Any]]:
    """The objects that the chart makes of values."""
    answer = _ask(RENDER, chart=str(CHART), values={"image": {"repository": "registry.example.com/planner"}} | values)
    assert "error" not in answer, answer["error"]
    texts = (text for name, text in answer["made"].items() if not name.endswith("NOTES.txt"))
    return [body for text in texts for body in yaml.safe_load_all(text) if body]


def refusal(**values: Any) -> str:
    """Why the chart refuses values."""
    return str(_ask(RENDER, chart=str(CHART), values=values)["error"])


def lint(**values: Any) -> list[Any]:
    """What Helm does not like about the chart."""
    found: list[Any] = _ask(LINT, chart=str(CHART), values=values)
    return found


def invalid(bodies: list[dict[str, Any]], version: str) -> list[str]:
    """What the schemas of a version of Kubernetes say against objects."""
    found: list[str] = _ask(VALIDATE, bodies=bodies, version=version)
    return found
