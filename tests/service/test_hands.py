"""Threads of the loop: so many at once, and what hangs holds up nothing else."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import wait
from threading import Event
from time import monotonic, sleep
from typing import TYPE_CHECKING

from capacity_planner.service import hands
from capacity_planner.service.hands import Hands

if TYPE_CHECKING:
    import pytest


def test_what_is_submitted_is_done_and_what_fails_is_told() -> None:
    pool = Hands(2)
    done = [pool.submit(lambda: None) for _ in range(20)]
    failed = pool.submit(lambda: 1 // 0)
    assert not wait([*done, failed], timeout=5).not_done
    assert isinstance(failed.exception(), ZeroDivisionError)
    pool.close()


def test_no_more_than_so_many_work_at_once() -> None:
    pool, running, most = Hands(3), [0], [0]

    def work() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        sleep(0.02)
        running[0] -= 1

    wait([pool.submit(work) for _ in range(12)], timeout=5)
    assert most[0] <= 3
    pool.close()


def test_those_that_hang_are_replaced_and_go_when_they_are_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "_HANGS_AFTER", 0.05)
    pool, back = Hands(2), Event()
    hanging = [pool.submit(back.wait) for _ in range(2)]
    sleep(0.1)
    assert pool.relieve() == 2
    quick = [pool.submit(lambda: None) for _ in range(5)]
    assert not wait(quick, timeout=2).not_done
    back.set()
    wait(hanging, timeout=2)
    end = monotonic() + 2
    while pool._threads != 2 and monotonic() < end:  # noqa: SLF001 - nobody else can tell
        sleep(0.01)
    assert pool._threads == 2  # noqa: SLF001 - as above
    assert pool.relieve() == 0
    pool.close()


def test_what_hangs_does_not_keep_the_process_from_its_end() -> None:
    script = "import time; from capacity_planner.service.hands import Hands; Hands(1).submit(lambda: time.sleep(60))"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=10)
