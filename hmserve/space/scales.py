"""Distributions given on a linear scale for what varies on a log one, and the other way.

L is log(high / low) of the parameter.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from hmserve.space.space import Distribution


class Scale(Protocol):
    """An increasing map of the unit interval onto itself.

    The last argument is the module to calculate with: `math` for numbers, numpy for arrays.
    """

    def inward(self, z: Any, using: Any = math) -> Any:
        """Return the place on the inner scale."""

    def outward(self, y: Any, using: Any = math) -> Any:
        """Return the z of which `y` is the place on the inner scale."""

    def slope(self, z: Any, using: Any = math) -> Any:
        """Return the derivative of `inward`."""

    def bend(self, z: Any, using: Any = math) -> Any:
        """Return the second derivative of `inward`."""


@dataclass(frozen=True, slots=True)
class LinearInside:
    """From a log scale to the linear one: (e^(zL) - 1) / (e^L - 1)."""

    log_ratio: float

    def inward(self, z: Any, using: Any = math) -> Any:
        end = using.exp((z - 1.0) * self.log_ratio)  # e^L itself may overflow
        return (end - math.exp(-self.log_ratio)) / -math.expm1(-self.log_ratio)

    def outward(self, y: Any, using: Any = math) -> Any:
        return LogInside(self.log_ratio).inward(y, using)

    def slope(self, z: Any, using: Any = math) -> Any:
        end = using.exp((z - 1.0) * self.log_ratio)
        return self.log_ratio * end / -math.expm1(-self.log_ratio)

    def bend(self, z: Any, using: Any = math) -> Any:
        return self.log_ratio * self.slope(z, using)


@dataclass(frozen=True, slots=True)
class LogInside:
    """From a linear scale to the log one, the inverse: log(1 + z (e^L - 1)) / L."""

    log_ratio: float

    def inward(self, z: Any, using: Any = math) -> Any:
        return 1.0 + using.log(self._share(z)) / self.log_ratio

    def outward(self, y: Any, using: Any = math) -> Any:
        return LinearInside(self.log_ratio).inward(y, using)

    def slope(self, z: Any, using: Any = math) -> Any:
        del using
        return -math.expm1(-self.log_ratio) / (self.log_ratio * self._share(z))

    def bend(self, z: Any, using: Any = math) -> Any:
        return -self.log_ratio * self.slope(z, using) ** 2

    def _share(self, z: Any) -> Any:
        """Return the value at `z` as a share of the largest."""
        least = max(math.exp(-self.log_ratio), 1e-300)
        return z + (1.0 - z) * least


@dataclass(frozen=True, slots=True)
class Rescaled:
    """A distribution that was given on another scale.

    Args:
        base: On the inner scale.
        scale: The way there.
    """

    base: Distribution
    scale: Scale

    def quantile(self, u: float) -> float:
        return _clipped(self.scale.outward(self.base.quantile(u)))

    def cdf(self, z: float) -> float:
        return self.base.cdf(_clipped(self.scale.inward(z)))

    def density(self, z: float) -> float:
        inner = self.base.density(_clipped(self.scale.inward(z)))
        return inner * float(self.scale.slope(z))


def _clipped(z: float) -> float:
    return min(max(z, 0.0), 1.0)
