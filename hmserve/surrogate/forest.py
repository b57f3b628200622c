"""A random forest as a surrogate: scikit-learn's trees, mean and variance by total variance.

Unlike HyperMapper's forest this one keeps scikit-learn's split thresholds and takes the
population variance of each leaf; what a tree cannot tell apart it gives the same value.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from hmserve.arrays import Floats
from hmserve.surrogate.base import ForestOptions, Normal

_LEAST_VARIANCE = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """A fitted forest.

    Args:
        trees: scikit-learn's fitted regressor.
        data: Training inputs, shape (n, f), as the trees see them, and targets, shape (n,).
        levels: The number of levels of a categorical column, 0 for a numeric one.
        options: How the trees are grown.
        seed: What grew the trees.
    """

    trees: RandomForestRegressor
    data: tuple[Floats, Floats]
    levels: tuple[int, ...]
    options: ForestOptions
    seed: int

    @classmethod
    def fit(
        cls,
        data: tuple[Floats, Floats],
        levels: tuple[int, ...],
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
        return cls(trees.fit(one_hot(X, levels), y), data, levels, options, seed)

    def predict(self, X: Floats) -> Normal:
        """Predict by the law of total variance over the trees (Hutter et al. 2014, eq. 5)."""
        leaves = self.trees.apply(one_hot(X, self.levels))  # (m, trees)
        pairs = list(zip(self.trees.estimators_, leaves.T, strict=True))
        means = np.stack([t.tree_.value[leaf, 0, 0] for t, leaf in pairs])
        variances = np.stack([t.tree_.impurity[leaf] for t, leaf in pairs])
        spread = means.var(0) + variances.mean(0)
        return Normal(means.mean(0), np.maximum(spread, _LEAST_VARIANCE))

    def mean(self, X: Floats) -> Floats:
        """Predict the mean alone."""
        return self.predict(X).mean

    def believe(self, P: Floats) -> "Forest":
        """Grow the trees again with their own mean observed at `P`, shape (p, d)."""
        X, y = self.data
        data = (np.concatenate([X, P]), np.concatenate([y, self.mean(P)]))
        return Forest.fit(data, self.levels, self.options, self.seed)


def one_hot(X: Floats, levels: tuple[int, ...]) -> Floats:
    """Return `X`, shape (n, d), with one 0/1 column a level for every categorical."""
    columns = [
        (np.floor(u[:, None] * n) == np.arange(n)).astype(float) if n else u[:, None]
        for u, n in zip(X.T, levels, strict=True)
    ]
    return np.concatenate(columns, axis=1)
