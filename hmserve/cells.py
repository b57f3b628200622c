"""What the cells of outcomes say, in replies and in files alike."""

import math
from collections.abc import Mapping
from typing import Final

# float() itself knows nan, -nan, inf, -inf, infinity, in any case, and makes 1e400 infinite.
_FAILED: Final = frozenset({"", "na", "none", "null"})
_FEASIBLE: Final = dict.fromkeys(("true", "1", "yes"), True) | dict.fromkeys(
    ("false", "0", "no"), False
)


def parse_float(text: str) -> float | None:
    """Return the number that `text` is, Fortran's 1.0D+05 included; None if it is none.

    Unlike float() it takes neither 1_000 nor the digits of every script.
    """
    if "_" in text or not text.isascii():
        return None
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(text.lower().replace("d", "e"))
    except ValueError:
        return None


def parse_objective(text: str) -> float | None:
    """Return the value of an objective, or None if its evaluation failed.

    Raises:
        ValueError: `text` is neither a number nor one of the ways to write a failure.
    """
    if text.lower() in _FAILED:
        return None
    value = parse_float(text)
    if value is None:
        raise ValueError("expected a number, or nan for a failed evaluation")
    return value if math.isfinite(value) else None


class FeasibilityWords:
    """The words for feasible and infeasible: the scenario's own first, then common ones.

    Args:
        true_value: The scenario's word for feasible.
        false_value: The scenario's word for infeasible.
    """

    def __init__(self, true_value: str, false_value: str) -> None:
        self._words: Mapping[str, bool] = {**_FEASIBLE, true_value: True, false_value: False}
        self.expected = f"{true_value!r} or {false_value!r} (or true/false, 1/0, yes/no)"

    def read(self, text: str) -> bool:
        """Return what `text` says, whatever its case; 1.0 and 0.0 are what 1 and 0 are.

        Raises:
            ValueError: It is none of the words.
        """
        word = self._words.get(text, self._words.get(text.lower()))
        if word is None:
            number = parse_float(text)
            word = None if number is None else self._words.get(f"{number:g}")
        if word is None:
            raise ValueError(f"expected {self.expected}")
        return word
