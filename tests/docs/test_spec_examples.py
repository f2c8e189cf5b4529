"""The specification's usage examples print what stands beside them in ``examples/spec``.

``.venv/bin/python tests/docs/test_spec_examples.py --renew`` writes what they print today. Look at the difference
before you commit it.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "spec"
EXAMPLES = sorted(FOLDER.glob("*.py"))
RENEW = "Run .venv/bin/python tests/docs/test_spec_examples.py --renew and look at the difference."


def printed(example: Path) -> str:
    """What an example prints when it is run as a program."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        runpy.run_path(str(example), run_name="__main__")
    return out.getvalue()


def expected(example: Path) -> Path:
    """The file that says what an example prints."""
    return example.with_suffix(".out")


def renew() -> None:
    """Write what every example prints."""
    for example in EXAMPLES:
        expected(example).write_text(printed(example), encoding="utf-8")
        sys.stdout.write(f"renewed {expected(example).name}\n")


@pytest.mark.parametrize("example", [pytest.param(path, id=path.stem) for path in EXAMPLES])
def test_an_example_of_the_specification_prints_what_stands_beside_it(example: Path) -> None:
    assert printed(example) == expected(example).read_text(encoding="utf-8"), RENEW


def test_every_example_of_the_specification_is_there() -> None:
    assert [path.stem for path in EXAMPLES] == [
        "basic_planning",
        "calculator",
        "continuous_monitoring",
        "error_handling",
        "forecaster",
        "simulator",
        "what_if",
    ]
    assert sorted(FOLDER.glob("*.out")) == [expected(path) for path in EXAMPLES]


if __name__ == "__main__":
    if sys.argv[1:] != ["--renew"]:
        sys.exit(f"usage: {Path(__file__).name} --renew")
    renew()
