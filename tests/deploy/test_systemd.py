"""The unit for systemd starts what there is, with settings that there are."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from typer.main import get_command

from capacity_planner.pipeline.settings import PREFIX, load_settings
from capacity_planner.surfaces.cli.main import app
from tests.deploy._tools import tool

if TYPE_CHECKING:
    import pytest

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "capacity-planner.service"
TEXT = UNIT.read_text(encoding="utf-8")


def _values(key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", TEXT, re.MULTILINE)


def test_systemd_understands_it(tmp_path: Path) -> None:
    ours = tmp_path / UNIT.name
    ours.write_text(TEXT.replace("/opt/capacity-planner/bin", str(Path(sys.executable).parent)), encoding="utf-8")
    done = subprocess.run(
        [tool("systemd-analyze"), "verify", str(ours)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_has_the_options_that_it_is_started_with() -> None:
    (command,) = _values("ExecStart")
    program, name, *arguments = shlex.split(command)
    assert Path(program).name == "capacity-planner"
    serve = get_command(app).commands[name]  # type: ignore[attr-defined]
    known = {option for parameter in serve.params for option in parameter.opts}
    assert {word for word in arguments if word.startswith("--")} <= known


def test_its_variables_are_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    environ = dict(item.split("=", 1) for item in _values("Environment"))
    assert all(name.startswith(PREFIX) for name in environ)
    server = load_settings(None, environ).server
    assert (server.token_file, server.log_format) == ("%d/tokens.toml", "json")


def test_it_is_not_started_again_when_its_settings_are_wrong() -> None:
    assert _values("RestartPreventExitStatus") == ["2"]
    assert _values("Restart") == ["on-failure"]
