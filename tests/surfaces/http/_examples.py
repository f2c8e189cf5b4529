"""Makes the examples of the documentation: each request is really sent, and what comes back is written down.

Run it after a change that shows in answers: ``.venv/bin/python -m tests.surfaces.http._examples``.
"""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.server import ServerSettings
from capacity_planner.service.loop import Loop
from capacity_planner.surfaces.http.app import OPERATIONS
from capacity_planner.surfaces.http.routes_scaling import AGGREGATED
from tests.surfaces.http._served import NOON, sample, served

if TYPE_CHECKING:
    import httpx

    from tests.surfaces.http._served import Served

FILE = Path(__file__).parents[3] / "src/capacity_planner/surfaces/http/examples.json"

_SHORT = {"forecast_window": "15m", "plan_interval": "5m"}
_PLAN = {
    "queue_name": "emails",
    "current_metrics": {**sample(), "service_time_p95": "6s", "backlog": 150},
    "slo": {"p95_latency": "8s", "max_backlog": 1000},
    "config": {**_SHORT, "worker_cost_per_hour": 0.5},
}
_CHEAP = {"slo": {"p95_latency": "8s"}, "planner": {"confidence_threshold": 0.5}}
_CONFIG = {
    "planner": {"max_workers": 100, "scale_up_cooldown": "0s"},
    "slo": {"p95_latency": "8s"},
    "queues": [
        {"queue_name": "emails", "mode": "manual"},
        {"queue_name": "reports", "slo": {"drain_time": "30m"}, "planner": {"max_workers": 10}},
    ],
}


def made(folder: Path) -> dict[str, dict[str, Any]]:
    """Operation → what was sent as ``request``, and what came back by its status."""
    with served(folder) as own:
        found = _asked(own)
    with served(folder) as own:
        found |= _pulled(own)
    left_out = {"openapi", "metrics", "watchSimulation"}  # these have no JSON of their own, or are this document
    left_out |= AGGREGATED  # Kubernetes knows what they are
    assert set(found) == {item.name for item in OPERATIONS} - left_out
    return found


def _asked(own: Served) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}

    def ask(name: str, path: str = "", body: Any = None, **headers: str) -> httpx.Response:
        operation = next(item for item in OPERATIONS if item.name == name)
        sent = {} if body is None else {"json": body}
        answer = own.client.request(operation.method, path or operation.path, headers=headers, **sent)
        assert answer.status_code in operation.answers, answer.text
        entry = found.setdefault(name, {} if body is None else {"request": body})
        if answer.content:
            entry[str(answer.status_code)] = _steady(answer.json())
        return answer

    ask("pushMetrics", body=[sample(-5 * i, arrival_rate=25.0 + i % 4 / 2) for i in (3, 2, 1)])
    ask("putConfig", body=_CONFIG, **{"If-Match": "*"})
    plan = ask("makePlan", body=_PLAN)
    where = plan.headers["location"]
    ask("applyPlan", f"{where}/apply")
    ask("getPlan", where)
    ask("listPlans", "/v1/plans?queue_name=emails&limit=1")
    ask("listPlansOfQueue", "/v1/queues/emails/plans?limit=1")
    ask("forecast", body={"queue_name": "emails", "horizon": "15m"})
    ask("queueing", body={"arrival_rate": 25.5, "service_rate": 0.5, "target_latency": "8s"})
    _simulations(own, ask, plan.json()["plan"])
    for name in ("getState", "getHistory", "getAccuracy", "getQueue"):
        operation = next(item for item in OPERATIONS if item.name == name)
        ask(name, operation.path.replace("{name}", "emails"))
    for name in ("listQueues", "getConfig", "listConfigVersions", "healthz", "readyz", "links"):
        ask(name)
    own.clock.now += timedelta(minutes=5)
    ask("reportScaling", body={"queue_name": "emails", "workers": 70, "at": NOON.isoformat()})
    ask("reset", body={"queue_name": "emails"})
    return found


def _simulations(own: Served, ask: Any, plan: dict[str, Any]) -> None:
    scenario = {
        "name": "a quarter more traffic",
        "plan": plan,
        "traffic_pattern": {"type": "constant", "base_rate": 32.0},
        "duration": "15m",
        "seed": 7,
    }
    done = ask("simulate", "/v1/simulations?wait=30s", {"scenario": scenario})
    long = {**scenario, "duration": "1000h", "granularity": "1h"}
    running = own.client.post("/v1/simulations?wait=0s", json={"scenario": long}).headers["location"]
    waiting = ask("simulate", "/v1/simulations?wait=0s", {"scenario": long}).headers["location"]
    ask("cancelSimulation", waiting)
    ask("getSimulation", done.headers["location"])
    own.client.delete(running)


def _pulled(own: Served) -> dict[str, dict[str, Any]]:
    """What a queue is told to those who ask for its workers, once its plan has been carried out."""
    config = {"queues": [{"queue_name": "invoices", "mode": "auto", "scaler": {"name": "pull"}}], **_CHEAP}
    own.client.put("/v1/config", json=config, headers={"If-Match": "*"})
    samples = [sample(-5 * i, queue_name="invoices", current_workers=40) for i in range(30)]
    own.client.post("/v1/metrics", json=samples)
    Loop(own.desk, own.store, own.telemetry, ServerSettings(), "docs").round()
    answer = own.client.get("/v1/queues/invoices/workers")
    assert answer.status_code == 200, answer.text
    return {"getWorkers": {"200": answer.json()}}


def _steady(value: Any) -> Any:
    """An answer in which what is another every time has been set still."""
    if isinstance(value, list):
        return [_steady(item) for item in value]
    if not isinstance(value, dict):
        return value
    still = {"generation_time": "0.012s"}
    if "openapi" in value:
        still |= {"version": "0.1.0"}
    if "timeline" in value:
        still |= {"duration": "0.021s"}
    if str(value.get("id", "")).startswith("job-"):
        still |= {"id": "job-0f1e2d3c4b5a69788796a5b4"}
    for number, name in enumerate(("created_at", "started_at", "ended_at"), start=1):
        if value.get(name):
            still |= {name: f"2026-11-23T12:00:0{number}Z"}
    return {name: still.get(name, _steady(item)) for name, item in value.items()}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        FILE.write_text(json.dumps(made(Path(scratch)), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
