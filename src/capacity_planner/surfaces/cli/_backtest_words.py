"""A backtest in words: the verdict, the promise, and its figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from capacity_planner import units
from capacity_planner.domain.backtest import ORACLE, PLANNER
from capacity_planner.surfaces.cli._words import number

if TYPE_CHECKING:
    from datetime import timedelta

    from capacity_planner.domain.attainment import EqualAttainment, PolicyOutcome
    from capacity_planner.domain.backtest import Backtest

_SAME = 0.005
_HUNDRED = 100.0
_FEW = 1e-9
_PLAIN = {"A", "An", "Last", "The", "This"}


def attained(share: float, asked: float) -> str:
    """A share in time, cut so that what misses the asked share never reads as if it kept it.

    >>> attained(0.98996, 0.99), attained(0.9912, 0.99), attained(1.0, 0.99), attained(0.99934, 0.999)
    ('98.9 %', '99.1 %', '100 %', '99.93 %')
    """
    if share >= 1.0:
        return "100 %"
    digits = max(len(f"{_HUNDRED * asked:.6g}".partition(".")[2]) + 1, 1)
    return f"{math.floor(_HUNDRED * share * 10**digits + _FEW) / 10**digits:.{digits}f} %"


def asked_of(found: Backtest) -> str:
    """The asked share."""
    return f"{_HUNDRED * found.scenario.asked_share:.6g} %"


def over(ratio: float | None) -> str:
    """How far above something, as a signed share.

    >>> over(0.184), over(-0.2), over(None), over(21.0)
    ('+18 %', '-20 %', '–', '+2,100 %')
    """
    return "–" if ratio is None else f"{_HUNDRED * ratio:+,.0f} %"


def short(value: timedelta) -> str:
    """A wait; without end where a job was never served."""
    return "∞" if value >= units.UNBOUNDED else units.words(value)


def mean_workers(found: Backtest, worker_hours: float) -> float:
    """Worker-hours as workers on average."""
    hours = found.scored.total_seconds() / 3_600.0
    return worker_hours / hours if hours else 0.0


def title_of(found: Backtest, policy: str) -> str:
    """What a policy is, in words."""
    outcome = found.outcome(policy)
    return policy if outcome is None else outcome.title


def inside(title: str) -> str:
    """A title as it stands within a sentence.

    >>> inside("A fixed number"), inside("KEDA on jobs that wait")
    ('a fixed number', 'KEDA on jobs that wait')
    """
    plain = title.partition(" ")[0] in _PLAIN
    return f"{title[:1].lower()}{title[1:]}" if plain else title


def promise(found: Backtest) -> str:
    """What it means to be in time."""
    wait = found.scenario.allowed_wait
    if wait is not None:
        return f"in time: service begins within {units.words(wait)}"
    return f"in time: response within {units.words(found.scenario.slo.p95_latency)}"


def context(found: Backtest) -> str:
    """What was replayed, and what had to hold."""
    learned = found.scored_from - found.scenario.start
    parts = [
        f"{units.words(found.scored)} from {units.format_instant(found.scored_from)}",
        f"{found.jobs:,} jobs",
        promise(found),
        f"{asked_of(found)} asked",
    ]
    return "; ".join(parts) + (f"; learned from {units.words(learned)} before" if learned else "")


def best_rival(found: Backtest) -> EqualAttainment | None:
    """The cheapest other policy at the asked share; one that knows the future is no rival."""
    return next((item for item in found.equal if item.reached and item.policy not in {PLANNER, ORACLE}), None)


def cheapest_kept(found: Backtest) -> PolicyOutcome | None:
    """The cheapest other policy that keeps the asked share as it is shipped."""
    return next((item for item in found.outcomes if item.kept and item.policy not in {PLANNER, ORACLE}), None)


def headline(found: Backtest) -> str:
    """Whether the planner keeps the share, and for how much."""
    planner = found.outcome(PLANNER)
    if planner is None:
        best = found.outcomes[0]
        return f"{best.title} does best: {_kept(found, best)}"
    return f"This planner {_kept(found, planner)}"


def verdict(found: Backtest) -> str:
    """The headline, and how that compares."""
    planner = found.outcome(PLANNER)
    if planner is None:
        return f"{headline(found)}."
    parts = [part for part in (_over_bound(found, planner), _against(found, planner)) if part]
    return f"{headline(found)}: {'; '.join(parts)}." if parts else f"{headline(found)}."


def split(found: Backtest) -> str:
    """Where the planner's cost comes from."""
    if found.split is None or not found.split.bound:
        return ""
    hours = (found.split.bound, found.split.oracle, found.split.planner)
    bound, oracle, planner = (mean_workers(found, value) for value in hours)
    how = f"at {asked_of(found)} in time" if found.equal else "as shipped"
    forecast = planner - oracle
    more = f"{number(forecast)} more" if forecast >= 0 else f"{number(-forecast)} fewer"
    return (
        f"Where the workers go ({how}): the bound needs {number(bound)}; told what comes, this planner takes "
        f"{number(oracle)}, because jobs come and end by chance and workers start late; as it has to forecast, "
        f"it takes {more}, {number(planner)}."
    )


def _kept(found: Backtest, outcome: PolicyOutcome) -> str:
    share = attained(outcome.share_in_time, found.scenario.asked_share)
    asked = "" if outcome.kept else f", not the {asked_of(found)} asked,"
    return f"keeps {share} of the jobs in time{asked} with {number(outcome.mean_workers)} workers on average"


def _over_bound(found: Backtest, planner: PolicyOutcome) -> str:
    if planner.cost_over_bound is None or not found.bound_worker_hours:
        return ""
    return f"{_HUNDRED * planner.cost_over_bound:.0f} % over the clairvoyant bound"


def _against(found: Backtest, planner: PolicyOutcome) -> str:
    """How the planner compares to the best of the others."""
    if found.equal:
        return _against_tuned(found)
    if len(found.outcomes) <= 1:
        return ""
    rival = cheapest_kept(found)
    if rival is None:
        return f"no other policy keeps {asked_of(found)} as shipped"
    ratio = planner.worker_hours / rival.worker_hours if rival.worker_hours else 1.0
    return f"{_than(ratio)} {inside(rival.title)}, the cheapest of the others that keep it as shipped"


def _against_tuned(found: Backtest) -> str:
    ours = next((item for item in found.equal if item.policy == PLANNER), None)
    rival = best_rival(found)
    if ours is None or len(found.equal) <= 1:
        return ""
    if rival is None:
        return f"no other policy reaches {asked_of(found)}, however it is tuned"
    if not ours.reached:
        return f"{inside(title_of(found, rival.policy))} can be tuned to {asked_of(found)}, this planner cannot"
    ratio = ours.worker_hours / rival.worker_hours if rival.worker_hours else 1.0
    who = inside(title_of(found, rival.policy))
    return f"with both tuned to {asked_of(found)} it takes {_than(ratio)} {who}, the best of the others"


def _than(ratio: float) -> str:
    if abs(ratio - 1.0) < _SAME:
        return "as many as"
    return f"{_HUNDRED * abs(ratio - 1.0):.0f} % {'more' if ratio > 1.0 else 'less'} than"
