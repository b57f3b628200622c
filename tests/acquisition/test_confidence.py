import math

import numpy as np
import pytest

from hmserve.acquisition.confidence import LogConfidenceBound, hypermapper_beta


def test_alone_it_ranks_candidates_by_the_lower_confidence_bound(models):
    model = models.process(0)
    X = np.random.default_rng(1).random((300, 2))
    mean, variance = model.predict(X)
    bound = mean - 0.7 * np.sqrt(variance)
    for incumbent in (-100.0, -1.0, 0.0, 3.0):
        value = LogConfidenceBound(model, incumbent, 0.7)(X)
        assert (np.diff(value[np.argsort(bound)]) <= 1e-12).all()
        assert np.argmax(value) == np.argmin(bound)


@pytest.mark.parametrize("incumbent", [5.0, 0.0, -1.0, -29.0, -31.0, -1e4])
def test_its_gradient_is_that_of_its_value(models, incumbent):
    acquisition = LogConfidenceBound(models.process(0), incumbent, 1.3)
    assert acquisition.differentiable
    models.assert_gradients_agree(acquisition, np.random.default_rng(2).random((8, 2)))


@pytest.mark.parametrize("gain", [-1e6, -700.0, -30.001, -29.999, -5.0, -1.0, 0.0, 20.0, 1e6])
def test_it_is_the_logarithm_of_the_softplus_of_the_gain(models, gain):
    found = LogConfidenceBound(models.Line(0.0, 0.0, 1e-12), gain, 0.0)(np.zeros((1, 1)))[0]
    softplus = math.log1p(math.exp(-abs(gain))) + max(gain, 0.0)
    expected = math.log(softplus) if softplus > 1e-300 else gain
    assert found == pytest.approx(expected, rel=1e-9)


def test_more_optimism_is_never_a_smaller_value(models):
    X = np.random.default_rng(1).random((50, 2))
    cautious, bold = (LogConfidenceBound(models.process(0), 0.0, b)(X) for b in (0.5, 2.0))
    assert (bold >= cautious).all()


def test_the_schedule_is_that_of_hypermapper():
    assert hypermapper_beta(1) == pytest.approx(math.sqrt(0.125 * math.log(3.0)))
    assert hypermapper_beta(50) == pytest.approx(math.sqrt(0.125 * math.log(101.0)))
