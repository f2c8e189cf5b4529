"""``backtest``: a slice of a real trace, its table, its pictures, its page and its exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capacity_planner import Backtest, codec
from capacity_planner.domain.scenario import ServiceFamily
from tests.pipeline._backtests import Stub, registered
from tests.surfaces._made import cli, history
from tests.surfaces.test_cli_ends import HEAVY

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

ELB = Path(__file__).parents[2] / "examples" / "nab_elb_requests" / "elb_request_count_8c0756.csv"
SLICE = ("--until", "2014-04-10T18:00:00Z", "--warmup", "12h", "--service-time", "20s", "--startup-delay", "1m")
FLAGS = (str(ELB), *SLICE, "--wait", "1m", "--model", "ewma", "--policy", "enough")
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _stubs() -> Iterator[None]:
    enough = Stub("enough", lambda task, knob, seen: knob, grid=(2.0, 10.0, 20.0), default=20.0, title="always twenty")
    yield from registered(enough)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Backtest, str, str, Path]:
    """The answer of one sweep: as JSON, as text, as a page; with its picture."""
    stub = Stub("enough", lambda task, knob, seen: knob, grid=(2.0, 10.0, 20.0), default=20.0, title="always <twenty>")
    folder = tmp_path_factory.mktemp("swept")
    files = ("--plot", str(folder / "a.svg"), "--report", str(folder / "a.html"))
    for _ in registered(stub):
        told = cli("backtest", *FLAGS, "--json", *files, "--share", "0.9")
        text = cli("backtest", *FLAGS, "--share", "0.9", "--no-sweep")
    assert told.exit_code == 0, told.output
    return codec.decode(Backtest, told.stdout), text.stdout, (folder / "a.html").read_text(), folder / "a.svg"


def answer(*arguments: str) -> Backtest:
    result = cli("backtest", *arguments, "--no-sweep", "--json")
    assert result.exit_code in {0, 3}, result.output
    return codec.decode(Backtest, result.stdout)


def test_flags_make_the_scenario() -> None:
    more = "--share 0.9 --seed 7 --metric-lag 15s --late-bins 2 --startup-spread 0 --concurrency 2 --min-workers 2"
    rest = "--max-workers 40 --max-step-size 5 --cooldown 3m --service-time-std 10s --service-family gamma"
    found = answer(*FLAGS, *more.split(), *rest.split(), "--from", "2014-04-10T01:00:00Z", "--worker-cost", "2")
    asked = found.scenario
    assert asked.policies == ("planner", "enough")
    assert asked.start == datetime(2014, 4, 10, 1, 4, tzinfo=UTC)
    assert len(asked.counts) * asked.interval == timedelta(hours=16, minutes=55)
    assert (asked.allowed_wait, asked.warmup, asked.startup_delay) == (MINUTE, 720 * MINUTE, MINUTE)
    assert (asked.share, asked.seed, asked.late_bins, asked.startup_spread) == (0.9, 7, 2, 0.0)
    assert (asked.worker_concurrency, asked.min_workers, asked.max_workers) == (2, 2, 40)
    assert (asked.max_step_size, asked.cooldown_period, asked.scale_up_cooldown) == (5, 3 * MINUTE, None)
    assert (asked.service_family, asked.service_time_std) == (ServiceFamily.GAMMA, timedelta(seconds=10))
    assert (asked.forecast_model, asked.sweep, asked.name) == ("ewma", False, "elb_request_count_8c0756")
    assert found.outcomes[0].cost == pytest.approx(2.0 * found.outcomes[0].worker_hours)


def test_limits_of_the_settings_hold_where_that_is_asked(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('[planner]\nmax_step_size = 4\ncooldown_period = "2m"\nscale_up_cooldown = "0s"\n')
    free = answer(*FLAGS, "--config", str(settings)).scenario
    assert (free.max_step_size, free.cooldown_period, free.scale_up_cooldown) == (None, timedelta(0), None)
    held = answer(*FLAGS, "--config", str(settings), "--limits").scenario
    assert (held.max_step_size, held.cooldown_period, held.scale_up_cooldown) == (4, 2 * MINUTE, timedelta(0))


def test_a_response_target_and_a_measured_service_time(tmp_path: Path) -> None:
    rows = [f"2026-01-05T{minute // 60:02d}:{minute % 60:02d}:00Z,{6 + minute % 3},4s" for minute in range(240)]
    path = tmp_path / "requests.csv"
    path.write_text("\n".join(["timestamp,count,service_time", *(row for row in rows if ":07:" not in row)]))
    found = answer(str(path), "--p95", "30s", "--policy", "enough", "--model", "naive")
    assert found.scenario.service_time == timedelta(seconds=4)
    assert (found.scenario.allowed_wait, found.scenario.asked_share) == (None, 0.95)
    assert found.scenario.counts.count(None) == 4
    assert timedelta(seconds=17) < found.told_wait < timedelta(seconds=19)


def test_rates_become_jobs(tmp_path: Path) -> None:
    rows = [f"2026-01-05T{minute // 60:02d}:{minute % 60:02d}:00Z,0.125" for minute in range(240)]
    path = tmp_path / "rates.csv"
    path.write_text("\n".join(["timestamp,arrival_rate", *rows]))
    found = answer(str(path), "--wait", "9s", "--service-time", "1s", "--policy", "enough", "--model", "naive")
    assert set(found.scenario.counts) == {7, 8}
    assert sum(count or 0 for count in found.scenario.counts) == 240 * 7.5


def test_the_table_and_the_verdict(swept: tuple[Backtest, str, str, Path]) -> None:
    found, text, _, _ = swept
    assert text.startswith("This planner keeps ")
    for words in ("as shipped", "always <twenty>", "over bound", "Verdict", "clairvoyant bound", "How it was judged"):
        assert words in text
    assert re.search(r"this planner +\d", text)
    assert "in time: service begins within 1m; 90 % asked" in " ".join(text.split())
    assert found.kept


def test_a_sweep_is_compared_at_the_asked_share(swept: tuple[Backtest, str, str, Path]) -> None:
    found, _, page, _ = swept
    assert [item.policy for item in found.equal if item.reached]
    assert {item.policy for item in found.frontiers} == {"planner", "enough"}
    assert "Tuned to 90 % of the jobs in time" in page
    result = cli("backtest", *FLAGS, "--policy", "static")
    assert "Tuned to 99 % of the jobs in time" in result.stdout
    assert "against planner" in result.stdout


def test_the_picture_shows_every_policy(swept: tuple[Backtest, str, str, Path]) -> None:
    picture = swept[3].read_text()
    for words in ("this planner", "always", "clairvoyant bound", "asked: 90 %", "workers on average", "jobs in time"):
        assert words in picture


class Checked(HTMLParser):
    """Every element is closed, and nothing is fetched."""

    VOID = frozenset({"meta", "circle", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "img", "iframe"}
        assert not {"src", "href", "onload"} & {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "path"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network(swept: tuple[Backtest, str, str, Path]) -> None:
    page = swept[2]
    checked = Checked()
    checked.feed(page)
    assert checked.open == []
    assert "http" not in page.replace("https", "http").split("</style>")[1]
    assert "url(" not in page
    assert "always &lt;twenty&gt;" in page
    assert page.count("<svg") == 4
    for words in ("As shipped", "What workers buy", "Over time", "How it was judged", "prefers-color-scheme: dark"):
        assert words in page


def test_what_the_planner_does_not_keep_is_exit_code_3() -> None:
    broken = cli("backtest", *FLAGS, "--no-sweep", "--max-workers", "2")
    assert broken.exit_code == 3
    assert "not the 99 % asked" in broken.stdout
    assert " x" in broken.stdout
    assert "limited" in broken.stdout


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--wait", "5"), "--wait is 5, which has no unit"),
        (("--warmup", "-1h"), "--warmup is -1h"),
        (("--warmup", "7d"), "--warmup is 7d"),
        (("--policy", "kedda"), "--policy is kedda"),
        (("--share", "99"), "--share is 99"),
        (("--from", "yesterday"), "--from is yesterday"),
        (("--from", "2030-01-01T00:00:00Z"), "FILE has 2014-04-10T00:04:00Z"),
        (("--max-workers", "1", "--min-workers", "5"), "min_workers"),
        (("--report", "a.txt"), "no .html file"),
        (("--report", "nowhere/a.html"), "a directory that exists"),
        (("--plot", "a.txt"), "--plot is 'a.txt'"),
        (("--service-time-p95", "1s", "--service-family", "gamma"), "--service-time is 20s"),
    ],
)
def test_what_does_not_fit_is_told_by_its_flag(flags: tuple[str, ...], said: str) -> None:
    result = cli("backtest", *FLAGS, *flags)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    path = str(history(tmp_path / "a.csv"))
    assert "--service-time is not given" in cli("backtest", path, "--wait", "1m").stderr
    no_promise = cli("backtest", path, "--service-time", "1s")
    assert no_promise.exit_code == 2
    assert "Set it, or --wait" in no_promise.stderr


def test_a_timeout_is_told_by_its_flag() -> None:
    result = cli("backtest", str(ELB), "--service-time", "20s", "--wait", "1m", "--timeout", "1ms")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "FORECAST_FAILED: --timeout is 1ms, and the backtest took longer" in result.stderr


def test_json_is_all_there_is_on_stdout() -> None:
    result = cli("backtest", *FLAGS, "--no-sweep", "--json", "--durations", "ns")
    told = json.loads(result.stdout)
    assert told["scenario"]["allowed_wait"] == 60_000_000_000
    assert [item["policy"] for item in told["outcomes"]]


def test_help_loads_nothing_heavy_and_teaches() -> None:
    code = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr))\n"
        "sys.argv = ['capacity-planner', 'backtest', '--help']\n"
        "from capacity_planner.surfaces.cli.main import run\nrun()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for words in ("--sweep / --no-sweep", "--report FILE", "Examples:", "Exit codes:", "The clairvoyant bound"):
        assert words in done.stdout
