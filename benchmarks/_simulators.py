"""M/M/c as other simulators have it: their programs, and the driver that times one in a process of its own."""

from __future__ import annotations

from typing import NamedTuple


class Peer(NamedTuple):
    """What pip installs; the jobs of a run; ``simulate(servers, jobs, seed)``, which returns the response times."""

    package: str
    jobs: int
    program: str


CIMBA = """
import cimba as cb

def simulate(servers, jobs, seed):
    model = Queue()
    model.gap, model.jobs = 1.0 / (LOAD * servers), jobs
    model.response.capture()
    results = cb.Experiment(model, window=cb.Window.until_idle(), seed=seed).run(workers=1)
    assert not results.failed.any(), results.failure_reasons
    return results[model].response.trial(0, 0)[1]
"""
PEERS = {
    "SimPy": Peer(
        "simpy",
        100_000,
        """
from random import Random
import simpy

def simulate(servers, jobs, seed):
    env, expovariate, responses = simpy.Environment(), Random(seed).expovariate, []
    crew = simpy.Resource(env, capacity=servers)

    def job(arrived):
        request = crew.request()
        yield request
        yield env.timeout(expovariate(1.0))
        crew.release(request)
        responses.append(env.now - arrived)

    def source():
        for _ in range(jobs):
            yield env.timeout(expovariate(LOAD * servers))
            env.process(job(env.now))

    env.process(source())
    env.run()
    return responses
""",
    ),
    "Ciw": Peer(
        "ciw",
        50_000,
        """
import ciw

def simulate(servers, jobs, seed):
    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=LOAD * servers)],
        service_distributions=[ciw.dists.Exponential(rate=1.0)],
        number_of_servers=[servers],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(jobs / (LOAD * servers))
    return [record.exit_date - record.arrival_date for record in simulation.get_all_records()]
""",
    ),
    "Cimba, processes": Peer(
        "cimba",
        2_000_000,
        CIMBA
        + """
class Queue(cb.Model):
    gap: cb.Param[float] = 1.0
    jobs: cb.Param[int] = 1
    store: cb.Store[float] = cb.Store()
    response: cb.Dataset = cb.Dataset()

    @cb.process
    def source(self):
        for _ in range(self.jobs):
            cb.hold(cb.random.exponential(self.gap))
            self.store.put(cb.now())

    @cb.process(copies=SERVERS)
    def server(self):
        while True:
            arrived = self.store.get()
            cb.hold(cb.random.exponential(1.0))
            self.response.record(cb.now() - arrived)
""",
    ),
    "Cimba, events": Peer(
        "cimba",
        2_000_000,
        CIMBA
        + """
class Queue(cb.Model):
    gap: cb.Param[float] = 1.0
    jobs: cb.Param[int] = 1
    waiting: cb.Array[float] = cb.Array(1 << 16)  # a ring: far more than ever wait at this load
    came: int = 0
    begun: int = 0
    busy: int = 0
    response: cb.Dataset = cb.Dataset()

    @cb.on_start
    def open(self):
        cb.schedule(self.arrive, cb.random.exponential(self.gap))

    @cb.event
    def arrive(self):
        if self.busy < SERVERS:
            self.busy += 1
            self.begun += 1
            service = cb.random.exponential(1.0)
            self.response.record(service)
            cb.schedule(self.depart, service)
        else:
            self.waiting[self.came & 65535] = cb.now()
        self.came += 1
        if self.came < self.jobs:
            cb.schedule(self.arrive, cb.random.exponential(self.gap))

    @cb.event
    def depart(self):
        if self.begun < self.came:
            service = cb.random.exponential(1.0)
            self.response.record(cb.now() + service - self.waiting[self.begun & 65535])
            self.begun += 1
            cb.schedule(self.depart, service)
        else:
            self.busy -= 1
""",
    ),
}
DRIVER = """
import json, sys, time
from importlib.metadata import version

LOAD, SERVERS, jobs, seed = json.loads(sys.argv[1])

{program}

simulate(SERVERS, 1000, seed)
began = time.process_time()
found = simulate(SERVERS, jobs, seed)
took = time.process_time() - began
ordered = sorted(found if isinstance(found, list) else found.tolist())
print(json.dumps([took, ordered[int(0.95 * len(ordered))], len(found), version(sys.argv[2])]))
"""
