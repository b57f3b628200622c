import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.errors import RemoteProtocolError
from hmserve.options import Feasibility
from hmserve.protocol.codec import Codec
from hmserve.space.parameters import Real
from hmserve.space.space import Space
from hmserve.trial import Limits, Trial
from hmserve.workers.readings import Outputs, read_reply

SPACE = Space([Real("x", 0, 1)])
ONE = Codec(SPACE, ["f"])
ALL = Codec(
    SPACE, ["f", "g"], Feasibility("ok", "yes", "no"), limits={"stress": Limits(-1.0, 9.0)}
)
TRIAL = Trial(3, {"x": 0.5})


def read(codec, text, cut=False):
    data = text if isinstance(text, bytes) else text.encode()
    return Outputs(codec, named=False).read(TRIAL, {"output": data, "cut": cut})


def found(codec, **values):
    return Outputs(codec, named=True).read(TRIAL, {"output": b"...", "found": values})


@pytest.mark.parametrize(
    "text", ["1,2,3,yes", "noise\n 1 , 2 ,3,yes \n\n", "1,2\n1,2,3,YES\r\n", '1,2,"3",1']
)
def test_the_last_line_is_objectives_constraints_feasibility(text) -> None:
    evaluation = read(ALL, text)
    assert evaluation.objectives == {"f": 1.0, "g": 2.0}
    assert evaluation.constraints == {"stress": 3.0}
    assert evaluation.feasible


@pytest.mark.parametrize(
    "text",
    [
        '{"ok": true, "stress": 3, "g": 2, "f": 1.0, "more": [1]}',
        'loading {}\n{\n  "f": 1,\n  "g": 2,\n  "stress": 3,\n  "ok": "yes"\n}\n',
        '{"f": 5}\n{"f": 1, "g": 2e0, "stress": "3", "ok": 1}',
    ],
)
def test_a_json_object_gives_them_by_name(text) -> None:
    evaluation = read(ALL, text)
    assert (evaluation.objectives, evaluation.feasible) == ({"f": 1.0, "g": 2.0}, True)


def test_expressions_give_them_by_name() -> None:
    assert found(ONE, f=" 1e-3").objectives == {"f": 0.001}
    assert found(ALL, f="1", g="2", stress="3", ok="no").feasible is False
    assert found(ALL, f="1", g="2", stress="3").feasible is True


@pytest.mark.parametrize("text", ["1,2,30,yes", "1,2,3,no", "nan,2,3,yes", "1,inf,3,yes"])
def test_what_violates_a_limit_or_says_so_is_infeasible(text) -> None:
    assert not read(ALL, text).feasible


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "printed nothing"),
        (" \n\n", "printed nothing"),
        ("1,2,3", "expected f,g,stress,ok"),
        ("1,2,3,perhaps", "'perhaps'"),
        ("1,2,x,yes", "stress: .*'x'"),
        ('{"f": 1}', "g, stress, ok missing"),
        ("so {it} goes}", "no JSON object"),
        ("[1, 2, 3, true]", r"'\[1'"),
        (b"\xff\xfe\x00,2,3,yes", "f: "),
    ],
)
def test_anything_else_is_refused_in_words_that_quote_it(text, words) -> None:
    with pytest.raises(ValueError, match=words):
        read(ALL, text)


def test_a_line_that_is_cut_is_no_number() -> None:
    with pytest.raises(ValueError, match="longer than"):
        read(ONE, "0" * 100, cut=True)
    assert read(ONE, "00\n5", cut=True).objectives == {"f": 5.0}


def test_an_expression_that_found_nothing_is_named() -> None:
    with pytest.raises(ValueError, match="found no g, stress"):
        found(ALL, f="1")


@given(st.binary(max_size=200))
def test_junk_is_refused_as_a_value_error_or_read(data) -> None:
    for codec in (ONE, ALL):
        with contextlib.suppress(ValueError):
            read(codec, data)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 9))
def test_both_forms_round_trip(value, stress) -> None:
    line = f"{value!r},0,{stress!r},yes"
    text = json.dumps({"f": value, "g": 0, "stress": stress, "ok": True}, indent=1)
    assert read(ALL, line).objectives["f"] == value
    assert read(ALL, text).constraints == {"stress": stress}


def test_a_reply_is_read_as_the_classic_protocol_has_it() -> None:
    assert read_reply(ONE, TRIAL, b"f,x\n2,0.5\n").evaluations[0].objectives == {"f": 2.0}
    assert read_reply(ONE, TRIAL, b"x,f\n0.5,2").evaluations[0].trial is TRIAL
    other = read_reply(ONE, TRIAL, b"x,f\n0.75,2\n")
    assert [o.trial.configuration["x"] for o in other.observations] == [0.75]
    assert list(other.abandoned) == [TRIAL]


@pytest.mark.parametrize("said", [b"", b"x,f\n", b"x,f\n0.5", b"y\n1\n", b"x,f\n0.5,1\nmore\n"])
def test_what_is_no_reply_is_refused(said) -> None:
    with pytest.raises(RemoteProtocolError):
        read_reply(ONE, TRIAL, said)
