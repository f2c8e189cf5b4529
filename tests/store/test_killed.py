"""Processes that are killed while they write, and servers whose power goes: what was acknowledged is there."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.scaling import OrderStatus
from capacity_planner.store.store import Store
from tests.services import _servers
from tests.store._kept import MINUTE, NOON, QUEUE, sample
from tests.store._writer import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
ROUNDS, OUTAGES = 50, 5
SAMPLES = 30_000


def written(mode: str, url: str, begin: int, fault: Callable[[subprocess.Popen[str]], None]) -> list[tuple[str, int]]:
    """What a writer said was stored, from its start to some time after the fault."""
    command = [sys.executable, "-m", "tests.store._writer", mode, url, str(begin)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stderr
        first = writer.stdout.readline()
        fault(writer)
        told = [first, *writer.stdout.readlines()]
        assert first, writer.stderr.read()
    return [(what, int(number)) for what, number in (line.split() for line in told if line.endswith("\n"))]


def killed_soon(writer: subprocess.Popen[str]) -> None:
    time.sleep(random.uniform(0, 0.25))  # noqa: S311 - when it hurts is chance
    writer.kill()


def see_all(url: str, told: dict[str, set[int]]) -> int:
    """Hold what the store has against what was acknowledged; returns the last number that it has."""
    store = Store.open(url)
    try:
        found = store.samples(QUEUE, since=NOON)
        batches = Counter((item.timestamp - NOON) // MINUTE for item in found)
        last = max(batches)
        assert told["samples"] <= batches.keys()
        assert set(batches.values()) == {PARTS}
        plans = {int(item.response.plan.id[1:]) for item in store.plans(QUEUE, limit=last + 1)}
        assert told["plan"] <= plans
        scaled = {item.order_id for item in store.scalings(QUEUE, since=NOON, limit=last + 1)}
        assert {f"p{number}/1" for number in told["done"]} <= scaled
        for number in plans:
            first, second = store.orders(f"p{number}")
            assert (first.status is OrderStatus.DONE) == (first.id in scaled)
            assert second.status is not OrderStatus.DONE
        versions = {item.version for item in store.config_versions(10_000)}
        assert told["config"] <= versions == set(range(1, len(versions) + 1))
    finally:
        store.close()
    return last


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(url: str) -> None:
    told: dict[str, set[int]] = defaultdict(set)
    last = -1
    for _ in range(ROUNDS):
        for what, number in written("write", url, last + 1, killed_soon):
            told[what].add(number)
        last = see_all(url, told)
    assert len(told["done"]) > ROUNDS


@pytest.mark.slow
def test_samples_are_neither_lost_nor_counted_twice_when_down_sampling_is_killed(url: str) -> None:
    store = Store.open(url)
    store.add_samples([sample(minute) for minute in range(1, SAMPLES + 1)])
    rounds = 0
    while ("thinned", 0) not in written("thin", url, 0, killed_soon):
        found = store.samples(QUEUE, since=NOON)
        spans = [(item.timestamp - before.timestamp) // MINUTE for before, item in pairwise(found)]
        bins = spans.count(5)
        assert spans == [5] * bins + [1] * (len(spans) - bins)
        assert found[-1] == sample(SAMPLES)
        rounds += 1
    assert rounds > 0
    assert len(store.samples(QUEUE, since=NOON)) == SAMPLES / 5 - 1 + 5
    store.close()


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_the_power_of_the_server_goes() -> None:
    told: dict[str, set[int]] = defaultdict(set)
    last = -1
    with _servers.cluster() as cluster:

        def outage(writer: subprocess.Popen[str]) -> None:
            time.sleep(random.uniform(0, 0.5))  # noqa: S311 - when it hurts is chance
            cluster.stop("immediate")
            assert writer.wait(30)

        for _ in range(OUTAGES):
            for what, number in written("write", f"{cluster.url}/postgres", last + 1, outage):
                told[what].add(number)
            cluster.start()
            last = see_all(f"{cluster.url}/postgres", told)
    assert len(told["done"]) > OUTAGES
