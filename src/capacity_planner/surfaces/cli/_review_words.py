"""A review in words: the verdict, and what it means."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from capacity_planner import units
from capacity_planner.domain.review import ENOUGH_PLANS, UNLIKELY
from capacity_planner.surfaces.cli._words import percent

if TYPE_CHECKING:
    from capacity_planner.domain.review import PlanReview

NOTHING = "–"
_RIGHT = 0.005


def headline(found: PlanReview) -> str:
    """What the plans said, what they did, and how far off their forecasts were."""
    if not found.plans:
        return "There is no plan to review."
    if not found.judged:
        return f"None of {found.plans:,} plans can be judged." if found.plans > 1 else "The plan cannot be judged."
    off = forecasts(found)
    return f"{_kept(found)}{f'; {off}' if off else ''}."


def _kept(found: PlanReview) -> str:
    said, runs = percent(found.mean_confidence or 0.0), percent(found.kept_share or 0.0)
    share = percent(found.kept / found.judged)
    if found.judged == 1:
        verb = "kept its SLO" if found.kept else "did not keep its SLO"
        return f"One plan that said {said} {verb}{'' if runs == share else f', in {runs} of its runs'}"
    did = f"{found.kept:,} ({share}) kept their SLO"
    if runs != share:
        did = f"{found.kept:,} kept their SLO in most of their runs, and {runs} of all runs did"
    return f"Of {found.judged:,} plans that said {said} on average, {did}"


def forecasts(found: PlanReview) -> str:
    """How far off the forecasts were on average."""
    if found.bias is None:
        return ""
    if abs(found.bias) < _RIGHT:
        return "forecasts were right on average"
    return f"forecasts were {percent(abs(found.bias))} {'low' if found.bias < 0 else 'high'}"


def context(found: PlanReview) -> str:
    """Which plans, and how they were judged."""
    if not found.outcomes:
        return ""
    first, last = (units.format_instant(found.outcomes[place].generated_at) for place in (0, -1))
    time = first if first == last else f"{first} to {last}"
    noun = "plan" if found.plans == 1 else "plans"
    return f"{found.judged:,} of {found.plans:,} {noun} judged, made {time}; each carried out on what came"


def meaning(found: PlanReview) -> list[str]:
    """What follows from the figures, a sentence each."""
    if not found.judged:
        return []
    return [part for part in (_against_chance(found), _enough(found), _brier(found), _forecast(found)) if part]


def _against_chance(found: PlanReview) -> str:
    if (found.kept_share or 0.0) >= (found.mean_confidence or 0.0):
        return "The SLO was kept at least as often as the plans said."
    rare = percent(found.chance or 0.0)
    if found.as_stated:
        return (
            f"That is less often than said, but within sampling error: chance alone brings so few in {rare} of cases, "
            f"and below {percent(UNLIKELY)} it would count."
        )
    return f"That is less often than said: chance alone brings so few in {rare} of cases. The confidence was too high."


def _enough(found: PlanReview) -> str:
    shared = found.judged - found.independent_plans
    overlap = f"windows overlap, so that they count as {round(found.independent_plans, 1):,g} independent ones"
    if not found.enough:
        few = f"their {overlap}" if shared >= 1 else f"{found.judged:,} are too few"
        return f"How reliable the confidence is, is not known yet: {few}; it takes {ENOUGH_PLANS} or more."
    return f"Their {overlap}." if shared >= 1 else ""


def _brier(found: PlanReview) -> str:
    score, base = found.brier or 0.0, found.brier_of_base_rate or 0.0
    if not found.enough:
        return ""
    better = "better" if score < base else "no better"
    return (
        f"Brier score {score:.3f} against {base:.3f} of always saying {percent(found.kept_share or 0.0)}: the "
        f"confidence tells good plans from bad ones {better} than that would."
    )


def _forecast(found: PlanReview) -> str:
    if found.forecast_wape is None or found.band_coverage is None:
        return ""
    return (
        f"The median forecasts were off by {percent(found.forecast_wape)} of what came; in "
        f"{percent(found.band_coverage)} of the intervals no more came than was staffed."
    )


def unjudged(found: PlanReview) -> list[str]:
    """Why plans were not judged, the most frequent reason first."""
    reasons = Counter(item.reason for item in found.outcomes if not item.judged)
    return [f"{count:,} {'plan' if count == 1 else 'plans'}: {reason}" for reason, count in reasons.most_common()]


def signed(share: float | None) -> str:
    """A share above or below zero.

    >>> signed(0.034), signed(-0.2), signed(None)
    ('+3 %', '-20 %', '–')
    """
    return NOTHING if share is None else f"{100.0 * share:+,.0f} %"


def yes_or_no(kept: bool | None) -> str:  # noqa: FBT001 - it is what is told
    """Whether the SLO was kept; not quite a word where nobody knows.

    >>> yes_or_no(True), yes_or_no(False), yes_or_no(None)
    ('yes', 'no x', '–')
    """
    return NOTHING if kept is None else "yes" if kept else "no x"
