"""The simulator against queueing theory, within what its own replications allow.

A cell is the mean of independent replications less what is exact, over its standard error, as the normal deviate of
the same probability under Student's t. A sum over jobs is compared with as many times the expectation, so that the
ratio of two random sums has no bias. Of all cells some are outside 99 % by chance: as many as a binomial allows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest
from scipy import integrate, special, stats

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.queueing import _mdc
from capacity_planner.queueing._families import law_of_family
from capacity_planner.queueing._laws import Deterministic, Exponential
from capacity_planner.queueing.mmc import MMC
from capacity_planner.simulation._curve import RateCurve
from capacity_planner.simulation.arrivals import PoissonArrivals
from capacity_planner.simulation.engine import Experiment, run
from capacity_planner.simulation.tiers import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.queueing._law import Law
    from capacity_planner.simulation._tally import Outcome

pytestmark = pytest.mark.slow

Cells: TypeAlias = dict[str, float]

FUTURES = 12
WARM = 0.2
"""Share of a run that is let pass before anything is counted, where it cannot begin in its steady state."""
UNIT = ServiceTime(mean=1.0)
FAR = 4.0


def deviate(values: Any) -> float:
    """How far the mean of independent values is from 0."""
    found = np.asarray(values, dtype=float)
    student = found.mean() / (found.std(ddof=1) / math.sqrt(len(found)))
    return float(-np.sign(student) * special.ndtri(stats.t.sf(abs(student), len(found) - 1)))


def steady(rate: float, jobs: float, law: Law, *, batch: int = 1, **settings: Any) -> Experiment:
    """A constant rate; the first interval is the warm-up."""
    end = jobs / rate
    arrivals = PoissonArrivals(RateCurve(np.array([0.0, end]), np.array([rate])), batch=batch)
    return Experiment(edges=np.array([0.0, WARM * end, end]), arrivals=arrivals, law=law, **settings)


def futures(case: Experiment) -> list[Outcome]:
    return [run(case, PLAIN, replication=future) for future in range(FUTURES)]


def stationary_jobs(servers: int, load: float, dice: np.random.Generator) -> int:
    """Jobs in M/M/c at a random moment; as service has no memory, a run that begins with them is in steady state."""
    count = np.arange(servers + math.ceil(60.0 / (1.0 - load / servers)))
    logs = np.log(load) * count - special.gammaln(np.minimum(count, servers) + 1.0)
    weights = np.exp(logs - np.maximum(count - servers, 0) * math.log(servers))
    return int(dice.choice(count, p=weights / weights.sum()))


def mmc_cells(servers: int, rho: float) -> Cells:
    load = rho * servers
    theory, dice = MMC().solve(load, servers, UNIT), np.random.default_rng(round(1e3 * load))
    wait, waits, p95 = float(theory.wait), float(theory.probability_of_wait), float(theory.p95_response)
    case = steady(load, 150_000.0, Exponential(1.0), workers=servers, target=p95, seed=round(1e3 * load))
    case, end = replace(case, edges=case.edges[[0, -1]]), float(case.edges[-1])
    found, early = [], []
    for future in range(FUTURES):
        backlog = stationary_jobs(servers, load, dice)
        early.append(max(backlog - servers, 0))
        found.append(run(replace(case, backlog=backlog), PLAIN, replication=future))
    return {
        "wait": deviate([float(one.response[0]) - (wait + 1.0) * one.arrived[0] for one in found]),
        "share": deviate([one.waited - late - waits * one.arrived[0] for one, late in zip(found, early, strict=True)]),
        "slow": deviate([one.late[0] - 0.05 * one.arrived[0] for one in found]),
        "p95": deviate([one.p95[0] - p95 for one in found]),
        "queue": deviate([one.waiting[0] / end - load * wait for one in found]),
        "busy": deviate([one.busy[0] / end - load for one in found]),
    }


def queue_cells(case: Experiment, queue: float) -> Cells:
    span = float(case.edges[-1] - case.edges[1])
    return {"queue": deviate([one.waiting[1] / span - queue for one in futures(case)])}


def mg1_cells(family: str, scv: float, rho: float, seed: int) -> Cells:
    """Pollaczek (1930), Khinchine (1932)."""
    law = law_of_family(family, ServiceTime(mean=1.0, std=math.sqrt(scv)))
    queue = 0.5 * rho * rho * (1.0 + scv) / (1.0 - rho)
    return queue_cells(steady(rho, 200_000.0, law, workers=1, seed=seed), queue)


def mdc_cells(servers: int) -> Cells:
    """Spitzer (1956)."""
    load = 0.9 * servers
    case = steady(load, 150_000.0, Deterministic(1.0), workers=servers, seed=servers)
    return queue_cells(case, load * _mdc.mean_wait(servers, load))


def batch_cells(batch: int) -> Cells:
    """M^[k]/M/1: L = ρ (k + 1)/(2 (1 - ρ)), of which ρ is in service (Gross et al. 2008, section 3.1)."""
    rho = 0.6
    case = steady(rho, 250_000.0, Exponential(1.0), workers=1, batch=batch, seed=batch)
    return queue_cells(case, 0.5 * rho * (batch + 1.0) / (1.0 - rho) - rho)


def impatient(servers: int, load: float, patience: float) -> tuple[float, float]:
    """P(a job gives up) and L_q of M/M/c + D.

    The virtual wait of an arrival has the density π e^(a min(x, D) - c x), π = a P(c - 1 busy): level crossing, as
    only those join who find less than D (Barrer 1957 for c = 1; Baccelli and Hebuterne 1981).
    """
    waits = integrate.quad(lambda x: math.exp((load - servers) * x), 0.0, patience, epsabs=1e-13)[0]
    longer = math.exp((load - servers) * patience) / servers
    idle = load ** np.arange(servers) / special.gamma(np.arange(servers) + 1.0)
    density = load * idle[-1] / (idle.sum() + load * idle[-1] * (waits + longer))
    partly = integrate.quad(lambda x: x * math.exp((load - servers) * x), 0.0, patience, epsabs=1e-13)[0]
    return float(density * longer), float(load * density * (partly + patience * longer))


def test_the_formula_for_impatience_has_its_known_ends() -> None:
    erlang = MMC().solve(3.0, 4, UNIT)
    assert impatient(4, 3.0, 60.0) == pytest.approx((0.0, float(erlang.queue_length)))
    # No patience is Erlang's loss: B(4, 3) = 27/131; M/M/1 + D at ρ = 1: P = 1/(2 + μ D).
    assert impatient(4, 3.0, 0.0) == pytest.approx((27.0 / 131.0, 0.0))
    assert impatient(1, 1.0, 3.0)[0] == pytest.approx(1.0 / 5.0)


def patience_cells(servers: int, patience: float, rho: float, seed: int) -> Cells:
    share, queue = impatient(servers, rho * servers, patience)
    case = steady(rho * servers, 120_000.0, Exponential(1.0), workers=servers, patience=patience, seed=seed)
    found, span = futures(case), float(case.edges[-1] - case.edges[1])
    cells = {"gone": deviate([one.gone[1] - share * one.arrived[1] for one in found])}
    if patience:
        cells["queue"] = deviate([one.waiting[1] / span - queue for one in found])
    return cells


def exponential_lag(time: float) -> float:
    """Of sin t for exponential service of mean 1, as an antiderivative in t."""
    return -0.5 * (math.cos(time) + math.sin(time))


def even_lag(time: float) -> float:
    """The same for a service time of just 1: ∫ from t - 1 to t of sin."""
    return math.sin(time - 1.0) - math.sin(time)


def infinite_cells(law: Law, lag: Callable[[float], float]) -> Cells:
    """M_t/G/∞ at λ(t) = 200 + 80 sin t; the mean of busy servers by Eick, Massey and Whitt (1993)."""
    phases, periods, lead = 8, 30, 3
    steps = np.linspace(0.0, 2.0 * math.pi * periods, 2_000 * periods + 1)
    rates = 200.0 - 80.0 * np.diff(np.cos(steps)) / np.diff(steps)
    edges = np.linspace(0.0, steps[-1], phases * periods + 1)
    case = Experiment(edges=edges, arrivals=PoissonArrivals(RateCurve(steps, rates)), law=law, workers=1_000, seed=5)
    found = futures(case)
    assert all(one.waited == 0 for one in found)
    cells: Cells = {}
    for phase in range(phases):
        begin, end = edges[phase : phase + 2].tolist()
        exact = 200.0 * (end - begin) + 80.0 * (lag(end) - lag(begin))
        cells[str(phase)] = deviate([one.busy[lead * phases + phase :: phases].mean() - exact for one in found])
    return cells


def crowded(servers: int, rate: float, end: float, *, backlog: int) -> Experiment:
    """All servers busy at time 0, and so many jobs waiting."""
    edges = np.linspace(0.0, end, 11)
    arrivals = PoissonArrivals(RateCurve(edges[[0, -1]], np.array([rate])))
    return Experiment(
        edges=edges, arrivals=arrivals, law=Exponential(1.0), workers=servers, backlog=servers + backlog, seed=6
    )


def overload_cells() -> Cells:
    """As long as all are busy E[Q(t)] = Q(0) + (λ - cμ) t, and the variance of Q(t) is (λ + cμ) t."""
    servers, rate, ahead = 2_000, 2_400.0, 400
    case = crowded(servers, rate, 20.0, backlog=ahead)
    found, (begins, ends) = futures(case), (case.edges[:-1], case.edges[1:])
    fluid = ahead * (ends - begins) + 0.5 * (rate - servers) * (ends**2 - begins**2)
    apart = 5.0 * np.sqrt((rate + servers) * ends) * (ends - begins)
    for one in found:
        assert (abs(one.waiting - fluid) < apart).all()
        np.testing.assert_allclose(one.busy, servers * (ends - begins), rtol=1e-9)
    return {str(i): deviate([one.waiting[i] - fluid[i] for one in found]) for i in (0, 4, 9)}


def drain_cells() -> Cells:
    """From B waiting jobs to a free server it takes (B + 1)/(cμ - λ) on average, by Wald (1944): a random walk.

    In that time every arrival waits, and ∫ Q dt is B²/(2δ) + B (cμ + λ)/(2δ²), δ = cμ - λ. Later hardly anybody waits.
    """
    servers, rate, ahead = 100, 20.0, 5_000
    spare = servers - rate
    found = futures(crowded(servers, rate, 90.0, backlog=ahead))
    area = ahead**2 / (2.0 * spare) + ahead * (servers + rate) / (2.0 * spare**2)
    assert all(one.waiting[-2:].sum() < 1.0 for one in found)
    return {
        "time": deviate([(one.waited - ahead) / rate - (ahead + 1.0) / spare for one in found]),
        "area": deviate([one.waiting.sum() - area for one in found]),
    }


LOADS = {1: (0.5, 0.8, 0.9), 2: (0.5, 0.8, 0.9), 4: (0.5, 0.8, 0.9), 20: (0.8, 0.9, 0.95), 100: (0.9, 0.95, 0.98)}
FAMILIES = {
    "deterministic": (0.0,),
    "gamma": (0.25, 1.0, 4.0, 10.0),
    "lognormal": (0.25, 1.0, 4.0),
    "hyperexponential": (4.0, 10.0),
}
ONE_SERVER = [(family, scv, rho) for family, scvs in FAMILIES.items() for scv in scvs for rho in (0.4, 0.7)]
IMPATIENT = [(c, d, rho) for c, d in ((1, 0.0), (1, 2.0), (4, 0.5), (20, 0.3)) for rho in (0.8, 1.0, 1.3)]
QUEUES: dict[str, Callable[[], Cells]] = {
    **{f"M/M/{c} {rho}": partial(mmc_cells, c, rho) for c, rhos in LOADS.items() for rho in rhos},
    **{f"M/{law[0]} {law[1]}/1 {law[2]}": partial(mg1_cells, *law, seed) for seed, law in enumerate(ONE_SERVER)},
    **{f"M/D/{c}": partial(mdc_cells, c) for c in (2, 10, 40)},
    **{f"M^[{k}]/M/1": partial(batch_cells, k) for k in (1, 2, 5, 30)},
    **{f"M/M/{q[0]}+D {q[1]} {q[2]}": partial(patience_cells, *q, seed) for seed, q in enumerate(IMPATIENT)},
    "M_t/M/∞": partial(infinite_cells, Exponential(1.0), exponential_lag),
    "M_t/D/∞": partial(infinite_cells, Deterministic(1.0), even_lag),
    "overload": overload_cells,
    "drain": drain_cells,
}


@cache
def cells_of(queue: str) -> Cells:
    return QUEUES[queue]()


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_is_that_of_theory(queue: str) -> None:
    assert {name: z for name, z in cells_of(queue).items() if not abs(z) < FAR} == {}


def test_no_more_cells_are_outside_99_percent_than_chance_puts_there() -> None:
    deviates = {f"{queue} {name}": z for queue in QUEUES for name, z in cells_of(queue).items()}
    outside = {name: z for name, z in deviates.items() if not abs(z) < special.ndtri(0.995)}
    assert len(outside) <= stats.binom.ppf(0.999, len(deviates), 0.01), outside
