import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.protocol.matching import Outstanding, inside
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.space import Space
from hmserve.trial import Trial

PLANE = Space([Real("x", -5, 10), Real("y", 0, 15)])
MIXED = Space(
    [
        Real("r", -1e6, 1e-7),
        Integer("i", 0, 10_000_000),
        Ordinal("o", [1, 2, 4]),
        Categorical("c", ["a", "b"]),
    ]
)


def outstanding(*points, space=PLANE):
    trials = [
        Trial(i, dict(zip(space.names, point, strict=True))) for i, point in enumerate(points)
    ]
    return Outstanding(space, trials), trials


def point(x, y):
    return {"x": x, "y": y}


def test_the_same_values_match_whatever_their_type() -> None:
    waiting, trials = outstanding((0, 0), (2.5, 1))
    assert waiting.take(point(2.5, 1.0)) is trials[1]
    assert waiting.take(point(-0.0, 0.0)) is trials[0]
    assert waiting.unanswered == ()


def test_the_same_values_come_before_near_ones() -> None:
    waiting, trials = outstanding((1.0, 1.0), (1.000001, 1.0))
    assert waiting.take(point(1.000001, 1.0)) is trials[1]
    assert waiting.unanswered == (trials[0],)


def test_the_nearest_within_the_tolerance_matches() -> None:
    waiting, trials = outstanding((1.000004, 1.0), (1.000001, 1.0))
    assert waiting.take(point(1.0, 1.0)) is trials[1]
    assert waiting.take(point(1.0, 1.0)) is trials[0]
    assert waiting.take(point(1.0, 1.0)) is None


@pytest.mark.parametrize("x", [1.00002, 0.99998, 1.1, -1.0])
def test_nothing_beyond_the_tolerance_matches(x) -> None:
    waiting, trials = outstanding((1.0, 1.0))
    assert waiting.take(point(x, 1.0)) is None
    assert waiting.unanswered == tuple(trials)


def test_every_input_has_to_be_near() -> None:
    waiting, _ = outstanding((1.0, 1.0))
    assert waiting.take(point(1.000001, 1.1)) is None


def test_six_decimals_match_near_zero_in_a_wide_range() -> None:
    waiting, trials = outstanding((1.23456e-05, 3e-9))
    assert waiting.take(point(0.000012, 0.0)) is trials[0]


def test_six_decimals_do_not_match_in_a_narrow_range() -> None:
    waiting, _ = outstanding((4e-7,), space=Space([Real("x", 0, 1e-6)]))
    assert waiting.take({"x": 0.0}) is None


def test_rounding_beyond_a_bound_matches() -> None:
    waiting, trials = outstanding(
        (1e-7, 9_999_999, 4, "b"), (-1e6, 1_234_567, 1, "a"), space=MIXED
    )
    row = {"r": 0.0, "i": 10_000_000, "o": 4, "c": "b"}
    assert waiting.take(row) is trials[0]
    assert waiting.take({"r": -1.000001e6, "i": 1_234_570, "o": 1, "c": "a"}) is trials[1]


def test_another_label_or_level_does_not_match() -> None:
    waiting, _ = outstanding((-1, 5, 4, "b"), space=MIXED)
    assert waiting.take({"r": -1, "i": 5, "o": 4, "c": "a"}) is None
    assert waiting.take({"r": -1, "i": 5, "o": 2, "c": "b"}) is None
    assert waiting.take({"r": -1, "i": 6, "o": 4, "c": "b"}) is None


def test_equal_configurations_are_answered_in_the_order_they_were_asked() -> None:
    waiting, trials = outstanding((1, 1), (2, 2), (1.0, 1.0))
    assert waiting.take(point(1, 1)) is trials[0]
    assert waiting.take(point(1, 1)) is trials[2]
    assert waiting.take(point(1, 1)) is None


def test_a_repeated_row_does_not_answer_a_neighbour() -> None:
    waiting, trials = outstanding((1.0, 1.0), (1.000001, 1.0))
    assert waiting.take(point(1.0, 1.0)) is trials[0]
    assert waiting.take(point(1.0, 1.0)) is None


def test_by_position() -> None:
    waiting, trials = outstanding((1, 1), (2, 2), (1, 1))
    assert waiting.take_at(0, {}) is trials[0]
    assert waiting.take_at(1, {"y": 2.000001}) is trials[1]
    assert waiting.unanswered == (trials[2],)


def test_a_position_that_the_inputs_contradict_is_refused() -> None:
    waiting, trials = outstanding((1, 1), (2, 2))
    with pytest.raises(ValueError, match=r"x is 2\.0, but this row of the request has 1;"):
        waiting.take_at(0, {"x": 2.0})
    assert waiting.unanswered == tuple(trials)


POINTS = st.lists(st.tuples(st.floats(-5, 10), st.floats(0, 15)), min_size=1, max_size=40)


@given(POINTS, st.randoms(use_true_random=False))
def test_every_row_of_a_shuffled_echo_finds_its_trial(points, rng) -> None:
    waiting, _ = outstanding(*points)
    rows = [point(*p) for p in points]
    rng.shuffle(rows)
    for row in rows:
        trial = waiting.take(row)
        assert trial is not None
        assert trial.configuration == row
    assert waiting.unanswered == ()


@given(POINTS, st.randoms(use_true_random=False), st.sampled_from(["%.9g", "%g", "%f"]))
def test_a_rounded_row_finds_a_trial_within_the_tolerance_or_none(points, rng, form) -> None:
    waiting, trials = outstanding(*points)
    rows = [point(*(float(form % v) for v in p)) for p in points]
    rng.shuffle(rows)
    found = [(row, waiting.take(row)) for row in rows]
    for row, trial in found:
        for name, value in row.items() if trial else ():
            assert math.isclose(trial.configuration[name], value, rel_tol=1e-5, abs_tol=5.1e-7)
    answered = [trial for _, trial in found if trial]
    assert sorted(t.id for t in (*answered, *waiting.unanswered)) == list(range(len(trials)))
    # The first comer has the choice of them all.
    assert found[0][1] is not None


@pytest.mark.parametrize("levels", [10, 10_000], ids=["a grid", "all different"])
def test_ten_thousand_rounded_rows_each_find_their_own_trial(levels) -> None:
    rng = random.Random(0)
    space = Space([Real(f"x{j}", 0, 1) for j in range(4)])
    places = [rng.random() for _ in range(levels)]
    points = [tuple(rng.choice(places) for _ in range(4)) for _ in range(10_000)]
    points = list(dict.fromkeys(points))
    waiting, trials = outstanding(*points, space=space)
    rows = [(i, [float(f"{v:g}") for v in p]) for i, p in enumerate(points)]
    rng.shuffle(rows)
    for i, row in rows:
        assert waiting.take(dict(zip(space.names, row, strict=True))) is trials[i]
    assert waiting.unanswered == ()


def test_many_labels_do_not_hide_a_rounded_row() -> None:
    space = Space([Categorical("c", ["a", "b", "z"]), Real("x", 0, 1)])
    points = [("ab"[i % 2], i / 30) for i in range(30)]
    waiting, trials = outstanding(*points, space=space)
    assert waiting.take({"c": "b", "x": 0.233333}) is trials[7]
    assert waiting.take({"c": "a", "x": 0.233333}) is None
    assert waiting.take({"c": "z", "x": 0.233333}) is None


def test_a_thousand_dimensions_are_no_trouble() -> None:
    space = Space([Real(f"x{j}", 0, 1) for j in range(1500)])
    points = [(0.3,) * 1499 + (i / 100,) for i in range(20)]
    waiting, trials = outstanding(*points, space=space)
    row = dict(zip(space.names, (0.3000001, *points[7][1:]), strict=True))
    assert waiting.take(row) is trials[7]


def test_values_inside_stay_as_they_are() -> None:
    configuration = {"r": -1.5, "i": 3, "o": 2, "c": "b"}
    assert inside(MIXED, configuration) == configuration


def test_a_rounded_bound_is_put_back() -> None:
    space = Space([Real("x", 1.23456789, 3.14159265), Integer("i", 0, 1_234_567)])
    assert inside(space, {"x": 3.1416, "i": 1_234_570}) == {"x": 3.14159265, "i": 1_234_567}
    assert inside(space, {"x": 1.23456, "i": 0}) == {"x": 1.23456789, "i": 0}


@pytest.mark.parametrize("x", [10.1, -6, 1e300])
def test_values_outside_are_refused_with_the_domain(x) -> None:
    with pytest.raises(ValueError, match=r"x: .* is outside -5\.\.10"):
        inside(PLANE, point(x, 1))


def test_a_parameter_with_one_value_matches_it() -> None:
    space = Space([Real("x", 0, 0), Integer("i", 3, 3)])
    waiting, trials = outstanding((0.0, 3), space=space)
    assert waiting.take({"x": 1e-9, "i": 3}) is None
    assert waiting.take({"x": 0.0, "i": 3}) is trials[0]
