"""Interval arithmetic on arrays: what functions can be, given what their arguments can be.

Bounds are those of the computed doubles, not of the real numbers they stand for. Sums,
products, quotients, roots, minima and whole powers are rounded monotonically, so that their
values at the ends of an interval bound all others; the functions of the C library get some
room.

    low, high   (m,)  bounds of the values that are defined
    safe        (m,)  whether the number is certainly defined
    dead        (m,)  whether it is certainly undefined
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from hmserve.arrays import Floats, Mask
from hmserve.constraints.tree import whole_power
from hmserve.constraints.vectors import FAST, apply, whole_quotient

_ROOM: Final = 1e-13
"""Relative room for the functions of numpy and of the C library."""

_EXACT: Final = 2.0**52
"""Quotients up to here are rounded down exactly."""


class Range(NamedTuple):
    """What a number can be, one range a row."""

    low: Floats
    high: Floats
    safe: Mask
    dead: Mask


Bounds = tuple[Floats, Floats]


def widened(low: Floats, high: Floats, room: float = _ROOM) -> Bounds:
    """Return bounds with relative `room` on either side."""
    tiny = np.finfo(float).tiny
    return low - np.abs(low) * room - tiny, high + np.abs(high) * room + tiny


def product(a: Bounds, b: Bounds) -> Bounds:
    """Return the bounds of a * b."""
    if (a[0] >= 0).all() and (b[0] >= 0).all():
        return _bounds([a[0] * b[0], a[1] * b[1]])
    return _bounds([x * y for x in a for y in b])


def quotient(a: Bounds, b: Bounds, divide: Callable[..., Floats] = np.divide) -> Bounds:
    """Return the bounds of a / b for b != 0; of 0 / 0 they say that it is 0."""
    if (a[0] >= 0).all() and (b[0] > 0).all():
        return _bounds([divide(a[0], b[1]), divide(a[1], b[0])])
    # A zero divisor has the sign of the numbers beside it.
    b = b[0] + 0.0, np.where(b[1] == 0, -0.0, b[1])
    low, high = _bounds([divide(x, y) for x in a for y in b])
    across = (b[0] < 0) & (b[1] > 0)
    return np.where(across, -np.inf, low), np.where(across, np.inf, high)


def _bounds(corners: Sequence[Floats]) -> Bounds:
    # Zero times infinity: what is infinite here is a bound and no value.
    known = [np.where(np.isnan(corner), 0.0, corner) for corner in corners]
    low, high = known[0], known[0]
    for corner in known[1:]:
        low, high = np.minimum(low, corner), np.maximum(high, corner)
    return low, high


def _touches_zero(a: Range) -> Mask:
    return np.asarray((a.low <= 0) & (a.high >= 0))


def _is_zero(a: Range) -> Mask:
    return np.asarray((a.low == 0) & (a.high == 0))


def _times(a: Range, b: Range) -> Range:
    return _strict((a, b), product(a[:2], b[:2]))


def _over(a: Range, b: Range) -> Range:
    return _strict((a, b), quotient(a[:2], b[:2]), _touches_zero(b), _is_zero(b))


def _whole_times(x: Floats, y: Floats) -> Floats:
    """Return x // y; infinity, where numpy has NaN, for an infinite x."""
    return np.where(np.isinf(x), x / y, whole_quotient(x, y))


def _over_whole(a: Range, b: Range) -> Range:
    low, high = quotient(a[:2], b[:2], _whole_times)
    wide = widened(low, high)
    low = np.where(np.abs(low) > _EXACT, wide[0], low)
    high = np.where(np.abs(high) > _EXACT, wide[1], high)
    return _strict((a, b), (low, high), _touches_zero(b), _is_zero(b))


def _remainder(a: Range, b: Range) -> Range:
    """Return the range of a % b, narrow where a // b can be only one number."""
    low, high = np.minimum(b.low, 0.0), np.maximum(b.high, 0.0)
    high = np.where((b.low > 0) & (a.low >= 0), np.minimum(high, a.high), high)
    times = quotient(a[:2], b[:2], _whole_times)
    one = (b.low > 0) & (times[0] == times[1]) & (np.abs(times[0]) < _EXACT)
    taken = product((times[0], times[0]), b[:2])
    room = 4e-16 * (np.abs(a.low) + np.abs(a.high) + np.abs(taken[0]) + np.abs(taken[1]))
    low = np.where(one, np.maximum(low, a.low - taken[1] - room), low)
    high = np.where(one, np.minimum(high, a.high - taken[0] + room), high)
    return _strict((a, b), (low, high), _touches_zero(b), _is_zero(b))


def _to_the(a: Range, b: Range) -> Range:
    """Return the range of a ** b, narrow only where a > 0."""
    low, high = _bounds([np.power(x, y) for x in (a.low, a.high) for y in (b.low, b.high)])
    low, high = widened(low, high)
    unknown = (a.low < 0) | ((a.low == 0) & (b.low <= 0))
    low, high = np.where(unknown, -np.inf, low), np.where(unknown, np.inf, high)
    return _strict((a, b), (low, high), unknown)


def _least(*parts: Range) -> Range:
    low, high = (np.minimum.reduce([part[i] for part in parts]) for i in (0, 1))
    return _strict(parts, (low, high))


def _greatest(*parts: Range) -> Range:
    low, high = (np.maximum.reduce([part[i] for part in parts]) for i in (0, 1))
    return _strict(parts, (low, high))


def _magnitude(a: Range) -> Range:
    return _strict((a,), magnitude(a[:2]))


def magnitude(a: Bounds) -> Bounds:
    """Return the bounds of abs(a)."""
    low = np.maximum(np.maximum(a[0], -a[1]), 0.0)
    return low, np.maximum(np.abs(a[0]), np.abs(a[1]))


def _root(a: Range) -> Range:
    bounds = np.sqrt(np.maximum(a.low, 0.0)), np.sqrt(np.maximum(a.high, 0.0))
    return _strict((a,), bounds, a.low < 0, a.high < 0)


def _rising(
    function: Callable[..., Floats], least: float = -np.inf, most: float = np.inf
) -> Callable[[Range], Range]:
    """Return a function that grows where it is defined, from `least` to `most`."""

    def apply_to(a: Range) -> Range:
        low, high = (function(np.clip(end, least, most)) for end in (a.low, a.high))
        undefined = (a.low < least) | (a.high > most) | (a.low == least)
        return _strict((a,), widened(low, high), undefined, (a.high < least) | (a.low > most))

    return apply_to


def _arccos(a: Range) -> Range:
    falling = _rising(np.arcsin, -1.0, 1.0)(a)
    bounds = widened(np.pi / 2 - falling.high, np.pi / 2 - falling.low)
    return Range(bounds[0] - _ROOM, bounds[1] + _ROOM, falling.safe, falling.dead)


def _cosh(a: Range) -> Range:
    low, high = magnitude(a[:2])
    return _strict((a,), widened(np.cosh(low), np.cosh(high)))


def _wave(crest: float) -> Callable[[Range], Range]:
    """Return sine or cosine, which is 1 at `crest` and every 2 pi from there."""

    def apply_to(a: Range) -> Range:
        ends = [np.cos(end - crest) for end in (a.low, a.high)]
        low, high = np.minimum(*ends) - 1e-9, np.maximum(*ends) + 1e-9
        far = (np.abs(a.low) > 1e6) | (np.abs(a.high) > 1e6)
        low = np.where(far | _passes(a, crest + np.pi, 2 * np.pi), -1.0, low)
        high = np.where(far | _passes(a, crest, 2 * np.pi), 1.0, high)
        return _strict((a,), (np.maximum(low, -1.0), np.minimum(high, 1.0)))

    return apply_to


def _tangent(a: Range) -> Range:
    far = (np.abs(a.low) > 1e6) | (np.abs(a.high) > 1e6) | _passes(a, np.pi / 2, np.pi)
    low, high = widened(np.tan(a.low), np.tan(a.high), 1e-6)
    return _strict((a,), (np.where(far, -np.inf, low), np.where(far, np.inf, high)))


def _passes(a: Range, mark: float, period: float) -> Mask:
    """Tell where a range, with some room, holds `mark` plus a multiple of `period`."""
    first, last = ((end - mark) / period for end in (a.low - 1e-6, a.high + 1e-6))
    return np.asarray(np.floor(last) >= np.ceil(first))


def _strict(
    parts: Sequence[Range],
    bounds: Bounds,
    undefined: Mask | None = None,
    dead: Mask | None = None,
) -> Range:
    """Return the range of a function that is undefined if one of its arguments is."""
    low, high = bounds
    safe = np.logical_and.reduce([part.safe for part in parts])
    gone = np.logical_or.reduce([part.dead for part in parts])
    # Beyond the largest double it is undefined.
    safe = safe & np.isfinite(low) & np.isfinite(high)
    gone = gone | ((low == high) & np.isinf(low))
    low = np.where(np.isnan(low), -np.inf, low)
    high = np.where(np.isnan(high), np.inf, high)
    if undefined is not None:
        safe = safe & ~undefined
    return Range(low, high, safe, gone if dead is None else gone | dead)


_FUNCTIONS: Final[Mapping[str, Callable[..., Range]]] = {
    "*": _times,
    "/": _over,
    "//": _over_whole,
    "%": _remainder,
    "**": _to_the,
    "min": _least,
    "max": _greatest,
    "abs": _magnitude,
    "floor": lambda a: _strict((a,), (np.floor(a.low), np.floor(a.high))),
    "ceil": lambda a: _strict((a,), (np.ceil(a.low), np.ceil(a.high))),
    "sqrt": _root,
    "exp": _rising(np.exp),
    "expm1": _rising(np.expm1),
    "log": _rising(np.log, 0.0),
    "log10": _rising(np.log10, 0.0),
    "log1p": _rising(np.log1p, -1.0),
    "sin": _wave(math.pi / 2),
    "cos": _wave(0.0),
    "tan": _tangent,
    "arcsin": _rising(np.arcsin, -1.0, 1.0),
    "arccos": _arccos,
    "arctan": _rising(np.arctan),
    "sinh": _rising(np.sinh),
    "cosh": _cosh,
    "tanh": _rising(np.tanh),
}


def applied(function: str, parts: Sequence[Range]) -> Range:
    """Return the range of one of `hmserve.constraints.tree.FUNCTIONS`.

    Where each argument can only be one number, it is the very value.
    """
    found = _FUNCTIONS[function](*parts)
    if function in FAST and function not in {"//", "%"}:
        return found
    point = np.logical_and.reduce([(part.low == part.high) & part.safe for part in parts])
    if not point.any():
        return found
    return _pinned(found, point, apply(function, [part.low[point] for part in parts]))


def _pinned(found: Range, point: Mask, exact: Floats) -> Range:
    low, high = found.low.copy(), found.high.copy()
    safe, dead = found.safe.copy(), found.dead.copy()
    defined = np.isfinite(exact)
    low[point] = high[point] = np.where(defined, exact, 0.0)
    safe[point], dead[point] = defined, ~defined
    return Range(low, high, safe, dead)


def power(a: Range, exponent: int) -> Range:
    """Return the range of a whole power."""
    if exponent % 2 == 0:
        low, high = magnitude(a[:2])
    else:
        low, high = a.low, a.high
    ends = whole_power(low, abs(exponent)), whole_power(high, abs(exponent))
    if exponent >= 0:
        return _strict((a,), ends)
    # `whole_power` takes the quotient last, too.
    ones = np.ones_like(low)
    return _strict((a,), quotient((ones, ones), ends), _touches_zero(a), _is_zero(a))


def total(signs: Sequence[float], parts: Sequence[Range]) -> Range:
    """Return the range of a sum, added from left to right."""
    low, high = signed(signs, parts)
    return _strict(parts, (np.cumsum(low, axis=0)[-1], np.cumsum(high, axis=0)[-1]))


def signed(signs: Sequence[float], parts: Sequence[Range]) -> Bounds:
    """Return the bounds of each term of a sum, shape (terms, m)."""
    pairs = [
        (part.low, part.high) if sign > 0 else (-part.high, -part.low)
        for sign, part in zip(signs, parts, strict=True)
    ]
    return np.stack([low for low, _ in pairs]), np.stack([high for _, high in pairs])
