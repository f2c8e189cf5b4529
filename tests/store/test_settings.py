from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from capacity_planner import SLO, PlannerConfig
from capacity_planner.domain.queues import Chosen, ConfigVersion, Mode, QueueSettings, ServiceConfig
from capacity_planner.errors import ConflictError
from capacity_planner.frozen import FrozenOptions
from tests.store._kept import MINUTE, NOON, QUEUE, SECOND, Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.store.store import Store

WHOLE = ServiceConfig(
    planner=PlannerConfig(max_workers=40),
    slo=SLO(p95_latency=8 * SECOND),
    queues=(
        QueueSettings(
            queue_name=QUEUE,
            mode=Mode.AUTO,
            planner=FrozenOptions({"max_workers": 7, "cooldown_period": MINUTE}),
            source=Chosen(name="file", options=FrozenOptions({"path": "é.csv", "columns": ("a", "b")})),
        ),
    ),
)


def test_a_configuration_comes_back_as_it_was(store: Store, clock: Clock) -> None:
    assert store.config() is None
    clock.at += MINUTE
    first = ConfigVersion(version=1, config=WHOLE, changed_at=NOON + MINUTE, changed_by="ada")
    assert store.put_config(WHOLE, expected=0, by="ada") == first
    assert store.config() == first
    assert store.config() == first


def test_every_version_is_kept(store: Store) -> None:
    for by in ("ada", "bob", "cleo"):
        store.put_config(ServiceConfig(), expected=None, by=by)
    assert [(item.version, item.changed_by) for item in store.config_versions(2)] == [(3, "cleo"), (2, "bob")]


def test_only_the_newest_version_is_replaced(store: Store) -> None:
    store.put_config(WHOLE, expected=None, by="ada")
    store.put_config(WHOLE, expected=1, by="bob")
    with pytest.raises(ConflictError, match=r"Version 1 .* the newest is 2"):
        store.put_config(ServiceConfig(), expected=1, by="cleo")
    with pytest.raises(ConflictError, match=r"Version 0 .* the newest is 2"):
        store.put_config(ServiceConfig(), expected=0, by="cleo")
    newest = store.config()
    assert newest
    assert (newest.version, newest.config) == (2, WHOLE)


def test_one_replica_sees_what_another_set(store: Store, another: Callable[[], Store]) -> None:
    other = another()
    store.put_config(WHOLE, expected=0, by="ada")
    assert other.config() == store.config()
    changed = replace(WHOLE, queues=())
    other.put_config(changed, expected=1, by="bob")
    seen = store.config()
    assert seen
    assert seen.config == changed


def test_the_digest_is_that_of_the_file_that_was_read_last(store: Store) -> None:
    assert store.config_file().digest == ""
    store.put_config(WHOLE, expected=None, by="planner.toml", digest="d1")
    store.put_config(WHOLE, expected=None, by="ada")
    assert store.config_file().digest == "d1"
    store.put_config(WHOLE, expected=None, by="planner.toml", digest="d2")
    assert store.config_file().digest == "d2"


def test_an_outline_tells_who_scaled_the_queues(store: Store) -> None:
    for by in ("ada", "bob", "cleo"):
        store.put_config(WHOLE, expected=None, by=by)
    (second,) = store.config_outlines(before=3, limit=1)
    assert (second.version, second.scaled) == (2, {QUEUE: (WHOLE.queues[0].scaler.name, "auto")})
    assert second.changed_at == store.config_versions()[1].changed_at
    assert store.config_outlines(before=1) == []
