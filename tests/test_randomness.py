import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hmserve.randomness import stream

whole = st.integers(0, 3) | st.integers(0, 2**64)
purposes = st.tuples(whole, st.lists(st.integers(0, 2**20), max_size=3))


def numbers(seed, ids):
    return stream(seed, *ids).random(4).tolist()


@given(st.lists(purposes, min_size=2, max_size=5, unique_by=str))
def test_each_seed_and_purpose_has_numbers_of_its_own(some):
    for one, other in itertools.combinations(some, 2):
        assert numbers(*one) == numbers(*one) != numbers(*other)


@given(whole, st.lists(st.integers(0, 3), max_size=2))
def test_they_are_not_those_of_anybody_with_the_same_seed(seed, ids):
    sources = [seed, [seed], [seed, *ids], np.random.SeedSequence(seed).spawn(1)[0]]
    theirs = [np.random.default_rng(source).random(4).tolist() for source in sources]
    assert numbers(seed, ids) not in theirs
