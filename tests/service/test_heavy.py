from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capacity_planner import PlannerConfig, PlannerError, Simulator
from capacity_planner.domain.questions import SimulationRequest
from capacity_planner.domain.server import ServerSettings
from capacity_planner.errors import ConflictError, NotFoundError, TooLargeError, UnavailableError
from capacity_planner.service._heavy_worker import NICER
from capacity_planner.service.heavy import Heavy, Task, TaskState
from capacity_planner.service.telemetry import Telemetry
from tests.pipeline._scenarios import HOUR, scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

CONFIG = PlannerConfig()
QUICK = SimulationRequest(scenario=scenario(60))
LONG = SimulationRequest(scenario=scenario(2000, rate=1000.0, duration=100 * HOUR, granularity=HOUR))
SECOND = timedelta(seconds=1)


@contextmanager
def pool(
    telemetry: Telemetry | None = None, clock: Callable[[], datetime] | None = None, **limits: object
) -> Iterator[Heavy]:
    settings = replace(ServerSettings(), **limits)  # type: ignore[arg-type]
    heavy = Heavy(settings, telemetry) if clock is None else Heavy(settings, telemetry, clock=clock)
    try:
        yield heavy
    finally:
        heavy.close()


@pytest.fixture(scope="module")
def heavy() -> Iterator[Heavy]:
    with pool() as made:
        yield made


def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def running(task: Task) -> bool:
    return task.state is TaskState.RUNNING and task.progress > 0


def alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def test_the_result_is_the_simulators_own(heavy: Heavy) -> None:
    found, own = heavy.simulate(QUICK, CONFIG), Simulator(CONFIG).simulate(QUICK.scenario)
    assert (found.id, found.timeline, found.summary, found.scenario) == (
        own.id,
        own.timeline,
        own.summary,
        own.scenario,
    )


def test_it_runs_in_another_process_that_is_kept_and_gives_way(heavy: Heavy) -> None:
    heavy.simulate(QUICK, CONFIG)
    before = heavy.pids
    heavy.simulate(QUICK, CONFIG)
    assert heavy.pids == before
    assert before != [os.getpid()]
    assert os.getpriority(os.PRIO_PROCESS, before[0]) == min(os.getpriority(os.PRIO_PROCESS, 0) + NICER, 19)


def test_a_task_tells_where_it_stands(heavy: Heavy) -> None:
    task = heavy.start(QUICK, CONFIG)
    assert task.wait(20)
    assert heavy.get(task.id) is task
    assert (task.state, task.progress, task.error) == (TaskState.DONE, 1.0, None)
    assert task.created <= task.started <= task.ended  # type: ignore[operator]
    assert task.outcome() == task.result


def test_progress_is_told_as_it_comes_and_not_too_often(heavy: Heavy) -> None:
    request = SimulationRequest(scenario=scenario(60, replications=10, duration=10 * HOUR))
    told: list[tuple[float, float]] = []
    task = heavy.start(request, CONFIG)
    stop = task.watch(lambda: told.append((time.monotonic(), task.progress)))
    assert task.wait(30)
    stop()
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    inner = sorted({share for share in shares if 0 < share < 1})
    assert len(inner) > 3
    assert len(inner) <= (told[-1][0] - told[0][0]) * 20 + 2


def test_one_that_waits_is_cancelled_at_once(heavy: Heavy) -> None:
    first, second = heavy.start(LONG, CONFIG), heavy.start(LONG, CONFIG)
    second.cancel()
    assert second.state is TaskState.CANCELLED
    with pytest.raises(ConflictError, match="was cancelled"):
        second.outcome()
    first.cancel()
    assert first.wait(10)


def test_one_that_runs_is_cancelled_soon_and_the_process_goes_on(heavy: Heavy) -> None:
    heavy.simulate(QUICK, CONFIG)
    pids, task = heavy.pids, heavy.start(LONG, CONFIG)
    until(lambda: running(task))
    began = time.monotonic()
    task.cancel()
    assert task.wait(10)
    assert time.monotonic() - began < 3.5
    assert task.state is TaskState.CANCELLED
    assert heavy.simulate(QUICK, CONFIG).summary.jobs > 0
    assert len(heavy.pids) == len(pids)
    task.cancel()
    assert task.state is TaskState.CANCELLED


def test_a_waiting_caller_cancels_by_an_event(heavy: Heavy) -> None:
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    with pytest.raises(ConflictError, match="was cancelled"):
        heavy.simulate(LONG, CONFIG, cancelled=cancelled)


def test_what_the_simulator_refuses_is_refused_before_any_work(heavy: Heavy) -> None:
    bad = SimulationRequest(scenario=scenario(60, granularity=2 * HOUR))
    with pytest.raises(PlannerError, match="granularity") as caught:
        heavy.start(bad, CONFIG)
    with pytest.raises(PlannerError) as own:
        Simulator(CONFIG).simulate(bad.scenario)
    assert (caught.value.code, caught.value.message, caught.value.details) == (
        own.value.code,
        own.value.message,
        own.value.details,
    )


def test_settings_that_do_not_fit_are_refused_before_any_work(heavy: Heavy) -> None:
    with pytest.raises(PlannerError, match="min_workers") as caught:
        heavy.start(QUICK, PlannerConfig(min_workers=5, max_workers=4))
    assert caught.value.code == "CONFIG_INVALID"


def test_too_many_jobs_are_refused_before_any_work() -> None:
    with pool(max_jobs=89_999) as heavy:
        with pytest.raises(TooLargeError, match=r"asks for 90,000 jobs .* at most 89,999"):
            heavy.start(QUICK, CONFIG)
        assert heavy.pids == []


def test_the_time_limit_is_a_planner_error_that_came_from_the_other_process(heavy: Heavy) -> None:
    task = heavy.start(LONG, CONFIG, 0.3 * SECOND)
    assert task.wait(20)
    assert task.state is TaskState.FAILED
    with pytest.raises(PlannerError, match="timeout is 300ms") as caught:
        task.outcome()
    assert caught.value.code == "FORECAST_FAILED"
    assert caught.value.details["timed_out"]


def test_no_simulation_runs_longer_than_the_service_allows() -> None:
    with pool(max_time=SECOND) as heavy:
        began = time.monotonic()
        with pytest.raises(PlannerError, match="timeout is 1s"):
            heavy.simulate(LONG, CONFIG, timeout=HOUR)
        assert time.monotonic() - began < 5


def test_the_time_of_a_caller_counts_while_it_waits_for_its_turn(heavy: Heavy) -> None:
    first = heavy.start(LONG, CONFIG)
    with pytest.raises(PlannerError, match="timeout is 200ms"):
        heavy.simulate(QUICK, CONFIG, timeout=0.2 * SECOND)
    first.cancel()
    assert first.wait(10)
    assert heavy.simulate(QUICK, CONFIG).summary.jobs > 0


def test_more_than_may_wait_are_told_to_come_again() -> None:
    with pool(max_heavy=1, max_waiting=1) as heavy:
        first, second = heavy.start(LONG, CONFIG), heavy.start(LONG, CONFIG)
        with pytest.raises(UnavailableError, match="all that is taken on") as caught:
            heavy.start(QUICK, CONFIG)
        assert caught.value.retry_after > 0
        second.cancel()
        third = heavy.start(QUICK, CONFIG)
        first.cancel()
        assert third.wait(20)
        assert third.state is TaskState.DONE


def test_so_many_run_at_once() -> None:
    with pool(max_heavy=2, max_waiting=0) as heavy:
        tasks = [heavy.start(LONG, CONFIG) for _ in "12"]
        until(lambda: all(running(task) for task in tasks))
        assert len(set(heavy.pids)) == 2
        with pytest.raises(UnavailableError):
            heavy.start(QUICK, CONFIG)


def test_a_process_that_dies_fails_its_own_simulation_alone() -> None:
    with pool() as heavy:
        first, second = heavy.start(LONG, CONFIG), heavy.start(QUICK, CONFIG)
        until(lambda: running(first))
        os.kill(heavy.pids[0], signal.SIGKILL)
        assert first.wait(10)
        assert first.state is TaskState.FAILED
        with pytest.raises(UnavailableError, match=r"was killed by signal 9, perhaps because memory ran out"):
            first.outcome()
        assert second.wait(20)
        assert second.state is TaskState.DONE


def test_a_process_that_dies_while_it_has_nothing_to_do_is_replaced() -> None:
    with pool() as heavy:
        heavy.simulate(QUICK, CONFIG)
        before = heavy.pids
        os.kill(before[0], signal.SIGKILL)
        until(lambda: not alive(before[0]))
        assert heavy.simulate(QUICK, CONFIG).summary.jobs > 0
        assert heavy.pids != before


def test_a_process_that_does_not_stop_is_killed() -> None:
    with pool() as heavy:
        task = heavy.start(LONG, CONFIG)
        until(lambda: running(task))
        pid = heavy.pids[0]
        os.kill(pid, signal.SIGSTOP)
        task.cancel()
        assert task.wait(10)
        assert task.state is TaskState.CANCELLED
        until(lambda: not alive(pid))
        assert heavy.simulate(QUICK, CONFIG).summary.jobs > 0


def test_a_process_that_does_not_keep_the_time_limit_is_killed() -> None:
    with pool() as heavy:
        heavy.simulate(QUICK, CONFIG)
        pid = heavy.pids[0]
        os.kill(pid, signal.SIGSTOP)
        task = heavy.start(QUICK, CONFIG, 0.2 * SECOND)
        assert task.wait(10)
        with pytest.raises(PlannerError, match="timeout is 200ms"):
            task.outcome()
        until(lambda: not alive(pid))


def test_a_signal_to_the_whole_group_breaks_no_simulation_off() -> None:
    with pool() as heavy:
        task = heavy.start(replace(QUICK, scenario=scenario(60, duration=20 * HOUR, replications=5)), CONFIG)
        until(lambda: running(task))
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(heavy.pids[0], number)
        assert task.wait(60)
        assert task.state is TaskState.DONE


def test_what_has_ended_is_kept_for_an_hour() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    with pool(clock=lambda: now) as heavy:
        task = heavy.start(QUICK, CONFIG)
        assert task.wait(20)
        now += HOUR
        assert heavy.get(task.id) is task
        now += SECOND
        with pytest.raises(NotFoundError, match=task.id):
            heavy.get(task.id)


def test_of_what_has_ended_the_newest_are_kept() -> None:
    with pool(max_waiting=300) as heavy:
        first = heavy.start(LONG, CONFIG)
        others = [heavy.start(QUICK, CONFIG) for _ in range(220)]
        for task in others:
            task.cancel()
        last = heavy.start(QUICK, CONFIG)
        assert heavy.get(first.id) is first
        assert heavy.get(last.id) is last
        assert heavy.get(others[-1].id) is others[-1]
        with pytest.raises(NotFoundError):
            heavy.get(others[0].id)


def test_results_that_are_too_large_together_are_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with pool() as heavy:
        first = heavy.start(QUICK, CONFIG)
        assert first.wait(20)
        monkeypatch.setattr("capacity_planner.service._heavy_task._MOST_BYTES", int(first.size * 1.5))
        second = heavy.start(QUICK, CONFIG)
        assert second.wait(20)
        assert heavy.get(second.id) is second
        with pytest.raises(NotFoundError):
            heavy.get(first.id)


def test_closing_lets_a_simulation_go_on_for_a_while() -> None:
    with pool() as heavy:
        task, waiting = heavy.start(QUICK, CONFIG), heavy.start(LONG, CONFIG)
        until(lambda: task.state is TaskState.RUNNING)
        heavy.close(grace=20)
        assert task.state is TaskState.DONE
        with pytest.raises(UnavailableError, match="shutting down"):
            waiting.outcome()
        with pytest.raises(UnavailableError, match="shutting down"):
            heavy.start(QUICK, CONFIG)


def test_closing_ends_what_takes_too_long_and_the_processes() -> None:
    with pool() as heavy:
        task = heavy.start(LONG, CONFIG)
        until(lambda: running(task))
        pids = heavy.pids
        heavy.close(grace=0.1)
        with pytest.raises(UnavailableError, match="shutting down"):
            task.outcome()
        assert not any(alive(pid) for pid in pids)


PARENT = """
import sys, time
sys.path.insert(0, {root!r})
from tests.service.test_heavy import CONFIG, LONG, Heavy, ServerSettings, running, until
heavy = Heavy(ServerSettings())
task = heavy.start(LONG, CONFIG)
until(lambda: running(task))
print(heavy.pids[0], flush=True)
{then}
"""


@pytest.mark.parametrize("then", ["time.sleep(600)", "pass", "raise SystemExit(3)"])
def test_the_processes_end_with_the_service_however_it_ends(tmp_path: Path, then: str) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(root=str(Path(__file__).parents[2]), then=then), encoding="utf-8")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        timer = threading.Timer(0 if "sleep" in then else 20, parent.kill)
        timer.start()
        assert parent.wait() == (3 if "Exit" in then else 0 if then == "pass" else -signal.SIGKILL)
        timer.cancel()
    until(lambda: not alive(pid), 10)


def test_what_runs_and_waits_is_counted() -> None:
    telemetry = Telemetry()
    with pool(telemetry) as heavy:
        first, second = heavy.start(LONG, CONFIG), heavy.start(QUICK, CONFIG)
        until(lambda: running(first))
        text = telemetry.exposition(None)[0].decode()
        assert "capacity_planner_simulations_running 1.0" in text
        assert "capacity_planner_simulations_waiting 1.0" in text
        first.cancel()
        assert second.wait(20)
        until(lambda: "capacity_planner_simulations_running 0.0" in telemetry.exposition(None)[0].decode())
        assert "capacity_planner_simulation_duration_seconds_count 1.0" in telemetry.exposition(None)[0].decode()
