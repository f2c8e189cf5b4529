"""``simulate``: what a person sees who waits."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from capacity_planner.simulation.tiers import Compiler
from capacity_planner.surfaces.cli._simulating import _bars
from tests.surfaces.test_cli_simulate import START

LONG = ("--workers", "220", "--arrival-rate", "200", "--service-time", "1s", "--p95", "8s", "--granularity", "1h")


@pytest.mark.slow
def test_a_bar_runs_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "capacity_planner", "simulate", *LONG, *START, "--duration", "72h"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as running:
        os.close(theirs)
        shown = b"".join(_pieces(ours))
    assert running.returncode == 0
    assert b"%" in shown
    assert "━".encode() in shown


def test_who_waits_without_numba_is_told_of_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Compiler, "possible", property(lambda _: False))
    simulator = SimpleNamespace(estimate_runtime=lambda _: timedelta(seconds=9))
    asked: Any = SimpleNamespace(simulator=simulator, scenarios=[SimpleNamespace(name="any")])
    with _bars(asked, visible=True):
        pass
    assert "pip install 'capacity-planner[fast]'" in capsys.readouterr().err


def _pieces(terminal: int) -> Any:
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other end has closed
            return
        if not piece:
            return
        yield piece
