"""Results by rung: their order, their units, and whether rungs agree."""

import numpy as np
import pytest

from hmserve.engine.fidelity_data import (
    Results,
    agreement,
    aligned,
    by_front,
    crowding,
    is_clear,
    level,
    places,
    standings,
    trusted,
)
from hmserve.engine.models import Data
from hmserve.fidelity.rungs import Ladder

LADDER = Ladder.of(1, 81, 3)


def results(*blocks):
    """Results from (rung, points, values) with one coordinate and one objective."""
    X = np.concatenate([np.asarray(x, float)[:, None] for _, x, _ in blocks])
    Y = np.concatenate([np.asarray(y, float)[:, None] for _, _, y in blocks])
    rungs = np.concatenate([np.full(len(x), rung) for rung, x, _ in blocks])
    return Results(Data(X, Y, np.isfinite(Y[:, 0])), rungs)


@pytest.mark.parametrize(
    ("fidelity", "rung"),
    [(1, 0), (81, 4), (None, 4), (9, 2), (9 * (1 - 1e-9), 2), (26.9, 2), (0.1, 0), (100, 4)],
)
def test_a_result_counts_at_the_rung_it_reached(fidelity, rung):
    assert level(LADDER, fidelity) == rung


def test_rungs_are_evenly_spread_in_the_logarithm():
    np.testing.assert_allclose(places(LADDER), [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(places(Ladder.of(5, 5, 3)), [1])


def test_fronts_come_first_then_what_is_less_crowded_and_failures_last():
    Y = np.array([[2.0, 2.0], [0.0, 4.0], [np.nan, np.nan], [4.0, 0.0], [1.0, 1.0], [0.9, 1.2]])
    feasible = np.isfinite(Y).all(1)
    order = by_front(Data(np.zeros((6, 1)), Y, feasible))
    assert set(order[:2]) == {1, 3}
    assert set(order[2:4]) == {4, 5}
    assert list(order[4:]) == [0, 2]


def test_the_ends_of_a_front_are_never_crowded():
    Y = np.array([[0.0, 3.0], [1.0, 2.0], [1.1, 1.9], [3.0, 0.0]])
    found = crowding(Y)
    assert np.isinf(found[[0, 3]]).all()
    assert np.isfinite(found[[1, 2]]).all()
    assert (crowding(np.ones((3, 2))) >= 0).all()


def test_pairs_say_no_more_than_the_results_they_are_made_of():
    y = np.arange(10.0)
    assert agreement(y, y) == (10.0, 0.0)
    assert agreement(y, -y) == (0.0, 10.0)
    assert agreement(y[:1], y[:1]) == (0.0, 0.0)


def test_a_few_results_make_nothing_clear_unless_much_is_supposed():
    assert not is_clear(0.0, 0.0)
    assert is_clear(0.0, 0.0, 1.0)
    assert not is_clear(2.0, 4.0, 1.0)
    assert is_clear(15.0, 5.0)
    assert not is_clear(5.0, 15.0, 1.0)


def test_a_rung_that_misleads_is_dropped_and_one_that_agrees_is_kept():
    x = np.linspace(0, 1, 27)
    rng = np.random.default_rng(0)
    noise = rng.permutation(27)
    found = results((0, x, -x), (1, x, noise), (2, x, x + 0.05 * rng.random(27)), (4, x, x))
    np.testing.assert_array_equal(trusted(found, 4), [False, False, True, True, True])


def test_a_rung_agrees_although_only_the_best_went_on():
    x = np.linspace(0, 1, 81)
    found = results((0, x, x**2), (1, x[:27], x[:27]), (2, x[:9], 3 * x[:9]))
    assert trusted(found, 4)[0]


def test_what_agrees_with_a_rung_that_is_upside_down_is_so_too():
    x = np.linspace(0, 1, 27)
    found = results((0, x, -x), (1, x, -x), (2, x, -x), (4, x[:5], x[:5]))
    down = [(standing.rung, standing.is_down) for standing in standings(found)]
    assert down == [(4, False), (3, False), (2, True), (1, True), (0, True)]
    # The rungs agree among themselves, and still none of them is believed.
    np.testing.assert_array_equal(trusted(found, 4), [False, False, False, True, True])


def test_three_results_the_other_way_are_too_few_to_call_a_rung_upside_down():
    x = np.linspace(0, 1, 9)
    for count, down in [(3, False), (4, True)]:
        *_, lowest = standings(results((0, x, -x), (1, x[:count], x[:count])))
        assert lowest == (0, 0.0, count)
        assert lowest.is_down is down
    assert list(standings(results((0, x[:0], x[:0])))) == []


def test_other_units_at_low_rungs_are_those_of_the_top_afterwards():
    x = np.linspace(0.1, 1, 9)
    found = results((0, x, x), (1, x[:6], 30 * x[:6] + 500), (2, x[:1], 900 * x[:1] + 15500))
    Y = aligned(found)[:, 0]
    np.testing.assert_allclose(Y, 900 * found.data.X[:, 0] + 15500)


def test_units_that_are_nearly_the_same_are_left_to_models():
    x = np.linspace(0.1, 1, 9)
    found = results((0, x, x), (1, x, 1.5 * x + 0.2))
    np.testing.assert_array_equal(aligned(found), found.data.Y)
