"""What a candidate is worth: larger is better, in log space, so that terms add."""

from typing import Protocol

from hmserve.arrays import Floats


class Acquisition(Protocol):
    """A utility to be maximised. Values of different acquisitions do not compare.

    To add one: a class with these two methods here beside the others, and one line in
    `hmserve.engine.build`.
    """

    @property
    def differentiable(self) -> bool:
        """Whether `value_and_gradient` may be called: depends on the models behind."""

    def __call__(self, X: Floats) -> Floats:
        """Return the value at each snapped point of `X`, shape (m, d) -> (m,)."""

    def value_and_gradient(self, X: Floats) -> tuple[Floats, Floats]:
        """Return the values, shape (m,), and their gradients by `X`, shape (m, d)."""
