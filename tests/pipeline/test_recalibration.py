"""Stated probabilities, corrected by what became of earlier ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.pipeline.recalibration import Recalibration
from capacity_planner.pipeline.reliability import caution

SHARES = st.floats(0.0, 1.0)


def learned(rows: list[tuple[float, float]]) -> Recalibration:
    made = Recalibration()
    for stated, kept in rows:
        made.add(stated, kept)
    return made


@given(SHARES)
def test_without_evidence_nothing_changes(stated: float) -> None:
    assert Recalibration().of(stated) == stated


@given(st.lists(st.tuples(SHARES, SHARES), max_size=30), SHARES, SHARES)
def test_what_was_said_more_surely_is_no_less_sure(rows: list[tuple[float, float]], one: float, other: float) -> None:
    made, (low, high) = learned(rows), sorted((one, other))
    assert 0.0 <= made.of(low) <= made.of(high) + 1e-12 <= 1.0 + 1e-12
    assert (made.of(0.0), made.of(1.0)) == (0.0, 1.0)


def test_a_law_of_the_right_kind_is_found() -> None:
    """Kept with probability σ(-0.4 + 0.7 logit p); drawn towards no correction by the prior."""
    dice, made = np.random.default_rng(1), Recalibration()

    def true(stated: float) -> float:
        return 1.0 / (1.0 + math.exp(0.4 - 0.7 * math.log(stated / (1.0 - stated))))

    for stated in dice.uniform(0.02, 0.98, 1_000):
        made.add(stated, true(stated))
    for stated in (0.1, 0.5, 0.9):
        assert made.of(stated) == pytest.approx(true(stated), abs=0.03)


def test_what_was_right_stays_as_it_was() -> None:
    dice, made = np.random.default_rng(1), Recalibration()
    for stated in dice.uniform(0.02, 0.98, 1_000):
        made.add(stated, float(dice.random() < stated))
    for stated in (0.1, 0.5, 0.9):
        assert made.of(stated) == pytest.approx(stated, abs=0.06)


def test_it_forgets() -> None:
    """After 600 outcomes the first half counts for an eighth."""
    made = Recalibration()
    for kept in (0.5, 0.9):
        for _ in range(600):
            made.add(0.7, kept)
    assert made.of(0.7) == pytest.approx(0.5 / 9 + 0.9 * 8 / 9, abs=0.03)


def test_half_an_outcome_counts_half() -> None:
    whole, halves = Recalibration(), Recalibration()
    whole.add(0.9, 0.0)
    for _ in range(2):
        halves.add(0.9, 0.0, weight=0.5)
    assert halves.of(0.9) == pytest.approx(whole.of(0.9), abs=1e-3)
    assert whole.of(0.9) < 0.9


@pytest.mark.parametrize(
    ("outcomes", "inconsistent", "anomaly", "sure"),
    [(1_000, False, False, 0.9), (0, False, False, 0.5), (15, False, False, 0.7), (30, True, True, 0.6)],
)
def test_doubt_draws_towards_one_half(outcomes: int, inconsistent: bool, anomaly: bool, sure: float) -> None:  # noqa: FBT001
    assert caution(0.9, outcomes=outcomes, inconsistent=inconsistent, anomaly=anomaly) == pytest.approx(sure)


@given(SHARES, st.integers(0, 100), st.booleans(), st.booleans())
def test_doubt_never_makes_surer(stated: float, outcomes: int, inconsistent: bool, anomaly: bool) -> None:  # noqa: FBT001
    assert caution(stated, outcomes=outcomes, inconsistent=inconsistent, anomaly=anomaly) <= stated
