"""Control checks: the samplers against their laws, the tables against the queues that have a closed form."""

import json
import subprocess
import tempfile

from laws import erlang_c, mg1_mean_wait, mmc_p95, service_quantile
from make import CONTROL, GOLDEN, LAWS, Row, Simulator

SAMPLES = 50_000_000


def check_samplers(simulator: Simulator) -> None:
    """Print each sampler's moments and 99.9 % quantile next to the closed forms."""
    print("law      scv    mean     scv seen   q99.9 seen / exact - 1")
    for seed, (name, scv) in enumerate([*LAWS, CONTROL]):
        command = [simulator.binary, "sample", name, str(scv), str(SAMPLES), str(seed)]
        seen = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        error = seen["q999"] / service_quantile((name, scv), 0.999) - 1
        print(f"{name:6s} {scv:5.2f}  {seen['mean']:.5f}  {seen['scv']:8.4f}   {100 * error:+.3f} %")


def compare(title: str, rows: list[Row], field: str, exact: list[float]) -> None:
    """Print how far the rows lie from the exact values, in per cent and in standard errors."""
    errors = [row[field] / value - 1 for row, value in zip(rows, exact, strict=True)]
    scores = [(row[field] - value) / row[f"{field}_se"] for row, value in zip(rows, exact, strict=True)]
    rms = (sum(z * z for z in scores) / len(scores)) ** 0.5
    worst = max(errors, key=abs)
    print(
        f"{title}: {len(rows)} cells, worst {100 * worst:+.2f} %, rms z {rms:.2f}, max |z| {max(map(abs, scores)):.2f}"
    )


def check_table() -> None:
    """Compare M/M/c and M/G/1 cells with Erlang C, the exact p95 and Pollaczek-Khinchine."""
    cells: list[Row] = json.loads((GOLDEN / "mgc_p95.json").read_text(encoding="utf-8"))["cells"]
    mmc = [row for row in cells if row["law"] == "exp"]
    delayed = [erlang_c(row["c"], row["rho"] * row["c"]) for row in mmc]
    compare("M/M/c p95", mmc, "p95", [mmc_p95(row["c"], row["rho"] * row["c"]) for row in mmc])
    compare("M/M/c P(wait > 0)", mmc, "p_wait", delayed)
    waits = [delay / (row["c"] * (1 - row["rho"])) for row, delay in zip(mmc, delayed, strict=True)]
    compare("M/M/c mean wait", mmc, "mean_wait", waits)
    mg1 = [row for row in cells if row["c"] == 1]
    compare("M/G/1 P(wait > 0)", mg1, "p_wait", [row["rho"] for row in mg1])
    for scv in sorted({row["scv"] for row in mg1}):
        group = [row for row in mg1 if row["scv"] == scv]
        exact = [mg1_mean_wait(scv, row["rho"]) for row in group]
        compare(f"M/G/1 mean wait, scv {scv:g}", group, "mean_wait", exact)


def main() -> None:
    """Run both checks."""
    with tempfile.TemporaryDirectory() as folder:
        check_samplers(Simulator(folder))
    check_table()


if __name__ == "__main__":
    main()
