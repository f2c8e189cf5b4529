"""What a source says is held against what can be before it is stored, whoever wrote the source."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from capacity_planner.domain.queues import Chosen
from capacity_planner.domain.scaling import Decision
from capacity_planner.registry import sources
from capacity_planner.service.loop import slot_of

from ._stage import CONFIG, NOON, Clock, Crew, Stage, Staged, history, queue, stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from capacity_planner.domain.metrics import Metrics

BEGIN = slot_of("emails", NOON, CONFIG.plan_interval) + timedelta(seconds=1)


@sources.register("scripted")
class Scripted:
    """Says what it is told to say."""

    says: ClassVar[list[Any]] = []

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> list[Metrics]:
        del queue_name, since, until
        return list(self.says)


@pytest.fixture(name="made")
def made_fixture(tmp_path: Path) -> Iterator[Stage]:
    Staged.crews["emails"] = Crew()
    made = stage(f"sqlite:///{tmp_path / 'planner.db'}", Clock(BEGIN), queue(source=Chosen(name="scripted")))
    yield made
    made.store.close()
    Staged.crews.clear()
    Scripted.says.clear()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"arrival_rate": -1.0}, "sample.arrival_rate is -1.0"),
        ({"service_time": timedelta(seconds=-2)}, "sample.service_time is"),
        ({"timestamp": BEGIN.replace(tzinfo=None)}, "sample.timestamp is"),
        ({"current_workers": 2.5}, "sample.current_workers is 2.5"),
    ],
)
def test_what_cannot_be_is_a_gap_and_is_not_stored(made: Stage, wrong: dict[str, Any], words: str) -> None:
    (sample,) = history(BEGIN, lambda _: 10.0, hours=0.0)
    Scripted.says.append(replace(sample, **wrong))
    made.tick()
    (status,) = made.desk.statuses()
    assert status.gap.startswith(f"The source scripted says what cannot be: {words}")
    assert made.store.newest_sample("emails") is None
    Scripted.says[:] = history(BEGIN, lambda _: 10.0)
    made.tick(CONFIG.plan_interval)
    (status,) = made.desk.statuses()
    assert (status.gap, status.last_decision) == ("", Decision.APPLIED)


def test_what_can_be_is_stored_though_a_part_cannot(made: Stage) -> None:
    samples = history(BEGIN, lambda _: 10.0)
    Scripted.says[:] = [replace(samples[0], arrival_rate=-1.0), *samples[1:]]
    made.tick()
    (status,) = made.desk.statuses()
    assert "sample.arrival_rate is -1.0" in status.gap
    assert status.last_decision is Decision.APPLIED
    assert len(made.desk.history("emails", since=BEGIN - timedelta(days=1))) == len(samples) - 1
