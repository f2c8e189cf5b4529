"""Who wins, who is refused, and what the sentence says."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.server import ServerSettings
from capacity_planner.domain.slo import SLO
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.pipeline.settings import default_file_text, find_file, load_settings, sentences

if TYPE_CHECKING:
    from pathlib import Path


def written(directory: Path, text: str, name: str = "capacity-planner.toml") -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(*args: Any, **options: Any) -> PlannerError:
    with pytest.raises(PlannerError) as caught:
        load_settings(*args, **options)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    return caught.value


def test_nothing_said_is_the_default() -> None:
    settings = load_settings()
    assert (settings.config, settings.slo, settings.server) == (PlannerConfig(), SLO(), ServerSettings())
    assert set(settings.origins.values()) == {"default"}


def test_arguments_before_environment_before_file(tmp_path: Path) -> None:
    path = written(
        tmp_path, "[planner]\nmax_workers = 1\nmin_workers = 1\nmax_step_size = 1\n[slo]\np95_latency = '1s'"
    )
    environ = {"CAPACITY_PLANNER_MAX_WORKERS": "2", "CAPACITY_PLANNER_MIN_WORKERS": "2", "HOME": "/"}
    settings = load_settings(
        path, environ, {"max_workers": 3, "seed": None}, option_names={"max_workers": "--max-workers"}
    )
    assert (settings.config.max_workers, settings.config.min_workers, settings.config.max_step_size) == (3, 2, 1)
    assert settings.slo.p95_latency == timedelta(seconds=1)
    assert settings.origins["planner.max_workers"] == "--max-workers"
    assert settings.origins["planner.min_workers"] == "CAPACITY_PLANNER_MIN_WORKERS"
    assert settings.origins["planner.max_step_size"] == settings.origins["slo.p95_latency"] == str(path)
    assert settings.origins["planner.seed"] == "default"


def test_yaml_says_the_same_as_toml(tmp_path: Path) -> None:
    toml = written(tmp_path, "[planner]\ncooldown_period = '90s'\n[slo]\nmax_backlog = 5\n")
    yaml = written(tmp_path, "planner:\n  cooldown_period: 90s\nslo: {max_backlog: 5}\n", "a.yaml")
    first, second = load_settings(toml), load_settings(yaml)
    assert (first.config, first.slo) == (second.config, second.slo)


@pytest.mark.parametrize("name", ["a.toml", "a.yaml"])
def test_the_default_file_reads_back_to_the_defaults(tmp_path: Path, name: str) -> None:
    text = default_file_text()
    if name.endswith("yaml"):
        text = re.sub(r"\[(\w+)\]", r"\1:", text).replace(" = ", ": ")
        text = "\n".join(line if line.endswith(":") else f"  {line}" for line in text.splitlines())
    settings = load_settings(written(tmp_path, text, name))
    assert (settings.config, settings.slo) == (PlannerConfig(), SLO())


def test_the_default_file_explains_every_field() -> None:
    text = default_file_text()
    for key in load_settings().origins:
        assert f"{key.partition('.')[2]} = " in text
        assert f"# {sentences()[key]}\n" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[planner]\nmax_worker = 5", "planner.max_worker in {path} is no setting. Did you mean max_workers?"),
        ("[plannr]\nmax_workers = 5", "[plannr] in {path} is no table. Did you mean planner?"),
        ("max_workers = 5", "[max_workers] in {path} is no table. There are: planner, slo, server, queues."),
        ("planner = 5", "planner in {path} is 5, which is no table of settings."),
        ("[planner]\ncooldown_period = 300", "planner.cooldown_period in {path} is 300, which is not a duration."),
        ("[planner]\ncooldown_period = '300'", "has no unit"),
        ("[planner]\nmax_workers = '50'", "planner.max_workers in {path} is '50', which is not a whole number."),
        ("[planner]\nmax_workers = -1", "must be at least 1"),
        ("[slo]\nerror_budget = 2.0", "slo.error_budget in {path} is 2.0, which must be at most 1."),
        ("[slo]\nerror_budget = true", "is not a number"),
        ("[planner", "is no TOML"),
    ],
)
def test_a_file_is_refused_by_key_and_path(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    assert words.format(path=path) in refusal(path).message


def test_yaml_refuses_a_key_written_twice(tmp_path: Path) -> None:
    text = "planner:\n  max_workers: 5\n  max_workers: 6\n"
    assert "max_workers is written twice" in refusal(written(tmp_path, text, "a.yml")).message
    assert "no tables" in refusal(written(tmp_path, "- 1", "b.yaml")).message
    assert "is no YAML" in refusal(written(tmp_path, "a: [", "c.yaml")).message


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "no.toml").message
    assert "neither .toml nor .yaml" in refusal(tmp_path / "settings.ini").message
    binary = tmp_path / "junk.toml"
    binary.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in refusal(binary).message


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CAPACITY_PLANNER_MAX_WORKER", "5", "Did you mean CAPACITY_PLANNER_MAX_WORKERS?"),
        ("CAPACITY_PLANNER_COOLDOWN_PERIOD", "300", "CAPACITY_PLANNER_COOLDOWN_PERIOD is '300', which has no unit"),
        ("CAPACITY_PLANNER_MAX_WORKERS", "many", "is not a number"),
        ("CAPACITY_PLANNER_MAX_WORKERS", "5.5", "is not a whole number"),
        ("CAPACITY_PLANNER_MAX_WORKERS", " ", "is empty"),
        ("CAPACITY_PLANNER_SLO_ERROR_BUDGET", "1e999", "must be a finite number"),
    ],
)
def test_a_variable_is_refused_by_name(name: str, value: str, words: str) -> None:
    error = refusal(None, {name: value})
    assert words in error.message
    assert error.details["field"] == name


def test_an_argument_is_refused_by_its_option_name() -> None:
    error = refusal(arguments={"p95_latency": "5"}, option_names={"p95_latency": "--p95"})
    assert error.message.startswith("--p95 is '5', which has no unit.")
    assert "Did you mean max_workers?" in refusal(arguments={"max_wrkers": 5}).message


def test_all_that_is_wrong_is_listed() -> None:
    error = refusal(arguments={"p95_latency": "5", "max_workers": -1})
    assert len(error.details["errors"]) == 2
    assert "(1 more in details.)" in error.message


def test_zero_means_the_default_where_the_fields_say_so() -> None:
    assert load_settings(arguments={"max_step_size": 0}).config.max_step_size == PlannerConfig().max_step_size


def test_the_default_file_is_found_beside_us(tmp_path: Path) -> None:
    assert find_file(None, tmp_path) is None
    path = written(tmp_path, "", "capacity-planner.yaml")
    assert find_file(None, tmp_path) == path
    assert find_file(tmp_path / "other.toml", tmp_path) == tmp_path / "other.toml"
