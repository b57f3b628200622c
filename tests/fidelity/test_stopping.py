"""What ends an evaluation early: the rules beside plain words for them."""

import math
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from hmserve.fidelity.options import FidelityOptions
from hmserve.fidelity.rungs import Ladder
from hmserve.fidelity.stopping import Halving, Median, rule

LADDER = Ladder.of(1, 27, 3)

VALUES = st.integers(-5, 5).map(float)
FIDELITIES = st.sampled_from([0.5, 1.0, 1.0 + 1e-9, 2.0, 3.0, 8.999999999, 9.0, 20.0, 27.0])
REPORTS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 12), FIDELITIES, VALUES), max_size=60
)


def options(**changes):
    block = dict.fromkeys(FidelityOptions._fields, 1.0)
    return FidelityOptions(**{**block, "max": 27.0, "eta": 3.0, "integer": False, **changes})


def test_scenario_names_the_rule() -> None:
    assert rule(options(stopping="none")) is None
    assert isinstance(rule(options(stopping="asha")), Halving)
    assert isinstance(rule(options(stopping="median")), Median)


def nearly(a, b):
    return math.isclose(a, b, rel_tol=1e-6)


def rung_of(fidelity):
    """Return the rung that is reached; None below the lowest."""
    reached = [f for f in LADDER.fidelities if f <= fidelity or nearly(f, fidelity)]
    return len(reached) - 1 if reached else None


@given(REPORTS)
def test_halving_lets_the_best_third_of_those_that_came_as_far_go_on(reports) -> None:
    halving, seen = Halving(LADDER), {}
    for over, root, fidelity, value in reports:
        rung = rung_of(fidelity)
        there = seen.setdefault(rung, {})
        new = rung is not None and root not in there
        if new:
            there[root] = value
        if over:
            halving.settle(root, fidelity, value)
            continue
        better = sum(other < value for other in there.values())
        goes_on = not new or len(there) < 3 or better < len(there) // 3
        assert halving.report(root, fidelity, value) is goes_on


@given(REPORTS)
def test_median_ends_what_is_worse_than_most_others_were_at_that_step(reports) -> None:
    rule, curves = Median(), {}
    for over, root, fidelity, value in reports:
        if over:
            rule.settle(root, fidelity, value)
            continue
        curve = curves.setdefault(root, [])
        if curve and (fidelity <= curve[-1][0] or nearly(fidelity, curve[-1][0])):
            assert rule.report(root, fidelity, value)
            continue
        others = [
            sum(v for _, v in other[: i + 1]) / (i + 1)
            for name, other in curves.items()
            for i, (f, _) in enumerate(other)
            if name != root and nearly(f, fidelity)
        ]
        curve.append((fidelity, value))
        mean = sum(v for _, v in curve) / len(curve)
        goes_on = rule.report(root, fidelity, value)
        bad = len(others) >= 5 and len(curve) > 1 and mean > median(others)
        # An average of thirds may be on either side of one that is the same.
        if len(others) < 5 or not math.isclose(mean, median(others), abs_tol=1e-9):
            assert goes_on is not bad


def test_failures_are_the_worst_of_their_rung() -> None:
    halving = Halving(LADDER)
    for root in range(2):
        halving.settle(root, 9.0, None)
    assert halving.report(2, 9.0, 1e300)
    assert not halving.report(3, 9.0, 1.1e300)


def test_equal_values_all_go_on() -> None:
    halving, rule = Halving(LADDER), Median()
    assert all(halving.report(root, 3.0, 1.0) for root in range(20))
    assert all(rule.report(r, f, 1.0) for f in (1.0, 2.0) for r in range(20))


def test_what_jumps_over_a_rung_does_not_count_there() -> None:
    halving = Halving(LADDER)
    for root in range(6):
        halving.report(root, 9.0, float(root))
    assert halving.report(9, 1.0, 99.0)
    assert halving.report(8, 3.0, 99.0)
    assert not halving.report(8, 10.0, 99.0)


def test_huge_values_have_an_average() -> None:
    rule = Median()
    for root in range(7):
        assert rule.report(root, 1.0, 1.7e308)
    assert all(rule.report(root, 2.0, 1.7e308) for root in range(7))


def test_a_report_is_compared_with_few_of_many() -> None:
    class Counted(float):
        made = 0

        def __lt__(self, other: float) -> bool:
            Counted.made += 1
            return float(self) < float(other)

    halving = Halving(LADDER)
    for root in range(2000):
        halving.report(root, 1.0, Counted(root * 7919 % 2000))
    Counted.made = 0
    assert halving.report(9999, 1.0, Counted(77.5))
    assert 0 < Counted.made <= 30
