"""The quality that is promised: medians over ten seeds, through the whole program."""

import importlib.util
import statistics
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "problems", Path(__file__).parent / "problems.py"
)
problems = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(problems)


@pytest.mark.slow
@pytest.mark.parametrize("name", problems.PROBLEMS)
def test_the_median_of_ten_seeds_keeps_its_bound(name):
    function, bound = problems.PROBLEMS[name]
    assert statistics.median(function(seed) for seed in range(10)) < bound
