import contextlib
import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.cells import parse_objective
from hmserve.protocol.codec import Codec, quoted, split
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real, format_number
from hmserve.space.permutation import Permutation
from hmserve.space.space import Space
from hmserve.trial import Evaluation, Trial


@dataclass(frozen=True)
class Feasibility:
    name: str = "Valid"
    true_value: str = "true"
    false_value: str = "false"


SPACE = Space(
    [
        Real("r", -1e6, 1e-7),
        Integer("i", 0, 9),
        Ordinal("o", [1e-05, 0.1, 1, 2.5, 3, 1e20]),
        Categorical("c", ["a", "bb", "c d"]),
    ]
)
CODEC = Codec(SPACE, ["Value"])


def read(codec, header, row):
    return codec.row(codec.layout(split(header)), split(row))


def with_feasibility(word, **words):
    return read(Codec(SPACE, ["f"], Feasibility(**words)), "f,Valid", f"1,{word}").feasible


def test_request_writes_values_as_the_scenario_file_does() -> None:
    configurations = [
        {"r": 0, "i": 4, "o": 3, "c": "a"},
        {"r": -727724.252803135, "i": 0, "o": 1e20, "c": "c d"},
        {"r": 1.00000761449337e-07, "i": 9, "o": 1e-05, "c": "bb"},
    ]
    trials = [Trial(i, configuration) for i, configuration in enumerate(configurations)]
    assert CODEC.request(trials) == (
        "Request 3\n"
        "r,i,o,c\n"
        "0,4,3,a\n"
        "-727724.252803135,0,1e+20,c d\n"
        "1.00000761449337e-07,9,1e-05,bb\n"
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_an_objective_reads_back_as_it_was_written(value) -> None:
    assert parse_objective(repr(value)) == value
    assert parse_objective(format_number(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "NaN",
        "-nan",
        "inf",
        "-inf",
        "Infinity",
        "None",
        "NULL",
        "NA",
        "1e400",
        "-1e999",
    ],
)
def test_these_are_failed_evaluations(text) -> None:
    assert parse_objective(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.0D+05", 1e5), ("-2d-3", -2e-3), (".5", 0.5), ("5.", 5.0), ("+7", 7.0), ("1E5", 1e5)],
)
def test_these_are_numbers(text, value) -> None:
    assert parse_objective(text) == value


@pytest.mark.parametrize(
    "text",
    ["abc", "1.5s", "1_000", "0x10", "True", "1;5", "١٢", "nan()", "-", "d", "1e", "1 2"],
)
def test_any_other_text_is_refused(text) -> None:
    with pytest.raises(ValueError, match="expected a number, or nan"):
        parse_objective(text)


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "1", "1.0", "1e0", "yes", "Yes"])
def test_words_for_feasible(word) -> None:
    assert with_feasibility(word)
    assert with_feasibility(word, true_value="ok", false_value="bad")


@pytest.mark.parametrize("word", ["false", "False", "0", "0.0", "no", "NO"])
def test_words_for_infeasible(word) -> None:
    assert not with_feasibility(word)


def test_the_configured_words_come_first() -> None:
    words = {"true_value": "0", "false_value": "1"}
    assert with_feasibility("0", **words)
    assert not with_feasibility("1", **words)
    assert not with_feasibility("1.0", **words)
    assert with_feasibility("true", **words)


def test_an_unknown_word_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"Valid: expected 'ok' or 'bad'.*came 'maybe'"):
        with_feasibility("maybe", true_value="ok", false_value="bad")


def test_an_infeasible_row_keeps_what_was_measured() -> None:
    row = read(Codec(SPACE, ["f"], Feasibility()), "f,Valid", "2.5,false")
    assert (row.objectives, row.feasible) == ({"f": 2.5}, False)


@pytest.mark.parametrize("valid", ["true", "false", "", "nonsense"])
def test_a_failed_objective_fails_the_row_whatever_it_says_of_feasibility(valid) -> None:
    row = read(Codec(SPACE, ["f", "g"], Feasibility()), "f,g,Valid", f"1,nan,{valid}")
    assert (row.objectives, row.feasible) == ({}, False)


def test_a_failed_row_without_a_feasibility_column_is_infeasible() -> None:
    row = read(CODEC, "Value,x", ",1")
    assert (row.objectives, row.feasible) == ({}, False)


def test_objectives_come_in_scenario_order() -> None:
    row = read(Codec(SPACE, ["f", "g"]), "g,f", "1,2")
    assert list(row.objectives.items()) == [("f", 2.0), ("g", 1.0)]


def test_inputs_are_read_by_type() -> None:
    row = read(CODEC, "Value,c,o,i,r", "1,c d,3.0,2.0,-5")
    assert row.inputs == {"r": -5.0, "i": 2, "o": 3, "c": "c d"}
    assert [type(value) for value in row.inputs.values()] == [float, int, int, str]


def test_a_missing_objective_offers_the_nearest_unknown_name() -> None:
    with pytest.raises(ValueError, match=r"'Value' is missing \(is it 'VALUE'\?\)"):
        CODEC.layout(["r", "i", "o", "c", "VALUE"])
    with pytest.raises(ValueError, match=r"'Value' is missing; expected r,i,o,c,Value in any"):
        CODEC.layout(["r", "i", "o", "c", "time"])


def test_an_input_in_the_wrong_case_is_refused() -> None:
    with pytest.raises(ValueError, match="column 'R' is not input 'r'"):
        CODEC.layout(["R", "i", "o", "c", "Value"])


def test_messages_stay_short_whatever_the_peer_sends() -> None:
    labels = [f"label{i}" for i in range(5000)]
    space = Space([Categorical("c", labels), Real("r", 0, 1)])
    for row in ("x" * 10**6 + ",0,1", "label7," + "9" * 10**6 + ",1", "unknown,0,1"):
        with pytest.raises(ValueError, match=r"^[cr]: ") as caught:
            read(Codec(space, ["f"]), "c,r,f", row)
        assert len(str(caught.value)) < 500
    with pytest.raises(ValueError, match="missing") as caught:
        Codec(space, ["f"]).layout(["c", "r", *labels, "y" * 10**6])
    assert len(str(caught.value)) < 500


def test_quoted_text_is_cut_and_printable() -> None:
    assert quoted("a\x1b[31m\x00\udcff\u202e") == r"'a\x1b[31m\x00\udcff\u202e'"
    assert quoted("x" * 1000) == f"'{'x' * 200}'..."
    assert quoted("x" * 200) == f"'{'x' * 200}'"


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])),
        min_size=1,
        max_size=6,
    )
)
def test_quoted_fields_read_back(fields) -> None:
    line = ",".join('"' + field.replace('"', '""') + '"' for field in fields)
    assert split(line) == [field.strip() for field in fields]


@given(st.text())
def test_split_never_raises_anything_but_value_error(line) -> None:
    with contextlib.suppress(ValueError):
        assert split(line)


def test_quotes_that_make_no_sense_are_refused() -> None:
    for line in ('a\rb"', '"' + "x" * 200_000):
        with pytest.raises(ValueError, match="not a line of CSV"):
            split(line)


def test_best_block() -> None:
    best = Evaluation(Trial(3, {"r": -2.5, "i": 0, "o": 2.5, "c": "c d"}), {"Value": 5.0})
    assert CODEC.best(best) == "Best point found:\nr,i,o,c,Value\n-2.5,0,2.5,c d,5\n\n"


def test_there_is_no_best_block_without_a_measured_value() -> None:
    assert CODEC.best(None) == ""
    failed = Evaluation(Trial(0, {"r": 0, "i": 0, "o": 1, "c": "a"}), {}, feasible=False)
    assert CODEC.best(failed) == ""


def test_several_objectives_have_a_notice_instead() -> None:
    best = Evaluation(Trial(0, {"r": 0, "i": 0, "o": 1, "c": "a"}), {"f": 1.0, "g": 2.0})
    text = "\nMultiple objectives, there is no single best point.\n"
    assert Codec(SPACE, ["f", "g"]).best(best) == text


def test_a_negative_zero_keeps_its_sign() -> None:
    value = parse_objective("-0.0")
    assert value is not None
    assert math.copysign(1, value) == -1


LABELS = st.text("ab()(0 ", min_size=1, max_size=5).filter(lambda text: text == text.strip())


@given(
    st.lists(LABELS, min_size=1, max_size=3, unique=True),
    st.permutations(range(3)),
    st.booleans(),
)
def test_labels_with_brackets_stand_beside_permutations(labels, order, first) -> None:
    parameters = [Permutation("p", 3, "spearman"), Categorical("c", labels)]
    codec = Codec(Space(parameters if first else parameters[::-1]), ["f"])
    found = [Trial(0, {"p": tuple(order), "c": label}) for label in labels]
    _, header, *rows = codec.request(found).splitlines()
    layout = codec.layout(codec.split(f"{header},f"))
    for trial, row in zip(found, rows, strict=True):
        told = codec.row(layout, codec.split(f"{row},1.5"))
        assert told.inputs == trial.configuration
        assert told.objectives == {"f": 1.5}
