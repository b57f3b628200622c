"""What the regrets say: quartiles, mean ranks, and paired tests with Holm's correction.

Regrets below `FLOOR` are equal: there they are rounding. Wilcoxon's signed-rank test compares
logarithms, since regrets of one problem differ by orders of magnitude.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from comparison.results import Regrets

FLOOR = 1e-8
"""The precision to which the BBOB suite counts a target as reached (Hansen et al. 2021)."""

LEVEL = 0.05
"""Below it a corrected p-value is a difference."""

Verdict = Literal["better", "worse", "undecided"]
Pairs = list[tuple[float, float]]
Name = TypeVar("Name")


@dataclass(frozen=True)
class Comparison:
    """One optimizer against another over pairs of runs that share problem and seed.

    Args:
        verdict: Of the first.
        p: Two-sided, corrected where several were made.
        pairs: How many there were.
        wins: In how many the first had the smaller regret; ties count half.
    """

    verdict: Verdict
    p: float
    pairs: int
    wins: float


def quantile(values: Iterable[float], q: float) -> float:
    """Return the quantile, linear between the two nearest values; these may be infinite.

    Raises:
        ValueError: There are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    place = q * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    if low == high or math.isinf(low):
        return low
    return low + (place - math.floor(place)) * (high - low)


def medians(seeds: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """Return the median over the seeds, by peer."""
    return {peer: quantile(values.values(), 0.5) for peer, values in seeds.items()}


def ranks(regrets: Mapping[str, float]) -> dict[str, float]:
    """Return the rank of each peer, 1 the smallest regret; equal ones share their mean."""
    from scipy.stats import rankdata

    ranked = rankdata([max(regret, FLOOR) for regret in regrets.values()])
    return dict(zip(regrets, map(float, ranked), strict=True))


def seed_ranks(seeds: Mapping[str, Mapping[int, float]]) -> dict[str, float]:
    """Return each peer's mean rank over the seeds that all of them ran; nothing without one."""
    common = set.intersection(*(set(values) for values in seeds.values()))
    each = [ranks({peer: values[k] for peer, values in seeds.items()}) for k in common]
    return {peer: sum(r[peer] for r in each) / len(each) for peer in seeds} if each else {}


def mean_ranks(
    regrets: Regrets, problems: Iterable[str], by_seed: bool = False
) -> dict[str, tuple[float, int]]:
    """Return each peer's mean rank over the problems that it ran, and how many these are.

    A problem that only one peer ran is not counted.

    Args:
        regrets: By problem, peer and seed.
        problems: Those to count.
        by_seed: The mean rank of single runs rather than the rank of the medians.
    """
    found: dict[str, list[float]] = {}
    for problem in problems:
        seeds = regrets.get(problem, {})
        if len(seeds) < 2:
            continue
        for peer, rank in (seed_ranks(seeds) if by_seed else ranks(medians(seeds))).items():
            found.setdefault(peer, []).append(rank)
    return {peer: (sum(each) / len(each), len(each)) for peer, each in found.items()}


def logarithm(regret: float) -> float:
    """Return log10 of a regret not below `FLOOR`; of infinity more than of any number."""
    return 309.0 if math.isinf(regret) else math.log10(max(regret, FLOOR))


def compare(pairs: Sequence[tuple[float, float]]) -> Comparison:
    """Return how the first of each pair of regrets fares: Wilcoxon's test, uncorrected."""
    from scipy.stats import rankdata, wilcoxon

    differences = [logarithm(ours) - logarithm(theirs) for ours, theirs in pairs]
    wins = sum((d < 0) + (d == 0) / 2 for d in differences)
    moved = [d for d in differences if d]
    if not moved:
        return Comparison("undecided", 1.0, len(pairs), wins)
    p = float(wilcoxon(moved).pvalue)
    ranked = rankdata([abs(d) for d in moved])
    balance = sum(math.copysign(rank, d) for rank, d in zip(ranked, moved, strict=True))
    return Comparison(_verdict(balance, p), p, len(pairs), wins)


def _verdict(balance: float, p: float) -> Verdict:
    if p >= LEVEL or not balance:
        return "undecided"
    return "better" if balance < 0 else "worse"


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for their number (Holm 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, largest = [0.0] * len(p_values), 0.0
    for k, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - k) * p_values[i]))
        corrected[i] = largest
    return corrected


def corrected(comparisons: Mapping[Name, Comparison]) -> dict[Name, Comparison]:
    """Return the comparisons with corrected p-values and the verdicts these leave."""
    p_values = holm([comparison.p for comparison in comparisons.values()])
    return {
        name: replace(c, p=p, verdict=c.verdict if p < LEVEL else "undecided")
        for (name, c), p in zip(comparisons.items(), p_values, strict=True)
    }


def by_class(regrets: Regrets, problems: Iterable[str], ours: str) -> dict[str, Comparison]:
    """Return how `ours` fares against each peer over all `problems` of a class together."""
    pooled: dict[str, Pairs] = {}
    for (_, peer), pairs in _pairs(regrets, problems, ours).items():
        pooled.setdefault(peer, []).extend(pairs)
    return corrected({peer: compare(pairs) for peer, pairs in pooled.items()})


def by_problem(
    regrets: Regrets, problems: Iterable[str], ours: str
) -> dict[tuple[str, str], Comparison]:
    """Return how `ours` fares by problem and peer, corrected for all that are compared here."""
    pairs = _pairs(regrets, problems, ours)
    return corrected({place: compare(each) for place, each in pairs.items()})


def _pairs(
    regrets: Regrets, problems: Iterable[str], ours: str
) -> dict[tuple[str, str], Pairs]:
    """Return, by problem and peer, the regrets of `ours` and the peer at the same seeds."""
    found = {}
    for problem in problems:
        seeds = regrets.get(problem, {})
        own = seeds.get(ours, {})
        for peer, values in seeds.items():
            pairs = [(own[seed], values[seed]) for seed in values if seed in own]
            if peer != ours and pairs:
                found[problem, peer] = pairs
    return found
