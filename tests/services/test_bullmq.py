"""Real BullMQ workers on a real Redis: the source says what they did, also after the server was started anew."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from capacity_planner.errors import WorldError
from capacity_planner.registry import sources
from tests.services._frameworks import crew, node_with, wait_for
from tests.services._redis import redis_server
from tests.services._truth import Truth, assert_true, cost_of_a_job, first, looks, recovered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
QUEUE = "emails"
WORKERS, CONCURRENCY = 2, 2
COMMON = """
const fs = require("fs");
const url = new URL(process.env.REDIS_URL);
exports.connection = { host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null };
exports.sleep = seconds => new Promise(done => setTimeout(done, 1000 * seconds));
exports.write = (name, ...numbers) =>
  fs.appendFileSync(name + ".log", numbers.map(x => x.toFixed(6)).join(" ") + "\\n");
exports.now = () => Date.now() / 1000;
"""
WORKER = """
const { Worker } = require("bullmq");
const { connection, sleep, write, now } = require("./common.js");

const worker = new Worker("emails", async job => {
  const began = now();
  write("starts", began);
  await sleep(job.data.seconds);
  write("ends", now(), now() - began);
}, { connection, concurrency: 2 });
worker.on("error", error => console.log(error.message));
process.on("SIGTERM", () => process.exit());
"""
LOAD = """
const { Queue } = require("bullmq");
const { connection, sleep, write, now } = require("./common.js");

const [least, most, keep, ...phases] = process.argv.slice(2);
const queue = new Queue("emails", { connection, defaultJobOptions: { removeOnComplete: keep === "remove" } });
queue.on("error", error => console.log(error.message));
let state = 7;
const dice = () => (state = (state * 48271) % 2147483647) / 2147483647;
(async () => {
  let due = now();
  for (const phase of phases) {
    const [rate, span] = phase.split(":").map(Number);
    const end = due + span;
    for (;;) {
      const step = -Math.log(dice()) / rate;
      if (due + step >= end) { due = end; break; }
      due += step;
      await sleep(Math.max(0, due - now()));
      await queue.add("send", { seconds: Number(least) + (most - least) * dice() });
      write("arrivals", now());
    }
  }
})();
"""


@pytest.mark.parametrize("keep", ["keep", "remove"])
def test_bullmq_is_measured_within_five_percent_and_again_after_a_restart(keep: str, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(node_with("bullmq@6.7.0", "ioredis@6.0.0") / "node_modules")
    for name, text in {"common": COMMON, "worker": WORKER, "load": LOAD}.items():
        (tmp_path / f"{name}.js").write_text(text)
    truth, jobs = Truth(tmp_path), 200 if keep == "keep" else 110  # the last hundred or more are inferred from
    with redis_server() as server, crew(tmp_path, {"REDIS_URL": server.url}) as team:
        for _ in range(WORKERS):
            team.start("node", "worker.js")
        team.start("node", "load.js", "0.3", "0.9", keep, "4:24", "16:8", "4:60")
        wait_for("jobs", lambda: truth.durations(0, time.time()))
        source = sources.make("bullmq", {"url": server.url, "concurrency": CONCURRENCY})
        since = first(source, QUEUE)
        calm = looks(source, QUEUE, every=4, count=5)
        assert_true(truth, since, calm, workers=WORKERS, jobs=jobs)
        busy = looks(source, QUEUE, every=4, count=4)
        assert busy[-1].sample.backlog > 20
        cost = cost_of_a_job(truth, busy[1:], WORKERS * CONCURRENCY)
        assert_true(truth, calm[-1].at, busy, workers=WORKERS, jobs=jobs, cost=cost)
        server.stop()
        with pytest.raises(WorldError, match="does not answer"):
            source.collect(QUEUE, None, datetime.now(UTC))
        server.start()
        since = recovered(source, QUEUE, seconds=30)
        again = looks(source, QUEUE, every=4, count=4)
        cost = max(cost, cost_of_a_job(truth, again, WORKERS * CONCURRENCY))
        assert_true(truth, since, again, workers=WORKERS, jobs=jobs, cost=cost)
