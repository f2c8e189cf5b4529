from __future__ import annotations

from typing import TYPE_CHECKING

from tests.store._kept import MINUTE, NOON, QUEUE, scaling

if TYPE_CHECKING:
    from capacity_planner.store.store import Store


def test_scalings_come_back_as_they_were_oldest_first(store: Store) -> None:
    told = scaling(2, by="ada")
    carried_out = scaling(1, plan_id="p", order_id="p/1", scaler="dry_run")
    for given in (told, carried_out, scaling(0, queue="images")):
        store.add_scaling(given)
    assert store.scalings(QUEUE, since=NOON) == [carried_out, told]
    assert store.scalings(QUEUE, since=NOON + 2 * MINUTE) == [told]
    assert store.scalings(QUEUE, since=NOON, limit=1) == [told]


def test_an_order_has_one_scaling_from_where_it_began_but_people_may_tell_the_same_twice(store: Store) -> None:
    store.add_scaling(scaling(0, order_id="p/1", from_workers=12, to_workers=14))
    store.add_scaling(scaling(1, order_id="p/1", from_workers=14, to_workers=15))
    assert store.scalings(QUEUE, since=NOON) == [scaling(1, order_id="p/1", from_workers=12, to_workers=15)]
    store.add_scaling(scaling(2))
    store.add_scaling(scaling(2))
    assert store.scalings(QUEUE, since=NOON + 2 * MINUTE) == [scaling(2), scaling(2)]
