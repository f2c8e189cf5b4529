"""Recording and alert rules: valid, tested, of metrics that there are, and explained."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.deploy._promql import PAGE, ROOT, RULES, known, rules, strange
from tests.deploy._tools import tool

FOLDER = RULES.parent
ALERTS = [pytest.param(rule, id=rule["alert"]) for rule in rules() if "alert" in rule]
NAMED = [pytest.param(rule, id=rule.get("alert") or rule["record"]) for rule in rules()]


def _promtool(*arguments: str) -> str:
    done = subprocess.run([tool("promtool"), *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _anchors() -> set[str]:
    headings = re.findall(r"^#+ (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def test_promtool_takes_the_rules() -> None:
    assert f"SUCCESS: {len(rules())} rules found" in _promtool("check", "rules", RULES.name)


def test_promtool_takes_the_example_of_a_configuration_and_it_loads_the_rules() -> None:
    assert "1 rule files found" in _promtool("check", "config", "prometheus.yml")


def test_the_rules_fire_when_they_should_and_not_when_they_should_not() -> None:
    assert "SUCCESS" in _promtool("test", "rules", "capacity-planner.rules.test.yml")


def test_every_alert_is_seen_to_fire_and_to_keep_silent() -> None:
    cases = yaml.safe_load((FOLDER / "capacity-planner.rules.test.yml").read_text(encoding="utf-8"))["tests"]
    checks = [check for case in cases for check in case.get("alert_rule_test", ())]
    fired = {check["alertname"] for check in checks if check.get("exp_alerts")}
    assert fired == {rule["alert"] for rule in rules() if "alert" in rule}
    assert len([check for check in checks if not check.get("exp_alerts")]) >= 8


@pytest.mark.parametrize("rule", NAMED)
def test_a_rule_uses_what_is_exported_or_recorded(rule: dict[str, Any]) -> None:
    assert strange(rule["expr"], known()) == []


@pytest.mark.parametrize("rule", ALERTS)
def test_an_alert_says_how_bad_it_is_and_where_the_remedy_stands(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook"}
    page, _, anchor = notes["runbook"].partition("#")
    assert ROOT / page == PAGE
    assert anchor in _anchors()


@pytest.mark.parametrize("rule", ALERTS)
def test_an_alert_names_labels_that_it_has(rule: dict[str, Any]) -> None:
    text = " ".join(rule["annotations"].values())
    for label in re.findall(r"\$labels\.(\w+)", text):
        dropped = {
            name.strip() for part in re.findall(r"without \(([^)]*)\)", rule["expr"]) for name in part.split(",")
        }
        assert label not in dropped
        assert strange(f"sum by ({label}) ({rule['expr']})", known()) == []


def test_every_alert_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for rule in rules():
        assert f"`{rule.get('alert') or rule['record']}`" in text
