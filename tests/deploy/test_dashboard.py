"""The dashboard is one that Grafana can show, and asks for nothing that is not exported."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from tests.deploy._promql import DASHBOARD, exported, strange

BOARD: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = BOARD["panels"]
SHOWN = [panel for panel in PANELS if panel["type"] != "row"]
VARIABLES = {variable["name"]: variable for variable in BOARD["templating"]["list"]}
BUILT_IN = {"__rate_interval"}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def _named(panel: dict[str, Any]) -> Any:
    return pytest.param(panel, id=panel["title"])


def _targets() -> list[Any]:
    return [
        pytest.param(target, id=f"{panel['title']} {target['refId']}") for panel in SHOWN for target in panel["targets"]
    ]


def test_it_is_a_dashboard_of_a_schema_that_grafana_reads() -> None:
    assert BOARD["schemaVersion"] >= 36
    assert BOARD["title"] == "Capacity planner"
    assert BOARD["uid"] == "capacity-planner"
    assert "id" not in BOARD, "an id is of one Grafana"
    assert {"time", "refresh", "annotations", "tags"} <= set(BOARD)


def test_data_source_job_and_queue_can_be_chosen() -> None:
    assert list(VARIABLES) == ["datasource", "job", "queue"]
    assert VARIABLES["datasource"]["type"] == "datasource"
    assert VARIABLES["datasource"]["query"] == "prometheus"
    for name in ("job", "queue"):
        found = re.fullmatch(rf"label_values\((\w+)(\{{.*\}})?, {name}\)", VARIABLES[name]["query"]["query"])
        assert found, name
        assert not strange(found[1] + (found[2] or ""), exported())
        assert name == "job" or name in exported()[found[1]]
        assert VARIABLES[name]["datasource"] == SOURCE
        assert VARIABLES[name]["multi"]


def test_the_rows_are_there_and_that_of_a_queue_repeats() -> None:
    rows = {panel["title"]: panel.get("repeat") for panel in PANELS if panel["type"] == "row"}
    assert rows == {
        "Fleet": None,
        "Queue $queue": "queue",
        "Decisions and scalings": None,
        "Health of the service": None,
    }


def test_panels_have_places_of_their_own() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart or below, (one, other)


@pytest.mark.parametrize("panel", [_named(panel) for panel in SHOWN])
def test_a_panel_says_what_it_shows_and_asks_the_chosen_source(panel: dict[str, Any]) -> None:
    assert panel["type"] in {"timeseries", "stat", "table"}
    assert panel["title"]
    assert panel["datasource"] == SOURCE
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    assert all(target["datasource"] == SOURCE for target in panel["targets"])


@pytest.mark.parametrize("target", _targets())
def test_a_query_uses_what_is_exported_and_the_variables_there_are(target: dict[str, Any]) -> None:
    assert strange(target["expr"], exported()) == []
    names = set(re.findall(r"\$(\w+)", target["expr"]))
    assert "job" in names
    assert names <= {*VARIABLES, *BUILT_IN}
    for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
        assert re.search(rf"\b{label}\b", target["expr"]) or label == "instance", "it would be empty"


def test_what_of_a_queue_is_shown_is_of_the_queue_that_was_chosen() -> None:
    begin = next(i for i, panel in enumerate(PANELS) if panel.get("repeat") == "queue")
    end = next(i for i, panel in enumerate(PANELS) if i > begin and panel["type"] == "row")
    targets = [target["expr"] for panel in PANELS[begin + 1 : end] for target in panel["targets"]]
    assert len(targets) == 11
    assert all('queue=~"$queue"' in expression for expression in targets)


def test_every_metric_of_ours_is_shown() -> None:
    expressions = " ".join(target["expr"] for panel in SHOWN for target in panel["targets"])
    families = {
        re.sub(r"_(bucket|count|sum)$", "", name) for name in exported() if name.startswith("capacity_planner_")
    }
    missing = {name for name in families if name not in expressions}
    assert missing == {
        "capacity_planner_loop_timestamp_seconds",  # for an alert
        "capacity_planner_sample_timestamp_seconds",  # for an alert
    }
