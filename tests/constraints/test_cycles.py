from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.constraints.cycles import cycles

GRAPHS = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3)
)


@pytest.mark.parametrize(
    ("dependencies", "circle"),
    [
        ({}, None),
        ({"a": ["b", "c"], "b": ["c"], "c": []}, None),
        ({"a": ["a"]}, ["a"]),
        ({"a": ["b"], "b": ["c"], "c": ["d", "b"]}, ["b", "c"]),
        ({str(i): [str(i + 1)] for i in range(5000)}, None),
    ],
)
def test_a_circle_is_named_in_its_order(
    dependencies: Mapping[str, list[str]], circle: list[str] | None
) -> None:
    assert cycles(dependencies) == circle


@given(GRAPHS)
def test_there_is_a_circle_if_and_only_if_taking_away_the_leaves_leaves_something(
    dependencies: Mapping[str, list[str]],
) -> None:
    left = dict(dependencies)
    while leaves := [name for name in left if not left.keys() & set(left[name])]:
        for name in leaves:
            del left[name]
    circle = cycles(dependencies)
    assert (circle is None) == (not left)
    if circle is not None:
        for name, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert following in dependencies[name]
