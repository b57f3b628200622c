"""Kernel densities: they add up to one, stay in the space, and see levels for what they are."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.scenario import Scenario
from hmserve.space.encoding import Encoding
from hmserve.surrogate.density import Density, Draws, kernels

REAL = {"parameter_type": "real", "values": [0, 1]}
AXES = {
    "integer": {"parameter_type": "integer", "values": [1, 7]},
    "logarithmic": {"parameter_type": "integer", "values": [1, 60], "transform": "log"},
    "ordinal": {"parameter_type": "ordinal", "values": [1, 2, 3, 50]},
    "category": {"parameter_type": "categorical", "values": ["a", "b", "c", "d"]},
    "switch": {"parameter_type": "categorical", "values": ["on", "off"]},
}


def space(**parameters):
    found = Scenario.parse({"optimization_objectives": ["y"], "input_parameters": parameters})
    return Encoding(found.space)


def fitted(encoding, X, least=1e-3):
    return Density.fit(kernels(encoding), X, encoding.active(X), least)


def density(encoding, model, X):
    return np.exp(model.log(X, encoding.active(X)))


@given(
    centre=st.floats(0, 1),
    spread=st.floats(1e-3, 1),
)
@settings(max_examples=30, deadline=None)
def test_the_density_of_a_real_adds_up_to_one_at_the_edge_too(centre, spread):
    encoding = space(x=REAL)
    X = np.clip(centre + spread * np.array([[-0.5], [0.0], [0.5]]), 0, 1)
    model = fitted(encoding, X, least=0.01)
    grid = (np.arange(20_000) + 0.5)[:, None] / 20_000
    assert density(encoding, model, grid).mean() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("kind", AXES)
def test_the_density_of_levels_adds_up_to_one(kind):
    encoding = space(x=AXES[kind])
    levels = encoding.enumerate()
    for X in (levels[:1], levels[[0, 0, -1]], levels):
        total = density(encoding, fitted(encoding, X), levels).sum()
        assert total == pytest.approx(1.0)


def test_the_density_of_several_parameters_adds_up_to_one():
    encoding = space(x=REAL, k=AXES["integer"], c=AXES["category"])
    X = encoding.sample(12, np.random.default_rng(0))
    model = fitted(encoding, X)
    levels = space(k=AXES["integer"], c=AXES["category"]).enumerate()
    grid = (np.arange(2000) + 0.5) / 2000
    total = sum(
        density(encoding, model, np.column_stack([grid, np.tile(row, (2000, 1))])).mean()
        for row in levels
    )
    assert total == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("kind", ["spearman", "kendall", "hamming", "naive"])
def test_every_order_as_a_centre_has_the_same_sum(kind):
    parameter = {"parameter_type": "permutation", "values": [4], "parametrization": kind}
    encoding = space(x=parameter)
    everything = encoding.enumerate()
    sums = [
        density(encoding, fitted(encoding, c[None], 0.3), everything).sum() for c in everything
    ]
    np.testing.assert_allclose(sums, sums[0])
    assert sums[0] > 0.0


def test_draws_are_in_the_cube_and_follow_the_centres():
    encoding = space(x=REAL, o={"parameter_type": "permutation", "values": [5]}, **AXES)
    rng = np.random.default_rng(1)
    X = encoding.sample(6, rng)
    X[:, 0] = 0.99
    drawn = fitted(encoding, X, 0.02).draw(400, Draws(3.0, rng))
    assert drawn.shape == (400, X.shape[1])
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0
    assert np.abs(drawn[:, 0] - 0.99).max() < 0.4
    snapped = encoding.snap(drawn)
    np.testing.assert_array_equal(snapped, encoding.encode(encoding.decode(snapped)))


@pytest.mark.parametrize("levels", [2, 5, 10, 100])
def test_a_level_that_was_seen_is_never_the_less_likely_one(levels):
    parameter = {"parameter_type": "categorical", "values": [f"v{i}" for i in range(levels)]}
    encoding = space(c=parameter)
    everything = encoding.enumerate()
    for X in (everything, everything[[0]], everything[[0, 0, levels - 1]]):
        found = density(encoding, fitted(encoding, X), everything)
        seen = np.isin(np.arange(levels), np.flatnonzero((everything == X[:, 0]).any(1)))
        assert found[seen].min() >= found.min() - 1e-12
        assert np.isfinite(np.log(found)).all()


def test_how_levels_are_numbered_does_not_matter():
    encoding = space(c=AXES["category"])
    levels = encoding.enumerate()
    near, far = fitted(encoding, levels[[0, 0, 1]]), fitted(encoding, levels[[0, 0, 3]])
    assert near.h == far.h


def test_what_does_not_matter_has_no_say():
    found = Scenario.parse(
        {
            "optimization_objectives": ["y"],
            "input_parameters": {
                "kind": AXES["switch"],
                "x": {**REAL, "condition": {"kind": ["on"]}},
            },
        }
    )
    encoding = Encoding(found.space)
    X = encoding.encode([{"kind": "on", "x": 0.9}, {"kind": "off", "x": None}])
    model = fitted(encoding, X, least=0.05)
    off = encoding.encode([{"kind": "off", "x": None}])
    on = encoding.encode([{"kind": "on", "x": x} for x in (0.1, 0.9)])
    assert density(encoding, model, on)[1] > density(encoding, model, on)[0]
    grid = encoding.encode([{"kind": "on", "x": (i + 0.5) / 500} for i in range(500)])
    total = density(encoding, model, grid).mean() + density(encoding, model, off)[0]
    assert total == pytest.approx(1.0, abs=1e-3)
    drawn = encoding.snap(model.draw(200, Draws(3.0, np.random.default_rng(0))))
    assert math.isclose(
        float(np.median(drawn[encoding.active(drawn)[:, 1], 1])), 0.9, abs_tol=0.2
    )
