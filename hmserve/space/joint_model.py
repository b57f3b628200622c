"""A joint prior over points `X` of the unit cube: densities and draws of a `JointKde`."""

import functools
import math
from typing import Final

import numpy as np
from scipy import special

from hmserve.arrays import Floats, Ints
from hmserve.space.axis import Axis
from hmserve.space.encoding import Encoding
from hmserve.space.joint_prior import JointKde, LabelKernels, NumberKernels
from hmserve.space.prior_arrays import normal_masses, truncated_quantiles
from hmserve.space.prior_model import TABLED, Active, codes_at, points_at

_BLOCK: Final = 256
"""Points that meet all kernels at once: more would spill out of the cache."""


class JointPrior:
    """A kernel density estimate over all parameters.

    Args:
        encoding: The space.
        estimate: One column a parameter, in the order of the space.
        active: Which parameters matter; all, if not given.
    """

    def __init__(
        self, encoding: Encoding, estimate: JointKde, active: Active | None = None
    ) -> None:
        self._encoding = encoding
        self._active = active
        self._count = estimate.points
        self._columns = [
            _NumberColumn(axis, kernels)
            if isinstance(kernels, NumberKernels)
            else _LabelColumn(axis, kernels)
            for axis, kernels in zip(encoding.axes, estimate.columns, strict=True)
        ]

    def draw(self, U: Floats) -> Floats:
        # The first variate also chooses the kernel: what is left of it is a variate again.
        chosen = U[:, 0] * self._count
        k = np.minimum(chosen.astype(np.int64), self._count - 1)
        variates = U.copy()
        variates[:, 0] = np.clip(chosen - k, 0.0, 1.0)
        codes = [
            codes_at(axis, column.draw(k, u))
            for axis, column, u in zip(
                self._encoding.axes, self._columns, variates.T, strict=True
            )
        ]
        return points_at(self._encoding, codes)

    def log_density(self, X: Floats) -> Floats:
        return self._in_blocks(X, with_gradient=False)[0]

    def log_density_with_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        return self._in_blocks(X, with_gradient=True)

    @functools.cached_property
    def log_limits(self) -> tuple[float, float]:
        middles = np.full((self._count, len(self._columns)), 0.5)
        middles[:, 0] = (np.arange(self._count) + 0.5) / self._count
        found = self.log_density(self.draw(middles))
        # Far from all points there is next to nothing.
        return -math.inf, float(found.max())

    def _in_blocks(self, X: Floats, *, with_gradient: bool) -> tuple[Floats, Floats]:
        value, gradient = np.empty(len(X)), np.zeros_like(X)
        for begin in range(0, len(X), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            Z = X[rows]
            active = self._active(Z) if self._active else np.ones(Z.T.shape, dtype=bool)
            logs = np.zeros((len(Z), self._count))
            for column, u, matters in zip(self._columns, Z.T, active, strict=True):
                logs += np.where(matters[:, None], column.log_kernels(u), 0.0)
            value[rows] = special.logsumexp(logs, axis=1) - math.log(self._count)
            if with_gradient:
                shares = special.softmax(logs, axis=1)
                for j, column in enumerate(self._columns):
                    slope = (shares * column.log_slopes(Z[:, j])).sum(1)
                    gradient[rows, j] = np.where(active[j], slope, 0.0)
        return value, gradient


class _NumberColumn:
    """One numeric parameter of all points."""

    def __init__(self, axis: Axis, kernels: NumberKernels) -> None:
        self._axis = axis
        self._scale = kernels.scale
        self._means, self._deviations = np.array(kernels.means), np.array(kernels.deviations)
        self._log_masses = np.log(kernels.masses)

    def draw(self, k: Ints, u: Floats) -> Floats:
        """Return one z from kernel number `k`, each, shape (m,)."""
        y = truncated_quantiles(self._means[k], self._deviations[k], u)
        return np.asarray(self._scale.outward(y, np)) if self._scale else y

    def log_kernels(self, u: Floats) -> Floats:
        """Return the log kernels at coordinates `u`, shape (m, K)."""
        if self._axis.discrete and self._axis.levels <= TABLED:
            i, n = self._axis.index(u), self._axis.levels
            low, high = self._standardised(i / n), self._standardised((i + 1.0) / n)
            masses = np.maximum(normal_masses(low, high), 1e-300)
            return np.asarray(np.log(masses * n) - self._log_masses)
        z = (self._axis.index(u) + 0.5) / self._axis.levels if self._axis.discrete else u
        t = self._standardised(z)
        logs = -0.5 * t * t - np.log(self._deviations * math.sqrt(2.0 * math.pi))
        logs -= self._log_masses
        if self._scale:
            logs += np.log(self._scale.slope(z, np))[:, None]
        return np.asarray(logs)

    def log_slopes(self, u: Floats) -> Floats:
        """Return the derivatives of the log kernels by real coordinates `u`, shape (m, K)."""
        if self._axis.discrete:
            return np.zeros((len(u), 1))
        return np.asarray(-self._standardised(u) / self._deviations)

    def _standardised(self, z: Floats) -> Floats:
        y = self._scale.inward(z, np) if self._scale else z
        return np.asarray((y[:, None] - self._means) / self._deviations)


class _LabelColumn:
    """One parameter without order of all points."""

    def __init__(self, axis: Axis, kernels: LabelKernels) -> None:
        self._axis = axis
        self._places = np.array([-1 if p is None else p for p in kernels.places])
        self._share = kernels.share

    def draw(self, k: Ints, u: Floats) -> Floats:
        """Return one z from kernel number `k`, each, shape (m,)."""
        place, n = self._places[k], self._axis.levels
        share = np.where(place < 0, 1.0, self._share)
        anywhere = np.clip((u - 1.0 + share) / share, 0.0, 1.0)
        return np.where(u < 1.0 - share, (place + 0.5) / n, anywhere)

    def log_kernels(self, u: Floats) -> Floats:
        """Return the log kernels at coordinates `u`, shape (m, K)."""
        n, level = self._axis.levels, self._axis.index(u)
        here = np.where(level[:, None] == self._places, n * (1.0 - self._share), 0.0)
        return np.log(np.where(self._places < 0, 1.0, here + self._share))

    def log_slopes(self, u: Floats) -> Floats:
        """Return zeros: labels have no derivative."""
        return np.zeros((len(u), 1))
