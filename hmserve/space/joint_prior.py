"""One prior over all parameters: a kernel density estimate that keeps how they go together.

Notation: K points, each with one kernel a parameter; the density is the mean over the points of
the product of their kernels. As for `priors`, z is a place on the unit interval, and level i
of n owns the cell [i / n, (i + 1) / n).
"""

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

from hmserve.space.normal_mixture import NormalMixture, mass_inside, normal_density
from hmserve.space.priors import Steps, frequencies
from hmserve.space.scales import LogInside, Rescaled
from hmserve.space.space import Distribution

_FLAT: Final = 1e3
"""The deviation of a kernel that says nothing."""

_NEGLIGIBLE: Final = 1e-12


class NumberKernels:
    """Normal kernels, cut off at the bounds, in one parameter whose values have an order.

    Args:
        places: Where the points are, shape (K,); None where a point does not say.
        deviation: The standard deviation of all kernels.
        levels: How many values there are; 0 for a real.
        scale: If places are on the log scale of an integer, the way to it from its cells.
    """

    def __init__(
        self,
        places: Sequence[float | None],
        deviation: float,
        levels: int = 0,
        scale: LogInside | None = None,
    ) -> None:
        self.means = [0.5 if place is None else place for place in places]
        self.deviations = [_FLAT if place is None else deviation for place in places]
        self.masses = list(map(mass_inside, self.means, self.deviations))
        self.levels = levels
        self.scale = scale

    def mixture(self, weights: Sequence[float]) -> Distribution:
        """Return the distribution of z if the points have these weights, shape (K,)."""
        least = _NEGLIGIBLE * max(weights)
        kept = [k for k, weight in enumerate(weights) if weight > least]
        mixture = NormalMixture(
            [self.means[k] for k in kept],
            [self.deviations[k] for k in kept],
            [weights[k] for k in kept],
        )
        return Rescaled(mixture, self.scale) if self.scale else mixture

    def likelihoods(self, z: float) -> list[float]:
        """Return the kernel of each point at `z`, shape (K,), up to a common factor."""
        y = float(self.scale.inward(z)) if self.scale else z
        kernels = zip(self.means, self.deviations, self.masses, strict=True)
        return [normal_density(y, m, s) / mass for m, s, mass in kernels]


class LabelKernels:
    """The kernels of Aitchison and Aitken (1976), for values without order.

    Args:
        places: The number of the level of each point, shape (K,); None where it does not say.
        share: How much of a kernel is spread evenly over all levels.
        levels: How many there are.
    """

    scale = None

    def __init__(self, places: Sequence[int | None], share: float, levels: int) -> None:
        self.places = list(places)
        self.share = share
        self.levels = levels

    def mixture(self, weights: Sequence[float]) -> Steps:
        """Return the distribution of z if the points have these weights, shape (K,)."""
        counts: dict[int, float] = {}
        shared = 0.0
        for place, weight in zip(self.places, weights, strict=True):
            if place is None:
                shared += weight
            else:
                counts[place] = counts.get(place, 0.0) + weight * (1.0 - self.share)
                shared += weight * self.share
        return frequencies(self.levels, counts, shared)

    def likelihoods(self, z: float) -> list[float]:
        """Return the kernel of each point at `z`, shape (K,)."""
        level = min(int(z * self.levels), self.levels - 1)
        here = self.share + self.levels * (1.0 - self.share)
        return [
            1.0 if place is None else here if place == level else self.share
            for place in self.places
        ]


Kernels: TypeAlias = NumberKernels | LabelKernels


class JointKde:
    """A kernel density estimate over all parameters.

    Args:
        columns: One a parameter, all of the same points.
    """

    def __init__(self, columns: Sequence[Kernels]) -> None:
        self.columns = tuple(columns)

    @property
    def points(self) -> int:
        """How many points it is made from, K."""
        column = self.columns[0]
        return len(column.means if isinstance(column, NumberKernels) else column.places)

    def draw(self, variates: Sequence[float]) -> list[float]:
        """Return one z a parameter from as many uniform variates.

        Each is a quantile given the parameters before it (Rosenblatt 1952): strata of the
        first variate are strata of the first parameter.
        """
        weights = [1.0] * self.points
        drawn = []
        for column, u in zip(self.columns, variates, strict=True):
            z = column.mixture(weights).quantile(u)
            kernels = column.likelihoods(z)
            weights = [w * kernel for w, kernel in zip(weights, kernels, strict=True)]
            # Far out in a tail every kernel may underflow.
            weights = _normalised(weights)
            drawn.append(z)
        return drawn


def _normalised(weights: Sequence[float]) -> list[float]:
    total = math.fsum(weights)
    return [weight / total for weight in weights] if total > 0.0 else [1.0] * len(weights)
