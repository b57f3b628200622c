"""What other ranks evaluate, or will: nobody else is to propose it."""

import itertools
from collections.abc import Sequence

from hmserve.exchange.buckets import key
from hmserve.exchange.coordinates import Coordinates
from hmserve.exchange.records import Record
from hmserve.ranks.part import Part
from hmserve.trial import OUTSIDE, Trial


class Others:
    """The trials of other ranks, and their parts of the design that nobody has heard of yet.

    Args:
        part: That of this rank.
        coordinates: Turns configurations into numbers.
    """

    def __init__(self, part: Part, coordinates: Coordinates) -> None:
        self._coordinates = coordinates
        number, size = part.rank.number, part.rank.size
        mine = part.plan.design[number::size]
        reserved = {key(coordinates.encode(c)): Trial(OUTSIDE, c) for c in part.plan.design}
        for configuration in mine:
            reserved.pop(key(coordinates.encode(configuration)), None)
        self._reserved = reserved
        self._out: dict[tuple[int, int], Trial] = {}

    @property
    def trials(self) -> Sequence[Trial]:
        """All of them."""
        return list(itertools.chain(self._reserved.values(), self._out.values()))

    def begun(self, record: Record) -> None:
        """Take note that a trial is evaluated."""
        self._reserved.pop(key(record.coordinates), None)
        configuration = self._coordinates.decode(record.coordinates)
        self._out[record.origin, record.trial] = Trial(OUTSIDE, configuration)

    def ended(self, origin: int, number: int, coordinates: tuple[float, ...] = ()) -> None:
        """Take note that a trial is not evaluated any more."""
        self._reserved.pop(key(coordinates), None)
        self._out.pop((origin, number), None)
