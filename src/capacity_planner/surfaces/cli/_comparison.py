"""Models compared on a history: the work with its progress, and how the ranking is shown."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.pipeline.comparison import RANKED_BY, YARDSTICK, comparable, compare
from capacity_planner.surfaces.cli._forecast_json import finite, history_json, written
from capacity_planner.surfaces.cli._words import number, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Group, RenderableType
    from rich.table import Table

    from capacity_planner.codec import Durations
    from capacity_planner.pipeline.comparison import Comparison
    from capacity_planner.surfaces.cli._forecasting import Subject

_UPPER = (0.9, 0.95, 0.99)
_RECOMMENDED = "auto"
_CLOSE = 1.03


def compared(asked: Subject, named: str | None) -> tuple[Comparison, ...]:
    """The ranking of the models that are named, separated by commas, or of all.

    Raises:
        PlannerError: ``MODEL_NOT_SUPPORTED``, ``INSUFFICIENT_HISTORY`` or ``FORECAST_FAILED``.
    """
    names = tuple(part.strip() for part in named.split(",")) if named else comparable()
    horizon = round(asked.config.forecast_window.total_seconds() / asked.series.interval)
    with _progress(names) as told:
        return compare(asked.series, names, max(1, horizon), config=asked.config, progress=told)


@contextmanager
def _progress(names: Sequence[str]) -> Iterator[Callable[[str, float], None] | None]:
    """A bar per model on stderr, for a person to see."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - for a terminal only
    from rich.progress import Progress  # noqa: PLC0415 - as above

    with Progress(console=Console(stderr=True), transient=True) as bars:
        tasks = {name: bars.add_task(name, total=1.0) for name in dict.fromkeys((YARDSTICK, *names))}
        yield lambda name, share: bars.update(tasks[name], completed=share)


def advice(rows: Sequence[Comparison]) -> str:
    """Which model to use, and how."""
    best = rows[0]
    if best.model == YARDSTICK:
        return f"No model beats {YARDSTICK} here: what is to come is best told by what came last."
    auto = next((row for row in rows if row.model == _RECOMMENDED), best)
    gain = f"its quantiles lose {percent(1.0 - best.score)} less than those of {YARDSTICK}"
    said = f'Use {best.model}: {gain}. Set forecast_model = "{best.model}" under [planner], or give --model.'
    if auto is best or auto.score > _CLOSE * best.score:
        return said
    behind = percent(auto.score / best.score - 1.0)
    return f"{said} {_RECOMMENDED} is only {behind} behind, and changes with the traffic by itself."


def comparison_json(asked: Subject, rows: Sequence[Comparison], durations: Durations) -> str:
    """The ranking for programs."""
    body = {
        "queue_name": asked.queue,
        "horizon": written(asked.config.forecast_window, durations),
        "history": history_json(asked, durations),
        "ranked_by": {"loss": "pinball", "levels": list(RANKED_BY), "relative_to": YARDSTICK},
        "best": rows[0].model,
        "models": [_plain(row) for row in rows],
    }
    return json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)


def _plain(row: Comparison) -> dict[str, Any]:
    numbers = {name: finite(value) if isinstance(value, float) else value for name, value in asdict(row).items()}
    for name in ("pinball", "coverage"):
        numbers[name] = {str(level): value for level, value in getattr(row, name).items()}
    return numbers


def comparison_view(asked: Subject, rows: Sequence[Comparison]) -> Group:
    """Errors, bounds, and which model to use."""
    from rich.console import Group  # noqa: PLC0415 - JSON needs no tables
    from rich.text import Text  # noqa: PLC0415 - as above

    series = asked.series
    span = units.words(units.from_seconds(series.interval * len(series.rates)))
    horizon, interval = units.words(asked.config.forecast_window), units.words(units.from_seconds(series.interval))
    name = f"{asked.queue}: " if asked.queue else ""
    head = f"{name}{rows[0].model} forecasts best up to {horizon} ahead"
    told = f"{rows[0].outcomes:,} forecasts on {span} of history in intervals of {interval}, each from its past and"
    told += " the seasons found"
    meaning = (
        "score: pinball loss of the median, 90, 95 and 99 % relative to naive, on average; less is better. lost: that "
        "loss. cover: how often no more came than the quantile; it should be the level. MAE, bias, lost in jobs/s."
    )
    tables: list[RenderableType] = [_errors(rows), Text(), _bounds(rows), Text()]
    end = (Text(meaning, "dim"), Text(), Text(advice(rows), "bold"))
    return Group(Text(head, "bold green"), Text(told, "dim"), Text(), *tables, *end)


def _errors(rows: Sequence[Comparison]) -> Table:
    table = _table("score", "MAE", "vs naive", "WAPE", "MASE", "bias", "CPU")
    for row in rows:
        sign = "-" if row.bias < 0 else "+"
        bias = f"{sign}{number(abs(row.bias))}"
        errors = (
            f"{row.score:.3f}",
            number(row.mae),
            f"{row.relative:.3f}",
            percent(row.wape),
            f"{row.mase:.3f}",
            bias,
        )
        table.add_row(row.model, *errors, f"{row.seconds:.2f}s")
    return table


def _bounds(rows: Sequence[Comparison]) -> Table:
    names = (f"{word} {100.0 * level:.0f}" for word in ("lost", "cover") for level in _UPPER)
    table = _table(*names)
    for row in rows:
        covered = (f"{100.0 * row.coverage[level]:.1f} %" for level in _UPPER)
        table.add_row(row.model, *(number(row.pinball[level]) for level in _UPPER), *covered)
    return table


def _table(*names: str) -> Table:
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("model", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    return table
