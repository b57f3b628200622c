"""An exact budget of evaluations over many ranks, without anyone who keeps the books.

Every evaluation takes a permit. Each rank begins with a fair share; who runs out asks the one
that is known to have most, which gives half of what it has. Permits are moved and never made,
so no more evaluations begin than the budget has, however late anything is heard.
"""

from collections import Counter
from collections.abc import Sequence

from hmserve.exchange.records import UNLIMITED


class Permits:
    """The permits of one rank, and what it knows of the others'.

    Args:
        rank: This one.
        size: How many ranks there are.
        budget: How many evaluations all ranks may begin; None for no limit.
    """

    def __init__(self, rank: int, size: int, budget: int | None) -> None:
        self._rank = rank
        self.limited = budget is not None
        self.left = UNLIMITED
        """How many this rank holds; `UNLIMITED` without a budget."""
        self._known: list[int] = []
        self._begged: Counter[int] = Counter()
        if budget is not None:
            self._known = [budget // size + (r < budget % size) for r in range(size)]
            self.left = self._known[rank]

    def spend(self, n: int) -> int:
        """Take up to `n` permits; return how many."""
        if not self.limited:
            return n
        taken = min(n, self.left)
        self.left -= taken
        return taken

    def restore(self, n: int) -> None:
        """Put back `n` permits that were taken for evaluations that never began."""
        if self.limited:
            self.left += n

    def give(self) -> int:
        """Part with half of what there is, rounded down; return how many that is."""
        given = max(self.left, 0) // 2
        self.left -= given
        return given

    def heard(self, origin: int, left: int) -> None:
        """Note that `origin` holds `left`."""
        if self.limited:
            self._known[origin] = left

    def given(self, to: int, amount: int) -> None:
        """Note that `to` is given `amount`, which are this rank's if it is `to`."""
        if not self.limited:
            return
        self._known[to] += amount
        if to == self._rank:
            self.left += amount

    def asked(self, of: int, change: int) -> None:
        """Note that one more (+1) or one less (-1) waits for an answer of `of`."""
        self._begged[of] += change

    def known(self, origin: int) -> int:
        """Return how many `origin` holds, as far as this rank knows."""
        return self._known[origin] if self.limited else UNLIMITED

    def target(self) -> int | None:
        """Return whom to ask: who has most once all are served that wait for its answer.

        None if nobody is known to have two. Of equals it is the next one after this rank, so
        that not all ask the same.
        """
        size = len(self._known)
        best, most = None, 1
        for step in range(1, size):
            other = (self._rank + step) % size
            rest = self._known[other]
            if rest > most:
                rest >>= max(self._begged[other], 0)
            if rest > most:
                best, most = other, rest
        return best

    def anywhere(self) -> bool:
        """Whether any other rank is known to hold one."""
        return any(self._known[: self._rank]) or any(self._known[self._rank + 1 :])

    def level(self, active: Sequence[int]) -> int:
        """Share what all hold evenly among `active`; return how many more this rank has now.

        Every rank must know the same of all, as after a round, and call this.
        """
        if not self.limited or not active:
            return 0
        total, before = sum(self._known), self._known[self._rank]
        self._known = [0] * len(self._known)
        for place, rank in enumerate(active):
            self._known[rank] = total // len(active) + (place < total % len(active))
        gain = self._known[self._rank] - before
        self.left += gain
        return gain
