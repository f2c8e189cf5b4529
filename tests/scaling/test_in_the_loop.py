"""The loop drives a real scaler: what fails, takes too long or half succeeds is told as it is, and tried again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.domain.queues import Chosen
from capacity_planner.domain.scaling import Decision, Order, OrderStatus
from capacity_planner.frozen import FrozenOptions
from capacity_planner.service.loop import slot_of
from tests.service._stage import CONFIG, NOON, Clock, Stage, history, queue, stage

from ._orders import order
from ._shift import Shift, lives, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BEGIN = slot_of("emails", NOON, CONFIG.plan_interval) + timedelta(seconds=1)
# Fails for workers beyond the number in a file, where there is one.
GUARD = 'import os, sys; p = sys.argv[1] + "/limit"; os.path.exists(p) and int(sys.argv[2]) > int(open(p).read()) and '
GUARD += 'sys.exit("no room for " + sys.argv[2]); os.execv(sys.executable, [sys.executable, "-S", "-E", *sys.argv[3:]])'


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Shift]:
    made = Shift(tmp_path)
    yield made
    made.finish()


@pytest.fixture
def planned(shift: Shift) -> Iterator[Callable[..., Stage]]:
    """Makes a stage whose workers are processes: nobody works yet, and the load asks for some."""
    stages: list[Stage] = []

    def make(rate: float = 2.0, **settings: Any) -> Stage:
        interpreter, *_, program, folder = shift.program
        command = (interpreter, "-S", "-E", "-c", GUARD, folder, "{number}", program, folder, "{number}")
        options = shift.options(command=command, settle="0.5s")
        chosen = Chosen(name="supervisor", options=FrozenOptions(options))
        planner = FrozenOptions({"min_workers": 0, **settings})
        made = stage(f"sqlite:///{shift.home / 'planner.db'}", Clock(BEGIN), queue(scaler=chosen, planner=planner))
        made.store.add_samples(history(BEGIN - timedelta(seconds=10), lambda _: rate))
        stages.append(made)
        return made

    yield make
    for made in stages:
        made.store.close()


def first_order(made: Stage) -> Order:
    return made.desk.orders(made.desk.records("emails")[-1].response.plan.id)[0]


def living(shift: Shift) -> int:
    return sum(lives(pid) for pid in shift.pids().values())


def test_a_plan_becomes_processes_and_the_next_one_begins_with_them(
    shift: Shift, planned: Callable[..., Stage]
) -> None:
    made = planned()
    made.tick()
    done = first_order(made)
    assert (done.status, done.attempts, done.observed_workers) == (OrderStatus.DONE, 1, done.to_workers)
    assert living(shift) == done.to_workers > 2
    assert made.desk.records("emails")[0].response.plan.current_workers == 0
    made.tick(CONFIG.plan_interval, rate=2.0)
    assert made.desk.records("emails")[0].response.plan.current_workers == done.to_workers


def test_a_command_that_fails_is_told_and_tried_again_until_it_does_not(
    shift: Shift, planned: Callable[..., Stage]
) -> None:
    (shift.home / "limit").write_text("0")
    made = planned()
    made.tick()
    failed = first_order(made)
    assert (failed.status, failed.attempts, failed.observed_workers) == (OrderStatus.PENDING, 1, 0)
    assert failed.note.startswith(f"0 of {failed.to_workers} workers run. Worker 1 ended with code 1 at once.")
    assert failed.note.endswith("no room for 1")
    assert living(shift) == 0
    assert made.store.scalings("emails", since=NOON - timedelta(days=1)) == []
    (shift.home / "limit").unlink()
    made.tick(timedelta(seconds=2))
    done = first_order(made)
    assert (done.status, done.attempts, done.observed_workers) == (OrderStatus.DONE, 2, done.to_workers)
    assert living(shift) == done.to_workers
    assert len(made.store.scalings("emails", since=NOON - timedelta(days=1))) == 1


def test_a_half_success_is_told_as_such_and_the_rest_follows(shift: Shift, planned: Callable[..., Stage]) -> None:
    (shift.home / "limit").write_text("2")
    made = planned()
    made.tick()
    failed = first_order(made)
    assert (failed.status, failed.observed_workers) == (OrderStatus.PENDING, 2)
    (scaling,) = made.store.scalings("emails", since=NOON - timedelta(days=1))
    assert (scaling.from_workers, scaling.to_workers) == (0, 2)
    assert failed.note.startswith(f"2 of {failed.to_workers} workers run. Worker 3 ended with code 1 at once.")
    assert shift.supervisor().current("emails") == living(shift) == 2
    before = shift.pids()
    (shift.home / "limit").unlink()
    made.tick(timedelta(seconds=2))
    assert first_order(made).status is OrderStatus.DONE
    assert living(shift) == first_order(made).to_workers
    assert {number: shift.pids()[number] for number in before} == before


def test_a_scaler_that_takes_too_long_is_tried_again(
    shift: Shift, planned: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity_planner.scaling._crew._PATIENCE", 0.0)
    made = planned(rate=5.0, max_workers=8)  # more than the four workers that the samples tell of
    lock = shift.home / "state" / "emails" / "lock"
    lock.parent.mkdir(parents=True)
    with subprocess.Popen(["flock", "--no-fork", str(lock), "sleep", "60"]) as other:
        until(lambda: _locked(lock))
        made.tick()
        failed = first_order(made)
        assert (failed.status, failed.attempts) == (OrderStatus.PENDING, 1)
        assert "is locked by another planner" in failed.note
        other.kill()
    made.tick(timedelta(seconds=2))
    assert (first_order(made).status, first_order(made).attempts) == (OrderStatus.DONE, 2)
    assert living(shift) == first_order(made).to_workers


def _locked(lock: Path) -> bool:
    return subprocess.run(["flock", "--nonblock", str(lock), "true"], check=False).returncode == 1


@pytest.mark.parametrize(("rate", "workers"), [(50.0, 3), (0.0, 2)])
def test_no_more_than_the_most_and_no_fewer_than_the_fewest_ever_run(
    shift: Shift, planned: Callable[..., Stage], rate: float, workers: int
) -> None:
    made = planned(rate=rate, max_workers=3, min_workers=2)
    config = made.desk.config().config
    best_effort = replace(config, queues=(replace(config.queues[0], best_effort=True),))
    made.desk.put_config(best_effort, expected=None, by="test")
    made.tick(timedelta(seconds=1), times=3)
    made.tick(CONFIG.plan_interval, rate=rate, times=3)
    assert made.desk.records("emails")[-1].decision is Decision.APPLIED
    assert living(shift) == shift.supervisor().current("emails") == workers
    assert {number for number, _ in shift.started()} == set(range(1, workers + 1))


def test_workers_that_die_are_not_planned_with(shift: Shift, planned: Callable[..., Stage]) -> None:
    made = planned()
    made.tick()
    ordered = first_order(made).to_workers
    (shift.home / "limit").write_text("0")
    for pid in shift.pids().values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: living(shift) == 0)
    made.tick(CONFIG.plan_interval, rate=2.0)
    assert made.desk.records("emails")[0].response.plan.current_workers == 0
    (shift.home / "limit").unlink()
    until(lambda: shift.supervisor().current("emails") >= ordered)


def test_an_order_that_was_carried_out_before_the_planner_died_is_not_carried_out_again(
    shift: Shift, planned: Callable[..., Stage]
) -> None:
    (shift.home / "limit").write_text("0")
    made = planned()
    made.tick()
    (shift.home / "limit").unlink()
    made.clock.now += timedelta(seconds=2)
    (due, *_) = made.store.due_orders(["emails"], made.clock.now)
    begun = made.store.begin(due.id, replica="one", at=made.clock.now)
    assert begun is not None
    shift.supervisor(settle="0.5s").scale(begun)
    started = len(shift.started())
    made.clock.now += timedelta(minutes=1)
    again = stage(f"sqlite:///{shift.home / 'planner.db'}", made.clock, replica="two")
    again.tick()
    assert again.desk.orders(due.plan_id)[0].status is OrderStatus.DONE
    assert len(shift.started()) == started == due.to_workers
    again.store.close()


def test_an_order_of_another_plan_supersedes_what_the_supervisor_keeps(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(2, 1))
    assert supervisor.scale(order(1, 1, plan="plan-2")) == 1
    assert supervisor.scale(order(2, 1)) == 1


def test_workers_of_a_queue_that_left_the_settings_go_on_and_are_not_started_anew(
    shift: Shift, planned: Callable[..., Stage]
) -> None:
    made = planned()
    made.tick()
    first, *others = shift.pids().values()
    made.desk.put_config(replace(made.desk.config().config, queues=()), expected=None, by="test")
    made.tick(timedelta(seconds=1))
    os.kill(first, signal.SIGKILL)
    until(lambda: not lives(first))
    time.sleep(2.5)  # the supervisor would have started it anew after a second
    assert all(lives(pid) for pid in others)
    assert living(shift) == len(others)


def test_a_planner_that_comes_back_looks_after_workers_at_once(shift: Shift, planned: Callable[..., Stage]) -> None:
    made = planned()
    made.tick()
    made.loop.stop()
    workers = living(shift)
    victim = next(iter(shift.pids().values()))
    os.kill(victim, signal.SIGKILL)
    until(lambda: not lives(victim))
    again = stage(f"sqlite:///{shift.home / 'planner.db'}", made.clock, replica="two")
    again.clock.now += timedelta(minutes=1)  # the interval is the one that was planned for already
    again.tick()
    until(lambda: living(shift) == workers)
    again.loop.stop()
    again.store.close()
