"""Which schedule a scenario names, and what it will cost before it runs."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from hmserve.fidelity.asha import Asynchronous, members
from hmserve.fidelity.brackets import Brackets
from hmserve.fidelity.full import Full
from hmserve.fidelity.options import FidelityOptions
from hmserve.fidelity.rungs import Ladder, sizes
from hmserve.fidelity.scheduling import Scheduler

_ASYNCHRONOUS: Final = "asha"
_FULL: Final = "full"


def scheduler(options: FidelityOptions, limited: bool) -> Scheduler:
    """Return the scheduler that `options` name, at its beginning.

    Args:
        options: What the scenario says.
        limited: Whether something else ends the run: evaluations or time.
    """
    count = _count(options, limited)
    if options.scheduler == _ASYNCHRONOUS:
        return Asynchronous(options.ladder, count)
    if options.scheduler == _FULL:
        return Full(options.ladder, count)
    return Brackets(options.ladder, _kinds(options), count)


class Step(NamedTuple):
    """So many configurations at one fidelity."""

    fidelity: float
    configurations: int


class Race(NamedTuple):
    """A bracket, or all of ASHA, as it goes if nothing fails.

    Args:
        steps: The lowest fidelity first.
        times: How often it is held; None: until the budget is spent.
    """

    steps: tuple[Step, ...]
    times: int | None

    @property
    def evaluations(self) -> int:
        """How many there are in it."""
        return sum(step.configurations for step in self.steps)

    def cost(self, maximum: float, exponent: float = 1.0) -> float:
        """Return what it costs, in full evaluations, if each evaluation begins anew."""
        return math.fsum(n * (f / maximum) ** exponent for f, n in self.steps)

    def resumed(self, maximum: float, exponent: float = 1.0) -> float:
        """Return what it costs if each goes on from where its configuration was left."""
        costs = [math.pow(f / maximum, exponent) for f, _ in self.steps]
        added = [b - a for a, b in zip([0.0, *costs], costs, strict=False)]
        return math.fsum(n * c for (_, n), c in zip(self.steps, added, strict=True))


def races(options: FidelityOptions, limited: bool) -> list[Race]:
    """Return what `scheduler` will hold, in turn.

    Of ASHA it is what is to be expected: who is promoted early may be overtaken later, which
    makes some more.
    """
    ladder, count = options.ladder, _count(options, limited)
    if options.scheduler == _ASYNCHRONOUS:
        # Of any number; shares of a cycle's where there is no end.
        begun = _cycle(options) if count is None else count
        return [_race(ladder, members(ladder, begun), None if count is None else 1)]
    if options.scheduler == _FULL:
        begun = len(ladder) ** 2 if count is None else count
        return [_race(ladder, [begun], None if count is None else 1)]
    kinds = _kinds(options)
    turns = [_turns(count, len(kinds), place) for place in range(len(kinds))]
    return [_race(ladder, kind, n) for kind, n in zip(kinds, turns, strict=True) if n != 0]


def _turns(count: int | None, kinds: int, place: int) -> int | None:
    return None if count is None else (count - place + kinds - 1) // kinds


def _race(ladder: Ladder, configurations: Sequence[int], times: int | None) -> Race:
    used = ladder.fidelities[len(ladder) - len(configurations) :]
    return Race(tuple(map(Step._make, zip(used, configurations, strict=True))), times)


def _kinds(options: FidelityOptions) -> list[Sequence[int]]:
    """Return the brackets that follow each other in turn, by their rungs."""
    ladder = options.ladder
    longest = [len(ladder)]
    several = range(len(ladder), 0, -1) if options.scheduler == "hyperband" else longest
    return [sizes(ladder, rungs, options.rounding) for rungs in several]


def _count(options: FidelityOptions, limited: bool) -> int | None:
    """Return how many brackets there are, or configurations; None for no end."""
    if options.num_iterations is not None or limited:
        return options.num_iterations
    rungs = len(options.ladder)
    # Each bracket of Hyperband costs about as many full evaluations as there are rungs.
    counts = {_ASYNCHRONOUS: _cycle(options), _FULL: rungs**2}
    return counts.get(options.scheduler, rungs)


def _cycle(options: FidelityOptions) -> int:
    """Return how many configurations the brackets of Hyperband have, each once."""
    ladder = options.ladder
    every = (sizes(ladder, rungs, options.rounding)[0] for rungs in range(1, len(ladder) + 1))
    return sum(every)
