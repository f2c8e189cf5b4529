"""Samplers against the closed forms of their laws: moments, quantiles far out, the whole tail."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from capacity_planner.queueing._empirical import Empirical
from capacity_planner.queueing._laws import Deterministic, Exponential, Gamma, Lognormal
from capacity_planner.queueing._mixtures import Blend, Hyperexponential

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.queueing._law import Law

BLOCK, BLOCKS = 16_384, 240
BALANCED = 0.1127016653792583
BLEND = Blend(
    2.0,
    parts=(
        (0.3, Gamma(1.0, shape=0.25)),
        (0.5, Lognormal(1.0, sigma=math.sqrt(math.log(5.0)))),
        (0.2, Hyperexponential(1.0, long_share=BALANCED, spread=1.5)),
    ),
)
CONTINUOUS: tuple[Law, ...] = (
    Exponential(2.0),
    Gamma(2.0, shape=0.25),
    Gamma(2.0, shape=1.0),
    Gamma(2.0, shape=4.0),
    Lognormal(2.0, sigma=0.5),
    Lognormal(2.0, sigma=1.27),
    Hyperexponential(2.0, long_share=BALANCED, spread=1.5),
    Hyperexponential(2.0, long_share=1e-3, spread=20.0),
    Hyperexponential(2.0, long_share=0.6, spread=0.5),
    BLEND,
)
EMPIRICAL = Empirical.of(np.random.default_rng(5).lognormal(0.0, 1.0, 1000).round(1))
# Blend is missing: its numbers depend on the blocks, and it says so.
STEADY: tuple[Law, ...] = (*CONTINUOUS[:-1], Deterministic(2.0), EMPIRICAL, Empirical.of([2.0]))


def label(law: Law) -> str:
    return f"{law.name}-{law.scv:.3g}"


@cache
def drawn(law: Law) -> FloatArray:
    """Block by block, as a simulation draws."""
    rng, times = np.random.default_rng(20_260_131), np.empty(BLOCK * BLOCKS)
    for block in times.reshape(BLOCKS, BLOCK):
        law.sample(rng, block)
    return times


def sigmas(values: FloatArray, expected: float) -> float:
    """How many of its standard errors a mean is off."""
    return float((values.mean() - expected) / (values.std() / math.sqrt(values.size)))


@pytest.mark.parametrize("law", [*CONTINUOUS, EMPIRICAL], ids=label)
def test_mean_and_spread(law: Law) -> None:
    times = drawn(law) / law.mean
    assert abs(times.mean() - 1.0) < 4.0 * math.sqrt(law.scv / times.size)
    assert abs(sigmas(np.square(times - 1.0), law.scv)) < 4.0


@pytest.mark.parametrize("law", [*CONTINUOUS, EMPIRICAL], ids=label)
def test_moments_below_a_cut(law: Law) -> None:
    # Third moments of whole samples hang on their largest jobs; below a cut the central limit holds.
    times = drawn(law) / law.mean
    cut = law.quantile(0.9999) / law.mean
    kept = np.where(times <= cut, times, 0.0)
    above = law.moments_above(np.asarray(cut))
    assert abs(sigmas(kept * kept, 1.0 + law.scv - float(above[2]))) < 4.0
    assert abs(sigmas(kept * kept * kept, law.third_moment - float(above[3]))) < 4.0


@pytest.mark.parametrize("level", [0.05, 0.5, 0.95, 0.999, 0.9999, 0.99999])
@pytest.mark.parametrize("law", [*CONTINUOUS, EMPIRICAL], ids=label)
def test_quantiles(law: Law, level: float) -> None:
    times, at = drawn(law), law.quantile(level)
    later = float(law.tail(at))
    if law is not EMPIRICAL:
        assert later == pytest.approx(1.0 - level, rel=1e-9)
    over = np.count_nonzero(times > at)
    assert abs(over - times.size * later) <= 4.0 * math.sqrt(times.size * later * (1.0 - later))


@pytest.mark.parametrize("law", CONTINUOUS, ids=label)
def test_the_whole_tail(law: Law) -> None:
    # Every 13th, so that places within a block take part alike.
    times = drawn(law)[::13]
    assert stats.kstest(times, lambda t: 1.0 - law.tail(t)).pvalue > 1e-4
    assert abs(stats.spearmanr(times[:-1], times[1:]).statistic) < 4.0 / math.sqrt(times.size)


@pytest.mark.parametrize("law", CONTINUOUS, ids=label)
def test_the_far_tail(law: Law) -> None:
    # The largest of n: n P(S > max) is exponential, and a sampler that cannot reach far makes it large.
    times = drawn(law)
    assert 1e-4 < times.size * float(law.tail(times.max())) < 10.0


def test_measured_times_are_drawn_evenly_and_to_the_last_bit() -> None:
    law = Empirical.of([0.1, 0.2, 0.3, 0.3, 0.7])
    values, counts = np.unique(drawn(law), return_counts=True)
    assert values.tolist() == [0.1, 0.2, 0.3, 0.7]
    assert stats.chisquare(counts, np.array([0.2, 0.2, 0.4, 0.2]) * BLOCK * BLOCKS).pvalue > 1e-4


def test_fixed_times_are_fixed() -> None:
    assert set(drawn(Deterministic(2.5)).tolist()) == {2.5}
    assert set(drawn(Empirical.of([2.5])).tolist()) == {2.5}


@pytest.mark.parametrize("law", STEADY, ids=label)
def test_blocks_make_no_difference(law: Law) -> None:
    whole, parts = np.empty(40_000), np.empty(40_000)
    at_once, in_blocks = np.random.default_rng(3), np.random.default_rng(3)
    law.sample(at_once, whole)
    for part in np.split(parts, [0, 1, 2, 5, 1000, 17_383, 17_384, 39_999]):
        law.sample(in_blocks, part)
    assert whole.tolist() == parts.tolist()
    assert at_once.random() == in_blocks.random()


def test_a_blend_repeats_itself_in_equal_blocks() -> None:
    again = np.empty(2 * BLOCK)
    rng = np.random.default_rng(20_260_131)
    for block in np.split(again, 2):
        BLEND.sample(rng, block)
    assert again.tolist() == drawn(BLEND)[: again.size].tolist()


@pytest.mark.parametrize("size", [0, 1, 2, 3])
@pytest.mark.parametrize("law", [*STEADY, BLEND], ids=label)
def test_small_blocks_are_filled(law: Law, size: int) -> None:
    out = np.full(size, -1.0)
    law.sample(np.random.default_rng(0), out)
    assert (out >= 0.0).all()
    assert np.isfinite(out).all()


def test_small_blocks_of_a_blend_have_its_law() -> None:
    rng, out = np.random.default_rng(8), np.empty((20_000, 3))
    for row in out:
        BLEND.sample(rng, row)
    assert stats.kstest(out.ravel(), lambda t: 1.0 - BLEND.tail(t)).pvalue > 1e-4


@pytest.mark.parametrize("law", [*STEADY, BLEND], ids=label)
def test_samples_scale_with_the_mean(law: Law) -> None:
    one, other = np.empty(1000), np.empty(1000)
    law.sample(np.random.default_rng(1), one)
    replace(law, mean=1e-3).sample(np.random.default_rng(1), other)
    np.testing.assert_allclose(other / 1e-3, one / law.mean, rtol=1e-12)


@pytest.mark.parametrize("share", [1e-6, 1e-3, BALANCED, 0.3, 0.5, 0.6])
def test_every_uniform_number_gives_a_time(share: float) -> None:
    # At the ends of each kind's share a logarithm could be infinite or of the wrong sign.
    law = Hyperexponential(1.0, long_share=share, spread=0.25)
    least = 2.0**-53
    edge = math.floor(share / least) * least
    uniform = np.array([0.0, least, edge - least, edge, edge + least, edge + 2 * least, 1.0 - least])

    class Dice:
        def random(self, out: FloatArray) -> None:
            out[:] = uniform

    out = np.empty(uniform.size)
    dice: Any = Dice()
    law.sample(dice, out)
    assert np.isfinite(out).all()
    assert (out >= 0.0).all()
    long = uniform < share
    # One of 2⁵³ jobs of either kind is as long as that.
    assert out[~long].max() > law.short * math.log((1.0 - share) / (2.0 * least))
    assert out[long].max() > law.long * math.log(share / (2.0 * least))
