"""Pictures by matplotlib, an extra: checked before the work begins, written whole, readable without colour."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._files import write_whole

if TYPE_CHECKING:
    from pathlib import Path


# Okabe and Ito's palette, told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#666666"
PURPLE, SKY, BLACK = "#CC79A7", "#56B4E9", "#000000"

_SUFFIXES = (".png", ".svg", ".pdf")
_STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E5E5E5",
    "axes.axisbelow": True,
    "svg.fonttype": "none",
}


def check_picture(path: Path | None) -> None:
    """Refuse early what could only fail late.

    Raises:
        PlannerError: ``CONFIG_INVALID``: the suffix, the directory or the extra.
    """
    if path is None:
        return
    if path.suffix.lower() not in _SUFFIXES:
        raise _refuse(f"--plot is '{path}', which is no {', '.join(_SUFFIXES)} file. Name one, such as plan.png.")
    if not path.parent.is_dir() or path.is_dir():
        raise _refuse(f"--plot is '{path}', which cannot be a file there. Name a file in a directory that exists.")
    if find_spec("matplotlib") is None:
        raise _refuse("--plot needs an extra: pip install 'capacity-planner[plot]'")


def two_panels(title: str, subtitle: str) -> tuple[Any, Any, Any]:
    """A figure and two axes, one above the other, that share their horizontal axis.

    They are ``Any``: matplotlib's stubs know no dates as coordinates.
    """
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 6.4), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True)
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    top.set_title(subtitle, loc="left", fontsize=9.5, color=GREY)
    return figure, top, bottom


def panels(title: str, subtitle: str, count: int) -> tuple[Any, list[Any]]:
    """A figure and so many axes, one above the other, that share their horizontal axis."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 1.2 + 1.9 * count), layout="constrained")
        axes = list(figure.subplots(count, 1, sharex=True))
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    axes[0].set_title(subtitle, loc="left", fontsize=9.5, color=GREY)
    return figure, axes


def one_panel(title: str, subtitle: str) -> tuple[Any, Any]:
    """A figure and its only axes."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 4.8), layout="constrained")
        axes = figure.subplots()
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
    axes.set_title(subtitle, loc="left", fontsize=9.5, color=GREY)
    return figure, axes


def legend(axes: Any) -> None:
    """A legend beside the axes, where it covers nothing."""
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False)


def whole_numbers(axis: Any) -> None:
    """Ticks at whole numbers, for an axis that counts."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - an extra, and slow

    axis.set_major_locator(MaxNLocator(integer=True))


def dates(axes: Any) -> None:
    """Times below the axes, as short as they can be told apart."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415 - an extra, and slow

    locator = AutoDateLocator(  # type: ignore[no-untyped-call]
        minticks=4, maxticks=10
    )
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("time [UTC]")


def write(figure: Any, path: Path) -> None:
    """Write the picture in the format that its name says."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow

    figure.align_ylabels()
    content = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(content, format=path.suffix.lower().lstrip("."), dpi=144)
    write_whole(path, content.getvalue())


def _refuse(message: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--plot"})
