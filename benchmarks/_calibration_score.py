"""Stated probabilities against what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from _tables import print_bar, print_table

_TENTHS = 10
_WELL_FILLED = 200  # the share kept of fewer has a standard error above 0.035
_BAR_BRIER, _BAR_ERROR = 0.57, 0.05


@dataclass(frozen=True, slots=True)
class Said:
    """A plan's words and its fate.

    Attributes:
        trace: where it was made.
        kind: ``planner`` or ``drawn``.
        stated: its confidence as worked out.
        recalibrated: the same after what earlier plans of the trace were worth.
        kept: whether it kept its SLO.
        busy: whether anything was to be expected: a median forecast above a tenth of the trace's mean.
        opening: whether the median forecast more than doubles within the plan, from little.
    """

    trace: str
    kind: str
    stated: float
    recalibrated: float
    kept: bool
    busy: bool
    opening: bool


def brier(stated: np.ndarray, kept: np.ndarray) -> float:
    """Mean squared distance."""
    return float(np.mean((stated - kept) ** 2))


def error(stated: np.ndarray, kept: np.ndarray) -> float:
    """Mean absolute distance between what was stated and kept, over tenths of what was stated."""
    return sum(abs(said - came) * count for said, came, count in tenths(stated, kept)) / len(kept)


def tenths(stated: np.ndarray, kept: np.ndarray) -> list[tuple[float, float, int]]:
    """Mean stated, share kept and number of plans in each tenth that has any."""
    places = np.minimum((stated * _TENTHS).astype(int), _TENTHS - 1)
    groups = (places == tenth for tenth in range(_TENTHS))
    return [(float(stated[mine].mean()), float(kept[mine].mean()), int(mine.sum())) for mine in groups if mine.any()]


def report(said: list[Said]) -> None:
    """Reliability and Brier scores, of all plans and by trace."""
    kept = np.array([item.kept for item in said], dtype=float)
    stated, better = (np.array([getattr(item, name) for item in said]) for name in ("stated", "recalibrated"))
    print(f"\n{len(said)} plans, {kept.mean():.1%} kept their SLO.")
    for title, values in (("as worked out", stated), ("recalibrated", better)):
        print(f"\nReliability, {title} (± two standard errors of the share kept):")
        print_table(["stated", "kept", "plans"], [_tenth(*row) for row in tenths(values, kept)])
        base = float(kept.mean() * (1.0 - kept.mean()))
        print_bar("Brier over that of the base rate", brier(values, kept) / base, _BAR_BRIER)
        print_bar("mean calibration error", error(values, kept), _BAR_ERROR)
        full = [abs(said - came) for said, came, count in tenths(values, kept) if count >= _WELL_FILLED]
        print_bar(f"largest error of a tenth with {_WELL_FILLED} plans", max(full, default=0.0), _BAR_ERROR)
    _by_group(said)


def _tenth(said: float, came: float, count: int) -> list[str]:
    return [f"{said:.3f}", f"{came:.3f} ± {2 * np.sqrt(max(came * (1 - came), 0.25 / count) / count):.3f}", str(count)]


def _by_group(said: list[Said]) -> None:
    groups: dict[str, list[Said]] = {}
    for item in said:
        names = {f"all: {item.kind}": True, "all: without quiet hours": item.busy, "all: openings": item.opening}
        for name in (item.trace, *(name for name, holds in names.items() if holds)):
            groups.setdefault(name, []).append(item)
    head = ["plans", "number", "kept", "stated", "Brier/base", "recalibrated", "error", "recalibrated "]
    print_table(head, [_group(name, groups[name]) for name in sorted(groups)])


def _group(name: str, said: list[Said]) -> list[str]:
    kept = np.array([item.kept for item in said], dtype=float)
    stated, better = (np.array([getattr(item, field) for item in said]) for field in ("stated", "recalibrated"))
    base = max(float(kept.mean() * (1.0 - kept.mean())), 1e-9)
    ratios = [f"{brier(values, kept) / base:.3f}" for values in (stated, better)]
    errors = [f"{error(values, kept):.3f}" for values in (stated, better)]
    return [name, str(len(said)), f"{kept.mean():.3f}", f"{stated.mean():.3f}", *ratios, *errors]
