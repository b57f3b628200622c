"""Real ranks whose evaluations sleep: ``cd tests/bench; mpiexec -n 8 python -m ranks.real``.

Prints what the simulation calls `Findings`, of all ranks together, and what it says of a load
like this one.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from hmserve.executors.pool import prepared
from hmserve.executors.pooled import Pooled
from hmserve.journal.ledger import Row
from hmserve.ranks.network import Network, world
from hmserve.ranks.union import Union
from hmserve.serving.ranks import Job
from ranks import sampled
from ranks.exact import Simulation
from ranks.measure import scenario
from ranks.model import Costs, Findings, Load, quantile

_WARM: Final = 2.0
"""Seconds at the start, when libraries are loaded, that do not count."""


class Counted(Network):
    """A network that counts."""

    def __init__(self, comm: Any) -> None:
        super().__init__(comm)
        self.frames = self.bytes = 0
        self.sending = self.taking = 0.0

    def send(self, neighbour: int, frame: bytes) -> None:
        before = time.thread_time()
        super().send(neighbour, frame)
        self.sending += time.thread_time() - before
        self.frames += 1
        self.bytes += len(frame)

    def receive(self) -> list[tuple[int, bytes]]:
        before = time.thread_time()
        found = super().receive()
        if found:
            self.taking += time.thread_time() - before
        return found


class Ages:
    """How old the results of others are when they are heard."""

    def __init__(self) -> None:
        self.ages: list[float] = []
        self._seen = 0

    def __call__(self, union: Union) -> None:
        now = time.time()
        for row in union.rows[self._seen :]:
            if row.evaluation.trial.id < 0:
                self.ages.append(now - row.evaluation.details["finished"])
        self._seen = len(union.rows)


def work(network: Counted, directory: str, seconds: float, options: Any) -> dict[str, Any]:
    """Work as one rank; return what it has seen."""
    rng, ages = Random(network.rank), Ages()
    asked = scenario(
        directory,
        optimization_method=options.method,
        optimization_iterations=10**6,
        time_budget=options.seconds / 60,
        distributed={"interval": options.interval},
    )

    def evaluate(configuration: dict[str, float]) -> float:
        time.sleep(seconds * rng.uniform(0.5, 1.5))
        return sum(x * x for x in configuration.values())

    with (
        Job(asked, network, resume=False, keep=True) as job,
        ThreadPoolExecutor(1) as executor,
    ):
        pool = prepared(executor, evaluate, None)
        evaluator = Pooled(job.scenario, pool, lambda _: None, post=job.post_of(1))
        job.drive(evaluator, ages)
        rows = job.union.rows
    return {
        "spans": spans(rows, network.rank, job.plan.met),
        "ages": ages.ages,
        "frames": network.frames,
        "bytes": network.bytes,
        "cpu": time.process_time(),
        "send": network.sending / max(network.frames, 1),
        "take": network.taking / max(network.frames, 1),
    }


def spans(rows: Iterable[Row], rank: int, met: float) -> list[tuple[float, float]]:
    """Return when this rank evaluated, in seconds since the ranks met."""
    mine = [r.evaluation.details for r in rows if r.evaluation.details.get("worker") == rank]
    return sorted((d["started"] - met, d["finished"] - met) for d in mine)


def findings(reports: list[dict[str, Any]], seconds: float) -> Findings:
    """Return what all ranks have seen between the warming up and the end."""
    length, busy = seconds - _WARM, 0.0
    for report in reports:
        cut = [(max(a, _WARM), min(b, seconds)) for a, b in report["spans"]]
        busy += sum(max(b - a, 0.0) for a, b in cut)
    whole = seconds * len(reports)
    ages = [age for report in reports for age in report["ages"]]
    return Findings(
        busy / (length * len(reports)),
        quantile(ages, 0.5),
        quantile(ages, 0.99),
        sum(report["frames"] for report in reports) / whole,
        sum(report["bytes"] for report in reports) / whole,
        sum(report["cpu"] for report in reports) / whole,
    )


def line(name: str, found: Findings) -> str:
    """Return a row of a table."""
    ages = f"{1e3 * found.p50:.1f} | {1e3 * found.p99:.0f}"
    sent = f"{found.messages:.1f} | {found.bytes / 1e3:.2f}"
    return (
        f"| {name} | {found.utilisation:.4f} | {ages} | {sent} | {100 * found.thread:.1f} % |"
    )


def main() -> int:
    """Run, and print what was found on rank 0."""
    parser = argparse.ArgumentParser(prog="python -m ranks.real", description=__doc__)
    parser.add_argument("--evaluation", type=float, default=0.1, help="mean seconds of one")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--interval", type=float, default=0.02)
    parser.add_argument("--method", default="random_search")
    parser.add_argument("--ask", type=float, default=5e-4, help="what the simulation takes")
    parser.add_argument("--costs", type=Path, default=Path(__file__).parent / "costs.json")
    options = parser.parse_args()
    comm = world()
    network = Counted(comm)
    with TemporaryDirectory() as made:
        directory = comm.bcast(made)
        seen = work(network, directory, options.evaluation, options)
        reports = comm.gather(seen)
    if reports is None:
        return 0
    size = network.size
    found = findings(reports, options.seconds)
    costs = Costs.load(options.costs)
    load = Load(size, options.evaluation, 100)
    costs = costs.with_(interval=options.interval, asks=((1, options.ask),))
    said = sys.stdout.write
    said(f"| {size} ranks, {options.evaluation:g} s | utilisation | age p50 ms | p99 ms ")
    said("| messages/s | kB/s | CPU |\n|---|---|---|---|---|---|---|\n")
    said(line("measured", found) + "\n")
    said(line("every record", Simulation(load, costs).run(options.seconds)) + "\n")
    said(line("samples", sampled.simulate(load, costs)) + "\n")
    each = {name: max(report[name] for report in reports) for name in ("send", "take")}
    said(json.dumps(each) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
