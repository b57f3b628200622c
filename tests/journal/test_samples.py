import gzip
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmserve.errors import ScenarioError
from hmserve.journal.ledger import Ledger, Row
from hmserve.journal.samples import read_samples
from hmserve.journal.table import render
from hmserve.trial import OUTSIDE, Evaluation, Trial

HEADER = "r,i,o,c,time,energy,Valid,Timestamp\n"
LINE = "0.5,3,2.5,c d,1.5,2.0,ok,17\n"
EVALUATION = Evaluation(
    Trial(OUTSIDE, {"r": 0.5, "i": 3, "o": 2.5, "c": "c d"}), {"time": 1.5, "energy": 2.0}
)


@pytest.fixture
def load(tmp_path, scenario):
    """Return a function that reads a table from its text or bytes."""

    def read(content, scenario=scenario):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "in.csv").write_bytes(data)
        return read_samples(str(tmp_path / "in.csv"), scenario)

    return read


def test_what_a_run_wrote_is_read_back(load, scenario, records):
    rows = Ledger.of(records).rows
    expected = [
        Evaluation(
            Trial(OUTSIDE, row.evaluation.trial.configuration),
            row.evaluation.objectives,
            row.evaluation.feasible,
        )
        for row in rows
    ]
    assert load(render(scenario, rows)) == expected


finite = st.floats(allow_nan=False, allow_infinity=False)
configurations = st.fixed_dictionaries(
    {
        "r": st.floats(-5, 10),
        "i": st.integers(0, 9),
        "o": st.sampled_from([1, 2.5, 64]),
        "c": st.sampled_from(["a", "c d", "-O3"]),
    }
)
outcomes = st.fixed_dictionaries({"time": finite, "energy": finite})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(configurations, outcomes, st.booleans())
def test_every_value_comes_back_to_the_last_bit(load, scenario, values, objectives, feasible):
    evaluation = Evaluation(Trial(OUTSIDE, values), objectives, feasible)
    (back,) = load(render(scenario, [Row(evaluation, 0.0, 0.0, asked=False)]))
    assert back == evaluation
    # Equality alone would take 2.0 for 2 and -0.0 for 0.0.
    for name, value in {**values, **objectives}.items():
        assert repr({**back.trial.configuration, **back.objectives}[name]) == repr(value)


@pytest.mark.parametrize(
    "content",
    [
        HEADER + LINE,
        HEADER + LINE.rstrip(),
        (HEADER + LINE).replace("\n", "\r\n"),
        "\ufeff" + HEADER + LINE,
        "\n\n" + HEADER + "\n , \n" + LINE + "\n\n",
        HEADER.replace(",", " , ") + LINE.replace(",", " ,\t"),
        '"r","i","o","c","time","energy","Valid"\n"0.5","3","2.5","c d","1.5","2","ok"\n',
        "Valid,energy,extra,time,c,o,i,r\nok,2,?,1.5,c d,2.50,3.0,5e-1\n",
        HEADER + LINE.replace("17\n", "17,,\n"),
        HEADER + LINE.replace("17", "1795289261202.0"),
    ],
    ids=[
        "plain",
        "no last newline",
        "CRLF",
        "byte order mark",
        "blank lines",
        "blanks",
        "quotes",
        "columns by name",
        "empty fields at the end",
        "old timestamps",
    ],
)
def test_one_table_in_many_forms(load, content):
    assert load(content) == [EVALUATION]


def test_a_compressed_table_is_read(load):
    assert load(gzip.compress((HEADER + LINE).encode())) == [EVALUATION]


def test_numbers_have_the_type_of_their_parameter(load):
    (evaluation,) = load(HEADER + "1,2.0,64.0,a,1,2,ok,0\n")
    values = evaluation.trial.configuration
    assert [type(value) for value in values.values()] == [float, int, int, str]


@pytest.mark.parametrize("word", ["ok", "OK", "true", "True", "TRUE", "1", "yes"])
def test_words_for_feasible(load, word):
    assert load(HEADER + LINE.replace("ok", word))[0].feasible


@pytest.mark.parametrize("word", ["bad", "BAD", "false", "False", "0", "No"])
def test_words_for_infeasible(load, word):
    (evaluation,) = load(HEADER + LINE.replace("ok", word))
    assert not evaluation.feasible
    assert evaluation.objectives == {"time": 1.5, "energy": 2.0}


def test_the_words_of_the_scenario_come_first(load, make_scenario):
    feasibility = {
        "enable_feasible_predictor": True,
        "name": "Crashed",
        "true_value": "0",
        "false_value": "1",
    }
    scenario = make_scenario(feasible_output=feasibility)
    content = (HEADER + LINE.replace("ok", "0") + LINE.replace("ok", "1")).replace(
        "Valid", "Crashed"
    )
    assert [evaluation.feasible for evaluation in load(content, scenario)] == [True, False]


@pytest.mark.parametrize(
    "value", ["", "nan", "NaN", "inf", "-inf", "1e400", "None", "null", "NA"]
)
@pytest.mark.parametrize("word", ["ok", "bad", ""])
def test_a_row_without_a_value_is_a_failed_evaluation(load, value, word):
    (evaluation,) = load(HEADER + LINE.replace("1.5", value).replace("ok", word))
    assert evaluation == Evaluation(EVALUATION.trial, {}, feasible=False)


def test_without_a_feasibility_column_every_measured_row_is_feasible(load, make_scenario):
    scenario = make_scenario(feasible_output=None)
    evaluations = load(HEADER + LINE.replace("ok", "bad") + LINE.replace("1.5", ""), scenario)
    assert [evaluation.feasible for evaluation in evaluations] == [True, False]


@pytest.mark.parametrize(
    ("before", "after", "place", "message"),
    [
        ("0.5", "abc", "column r", "'abc' is no number"),
        ("0.5", "nan", "column r", "'nan' is not finite"),
        ("0.5", "", "column r", "'' is no number"),
        ("0.5", "10.5", "column r", "'10.5' lies outside the search space"),
        ("3", "10", "column i", "'10' lies outside the search space"),
        ("3", "3.5", "column i", "'3.5' is no integer"),
        ("2.5", "2", "column o", "'2' is none of its 3 values"),
        ("c d", "C D", "column c", "'C D' is none of a, c d, -O3"),
        ("1.5", "fast", "column time", "not 'fast'"),
        ("1.5", "1_5", "column time", "not '1_5'"),
        (
            "ok",
            "perhaps",
            "column Valid",
            "expected 'ok' or 'bad' (or true/false, 1/0, yes/no), not 'perhaps'",
        ),
        ("ok", "", "column Valid", "not ''"),
        (",17", "", "line 3", "7 fields under a header of 8"),
        ("1.5", "1,5", "line 3", "9 fields under a header of 8"),
    ],
)
def test_a_bad_cell_is_refused_with_its_place(load, tmp_path, before, after, place, message):
    with pytest.raises(ScenarioError) as caught:
        load(HEADER + LINE + LINE.replace(before, after))
    assert caught.value.status == 2
    assert str(caught.value).startswith(f"{tmp_path}/in.csv, line 3")
    assert place in str(caught.value)
    assert message in str(caught.value)


def test_every_bad_cell_is_reported(load):
    with pytest.raises(ScenarioError) as caught:
        load(HEADER + "x,3,2.5,c d,?,2.0,ok,17\n" + LINE + "0.5,99,2.5,c d,1.5,2.0,eh,17\n")
    lines = str(caught.value).splitlines()
    assert [line.split(", ", 1)[1].split(":")[0] for line in lines] == [
        "line 2, column r",
        "line 2, column time",
        "line 4, column i",
        "line 4, column Valid",
    ]


def test_of_very_many_bad_cells_some_are_shown_and_the_rest_counted(load):
    with pytest.raises(ScenarioError) as caught:
        load(HEADER + LINE.replace("0.5", "x" * 10_000) * 1000)
    assert str(caught.value).endswith("and 980 more")
    assert len(str(caught.value)) < 20 * 400


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("r,i,o,c,time,Valid", "energy missing or repeated"),
        ("r,i,o,c,time,energy", "Valid missing or repeated"),
        ("R,i,o,c,time,energy,valid", "r, Valid missing or repeated"),
        ("r,r,i,o,c,time,energy,Valid", "r missing or repeated"),
        ("", "missing"),
    ],
)
def test_a_header_that_lacks_a_column_is_refused(load, header, message):
    with pytest.raises(ScenarioError, match=message):
        load(f"{header}\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((HEADER + LINE).encode("utf-16"), "not UTF-8"),
        (HEADER.encode() + b"\xff\n", "not UTF-8"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-10], "gzip data are damaged"),
        (b"\x1f\x8bnonsense", "cannot read"),
        (b'r,"' + b"x" * 200_000, "no CSV"),
    ],
)
def test_a_file_that_is_no_table_is_refused(load, data, message):
    with pytest.raises(ScenarioError, match=message):
        load(data)


def test_a_missing_file_is_named(tmp_path, scenario):
    with pytest.raises(ScenarioError, match=r"cannot read .*none\.csv: No such file"):
        read_samples(str(tmp_path / "none.csv"), scenario)


def test_an_ordinal_printed_with_six_digits_is_its_level(load, make_scenario):
    level = 1 / 3
    scenario = make_scenario(
        input_parameters={"o": {"parameter_type": "ordinal", "values": [level, 1]}},
        feasible_output=None,
    )
    (evaluation,) = load("o,time,energy\n0.333333,1,2\n", scenario)
    assert math.isclose(evaluation.trial.configuration["o"], level, rel_tol=0)
