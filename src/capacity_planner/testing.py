"""The batteries that every plug-in must pass, ours and yours: call one from a test of your own.

Each check raises ``AssertionError`` with what does not hold.

    from capacity_planner.testing import check_queue_model

    def test_my_model() -> None:
        check_queue_model(MyModel())
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.domain.policy import PolicyTask, Seen
from capacity_planner.domain.series import ForecastTask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.contracts import ForecastModel, Policy, QueueModel
    from capacity_planner.domain.congestion import FloatArray

__all__ = ["check_forecast_model", "check_policy", "check_queue_model"]

_TASK = ForecastTask(ahead=(1, 6), interval=1800.0, periods=(48,), series=2)
_SERVICE = ServiceTime(mean=2.0, std=1.5)
_RATES = np.array([0.0, 0.3, 1.0, 4.4, 9.0, 45.0])
_SERVERS = np.array([0, 1, 2, 10, 19, 100])[:, None]
_FEWEST_KNOBS = 7
_PAST = np.full(9 * 1440, 10.0)
_QUEUE = PolicyTask(service_time=60.0, startup_delay=120.0, allowed_wait=30.0, min_workers=0, past=_PAST)


def check_queue_model(model: QueueModel) -> None:
    """Hold a queueing model to the promise of `QueueModel`."""
    _queue_fields(model)
    _queue_corners(model)
    _queue_tails(model)
    _queue_scale(model)
    _queue_sample(model)


def check_forecast_model(model: ForecastModel) -> None:
    """Hold a forecast model to the promise of `ForecastModel`."""
    rates = 10.0 + 5.0 * np.sin(np.arange(max(400, 2 * model.minimum_samples)) * 2.0 * np.pi / 48.0)
    rates[50:60] = np.nan
    two = np.stack([rates, 3.0 * rates[::-1]])
    assert isinstance(model.seasonal, bool), "seasonal says whether it learns from earlier days"
    _forecast_shapes(model, two)
    _forecast_reading(model, two)
    for level in (0.0, 7.0, 1e9):
        steady = model.start(_TASK)
        steady.read(np.full_like(two, level), np.ones_like(two))
        np.testing.assert_allclose(steady.predict((1, 6, 100)), level, rtol=1e-6, err_msg="what was steady stays")
    first = model.start(_TASK).read(two[:, :1], np.ones((2, 1)))
    assert (first >= 0).all(), "one rate is enough to say something"


def check_policy(policy: Policy) -> None:
    """Hold a scaling policy to the promise of `Policy`."""
    _policy_fields(policy)
    _policy_corners(policy)
    _policy_starts(policy)
    thrifty, generous = (_answers(policy, _QUEUE, knob, serving=10, busy=10, waiting=20) for knob in _ends(policy))
    assert sum(generous) >= sum(thrifty), "grid: the generous end wants no fewer workers than the thrifty one"
    np.testing.assert_array_equal(_PAST, 10.0, err_msg="the past is not changed")


def _forecast_shapes(model: ForecastModel, rates: FloatArray) -> None:
    given, weights = rates.copy(), np.ones_like(rates)
    state = model.start(_TASK)
    made = state.read(rates, weights)
    assert made.shape == (*rates.shape, 2), "read has one row an origin and one column a horizon"
    np.testing.assert_array_equal(rates, given, err_msg="the input is not changed")
    assert state.predict((1, 2, 3)).shape == (2, 3), "predict has one value a horizon"
    np.testing.assert_allclose(state.predict((1, 6)), made[:, -1], err_msg="predict says what read said last")
    assert np.isfinite(made[:, model.minimum_samples :]).all(), "a gap in the rates is no gap in the forecast"
    assert (made[np.isfinite(made)] >= 0).all(), "a rate is never negative"


def _forecast_reading(model: ForecastModel, rates: FloatArray) -> None:
    """A row may know the series up to its origin, however it is read and whatever is read beside it."""
    weights = np.ones_like(rates)
    whole = model.start(_TASK).read(rates, weights)
    state, cuts = model.start(_TASK), [0, 1, 2, 60, 100, 101, 333, rates.shape[1]]
    parts = [state.read(rates[:, at:end], weights[:, at:end]) for at, end in itertools.pairwise(cuts)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-6, err_msg="cuts make no difference")
    alone = model.start(dataclasses.replace(_TASK, series=1)).read(rates[1:], weights[1:])
    np.testing.assert_allclose(alone[0], whole[1], rtol=1e-6, err_msg="a series does not know those beside it")


def _queue_fields(model: QueueModel) -> None:
    state = model.solve(_RATES, _SERVERS, _SERVICE)
    shape = np.broadcast_shapes(_RATES.shape, _SERVERS.shape)
    for name in state.__dataclass_fields__:
        values = getattr(state, name)
        assert values.shape == shape, f"{name} has the broadcast shape"
        assert not np.isnan(values).any(), f"{name} is never NaN"
        assert (values >= 0).all(), f"{name} is never negative"
    stable = np.isfinite(state.wait)
    mean = model.service_law(_SERVICE).mean
    np.testing.assert_allclose(state.response[stable], state.wait[stable] + mean, err_msg="W = W_q + E[S]")
    rates = np.broadcast_to(_RATES, shape)[stable]
    np.testing.assert_allclose(
        state.queue_length[stable], rates * state.wait[stable], rtol=1e-9, err_msg="Little's law: L_q = λ W_q"
    )


def _queue_corners(model: QueueModel) -> None:
    law = model.service_law(_SERVICE)
    idle = model.solve(0.0, 3, _SERVICE)
    assert float(idle.wait) == 0.0, "nobody waits where nothing arrives"
    assert np.isclose(float(idle.p95_response), law.quantile(0.95)), "the response is then the service alone"
    full = model.solve(5.0, 10, _SERVICE)
    assert np.isinf(float(full.wait)), "at ρ = 1 the wait is infinite"
    assert float(full.probability_of_wait) == 1.0, "at ρ = 1 everybody waits"
    assert float(full.throughput) == 5.0, "servers pass on at most c·μ"
    assert float(model.response_tail(9.0, 5.0, 10, _SERVICE)) == 1.0, "an unstable queue is always late"


def _queue_tails(model: QueueModel) -> None:
    times = np.linspace(0.0, 30.0, 61)
    for tail in (model.response_tail, model.wait_tail):
        values = tail(times, 4.4, 10, _SERVICE)
        assert ((values >= 0) & (values <= 1)).all(), "a tail is a probability"
        assert (np.diff(values) <= 1e-9).all(), "a tail falls with time"
        by_servers = tail(3.0, 4.4, np.arange(9, 40), _SERVICE)
        assert (np.diff(by_servers) <= 1e-12).all(), "a tail falls as servers are added"
    state = model.solve(4.4, np.array([9, 10, 14]), _SERVICE)
    late = model.response_tail(state.p95_response, 4.4, np.array([9, 10, 14]), _SERVICE)
    np.testing.assert_allclose(late, 0.05, rtol=1e-4, err_msg="5 % of jobs are later than the p95")


def _queue_scale(model: QueueModel) -> None:
    slower = ServiceTime(mean=20.0, std=15.0)
    fast, slow = model.solve(4.4, 10, _SERVICE), model.solve(0.44, 10, slower)
    np.testing.assert_allclose(
        slow.p95_response, 10.0 * fast.p95_response, rtol=1e-9, err_msg="all times ten times longer, the p95 too"
    )


def _queue_sample(model: QueueModel) -> None:
    law, times = model.service_law(_SERVICE), np.empty(20_000)
    law.sample(np.random.default_rng(1), times)
    error = (times.mean() - law.mean) / (law.mean * np.sqrt(max(law.scv, 1e-12) / len(times)))
    assert abs(error) < 5.0, "service times are drawn with the law's mean"
    late = np.mean(times > law.quantile(0.95) * (1.0 + 1e-9))
    assert abs(late - min(0.05, float(law.tail(law.quantile(0.95))))) < 0.01, "and with its p95"


def _policy_fields(policy: Policy) -> None:
    assert policy.name, "name: registering gives it"
    assert policy.title, "title: says in words what it is"
    assert policy.knob, "knob: says in words what it is"
    assert policy.period > 0, "period: seconds between decisions"
    assert len(policy.grid) >= _FEWEST_KNOBS, f"grid: at least {_FEWEST_KNOBS} values, or a sweep says little"
    steps = np.diff(policy.grid)
    assert (steps > 0).all() or (steps < 0).all(), "grid: goes one way, from thrifty to generous"
    assert min(policy.grid) <= policy.default <= max(policy.grid), "default: lies within the grid"


def _policy_corners(policy: Policy) -> None:
    """Whatever is seen, the answer is a number of workers."""
    idle = dataclasses.replace(_QUEUE, past=np.zeros(9 * 1440))
    new = dataclasses.replace(_QUEUE, past=np.zeros(0))
    short = dataclasses.replace(_QUEUE, past=np.full(3, 10.0), concurrency=4)
    huge = dataclasses.replace(_QUEUE, past=np.full(9 * 1440, 1e12))
    for knob in (*_ends(policy), policy.default):
        for task in (idle, new, short):
            _answers(policy, task, knob, serving=0)
            _answers(policy, task, knob, serving=5)
            _answers(policy, task, knob, serving=0, ordered=3, waiting=7)
            _answers(policy, task, knob, serving=0, waiting=7)
        _answers(policy, huge, knob, serving=10**6, busy=10**6, waiting=10**12)


def _policy_starts(policy: Policy) -> None:
    """What is started knows nothing of what was started before or beside it."""
    alone, again = (_answers(policy, _QUEUE, policy.default, serving=10, busy=10, waiting=20) for _ in range(2))
    assert alone == again, "the same sights give the same answers from a fresh start"
    one, other = policy.start(_QUEUE, policy.default), policy.start(_QUEUE, policy.default)
    busy = _sights(policy, _QUEUE, serving=10, busy=10, waiting=20)
    beside = []
    for seen, idle in zip(busy, _sights(policy, _QUEUE, serving=90), strict=True):
        beside.append(one(seen))
        other(idle)
    assert beside == alone, "two that are started share nothing"


def _ends(policy: Policy) -> tuple[float, float]:
    return policy.grid[0], policy.grid[-1]


def _answers(policy: Policy, task: PolicyTask, knob: float, **sight: int) -> list[float]:
    decide = policy.start(task, knob)
    answers = [decide(seen) for seen in _sights(policy, task, **sight)]
    assert np.isfinite(answers).all(), "the workers wanted are a finite number"
    assert min(answers) >= 0, "the workers wanted are never negative"
    return answers


def _sights(
    policy: Policy, task: PolicyTask, *, serving: int, ordered: int | None = None, busy: int = 0, waiting: int = 0
) -> Iterator[Seen]:
    """Half an hour in which nothing changes but the time, in which as many jobs arrive as did in the past."""
    rate = task.past[-1:] if len(task.past) else np.zeros(1)
    for now in np.arange(0.0, 1800.0, policy.period).tolist():
        yield Seen(
            now=now,
            ordered=serving if ordered is None else ordered,
            serving=serving,
            busy=busy,
            waiting=waiting,
            utilization=min(busy / (serving * task.concurrency), 1.0) if serving else 1.0,
            counts=np.concatenate([task.past, np.repeat(rate, max(int(now / task.interval) - 1, 0))]),
        )
