"""Any number of ranks: rates worked out, and the ways of single records drawn.

The rates of links follow from the relay: for a share min(2^j, P - 2^j) / P of the origins a
rank sends on over its link j. What a record waits for at each rank on its way is drawn as if
it came at a moment of its own: the rest of an ask, or of the interval between two looks.
"""

import math
from random import Random

from ranks.model import HEADER, Costs, Findings, Load, quantile


def simulate(load: Load, costs: Costs, draws: int = 20_000, seed: int = 0) -> Findings:
    """Return what `exact.Simulation` would find, at the price of `draws` records."""
    rng = Random(seed)
    ask = costs.ask(load.known)
    cycle = _cycle(load, costs)
    frames, exchange = _exchange(load.size, cycle, costs)
    sent = frames * HEADER + 2 * (load.size - 1) / cycle * costs.record
    busy = min(ask / cycle, 1.0)
    batch = exchange / (1.0 - exchange)
    ages = [_age(load.size, costs, ask, (busy, batch), rng) for _ in range(draws)]
    return Findings(
        load.evaluation / cycle,
        quantile(ages, 0.5),
        quantile(ages, 0.99),
        frames,
        sent,
        exchange,
    )


def _cycle(load: Load, costs: Costs) -> float:
    """Return the seconds from one evaluation of a rank to the next.

    What is heard depends on how fast results come, which depends on what is heard: where the
    threads cannot bear what the evaluators could do, all become slower until they can.
    """
    low = load.evaluation + costs.handover
    high = low + 2.0 * costs.ask(load.known) + load.size
    for _ in range(60):
        middle = (low + high) / 2
        _, exchange = _exchange(load.size, middle, costs)
        work = (costs.ask(load.known) + 2 * costs.say) / middle + exchange
        low, high = (middle, high) if work > 1.0 else (low, middle)
    return high


def _exchange(size: int, cycle: float, costs: Costs) -> tuple[float, float]:
    """Return the messages of a rank in a second, and the share of its thread for it all."""
    others, frames = (size - 1) / cycle, _frames(size, cycle, costs)
    heard = others * (2 * costs.hear + costs.learn)
    return frames, heard + frames * (costs.take + costs.send) + 2 * costs.say / cycle


def _frames(size: int, cycle: float, costs: Costs) -> float:
    """Return how many messages a rank sends in a second."""
    looks = 1.0 / costs.interval
    total = 0.0
    for j in range((size - 1).bit_length()):
        origins = min(1 << j, size - (1 << j))
        # Its own records go at once; those of others wait for the next look, together.
        total += 2 / cycle + looks * -math.expm1(-2 * (origins - 1) / cycle / looks)
    return total


def _age(
    size: int, costs: Costs, ask: float, shares: tuple[float, float], rng: Random
) -> float:
    """Draw one record and one of its hearers; return how long it was on its way."""
    busy, batch = shares
    number = rng.randrange(1, size)
    age = costs.say + costs.send
    if rng.random() < busy:
        # Its origin was choosing the next trial when the evaluation ended.
        age += rng.random() * ask
    for _ in range(number.bit_count()):
        waited = rng.random() * (ask if rng.random() < busy else costs.interval)
        # What came in the meantime is taken in first.
        age += costs.latency + waited * (1.0 + batch) + costs.take + costs.send
    return age
