"""How a queue is run: options are flat and plain, overrides are settings of the planner."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from capacity_planner import PlannerConfig, PlannerError, codec
from capacity_planner.domain.queues import QueueSettings, ServiceConfig
from capacity_planner.frozen import FrozenOptions


def read(**fields: Any) -> QueueSettings:
    return codec.validate(QueueSettings, {"queue_name": "emails", **fields})


def test_options_come_back_as_they_were_written() -> None:
    options = {"path": "a.csv", "workers": 3, "ratio": 0.5, "strict": True, "nodes": ["a", "b"]}
    queue = read(source={"name": "file", "options": options})
    assert queue.source.options["nodes"] == ("a", "b")
    assert codec.encode(queue)["source"]["options"] == options
    assert codec.decode(QueueSettings, codec.dumps(queue)) == queue
    assert hash(queue.source) == hash(codec.decode(QueueSettings, codec.dumps(queue)).source)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "a\x00b", {"deep": 1}, [["deep"]], None, [None], "x" * 10_001]
)
def test_an_option_that_is_not_plain_is_refused_by_name(value: Any) -> None:
    with pytest.raises(PlannerError, match="has path = "):
        read(source={"name": "file", "options": {"path": value}})


def test_overrides_are_merged_over_the_settings_of_the_service() -> None:
    queue = read(planner={"max_workers": 40, "cooldown_period": "90s", "scale_up_cooldown": None})
    merged = queue.config(PlannerConfig(min_workers=2, scale_up_cooldown=timedelta(0)))
    assert (merged.min_workers, merged.max_workers, merged.cooldown_period) == (2, 40, timedelta(seconds=90))
    assert merged.scale_up_cooldown is None
    assert codec.encode(queue, durations="ns")["planner"]["cooldown_period"] == 90_000_000_000


@pytest.mark.parametrize(
    ("planner", "words"),
    [
        ({"max_worker": 4}, "max_worker, which is no setting of the planner"),
        ({"max_workers": -1}, "max_workers = -1, which must be at least 1"),
        ({"cooldown_period": 5}, "cooldown_period = 5, which"),
        ([1], "is not a table of planner settings"),
    ],
)
def test_an_override_that_does_not_hold_is_refused_by_name(planner: Any, words: str) -> None:
    with pytest.raises(PlannerError, match=words):
        read(planner=planner)


def test_options_cannot_be_changed() -> None:
    options = FrozenOptions({"b": 1, "a": 2})
    assert list(options) == ["a", "b"]
    assert options == FrozenOptions({"a": 2, "b": 1})
    with pytest.raises(TypeError):
        options["a"] = 3  # type: ignore[index]


def test_a_configuration_finds_its_queue() -> None:
    config = ServiceConfig(queues=(read(),))
    assert config.queue("emails") == read()
    assert config.queue("reports") is None
