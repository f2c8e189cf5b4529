"""Runs the examples of a page in order, and writes what they print into the page.

A fence of ``console`` holds commands of `capacity-planner`, one of ``bash`` a script, one of ``python`` a program; the
programs of a page share their names. All run in one directory that has the examples. A fence of ``text`` after
``<!-- output -->`` shows what the last one printed; ``<!-- output: 1-2,7 -->`` shows some of its paragraphs, and
``<!-- exit: 3 -->`` before a command says the exit code it ends with, where that is not 0. ``<!-- output: stderr -->``
shows the notes instead of the results. ``<!-- output: like -->`` shows what varies from run to run as ``…``, which
stands for any text within its line, and on a line of its own for any lines. Of commands that set up a machine only the
part after the set-up is run here: ``.ci/run`` runs them whole.

``<!-- service -->`` before a command starts it in the background, in the place of the one before, until the page ends;
``<!-- service: planned -->`` also waits until its log says so. Ports are others than those that the page shows. An
example that names ``postgresql://planner@db/planner`` is run where there is such a server.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from _service import Background

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SETUP = re.compile(r"\b(venv|pip|git|mkdocs|pytest)\b|\.ci/|_generate\.py")
COLUMNS = "100"
_TOOLS = ("curl", "jq", "openssl", "psql", "pg_dump", "sqlite3", "systemd-analyze")
_LONG_RUNNING = {"serve", "run"}

_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[a-z]+)(?:: (?P<argument>[^>]*?))? -->\n)?"
    r"^(?P<pad> *)```(?P<kind>\w+)[^\n]*\n(?P<body>.*?)^(?P=pad)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fence of a page: what it holds, the mark before it, and where its body stands."""

    kind: str
    body: str
    mark: str
    argument: str
    start: int
    end: int

    @property
    def program(self) -> str:
        """What of it can be run without setting up a machine."""
        if self.kind == "python" or not SETUP.search(self.body):
            return self.body
        return self.body.rpartition(".venv/bin/")[2] if "venv/bin/capacity-planner" in self.body else ""


def pages() -> list[Path]:
    """Every page there is, the papers at the root among them."""
    return [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *sorted(ROOT.glob("docs/**/*.md")),
    ]


def blocks(text: str) -> Iterator[Block]:
    """The fences of a page."""
    for found in _BLOCK.finditer(text):
        yield Block(
            kind=found["kind"],
            body=found["body"],
            mark=found["mark"] or "",
            argument=(found["argument"] or "").strip(),
            start=found.start("body"),
            end=found.end("body"),
        )


def refreshed(text: str, folder: Path, postgres: str = "") -> str:
    """The page with every output as it is today.

    Args:
        text: the page.
        folder: an empty directory to run in.
        postgres: an empty database; without one, examples that need one are left out.

    Raises:
        AssertionError: an example ends with another exit code than the page says.
    """
    (folder / "examples").symlink_to(ROOT / "examples")
    names: dict[str, Any] = {"__name__": "__main__"}
    shown: list[str] = []
    printed, last = ("", ""), 0
    with contextlib.chdir(folder), patch.dict(os.environ, _environment(), clear=True), Background(postgres) as service:
        for block in blocks(text):
            if block.kind == "text" and block.mark == "output":
                shown += [text[last : block.start], _shown(*printed, block)]
                last = block.end
            elif block.kind in {"console", "bash", "python"} and service.can(block.program):
                out, notes = _run(block, service, names)
                printed = (_without(Path.cwd(), service.outward(out)), _without(Path.cwd(), service.outward(notes)))
    return "".join([*shown, text[last:]])


def tools(text: str) -> set[str]:
    """The programs that a page's scripts need beside Python and a plain Unix."""
    scripts = "\n".join(block.program for block in blocks(text) if block.kind == "bash")
    return {name for name in _TOOLS if re.search(rf"(?<![\w/.-]){name}(?= )", scripts)}


def run_command(arguments: list[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of ``capacity-planner`` with these arguments."""
    from typer.testing import CliRunner  # noqa: PLC0415 - pages without commands do not need it

    from capacity_planner.surfaces.cli.main import app  # noqa: PLC0415 - as above

    result = CliRunner().invoke(app, arguments, prog_name="capacity-planner")
    return result.exit_code, result.stdout, result.stderr


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAPACITY_PLANNER_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return {
        **kept,
        "COLUMNS": COLUMNS,
        "LINES": "60",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PATH": path,
        "MPLBACKEND": "agg",
    }


def _run(block: Block, service: Background, names: dict[str, Any]) -> tuple[str, str]:
    expected, program = int(block.argument) if block.mark == "exit" else 0, service.inward(block.program)
    if block.mark == "service":
        return service.start(shlex.split(program.replace("\\\n", " "))[1:], block.argument), ""
    if block.kind == "python":
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(program, "<page>", "exec"), names)  # noqa: S102 - the page's own example
        return printed.getvalue(), ""
    code, out, err = _process(["bash", "-c", program]) if block.kind == "bash" else _commands(program)
    assert code == expected, f"exit code {code}, not {expected}:\n{program}\n{out}\n{err}"  # noqa: S101 - a test's
    return out, err


def _process(command: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a page's own script
    return done.returncode, done.stdout, done.stderr


def _commands(body: str) -> tuple[int, str, str]:
    """The commands of a ``console`` fence; the last one's exit code, and what all of them print."""
    code, outs, errs = 0, [], []
    for line in body.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        settings = [word for word in words[:-1] if re.match(r"[A-Z_]+=", word)]
        if not words:
            continue
        program, *arguments = words[len(settings) :]
        assert program == "capacity-planner", f"{program} is no command that a page can show"  # noqa: S101 - a test's
        with patch.dict(os.environ, dict(item.split("=", 1) for item in settings)):
            apart = arguments[0] in _LONG_RUNNING and "--help" not in arguments  # its logs would stay in this process
            code, out, err = (
                _process([sys.executable, "-m", "capacity_planner", *arguments]) if apart else run_command(arguments)
            )
        outs.append(out)
        errs.append(err)
    return code, "".join(outs), "".join(errs)


def _without(folder: Path, text: str) -> str:
    return text.replace(f"{folder}{os.sep}", "")


def _shown(printed: str, notes: str, block: Block) -> str:
    """What stands in a fence of output."""
    if block.argument != "like":
        return _picked(printed, notes, block.argument)
    now = _picked(printed, notes, "")
    return block.body if re.fullmatch(_pattern(block.body), now) else now


def _pattern(body: str) -> str:
    lines = body.splitlines()
    exact = [".*?".join(map(re.escape, line.split("…"))) + r"\n" for line in lines]
    return "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else pattern for line, pattern in zip(lines, exact, strict=True)
    )


def _picked(printed: str, notes: str, ranges: str) -> str:
    """The paragraphs that a mark asks for, with an ellipsis for what lies between."""
    lines = "\n".join(line.rstrip() for line in (notes if ranges == "stderr" else printed).rstrip().splitlines())
    if ranges in {"", "stderr"}:
        return f"{lines}\n"
    paragraphs, parts, before = lines.split("\n\n"), [], 0
    for item in ranges.split(","):
        first, _, last = item.strip().partition("-")
        end = int(last or (len(paragraphs) if "-" in item else first))
        parts += ["…"] * (int(first) > before + 1) + paragraphs[int(first) - 1 : end]
        before = end
    return "\n\n".join(parts + ["…"] * (before < len(paragraphs))) + "\n"
