"""Worker processes on this machine are started, found again, started anew, and stopped with patience."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capacity_planner.errors import ErrorCode, PlannerError, WorldError
from capacity_planner.registry import scalers

from ._orders import order
from ._shift import Shift, lives, until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Shift]:
    made = Shift(tmp_path)
    yield made
    made.finish()


def test_before_the_first_order_nothing_runs_and_nothing_is_written(shift: Shift) -> None:
    assert shift.supervisor().current("emails") == 0
    assert not (shift.home / "state").exists()


def test_workers_are_started_and_surplus_ones_stop_the_newest_first(shift: Shift) -> None:
    supervisor = shift.supervisor()
    assert supervisor.scale(order(2, 1)) == 2
    assert supervisor.scale(order(3, 2)) == 3
    assert sorted(shift.pids()) == [1, 2, 3]
    until(lambda: len(shift.started()) == 3)
    assert supervisor.scale(order(1, 3)) == 1
    assert supervisor.current("emails") == 1
    until(lambda: sorted(shift.pids()) == [1])
    assert (shift.home / "finished-3").exists()
    assert lives(shift.pids()[1])


def test_the_oldest_stop_first_where_that_is_asked_for(shift: Shift) -> None:
    supervisor = shift.supervisor(stop_first="oldest")
    supervisor.scale(order(1, 1))
    supervisor.scale(order(2, 2))
    supervisor.scale(order(1, 3))
    until(lambda: sorted(shift.pids()) == [2])


def test_down_to_none_and_up_again(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(2, 1))
    assert supervisor.scale(order(0, 2)) == 0
    until(lambda: not shift.pids())
    assert supervisor.scale(order(1, 3)) == 1


def test_the_same_order_twice_starts_workers_once(shift: Shift) -> None:
    supervisor = shift.supervisor()
    assert [supervisor.scale(order(2, 1)) for _ in range(3)] == [2, 2, 2]
    until(lambda: len(shift.started()) == 2)


def test_an_order_that_comes_late_does_not_undo_a_newer_one(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(1, 1))
    supervisor.scale(order(2, 2))
    assert shift.supervisor().scale(order(1, 1)) == 2
    assert shift.supervisor().current("emails") == 2


def test_queues_do_not_know_each_other(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(1, 1))
    supervisor.scale(order(2, 1, queue="../größe x"))
    assert [supervisor.current(name) for name in ("emails", "../größe x", "other")] == [1, 2, 0]
    assert {path.parent for path in (shift.home / "state").glob("*")} == {shift.home / "state"}


def test_workers_outlive_their_planner_and_the_next_one_finds_them(shift: Shift) -> None:
    script = (
        "import json, os, sys\n"
        "from capacity_planner.registry import scalers\n"
        "from tests.scaling._orders import order\n"
        "print(scalers.make('supervisor', json.loads(sys.argv[1])).scale(order(2, 1)), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    arguments = [sys.executable, "-c", script, json.dumps(shift.options())]
    first = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (first.returncode, first.stdout) == (-signal.SIGKILL, "2\n")
    before = shift.pids()
    again = shift.supervisor()
    assert again.current("emails") == 2
    assert again.scale(order(3, 2)) == 3
    assert {number: shift.pids()[number] for number in before} == before
    until(lambda: len(shift.started()) == 3)
    assert again.scale(order(1, 3)) == 1
    until(lambda: not lives(before[2]))


def test_a_planner_that_died_between_starting_a_worker_and_writing_it_down_left_no_stray(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(1, 1))
    supervisor.close()
    pid, path = shift.pids()[1], shift.home / "state" / "emails" / "1.worker"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"process": None}))
    again = shift.supervisor()
    assert again.current("emails") == 1
    assert shift.pids() == {1: pid}


def test_a_worker_that_is_killed_is_counted_out_and_started_again(
    shift: Shift, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(2, 1))
    until(lambda: len(shift.started()) == 2)
    pid = shift.pids()[2]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not lives(pid))
    assert supervisor.current("emails") == 1
    until(lambda: supervisor.current("emails") == 2)
    until(lambda: len(shift.started()) == 3)
    assert shift.started()[-1][0] == 2
    (died,) = [record for record in caplog.records if record.getMessage() == "a worker died"]
    assert vars(died)["reason"] == "It was killed by signal 9."


def test_workers_that_died_while_no_planner_ran_are_started_by_the_next(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(2, 1))
    supervisor.close()
    for pid in shift.pids().values():
        os.kill(pid, signal.SIGKILL)
    again = shift.supervisor()
    until(lambda: again.current("emails") == 2)


def test_no_more_are_started_again_than_the_bounds_that_hold_by_now_allow(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(3, 1))
    supervisor.close()
    for pid in shift.pids().values():
        os.kill(pid, signal.SIGKILL)
    again = shift.supervisor(most=1)
    until(lambda: again.current("emails") == 1)
    time.sleep(0.7)
    assert again.current("emails") == 1
    until(lambda: len(shift.records()) == 1)


def test_a_worker_that_died_a_thousand_times_is_started_again(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(1, 1))
    supervisor.close()
    os.kill(shift.pids()[1], signal.SIGKILL)
    path = shift.home / "state" / "emails" / "1.worker"
    died = {"process": None, "deaths": 1025, "died_at": time.monotonic() - 61.0}
    path.write_text(json.dumps(json.loads(path.read_text()) | died))
    again = shift.supervisor()
    until(lambda: again.current("emails") == 1)


@pytest.mark.slow
def test_a_worker_that_dies_again_and_again_is_started_ever_more_seldom(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(1, 1))
    for deaths in (1, 2):
        until(lambda: supervisor.current("emails") == 1)
        os.kill(shift.pids()[1], signal.SIGKILL)
        until(lambda deaths=deaths: shift.records()[1]["deaths"] == deaths)  # type: ignore[misc]
    began = time.monotonic()
    until(lambda: supervisor.current("emails") == 1)
    assert time.monotonic() - began > 1.0


def test_a_process_that_has_the_number_of_a_dead_worker_is_no_worker_and_is_left_alone(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(1, 1))
    supervisor.close()
    os.kill(shift.pids()[1], signal.SIGKILL)
    path = shift.home / "state" / "emails" / "1.worker"
    record = json.loads(path.read_text())
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        record["process"]["pid"] = stranger.pid
        path.write_text(json.dumps(record))
        again = shift.supervisor()
        assert again.current("emails") == 0
        assert again.scale(order(0, 2)) == 0
        time.sleep(0.6)
        assert stranger.poll() is None
        stranger.kill()


def test_a_group_of_strangers_that_has_the_number_of_a_dead_worker_is_left_alone(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(1, 1))
    supervisor.close()
    os.kill(shift.pids()[1], signal.SIGKILL)
    path = shift.home / "state" / "emails" / "1.worker"
    record = json.loads(path.read_text())
    script = "sleep 60 >/dev/null 2>&1 & echo $! && exec >/dev/null"
    with subprocess.Popen(["sh", "-c", script], start_new_session=True, stdout=subprocess.PIPE) as leader:
        assert leader.stdout is not None
        stranger = int(leader.stdout.readline())
    record["process"]["pid"] = leader.pid
    path.write_text(json.dumps(record))
    shift.supervisor().scale(order(0, 2))
    until(lambda: not shift.records())
    assert lives(stranger)
    os.kill(stranger, signal.SIGKILL)


def test_a_record_of_an_earlier_start_of_the_machine_is_of_no_living_worker(shift: Shift) -> None:
    supervisor = shift.supervisor()
    supervisor.scale(order(1, 1))
    supervisor.close()
    pid, path = shift.pids()[1], shift.home / "state" / "emails" / "1.worker"
    record = json.loads(path.read_text())
    record["process"]["boot"] = "another"
    path.write_text(json.dumps(record))
    assert shift.supervisor().current("emails") == 0
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("torn", ["", "{", '{"number": 1}'])
def test_a_torn_file_stops_nothing(shift: Shift, torn: str) -> None:
    folder = shift.home / "state" / "emails"
    folder.mkdir(parents=True)
    (folder / "1.worker").write_text(torn)
    (folder / "wanted.json").write_text(torn)
    supervisor = shift.supervisor()
    assert supervisor.current("emails") == 0
    assert supervisor.scale(order(1, 1)) == 1


def test_a_busy_worker_finishes_within_the_grace_and_is_told_once(shift: Shift) -> None:
    supervisor = shift.supervisor(job=1.5)
    supervisor.scale(order(2, 1))
    until(lambda: len(shift.started()) == 2)
    began = time.monotonic()
    assert supervisor.scale(order(1, 2)) == 1
    assert time.monotonic() - began < 1.0
    supervisor.scale(order(1, 2))
    until((shift.home / "finished-2").exists)
    assert time.monotonic() - began >= 1.5
    assert (shift.home / "told-2").read_text() == "told\n"


def test_a_worker_that_does_not_stop_is_killed_when_the_grace_is_over_by_the_next_planner_too(shift: Shift) -> None:
    supervisor = shift.supervisor(job=60.0, grace="1s")
    supervisor.scale(order(1, 1))
    until(lambda: len(shift.started()) == 1)
    pid, began = shift.pids()[1], time.monotonic()
    assert supervisor.scale(order(0, 2)) == 0
    supervisor.close()
    assert shift.supervisor(job=60.0, grace="1s").current("emails") == 0
    until(lambda: not lives(pid))
    assert 1.0 <= time.monotonic() - began < 4.0
    assert not (shift.home / "finished-1").exists()


def test_a_worker_that_is_still_stopping_keeps_its_number(shift: Shift) -> None:
    supervisor = shift.supervisor(job=30.0)
    supervisor.scale(order(1, 1))
    until(lambda: len(shift.started()) == 1)
    supervisor.scale(order(0, 2))
    assert supervisor.scale(order(1, 3)) == 1
    assert sorted(shift.pids()) == [1, 2]


def test_a_command_that_ends_at_once_is_a_failure_with_the_end_of_its_log(shift: Shift) -> None:
    command = f"{sys.executable} -S -E -c 'import nothing_of_the_kind'"
    supervisor = shift.supervisor(command=command, settle="5s")
    for _ in range(2):
        with pytest.raises(WorldError) as caught:
            supervisor.scale(order(2, 1))
        assert caught.value.temporary
        assert "0 of 2 workers run. Worker 1 ended with code 1 at once." in caught.value.message
        assert caught.value.message.endswith("ModuleNotFoundError: No module named 'nothing_of_the_kind'")
        assert caught.value.message.count("Traceback") == 1
    assert supervisor.current("emails") == 0
    assert not shift.records()


def test_a_program_that_does_not_exist_is_a_failure_for_good(shift: Shift) -> None:
    supervisor = shift.supervisor(command="no-such-program {queue}")
    with pytest.raises(WorldError, match="No such file") as caught:
        supervisor.scale(order(2, 1))
    assert not caught.value.temporary
    assert supervisor.current("emails") == 0


def test_a_half_success_leaves_those_that_run_and_tries_no_more_by_itself(shift: Shift) -> None:
    script = 'import sys, time; sys.exit("no room") if sys.argv[1] == "3" else time.sleep(60)'
    supervisor = shift.supervisor(command=(sys.executable, "-S", "-E", "-c", script, "{number}"), settle="0.5s")
    with pytest.raises(
        WorldError, match=r"2 of 3 workers run. Worker 3 ended with code 1 at once.*\nno room"
    ) as caught:
        supervisor.scale(order(3, 1))
    assert caught.value.reached == 2
    assert supervisor.current("emails") == 2
    time.sleep(1.2)
    assert sorted(shift.records()) == [1, 2]


def test_a_command_for_a_shell_is_quoted_and_stops_with_its_children(shift: Shift) -> None:
    line = f"echo {{queue}}; {' '.join(shift.program)} {{number}} | cat; true"
    supervisor = shift.supervisor(command=line, shell=True)  # noqa: S604 - what is tested
    queue = "a; touch broken $(id)"
    supervisor.scale(order(1, 1, queue=queue))
    until(lambda: len(shift.started()) == 1)
    ((_, inner),) = shift.started()
    (log,) = (shift.home / "state").glob("*/1.log")
    assert queue in log.read_text()
    supervisor.scale(order(0, 2, queue=queue))
    until(lambda: not lives(inner))


def test_a_shell_that_gave_way_to_its_command_leaves_what_that_started_alone(shift: Shift) -> None:
    helper = shift.home / "helper"
    line = f"sleep 60 & echo $! > {helper}; exec {' '.join(shift.program)} {{number}} 1.0"
    supervisor = shift.supervisor(command=line, shell=True)  # noqa: S604 - what is tested
    supervisor.scale(order(1, 1))
    until(lambda: len(shift.started()) == 1)
    supervisor.scale(order(0, 2))
    until((shift.home / "told-1").exists)
    time.sleep(0.3)
    assert lives(int(helper.read_text()))
    until(lambda: not shift.records())
    assert not lives(int(helper.read_text()))
    assert (shift.home / "finished-1").exists()


def test_workers_have_their_variables_and_not_the_planners(shift: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPACITY_PLANNER_STORE", "postgresql://planner:hidden@db/plans")
    monkeypatch.setenv("MINE", "kept")
    options = {"command": "env", "environment": ("QUEUE={queue}-{number}",), "directory": str(shift.home)}
    with pytest.raises(WorldError):
        shift.supervisor(**options, settle="5s").scale(order(1, 1))
    log = (shift.home / "state" / "emails" / "1.log").read_text()
    assert "QUEUE=emails-1\n" in log
    assert "MINE=kept\n" in log
    assert "hidden" not in log


def test_what_a_wrapper_leaves_behind_is_told_to_stop_and_keeps_its_place_until_it_does(shift: Shift) -> None:
    script = shift.home / "wrapper.sh"
    script.write_text(f"#!/bin/sh\n{' '.join(shift.program)} $1 1.0\ntrue\n")
    script.chmod(0o755)
    supervisor = shift.supervisor(command=(str(script), "{number}"))
    supervisor.scale(order(1, 1))
    until(lambda: len(shift.started()) == 1)
    ((_, inner),) = shift.started()
    assert supervisor.scale(order(0, 2)) == 0
    assert lives(inner)
    until((shift.home / "told-1").exists)
    assert supervisor.scale(order(1, 3)) == 1
    assert sorted(shift.records()) == [1, 2]
    until(lambda: sorted(shift.records()) == [2])
    assert not lives(inner)
    assert (shift.home / "told-1").read_text() == "told\n"


def test_what_a_killed_wrapper_leaves_behind_does_not_go_on_beside_its_successor(shift: Shift) -> None:
    script = shift.home / "wrapper.sh"
    script.write_text(f"#!/bin/sh\n{' '.join(shift.program)} $1\ntrue\n")
    script.chmod(0o755)
    supervisor = shift.supervisor(command=(str(script), "{number}"))
    supervisor.scale(order(1, 1))
    until(lambda: len(shift.started()) == 1)
    os.kill(shift.pids()[1], signal.SIGKILL)
    until((shift.home / "finished-1").exists)
    until(lambda: supervisor.current("emails") == 1 and sorted(shift.records()) == [2])


def test_two_planners_at_once_start_each_worker_once(shift: Shift) -> None:
    supervisors = [shift.supervisor() for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda turn: supervisors[turn % 2].scale(order(3, 1)), range(4)))
    assert done == [3, 3, 3, 3]
    until(lambda: len(shift.started()) == 3)
    assert sorted(number for number, _ in shift.started()) == [1, 2, 3]


@pytest.mark.slow
def test_two_planners_in_two_processes_keep_the_same_workers(shift: Shift) -> None:
    script = (
        "import json, sys, time\n"
        "from capacity_planner.registry import scalers\n"
        "from tests.scaling._orders import order\n"
        "scaler = scalers.make('supervisor', json.loads(sys.argv[1]))\n"
        "scaler.scale(order(3, 1))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    arguments = [sys.executable, "-c", script, json.dumps(shift.options())]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(arguments, **pipes) as one, subprocess.Popen(arguments, **pipes) as two:
        assert one.stdout is not None
        assert two.stdout is not None
        assert [one.stdout.readline(), two.stdout.readline()] == ["ready\n", "ready\n"]
        until(lambda: len(shift.started()) == 3)
        for pid in shift.pids().values():
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(shift.started()) == 6)
        time.sleep(2.0)
        assert len(shift.started()) == 6
        assert sum(lives(pid) for pid in shift.pids().values()) == 3
        one.communicate("")
        two.communicate("")
    assert sum(lives(pid) for pid in shift.pids().values()) == 3


def test_a_lock_that_another_planner_keeps_is_waited_for_and_then_told(
    shift: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capacity_planner.scaling._crew._PATIENCE", 0.1)
    supervisor = shift.supervisor()
    supervisor.scale(order(1, 1))
    with subprocess.Popen(["flock", str(shift.home / "state" / "emails" / "lock"), "sleep", "60"]) as other:
        time.sleep(0.3)
        with pytest.raises(WorldError, match="locked by another planner"):
            supervisor.scale(order(2, 2))
        subprocess.run(["pkill", "-P", str(other.pid)], check=True)


def test_a_state_that_cannot_be_written_is_a_failure_of_the_world(shift: Shift) -> None:
    (shift.home / "file").write_text("")
    with pytest.raises(WorldError, match="cannot be written"):
        shift.supervisor(state=str(shift.home / "file" / "state")).scale(order(1, 1))


def test_a_worker_is_not_told_to_stop_again_and_again_where_that_cannot_be_written_down(shift: Shift) -> None:
    supervisor = shift.supervisor(job=0.5)
    supervisor.scale(order(1, 1))
    until(lambda: len(shift.started()) == 1)
    obstacle = shift.home / "state" / "emails" / "1.worker.new"
    obstacle.mkdir()
    for _ in range(2):
        with pytest.raises(WorldError, match="cannot be written"):
            supervisor.scale(order(0, 2))
    assert not (shift.home / "told-1").exists()
    obstacle.rmdir()
    assert supervisor.scale(order(0, 2)) == 0
    until((shift.home / "finished-1").exists)
    assert (shift.home / "told-1").read_text() == "told\n"


def test_what_was_left_behind_is_not_told_to_stop_again_and_again_either(shift: Shift) -> None:
    script = shift.home / "wrapper.sh"
    script.write_text(f"#!/bin/sh\n{' '.join(shift.program)} $1 1.0\ntrue\n")
    script.chmod(0o755)
    supervisor = shift.supervisor(command=(str(script), "{number}"))
    supervisor.scale(order(1, 1))
    until(lambda: len(shift.started()) == 1)
    obstacle = shift.home / "state" / "emails" / "1.worker.new"
    obstacle.mkdir()
    os.kill(shift.pids()[1], signal.SIGKILL)
    time.sleep(1.2)
    assert not (shift.home / "told-1").exists()
    obstacle.rmdir()
    until((shift.home / "finished-1").exists)


def test_settings_that_were_changed_take_the_workers_over(shift: Shift) -> None:
    shift.supervisor().scale(order(1, 1))
    newer = shift.supervisor(job=0.5)
    assert newer.current("emails") == 1
    os.kill(shift.pids()[1], signal.SIGKILL)
    until(lambda: len(shift.started()) == 2)
    arguments = Path(f"/proc/{shift.pids()[1]}/cmdline").read_bytes()
    assert arguments.endswith(b"\x000.5\x00")


def test_workers_stop_with_the_planner_where_that_is_asked_for_and_come_back_with_it(shift: Shift) -> None:
    script = (
        "import json, sys\n"
        "from capacity_planner.registry import scalers\n"
        "from tests.scaling._orders import order\n"
        "scalers.make('supervisor', json.loads(sys.argv[1])).scale(order(2, 1))\n"
    )
    options = shift.options(stop_with_planner=True, settle="1s")
    subprocess.run([sys.executable, "-c", script, json.dumps(options)], check=True)
    assert len(shift.started()) == 2
    assert not any(lives(pid) for _, pid in shift.started())
    assert sorted(path.name for path in shift.home.glob("finished-*")) == ["finished-1", "finished-2"]
    again = shift.supervisor(stop_with_planner=True)
    assert again.current("emails") == 0
    until(lambda: again.current("emails") == 2)


def test_no_order_goes_beyond_the_bounds(shift: Shift) -> None:
    supervisor = shift.supervisor(least=1, most=2)
    with pytest.raises(WorldError, match="5 workers were ordered, but the scaler's option most is 2") as caught:
        supervisor.scale(order(5, 1))
    assert not caught.value.temporary
    assert supervisor.current("emails") == caught.value.reached == 2
    with pytest.raises(WorldError, match="option least is 1"):
        supervisor.scale(order(0, 2))
    assert supervisor.current("emails") == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"command": ""}, "command is '', which is empty"),
        ({"command": "rq worker 'emails"}, "cannot be split into words: No closing quotation"),
        ({"command": "rq worker {name}"}, r"has a place \{name\}. There are \{queue\} and \{number\}"),
        ({"command": 5}, "is not a list of texts"),
        ({"command": ("rq",), "shell": True}, "is not a text"),
        ({"shell": "yes"}, "is neither true nor false"),
        ({"grace": "5"}, "grace is '5', which"),
        ({"grace": 5}, "is not a duration"),
        ({"settle": "2m"}, "is not between 0 and 60 seconds"),
        ({"stop_signal": "KILL"}, "is none of TERM, INT"),
        ({"stop_first": "idle"}, "is none of newest, oldest"),
        ({"directory": "/no/such"}, "is no directory"),
        ({"environment": "PATH"}, "is not followed by = and a value"),
        ({"least": 5, "most": 2}, "least is 5, which is above most, 2"),
        ({"most": -1}, "is no whole number"),
        ({"comand": "x"}, "Did you mean command?"),
    ],
)
def test_what_makes_no_supervisor_is_refused_by_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(PlannerError, match=words) as caught:
        scalers.make("supervisor", {"command": "rq worker {queue}"} | options)
    assert caught.value.code is ErrorCode.CONFIG_INVALID


def test_a_supervisor_without_a_command_is_refused() -> None:
    with pytest.raises(PlannerError, match=r"command is missing; the scaler supervisor needs it"):
        scalers.make("supervisor", {})


def test_a_log_that_grew_long_is_moved_aside_at_the_next_start(
    shift: Shift, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr("capacity_planner.scaling._roster._WHOLE_LOG", 10)
    supervisor = shift.supervisor()
    supervisor.scale(order(1, 1))
    supervisor.scale(order(0, 2))
    until(lambda: not shift.records())
    supervisor.scale(order(1, 3))
    assert "ready" in (shift.home / "state" / "emails" / "1.log.1").read_text()
