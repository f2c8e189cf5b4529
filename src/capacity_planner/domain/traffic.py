"""Arrival rates over time, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from capacity_planner.fields import (
    CONFIG,
    Duration,
    Instant,
    NonNegative,
    PositiveDuration,
    Real,
    RealMark,
    Share,
    Slice,
)


class PatternType(StrEnum):
    """The shape of a traffic pattern; ``custom`` is an explicit list of rates."""

    CONSTANT = "constant"
    SINUSOIDAL = "sinusoidal"
    LINEAR = "linear"
    SPIKY = "spiky"
    DAILY = "daily"
    WEEKLY = "weekly"
    CUSTOM = "custom"


class SpikeShape(StrEnum):
    """How a spike rises and falls."""

    INSTANT = "instant"
    LINEAR = "linear"
    EXP = "exp"
    BELL = "bell"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSpike:
    """A discrete event of traffic.

    Attributes:
        start_time: when it begins.
        duration: how long it lasts.
        magnitude: multiple of the normal rate at its top (2.0 = twice).
        shape: instant, linear, exp or bell.
    """

    __pydantic_config__ = CONFIG

    start_time: Instant
    duration: PositiveDuration
    magnitude: Annotated[float, RealMark(ge=0)]
    shape: SpikeShape = SpikeShape.INSTANT


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficPattern:
    """An arrival rate over time: shape of the type, plus trend, times spikes, times noise; never below zero.

    Attributes:
        type: the shape; see the page on traffic patterns for each one's formula and picture.
        base_rate: baseline arrival rate [jobs/s].
        amplitude: swing around the baseline [jobs/s]; zero takes half of the baseline for ``daily`` and ``weekly``.
        period: length of a cycle; zero takes the shape's own.
        spikes: events on top.
        trend: growth [jobs/s per hour].
        noise: coefficient of variation of a random factor on the rate.
        noise_period: how long each factor lasts; zero takes five minutes.
        rates: an explicit shape, evenly spread over the cycle [jobs/s]; scaled to the mean ``base_rate`` unless that
            is zero. For ``custom`` (from the start on), ``daily`` (from midnight UTC) and ``weekly`` (from Monday).
    """

    __pydantic_config__ = CONFIG

    type: PatternType
    base_rate: NonNegative = 0.0
    amplitude: NonNegative = 0.0
    period: Duration = timedelta(0)
    spikes: Annotated[tuple[TrafficSpike, ...], Slice()] = ()
    trend: Real = 0.0
    noise: Share = 0.0
    rates: Annotated[tuple[NonNegative, ...], Slice()] = ()
    noise_period: Duration = timedelta(0)
