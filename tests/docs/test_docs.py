"""The documentation runs: every example, every output, every generated table, every link."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.services._servers import database, missing
from tests.surfaces._made import cli

import capacity_planner
from capacity_planner import ErrorCode
from capacity_planner.surfaces.cli import _exits

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))
examples: Any = importlib.import_module("_blocks")
generate: Any = importlib.import_module("_generate")

PAGES = [path for path in examples.pages() if path.name != "CHANGELOG.md"]
RENEW = "Run .venv/bin/python docs/_generate.py and look at the difference."
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _setups(name: str) -> list[str]:
    found = [block.body.strip() for block in examples.blocks((ROOT / name).read_text(encoding="utf-8"))]
    return [body for body in found if "python3 -m venv" in body]


def _need(text: str) -> None:
    """Skip a page whose scripts need what is not installed."""
    lacking = sorted(name for name in examples.tools(text) if not shutil.which(name))
    if lacking:
        missing(f"The page's scripts need {', '.join(lacking)}.")


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=_shown)
def test_a_page_says_what_its_examples_print(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    _need(text)
    assert examples.refreshed(generate.renewed(text), tmp_path) == text, RENEW


@pytest.mark.slow
@pytest.mark.parametrize("name", ["run-the-service.md", "operate-the-service.md"])
def test_a_page_says_what_its_examples_print_with_postgresql_too(name: str, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "how-to" / name).read_text(encoding="utf-8")
    _need(text)
    with database() as url:
        assert examples.refreshed(text, tmp_path, url) == text, RENEW


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    main_job, tests = _setups("README.md")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.partition("# readme:tests\n")[2].startswith(f"{tests}\n")
    finder = re.search(r"<<'PY'\n(.*?)^PY$", script, re.DOTALL | re.MULTILINE)
    assert finder, "the script takes the main job out of the README"
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(finder[1], {})  # noqa: S102 - our own script
    assert printed.getvalue().strip() == main_job
    assert "capacity-planner plan" in main_job
    assert "--plot plan.svg" in main_job


def test_contributors_set_up_as_the_readme_says() -> None:
    assert _setups("CONTRIBUTING.md") == _setups("README.md")[1:]


def test_the_picture_is_of_the_plan_shown() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    headline = next(block.body for block in examples.blocks(text) if block.mark == "output").splitlines()[0]
    assert f"![A plan: {headline}](docs/images/plan.svg)" in text, RENEW
    assert "<svg" in generate.PICTURE.read_text(encoding="utf-8")[:2000]


@pytest.mark.parametrize("path", examples.pages(), ids=_shown)
def test_links_resolve(path: Path) -> None:
    for target in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        assert found.is_file(), target
        if anchor:
            assert anchor in _anchors(found), target


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def test_every_page_is_in_the_navigation() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    parts = [part if isinstance(part, list) else [part] for item in settings["nav"] for part in _values(item)]
    named = {name for part in parts for name in part}
    assert named == {str(path.relative_to(ROOT / "docs")) for path in ROOT.glob("docs/**/*.md")}


def _values(item: str | dict[str, Any]) -> list[Any]:
    return [item] if isinstance(item, str) else list(item.values())


def test_every_command_is_documented_and_shown() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in PAGES if path.name != "cli.md")
    commands = [
        name
        for name in generate.command_names()
        if name not in {"capacity-planner", "capacity-planner config", "capacity-planner token"}
    ]
    assert len(commands) >= 12
    for name in commands:
        assert re.search(rf"^(?:[A-Z_]+=\S+ )*{name}", shown, re.MULTILINE), name


def test_every_option_in_the_text_exists() -> None:
    known = set(re.findall(r"--[a-z][a-z0-9-]+", generate.commands())) | {"--help"}
    for path in PAGES:
        spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", path.read_text(encoding="utf-8")))
        used = {option for span in spans for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", span)}
        assert used <= known, (path, used - known)


def test_every_error_and_exit_code_is_documented() -> None:
    errors = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert all(f"| `{code}` |" in errors for code in ErrorCode)
    commands = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    codes = [value for name, value in vars(_exits).items() if name.isupper() and type(value) is int]
    assert len(codes) == 7
    assert all(f"\n| {code} | " in commands for code in codes)


def test_every_public_name_is_in_the_reference() -> None:
    pages = [(ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") for name in ("api.md", "types.md")]
    documented = set(re.findall(r"^::: (\S+)$", "\n".join(pages), re.MULTILINE))
    for name in capacity_planner.__all__:
        value = getattr(capacity_planner, name)
        assert {value.__module__, f"{value.__module__}.{name}"} & documented, name


def test_the_scenario_file_of_the_reference_can_be_simulated(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reference" / "scenario-file.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    path = tmp_path / "scenario.toml"
    path.write_text(example, encoding="utf-8")
    assert cli("simulate", str(path)).exit_code == _exits.UNACHIEVABLE
