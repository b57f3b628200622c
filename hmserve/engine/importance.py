"""How much each parameter matters to a model: HyperMapper's ``print_parameter_importance``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from hmserve.acquisition.maximize import quasi_random
from hmserve.arrays import Floats
from hmserve.space.encoding import Encoding
from hmserve.surrogate.base import Posterior

if TYPE_CHECKING:  # scikit-learn is loaded only where a forest was asked for
    from hmserve.surrogate.forest import Forest

_POINTS = 1024


def importances(
    model: Posterior, encoding: Encoding, rng: np.random.Generator
) -> Mapping[str, float]:
    """Return the share of each parameter, by name; they add up to one, or all are zero.

    Of a forest the impurity that splits take away (Breiman 2001), which includes what it
    made of noise; of a process its sensitivity, see `total_effects`.

    Args:
        model: What was fitted to an objective.
        encoding: The space.
        rng: Draws the points at which a process is asked.
    """
    if hasattr(model, "trees"):
        found = impurity_shares(cast("Forest", model))
    else:
        found = total_effects(model, encoding, rng)
    total = float(found.sum())
    shares = found / total if total > 0.0 else np.zeros_like(found)
    return dict(zip(encoding.space.names, shares.tolist(), strict=True))


def impurity_shares(forest: "Forest") -> Floats:
    """Return the impurity that splits on each column take away, shape (d,)."""
    from hmserve.surrogate.forest import one_hot

    widths = [one_hot(np.zeros((1, 1)), (kind,)).shape[1] for kind in forest.levels]
    owner = np.repeat(np.arange(len(widths)), widths)
    return np.bincount(owner, forest.trees.feature_importances_, len(widths)).astype(float)


def total_effects(model: Posterior, encoding: Encoding, rng: np.random.Generator) -> Floats:
    """Return how much of the mean's variance each parameter has a part in, shape (d,).

    The total-effect indices of Sobol by the estimator of Jansen (1999): half the mean square
    of what the mean changes by when one parameter alone is drawn anew. Labels are drawn like
    numbers. A length scale tells how fast a function may vary; this, how much it does.

    Args:
        model: What was fitted to an objective.
        encoding: The space; every level counts the same.
        rng: Draws the points.
    """
    d = len(encoding.axes)
    U = quasi_random(_POINTS, d, rng)
    before = model.mean(encoding.draw(U))
    effects = np.empty(d)
    for j in range(d):
        changed = U.copy()
        changed[:, j] = (rng.permutation(_POINTS) + rng.random(_POINTS)) / _POINTS
        effects[j] = 0.5 * float(np.mean((model.mean(encoding.draw(changed)) - before) ** 2))
    variance = float(np.var(before))
    return effects / variance if variance > 0.0 else np.zeros(d)
