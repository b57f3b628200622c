"""The known constraints of a space."""

import functools
from collections.abc import Mapping, Sequence

from hmserve.constraints.expression import Expression
from hmserve.space.conditions import Condition
from hmserve.space.parameters import Parameter
from hmserve.space.space import Configuration, Region


class KnownConstraints:
    """Expressions that every configuration satisfies (`hmserve.space.space.Known`).

    Args:
        parameters: All of the space, in scenario order.
        expressions: What must hold.
        conditions: When a parameter is active, by its name.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        expressions: Sequence[Expression],
        conditions: Mapping[str, Condition],
    ) -> None:
        self.expressions = tuple(expressions)
        self._parameters = tuple(parameters)
        self._conditions = dict(conditions)

    @functools.cached_property
    def region(self) -> Region:
        """What satisfies the constraints."""
        # It imports numpy.
        from hmserve.constraints.region import Region as FeasibleRegion

        return FeasibleRegion(self._parameters, self.expressions, self._conditions)

    def broken(self, configuration: Configuration) -> str | None:
        """Return the text of a constraint that does not hold; None if all do."""
        for expression in self.expressions:
            if not expression.holds(configuration):
                return expression.text
        return None
