"""Whoever asks for a queue's workers is told what the loop decided, within the limits, or why nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.queues import Chosen, Mode, QueueSettings, ServiceConfig
from capacity_planner.errors import ConflictError, NotFoundError, UnavailableError
from capacity_planner.frozen import FrozenOptions
from capacity_planner.service._pulled import Pulled
from capacity_planner.service.loop import slot_of
from capacity_planner.service.target import Basis
from tests.services._servers import database

from ._stage import CONFIG, MINUTE, NOON, Clock, Stage, history, queue, stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.service.target import Target
    from capacity_planner.store.store import Store

INTERVAL = CONFIG.plan_interval
SECOND = timedelta(seconds=1)
BEGIN = slot_of("emails", NOON, INTERVAL) + SECOND
PULL = Chosen(name="pull")
RESERVE = ("measured", 4)


def pulled(**settings: Any) -> QueueSettings:
    return queue(**{"scaler": PULL} | settings)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'planner.db'}"


@pytest.fixture
def busy(url: str) -> Iterator[Stage]:
    """Four workers, and a load of ten."""
    made = stage(url, Clock(BEGIN), pulled())
    made.store.add_samples(history(BEGIN - 10 * SECOND, lambda _: 10.0))
    yield made
    made.store.close()


@pytest.fixture
def calm(url: str) -> Iterator[Stage]:
    """Four workers, and a load that they like."""
    made = stage(url, Clock(BEGIN), pulled())
    made.store.add_samples(history(BEGIN - 10 * SECOND, lambda _: 2.4))
    yield made
    made.store.close()


def asked(made: Stage, **options: Any) -> Target:
    return made.desk.targets.of("emails", **options)


def settle(made: Stage, *queues: QueueSettings, config: PlannerConfig = CONFIG) -> None:
    service = ServiceConfig(planner=config, slo=made.desk.config().config.slo, queues=queues)
    made.desk.put_config(service, expected=None, by="test")


def refusal(made: Stage, kind: type[Exception], **options: Any) -> str:
    with pytest.raises(kind) as caught:
        asked(made, **options)
    return str(caught.value)


def test_what_was_ordered_is_what_is_told(busy: Stage) -> None:
    busy.tick()
    plan = busy.desk.records("emails")[0].response.plan
    (order, *_) = busy.desk.orders(plan.id)
    found = asked(busy)
    assert (found.workers, found.basis, found.since) == (order.to_workers, Basis.ORDERED, BEGIN)
    assert found.plan_id == plan.id
    assert found.workers > 10


def test_it_stands_through_cooldown_and_until_the_next_order(busy: Stage) -> None:
    busy.tick()
    told = asked(busy)
    for _ in range(6):
        busy.tick(MINUTE, rate=10.0)
        last = busy.store.scalings("emails", since=NOON - timedelta(days=1))[-1]
        assert asked(busy).workers == last.to_workers
    assert told.workers > 10


def test_where_nothing_was_ordered_yet_it_is_what_runs(calm: Stage) -> None:
    calm.tick()
    found = asked(calm)
    assert (str(found.basis), found.workers) == RESERVE
    assert found.since == BEGIN - 10 * SECOND


def test_a_restart_of_some_workers_moves_nothing_before_the_first_order(calm: Stage) -> None:
    calm.tick()
    (sample,) = history(BEGIN + MINUTE, lambda _: 2.4, hours=0.0)
    calm.clock.now = sample.timestamp
    calm.store.add_samples([replace(sample, current_workers=1)])
    assert asked(calm).workers == 4


def test_without_a_plan_nobody_is_told_a_number(busy: Stage) -> None:
    assert "No plan was made for emails yet" in refusal(busy, UnavailableError)
    assert "No plan" in refusal(busy, UnavailableError, hold=True)


def test_why_there_is_no_plan_is_told(url: str) -> None:
    made = stage(url, Clock(BEGIN), pulled())
    made.tick()
    assert "No sample was seen yet" in refusal(made, UnavailableError)
    made.store.close()


def test_a_plan_that_is_too_old_says_nothing_any_more(busy: Stage) -> None:
    busy.tick()
    busy.clock.now = BEGIN - 10 * SECOND + 3 * INTERVAL
    assert asked(busy).basis is Basis.ORDERED
    busy.clock.now += SECOND
    assert "15m" in refusal(busy, UnavailableError)


def test_planning_on_from_an_old_sample_does_not_make_it_fresh(busy: Stage) -> None:
    busy.tick(timedelta(0))
    busy.tick(INTERVAL, times=4)
    assert len(busy.desk.records("emails")) >= 1
    assert "sample of" in refusal(busy, UnavailableError)


def test_the_newest_order_is_held_where_that_is_asked_for(busy: Stage) -> None:
    busy.tick()
    told = asked(busy)
    busy.clock.now += 6 * INTERVAL
    found = asked(busy, hold=True)
    assert (found.workers, found.basis) == (told.workers, Basis.HELD)


def test_a_longer_stale_after_is_waited_for(busy: Stage) -> None:
    settle(busy, pulled(stale_after=timedelta(hours=2)))
    busy.tick()
    busy.clock.now += timedelta(hours=1)
    assert asked(busy).basis is Basis.ORDERED


def test_a_queue_that_nobody_named_is_not_found(busy: Stage) -> None:
    with pytest.raises(NotFoundError, match="'reports' is not planned for"):
        busy.desk.targets.of("reports")


def test_beside_another_scaler_nobody_is_told(busy: Stage) -> None:
    settle(busy, queue())
    assert 'scaler = {name = "pull"}' in refusal(busy, ConflictError)


def test_in_advisory_mode_nothing_is_ordered_and_nothing_told(busy: Stage) -> None:
    settle(busy, pulled(mode=Mode.ADVISORY))
    busy.tick()
    assert "advisory" in refusal(busy, ConflictError)


def test_in_manual_mode_it_is_what_a_person_applied(busy: Stage) -> None:
    settle(busy, pulled(mode=Mode.MANUAL))
    busy.tick()
    assert asked(busy).basis is Basis.MEASURED
    plan = busy.desk.records("emails")[0].response.plan
    busy.desk.apply(plan.id, by="ann")
    busy.tick(SECOND)
    assert asked(busy).workers == plan.steps[0].to_workers


def test_what_somebody_scaled_by_hand_and_told_stands(busy: Stage) -> None:
    busy.tick()
    busy.clock.now += SECOND
    busy.desk.scaled("emails", 7, by="ann")
    assert (asked(busy).workers, asked(busy).plan_id) == (7, "")


def test_what_was_scaled_before_another_scaler_went_does_not_come_back(busy: Stage) -> None:
    settle(busy, queue())
    busy.desk.scaled("emails", 9, by="ann")
    busy.clock.now += SECOND
    settle(busy, pulled())
    busy.tick(SECOND)
    assert (asked(busy).workers, asked(busy).basis) == (4, Basis.MEASURED)


def test_another_change_of_the_settings_does_not_undo_an_order(busy: Stage) -> None:
    busy.tick()
    told = asked(busy)
    for most in (50, 60):
        busy.clock.now += SECOND
        settle(busy, pulled(), queue("reports"), config=replace(CONFIG, max_workers=most))
        assert asked(busy) == told
    settle(busy, pulled(mode=Mode.ADVISORY))
    busy.clock.now += SECOND
    settle(busy, pulled())
    assert asked(busy).basis is Basis.MEASURED


@pytest.mark.parametrize("changes", [21, 130])
def test_however_many_changes_of_other_queues_do_not_undo_an_order(busy: Stage, url: str, changes: int) -> None:
    busy.tick()
    told = asked(busy)
    for number in range(changes):
        busy.clock.now += SECOND / 10
        settle(busy, pulled(), queue(f"reports-{number}"))
    busy.loop.keep_up()
    again = stage(url, busy.clock, replica="two")
    assert asked(busy) == asked(again) == told
    again.store.close()


def test_what_was_scaled_before_another_scaler_went_does_not_come_back_after_many_changes(busy: Stage) -> None:
    settle(busy, queue())
    busy.desk.scaled("emails", 9, by="ann")
    busy.clock.now += SECOND
    settle(busy, pulled())
    for number in range(45):
        settle(busy, pulled(), queue(f"reports-{number}"))
    busy.tick(SECOND)
    assert (asked(busy).workers, asked(busy).basis) == (4, Basis.MEASURED)


class Counted:
    """A store that counts how often versions are read."""

    def __init__(self, store: Store) -> None:
        self._store, self.reads = store, 0

    def config_outlines(self, **which: Any) -> Any:
        self.reads += 1
        return self._store.config_outlines(**which)


def test_versions_are_read_once_for_all_queues_and_all_times(busy: Stage) -> None:
    names = ("emails", "reports", "images")
    queues = [pulled(queue_name=name) for name in names]
    settle(busy, *queues[:2])
    for number in range(60):
        busy.clock.now += SECOND
        settle(busy, *queues, queue(f"others-{number}"))
    store: Any = Counted(busy.store)
    since = Pulled(busy.desk, store)
    long, short = BEGIN - SECOND, BEGIN + 30 * SECOND
    for _ in range(2):
        assert [since.holds_since(name, short) for name in names] == [True, True, True]
        assert [since.holds_since(name, BEGIN + SECOND / 2) for name in names] == [True, True, False]
        assert [since.holds_since(name, long) for name in names] == [True, False, False]
        assert store.reads == 6
    settle(busy, *queues[1:])
    busy.clock.now += SECOND
    settle(busy, *queues)
    assert [since.holds_since(name, short) for name in names] == [False, True, True]
    assert store.reads == 7


def test_limits_are_those_of_the_moment(busy: Stage) -> None:
    busy.tick()
    settle(busy, pulled(planner=FrozenOptions({"max_workers": 6})))
    assert asked(busy).workers == 6
    settle(busy, pulled(planner=FrozenOptions({"min_workers": 40, "max_workers": 50})))
    assert asked(busy).workers == 40


@pytest.mark.slow
def test_it_is_the_same_on_postgresql() -> None:
    with database() as url:
        made = stage(url, Clock(BEGIN), pulled())
        made.store.add_samples(history(BEGIN - 10 * SECOND, lambda _: 10.0))
        assert "No plan" in refusal(made, UnavailableError)
        made.tick()
        (order, *_) = made.desk.orders(made.desk.records("emails")[0].response.plan.id)
        assert (asked(made).workers, asked(made).since) == (order.to_workers, BEGIN)
        made.store.close()


def test_a_restarted_service_tells_the_same(busy: Stage, url: str) -> None:
    busy.tick()
    again = stage(url, busy.clock, replica="two")
    assert asked(again) == asked(busy)
    again.store.close()


@pytest.mark.slow
def test_the_world_that_follows_is_led_to_zero_and_back_and_never_beyond_the_limits(url: str) -> None:
    config = replace(CONFIG, cooldown_period=MINUTE, plan_interval=MINUTE, min_workers=0, max_workers=8)
    config = replace(config, violation_cost_per_hour=0.0, confidence_threshold=0.6)
    made = stage(url, Clock(BEGIN), pulled(best_effort=True), config=config)
    made.store.add_samples(history(BEGIN, lambda _: 0.0))
    workers, seen = 4, list[int]()
    for minute in range(1, 12):
        made.clock.now = BEGIN + minute * MINUTE
        rate = 5.0 if minute > 5 else 0.0
        (sample,) = history(made.clock.now, lambda _, rate=rate: rate, hours=0.0)  # type: ignore[misc]
        made.store.add_samples([replace(sample, current_workers=workers)])
        made.tick()
        workers = asked(made).workers
        seen.append(workers)
    assert seen[:5] == [0] * 5
    assert seen[-1] >= 5
    assert max(seen) <= 8
    made.store.close()


def test_orders_that_wait_are_read_from_the_store_when_asked_ahead(url: str) -> None:
    config = replace(CONFIG, max_step_size=4, cooldown_period=10 * MINUTE, scale_up_cooldown=4 * MINUTE)
    made = stage(url, Clock(BEGIN), pulled(best_effort=True), config=config)
    made.store.add_samples(history(BEGIN - 10 * SECOND, lambda _: 10.0))
    made.tick()
    waiting, done = made.store.open_orders("emails")[0], made.store.scalings("emails", since=NOON - 60 * MINUTE)[-1]
    when = max(waiting.due, done.at + 4 * MINUTE)
    soon = when - made.clock.now
    assert (asked(made).workers, asked(made, ahead=soon - SECOND).workers) == (8, 8)
    found = asked(made, ahead=soon)
    assert (found.workers, found.basis, found.since) == (waiting.to_workers, Basis.AHEAD, when)
    assert waiting.to_workers == 12
    made.store.close()
