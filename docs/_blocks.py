"""Runs the examples of a page in order, and writes what they print into the page.

A fence of ``console`` holds commands of `capacity-planner`, one of ``bash`` a script, one of ``python`` a program; the
programs of a page share their names. All run in one directory that has the examples. A fence of ``text`` after
``<!-- output -->`` shows what the last one printed; ``<!-- output: 1-2,7 -->`` shows some of its paragraphs, and
``<!-- exit: 3 -->`` before a command says the exit code it ends with, where that is not 0. ``<!-- output: stderr -->``
shows the notes instead of the results. Of commands that set up a
machine only the part after the set-up is run here: ``.ci/run`` runs them whole.
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

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SETUP = re.compile(r"\b(venv|pip|git|mkdocs|pytest)\b|\.ci/|_generate\.py")
COLUMNS = "100"

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


def refreshed(text: str, folder: Path) -> str:
    """The page with every output as it is today.

    Args:
        text: the page.
        folder: an empty directory to run in.

    Raises:
        AssertionError: an example ends with another exit code than the page says.
    """
    (folder / "examples").symlink_to(ROOT / "examples")
    names: dict[str, Any] = {"__name__": "__main__"}
    shown: list[str] = []
    printed, last = ("", ""), 0
    with contextlib.chdir(folder), patch.dict(os.environ, _environment(), clear=True):
        for block in blocks(text):
            if block.kind == "text" and block.mark == "output":
                shown += [text[last : block.start], _picked(*printed, block.argument)]
                last = block.end
            elif block.kind in {"console", "bash", "python"} and block.program:
                out, notes = _run(block, names)
                printed = (_without(Path.cwd(), out), _without(Path.cwd(), notes))
    return "".join([*shown, text[last:]])


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


def _run(block: Block, names: dict[str, Any]) -> tuple[str, str]:
    expected = int(block.argument) if block.mark == "exit" else 0
    if block.kind == "python":
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(block.program, "<page>", "exec"), names)  # noqa: S102 - the page's own example
        return printed.getvalue(), ""
    if block.kind == "bash":
        done = subprocess.run(["bash", "-c", block.body], capture_output=True, text=True, check=False)  # noqa: S603, S607 - a page's own script
        code, out, err = done.returncode, done.stdout, done.stderr
    else:
        code, out, err = _commands(block.program)
    assert code == expected, f"exit code {code}, not {expected}:\n{block.body}\n{out}\n{err}"  # noqa: S101 - a test's
    return out, err


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
            code, out, err = run_command(arguments)
        outs.append(out)
        errs.append(err)
    return code, "".join(outs), "".join(errs)


def _without(folder: Path, text: str) -> str:
    return text.replace(f"{folder}{os.sep}", "")


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
