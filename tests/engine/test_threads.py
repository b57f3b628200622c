from threadpoolctl import threadpool_info, threadpool_limits

from hmserve.engine.history import History
from hmserve.engine.threads import FewThreads
from hmserve.space.parameters import Real
from hmserve.space.space import Space


def threads():
    import numpy as np
    from scipy import linalg

    assert linalg.norm(np.eye(2)) > 1.0
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


class Looking:
    """A proposer that proposes how many threads it has."""

    def __init__(self):
        self.state = {"a": 1}

    def restore(self, state):
        self.state = state

    def propose(self, history, n, first_id, *, quick=False):
        del quick
        assert (len(history.evaluations), n, first_id) == (0, 3, 7)
        return [threads()]


def test_a_proposal_has_one_thread_and_leaves_the_others_theirs():
    with threadpool_limits(2, user_api="blas"):
        threads()
        inner = Looking()
        proposer = FewThreads(inner)
        before = threads()
        history = History(Space([Real("x", 0.0, 1.0)]))
        assert proposer.propose(history, 3, 7) == [{1}]
        assert threads() == before


def test_its_state_is_that_of_what_it_wraps():
    inner = Looking()
    proposer = FewThreads(inner)
    assert proposer.state == {"a": 1}
    proposer.restore({"b": 2})
    assert inner.state == {"b": 2}
