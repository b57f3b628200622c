"""How many trials a group of workers is ready to take."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from hmserve.trial import Trial

_WORTH, _SHORT_WORTH, _SHORT = 0.1, 0.01, 0.1
"""Share of an evaluation that a worker may wait for its next trial; the other of one that takes
less than so many seconds: whoever makes thousands minds the time more than the choice."""
_MUCH, _LITTLE = 0.5, 0.1
"""With trials ahead of time: above the one share proposals are slow, below the other not."""
_DEEP, _DEEPEST = 4, 8
"""Trials a worker has at most, the one it evaluates included; the other for one alone, whose
proposals now and then take as long as several evaluations."""
_FUTILE, _BRIEF = 4.0, 100
"""Where a proposal takes more than so many evaluations workers are idle anyway: the first so
many evaluations are chosen with care there, and one by one."""
_FADING: Final = 0.97
"""By what the longest proposal counts less with each one that comes after it."""
_TOGETHER: Final = 2
"""Where proposals are slow, so many places have to be free at least before any is offered."""
_WEIGHT: Final = 0.2
"""How much the last measurement counts in an average."""


Heed: TypeAlias = Callable[[Trial, float, float], bool]
"""From a trial, how far its evaluation has come and the objective there, to whether it is to
go on. Raises UsageError for what cannot be."""


class Post(NamedTuple):
    """What a group of workers has to know of those around it.

    Args:
        first: The number of its first worker.
        patience: Seconds after which `collect` returns, with results or without; None for no
            limit.
        eager: Whether even one worker alone may get its next trial ahead of time.
        heed: Told how evaluations stand; None: nobody wants to know.
    """

    first: int = 0
    patience: float | None = None
    eager: bool = False
    heed: Heed | None = None


ALONE: Final = Post()


class Places:
    """Counts places, and whether each worker needs its next trial ahead of time.

    Who gets the next trial while it still evaluates is never idle; but that trial was chosen
    without knowing the result. So it is done only where a worker would wait for more than a
    tenth of an evaluation otherwise, a hundredth of one that is short, and not where trials
    are wanted in batches. Not for one worker alone, unless that is wanted: what it is asked
    depends on its results, not on how long they took.

    Args:
        workers: How many there are.
        batch_size: How many have to be free before any is offered.
        eager: Whether even one worker alone may have trials ahead of time.

    Attributes:
        hungry: Whether proposals are slower than evaluations, so that workers are idle even
            with trials ahead of time: then there are to be more of them, and quickly.
    """

    def __init__(self, workers: int, batch_size: int, *, eager: bool = False) -> None:
        self._workers = workers
        self._batch_size = min(batch_size, workers)
        self._single = workers == 1 and not eager
        self.hungry = False
        self._offering = True
        self._offered: float | None = None
        self._wait: float | None = None
        self._longest = 0.0
        self._evaluated = 0
        self._duration: float | None = None

    @property
    def ahead(self) -> bool:
        """Whether workers are to have their next trial before they need it."""
        if self._batch_size > 1 or self._single:
            return False
        if self._wait is None or self._duration is None:
            return False
        worth = _SHORT_WORTH if self._duration < _SHORT else _WORTH
        if self._evaluated < _BRIEF and self._wait > _FUTILE * self._duration:
            return False
        return self._wait > worth * self._duration

    @property
    def most(self) -> int:
        """How many trials may be here, evaluated or ready to be."""
        return self._workers * (self._deep if self.ahead else 1)

    @property
    def wanted(self) -> int:
        """How many places have to be free before any is offered."""
        # Several proposals at once take less time than one after the other.
        return max(self._workers // 2, _TOGETHER) if self.hungry else self._batch_size

    @property
    def _deep(self) -> int:
        if not self.hungry:
            return 2
        if self._workers > 1 or not self._duration:
            return _DEEP
        return min(max(_DEEP, 2 + int(self._longest / self._duration)), _DEEPEST)

    def free(self, held: int) -> int:
        """Return how many more trials may come, when `held` are here."""
        places = max(self.most - held, 0)
        if places >= self.wanted or not held:
            self._offering = True
        elif not places:
            self._offering = False
        found = places if self._offering else 0
        if found:
            self.offered()
        return found

    def offered(self) -> None:
        """Take note that trials can be proposed from now on."""
        # The first ones come from a design, in no time.
        self._offered = None if self._duration is None else time.monotonic()

    def filled(self) -> None:
        """Take note that a trial came; of several at once the first counts."""
        if self._offered is None:
            return
        wait, self._offered = time.monotonic() - self._offered, None
        self._wait = _average(self._wait, wait)
        self._longest = max(wait, _FADING * self._longest)
        limit = (_LITTLE if self.hungry else _MUCH) * (self._duration or 0.0)
        self.hungry = self.ahead and self._wait > limit

    def vacated(self, seconds: float) -> None:
        """Take note that an evaluation is over that took `seconds`."""
        self._evaluated += 1
        self._duration = _average(self._duration, seconds)


def _average(old: float | None, new: float) -> float:
    return new if old is None else old + _WEIGHT * (new - old)
