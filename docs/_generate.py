"""Writes what the pages take from the code: reference tables, the measured accuracy, and every example's output.

``.venv/bin/python docs/_generate.py`` renews the pages; ``tests/docs`` fails when a page is not up to date. The picture
is drawn anew when the plan in the README is another, or when its file was deleted. A generated part of a page lies
between ``<!-- generated: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import importlib
import json
import math
import re
import sys
import tempfile
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _blocks
import _grpc_reference
import _http_examples
import _http_reference
import _service_tables

from capacity_planner import SLO, PlannerConfig
from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.domain.server import ServerSettings
from capacity_planner.pipeline.settings import sentences, toml_value
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = _blocks.ROOT
PICTURE = ROOT / "docs" / "images" / "plan.svg"
GOLDEN = ROOT / "tests" / "golden" / "mgc_p95.json"
_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_CALM = 0.004
_LAWS = {"det": "deterministic", "exp": "exponential", "gamma": "gamma", "h2": "hyperexponential", "logn": "lognormal"}


def planner_settings() -> str:
    """A table of every field of `PlannerConfig`."""
    return _settings("planner", PlannerConfig())


def slo_settings() -> str:
    """A table of every field of `SLO`."""
    return _settings("slo", SLO())


def server_settings() -> str:
    """A table of every field of `ServerSettings`."""
    return _settings("server", ServerSettings())


def _settings(table: str, defaults: Any) -> str:
    lines = ["| key | default | what it says |", "| --- | --- | --- |"]
    for name in type(defaults).__dataclass_fields__:
        value = getattr(defaults, name)
        shown = "not set" if value is None or value == "" else f"`{toml_value(value)}`"
        said = sentences()[f"{table}.{name}"].replace("``", "`")
        lines.append(f"| `{name}` | {shown} | {_sentence(said)} |")
    return "\n".join(lines)


def commands() -> str:
    """Every command with its arguments, options and epilogue, from the program itself."""
    import typer  # noqa: PLC0415 - only this page needs it

    from capacity_planner.surfaces.cli.main import app  # noqa: PLC0415 - as above

    return "\n".join(_command(typer.main.get_command(app), "capacity-planner"))


def command_names() -> list[str]:
    """Every command, as a user types it."""
    return re.findall(r"^## `(.*)`$", commands(), re.MULTILINE)


def _command(command: Any, name: str) -> Iterator[str]:
    import click  # noqa: PLC0415 - as in commands

    yield f"## `{name}`\n"
    yield f"{_plain(command.help)}\n"
    context = click.Context(command, info_name=name)
    panels: dict[str, list[str]] = defaultdict(list)
    for parameter in command.params:
        if record := parameter.get_help_record(context):
            panel = (
                "Arguments" if parameter.param_type_name == "argument" else getattr(parameter, "rich_help_panel", None)
            )
            names = record[0].replace("|", ", ")
            panels[panel or "Options"].append(f"| `{names}` | {_cell(record[1])} |")
    for panel, rows in panels.items():
        yield f"**{panel}**\n"
        yield "\n".join(["| | |", "| --- | --- |", *rows, ""])
    for child_name, child in getattr(command, "commands", {}).items():
        yield from _command(child, f"{name} {child_name}")


def accuracy() -> str:
    """How far the p95 of ``mgc`` is from simulation: per law and c the error furthest from zero over all loads."""
    rows = _errors(knows_p95=True)
    counts = sorted({servers for _, _, servers in rows})
    lines = [
        f"| service, SCV | {' | '.join(f'c = {count}' for count in counts)} |",
        "| --- |" + " ---: |" * len(counts),
    ]
    for law, scv in dict.fromkeys((law, scv) for law, scv, _ in rows):
        entries = (f"{100 * max(rows[law, scv, count], key=abs):+.1f} %" for count in counts)
        lines.append(f"| {_LAWS[law]}, {scv:g} | {' | '.join(entries)} |")
    return "\n".join(lines)


def accuracy_summary() -> str:
    """The same over all cells in a few sentences, also for a service time whose p95 is not known."""
    cells = _cells()
    worst_noise = max(cell["p95_se"] / cell["p95"] for cell in cells)
    calm = sum(cell["p95_se"] <= _CALM * cell["p95"] for cell in cells)
    return (
        f"The reference values have standard errors of their own: at most {_CALM:.1%} of the value in {calm} of "
        f"{len(cells)} cells, at most {worst_noise:.1%} in all.\n\n"
        f"- With mean, std and p95: {_spread(_errors(knows_p95=True))}\n"
        f"- With mean and std alone: {_spread(_errors(knows_p95=False))}"
    )


def _spread(rows: dict[tuple[str, float, int], list[float]]) -> str:
    errors = [error for row in rows.values() for error in row]
    middle = sorted(map(abs, errors))[len(errors) // 2]
    return (
        f"over all {len(errors)} cells the median distance is {middle:.1%}, the largest overstatement "
        f"{max(errors):.1%}, the largest understatement {-min(errors):.1%}."
    )


@cache
def _errors(*, knows_p95: bool) -> dict[tuple[str, float, int], list[float]]:
    """(law, SCV, c) → relative errors of the p95 at each load."""
    sys.path.insert(0, str(ROOT / "benchmarks" / "reference"))
    service_quantile = importlib.import_module("laws").service_quantile

    rows: dict[tuple[str, float, int], list[float]] = defaultdict(list)
    for cell in _cells():
        law, scv, servers = cell["law"], cell["scv"], cell["c"]
        p95 = service_quantile((law, scv), 0.95) if knows_p95 and scv else None
        service = ServiceTime(mean=1.0, std=math.sqrt(scv), p95=p95)
        state = queue_models.get("mgc").solve(cell["rho"] * servers, servers, service)
        rows[law, scv, servers].append(float(state.p95_response) / cell["p95"] - 1.0)
    return rows


@cache
def _cells() -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(GOLDEN.read_text())["cells"]
    return cells


PARTS = {
    "planner_settings": planner_settings,
    "slo_settings": slo_settings,
    "server_settings": server_settings,
    "queue_settings": _service_tables.queue_settings,
    "sources": lambda: _service_tables.members("sources"),
    "scalers": lambda: _service_tables.members("scaling"),
    "commands": commands,
    "grpc_methods": _grpc_reference.methods,
    "http_operations": _http_reference.operations,
    "http_errors": lambda: "\n\n".join(map(_http_examples.example, _http_examples.ERRORS)),
    "accuracy": accuracy,
    "accuracy_summary": accuracy_summary,
}


def renewed(text: str) -> str:
    """The page with every generated part as the code has it today."""
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}", text)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".replace("|", "\\|")


def _plain(text: str) -> str:
    return text.replace("\b\n", "").strip()


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", _plain(text)).replace("|", "\\|").replace("<", "&lt;")


def _write(path: Path, folder: Path) -> None:
    old = path.read_text(encoding="utf-8")
    new = _blocks.refreshed(renewed(old), folder)
    if path.name == "README.md":
        headline = next(block.body for block in _blocks.blocks(new) if block.mark == "output").splitlines()[0]
        if f"![A plan: {headline}]" not in new or not PICTURE.exists():
            PICTURE.write_bytes((folder / "plan.svg").read_bytes())
        new = re.sub(r"!\[A plan: [^\]]*\]", f"![A plan: {headline}]", new)
    if new != old:
        path.write_text(new, encoding="utf-8")
        sys.stdout.write(f"renewed {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    chosen = [Path(name).resolve() for name in sys.argv[1:]] or [path for path in _blocks.pages() if path.exists()]
    for page in chosen:
        with tempfile.TemporaryDirectory() as scratch:
            _write(page, Path(scratch))
