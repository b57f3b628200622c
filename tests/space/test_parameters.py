import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.space.parameters import (
    Categorical,
    Integer,
    Ordinal,
    Parameter,
    Real,
    format_number,
    is_number,
)

FLOATS = st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
UNIT = st.floats(0, 1)
LIMIT = 2**50


@st.composite
def reals(draw: st.DrawFn) -> Real:
    low, high = sorted([draw(FLOATS), draw(FLOATS)])
    return Real("x", low, high)


@st.composite
def integers(draw: st.DrawFn) -> Integer:
    low, high = sorted([draw(st.integers(-LIMIT, LIMIT)), draw(st.integers(-LIMIT, LIMIT))])
    return Integer("i", low, high)


LEVELS = st.one_of(st.integers(-(2**53), 2**53), FLOATS)
ordinals = st.lists(LEVELS, min_size=1, max_size=40, unique=True).map(lambda v: Ordinal("o", v))
categoricals = st.lists(st.text("abc", min_size=1), min_size=1, max_size=40, unique=True).map(
    lambda v: Categorical("c", v)
)
discrete = st.one_of(integers(), ordinals, categoricals)
parameters = st.one_of(reals(), discrete)


@given(discrete, UNIT)
def test_a_discrete_value_survives_the_way_through_the_unit_interval(
    parameter: Parameter, u: float
) -> None:
    value = parameter.draw(u)
    coordinate = parameter.encode(value)
    assert 0 <= coordinate <= 1
    assert parameter.decode(coordinate) == value
    assert type(parameter.decode(coordinate)) is type(value)


@given(integers())
def test_neighbours_at_the_end_of_a_huge_range_stay_apart(parameter: Integer) -> None:
    for value in (parameter.high, max(parameter.high - 1, parameter.low)):
        assert parameter.decode(parameter.encode(value)) == value


@given(reals(), UNIT)
def test_a_real_survives_to_the_precision_of_its_range(parameter: Real, u: float) -> None:
    value = parameter.draw(u)
    width = parameter.high / 2 - parameter.low / 2
    coordinate = parameter.encode(value)
    assert 0 <= coordinate <= 1
    assert abs(parameter.decode(coordinate) / 2 - value / 2) <= 1e-15 * width + 1e-323


@given(reals())
def test_the_bounds_of_a_real_are_met_exactly(parameter: Real) -> None:
    assert parameter.draw(0.0) == parameter.low
    assert parameter.draw(1.0) == parameter.high


@given(parameters, UNIT)
def test_a_draw_is_a_value_of_the_domain(parameter: Parameter, u: float) -> None:
    for quantile in (0.0, u, math.nextafter(1, 0), 1.0):
        assert parameter.contains(parameter.draw(quantile))
        assert parameter.contains(parameter.decode(quantile))


@given(parameters, UNIT)
def test_what_is_written_reads_back(parameter: Parameter, u: float) -> None:
    value = parameter.draw(u)
    text = parameter.format(value)
    again = parameter.parse(text)
    assert again == value
    assert type(again) is type(value)
    assert "," not in text
    assert parameter.format(again) == text


@given(st.one_of(integers(), ordinals), UNIT)
def test_an_integral_value_may_come_back_as_a_float(parameter: Parameter, u: float) -> None:
    value = parameter.draw(u)
    as_float = repr(float(value))
    assert parameter.parse(as_float) == value
    assert parameter.contains(float(value))
    assert parameter.format(float(value)) == parameter.format(value)


@pytest.mark.parametrize(
    "parameter",
    [Integer("i", -3, 4), Ordinal("o", [5, 1, 100, 2.5]), Categorical("c", ["a", "b", "z"])],
)
def test_equal_shares_of_variates_give_every_value_equally_often(parameter: Parameter) -> None:
    n = int(parameter.size)
    drawn = [parameter.draw((i + 0.5) / (7 * n)) for i in range(7 * n)]
    assert [drawn.count(value) for value in dict.fromkeys(drawn)] == [7] * n


def test_a_real_is_drawn_in_proportion() -> None:
    assert Real("x", -5.0, 10.0).draw(0.25) == -1.25


@given(ordinals)
def test_levels_are_spread_in_order_over_the_whole_interval(parameter: Ordinal) -> None:
    coordinates = [parameter.encode(value) for value in parameter.values]
    assert list(parameter.values) == sorted(parameter.values)
    if len(coordinates) == 1:
        assert coordinates == [0.5]
    else:
        assert coordinates[0] == 0
        assert coordinates[-1] == pytest.approx(1)
        assert all(a < b for a, b in itertools.pairwise(coordinates))


@pytest.mark.parametrize(
    ("values", "coordinates"),
    [
        ([1, 2, 3, 4.5], [0, 2 / 7, 4 / 7, 1]),
        ([16, 1, 4, 2, 8], [0, 0.25, 0.5, 0.75, 1]),
        ([0, 1, 2, 4, 8], [0, 0.25, 0.5, 0.75, 1]),
        ([0, 1, 2, 3, 4], [0, 0.25, 0.5, 0.75, 1]),
        ([1e-5, 1e-4, 1e-2], [0, 1 / 3, 1]),
        ([-1, 0, 1], [0, 0.5, 1]),
        ([-1, 0, 1e300], [0, 0.5, 1]),
        ([0, 5e-324], [0, 1]),
        ([-1.7e308, 0, 1.7e308], [0, 0.5, 1]),
    ],
)
def test_levels_are_spaced_by_value_or_if_geometric_by_logarithm(
    values: list[float], coordinates: list[float]
) -> None:
    assert Ordinal("o", values).coordinates == pytest.approx(coordinates)


def test_a_constant_has_one_value_in_the_middle() -> None:
    for constant in (Real("x", 2.0, 2.0), Integer("i", 2, 2), Ordinal("o", [2])):
        assert constant.size == 1
        assert constant.encode(2) == 0.5
        assert constant.decode(0.0) == constant.decode(1.0) == constant.draw(0.7) == 2


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize(
    "parameter", [Real("x", 0.0, 1.0), Integer("x", 0, 1), Ordinal("x", [1])]
)
def test_text_that_is_no_finite_number_is_refused_with_the_name(
    parameter: Parameter, text: str
) -> None:
    with pytest.raises(ValueError, match=r"^x: "):
        parameter.parse(text)


def test_a_fraction_is_no_integer() -> None:
    with pytest.raises(ValueError, match=r"i: '1\.5' is no integer"):
        Integer("i", 0, 3).parse("1.5")


def test_an_ordinal_printed_with_six_digits_is_recognised() -> None:
    ordinal = Ordinal("o", [0.123456789, 2, 1e20])
    assert ordinal.parse("0.123457") == 0.123456789
    assert ordinal.parse("1.00000e+20") == 1e20
    with pytest.raises(ValueError, match="none of its 3 values"):
        ordinal.parse("0.1235")


def test_a_label_must_match_exactly() -> None:
    labels = Categorical("c", ["a", "c d"])
    assert labels.parse("c d") == "c d"
    with pytest.raises(ValueError, match="'A' is none of a, c d"):
        labels.parse("A")


@pytest.mark.parametrize("value", [True, "1", None, math.nan, math.inf, 10**400, 1.5, 9, "c"])
def test_a_foreign_value_is_in_no_domain(value: object) -> None:
    for parameter in (Integer("i", 0, 3), Ordinal("o", [1, 2]), Categorical("c", ["a"])):
        assert not parameter.contains(value)


def test_numbers_are_finite_and_not_truth_values() -> None:
    assert is_number(3)
    assert is_number(-0.5)
    assert not is_number(True)
    assert not is_number(math.nan)
    assert not is_number(10**400)
    assert not is_number("3")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-5.0, "-5"), (2.5, "2.5"), (1e-05, "1e-05"), (1e20, "1e+20"), (7, "7")],
)
def test_numbers_are_written_short_and_without_a_needless_fraction(
    value: float, text: str
) -> None:
    assert format_number(value) == text
