"""What the exchange costs here: ``cd tests/bench; mpiexec -n 2 python -m ranks.measure``.

Prints the entries of `costs.json` that can be measured, in seconds of CPU time, so that a busy
machine says the same as a quiet one; but for `latency`, which is wall time, the least of many.
"""

import itertools
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hmserve.engine.build import build_ranked, shared_design
from hmserve.engine.rank import Rank
from hmserve.exchange.member import Member, Outcome
from hmserve.exchange.records import Format
from hmserve.exchange.sieve import Sieve
from hmserve.journal.ledger import Row
from hmserve.ranks.network import Network, world
from hmserve.ranks.tables import Found, Tables
from hmserve.ranks.translator import Translator
from hmserve.ranks.union import Union
from hmserve.scenario import Scenario
from hmserve.trial import OUTSIDE, Trial

PARAMETERS: Final = 10
_DIGEST: Final = b"the run."
_MANY: Final = 2000
_BATCH: Final = 20
"""How many records a message has, where messages are long enough for it not to matter."""


def scenario(directory: str, **changes: Any) -> Scenario:
    """Return a run of `PARAMETERS` reals whose files are in `directory`."""
    reals = {"parameter_type": "real", "values": [-32.768, 32.768]}
    return Scenario.parse(
        {
            "application_name": "ranks",
            "optimization_objectives": ["f"],
            "run_directory": directory,
            "input_parameters": {f"x{i}": reals for i in range(PARAMETERS)},
            "design_of_experiment": {"number_of_samples": 10},
            "optimization_iterations": _MANY,
            "seed": 0,
            **changes,
        }
    )


def outcomes(work: Scenario, count: int) -> list[Outcome]:
    """Return results at random, as ranks tell them to each other."""
    many = work.design._replace(samples=count)
    configurations = shared_design(_with_design(work, many), 1, 1)[:count]
    coordinates = Translator(work).coordinates
    return [
        Outcome(i, coordinates.encode(c), (float(i % 97),), started=1.0, finished=2.0)
        for i, c in enumerate(configurations)
    ]


def _with_design(work: Scenario, design: Any) -> Scenario:
    from dataclasses import replace

    return replace(work, design=design)


def timed(action: Callable[[], object]) -> float:
    """Return the CPU seconds of `action`."""
    begun = time.process_time()
    action()
    return time.process_time() - begun


def exchange(found: list[Outcome]) -> dict[str, float]:
    """Measure saying and hearing: a trial and its result are two records."""
    form = Format(PARAMETERS, 1, 0)
    one, other = (Member(rank, 2, form, _DIGEST) for rank in range(2))

    def say() -> None:
        for outcome in found:
            one.pending(outcome.trial, outcome.coordinates, 1.0)
            one.result(outcome)

    said = timed(say)
    frames: list[bytes] = []
    most = form.size * _BATCH

    def pack() -> None:
        while taken := one.frames([1], most):
            frames.extend(taken.values())

    said += timed(pack)

    def hear() -> None:
        for data in frames:
            other.receive(0, data)
        other.news()

    heard = timed(hear)
    return {"say": said / len(found) / 2, "hear": heard / len(found) / 2}


def learning(work: Scenario, found: list[Outcome], *, rank: int) -> dict[str, float]:
    """Measure taking in what was heard, with the tables that rank 0 writes, and its size."""
    form = Format(PARAMETERS, 1, 0)
    one, other = (Member(r, 2, form, _DIGEST) for r in range(2))
    for outcome in found:
        one.result(outcome)
    while taken := one.frames([1], form.size * _BATCH):
        other.receive(0, taken[1])
    records = other.news().results
    optimizer = build_ranked(work, 0, Rank(1, 2), [])
    translator, sieve = Translator(work), Sieve(work.distributed.memory)
    tables = Tables(work, []) if rank == 0 else None
    union = Union(work, [], tables)

    def learn() -> None:
        for record in records:
            evaluation = translator.evaluation(record)
            union.add(Found(0, Row(evaluation, record.finished, 1.0, asked=True)))
            if sieve.keep(record.origin, record.sequence, record.objectives):
                optimizer.observe([evaluation])

    tracemalloc.start()
    learn()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    seconds = timed(lambda: [learn() for _ in range(1)])
    if tables:
        tables.close()
    return {"learn": seconds / len(records), "result": size / len(records)}


def asking(work: Scenario, known: list[int]) -> dict[str, list[list[float]]]:
    """Measure an ask of a rank that knows so many results, the median of some."""
    asks = []
    for count in known:
        optimizer = build_ranked(work, 0, Rank(1, 2), [])
        coordinates = Translator(work).coordinates
        for outcome in outcomes(work, count):
            trial = Trial(OUTSIDE, coordinates.decode(outcome.coordinates))
            value = sum(v * v for v in outcome.coordinates)
            optimizer.observe([_evaluation(trial, value)])
        optimizer.ask(1)
        seconds = sorted(timed(lambda: optimizer.ask(1)) for _ in range(5))  # noqa: B023
        asks.append([float(count), seconds[2]])
    return {"asks": asks}


def _evaluation(trial: Trial, value: float) -> Any:
    from hmserve.trial import Evaluation

    return Evaluation(trial, {"f": value})


def messages(network: Network) -> dict[str, float]:
    """Measure messages between ranks 0 and 1: sent and taken one by one, and there and back."""
    data, sent, taken, trips = b"x" * 380, 0.0, 0.0, []
    peer = 1 - network.rank
    for turn in range(_MANY):
        mine = turn % 2 == network.rank
        begun = time.perf_counter()
        if mine:
            before = time.process_time()
            network.send(peer, data)
            sent += time.process_time() - before
            while network.busy([peer]):
                pass
        while True:
            before = time.process_time()
            if network.receive():
                taken += time.process_time() - before
                break
        if not mine:
            network.send(peer, data)
            while network.busy([peer]):
                pass
        else:
            trips.append(time.perf_counter() - begun)
    half = _MANY / 2
    return {"send": sent / half, "take": taken / _MANY, "latency": min(trips) / 2}


def main() -> int:
    """Print what was measured."""
    network = Network(world())
    assert network.size == 2, "start it with mpiexec -n 2"
    found = messages(network)
    if network.rank:
        return 0
    with TemporaryDirectory() as directory:
        Path(directory).mkdir(exist_ok=True)
        work = scenario(directory)
        told = outcomes(work, _MANY)
        found |= exchange(told) | learning(work, told, rank=1)
        found["learn of the rank that writes"] = learning(work, told, rank=0)["learn"]
        asks = asking(work, [20, 100, 1000])
    for name, value in itertools.chain(found.items(), asks.items()):
        sys.stdout.write(f"{json.dumps(name)}: {json.dumps(value)},\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
