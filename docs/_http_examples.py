"""The examples of the HTTP reference: real requests to a real application, at a fixed time, and what it answers."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
_WIDTH = 112
_ACCEPTED = 202
_HEADERS = ("location", "etag", "retry-after", "www-authenticate", "allow")
# What differs from run to run.
_VARIES = {"generation_time", "created_at", "started_at", "ended_at"}
_GOING = _VARIES | {"state", "progress"}
_REQUEST = re.compile(r"(?<=urn:capacity-planner:request:)[0-9a-f]{16}")
# A plan's name is made of its last digits too, and those differ between processors.
_PLAN, _SIMULATION = re.compile(r"(?<=plan-)[0-9a-f]{16}"), re.compile(r"(?<=simulation-)[0-9a-f]{16}")
_FEW = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One request.

    Attributes:
        name: of the operation, or of the error, that it is an example of.
        method: such as ``GET``.
        path: with the query; ``PLAN`` and ``JOB`` stand for what was made before.
        body: what is sent as JSON.
        headers: that are sent.
        status: that is answered.
        left_out: keys whose values the page leaves out.
        locked: whether tokens are asked for.
    """

    name: str
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    left_out: tuple[str, ...] = ()
    locked: bool = False


_SAMPLE = {
    "queue_name": "emails",
    "timestamp": "2026-01-31T12:00:00Z",
    "arrival_rate": 25.5,
    "service_time": "2s",
    "current_workers": 50,
    "backlog": 12,
}
_QUESTION = {"current_metrics": _SAMPLE, "slo": {"p95_latency": "8s"}}
_REPORTS = _QUESTION | {"current_metrics": _SAMPLE | {"queue_name": "reports"}}
_EMAILS = {
    "queue_name": "emails",
    "mode": "manual",
    "planner": {"max_workers": 80, "scale_up_cooldown": "0s"},
    "scaler": {"name": "pull"},
}
_EXTERNAL = "/apis/external.metrics.k8s.io/v1beta1"
_WHOLE_PLAN = {"…": "…"}
_SCENARIO = {
    "name": "a burst",
    "plan": _WHOLE_PLAN,
    "traffic_pattern": {
        "type": "constant",
        "base_rate": 25.5,
        "spikes": [{"start_time": "2026-01-31T12:20:00Z", "duration": "15m", "magnitude": 2, "shape": "bell"}],
    },
    "duration": "1h",
    "granularity": "30m",
}
STEPS = (
    Step("links", "GET", "/"),
    Step("healthz", "GET", "/healthz"),
    Step("readyz", "GET", "/readyz"),
    Step(
        "putConfig",
        "PUT",
        "/v1/config",
        {"slo": {"p95_latency": "8s", "error_budget": 0.05}, "queues": [_EMAILS]},
        {"If-Match": '"0"'},
        left_out=("planner",),
    ),
    Step("getConfig", "GET", "/v1/config", left_out=("planner",)),
    Step("listConfigVersions", "GET", "/v1/config/versions", left_out=("config",)),
    Step(
        "pushMetrics", "POST", "/v1/metrics", [_SAMPLE | {"timestamp": "2026-01-31T11:55:00Z", "backlog": 0}, _SAMPLE]
    ),
    Step("makePlan", "POST", "/v1/plans", _QUESTION, status=200),
    Step("getPlan", "GET", "/v1/plans/PLAN", left_out=("response",)),
    Step("applyPlan", "POST", "/v1/plans/PLAN/apply", left_out=("response",)),
    Step("listPlans", "GET", "/v1/plans?queue_name=emails&limit=1", left_out=("response",)),
    Step("listPlansOfQueue", "GET", "/v1/queues/emails/plans", left_out=("response",)),
    Step("forecast", "POST", "/v1/forecasts", {"queue_name": "emails", "horizon": "10m"}),
    Step("queueing", "POST", "/v1/queueing", {"arrival_rate": 25.5, "service_rate": 0.5, "target_latency": "8s"}),
    Step("simulate", "POST", "/v1/simulations?wait=30s", {"scenario": _SCENARIO}, left_out=("scenario",)),
    Step("simulate", "POST", "/v1/simulations?wait=0s", {"scenario": _SCENARIO | {"replications": 100}}, status=202),
    Step("watchSimulation", "GET", "/v1/simulations/JOB/events"),
    Step("getSimulation", "GET", "/v1/simulations/JOB", left_out=("simulation",)),
    Step("cancelSimulation", "DELETE", "/v1/simulations/JOB", left_out=("simulation",)),
    Step("reportScaling", "POST", "/v1/scalings", {"queue_name": "emails", "workers": 62}, status=204),
    Step("listQueues", "GET", "/v1/queues"),
    Step("getQueue", "GET", "/v1/queues/emails"),
    Step("getState", "GET", "/v1/queues/emails/state", left_out=("last_plan",)),
    Step("getHistory", "GET", "/v1/queues/emails/history?since=2026-01-31T11:58:00Z&until=2026-01-31T12:00:00Z"),
    Step("getAccuracy", "GET", "/v1/queues/emails/accuracy"),
    Step("getWorkers", "GET", "/v1/queues/emails/workers?fallback=hold"),
    Step("listExternalMetrics", "GET", _EXTERNAL),
    Step(
        "getExternalMetric",
        "GET",
        f"{_EXTERNAL}/namespaces/jobs/workers?labelSelector=queue%3Demails",
        status=503,
    ),
    Step("metrics", "GET", "/metrics"),
    Step("openapi", "GET", "/openapi.json", left_out=("paths", "components", "tags", "servers")),
    Step("bad-request", "POST", "/v1/metrics", _SAMPLE | {"arrival_rate": -1, "utilization": 75}, status=400),
    Step("conflict", "POST", "/v1/plans/PLAN/apply", status=409),
    Step("precondition", "PUT", "/v1/config", {"queues": []}, {"If-Match": '"0"'}, status=412),
    Step("cooldown", "POST", "/v1/plans", _REPORTS, status=429, left_out=("plan",)),
    Step("unauthorized", "GET", "/v1/queues", status=401, locked=True),
    Step("reset", "POST", "/v1/reset", {"queue_name": "emails"}, status=204),
)


ERRORS = ("bad-request", "cooldown", "conflict", "precondition", "unauthorized")


def example(name: str) -> str:
    """The requests of one operation or error, each as a command and its answer, in fences."""
    return "\n\n".join(shown for known, shown in _ran() if known == name)


@cache
def _ran() -> tuple[tuple[str, str], ...]:
    with tempfile.TemporaryDirectory() as folder, _clients(Path(folder)) as (client, locked):
        known: dict[str, str] = {}
        return tuple((step.name, _shown(step, locked if step.locked else client, known)) for step in STEPS)


@contextmanager
def _clients(folder: Path) -> Iterator[tuple[Any, Any]]:
    """Clients of two applications on one store: one that asks for no tokens, and one that does."""
    # What only this page needs is imported here.
    import httpx  # noqa: PLC0415

    from capacity_planner.domain.server import ServerSettings  # noqa: PLC0415
    from capacity_planner.service.access import Access, Role  # noqa: PLC0415
    from capacity_planner.service.desk import Desk  # noqa: PLC0415
    from capacity_planner.service.heavy import Heavy  # noqa: PLC0415
    from capacity_planner.service.telemetry import Telemetry  # noqa: PLC0415
    from capacity_planner.store.store import Store  # noqa: PLC0415
    from capacity_planner.surfaces.http.app import create_app  # noqa: PLC0415
    from capacity_planner.surfaces.http.server import HttpServer  # noqa: PLC0415

    settings, telemetry = ServerSettings(http="127.0.0.1:0"), Telemetry(max_queues=10)
    store = Store.open(f"sqlite:///{folder / 'planner.db'}", clock=lambda: NOON)
    heavy = Heavy(settings, clock=lambda: NOON)
    desk = Desk(store, telemetry, heavy)
    desk.scaled("reports", 50, by="docs")
    accesses = Access.open_to_all(), Access([("docs", Role.READ, bytes(32))])
    with ExitStack() as stack:
        stack.callback(store.close)
        stack.callback(heavy.close)
        apps = [create_app(desk, heavy, access, telemetry, settings) for access in accesses]
        servers = [stack.enter_context(HttpServer(app, settings)) for app in apps]
        first, second = (stack.enter_context(httpx.Client(base_url=server.url, timeout=60)) for server in servers)
        yield first, second


def _shown(step: Step, client: Any, known: dict[str, str]) -> str:
    path = re.sub("PLAN|JOB", lambda found: known[found[0]], step.path)
    body = None if step.body is None else json.dumps(step.body).replace(json.dumps(_WHOLE_PLAN), known.get("WHOLE", ""))
    headers = step.headers | ({} if body is None else {"Content-Type": "application/json"})
    answer = client.request(step.method, path, content=body, headers=headers)
    assert answer.status_code == step.status, (step, answer.text)  # noqa: S101 - a test's
    _remember(answer, known)
    return _anonymous(f"{_command(step)}\n\n{_answer(answer, step)}", known)


def _remember(answer: Any, known: dict[str, str]) -> None:
    """What later requests speak of."""
    if (
        "plan" in answer.text
        and answer.request.method == "POST"
        and answer.url.path == "/v1/plans"
        and answer.is_success
    ):
        known["WHOLE"] = json.dumps(answer.json()["plan"])
    place = answer.headers.get("location", "").rpartition("/")
    if place[0] in {"/v1/plans", "/v1/simulations"}:
        known["PLAN" if place[0] == "/v1/plans" else "JOB"] = place[2]


def _command(step: Step) -> str:
    shown = re.sub("PLAN|JOB", lambda found: "$" + found[0], step.path)
    parts = [f"curl{'' if step.method == 'GET' else f' -X {step.method}'} {_quoted(f'localhost:8080{shown}')}"]
    parts += [f"-H '{name}: {value}'" for name, value in step.headers.items()]
    if step.body is not None:
        parts += ["-H 'Content-Type: application/json'", f"-d '{compact(step.body)}'"]
    return f"```sh\n{' '.join(parts)}\n```"


def _quoted(url: str) -> str:
    return f'"{url}"' if set(url) & set("?&$") else url


def _answer(answer: Any, step: Step) -> str:
    lines = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"]
    media = answer.headers.get("content-type", "")
    lines += [f"Content-Type: {media}"] if media else []
    names = {name: name.title().replace("Etag", "ETag").replace("Www", "WWW") for name in _HEADERS}
    lines += [f"{shown}: {answer.headers[name]}" for name, shown in names.items() if name in answer.headers]
    if "json" in media:
        lines += ["", compact(_abridged(answer.json(), step.left_out, answer.status_code))]
    elif answer.text:
        lines += ["", _some(answer.text, media)]
    return "```http\n{}\n```".format("\n".join(lines))


def _some(text: str, media: str) -> str:
    """The first metric of ours; of events the first and the last."""
    if "event-stream" not in media:
        return "\n".join([*[line for line in text.splitlines() if "capacity_planner_" in line][:_FEW], "…"])
    events = [_event(part) for part in text.strip().split("\n\n")]
    return "\n\n".join(events if len(events) < _FEW else [events[0], "…", events[-1]])


def _event(text: str) -> str:
    head, _, data = text.partition("data: ")
    told = json.loads(data)
    kept = ("id", "state", "progress") if "progress" in head else tuple(told)
    varies = _GOING if "progress" in head else _VARIES
    shown = {name: "…" if name in varies else told[name] for name in kept}
    return f"{head}data: {json.dumps(shown, ensure_ascii=False)}"


def _abridged(value: Any, left_out: tuple[str, ...], status: int = 200) -> Any:
    """A body with the first of each long list, without what the page leaves out, and what varies as an ellipsis."""
    if isinstance(value, dict):
        varies = _GOING if status == _ACCEPTED else _VARIES | ({"duration"} if "created_at" in value else set())
        return {name: _value(name, item, left_out, varies) for name, item in value.items()}
    if isinstance(value, list):
        return [_abridged(item, left_out) for item in value[:1]] + (["…"] if len(value) > 1 else [])
    return round(value, 6) if isinstance(value, float) else value


def _value(name: str, value: Any, left_out: tuple[str, ...], varies: set[str]) -> Any:
    if name in left_out and value is not None:
        return {"…": "…"}
    known = value is not None or (name == "started_at" and "state" in varies)  # it may, or may not yet
    return "…" if name in varies and known else _abridged(value, left_out)


def _anonymous(text: str, known: dict[str, str]) -> str:
    for name, shown in ((_REQUEST, "4f1c0d5e7a2b9c38"), (_PLAN, "5c2e1c793023f8a9"), (_SIMULATION, "2614d86aff19d35e")):
        text = name.sub(shown, text)
    return text.replace(known["JOB"], "5f0c9e2a") if "JOB" in known else text


def compact(value: Any, indent: int = 0) -> str:
    """JSON with as much on a line as fits."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent <= _WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner, outer = " " * (indent + 2), " " * indent
    if isinstance(value, dict):
        rows = [f"{inner}{json.dumps(name)}: {compact(item, indent + 2)}" for name, item in value.items()]
        return "{{\n{}\n{}}}".format(",\n".join(rows), outer)
    rows = [f"{inner}{compact(item, indent + 2)}" for item in value]
    return "[\n{}\n{}]".format(",\n".join(rows), outer)
