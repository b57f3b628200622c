"""The column that says how far an evaluation went: read, and compared with what was asked.

What is raised here is ValueError, in words that continue "row 2 of 3 of the reply: ".
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hmserve.cells import parse_float
from hmserve.fidelity.options import FidelityOptions
from hmserve.space.parameters import format_number
from hmserve.trial import Trial

_RELATIVE: Final = 1e-5
"""Fidelities that differ by less are the same: clients print six digits."""
_SIXTH_DECIMAL: Final = 5.1e-7
_SHOWN: Final = 200


def read_fidelity(options: FidelityOptions, text: str) -> float | None:
    """Return the fidelity that the field `text` says; None if it is empty.

    One that is in use but for its last digits is that.

    Raises:
        ValueError: An evaluation cannot have gone so far.
    """
    if not text:
        return None
    value = parse_float(text)
    if value is None or not _allows(options, value):
        kind = "whole number" if options.integer else "number"
        raise ValueError(
            f"{options.name}: expected a {kind} above 0, at most {format_number(options.max)}, "
            f"came {text[:_SHOWN]!r}"
        )
    used = options.ladder.fidelities
    return next((fidelity for fidelity in used if _agree(options, value, fidelity)), value)


def _allows(options: FidelityOptions, value: float) -> bool:
    if not 0.0 < value < math.inf:
        return False
    if value > options.max:
        return _agree(options, value, options.max)
    return not options.integer or value.is_integer()


def whose(options: FidelityOptions, found: float | None, trials: Sequence[Trial]) -> int:
    """Return which of `trials`, which have one configuration, an evaluation answers.

    The first that was asked at the fidelity `found`, else that which wanted the least more;
    without a fidelity the first of all.

    Raises:
        ValueError: All wanted less.
    """
    if found is None:
        return 0
    wanted = [options.of(trial) for trial in trials]
    for place, fidelity in enumerate(wanted):
        if _agree(options, found, fidelity):
            return place
    above = [place for place, fidelity in enumerate(wanted) if fidelity > found]
    if not above:
        raise _too_far(options, found, max(wanted))
    return min(above, key=lambda place: wanted[place])


def reached(
    options: FidelityOptions | None, asked: Trial, found: float | None, *, failed: bool = False
) -> Trial:
    """Return `asked` with the fidelity that its evaluation came to.

    Args:
        options: What the scenario says of fidelities; None if it has none.
        asked: As it was handed out.
        found: What the answer says; None if nothing.
        failed: Whether the evaluation failed, so that it may not know.

    Raises:
        ValueError: It went farther than it was to, or does not say how far.
    """
    if options is None:
        return asked
    if found is None:
        if failed or options.assume_requested:
            return asked
        raise ValueError(
            f"{options.name}: expected how far the evaluation went, {_wanted(options, asked)}, "
            'came nothing; with "assume_requested": true that goes without saying'
        )
    wanted = options.of(asked)
    if _agree(options, found, wanted):
        return asked
    if found > wanted:
        raise _too_far(options, found, wanted)
    return replace(asked, fidelity=found)


def _wanted(options: FidelityOptions, asked: Trial) -> str:
    return f"{format_number(options.of(asked))} if as far as was asked"


def _too_far(options: FidelityOptions, found: float, wanted: float) -> ValueError:
    return ValueError(
        f"{options.name}: expected {format_number(wanted)} as was asked, or less if it ended "
        f"early, came {format_number(found)}"
    )


def _agree(options: FidelityOptions, found: float, wanted: float) -> bool:
    floor = min(_SIXTH_DECIMAL, _RELATIVE * (options.max - options.min))
    return abs(found - wanted) <= max(_RELATIVE * max(found, wanted), floor)
