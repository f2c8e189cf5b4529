"""The delay of those who wait, on a lattice whose mean and variance are those of the law however coarse it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from capacity_planner.queueing._special import gauss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.queueing._law import Law

ComplexArray: TypeAlias = "NDArray[np.complex128]"

_POINTS = 2048
# r^(2N): what wraps around the FFT is damped by it, rounding is raised by its square root.
_TILT = 1e-10
_RATIO = 1.1
_GAUSS = 4
_GONE = -40.0
# What linear splitting can add at most, half of h²/4; rounding can exceed it where SCV is in the thousands.
_LARGEST_GAP = 0.125
# A lattice finer than this, in units of E[S]/c, would be made of rounding errors.
_SHORTEST = 1e-6


@dataclass(frozen=True, eq=False)
class FirstDelay:
    """R, the least of c independent residual lives, in units of E[S].

    Attributes:
        edges: times x from 0.
        tail: P(R > x).
        capped: E[min(R, x)].
        capped_integral: the integral of that from 0 to x.
    """

    edges: FloatArray
    tail: FloatArray
    capped: FloatArray
    capped_integral: FloatArray

    @property
    def mean(self) -> float:
        """E[R]."""
        return float(self.capped[-1])

    def capped_at(self, x: FloatArray) -> FloatArray:
        """E[min(R, x)] by Hermite's cubic: its slope P(R > x) is known."""
        index = np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, len(self.edges) - 2)
        width = self.edges[index + 1] - self.edges[index]
        s = np.minimum((x - self.edges[index]) / width, 1.0)
        rise = self.capped[index + 1] - self.capped[index]
        slope, end = self.tail[index] * width, self.tail[index + 1] * width
        return self.capped[index] + s * (slope + s * (3.0 * rise - 2.0 * slope - end + s * (slope + end - 2.0 * rise)))

    def capped_integral_at(self, x: float) -> float:
        """The integral of E[min(R, u)] from 0 to x."""
        if x >= self.edges[-1]:
            return float(self.capped_integral[-1] + (x - self.edges[-1]) * self.capped[-1])
        index = int(np.searchsorted(self.edges, x, side="right")) - 1
        node, weight = gauss(_GAUSS)
        half = 0.5 * (x - self.edges[index])
        inside = self.capped_at(self.edges[index] + half * (node + 1.0))
        return float(self.capped_integral[index] + half * (weight @ inside))


@lru_cache(maxsize=256)
def first_delay(law: Law, servers: float) -> FirstDelay:
    """R of a law with mean 1, integrated over panels that grow geometrically.

    Args:
        law: of the service time, with mean 1.
        servers: c.

    >>> from capacity_planner.queueing._laws import Exponential
    >>> f"{first_delay(Exponential(1.0), 4.0).mean:.9f}"
    '0.250000000'
    """
    edges = _panel_edges(law, servers)
    node, weight = gauss(_GAUSS)
    half = 0.5 * np.diff(edges)[:, None]
    x = edges[:-1, None] + half * (node + 1.0)
    tail = law.residual_tail(x) ** servers
    capped = _cumulated((half * weight * tail).sum(axis=1))
    # ∫₀ˣ E[min(R, u)] du = x E[min(R, x)] - ∫₀ˣ u P(R > u) du
    integral = edges * capped - _cumulated((half * weight * tail * x).sum(axis=1))
    return FirstDelay(edges, law.residual_tail(edges) ** servers, capped, integral)


def _panel_edges(law: Law, servers: float) -> FloatArray:
    reach = np.geomspace(1e-3 / servers, 1e20, 200)
    with np.errstate(divide="ignore"):
        gone = servers * np.log(law.residual_tail(reach)) < _GONE
    last = float(reach[int(np.argmax(gone))]) if gone.any() else 1e20
    first = 1e-6 / servers * min(1.0, 1.0 / (1.0 + law.scv) ** 2)
    count = math.ceil(math.log(last / first) / math.log(_RATIO))
    return np.concatenate([[0.0], np.geomspace(first, last, count + 1)])


def _cumulated(parts: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(parts)])


@dataclass(frozen=True, eq=False)
class Lattice:
    """Tails of D and of D + S at multiples of a step, in units of E[S].

    Attributes:
        step: h.
        delay: P(D > j h).
        response: P(D + S > j h).
    """

    step: float
    delay: FloatArray
    response: FloatArray

    @classmethod
    def of(cls, law: Law, servers: float, load: float, first: FirstDelay, reach: float) -> Lattice:
        """The tails up to a time somewhat beyond ``reach``.

        Args:
            law: of S, with mean 1.
            servers: c.
            load: a [erlang], less than c.
            first: R.
            reach: the time that must lie on the lattice.

        References:
            Gerber (1982), Insurance: Math. Econ. 1:13-18, local moment matching.
        """
        step = max(reach, _SHORTEST / servers) / (_POINTS - 4)
        x: FloatArray = step * np.arange(_POINTS + 1, dtype=float)
        rest = law.residual_capped(servers * x) / servers
        rest_integral = float(law.residual_capped_integral(np.asarray(servers * x[-1]))) / servers**2
        later = _transform_less_one(rest, rest_integral, step)
        if servers == 1.0:
            start = later
        else:
            start = _transform_less_one(first.capped_at(x), first.capped_integral_at(float(x[-1])), step)
        # (1 - ρ) m/(1 - ρ g), m and g the transforms of R and Y, where neither 1 - ρ nor 1 - g may lose digits.
        delay = (servers - load) * (1.0 + start) / ((servers - load) - load * later)
        service = np.fft.rfft(_box_served(law, step) * _damping(), 2 * _POINTS)
        # The box average below widens S by h²/12, which this takes back.
        served = _back(delay * service * (1.0 - _second_difference() / 24.0))
        mass = _back(delay)
        return cls(step, 1.0 - np.cumsum(mass) + 0.5 * mass, 1.0 - served)

    def delay_tail(self, time: float) -> float:
        """P(D > t)."""
        return _interpolate(self.delay, time / self.step)

    def response_tail(self, time: float) -> float:
        """P(D + S > t)."""
        return _interpolate(self.response, time / self.step)


def _box_served(law: Law, step: float) -> FloatArray:
    """P(S ≤ j h) averaged over a step around each point, from E[min(S, x)] = P(S_e ≤ x)."""
    middle = step * (np.arange(_POINTS) + 0.5)
    capped = 1.0 - law.residual_tail(middle)
    late = np.diff(capped, prepend=-0.5 * step) / step
    return 1.0 - late


def _transform_less_one(capped: FloatArray, integral: float, step: float) -> ComplexArray:
    """The tilted transform of a law split onto the lattice so that mean and variance are kept, less 1.

    Linear splitting keeps the mean; what it adds to the second moment is twice the gap between the integral of
    E[min(X, x)] and its trapezoids, and a second difference takes it back.
    """
    mass = np.empty(_POINTS)
    mass[0] = -capped[1] / step
    mass[1:] = (2.0 * capped[1:-1] - capped[:-2] - capped[2:]) / step
    gap = (integral - step * (capped.sum() - 0.5 * (capped[0] + capped[-1]))) / step**2
    transform: ComplexArray = np.fft.rfft(mass * _damping(), 2 * _POINTS)
    narrower = min(max(gap, 0.0), _LARGEST_GAP) * _second_difference()
    narrowed: ComplexArray = transform * (1.0 - narrower) - narrower
    return narrowed


@cache
def _damping() -> FloatArray:
    powers: FloatArray = np.exp(math.log(_TILT) / (2 * _POINTS) * np.arange(_POINTS, dtype=float))
    return powers


@cache
def _second_difference() -> ComplexArray:
    z = np.exp(math.log(_TILT) / (2 * _POINTS) - 1j * math.pi / _POINTS * np.arange(_POINTS + 1))
    difference: ComplexArray = (z - 1.0) ** 2
    return difference


def _back(transform: ComplexArray) -> FloatArray:
    masses: FloatArray = np.fft.irfft(transform, 2 * _POINTS)[:_POINTS] / _damping()
    return masses


def _interpolate(values: FloatArray, position: float) -> float:
    """Cubic through the four points around a position, Lagrange's weights."""
    position = min(position, len(values) - 1.0)
    start = min(max(int(position) - 1, 0), len(values) - 4)
    s = position - start
    weights = np.array(
        [
            -(s - 1.0) * (s - 2.0) * (s - 3.0) / 6.0,
            s * (s - 2.0) * (s - 3.0) / 2.0,
            -s * (s - 1.0) * (s - 3.0) / 2.0,
            s * (s - 1.0) * (s - 2.0) / 6.0,
        ]
    )
    return float(np.clip(weights @ values[start : start + 4], 0.0, 1.0))
