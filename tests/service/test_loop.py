"""Planning by itself: what is applied, when, how often, and what happens when the world does not play along."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from capacity_planner.domain.queues import Chosen, Mode, ServiceConfig
from capacity_planner.domain.request import PlanRequest
from capacity_planner.domain.scaling import Decision, Order, OrderStatus, Reason
from capacity_planner.errors import ConflictError, PlannerError, WorldError
from capacity_planner.frozen import FrozenOptions
from capacity_planner.service.loop import slot_of

from ._stage import CONFIG, MINUTE, NOON, Clock, Crew, Stage, Staged, history, queue, stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INTERVAL = CONFIG.plan_interval
# Just after the begin of an interval, so that the whole of it lies ahead.
BEGIN = slot_of("emails", NOON, INTERVAL) + timedelta(seconds=1)


@pytest.fixture(autouse=True)
def crews() -> Iterator[dict[str, Crew]]:
    Staged.crews.clear()
    yield Staged.crews
    Staged.crews.clear()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'planner.db'}"


@pytest.fixture
def busy(url: str) -> Iterator[Stage]:
    """Four workers, and a load of ten."""
    made = stage(url, Clock(BEGIN), queue())
    made.store.add_samples(history(BEGIN - timedelta(seconds=10), lambda _: 10.0))
    yield made
    made.store.close()


def newest(made: Stage) -> tuple[Decision, Reason]:
    record = made.desk.records("emails", limit=1)[0]
    return record.decision, record.reason


def scalings(made: Stage) -> list[tuple[int, int]]:
    found = made.store.scalings("emails", since=NOON - timedelta(days=1))
    return [(record.from_workers, record.to_workers) for record in found]


def test_a_plan_is_made_and_carried_out_and_the_world_follows(busy: Stage, crews: dict[str, Crew]) -> None:
    busy.tick()
    assert newest(busy) == (Decision.APPLIED, Reason.NONE)
    (order, *_) = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)
    assert (order.status, order.attempts, order.observed_workers) == (OrderStatus.DONE, 1, order.to_workers)
    assert crews["emails"].workers == order.to_workers > 10
    (scaling,) = busy.store.scalings("emails", since=NOON - timedelta(days=1))
    assert (scaling.order_id, scaling.to_workers, scaling.scaler) == (order.id, order.to_workers, "staged")


def test_one_plan_in_an_interval_however_often_the_loop_comes_round(busy: Stage) -> None:
    busy.tick(timedelta(seconds=20), times=10)
    assert len(busy.desk.records("emails")) == 1
    busy.tick(INTERVAL, rate=10.0)
    assert len(busy.desk.records("emails")) == 2


def test_a_restart_goes_on_with_the_plan_and_does_not_plan_the_interval_again(
    busy: Stage, url: str, crews: dict[str, Crew]
) -> None:
    busy.tick()
    done = list(crews["emails"].orders)
    again = stage(url, busy.clock, replica="two")
    busy.clock.now += timedelta(seconds=40)
    again.tick()
    assert len(again.desk.records("emails")) == 1
    assert crews["emails"].orders == done
    assert again.desk.state("emails").last_scaling is not None
    again.store.close()


def test_a_step_that_was_done_before_the_process_died_is_not_done_again(
    busy: Stage, url: str, crews: dict[str, Crew]
) -> None:
    crews["emails"] = Crew(fail=[WorldError("not yet")])
    busy.tick()
    busy.clock.now += timedelta(seconds=2)
    (order, *_) = busy.store.due_orders(["emails"], busy.clock.now)
    begun = busy.store.begin(order.id, replica="one", at=busy.clock.now)
    assert begun is not None
    Staged(stage="emails").scale(begun)
    busy.clock.now += timedelta(minutes=1)
    again = stage(url, busy.clock, replica="two")
    again.tick()
    assert crews["emails"].orders == [order.id, order.id]
    assert again.desk.orders(order.plan_id)[0].status is OrderStatus.DONE
    again.store.close()


def test_a_scaler_that_fails_is_asked_again_later_and_the_step_is_recorded_once(
    busy: Stage, crews: dict[str, Crew]
) -> None:
    crews["emails"] = Crew(fail=[WorldError("no answer"), RuntimeError("odd")])
    busy.tick()
    plan = busy.desk.records("emails")[0].response.plan
    order = busy.desk.orders(plan.id)[0]
    assert (order.status, order.attempts, order.note) == (OrderStatus.PENDING, 1, "no answer")
    busy.tick(timedelta(seconds=0.5))
    assert busy.desk.orders(plan.id)[0].attempts == 1
    busy.tick(timedelta(seconds=1))
    busy.tick(timedelta(seconds=3))
    order = busy.desk.orders(plan.id)[0]
    assert (order.status, order.attempts) == (OrderStatus.DONE, 3)
    assert len(busy.store.scalings("emails", since=NOON - timedelta(days=1))) == 1


def test_a_scaler_that_does_half_is_a_failure_and_the_truth_is_told(busy: Stage, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[6])
    busy.tick()
    order = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)[0]
    assert order.status is OrderStatus.PENDING
    assert order.note == f"{order.to_workers} workers were asked for, and 6 run."
    busy.tick(timedelta(seconds=2))
    assert crews["emails"].workers == order.to_workers


def test_how_far_a_half_success_came_is_recorded_and_is_a_scaling_of_its_own(
    busy: Stage, crews: dict[str, Crew]
) -> None:
    crews["emails"] = Crew(fail=[WorldError("2 of them cannot be started.", reached=7)])
    busy.tick()
    order = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)[0]
    assert (order.status, order.observed_workers) == (OrderStatus.PENDING, 7)
    assert scalings(busy) == [(4, 7)]
    crews["emails"].workers = 7
    busy.tick(timedelta(seconds=2))
    done = busy.desk.orders(order.plan_id)[0]
    assert (done.status, done.observed_workers, done.note) == (OrderStatus.DONE, order.to_workers, "")
    assert scalings(busy) == [(4, order.to_workers)]


def test_a_failure_for_good_after_a_part_tells_of_the_part(busy: Stage, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[WorldError("The quota is used up.", temporary=False, reached=5)])
    busy.tick()
    order = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)[0]
    assert (order.status, order.observed_workers) == (OrderStatus.FAILED, 5)
    assert scalings(busy) == [(4, 5)]


def test_a_step_up_never_removes_what_somebody_added_meanwhile(busy: Stage, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[WorldError("not yet")])
    busy.tick()
    crews["emails"].workers = 30
    busy.tick(timedelta(seconds=2))
    order = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)[0]
    assert crews["emails"].workers == 30
    assert order.status is OrderStatus.SUPERSEDED
    assert order.note == f"30 workers run, and the plan would go from 4 to {order.to_workers}."
    assert scalings(busy) == []


def test_no_step_is_larger_than_allowed_though_somebody_removed_workers_meanwhile(
    busy: Stage, crews: dict[str, Crew]
) -> None:
    crews["emails"] = Crew(fail=[WorldError("not yet")])
    busy.tick()
    crews["emails"].workers = 1
    busy.tick(timedelta(seconds=2))
    order = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)[0]
    assert order.to_workers > 1 + CONFIG.max_step_size
    assert crews["emails"].workers == 1 + CONFIG.max_step_size
    assert (order.status, order.note) == (OrderStatus.DONE, "11 workers are as far as limits allow.")
    assert scalings(busy) == [(1, 11)]


def test_an_order_that_is_given_for_another_number_has_another_id(busy: Stage, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[WorldError("not yet")])
    busy.tick()
    config = busy.desk.config().config
    busy.desk.put_config(replace(config, planner=replace(CONFIG, max_workers=6)), expected=None, by="test")
    busy.tick(timedelta(seconds=2))
    order = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)[0]
    assert crews["emails"].orders == [order.id, f"{order.id}#6"]


def test_a_step_is_no_larger_however_often_it_is_tried(busy: Stage, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[WorldError("not yet"), WorldError("part", reached=3), WorldError("part", reached=5)])
    busy.tick()
    crews["emails"].workers = 1
    for reached in (3, 5, 11):
        busy.tick(timedelta(seconds=8))
        crews["emails"].workers = reached
    order = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)[0]
    assert crews["emails"].orders == [order.id, *[f"{order.id}#11"] * 3]
    assert scalings(busy) == [(1, 11)]


def test_the_least_workers_are_ordered_though_the_step_is_larger_than_allowed(
    busy: Stage, crews: dict[str, Crew]
) -> None:
    config = busy.desk.config().config
    least, queues = replace(CONFIG, min_workers=10, max_step_size=3), (replace(config.queues[0], best_effort=True),)
    busy.desk.put_config(replace(config, planner=least, queues=queues), expected=None, by="test")
    crews["emails"] = Crew(workers=0)
    busy.tick()
    assert crews["emails"].workers == 10


def test_what_an_order_overshot_is_taken_back(busy: Stage, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[30])
    busy.tick()
    busy.tick(timedelta(seconds=2))
    order = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)[0]
    assert order.status is OrderStatus.DONE
    assert crews["emails"].workers == order.to_workers
    assert scalings(busy) == [(4, order.to_workers)]


def test_more_than_the_most_is_taken_back_though_the_plan_goes_up(busy: Stage, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[WorldError("not yet")])
    busy.tick()
    crews["emails"].workers = CONFIG.max_workers + 20
    busy.tick(timedelta(seconds=2))
    assert crews["emails"].workers == CONFIG.max_workers


def test_a_first_attempt_reaches_the_scaler_though_so_many_run_already(url: str, crews: dict[str, Crew]) -> None:
    made = stage(url, Clock(BEGIN), queue(mode=Mode.MANUAL))
    made.store.add_samples(history(BEGIN - timedelta(seconds=10), lambda _: 10.0))
    made.tick()
    plan = made.desk.records("emails")[0].response.plan
    made.desk.apply(plan.id, by="ada")
    crews["emails"].workers = plan.steps[0].to_workers
    made.tick(timedelta(seconds=1))
    assert crews["emails"].orders == [f"{plan.id}/1"]
    assert made.desk.orders(plan.id)[0].status is OrderStatus.DONE
    made.store.close()


def test_a_scaler_that_has_failed_for_a_day_is_still_asked_every_minute(busy: Stage, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[WorldError("not yet")] * 2)
    busy.tick()
    order = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)[0]
    with busy.store._db.write() as connection:  # noqa: SLF001 - a day passes quickly
        connection.execute(text("UPDATE orders SET attempts = 5000"))
    busy.tick(timedelta(seconds=2))
    again = busy.desk.orders(order.plan_id)[0]
    assert (again.status, again.attempts) == (OrderStatus.PENDING, 5001)
    assert again.retry_at == busy.clock.now + timedelta(minutes=1)


def test_a_failure_for_good_ends_the_plan(busy: Stage, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[WorldError("There is no such deployment.", temporary=False)])
    busy.tick()
    orders = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)
    assert orders[0].status is OrderStatus.FAILED
    assert all(order.status is OrderStatus.SUPERSEDED for order in orders[1:])
    assert crews["emails"].workers == 4


def test_limits_that_were_lowered_meanwhile_hold(busy: Stage, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[WorldError("not yet")])
    busy.tick()
    config = busy.desk.config().config
    lowered = replace(config, planner=replace(CONFIG, max_workers=6))
    busy.desk.put_config(lowered, expected=None, by="test")
    busy.tick(timedelta(seconds=2))
    assert crews["emails"].workers == 6


@pytest.mark.parametrize(("mode", "reason"), [(Mode.ADVISORY, Reason.ADVISORY_MODE), (Mode.MANUAL, Reason.MANUAL_MODE)])
def test_other_modes_only_recommend(url: str, crews: dict[str, Crew], mode: Mode, reason: Reason) -> None:
    made = stage(url, Clock(BEGIN), queue(mode=mode))
    made.store.add_samples(history(BEGIN, lambda _: 10.0))
    made.tick()
    assert newest(made) == (Decision.RECOMMENDED, reason)
    assert crews["emails"].orders == []
    made.store.close()


def test_in_manual_mode_a_person_applies_and_the_next_plan_leaves_it_alone(url: str, crews: dict[str, Crew]) -> None:
    made = stage(url, Clock(BEGIN), queue(mode=Mode.MANUAL))
    made.store.add_samples(history(BEGIN, lambda _: 20.0))
    made.tick()
    plan = made.desk.records("emails")[0].response.plan
    record = made.desk.apply(plan.id, by="anna")
    assert (record.applied_by, record.decision) == ("anna", Decision.RECOMMENDED)
    made.tick(timedelta(seconds=1))
    assert crews["emails"].orders == [f"{plan.id}/1"]
    made.tick(INTERVAL)
    assert f"{plan.id}/2" in crews["emails"].orders
    with pytest.raises(ConflictError):
        made.desk.apply(plan.id, by="anna")
    made.store.close()


def test_steps_of_a_plan_that_was_applied_late_keep_the_cooldown_between_them(url: str, crews: dict[str, Crew]) -> None:
    made = stage(url, Clock(BEGIN), queue(mode=Mode.MANUAL))
    made.store.add_samples(history(BEGIN, lambda _: 30.0))
    made.tick()
    plan = made.desk.records("emails")[0].response.plan
    assert len(plan.steps) > 2
    made.clock.now += timedelta(minutes=14)
    made.desk.apply(plan.id, by="anna")
    made.tick(timedelta(seconds=1), times=5)
    assert len(crews["emails"].orders) == 1
    made.tick(CONFIG.cooldown_period)
    assert len(crews["emails"].orders) == 2
    made.store.close()


def test_stale_samples_are_planned_from_and_not_acted_upon(busy: Stage, crews: dict[str, Crew]) -> None:
    busy.tick(timedelta(minutes=20))
    assert newest(busy) == (Decision.RECOMMENDED, Reason.STALE_DATA)
    assert crews["emails"].orders == []


def test_a_queue_without_samples_has_a_reason_and_no_plan(url: str) -> None:
    made = stage(url, Clock(BEGIN), queue())
    made.tick()
    (status,) = made.desk.statuses()
    assert (status.gap, status.last_plan_id) == ("No sample was seen yet.", "")
    made.store.close()


def test_a_source_that_fails_leaves_its_reason_and_the_plan_goes_on_from_what_is_known(
    url: str, tmp_path: Path
) -> None:
    file = Chosen(name="file", options=FrozenOptions({"path": str(tmp_path / "no.csv")}))
    made = stage(url, Clock(BEGIN), queue(source=file))
    made.store.add_samples(history(BEGIN - MINUTE, lambda _: 10.0))
    made.tick()
    (status,) = made.desk.statuses()
    assert "no.csv cannot be read" in status.gap
    assert status.last_decision is Decision.APPLIED
    made.store.close()


def test_a_clock_that_is_set_back_does_not_stop_planning_nor_repeat_steps(busy: Stage, crews: dict[str, Crew]) -> None:
    busy.tick()
    orders = list(crews["emails"].orders)
    busy.tick(-timedelta(hours=2), rate=10.0)
    assert len(busy.desk.records("emails")) == 2
    assert len(set(crews["emails"].orders)) == len(crews["emails"].orders) >= len(orders)
    busy.tick(INTERVAL, rate=10.0)
    assert len(busy.desk.records("emails")) == 3


def test_a_clock_that_jumps_ahead_makes_one_plan_not_many(busy: Stage) -> None:
    busy.tick()
    busy.tick(timedelta(hours=3), rate=10.0)
    assert len(busy.desk.records("emails")) == 2


def test_two_replicas_share_the_queues_and_plan_each_once(url: str) -> None:
    names = [f"q{number}" for number in range(12)]
    clock = Clock(NOON)
    one = stage(url, clock, *(queue(name, mode=Mode.ADVISORY) for name in names))
    two = stage(url, clock, replica="two")
    for name in names:
        one.store.add_samples(history(NOON, lambda _: 8.0, name, hours=1.0))
    for made in (one, two, one):
        made.loop.renew()
    assert [status.owner for status in one.desk.statuses()].count("one") == 6
    for made in (one, two):
        made.tick()
    assert sorted(record.response.plan.queue_name for record in one.desk.records()) == sorted(names)
    clock.now += INTERVAL
    for _ in range(2):
        two.tick(timedelta(seconds=31), rate=8.0)
    assert [status.owner for status in one.desk.statuses()].count("two") == 12
    assert len(one.desk.records()) == 24
    one.store.close()
    two.store.close()


def test_a_mode_that_is_changed_settles_what_was_still_to_be_done(busy: Stage) -> None:
    busy.store.add_samples(history(BEGIN - timedelta(seconds=5), lambda _: 40.0))
    busy.tick()
    plan = busy.desk.records("emails")[0].response.plan
    config = busy.desk.config().config
    manual = ServiceConfig(planner=config.planner, slo=config.slo, queues=(queue(mode=Mode.MANUAL),))
    busy.desk.put_config(manual, expected=None, by="anna")
    pending = [order for order in busy.desk.orders(plan.id) if order.status is OrderStatus.PENDING]
    assert pending == []


def test_a_plan_that_is_made_again_after_its_orders_fell_is_carried_out(url: str, crews: dict[str, Crew]) -> None:
    crews["emails"] = Crew(fail=[WorldError("not yet")])
    made = stage(url, Clock(BEGIN), queue(best_effort=True))
    made.store.add_samples(history(BEGIN - timedelta(seconds=10), lambda _: 30.0))
    made.tick()
    config = made.desk.config().config
    for mode in (Mode.MANUAL, Mode.AUTO):
        changed = ServiceConfig(planner=config.planner, slo=config.slo, queues=(queue(mode=mode, best_effort=True),))
        made.desk.put_config(changed, expected=None, by="anna")
    before = made.desk.orders(made.desk.records("emails")[0].response.plan.id)
    assert {order.status for order in before} == {OrderStatus.SUPERSEDED}
    assert len(before) > 1
    made.tick(INTERVAL)
    after = made.desk.orders(made.desk.records("emails")[0].response.plan.id)
    assert [order.status for order in after] == [OrderStatus.DONE] + [OrderStatus.PENDING] * (len(before) - 1)
    made.store.close()


def test_an_order_of_a_plan_that_nobody_applied_is_not_carried_out_once_the_mode_is_manual(
    busy: Stage, crews: dict[str, Crew]
) -> None:
    crews["emails"] = Crew(fail=[WorldError("not yet")])
    busy.tick()
    config = busy.desk.config().config
    manual = ServiceConfig(planner=config.planner, slo=config.slo, queues=(queue(mode=Mode.MANUAL),))
    busy.store.put_config(manual, expected=None, by="another replica, in the midst of a turn")
    busy.tick(timedelta(seconds=2))
    order = busy.desk.orders(busy.desk.records("emails")[0].response.plan.id)[0]
    assert (order.status, order.note) == (
        OrderStatus.FAILED,
        "The queue's mode is manual now, and nobody applied the plan.",
    )
    assert crews["emails"].workers == 4


def test_a_reset_by_another_replica_is_noticed(busy: Stage, url: str) -> None:
    busy.tick()
    other = stage(url, busy.clock, replica="two")
    other.desk.reset("emails", by="anna")
    other.store.close()
    assert busy.desk.state("emails").recent_history == ()


def test_a_plan_that_is_too_old_is_not_applied(url: str) -> None:
    made = stage(url, Clock(BEGIN), queue(mode=Mode.MANUAL))
    made.store.add_samples(history(BEGIN, lambda _: 20.0))
    made.tick()
    made.clock.now += timedelta(minutes=16)
    with pytest.raises(ConflictError, match="Take the newest one"):
        made.desk.apply(made.desk.records("emails")[0].response.plan.id, by="anna")
    made.store.close()


def test_an_interval_whose_lease_had_run_out_is_planned_once_the_lease_is_back(busy: Stage) -> None:
    busy.loop.renew()
    busy.clock.now += timedelta(seconds=31)
    busy.loop.sweep()
    busy.loop.settle()
    assert busy.desk.records("emails") == []
    busy.loop.renew()
    busy.loop.sweep()
    busy.loop.settle()
    assert len(busy.desk.records("emails")) == 1


def test_a_mode_that_is_set_while_a_turn_is_under_way_counts(busy: Stage, crews: dict[str, Crew]) -> None:
    version = busy.desk.config()
    busy.loop.renew()
    manual = ServiceConfig(planner=version.config.planner, slo=version.config.slo, queues=(queue(mode=Mode.MANUAL),))
    turns, slot = busy.loop._turns, slot_of("emails", busy.clock.now, INTERVAL)  # noqa: SLF001 - in the midst of it
    busy.store.put_config(manual, expected=None, by="anna")
    assert not turns.take(version.config.queues[0], slot, busy.clock.now, version.version)
    busy.tick()
    assert newest(busy) == (Decision.RECOMMENDED, Reason.MANUAL_MODE)
    assert crews["emails"].orders == []


def test_a_step_up_that_is_due_is_not_held_up_by_a_step_down_that_cools(url: str, crews: dict[str, Crew]) -> None:
    config = replace(CONFIG, cooldown_period=timedelta(minutes=30), scale_up_cooldown=timedelta(0))
    made = stage(url, Clock(BEGIN), queue(), config=config)
    made.store.add_samples(history(BEGIN - timedelta(seconds=10), lambda _: 10.0))
    made.tick()
    plan = made.desk.records("emails")[0].response.plan
    down = Order(
        id="other/1",
        plan_id=plan.id,
        queue_name="emails",
        sequence=8,
        due=BEGIN,
        expires=BEGIN + timedelta(hours=1),
        from_workers=14,
        to_workers=12,
    )
    up = replace(down, id="other/2", sequence=9, from_workers=12, to_workers=20)
    version, now = made.desk.config(), made.clock.now + timedelta(minutes=1)
    slot = slot_of("emails", made.clock.now, INTERVAL) + INTERVAL
    made.store.conclude(
        "emails", slot=slot, interval=INTERVAL, replica="one", record=None, orders=(down, up), supersede="none", gap=""
    )
    carrier = made.loop._carrier  # noqa: SLF001 - without a turn before it
    carrier.carry_first(made.store.due_orders(["emails"], now), version.config.queues[0], now, version.version)
    assert crews["emails"].workers == 20
    statuses = {order.id: order.status for order in made.desk.orders(plan.id)}
    assert (statuses["other/1"], statuses["other/2"]) == (OrderStatus.SUPERSEDED, OrderStatus.DONE)
    made.store.close()


def test_a_sample_from_the_future_waits_until_its_time_has_come(busy: Stage) -> None:
    busy.desk.push(history(BEGIN + timedelta(days=30), lambda _: 900.0, hours=0.0))
    busy.tick()
    remembered = busy.desk.state("emails").recent_history
    assert len(remembered) == 720
    assert remembered[-1].timestamp < BEGIN
    assert newest(busy)[0] is Decision.APPLIED


def test_a_what_if_is_not_what_the_loop_goes_by(busy: Stage) -> None:
    busy.tick()
    wild = replace(history(busy.clock.now, lambda _: 10.0, hours=0.0)[0], arrival_rate=500.0)
    slo = busy.desk.config().config.slo
    with suppress(PlannerError):
        busy.desk.plan(PlanRequest(current_metrics=wild, slo=slo, queue_name="emails"), by="anna")
    assert all(sample.arrival_rate < 20.0 for sample in busy.desk.state("emails").recent_history)
    assert not busy.desk.state("emails").anomaly_detected
