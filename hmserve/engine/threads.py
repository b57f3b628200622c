"""One BLAS thread while we compute: the evaluators own the cores.

On the matrices of a few hundred rows that an ask needs, more threads only cost; several
daemons on one machine would fight for its cores.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from threadpoolctl import ThreadpoolController

from hmserve.engine.history import History
from hmserve.engine.staged import Proposer
from hmserve.space.space import Configuration


class FewThreads:
    """A proposer whose linear algebra uses few threads, whatever the process allows.

    Args:
        proposer: Does the work.
        threads: How many.
    """

    def __init__(self, proposer: Proposer, threads: int = 1) -> None:
        self.proposer = proposer
        self._threads = threads
        # Looks through the loaded libraries: once, after numpy and scipy are there.
        self._controller = ThreadpoolController()

    @property
    def state(self) -> Mapping[str, Any]:
        return self.proposer.state

    def restore(self, state: Mapping[str, Any]) -> None:
        self.proposer.restore(state)

    def propose(
        self, history: History, n: int, first_id: int, *, quick: bool = False
    ) -> Sequence[Configuration]:
        with self._controller.limit(limits=self._threads, user_api="blas"):
            return self.proposer.propose(history, n, first_id, quick=quick)
