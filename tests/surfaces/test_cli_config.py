"""``config``: show, check, init."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.pipeline.settings import load_settings
from tests.surfaces._made import cli

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_init_writes_the_defaults_once(tmp_path: Path) -> None:
    assert cli("config", "init").exit_code == 0
    path = tmp_path / "capacity-planner.toml"
    assert load_settings(path).config == PlannerConfig()
    path.write_text("[planner]\nmax_workers = 7\n", encoding="utf-8")
    refused = cli("config", "init")
    assert refused.exit_code == 2
    assert "exists. Give --force" in refused.stderr
    assert load_settings(path).config.max_workers == 7
    assert cli("config", "init", "--force").exit_code == 0
    assert load_settings(path).config.max_workers == 100
    assert [item.name for item in tmp_path.iterdir()] == ["capacity-planner.toml"]


def test_init_says_where_it_cannot_write() -> None:
    result = cli("config", "init", "no/such/place.toml")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


def test_show_tells_where_each_value_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "capacity-planner.toml").write_text("[planner]\nmax_workers = 7\n", encoding="utf-8")
    monkeypatch.setenv("CAPACITY_PLANNER_SLO_P95_LATENCY", "5s")
    told = json.loads(cli("config", "show", "--json").stdout)
    assert told["planner.max_workers"]["value"] == 7
    assert told["planner.max_workers"]["from"].endswith("capacity-planner.toml")
    assert told["slo.p95_latency"] == {"value": "5s", "from": "CAPACITY_PLANNER_SLO_P95_LATENCY", "shown": '"5s"'}
    assert told["planner.seed"]["from"] == "default"
    text = cli("config", "show").stdout
    assert "planner.scale_up_cooldown" in text
    assert "not set" in text


def test_check_names_the_key(tmp_path: Path) -> None:
    good, bad, torn = tmp_path / "a.toml", tmp_path / "b.toml", tmp_path / "c.yaml"
    good.write_text("[slo]\np95_latency = '5s'\n", encoding="utf-8")
    bad.write_text("[planner]\nmax_worker = 7\n", encoding="utf-8")
    torn.write_text("planner: {min_workers: 9, max_workers: 5}\n", encoding="utf-8")
    assert cli("config", "check", str(good)).stdout == f"{good} is valid: 1 settings.\n"
    assert json.loads(cli("config", "check", str(good), "--json").stdout)["settings"] == 1
    refused = cli("config", "check", str(bad))
    assert refused.exit_code == 2
    assert "planner.max_worker" in refused.stderr
    clash = cli("config", "check", str(torn))
    assert clash.exit_code == 2
    assert f"min_workers comes from: {torn}" in clash.stderr


def test_the_settings_reach_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text("[slo]\np95_latency = '8s'\n[planner]\nmax_workers = 2\n", encoding="utf-8")
    flags = ("--arrival-rate", "9", "--service-time", "1s", "--workers", "2", "--config", "mine.toml")
    limited = cli("plan", *flags, "--json")
    assert limited.exit_code == 3
    assert json.loads(limited.stdout)["plan"]["target_workers"] == 2
    monkeypatch.setenv("CAPACITY_PLANNER_MAX_WORKER", "5")
    slip = cli("plan", *flags)
    assert slip.exit_code == 2
    assert "CAPACITY_PLANNER_MAX_WORKERS" in slip.stderr
