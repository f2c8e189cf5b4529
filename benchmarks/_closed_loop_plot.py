"""Pictures of the comparison: cost over the bound by policy, and what was delivered against what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from _replays import ORACLE, OURS, SHARES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from _replays import Row

_BLUE, _GREY, _GREEN = "#0072B2", "#999999", "#009E73"


def draw(rows: Sequence[Row], folder: Path) -> None:
    """Two pictures, as SVG."""
    mpl.use("agg")
    mpl.rcParams.update({"svg.hashsalt": "capacity-planner", "axes.spines.top": False, "axes.spines.right": False})
    _costs(rows, folder / "closed-loop-costs.svg")
    _shipped(rows, folder / "closed-loop-shipped.svg")


def _costs(rows: Sequence[Row], path: Path) -> None:
    """Each policy's cost over the bound in every scenario, the middle half as a box."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - after the backend was chosen

    names = sorted({name for row in rows for name in row.jobs})
    ratios = {name: [row.jobs[name][0] / row.bound for row in rows if name in row.jobs] for name in names}
    names.sort(key=lambda name: float(np.mean(np.log(ratios[name]))), reverse=True)
    figure, axes = plt.subplots(figsize=(9, 0.4 * len(names) + 1.4), layout="constrained")
    drawn = [ratios[name] for name in names]
    boxes = axes.boxplot(drawn, orientation="horizontal", patch_artist=True, widths=0.6, whis=(5, 95))
    for name, box in zip(names, boxes["boxes"], strict=True):
        box.set_facecolor({OURS: _BLUE, ORACLE: _GREEN}.get(name, _GREY))
    axes.set_yticks(range(1, len(names) + 1), names)
    axes.set_xscale("log")
    axes.set_xticks([1, 1.5, 2, 3, 5, 10], ["1", "1.5", "2", "3", "5", "10"])
    axes.set_xlabel("cost over the clairvoyant bound, 99 % of jobs in time (log scale)")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _shipped(rows: Sequence[Row], path: Path) -> None:
    """Late jobs delivered against late jobs allowed."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - as above

    figure, axes = plt.subplots(figsize=(6, 5), layout="constrained")
    dice = np.random.default_rng(3)
    for share in SHARES:
        late = np.array([max(1.0 - row.shipped[share][0], 1e-5) for row in rows])
        allowed = (1.0 - share) * np.exp(dice.uniform(-0.15, 0.15, len(rows)))
        axes.plot(allowed, late, "o", color=_BLUE, alpha=0.5, markeredgewidth=0)
    axes.plot([5e-4, 0.1], [5e-4, 0.1], color=_GREY)
    axes.set(xscale="log", yscale="log", xlabel="share of jobs that may be late", ylabel="share that was late")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
