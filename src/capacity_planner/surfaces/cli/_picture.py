"""Pictures by matplotlib, an extra: checked before the work begins, written whole, readable without colour."""

from __future__ import annotations

import io
import logging
import textwrap
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# Okabe and Ito's palette, told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#666666"
PURPLE, SKY, BLACK = "#CC79A7", "#56B4E9", "#000000"

_TITLE, _NAME, _LEGEND_LINE = 90, 40, 0.22
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


def panels(title: str, subtitle: str, count: int, height: float, *, shared: bool = True) -> tuple[Any, list[Any]]:
    """A figure and so many axes, one above the other.

    They are ``Any``: matplotlib's stubs know no dates as coordinates.

    Args:
        title: in bold, in as many lines as it takes.
        subtitle: above the first axes.
        count: of the axes.
        height: of the figure [inches].
        shared: whether they share their horizontal axis.
    """
    with _quiet():
        import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow
        from matplotlib.figure import Figure  # noqa: PLC0415 - as above

        with mpl.rc_context(_STYLE):
            figure = Figure(figsize=(10, height), layout="constrained")
            axes = list(figure.subplots(count, 1, sharex=shared, squeeze=False)[:, 0])
    lines = textwrap.wrap(title, _TITLE, max_lines=3, placeholder=" …")
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=13, fontweight="bold")
    axes[0].set_title(subtitle, loc="left", fontsize=9.5, color=GREY)
    return figure, axes


def legend(axes: Any) -> None:
    """A legend beside the axes, where it covers nothing."""
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False)


def common_legend(figure: Any, columns: int) -> None:
    """One legend below all axes, each name once; the figure grows by it."""
    named: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + _LEGEND_LINE * -(-len(named) // columns))
    figure.legend(named.values(), named.keys(), loc="outside lower left", ncols=columns, frameon=False)


def shortened(name: str) -> str:
    """A name that a legend has room for; its end tells variants apart, so its middle goes."""
    name = f" {name}" if name.startswith("_") else name  # matplotlib hides what begins so
    return name if len(name) <= _NAME else f"{name[: _NAME // 2]}…{name[1 - _NAME // 2 :]}"


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
    from matplotlib.text import Text  # noqa: PLC0415 - as above

    figure.align_ylabels()
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # dollars are dollars
    content = io.BytesIO()
    with mpl.rc_context(_STYLE), _quiet():
        figure.savefig(content, format=path.suffix.lower().lstrip("."), dpi=144)
    write_whole(path, content.getvalue())


@contextmanager
def _quiet() -> Iterator[None]:
    """No warning of matplotlib's reaches the user: it would speak of the machine, not of the question."""
    logger = logging.getLogger("matplotlib")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _refuse(message: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--plot"})
