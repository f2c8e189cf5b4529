"""Databases that do not answer for a while: it is said so, and then all goes on by itself."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import UnavailableError
from capacity_planner.store.store import Store
from tests.services import _servers
from tests.store._kept import LEASE, NOON, QUEUE, sample

if TYPE_CHECKING:
    from pathlib import Path

FULL = """
import resource, sys
from capacity_planner.errors import UnavailableError
from capacity_planner.store.store import Store
from tests.store._kept import NOON, QUEUE, sample
store = Store.open(sys.argv[1])
store.add_samples([sample(0)])
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
stored = 1
try:
    while True:
        store.add_samples([sample(stored + part) for part in range(200)])
        stored += 200
except UnavailableError as error:
    print(error.message)
assert len(store.samples(QUEUE, since=NOON)) == stored
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.add_samples([sample(stored)])
assert len(store.samples(QUEUE, since=NOON)) == stored + 1
print("goes on")
"""


@pytest.mark.slow
def test_a_postgresql_that_stops_and_starts_is_unavailable_and_then_available() -> None:
    with _servers.cluster() as cluster:
        store = Store.open(f"{cluster.url}/postgres")
        store.add_samples([sample(0)])
        for mode in ("fast", "immediate"):
            cluster.stop(mode)
            for call in (store.check, store.now, lambda: store.add_samples([sample(1)]), lambda: store.plan("p")):
                with pytest.raises(UnavailableError, match="The store does not answer"):
                    call()
            cluster.start()
            store.check()
            assert store.newest_sample(QUEUE) == sample(0)
        store.add_samples([sample(1)])
        store.close()


@pytest.mark.slow
def test_calls_under_way_when_postgresql_stops_end_soon_and_all_goes_on_afterwards() -> None:
    stop = Event()

    def work(store: Store, thread: int) -> tuple[int, int]:
        done = failed = 0
        while not stop.is_set():
            try:
                store.add_samples([sample(done, queue=f"queue {thread}")])
                done += 1
            except UnavailableError:
                failed += 1
                time.sleep(0.05)
        assert len(store.samples(f"queue {thread}", since=NOON)) in {done, done + 1}
        return done, failed

    with _servers.cluster() as cluster, ThreadPoolExecutor(16) as pool:
        store = Store.open(f"{cluster.url}/postgres")
        futures = [pool.submit(work, store, thread) for thread in range(16)]
        try:
            for _ in range(3):
                time.sleep(0.5)
                cluster.stop("immediate")
                time.sleep(0.2)
                cluster.start()
            time.sleep(0.5)
        finally:
            stop.set()
        counts = [future.result(30) for future in futures]
        store.close()
    assert min(done for done, _ in counts) > 0
    assert min(failed for _, failed in counts) > 0


def test_a_postgresql_that_ends_an_idle_connection_is_connected_to_anew() -> None:
    with _servers.database() as url:
        store = Store.open(url)
        store.add_samples([sample(0)])
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        _servers.execute(url, f"SELECT pg_terminate_backend(pid) {others}")
        store.add_samples([sample(1)])
        assert len(store.samples(QUEUE, since=NOON)) == 2
        store.close()


@pytest.mark.slow
def test_a_statement_that_waits_for_too_long_is_given_up() -> None:
    with _servers.database() as url:
        store, other = Store.open(url), Store.open(url)
        store.claim("a", {QUEUE}, LEASE)
        with other._db.write() as connection:  # noqa: SLF001 - a write that does not come to its end
            connection.exec_driver_sql("LOCK TABLE queues")
            with pytest.raises(UnavailableError, match="statement timeout"):
                store.claim("a", {QUEUE}, LEASE)
        assert store.claim("a", {QUEUE}, LEASE) == {QUEUE}
        store.close()
        other.close()


@pytest.mark.slow
def test_a_file_that_another_process_writes_for_too_long_is_unavailable(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    blocker = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(UnavailableError, match="database is locked"):
        store.add_samples([sample(0)])
    assert store.samples(QUEUE, since=NOON) == []
    blocker.execute("ROLLBACK")
    store.add_samples([sample(0)])
    blocker.close()
    store.close()


@pytest.mark.slow
def test_writers_of_one_process_wait_for_each_other_but_not_for_ever(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with ThreadPoolExecutor(1) as pool, store._db.write():  # noqa: SLF001 - a write that does not come to its end
        late = pool.submit(store.add_samples, [sample(0)])
        with pytest.raises(UnavailableError, match="The store is busy"):
            late.result(10)
    store.add_samples([sample(0)])
    store.close()


@pytest.mark.slow
def test_a_full_disk_is_unavailable_and_nothing_is_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, f"sqlite:///{tmp_path}/store.db"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    said, goes_on = ended.stdout.splitlines()
    assert said.startswith("The store does not answer: ")
    assert goes_on == "goes on"
