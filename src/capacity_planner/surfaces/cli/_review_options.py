"""The options of ``review`` that no other command has."""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

RUNS = 5
_REVIEW = "The review"


def _option(name: str, metavar: str | None, text: str, **rest: Any) -> Any:
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=_REVIEW, **{"show_default": False, **rest})


Plans: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        help="Plans as `plan --json` prints them: JSON files with one or a list, JSON Lines, directories of such "
        "files; - is standard input.",
        metavar="PLANS",
        show_default=False,
    ),
]
History: TypeAlias = Annotated[
    Path,
    _option("--history", "FILE", "What came: CSV (.gz too) or Parquet with a time column and arrivals."),
]
Replications: TypeAlias = Annotated[
    int,
    _option(
        "--replications",
        "N",
        "Runs of each plan, with other service times.",
        min=1,
        max=1_000,
        show_default=True,
    ),
]
Hindsight: TypeAlias = Annotated[
    bool,
    _option("--hindsight", None, "Also find the fewest workers that, held over its window, would have kept the SLO."),
]
Seed: TypeAlias = Annotated[
    int | None,
    _option("--seed", "N", "Seed of the random streams; same seed, same result.", min=0),
]
Timeout: TypeAlias = Annotated[str | None, _option("--timeout", "DURATION", "Give up after so long. Default: never.")]
Queue: TypeAlias = Annotated[
    str | None,
    _option("--queue-name", "NAME", "Review the plans of this queue alone, against its rows of --history."),
]
