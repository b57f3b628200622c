"""A random forest as a surrogate: scikit-learn's trees, mean and variance by total variance.

Unlike HyperMapper's forest this one keeps scikit-learn's split thresholds and takes the
population variance of each leaf; what a tree cannot tell apart it gives the same value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.tree._tree import Tree

from hmserve.arrays import Floats, Ints
from hmserve.space.permutation import Permutation
from hmserve.surrogate.base import ForestOptions, Normal
from hmserve.surrogate.orders import features

_LEAST_VARIANCE = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """A fitted forest.

    Args:
        trees: scikit-learn's fitted regressor.
        leaves: Of each tree, the mean and the variance of every node.
        data: Training inputs, shape (n, f), as the trees see them, and targets, shape (n,).
        levels: The number of levels of a categorical column, the parameter of one that holds
            permutations, 0 for a numeric one.
        options: How the trees are grown.
        seed: What grew the trees.
    """

    trees: RandomForestRegressor
    leaves: tuple[tuple[Floats, Floats], ...]
    data: tuple[Floats, Floats]
    levels: tuple[int | Permutation, ...]
    options: ForestOptions
    seed: int

    @classmethod
    def fit(
        cls,
        data: tuple[Floats, Floats],
        levels: tuple[int | Permutation, ...],
        options: ForestOptions,
        seed: int,
    ) -> "Forest":
        """Grow the trees on `data` = (X, y)."""
        trees = RandomForestRegressor(
            n_estimators=options.trees,
            max_features=max(options.max_features, 1e-9),
            bootstrap=options.bootstrap,
            min_samples_split=options.min_samples_split,
            random_state=seed,
            n_jobs=1,
        )
        X, y = data
        F = one_hot(X, levels)
        trees.fit(F, y)
        leaves = tuple(
            _leaves(tree.tree_, leaf, y, options)
            for tree, leaf in zip(trees.estimators_, trees.apply(F).T, strict=True)
        )
        return cls(trees, leaves, data, levels, options, seed)

    def predict(self, X: Floats) -> Normal:
        """Predict by the law of total variance over the trees (Hutter et al. 2014, eq. 5)."""
        leaves = self.trees.apply(one_hot(X, self.levels))  # (m, trees)
        pairs = list(zip(self.leaves, leaves.T, strict=True))
        means = np.stack([mean[leaf] for (mean, _), leaf in pairs])
        variances = np.stack([variance[leaf] for (_, variance), leaf in pairs])
        spread = means.var(0) + variances.mean(0)
        return Normal(means.mean(0), np.maximum(spread, _LEAST_VARIANCE))

    def mean(self, X: Floats) -> Floats:
        """Predict the mean alone."""
        return self.predict(X).mean

    def believe(self, P: Floats) -> "Forest":
        """Grow the trees again with their own mean observed at `P`, shape (p, d)."""
        return self.suppose(P, self.mean(P))

    def suppose(self, P: Floats, y: Floats) -> "Forest":
        """Grow the trees again with `y`, shape (p,), observed at `P`, shape (p, d)."""
        X, known = self.data
        data = (np.concatenate([X, P]), np.concatenate([known, y]))
        return Forest.fit(data, self.levels, self.options, self.seed)


def _leaves(tree: Tree, leaf: Ints, y: Floats, options: ForestOptions) -> tuple[Floats, Floats]:
    """Return the mean and the variance of every node of a tree.

    Args:
        tree: scikit-learn's.
        leaf: The leaf of each row of all data, shape (n,).
        y: Its targets.
        options: Whether they count, or those alone that grew the tree.
    """
    means, variances = tree.value[:, 0, 0].copy(), tree.impurity.copy()
    count = np.bincount(leaf, minlength=len(means))
    met = count > 0
    mean = np.bincount(leaf, y, len(means))[met] / count[met]
    if options.means_from_all:
        means[met] = mean
    if options.variances_from_all:
        square = np.bincount(leaf, y * y, len(means))[met] / count[met]
        variances[met] = np.maximum(square - mean * mean, 0.0)
    return means, variances


def one_hot(X: Floats, levels: Sequence[int | Permutation]) -> Floats:
    """Return `X`, shape (n, d), with one 0/1 column a level for every categorical.

    And for every permutation its vector, or of the kind naive its rank.
    """
    return np.concatenate(
        [_columns(u, kind) for u, kind in zip(X.T, levels, strict=True)], axis=1
    )


def _columns(u: Floats, kind: int | Permutation) -> Floats:
    if isinstance(kind, Permutation):
        vectors = features(kind, u)
        return vectors if vectors.shape[1] else u[:, None]
    if kind:
        return np.asarray(np.floor(u[:, None] * kind) == np.arange(kind), dtype=float)
    return u[:, None]
