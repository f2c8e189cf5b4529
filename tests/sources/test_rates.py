"""Two readings make a sample, or a gap with a reason; never a rate that was not measured."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.scaling import Gap
from capacity_planner.sources._rates import WORKERS, Ledger, Reading, Tally, grown

if TYPE_CHECKING:
    from capacity_planner.domain.metrics import Metrics

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def reading(at: float, waiting: int = 0, taken: int = 0, done: float = 0, **more: Any) -> Reading:
    facts: dict[str, Any] = {"finished": {WORKERS: {"a": Tally(done)}}, **more}
    return Reading(waiting=waiting, taken=taken, at=at, **facts)


def said(*readings: Reading) -> Metrics | str:
    """What is said after the last of some readings."""
    ledger = Ledger()
    for item in readings:
        found = ledger.sample("emails", NOON, item)
    return found.reason if isinstance(found, Gap) else found[0]


def metrics(*readings: Reading) -> Metrics:
    found = said(*readings)
    assert not isinstance(found, str), found
    return found


def test_the_first_reading_has_no_rate() -> None:
    assert said(reading(0)) == "This is the first reading of the queue; a rate needs two."


def test_what_came_is_what_is_there_more_and_what_was_done() -> None:
    found = metrics(reading(0, waiting=5, taken=1, done=100), reading(10, waiting=25, taken=3, done=130))
    assert found.arrival_rate == pytest.approx((20 + 2 + 30) / 10)
    assert (found.backlog, found.active_jobs, found.timestamp, found.queue_name) == (25, 3, NOON, "emails")


def test_a_queue_that_keeps_up_is_not_idle() -> None:
    assert metrics(reading(0, done=0), reading(10, done=500)).arrival_rate == pytest.approx(50)


def test_a_counter_of_arrivals_is_believed_where_it_says_more() -> None:
    readings = [reading(at, done=done, arrived={"id": Tally(made)}) for at, done, made in ((0, 0, 7), (10, 20, 57))]
    assert metrics(*readings).arrival_rate == pytest.approx(5)
    alone = [replace(item, finished={}) for item in readings]
    assert metrics(*alone).arrival_rate == pytest.approx(5)


def test_what_is_not_due_yet_has_not_arrived() -> None:
    first = reading(0, arrived={"id": Tally(0)}, later=0, finished={})
    second = reading(10, arrived={"id": Tally(50)}, later=30, finished={})
    third = reading(20, arrived={"id": Tally(50)}, later=10, finished={})
    assert metrics(first, second).arrival_rate == pytest.approx(2)
    assert metrics(first, second, third).arrival_rate == pytest.approx(2)


def test_of_several_kinds_of_counters_the_one_that_grew_most_counts() -> None:
    first = reading(0, finished={WORKERS: {"a": Tally(5)}, "registries": {"": Tally(100)}})
    second = reading(10, finished={WORKERS: {"a": Tally(15)}, "registries": {"": Tally(140)}})
    assert metrics(first, second).arrival_rate == pytest.approx(4)
    gone = replace(second, finished={WORKERS: {"a": Tally(15)}})
    assert metrics(first, gone).arrival_rate == pytest.approx(1)


def test_jobs_that_are_counted_when_they_begin_are_not_counted_twice() -> None:
    first = reading(0, waiting=0, taken=4, done=10, counted=2)  # two run, two were fetched ahead
    second = reading(10, waiting=1, taken=5, done=30, counted=3)
    assert metrics(first, second).arrival_rate == pytest.approx(((1 + 2) - (0 + 2) + 20) / 10)


def test_a_counter_that_was_set_back_makes_a_gap_and_a_new_beginning() -> None:
    readings = [reading(0, done=100), reading(10, done=3), reading(20, done=23)]
    assert "set back" in str(said(*readings[:2]))
    assert metrics(*readings).arrival_rate == pytest.approx(2)


def test_a_counter_that_vanished_for_a_while_is_no_burst() -> None:
    there, away = reading(0, done=10_000), reading(10, finished={WORKERS: {}})
    back = reading(20, done=10_001)
    assert metrics(there, away).arrival_rate == 0
    assert metrics(there, away, back).arrival_rate == 0
    assert metrics(there, away, back, reading(30, done=10_021)).arrival_rate == pytest.approx(2)


def test_a_counter_that_is_new_counts_from_zero() -> None:
    first, second = {"a": Tally(10)}, {"a": Tally(12), "b": Tally(8, age=9)}
    assert grown(first, second, 10) == 10
    assert grown(first, {"a": Tally(12), "b": Tally(8, age=60)}, 10) == 2
    assert grown(first, {}, 10) == 0


def test_jobs_that_left_without_being_worked_on_make_no_negative_rate() -> None:
    assert "500 jobs left the queue" in str(said(reading(0, waiting=500), reading(10, waiting=0)))
    assert metrics(reading(0, waiting=1), reading(10, waiting=0)).arrival_rate == 0


def test_nothing_to_count_by_is_a_gap() -> None:
    first = reading(0, waiting=5, finished={"registries": {"": Tally(0)}})
    second = reading(10, waiting=9, finished={WORKERS: {"a": Tally(0)}})
    assert "could not be counted" in str(said(first, second))


def test_a_long_pause_is_a_new_beginning_and_a_longer_interval_is_not() -> None:
    usual = [reading(at, done=at) for at in (0, 60, 120)]
    assert "not read for 10m1s" in str(said(*usual, reading(721, done=721)))
    assert metrics(*usual, reading(721, done=721), reading(781, done=841)).arrival_rate == pytest.approx(2)
    assert metrics(*usual, reading(480, done=480)).arrival_rate == pytest.approx(1)
    assert metrics(reading(0), reading(3600, done=7200)).arrival_rate == pytest.approx(2)
    assert "not read for" in str(said(reading(0), reading(3700)))


def test_one_more_look_in_between_makes_no_pause_of_a_usual_interval() -> None:
    readings = [reading(at, done=at) for at in (0, 300, 600, 603, 900)]
    assert metrics(*readings).arrival_rate == pytest.approx(1)


def test_long_intervals_are_got_used_to() -> None:
    readings = [reading(at, done=at) for at in (0, 7200, 14_400)]
    assert "not read for 2h" in str(said(*readings[:2]))
    assert metrics(*readings).arrival_rate == pytest.approx(1)


def test_no_time_passed_is_no_sample_and_changes_nothing() -> None:
    ledger = Ledger()
    ledger.sample("emails", NOON, reading(0, done=0))
    assert ledger.sample("emails", NOON, reading(0, done=5)) == ()
    found = ledger.sample("emails", NOON, reading(10, done=20))
    assert not isinstance(found, Gap)
    assert found[0].arrival_rate == pytest.approx(2)


def test_what_is_fetched_ahead_waits() -> None:
    found = metrics(reading(0), reading(10, waiting=7, taken=16, slots=4, workers=2))
    assert (found.backlog, found.active_jobs, found.current_workers) == (7 + 12, 4, 2)


def test_utilization_is_of_the_time_in_between() -> None:
    worked = [reading(at, taken=4, slots=4, done=5 * at, worked={"a": Tally(2.0 * at)}) for at in (0, 10)]
    assert metrics(*worked).utilization == pytest.approx(0.5)
    assert metrics(reading(0), reading(10, taken=3, slots=4)).utilization == pytest.approx(0.75)
    assert metrics(reading(0), reading(10, taken=3)).utilization == 0  # not known
    assert metrics(reading(0, slots=4), reading(10, slots=4, busy=1.0)).utilization == pytest.approx(0.25)


def test_service_time_is_what_counters_say_and_zero_where_nothing_does() -> None:
    worked = [reading(at, done=at, worked={"a": Tally(0.4 * at)}) for at in (0, 10)]
    assert metrics(*worked).service_time == timedelta(seconds=0.4)
    unknown = metrics(reading(0), reading(10, done=10))
    assert (unknown.service_time, unknown.service_time_std, unknown.service_time_p95) == (timedelta(0), None, None)


def test_a_queue_that_never_ran_empty_shows_what_a_job_costs() -> None:
    first = reading(0, waiting=200, slots=4, workers=4, worked={"a": Tally(0)})
    second = reading(10, waiting=160, slots=4, workers=4, done=40, worked={"a": Tally(4)})
    assert metrics(first, second).service_time == timedelta(seconds=1)  # 4 slots × 10 s / 40 jobs, and not 0.1 s
    assert metrics(replace(first, waiting=30), replace(second, waiting=0)).service_time == timedelta(seconds=0.1)


def test_slots_that_serve_other_queues_do_not_show_what_a_job_costs() -> None:
    first = reading(0, waiting=200, slots=4, worked={"a": Tally(0)}, shared=True)
    second = reading(10, waiting=190, slots=4, done=10, worked={"a": Tally(10)}, shared=True)
    assert metrics(first, second).service_time == timedelta(seconds=1)  # and not 4 slots × 10 s / 10 jobs


def crew(at: float, waiting: int, **jobs: int) -> Reading:
    """Workers that ended so many jobs of 0.1 s up to then, and lose 0.1 s at each."""
    done = {worker: Tally(count) for worker, count in jobs.items()}
    worked = {worker: Tally(0.1 * count) for worker, count in jobs.items()}
    return reading(at, waiting, slots=2, finished={WORKERS: done}, worked=worked)


def test_what_a_dead_worker_does_not_do_is_no_cost_of_a_job() -> None:
    calm = [crew(0, 900, a=0, b=0), crew(10, 800, a=50, b=50)]
    assert metrics(*calm).service_time == timedelta(seconds=0.2)
    died = [*calm, crew(20, 740, a=100, b=60), crew(30, 690, a=150, b=60), crew(40, 640, a=200, b=60)]
    assert metrics(*died).service_time == timedelta(seconds=0.2)


def test_a_worker_in_the_place_of_another_shows_no_cost_of_a_job() -> None:
    assert metrics(crew(0, 900, a=0, b=0), crew(10, 850, a=50, c=10)).service_time == timedelta(seconds=0.1)


def test_jobs_that_were_deleted_were_not_served() -> None:
    def counted(at: float, waiting: int, count: int, busy: float) -> Reading:
        return reading(at, waiting, done=count, arrived={"": Tally(count)}, slots=4, busy=busy)

    readings = [counted(0, 200, 0, 4.0), counted(60, 200, 240, 4.0), counted(120, 0, 480, 4.0)]
    assert metrics(*readings).arrival_rate == pytest.approx(4)
    assert metrics(*readings).service_time == timedelta(seconds=1)
    assert metrics(*readings, counted(180, 0, 510, 0.5)).service_time == timedelta(seconds=1)


def test_nothing_is_learned_from_a_time_in_which_the_server_was_away() -> None:
    first = reading(0, waiting=200, slots=4, worked={"a": Tally(0)})
    second = reading(10, waiting=160, slots=4, done=40, worked={"a": Tally(4)}, outages=1)
    assert metrics(first, second).service_time == timedelta(seconds=0.1)
    assert metrics(reading(0), reading(10, done=40, busy=2.0, outages=1)).service_time == timedelta(0)


def test_beginning_anew_says_why_and_keeps_the_reading() -> None:
    ledger = Ledger()
    ledger.sample("emails", NOON, reading(0, done=500))
    assert ledger.anew("emails", reading(10, done=3), "lost") == Gap(reason="lost")
    found = ledger.sample("emails", NOON, reading(20, done=23))
    assert not isinstance(found, Gap)
    assert found[0].arrival_rate == pytest.approx(2)


def test_a_queue_that_was_forgotten_begins_anew() -> None:
    ledger = Ledger()
    ledger.sample("emails", NOON, reading(0))
    ledger.forget("emails")
    ledger.forget("emails")
    assert isinstance(ledger.sample("emails", NOON, reading(10)), Gap)


@given(st.lists(st.tuples(*[st.integers(0, 10**6)] * 4, st.floats(0.01, 10**5)), max_size=12))
def test_no_reading_whatsoever_makes_a_negative_or_an_absurd_rate(
    steps: list[tuple[int, int, int, int, float]],
) -> None:
    ledger, at = Ledger(), 0.0
    for waiting, taken, done, made, pause in steps:
        at += pause
        item = reading(at, waiting, taken, done, arrived={"id": Tally(made)}, slots=taken % 7, workers=taken % 7)
        found = ledger.sample("emails", NOON, item)
        for one in () if isinstance(found, Gap) else found:
            assert 0 <= one.arrival_rate <= 5 * 10**6 / 0.05
            assert one.backlog >= 0
            assert 0 <= one.utilization <= 1
            assert one.service_time >= timedelta(0)


def test_threads_do_not_disturb_each_other() -> None:
    ledger = Ledger()
    rates: dict[str, set[float]] = {}

    def collect(name: str, rate: int) -> None:
        for at in range(200):
            found = ledger.sample(name, NOON, reading(at, done=at * rate))
            if not isinstance(found, Gap):
                rates.setdefault(name, set()).update(round(item.arrival_rate, 6) for item in found)

    threads = [threading.Thread(target=collect, args=(f"q{rate}", rate)) for rate in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rates == {f"q{rate}": {float(rate)} for rate in range(1, 9)}
