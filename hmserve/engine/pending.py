"""How trials that are out count when the next one is chosen: strategies by name.

A strategy makes the acquisition over the objectives. What is likely to be feasible is a matter
apart: its models believe at the pending points, whatever the strategy, unless pending trials
are ignored altogether. docs/engine.md says what each strategy is, and when to use it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, cast

import numpy as np

from hmserve.acquisition.base import Acquisition
from hmserve.acquisition.fantasies import LogMean
from hmserve.acquisition.gibbon import Gibbon, Information, minima
from hmserve.acquisition.local_penalization import Ball, LocalPenalty, survey
from hmserve.acquisition.thompson import draw
from hmserve.acquisition.weighting import Product
from hmserve.arrays import Floats, Mask
from hmserve.engine.goals import Goal
from hmserve.engine.models import Models
from hmserve.randomness import stream
from hmserve.space.encoding import Encoding
from hmserve.surrogate.base import FittedPosterior, Posterior
from hmserve.surrogate.fantasies import Fantasies, Shared, imagine, normals
from hmserve.surrogate.joint import joint

_OURS = 3
"""Of the streams of a trial this one is for its strategy."""

_FANTASIES = 64
_OUTCOMES = 16
"""How many fantasies there are of one objective, and of each of several."""

_SAMPLE = 512
"""At how many points all over the space a function is looked at as a whole."""


class Ask(NamedTuple):
    """What an ask knows before it chooses.

    Args:
        models: Fitted; they know of no pending trial. At least one objective is modelled.
        goal: Makes acquisitions of models.
        X: Evaluated points that are feasible, shape (n, d).
        trial: The number of the first trial to be chosen.
    """

    models: Models
    goal: Goal
    X: Floats
    trial: int


class Out(NamedTuple):
    """The trials that are out when one more is chosen, those of the same batch included.

    Args:
        P: Where they are, shape (p, d).
        hoped: Which are expected to be within measured limits, shape (p,).
        trial: The number of the one to be chosen.
    """

    P: Floats
    hoped: Mask
    trial: int


Choice = Callable[[Out], Acquisition]
"""Makes the acquisition over the objectives for one choice of an ask."""


class Batch(NamedTuple):
    """The choices of one ask, to be looked at together.

    Args:
        out: What was out before the first.
        X: What was chosen, shape (q, d), q >= 2.
        others: What a point is worth besides: priors, feasibility; a logarithm.
        fresh: Which other points may be chosen.
    """

    out: Out
    X: Floats
    others: Acquisition
    fresh: Callable[[Floats], Mask]


class Strategy(Protocol):
    """How pending trials count."""

    @property
    def heeds(self) -> bool:
        """Whether models of what is feasible believe at the pending points."""

    def begin(self, ask: Ask) -> Choice:
        """Return what makes the choices of one ask."""

    def settle(self, ask: Ask, batch: Batch) -> Floats:
        """Return what is chosen after all, shape (q, d)."""


class Greedy:
    """One choice after the other; earlier ones are pending for later ones."""

    heeds = True

    def settle(self, ask: Ask, batch: Batch) -> Floats:
        del ask
        return batch.X


class Believer(Greedy):
    """Pending trials come out as the models expect: the kriging believer."""

    def begin(self, ask: Ask) -> Choice:
        # Nowhere do the means change by what is believed.
        known = ask.goal.deciding(ask.models.objectives, ask.X) if len(ask.X) else ask.X
        models: list[Posterior] = list(ask.models.objectives)
        believed = 0

        def choose(out: Out) -> Acquisition:
            nonlocal models, believed
            # What is out only grows during an ask.
            fresh, believed = out.P[believed:], len(out.P)
            if len(fresh):
                models = [model.believe(fresh) for model in models]
            points = np.concatenate([known, out.P[out.hoped]])
            return ask.goal.acquisition(models, points, out.trial)

        return choose


class Knowing(Greedy):
    """One that needs a feasible result; until there is one it believes."""

    def begin(self, ask: Ask) -> Choice:
        if not len(ask.X):
            return Believer().begin(ask)
        return lambda out: self._acquisition(ask, out)

    def _acquisition(self, ask: Ask, out: Out) -> Acquisition:
        """Return the acquisition over the objectives for one choice."""
        raise NotImplementedError


class Liar(Knowing):
    """Pending trials all come out as one value: the constant liar.

    Args:
        lie: Takes it from the means at the evaluated points.
    """

    def __init__(self, lie: Callable[[Floats], float]) -> None:
        self._lie = lie

    def _acquisition(self, ask: Ask, out: Out) -> Acquisition:
        models: Sequence[Posterior] = ask.models.objectives
        if len(out.P):
            models = [self._informed(model, ask, out) for model in models]
        points = np.concatenate([ask.X, out.P[out.hoped]])
        return ask.goal.acquisition(models, points, out.trial)

    def _informed(self, model: Posterior, ask: Ask, out: Out) -> Posterior:
        lies = np.full(len(out.P), self._lie(model.mean(ask.X)))
        return cast(FittedPosterior, model).suppose(out.P, lies)


class Ignoring(Knowing):
    """Pending trials do not count: what comes of that, as a yardstick."""

    heeds = False

    def _acquisition(self, ask: Ask, out: Out) -> Acquisition:
        return ask.goal.acquisition(ask.models.objectives, ask.X, out.trial)


class Sampling(Knowing):
    """Each trial is best in a world of its own, drawn from the models: Thompson sampling.

    Args:
        seed: With the number of a trial it decides the draw.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def _acquisition(self, ask: Ask, out: Out) -> Acquisition:
        rng = stream(self._seed, out.trial, _OURS)
        drawn = [draw(model, rng) for model in ask.models.objectives]
        return ask.goal.acquisition(drawn, ask.X, out.trial)


class Imagining(Knowing):
    """The mean over what pending trials may bring, drawn from the models together.

    Args:
        seed: With the number of a trial it decides the draws.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def _acquisition(self, ask: Ask, out: Out) -> Acquisition:
        models = ask.models.objectives
        if not len(out.P):
            return ask.goal.acquisition(models, ask.X, out.trial)
        rng = stream(self._seed, out.trial, _OURS)
        if len(models) == 1:
            return ask.goal.acquisition(
                [self._imagined(models[0], out, _FANTASIES, rng)], ask.X, out.trial
            )
        drawn = [Shared(self._imagined(model, out, _OUTCOMES, rng)).each for model in models]
        points = np.concatenate([ask.X, out.P[out.hoped]])
        worlds = zip(*drawn, strict=True)
        return LogMean([ask.goal.acquisition(world, points, out.trial) for world in worlds])

    def _imagined(
        self, model: Posterior, out: Out, n: int, rng: np.random.Generator
    ) -> Fantasies:
        return imagine(model, out.P, normals(n, len(out.P), rng), out.hoped)


@dataclass(frozen=True, slots=True)
class Ground:
    """A look all over the space.

    Args:
        encoding: The space.
        seed: With the number of a trial it decides where.
    """

    encoding: Encoding
    seed: int

    def points(self, ask: Ask) -> Floats:
        """Return points all over the space, and the evaluated ones."""
        rng = stream(self.seed, ask.trial, _OURS)
        return np.concatenate([ask.X, self.encoding.sample(_SAMPLE, rng)])


class Penalising(Greedy):
    """Balls around pending points are avoided: local penalization.

    Args:
        ground: Where the Lipschitz constant is looked for.
        hard: Whether the penalty is Alvi's.
    """

    def __init__(self, ground: Ground, *, hard: bool = False) -> None:
        self._ground = ground
        self._hard = hard

    def begin(self, ask: Ask) -> Choice:
        if not len(ask.X):
            return Believer().begin(ask)
        X, labels = self._ground.points(ask), self._ground.encoding.categorical
        landscapes = [survey(model, X, labels) for model in ask.models.objectives]

        def choose(out: Out) -> Acquisition:
            gain = ask.goal.acquisition(ask.models.objectives, ask.X, out.trial)
            if not len(out.P):
                return gain
            seen = [model.predict(out.P) for model in ask.models.objectives]
            balls = [
                Ball(found.mean, np.sqrt(found.variance), landscape, self._hard)
                for found, landscape in zip(seen, landscapes, strict=True)
            ]
            return Product(gain, LocalPenalty(out.P, balls, labels))

        return choose


class Informing(Greedy):
    """What tells most about the minimum, beyond what is on its way: GIBBON.

    Args:
        ground: Where minima are looked for.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def begin(self, ask: Ask) -> Choice:
        if not len(ask.X):
            return Believer().begin(ask)
        X = self._ground.points(ask)
        least = [minima(model, X) for model in ask.models.objectives]

        def choose(out: Out) -> Acquisition:
            pairs = zip(ask.models.objectives, least, strict=True)
            return Gibbon([Information(joint(model, out.P), y) for model, y in pairs], X)

        return choose


def heeded(models: Models, P: Floats) -> Models:
    """Return `models`, with those of what is feasible believing in their means at `P`."""
    believing = replace(models, objectives=()).believe(P)
    return replace(believing, objectives=models.objectives)
