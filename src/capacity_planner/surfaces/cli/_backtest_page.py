"""A backtest as one page that needs nothing else: no network, no script."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from capacity_planner import units
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from capacity_planner.domain.attainment import EqualAttainment, PolicyOutcome
    from capacity_planner.domain.backtest import Backtest

_STYLE = "_backtest_page.css"


def check_report(path: Path | None) -> None:
    """Refuse early what could only fail late.

    Raises:
        PlannerError: ``CONFIG_INVALID``: the suffix or the directory.
    """
    if path is None:
        return
    if path.suffix.lower() not in {".html", ".htm"}:
        raise _refuse(f"--report is '{path}', which is no .html file. Name one, such as report.html.")
    if not path.parent.is_dir() or path.is_dir():
        raise _refuse(f"--report is '{path}', which cannot be a file there. Name a file in a directory that exists.")


def write_report(path: Path, found: Backtest) -> None:
    """Write the page to a file."""
    write_whole(path, page_of(found).encode())


def page_of(found: Backtest) -> str:
    """The page."""
    from capacity_planner.surfaces.cli._backtest_charts import frontier_chart, timeline_chart  # noqa: PLC0415
    from capacity_planner.surfaces.cli._backtest_svg import escaped  # noqa: PLC0415 - pages are seldom asked for
    from capacity_planner.surfaces.cli._backtest_words import asked_of, context, split, verdict  # noqa: PLC0415

    style = resources.files(__package__).joinpath(_STYLE).read_text(encoding="utf-8")
    name = escaped(found.scenario.queue_name or found.scenario.name or "queue")
    tuned = f"<h2>Tuned to {asked_of(found)} of the jobs in time</h2>{_tuned(found)}" if found.equal else ""
    notes = "".join(f"<li>{escaped(note)}</li>" for note in found.notes)
    told = f"<p>{escaped(split(found))}</p>" if found.split else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Backtest of {name}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head><body><main>'
        f'<p class="over">Backtest of {name}</p><h1>{escaped(verdict(found))}</h1>'
        f'<p class="context">{escaped(context(found))}</p>{told}'
        f"<h2>As shipped</h2>{_shipped(found)}{tuned}"
        f"<h2>What workers buy</h2><figure>{frontier_chart(found)}</figure>"
        f"<h2>Over time</h2><figure>{timeline_chart(found)}</figure>"
        f"<h2>How it was judged</h2><ul>{notes}</ul>"
        f'<p class="foot">{escaped(found.id)}; made {units.format_instant(found.created_at.replace(microsecond=0))} by '
        "capacity-planner.</p></main></body></html>\n"
    )


def _shipped(found: Backtest) -> str:
    from capacity_planner.surfaces.cli._backtest_words import attained, mean_workers, over, short  # noqa: PLC0415
    from capacity_planner.surfaces.cli._words import money, number  # noqa: PLC0415 - as above

    asked = found.scenario.asked_share
    most = max([item.mean_workers for item in found.outcomes] + [1e-9])

    def row(item: PolicyOutcome) -> list[str]:
        mark = "" if item.kept else ' class="miss"'
        share = f"<span{mark}>{attained(item.share_in_time, asked)}</span>"
        figures = [number(item.mean_workers), money(item.cost), share, attained(item.windows_in_time, asked)]
        figures += [short(item.p95_wait), short(item.worst_p95_wait), f"{item.max_backlog:,}"]
        figures += [f"{100.0 * item.utilization:.0f} %", number(item.actions_per_hour), over(item.cost_over_bound)]
        knob = "sets itself" if item.knob is None else f"{item.knob_title} {item.knob:.4g}"
        return [_named(item.title, knob, item.mean_workers / most), *figures]

    heads = ("policy", "workers", "cost", "in time", "5m p95s", "p95 wait", "worst 5m", "most waiting", "busy")
    rows = [(item.policy, row(item)) for item in found.outcomes]
    bound = mean_workers(found, found.bound_worker_hours)
    held = [("", [_named("fewest unchanged workers", "known afterwards", 0.0), f"{found.static_workers:,}"])]
    held += [("", [_named("clairvoyant bound", "knows every job", 0.0), number(bound)])]
    return _table((*heads, "changes/h", "over bound"), [*rows, *held])


def _tuned(found: Backtest) -> str:
    from capacity_planner.surfaces.cli._backtest_words import mean_workers, over, title_of  # noqa: PLC0415
    from capacity_planner.surfaces.cli._words import number  # noqa: PLC0415 - as above

    most = max([item.worker_hours for item in found.equal] + [1e-9])

    def row(item: EqualAttainment) -> list[str]:
        jobs = number(mean_workers(found, item.worker_hours)) if item.reached else "not reached"
        windows = number(mean_workers(found, item.windows_worker_hours)) if item.windows_reached else "not reached"
        apart = item.policy != "planner" and item.reached
        beside = over(item.to_planner - 1.0) if apart and item.to_planner is not None else "–"
        regret = over(item.regret) if item.reached else "–"
        share = item.worker_hours / most if item.reached else 0.0
        return [_named(title_of(found, item.policy), "", share), jobs, regret, beside, windows]

    heads = ("policy", "workers", "over bound", "against this planner", "workers for 5m p95s")
    return _table(heads, [(item.policy, row(item)) for item in found.equal])


def _named(title: str, below: str, share: float) -> str:
    from capacity_planner.surfaces.cli._backtest_svg import escaped  # noqa: PLC0415 - as above

    small = f"<small>{escaped(below)}</small>" if below else ""
    return f'<span class="bar" style="width:{100.0 * share:.1f}%"></span><b>{escaped(title)}</b>{small}'


def _table(heads: Iterable[str], rows: Iterable[tuple[str, list[str]]]) -> str:
    names = list(heads)
    top = "".join(f"<th>{head}</th>" for head in names)
    body = "".join(
        f'<tr class="{policy if policy in {"planner", "oracle"} else ""}">'
        f"{''.join(f'<td>{cell}</td>' for cell in [*cells, *[''] * (len(names) - len(cells))])}</tr>"
        for policy, cells in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _refuse(message: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--report"})
