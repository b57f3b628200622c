"""What ranks cost: the numbers of the simulation, and what follows from them without one."""

import json
import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import Random
from typing import Any, Final

HEADER: Final = 22
"""Bytes of a frame beside its records."""


@dataclass(frozen=True)
class Costs:
    """Seconds of the one thread of a rank, unless said otherwise.

    Args:
        hear: Taking in a record: relay, unpacking, bookkeeping.
        say: Making a record of this rank's own.
        learn: Telling the optimizer of another rank's result, and recording it.
        send: Sending a message.
        take: Receiving a message.
        latency: Until a message arrives; not of the thread.
        interval: Between two looks for messages while an evaluation runs; not of the thread.
        handover: Between two evaluations when the next one has been chosen; not of the thread.
        asks: (results known, seconds of an ask), ascending.
        record: Bytes of a record.
        base: Bytes of a rank without anything learnt.
        result: Bytes of a result that is kept.
        cap: How many results a rank keeps before it sieves.
    """

    hear: float
    say: float
    learn: float
    send: float
    take: float
    latency: float
    interval: float
    handover: float
    asks: tuple[tuple[int, float], ...]
    record: int
    base: float
    result: float
    cap: int

    @classmethod
    def load(cls, path: Path) -> "Costs":
        """Read a JSON object of these names."""
        found = json.loads(path.read_text())
        return cls(**{f.name: _tuples(found[f.name]) for f in fields(cls)})

    def with_(self, **changes: Any) -> "Costs":
        """Return these costs but for some."""
        return replace(self, **changes)

    def ask(self, known: float) -> float:
        """Return the seconds of an ask, interpolated by the logarithm of what is known."""
        first, *others = self.asks
        if known <= first[0]:
            return first[1]
        for (n, a), (m, b) in zip(self.asks, others, strict=False):
            if known <= m:
                return a + (b - a) * math.log(known / n) / math.log(m / n)
        return self.asks[-1][1]

    def kept(self, results: float) -> float:
        """Return how many of so many results a rank keeps (`hmserve.exchange.sieve`)."""
        if results <= self.cap:
            return results
        return self.cap * (1 + 1.1 * math.log(results / self.cap))


@dataclass(frozen=True)
class Load:
    """What is simulated.

    Args:
        size: How many ranks.
        evaluation: Mean seconds of an evaluation; they vary evenly by half of it either way.
        known: Results known before: they decide what an ask costs.
    """

    size: int
    evaluation: float
    known: int

    def duration(self, rng: Random) -> float:
        """Draw the seconds of one evaluation."""
        return self.evaluation * rng.uniform(0.5, 1.5)


@dataclass(frozen=True)
class Findings:
    """What a simulation found.

    Args:
        utilisation: The share of their time in which evaluators were busy.
        p50: Median seconds from a result to when another rank hears it.
        p99: The 99th percentile.
        messages: Sent by a rank in a second.
        bytes: Sent by a rank in a second.
        thread: The share of its time that a rank's thread spends on the exchange.
    """

    utilisation: float
    p50: float
    p99: float
    messages: float
    bytes: float
    thread: float


def quantile(values: list[float], share: float) -> float:
    """Return the value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _tuples(value: object) -> object:
    return tuple(map(tuple, value)) if isinstance(value, list) else value
