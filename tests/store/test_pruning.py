"""What is bounded in number, and the queues that are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, select

from capacity_planner.domain.queues import QueueSettings, ServiceConfig
from capacity_planner.store._tables import queues
from tests.store._kept import DAY, LEASE, MINUTE, NOON, QUEUE, Clock, order, outcome, record, sample, scaling

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from capacity_planner.store.store import Store


def maintain(store: Store) -> dict[str, int]:
    return store.maintain(keep_samples=DAY, keep_bins=400 * DAY, keep_plans=90 * DAY)


def configure(store: Store, names: Sequence[str] = (), digest: str = "") -> None:
    planned = tuple(QueueSettings(queue_name=name) for name in names)
    store.put_config(ServiceConfig(queues=planned), expected=None, by="ada", digest=digest)


def names(url: str) -> set[str]:
    """The queues that the table has, whatever is known of them."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        found = set(connection.execute(select(queues.c.name)).scalars())
    engine.dispose()
    return found


def test_the_newest_hundred_configurations_stay_and_the_one_that_was_read_from_a_file(store: Store) -> None:
    configure(store)
    configure(store, digest="d1")
    for _ in range(103):
        configure(store)
    assert maintain(store)["configs"] == 4
    kept = [version.version for version in store.config_versions(1_000)]
    assert kept == [*range(105, 5, -1), 2]
    assert store.config_file().digest == "d1"
    assert maintain(store)["configs"] == 0
    configure(store)
    newest = store.config()
    assert newest
    assert newest.version == 106


def test_of_plans_that_were_only_asked_for_the_newest_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capacity_planner.store._pruning._MOST_ASKED", 3)
    for minute in range(6):
        store.add_plan(record(f"asked{minute}", minute, made_by="ada"))
        store.add_plan(record(f"loop{minute}", minute))
    for minute in range(3):
        store.add_plan(record(f"other{minute}", minute, queue="images", made_by="ada"))
    store.apply("asked1", by="ada", orders=[order("asked1")], scaling=None)
    assert maintain(store)["plans"] == 2
    left = {item.response.plan.id for item in store.plans(limit=100)}
    asked = {f"asked{minute}" for minute in (1, 3, 4, 5)}
    assert left == asked | {f"loop{minute}" for minute in range(6)} | {f"other{minute}" for minute in range(3)}
    assert [item.id for item in store.orders("asked1")] == ["asked1/1"]
    assert maintain(store)["plans"] == 0


def test_queues_of_which_nothing_is_left_are_forgotten(store: Store, url: str, clock: Clock) -> None:
    store.claim("a", {"planned for", "leased", "dropped"}, LEASE)
    configure(store, ["planned for"])
    store.withdraw("a")
    store.claim("a", {"leased"}, LEASE)
    store.add_samples([sample(queue="sampled"), sample(queue="reset"), sample(queue="judged"), sample(queue="scaled")])
    store.add_plan(record("p", queue="planned"))
    store.reset("reset")
    assert maintain(store)["queues"] == 1
    assert names(url) == {"planned for", "leased", "sampled", "reset", "judged", "scaled", "planned"}
    store.add_outcomes([outcome("q", queue="judged")])
    store.add_scaling(scaling(queue="scaled"))
    clock.at += 2 * DAY
    store.maintain(keep_samples=DAY, keep_bins=DAY, keep_plans=90 * DAY)
    assert names(url) == {"planned for", "judged", "scaled", "planned"}


def test_a_queue_that_was_forgotten_may_come_back(store: Store, url: str, clock: Clock) -> None:
    store.add_samples([sample(-1)])
    store.reset(QUEUE)
    store.add_samples([sample(0)])
    _, cursor = store.changed_samples(QUEUE, None, NOON - MINUTE)
    clock.at += 2 * DAY
    store.maintain(keep_samples=DAY, keep_bins=DAY, keep_plans=DAY)
    assert names(url) == set()
    assert store.statuses(QUEUE) == []
    store.add_samples([sample(2 * 1440)])
    found, later = store.changed_samples(QUEUE, cursor, NOON - MINUTE)
    assert found == [sample(2 * 1440)]
    assert later.resets != cursor.resets
