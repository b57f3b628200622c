"""Parameters that take part in every message and do not vary."""

from hmserve.space.parameters import Parameter, Value


class Fixed:
    """A parameter held at one of its values.

    Args:
        parameter: What it would be if it varied.
        value: Where it is held.
    """

    size = 1.0

    def __init__(self, parameter: Parameter, value: Value) -> None:
        self.name = parameter.name
        self.categorical = parameter.categorical
        self.default = value
        self.parameter = parameter

    def encode(self, value: Value) -> float:
        del value
        return 0.5

    def decode(self, coordinate: float) -> Value:
        del coordinate
        return self.default

    def draw(self, u: float) -> Value:
        del u
        return self.default

    def level(self, index: int) -> Value:
        del index
        return self.default

    def contains(self, value: object) -> bool:
        return self.parameter.contains(value) and value == self.default

    def parse(self, text: str) -> Value:
        return self.parameter.parse(text)

    def format(self, value: Value) -> str:
        return self.parameter.format(value)
