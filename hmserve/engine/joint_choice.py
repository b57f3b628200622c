"""A batch chosen as a whole: Monte-Carlo qEI over all its points and the pending ones."""

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.fantasies import LogAveragedImprovement
from hmserve.acquisition.joint_improvement import JointImprovement
from hmserve.acquisition.maximize import best_of
from hmserve.acquisition.weighting import Product
from hmserve.arrays import Floats
from hmserve.descent import Stop, descend
from hmserve.engine.pending import Ask, Batch, Imagining, Out
from hmserve.randomness import stream
from hmserve.space.encoding import Encoding
from hmserve.surrogate.fantasies import normals
from hmserve.surrogate.gp import GaussianProcess
from hmserve.surrogate.joint import JointProcess, joint

_OURS = 4
"""Of the streams of a trial this one is for its batch."""

_DRAWS = 1024
_POLISH = Stop(40, gain=1e-7, slope=1e-3)


class Jointly(Imagining):
    """All points of a batch at once, from where one after the other would be.

    The last point of a batch is integrated exactly: a batch of one is what averaged fantasies
    choose. Of more, each is first exchanged for its best discrete neighbour given the others,
    then all climb together in the continuous coordinates. Several objectives, and models
    without gradients, have the choices one after the other.

    Args:
        seed: With the number of a trial it decides the draws.
        encoding: The space.
    """

    def __init__(self, seed: int, encoding: Encoding) -> None:
        super().__init__(seed)
        self._encoding = encoding
        self._continuous = np.flatnonzero(~encoding.discrete)

    def settle(self, ask: Ask, batch: Batch) -> Floats:
        models = ask.models.objectives
        if len(models) != 1 or not isinstance(models[0], GaussianProcess) or not len(ask.X):
            return batch.X
        X = self._exchanged(ask, batch) if self._encoding.discrete.any() else batch.X
        if not len(self._continuous):
            return X
        return self._polished(ask, models[0], batch._replace(X=X))

    def _exchanged(self, ask: Ask, batch: Batch) -> Floats:
        """Return the batch after each point was exchanged for its best neighbour."""
        X = batch.X.copy()
        for i in range(len(X)):
            around = self._encoding.neighbours(X[i])
            around = around[batch.fresh(around)]
            rest = np.delete(X, i, axis=0)
            taken = (around[:, None] == rest).all(axis=2).any(axis=1)
            acquisition = Product(self._given(ask, batch.out, rest), batch.others)
            X[i] = best_of(acquisition, np.concatenate([X[i : i + 1], around[~taken]]))
        return X

    def _given(self, ask: Ask, out: Out, rest: Floats) -> Acquisition:
        """Return the acquisition for one more point than what is out and `rest`."""
        P = np.concatenate([out.P, rest])
        hoped = np.append(out.hoped, np.ones(len(rest), dtype=bool))
        return self._acquisition(ask, Out(P, hoped, out.trial))

    def _polished(self, ask: Ask, model: GaussianProcess, batch: Batch) -> Floats:
        gain = self._gain(ask, model, batch)
        if gain is None or gain(batch.X) <= 0.0:
            return batch.X
        active = self._encoding.active(batch.X)

        def placed(u: Floats) -> Floats:
            X = batch.X.copy()
            X[:, self._continuous] = u.reshape(len(X), -1)
            return X

        def negative(u: Floats) -> tuple[float, Floats]:
            X = placed(u)
            value, gradient = gain.value_and_gradient(X)
            others, slopes = batch.others.value_and_gradient(X)
            # Of several points the weights are averaged: each is worth its share of the gain.
            total = np.log(max(value, 1e-300)) + others.mean()
            climb = gradient / max(value, 1e-300) + slopes / len(X)
            climb = np.where(active, climb, 0.0)[:, self._continuous]
            return -float(total), -climb.ravel()

        u = batch.X[:, self._continuous].ravel()
        found = descend(negative, u, [(0.0, 1.0)] * len(u), _POLISH)
        X = self._encoding.snap(placed(found.x))
        moved = (X != batch.X).any(axis=1)
        distinct = len(np.unique(X, axis=0)) == len(X)
        better = negative(X[:, self._continuous].ravel())[0] < negative(u)[0]
        good = distinct and better and bool(batch.fresh(X[moved]).all())
        return X if good else batch.X

    def _gain(self, ask: Ask, model: GaussianProcess, batch: Batch) -> JointImprovement | None:
        """Return qEI, or None where something else than an improvement is maximised."""
        greedy = self._given(ask, batch.out, batch.X[:1])
        if not isinstance(greedy, LogAveragedImprovement):
            return None
        out, q = batch.out, len(batch.X)
        given = joint(model, out.P)
        assert isinstance(given, JointProcess)
        e = normals(_DRAWS, len(out.P) + q, stream(self._seed, out.trial, _OURS))
        return JointImprovement(given, greedy.incumbent, out.hoped, e)
