"""A process that writes, and says what is stored: ``python -m tests.store._writer write|thin URL BEGIN``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from capacity_planner.domain.queues import ServiceConfig
from capacity_planner.domain.scaling import Decision
from capacity_planner.store.attempt import Attempt
from capacity_planner.store.store import Store
from tests.store._kept import DAY, MINUTE, NOON, QUEUE, order, record, sample, scaling

if TYPE_CHECKING:
    from datetime import datetime

PARTS = 5


def write(store: Store, number: int) -> None:
    """One of everything, each told as soon as it is stored."""
    at, plan_id = NOON + number * MINUTE, f"p{number}"
    store.add_samples([sample(number + part / 10) for part in range(PARTS)])
    tell("samples", number)
    store.claim("a", {QUEUE}, DAY)
    orders = [order(plan_id, 1), order(plan_id, 2)]
    made = record(plan_id, number, decision=Decision.APPLIED)
    if store.conclude(
        QUEUE, slot=at, interval=MINUTE, replica="a", record=made, orders=orders, supersede="all", gap=""
    ):
        tell("plan", number)
    begun = store.begin(f"{plan_id}/1", replica="a", at=at)
    if begun and store.done(
        begun, replica="a", at=at, attempt=Attempt(observed=15, scaling=scaling(number, order_id=begun.id))
    ):
        tell("done", number)
    if number % 7 == 0:
        tell("config", store.put_config(ServiceConfig(), expected=None, by=f"{number}").version)


def thin(url: str) -> None:
    """Make bins of all that is there."""

    def later() -> datetime:
        return NOON + 100 * DAY

    store = Store.open(url, clock=later)
    tell("begun", 0)
    store.maintain(keep_samples=DAY, keep_bins=400 * DAY, keep_plans=400 * DAY)
    tell("thinned", 0)


def tell(what: str, number: int) -> None:
    """Say that it is stored."""
    print(what, number, flush=True)  # noqa: T201 - whoever started this reads it


if __name__ == "__main__":
    _, mode, where, begin = sys.argv
    if mode == "thin":
        thin(where)
    else:
        opened = Store.open(where)
        for count in range(int(begin), sys.maxsize):
            write(opened, count)
