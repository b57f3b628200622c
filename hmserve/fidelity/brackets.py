"""Hyperband and successive halving: brackets whose rungs wait for their last result.

Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar (2018), "Hyperband: A Novel Bandit-Based
Approach to Hyperparameter Optimization"; Jamieson and Talwalkar (2016).
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from hmserve.fidelity.ranking import Outcome, ranked
from hmserve.fidelity.rungs import Ladder
from hmserve.fidelity.scheduling import Place


class Bracket:
    """One race: each rung begins when the one below it is over.

    The best of a rung go on, the best first. Where fewer than wanted can, the others are new
    configurations that begin at the higher fidelity.

    Args:
        number: What it is called.
        ladder: The fidelities in use; the bracket climbs the last of them.
        sizes: How many configurations each of its rungs has, at least 1 each.
    """

    def __init__(self, number: int, ladder: Ladder, sizes: Sequence[int]) -> None:
        self._number = number
        self._ladder = ladder
        self._sizes = sizes
        self._step = 0
        self._queue: deque[int] = deque()
        self._out: dict[int, int] = {}
        self._settled: dict[int, tuple[int, Outcome | None]] = {}

    @property
    def finished(self) -> bool:
        """Whether its last rung is over."""
        return self._step >= len(self._sizes)

    @property
    def place(self) -> Place | None:
        """What `Scheduler.next` says of this bracket, if new configurations are to be had."""
        if self.finished:
            return None
        rung = self._ladder.rung(self._number, self._index)
        if self._queue:
            before = self._ladder.fidelities[self._index - 1]
            return Place(rung, self._queue[0], before)
        return Place(rung, room=self._room) if self._room > 0 else None

    @property
    def _index(self) -> int:
        return len(self._ladder) - len(self._sizes) + self._step

    @property
    def _room(self) -> int:
        taken = len(self._queue) + len(self._out) + len(self._settled)
        return self._sizes[self._step] - taken

    def enter(self, trial: int, place: Place) -> None:
        """See `Scheduler.enter`."""
        if self.finished or self._index != place.rung.index:
            raise ValueError(f"rung {place.rung.index} of bracket {self._number} is not open")
        root = place.root
        if root is None and self._room > 0:
            self._out[trial] = trial
        elif root is not None and root in self._queue:
            self._queue.remove(root)
            self._out[trial] = root
        else:
            raise ValueError(f"bracket {self._number} has no place for {_named(root)}")

    def settle(self, trial: int, outcome: Outcome | None) -> None:
        """See `Scheduler.settle`."""
        if trial in self._out:
            self._settled[trial] = (self._out.pop(trial), outcome)
        elif trial in self._settled:
            self._settled[trial] = (self._settled[trial][0], outcome)

    def release(self, trial: int) -> None:
        """See `Scheduler.release`."""
        if trial in self._out:
            root = self._out.pop(trial)
        elif trial in self._settled:
            root, _ = self._settled.pop(trial)
        else:
            return
        if root != trial:
            self._queue.appendleft(root)

    def advance(self, starved: bool) -> None:
        """Begin the next rung if this one is over: full, or without hope of more if starved."""
        while not (self.finished or self._queue or self._out):
            if self._room > 0 and not starved:
                return
            # Of equal ones the older goes on, wherever the younger began.
            old_first = sorted(self._settled.values(), key=lambda entry: entry[0])
            able = [(root, outcome) for root, outcome in old_first if outcome is not None]
            order = ranked([outcome for _, outcome in able])
            self._settled = {}
            self._step += 1
            if not self.finished:
                self._queue.extend(able[i][0] for i in order[: self._sizes[self._step]])


def _named(root: int | None) -> str:
    return "a new configuration" if root is None else f"the configuration of trial {root}"


class Brackets:
    """Brackets one after the other, and side by side as soon as one has nothing to hand out.

    So a free worker waits for the results of others only when the last bracket is open.

    Args:
        ladder: The fidelities in use.
        kinds: How many configurations the rungs of the brackets have, in turn.
        count: How many brackets there are; None for no end.
    """

    def __init__(
        self, ladder: Ladder, kinds: Sequence[Sequence[int]], count: int | None
    ) -> None:
        self._ladder = ladder
        self._kinds = kinds
        self._count = count
        self._opened = 0
        self._open: dict[int, Bracket] = {}
        self._of: dict[int, int] = {}
        self._starved = False

    @property
    def most(self) -> int | None:
        if self._count is None:
            return None
        cycles, rest = divmod(self._count, len(self._kinds))
        return cycles * _total(self._kinds) + _total(self._kinds[:rest])

    def next(self) -> Place | None:
        for bracket in self._open.values():
            place = bracket.place
            if place is not None and (place.root is not None or not self._starved):
                return place
        more = self._count is None or self._opened < self._count
        return self._new().place if more and not self._starved else None

    def enter(self, trial: int, place: Place) -> None:
        number = place.rung.bracket
        bracket = self._open.get(number)
        if bracket is None:
            if number != self._opened:
                raise ValueError(f"bracket {number} is not open")
            bracket = self._new()
        bracket.enter(trial, place)
        self._of[trial] = number
        if number == self._opened:
            self._open[number] = bracket
            self._opened += 1

    def settle(self, trial: int, outcome: Outcome | None) -> None:
        self._change(trial, lambda bracket: bracket.settle(trial, outcome))

    def release(self, trial: int) -> None:
        self._change(trial, lambda bracket: bracket.release(trial))
        self._of.pop(trial, None)

    def starve(self) -> None:
        self._starved = True
        self._advance(list(self._open))

    def feed(self) -> None:
        self._starved = False

    def _new(self) -> Bracket:
        kind = self._kinds[self._opened % len(self._kinds)]
        return Bracket(self._opened, self._ladder, kind)

    def _change(self, trial: int, change: Callable[[Bracket], None]) -> None:
        number = self._of.get(trial)
        if number in self._open:
            change(self._open[number])
            self._advance([number])

    def _advance(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._open[number].advance(self._starved)
            if self._open[number].finished:
                del self._open[number]


def _total(kinds: Sequence[Sequence[int]]) -> int:
    return sum(map(sum, kinds))
