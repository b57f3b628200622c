from typing import Any

import pytest

from hmserve.document import Findings, show_path
from hmserve.domains import field_fault, read_parameter, width
from hmserve.space.parameters import Categorical, Integer, Ordinal, Parameter, Real


def read(kind: str, values: list[Any], default: Any = None) -> tuple[Any, Findings]:
    findings = Findings()
    entry = {"parameter_type": kind, "values": values, "parameter_default": default}
    return read_parameter("p", entry, findings), findings


def accepted(kind: str, values: list[Any], default: Any = None) -> Any:
    parameter, findings = read(kind, values, default)
    assert findings.problems == []
    return parameter


def refused(kind: str, values: list[Any], default: Any = None) -> list[str]:
    parameter, findings = read(kind, values, default)
    assert parameter is None
    return [f"{show_path(path)}: {message}" for path, message, _ in findings.problems]


def test_each_kind_becomes_its_parameter() -> None:
    assert accepted("real", [0, 1.5], 1) == Real("p", 0.0, 1.5, 1.0)
    assert accepted("integer", [-3, 4.0], 2.0) == Integer("p", -3, 4, 2)
    ordinal = accepted("ordinal", [4, 1, 2.5], 1.0)
    assert isinstance(ordinal, Ordinal)
    assert (ordinal.values, ordinal.default) == ((1, 2.5, 4), 1)
    labels = accepted("categorical", ["b", "a"], "a")
    assert isinstance(labels, Categorical)
    assert (labels.values, labels.default) == (("b", "a"), "a")


def test_values_have_the_type_of_their_parameter() -> None:
    assert isinstance(accepted("real", [0, 1], 1).default, float)
    assert isinstance(accepted("real", [0, 1]).draw(0.0), float)
    assert isinstance(accepted("integer", [0.0, 4.0], 2.0).default, int)
    assert isinstance(accepted("integer", [0.0, 4.0]).draw(0.3), int)
    assert isinstance(accepted("ordinal", [1, 2], 2.0).default, int)


@pytest.mark.parametrize("kind", ["real", "integer"])
def test_swapped_bounds_are_read_in_order_with_a_warning(kind: str) -> None:
    parameter, findings = read(kind, [10, -5])
    assert (parameter.low, parameter.high) == (-5, 10)
    assert findings.warnings == [
        "$.input_parameters.p.values: read as [-5, 10]: the lower bound comes first"
    ]


@pytest.mark.parametrize(
    ("kind", "values"),
    [("real", [2, 2]), ("integer", [2, 2]), ("ordinal", [2]), ("categorical", ["2"])],
)
def test_a_constant_is_accepted(kind: str, values: list[Any]) -> None:
    assert accepted(kind, values).size == 1


@pytest.mark.parametrize("values", [[1], [1, 2, 3], ["0", 1], [0, 10**400]])
@pytest.mark.parametrize("kind", ["real", "integer"])
def test_a_range_needs_two_numbers(kind: str, values: list[Any]) -> None:
    [message] = refused(kind, values)
    assert message.startswith(
        "$.input_parameters.p.values: expected [low, high], two numbers, got ["
    )


def test_an_integer_has_integral_bounds_that_a_coordinate_can_tell_apart() -> None:
    assert refused("integer", [0.5, 3]) == [
        "$.input_parameters.p.values: expected two integers, got [0.5, 3]"
    ]
    limit = 2**50
    assert accepted("integer", [-limit, limit]).size == 2 * limit + 1
    [message] = refused("integer", [0, limit + 1])
    assert "expected integers in [-1125899906842624, 1125899906842624]" in message


def test_every_faulty_level_is_named() -> None:
    assert refused("ordinal", [1, "2", 1.0, 2**53 + 1, 10**400, 3]) == [
        '$.input_parameters.p.values[1]: expected a number, got the text "2"',
        "$.input_parameters.p.values[2]: 1.0 is there already",
        "$.input_parameters.p.values[3]: expected a number that a double can hold, "
        "got 9007199254740993",
        "$.input_parameters.p.values[4]: expected a number that a double can hold, got 1"
        + "0" * 199
        + "...",
    ]


def test_every_faulty_label_is_named() -> None:
    assert refused("categorical", ["a", 3, "b,c", "a"]) == [
        '$.input_parameters.p.values[1]: expected a label, got 3; put it in quotes: "3"',
        '$.input_parameters.p.values[2]: the label "b,c" contains a comma, '
        "which would break a line of the protocol",
        '$.input_parameters.p.values[3]: "a" is there already',
    ]


@pytest.mark.parametrize(
    ("kind", "values", "default", "expected"),
    [
        ("real", [0, 1], 1.5, "expected a number in [0.0, 1.0], got 1.5"),
        ("real", [0, 1], "0", 'expected a number in [0.0, 1.0], got "0"'),
        ("integer", [0, 9], 0.5, "expected an integer in [0, 9], got 0.5"),
        ("integer", [0, 9], 10**400, "expected an integer in [0, 9], got 1"),
        ("ordinal", [4, 1], 2, "expected one of [1, 4], got 2"),
        ("categorical", ["ab", "cd"], 1, 'expected one of ["ab", "cd"], got 1'),
        (
            "categorical",
            ["alpha", "beta"],
            "alpah",
            'expected one of ["alpha", "beta"], got "alpah"; did you mean "alpha"?',
        ),
    ],
)
def test_a_default_outside_the_domain_is_refused(
    kind: str, values: list[Any], default: Any, expected: str
) -> None:
    [message] = refused(kind, values, default)
    assert message.startswith(f"$.input_parameters.p.parameter_default: {expected}")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        (" a", "blank"),
        ("a\t", "blank"),
        ("a,b", "a comma"),
        ('a"b', "a double quote"),
        ("a\nb", "cannot be printed"),
        ("a\rb", "cannot be printed"),
        ("a\x00b", "cannot be printed"),
        ("a\u2028b", "cannot be printed"),
        ("a\ud800b", "cannot be printed"),
    ],
)
def test_a_text_that_would_break_a_line_is_no_field(text: str, fault: str) -> None:
    assert fault in (field_fault(text) or "")


@pytest.mark.parametrize("text", ["a", "c d", "größe", "-", "1.5", "'x'", "(0; 1)"])
def test_other_text_is_a_field(text: str) -> None:
    assert field_fault(text) is None


@pytest.mark.parametrize(
    ("parameter", "bytes_"),
    [
        (Real("x", -1.0, 1.0), 24),
        (Integer("i", -10, 1000), 4),
        (Integer("i", -1000, 10), 5),
        (Ordinal("o", [1, 2.125]), 5),
        (Categorical("c", ["ab", "größe"]), 7),
    ],
)
def test_the_width_of_a_field_is_that_of_its_longest_value(
    parameter: Parameter, bytes_: int
) -> None:
    assert width(parameter) == bytes_
    assert len(parameter.format(parameter.draw(0.3)).encode()) <= bytes_
