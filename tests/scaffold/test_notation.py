"""The notation of parameters and conditions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.document import Findings
from hmserve.domains import read_parameter as read_entry
from hmserve.errors import UsageError
from hmserve.scaffold.notation import read_condition, read_parameter

NAMES = st.from_regex(r"[0-9A-Za-z_-]{1,8}", fullmatch=True)
INTEGERS = st.integers(-(2**40), 2**40)
REALS = st.floats(allow_nan=False, allow_infinity=False)
LABELS = st.text(
    st.characters(categories=["L", "N"], include_characters="-+./{}$#"), min_size=1
)


@pytest.mark.parametrize(
    ("word", "entry"),
    [
        ("n=1:8", {"parameter_type": "integer", "values": [1, 8]}),
        ("n=-8:+8@0", {"parameter_type": "integer", "values": [-8, 8], "parameter_default": 0}),
        ("n=1:8:log", {"parameter_type": "integer", "values": [1, 8], "transform": "log"}),
        ("n=0:1.0", {"parameter_type": "real", "values": [0.0, 1.0]}),
        ("n=1e-5:1", {"parameter_type": "real", "values": [1e-5, 1.0]}),
        (" n = 8, 16 ", {"parameter_type": "ordinal", "values": [8, 16]}),
        ("n=1,2.5", {"parameter_type": "ordinal", "values": [1, 2.5]}),
        ("n=on,off@off", {"parameter_type": "categorical", "values": ["on", "off"]}),
        ("n=-O1,-O2", {"parameter_type": "categorical", "values": ["-O1", "-O2"]}),
        ("n=1,2,auto", {"parameter_type": "categorical", "values": ["1", "2", "auto"]}),
        ("n=nan,inf", {"parameter_type": "categorical", "values": ["nan", "inf"]}),
        ("n=a=b,c:d", {"parameter_type": "categorical", "values": ["a=b", "c:d"]}),
        ("n=permutation:3", {"parameter_type": "permutation", "values": [3]}),
        ("n=permutation:3@2,0,1", {"parameter_type": "permutation", "values": [3]}),
    ],
)
def test_each_form_is_an_entry_of_its_kind(word: str, entry: dict[str, object]) -> None:
    name, found = read_parameter(word)
    assert name == "n"
    assert {**found, **entry} == found
    findings = Findings()
    assert read_entry(name, found, findings) is not None
    assert (findings.problems, findings.warnings) == ([], [])


@pytest.mark.parametrize("word", ["a=1:9:log@3", "a=1:9@3:log"])
def test_scale_and_default_come_in_either_order(word: str) -> None:
    values = {"parameter_type": "integer", "values": [1, 9]}
    assert read_parameter(word)[1] == {**values, "transform": "log", "parameter_default": 3}


def test_defaults_are_values_of_their_kind() -> None:
    defaults = {
        word: read_parameter(word)[1]["parameter_default"]
        for word in ("a=0.0:1.0@0.5", "a=8,16@16.0", "a=1,b@1", "a=permutation:3@(2, 0, 1)")
    }
    assert list(defaults.values()) == [0.5, 16, "1", [2, 0, 1]]


@given(NAMES, st.tuples(INTEGERS, INTEGERS).filter(lambda b: b[0] < b[1]))
def test_a_range_of_integers_is_read_as_it_is_written(
    name: str, bounds: tuple[int, int]
) -> None:
    low, high = bounds
    values = {"parameter_type": "integer", "values": [low, high]}
    assert read_parameter(f"{name}={low}:{high}") == (name, values)


@given(NAMES, st.tuples(REALS, REALS).filter(lambda b: b[0] < b[1]))
def test_a_range_of_reals_is_read_as_it_is_written(
    name: str, bounds: tuple[float, float]
) -> None:
    low, high = bounds
    values = {"parameter_type": "real", "values": [low, high]}
    assert read_parameter(f"{name}={low!r}:{high!r}") == (name, values)


@given(NAMES, st.lists(LABELS, min_size=1, unique=True))
def test_a_list_of_labels_is_read_as_it_is_written(name: str, labels: list[str]) -> None:
    values = ["first label", *labels]
    entry = {"parameter_type": "categorical", "values": values}
    assert read_parameter(f"{name}={','.join(values)}") == (name, entry)


@given(st.sampled_from(["", "a=", "a=1,", "a=1:", "a=b,c@"]), st.text(max_size=20))
def test_any_text_is_a_parameter_or_is_refused_in_words(begin: str, text: str) -> None:
    try:
        name, entry = read_parameter(begin + text)
    except UsageError:
        return
    findings = Findings()
    assert read_entry(name, entry, findings) is not None
    assert findings.problems == []


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("tile", "expected name=low:high"),
        ("tile=", "expected name=low:high"),
        ("tile=8", 'got "8" alone'),
        ("tile=8:1", "the lower bound first"),
        ("tile=8:8", "the lower bound first"),
        ("tile=1:x", 'expected a number, got "x"'),
        ("tile=1:8:2", "a list has each of its values"),
        ("tile=[1,8]", "expected no brackets; for example tile=0:1"),
        ("ti le=1:8", "for example ti_le=1:8"),
        ("tile=0:8:log", "log needs values above 0, got 0"),
        ("tile=a,b:log", "only numbers have a logarithm"),
        ("tile=8,16@12", 'expected one of 8, 16, got "12"'),
        ("tile=1:8@2.5", 'expected an integer from 1 to 8, got "2.5"'),
        ("tile=1:8@", "expected a value after @"),
        ("tile=8,8.0", "8.0 comes twice"),
        ("tile=a,,b", "expected a value between the commas"),
        ('tile=a,"b"', "a double quote"),
        ("tile=1:8,16", "a range or a list, not both"),
        ("tile=permutation:18", "2 to 17"),
        ("tile=permutation:3@0,1", "the numbers 0 to 2 in some order"),
        ("tile=0:9999999999999999999", "expected integers up to"),
    ],
)
def test_what_is_no_parameter_is_quoted_with_what_was_expected(word: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_parameter(word)
    assert str(caught.value).startswith('"ti')
    assert message in str(caught.value)


PARAMETERS = {
    "algorithm": {"parameter_type": "categorical", "values": ["sgd", "adam"]},
    "depth": {"parameter_type": "integer", "values": [1, 8]},
    "rate": {"parameter_type": "real", "values": [0.0, 1.0]},
}


@pytest.mark.parametrize(
    "clause", ["algorithm=sgd,adam", "algorithm in sgd, adam", "algorithm in ['sgd', 'adam']"]
)
def test_a_condition_is_read_in_every_notation(clause: str) -> None:
    found = read_condition(f"rate: {clause}  and  depth == 3", PARAMETERS)
    assert found == ("rate", {"algorithm": ["sgd", "adam"], "depth": [3]})


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("rate algorithm=sgd", "expected NAME: PARENT=VALUE"),
        ("rate:", "expected NAME: PARENT=VALUE"),
        ("rate: algorithm", "expected PARENT=VALUE"),
        ("rte: algorithm=sgd", 'no parameter "rte"; did you mean "rate"?'),
        ("rate: algo=sgd", 'no parameter "algo"; did you mean "algorithm"?'),
        ("rate: algorithm=sgd,sdg", 'expected one of sgd, adam, got "sdg"'),
        ("rate: depth=9", 'expected an integer from 1 to 8, got "9"'),
    ],
)
def test_what_is_no_condition_is_quoted_with_what_was_expected(word: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_condition(word, PARAMETERS)
    assert f'"{word}"' in str(caught.value)
    assert message in str(caught.value)
