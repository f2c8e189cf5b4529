from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity_planner import Metrics
from capacity_planner.store.cursor import Cursor
from tests.properties.strategies import objects
from tests.store._kept import DAY, HOUR, MINUTE, NOON, QUEUE, sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.store.store import Store


def test_samples_come_back_as_they_were_oldest_first(store: Store) -> None:
    whole = sample(
        1,
        service_time_p95=timedelta(microseconds=2_345_678),
        service_time_std=timedelta(0),
        utilization=0.1 + 0.2,
        backlog=10**15,
        active_jobs=3,
    )
    store.add_samples([whole, sample(0), sample(2, queue="images")])
    assert store.samples(QUEUE, since=NOON) == [sample(0), whole]
    assert store.samples("images", since=NOON) == [sample(2, queue="images")]


def test_a_sample_replaces_the_one_with_its_queue_and_timestamp(store: Store) -> None:
    store.add_samples([sample(0), sample(0, backlog=1)])
    store.add_samples([sample(0, backlog=2), sample(0, queue="images")])
    assert store.samples(QUEUE, since=NOON) == [sample(0, backlog=2)]


def test_samples_are_cut_by_time_with_both_ends_and_by_number_from_the_newest(store: Store) -> None:
    store.add_samples([sample(minute) for minute in range(5)])
    between = store.samples(QUEUE, since=NOON + MINUTE, until=NOON + 3 * MINUTE)
    assert [item.timestamp for item in between] == [NOON + minute * MINUTE for minute in (1, 2, 3)]
    assert store.samples(QUEUE, since=NOON, limit=2) == [sample(3), sample(4)]
    assert store.samples(QUEUE, since=NOON, until=NOON + MINUTE, limit=1) == [sample(1)]
    assert store.samples("nobody", since=NOON) == []


def test_the_newest_sample_may_be_asked_for_up_to_an_instant(store: Store) -> None:
    assert store.newest_sample(QUEUE) is None
    store.add_samples([sample(0), sample(9), sample(4)])
    assert store.newest_sample(QUEUE) == sample(9)
    assert store.newest_sample(QUEUE, NOON + 5 * MINUTE) == sample(4)


def test_no_samples_are_nothing_to_do(store: Store) -> None:
    store.add_samples([])
    assert store.queue_names() == []


def test_a_batch_of_many_queues_and_samples_is_stored(store: Store) -> None:
    store.add_samples([sample(minute, queue=f"queue {minute % 700}") for minute in range(2100)])
    assert len(store.queue_names()) == 700
    assert len(store.samples("queue 699", since=NOON)) == 3


def test_a_reader_gets_what_was_stored_since_its_cursor_by_whichever_replica(
    store: Store, another: Callable[[], Store]
) -> None:
    store.add_samples([sample(0), sample(1)])
    first, cursor = store.changed_samples(QUEUE, None, NOON)
    assert first == [sample(0), sample(1)]
    another().add_samples([sample(2), sample(0, backlog=7)])
    news, cursor = store.changed_samples(QUEUE, cursor, NOON)
    assert news == [sample(0, backlog=7), sample(2)]
    assert store.changed_samples(QUEUE, cursor, NOON) == ([], cursor)


def test_a_reader_is_told_only_of_its_queue_and_its_time(store: Store) -> None:
    _, cursor = store.changed_samples(QUEUE, None, NOON)
    store.add_samples([sample(-1), sample(1), sample(1, queue="images")])
    assert store.changed_samples(QUEUE, cursor, NOON)[0] == [sample(1)]
    assert store.changed_samples(QUEUE, None, NOON)[0] == [sample(1)]


def test_a_reader_sees_a_reset_by_its_cursor_and_begins_anew(store: Store) -> None:
    store.add_samples([sample(0)])
    _, before = store.changed_samples(QUEUE, None, NOON)
    store.reset(QUEUE)
    store.add_samples([sample(5)])
    news, after = store.changed_samples(QUEUE, before, NOON)
    assert news == [sample(5)]
    assert after.resets == before.resets + 1


def test_a_cursor_from_before_the_database_was_replaced_by_a_backup_asks_for_all(store: Store) -> None:
    store.add_samples([sample(0), sample(1)])
    assert store.changed_samples(QUEUE, Cursor(resets=0, stamp=2**40), NOON)[0] == [sample(0), sample(1)]


def test_names_of_any_length_and_script_are_told_apart(store: Store) -> None:
    names = ["", " ", "a/b c%é", "a/b c%É", "🐇" * 1000, "🐇" * 999 + "r", "'; DROP TABLE samples; --"]
    store.add_samples([sample(0, queue=name, backlog=place) for place, name in enumerate(names)])
    assert store.queue_names() == sorted(names)
    for place, name in enumerate(names):
        assert store.samples(name, since=NOON) == [sample(0, queue=name, backlog=place)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(drawn=st.lists(objects(Metrics), min_size=1, max_size=20))
def test_every_valid_sample_comes_back_as_it_was(store: Store, drawn: list[Metrics]) -> None:
    kept = [replace(item, queue_name=QUEUE) for item in drawn]
    store.reset(QUEUE)
    store.add_samples(kept)
    newest = {item.timestamp: item for item in kept}
    begin = min(newest)
    assert store.samples(QUEUE, since=begin) == [newest[at] for at in sorted(newest)]
    assert store.changed_samples(QUEUE, None, begin)[0] == [newest[at] for at in sorted(newest)]


def test_readers_and_one_writer_do_not_wait_for_each_other(store: Store, another: Callable[[], Store]) -> None:
    store.add_samples([sample(0)])
    other = another()
    with store._db.write():  # noqa: SLF001 - a write that takes its time
        assert other.samples(QUEUE, since=NOON - DAY, until=NOON + HOUR) == [sample(0)]


def test_what_is_read_at_once_is_of_one_moment(store: Store, another: Callable[[], Store]) -> None:
    store.add_samples([sample(0)])
    other = another()
    counted = "SELECT count(*) FROM samples"
    with store._db.read() as connection:  # noqa: SLF001 - two statements, and a write between them
        before = connection.exec_driver_sql(counted).scalar_one()
        other.add_samples([sample(1)])
        assert connection.exec_driver_sql(counted).scalar_one() == before
