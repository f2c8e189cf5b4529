"""A real Prometheus server scrapes the metrics, loads the rules, and answers what the dashboard asks."""

from __future__ import annotations

import json
import math
import re
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from capacity_planner.service.telemetry import Telemetry
from tests.deploy._promql import DASHBOARD, PAGE, RULES, rules
from tests.deploy._tools import tool
from tests.service._told import plan, samples, tell_all
from tests.services._servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
ODD = 'a "quoted" \\ name/größe {x="1"}'
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A service that is told things, and the Prometheus server that scrapes it."""

    telemetry: Telemetry
    api: httpx.Client
    accepted: list[str]

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of the API."""
        answer = self.api.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an instant query finds."""
        found: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return found


@contextmanager
def _served(telemetry: Telemetry, accepted: list[str]) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            accepted.append(self.headers.get("Accept", ""))
            body, content_type = telemetry.exposition(self.headers.get("Accept"))
            self.send_response(200 if self.path == "/metrics" else 404)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _prometheus(folder: Path, target: int) -> Iterator[httpx.Client]:
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "capacity-planner", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}],
    }
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    arguments = [
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([tool("prometheus"), *arguments], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as api:
            _wait_until_ready(api, process, folder / "log")
            yield api
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_ready(api: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            if api.get("/-/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(log.read_text())


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    telemetry, accepted = Telemetry(), list[str]()
    with _served(telemetry, accepted) as target, _prometheus(tmp_path_factory.mktemp("prometheus"), target) as api:
        made = Watched(telemetry, api, accepted)
        _live(made)
        yield made


def _live(watched: Watched) -> None:
    """A few seconds of work, and then stillness until Prometheus has the last word."""
    telemetry, sure = watched.telemetry, replace(plan(), plan=replace(plan().plan, confidence=0.95))
    poor = replace(sure, plan=replace(sure.plan, slo_achievable=False))
    telemetry.keep("out of reach", timedelta(minutes=5))
    for _ in range(24):
        for queue in ("emails", ODD):
            tell_all(telemetry, queue)
            telemetry.planned(queue, 0.02, sure, source="loop")
        telemetry.planned("out of reach", 0.02, poor, source="loop")
        telemetry.scaled("out of reach", 1, 2, scaler="dry_run", outcome="failed")
        time.sleep(0.25)
    scrapes, end = len(watched.accepted), time.monotonic() + PATIENCE
    while len(watched.accepted) < scrapes + 3 and time.monotonic() < end:
        time.sleep(0.1)


def test_the_target_is_up_and_openmetrics_is_spoken(watched: Watched) -> None:
    (target,) = watched.get("targets", state="active")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    assert watched.query("up")[0]["value"][1] == "1"
    assert all("application/openmetrics-text" in accept for accept in watched.accepted)


def test_every_series_arrives_with_its_labels_and_its_value(watched: Watched) -> None:
    came = {}
    for row in watched.query('{__name__=~"capacity_planner_.+"}'):
        labels = {name: text for name, text in row["metric"].items() if name not in {"instance", "job"}}
        came[_key(labels.pop("__name__"), labels)] = float(row["value"][1])
    said = {_key(s.name, s.labels): s.value for s in samples(watched.telemetry) if s.name.startswith("capacity_")}
    assert came == {key: pytest.approx(number, nan_ok=True) for key, number in said.items()}
    assert len(said) > 150
    assert _key("capacity_planner_gaps_total", {"queue": ODD}) in came


def _key(name: str, labels: dict[str, str]) -> tuple[Any, ...]:
    return (name, *sorted((label, float(text) if label == "le" else text) for label, text in labels.items()))


def test_what_prometheus_knows_of_a_metric_is_what_we_say(watched: Watched) -> None:
    known = watched.get("metadata")
    assert known["capacity_planner_target_workers"][0]["type"] == "gauge"
    assert known["capacity_planner_generation_duration_seconds"][0]["type"] == "histogram"
    assert known["capacity_planner_errors"][0]["type"] == "counter"
    assert known["capacity_planner_target_workers"][0]["help"].startswith("Workers at the end")


def test_every_rule_is_loaded_and_healthy(watched: Watched) -> None:
    groups = watched.get("rules")["groups"]
    found = [rule for group in groups for rule in group["rules"]]
    assert [rule["name"] for rule in found] == [rule.get("alert") or rule["record"] for rule in rules()]
    assert {(rule["health"], rule.get("lastError", "")) for rule in found} == {("ok", "")}


def test_what_is_recorded_has_values(watched: Watched) -> None:
    for rule in rules():
        if "record" in rule:
            assert watched.query(rule["record"]), rule["record"]
    ages = {row["metric"]["queue"]: float(row["value"][1]) for row in _ages(watched)}
    assert set(ages) == {"emails", ODD, "out of reach"}
    assert all(0 <= age < PATIENCE for age in ages.values())


def _ages(watched: Watched) -> list[dict[str, Any]]:
    return watched.query("queue:capacity_planner_plan_age_seconds:min")


def test_alerts_are_raised_for_what_is_wrong_and_for_nothing_else(watched: Watched) -> None:
    raised = {(alert["labels"]["alertname"], alert["labels"].get("queue")) for alert in watched.get("alerts")["alerts"]}
    assert raised == {
        ("CapacityPlannerSLONotAchievable", "out of reach"),
        ("CapacityPlannerScalingFailing", "out of reach"),
    }


def _dashboard_queries() -> list[Any]:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [
        pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
        for panel in panels
        for target in panel.get("targets", ())
    ]


@pytest.mark.parametrize("expression", _dashboard_queries())
def test_what_the_dashboard_asks_is_answered(expression: str, watched: Watched) -> None:
    for name, text in {"$job": "capacity-planner", "$queue": "emails|.*x.*", "$__rate_interval": "30s"}.items():
        expression = expression.replace(name, text)
    rows = watched.query(expression)
    assert rows
    assert not all(math.isnan(float(row["value"][1])) for row in rows)


def test_what_the_page_asks_can_be_asked(watched: Watched) -> None:
    for query in re.findall(r"^```promql\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        watched.query(query)
