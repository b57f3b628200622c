import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.space.permutations import permutation_at, rank, rank_of, unrank


@pytest.mark.parametrize("n", range(1, 7))
def test_ranks_number_the_permutations_in_lexicographic_order(n: int) -> None:
    permutations = list(itertools.permutations(range(n)))
    assert [rank_of(p) for p in permutations] == list(range(math.factorial(n)))
    assert [permutation_at(i, n) for i in range(len(permutations))] == permutations
    assert rank(np.array(permutations)).tolist() == list(range(len(permutations)))
    assert unrank(np.arange(len(permutations)), n).tolist() == [list(p) for p in permutations]


@given(st.permutations(range(17)), st.permutations(range(17)))
def test_ranks_are_exact_for_seventeen_elements_even_as_floats(
    first: list[int], second: list[int]
) -> None:
    ranks = rank(np.array([first, second]))
    assert ranks.tolist() == [rank_of(first), rank_of(second)]
    assert permutation_at(rank_of(first), 17) == tuple(first)
    assert unrank(ranks.astype(float), 17).tolist() == [first, second]


def test_no_ranks_give_no_permutations() -> None:
    assert unrank(np.empty(0), 4).shape == (0, 4)
    assert rank(np.empty((0, 4), dtype=np.int64)).shape == (0,)
