import contextlib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.errors import RemoteProtocolError
from hmserve.protocol.classic import LINE_LIMIT, ClassicSession, State
from hmserve.protocol.codec import Codec
from hmserve.protocol.events import (
    Complete,
    Evaluated,
    LocalProtocolError,
    Observed,
    PeerClosed,
)
from hmserve.space.parameters import Categorical, Integer, Real
from hmserve.space.space import Space
from hmserve.trial import OUTSIDE, Evaluation, Trial


@dataclass(frozen=True)
class Feasibility:
    name: str = "Valid"
    true_value: str = "true"
    false_value: str = "false"


SPACE = Space([Real("x", 0, 1), Integer("n", 0, 9), Categorical("c", ["a", "b c"])])
TRIALS = [
    Trial(7, {"x": 0.25, "n": 3, "c": "a"}),
    Trial(8, {"x": 0.75, "n": 3, "c": "b c"}),
]


def session(objectives=("Value",), feasibility=None) -> ClassicSession:
    return ClassicSession(Codec(SPACE, objectives, feasibility))


def asked(**options) -> ClassicSession:
    talk = session(**options)
    talk.request(TRIALS)
    return talk


def feed(talk, *lines):
    return [event for line in lines for event in talk.receive_line(f"{line}\n")]


def test_a_request_is_one_text() -> None:
    text = "Request 2\nx,n,c\n0.25,3,a\n0.75,3,b c\n"
    assert session().request(TRIALS) == text


def test_rows_count_one_by_one_and_the_last_completes_the_reply() -> None:
    talk = asked()
    assert feed(talk, "x,n,c,Value") == []
    assert feed(talk, "0.75,3,b c,2.5") == [Evaluated(Evaluation(TRIALS[1], {"Value": 2.5}))]
    assert feed(talk, "0.25,3,a,nan") == [
        Evaluated(Evaluation(TRIALS[0], {}, feasible=False)),
        Complete(()),
    ]
    assert talk.state is State.IDLE


def test_an_answer_carries_the_values_that_were_asked_not_those_that_came_back() -> None:
    space = Space([Real("x", 0, 1)])
    trial = Trial(0, {"x": 0.123456789})
    talk = ClassicSession(Codec(space, ["f"]))
    talk.request([trial])
    event = feed(talk, "x,f", "0.123457,1")[0]
    assert event.evaluation.trial is trial


def test_a_stranger_is_an_observation_and_leaves_a_trial_unanswered() -> None:
    talk = asked()
    events = feed(talk, "x,n,c,Value", "0.5,3.0,a,1", "0.25,3,a,2")
    stranger = Trial(OUTSIDE, {"x": 0.5, "n": 3, "c": "a"})
    assert events == [
        Observed(Evaluation(stranger, {"Value": 1.0})),
        Evaluated(Evaluation(TRIALS[0], {"Value": 2.0})),
        Complete((TRIALS[1],)),
    ]


def test_a_second_row_about_one_trial_is_an_observation() -> None:
    talk = asked()
    events = feed(talk, "x,n,c,Value", "0.25,3,a,1", "0.25,3,a,2")
    assert [type(event) for event in events] == [Evaluated, Observed, Complete]
    assert events[1].evaluation.trial.configuration == TRIALS[0].configuration


def test_without_an_input_column_rows_come_in_the_order_of_the_request() -> None:
    talk = asked()
    events = feed(talk, "Value,n", "1,3", "2,3")
    trials = [e.evaluation.trial for e in events if isinstance(e, Evaluated)]
    assert trials == TRIALS


@pytest.mark.parametrize("line", ["x,n,c,Value,Valid", "Valid,junk,c,Value,x,n"])
def test_columns_come_in_any_order(line) -> None:
    fields = {"x": "0.25", "n": "3", "c": "a", "Value": "1.5", "Valid": "FALSE", "junk": "?"}
    talk = asked(feasibility=Feasibility())
    row = ",".join(fields[name] for name in line.split(","))
    event = Evaluated(Evaluation(TRIALS[0], {"Value": 1.5}, feasible=False))
    assert feed(talk, line, row) == [event]


@pytest.mark.parametrize("blank", ["", " ", "\r", "\t\r"])
def test_blank_lines_say_nothing_anywhere(blank) -> None:
    talk = session()
    assert feed(talk, blank) == []
    talk.request(TRIALS)
    events = feed(talk, blank, "x,n,c,Value", blank, "0.25,3,a,1", blank, "0.75,3,b c,2", blank)
    assert len(events) == 3


def test_a_byte_order_mark_before_a_header_is_ignored() -> None:
    assert len(feed(asked(), "\ufeffx,n,c,Value", "0.25,3,a,1")) == 1
    assert len(feed(asked(), "\ufeff", "x,n,c,Value", "0.25,3,a,1")) == 1


def test_a_line_may_lack_its_newline() -> None:
    talk = asked()
    assert talk.receive_line("x,n,c,Value") == ()
    assert len(talk.receive_line("0.25,3,a,1")) == 1


def test_a_row_nobody_asked_for_ends_the_conversation() -> None:
    talk = asked()
    feed(talk, "Value", "1", "2")
    with pytest.raises(RemoteProtocolError) as caught:
        feed(talk, "3")
    assert str(caught.value) == (
        "after the reply to request 1: nothing was asked; a reply has as many rows as its "
        "request; the line is '3'"
    )
    assert talk.state is State.BROKEN


def test_a_line_before_the_first_request_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match=r"^before the first request: nothing"):
        feed(session(), "hello")


def test_a_fault_names_the_place_and_quotes_the_line_cut() -> None:
    talk = asked()
    feed(talk, "Value", "1")
    with pytest.raises(RemoteProtocolError) as caught:
        feed(talk, "7" + "x" * 1000)
    text = str(caught.value)
    assert text.startswith("row 2 of 2 of the reply to request 1: Value: expected a number")
    assert text.endswith(f"the line is '7{'x' * 199}'...")


def test_requests_are_counted() -> None:
    talk = asked()
    feed(talk, "Value", "1", "2")
    talk.request(TRIALS[:1])
    with pytest.raises(RemoteProtocolError, match=r"^header of the reply to request 2: "):
        feed(talk, "value")


def test_a_line_over_the_limit_is_refused() -> None:
    talk = asked()
    feed(talk, "Value")
    with pytest.raises(RemoteProtocolError, match="a line of more than 1 MiB"):
        talk.receive_line("1" * (LINE_LIMIT + 1))


@pytest.mark.parametrize("row", ["1.5,3,a,1", "0.5,10,a,1", "0.5,3,z,1", "0.5,3,,1", ",3,a,1"])
def test_a_row_outside_the_space_ends_the_run(row) -> None:
    talk = asked()
    feed(talk, "x,n,c,Value")
    with pytest.raises(RemoteProtocolError, match=r"^row 1 of 2 of the reply to request 1: "):
        feed(talk, row)


def test_nothing_can_be_said_after_a_fault() -> None:
    talk = asked()
    with pytest.raises(RemoteProtocolError):
        feed(talk, "nonsense")
    for act in (
        lambda: talk.request(TRIALS),
        lambda: talk.receive_line("Value\n"),
        talk.receive_eof,
        talk.finish,
    ):
        with pytest.raises(LocalProtocolError, match="after the peer broke the protocol"):
            act()


def test_only_one_request_is_outstanding() -> None:
    talk = asked()
    for act in (lambda: talk.request(TRIALS), talk.finish):
        with pytest.raises(LocalProtocolError, match="waiting for the header"):
            act()
    assert len(feed(talk, "Value", "1")) == 1


def test_an_empty_request_is_a_mistake_of_the_caller() -> None:
    talk = session()
    with pytest.raises(LocalProtocolError, match="at least one trial"):
        talk.request([])
    assert talk.state is State.IDLE


def test_the_end_line_comes_last_and_once() -> None:
    talk = session()
    assert talk.finish() == "End of HyperMapper\n"
    with pytest.raises(LocalProtocolError, match="after the end line"):
        talk.finish()
    with pytest.raises(LocalProtocolError, match="after the end line"):
        talk.receive_line("thanks")


def test_the_best_point_stands_before_the_end_line() -> None:
    best = Evaluation(TRIALS[1], {"Value": 2.5})
    assert session().finish(best) == (
        "Best point found:\nx,n,c,Value\n0.75,3,b c,2.5\n\nEnd of HyperMapper\n"
    )


def test_several_objectives_have_no_best_point() -> None:
    best = Evaluation(TRIALS[1], {"f": 2.5, "g": 1.0})
    assert session(objectives=("f", "g")).finish(best) == (
        "\nMultiple objectives, there is no single best point.\nEnd of HyperMapper\n"
    )


def test_leaving_between_two_requests_is_clean() -> None:
    talk = session()
    assert talk.receive_eof() == (PeerClosed(True, (), "before the first request"),)
    assert talk.finish() == "End of HyperMapper\n"


@pytest.mark.parametrize("rest", ["", " \r"])
def test_leaving_before_the_header_is_clean(rest) -> None:
    (closed,) = asked().receive_eof(rest)
    assert closed == PeerClosed(True, tuple(TRIALS), "header of the reply to request 1")


def test_leaving_within_the_header_is_not() -> None:
    (closed,) = asked().receive_eof("x,n,c,Val")
    assert not closed.clean


def test_leaving_within_the_rows_is_not() -> None:
    talk = asked()
    feed(talk, "Value", "1")
    (closed,) = talk.receive_eof()
    assert closed == PeerClosed(False, (TRIALS[1],), "row 2 of 2 of the reply to request 1")


def test_a_row_cut_off_within_a_reply_is_not_read() -> None:
    talk = asked()
    feed(talk, "Value")
    (closed,) = talk.receive_eof("12")
    assert closed == PeerClosed(False, tuple(TRIALS), "row 1 of 2 of the reply to request 1")


def test_the_last_row_needs_no_newline() -> None:
    talk = asked()
    feed(talk, "Value", "1")
    evaluated, complete, closed = talk.receive_eof("2")
    assert evaluated == Evaluated(Evaluation(TRIALS[1], {"Value": 2.0}))
    assert complete == Complete(())
    assert closed == PeerClosed(True, (), "after the reply to request 1")


LINES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["x,n,c,Value,Valid", "Value,Valid", "\ufeffValid,Value", "", "\r", '"']),
    st.lists(
        st.sampled_from(
            [
                "0.25",
                "3",
                "a",
                "b c",
                "nan",
                "1e400",
                "",
                '"',
                "\x00",
                "true",
                "no",
                "-1",
                "9e99",
            ]
        ),
        max_size=6,
    ).map(",".join),
)
ACTS = st.one_of(
    LINES.map(lambda line: lambda talk: talk.receive_line(line)),
    LINES.map(lambda line: lambda talk: talk.receive_eof(line)),
    st.integers(0, 2).map(lambda n: lambda talk: talk.request(TRIALS[:n])),
    st.just(lambda talk: talk.finish()),
)


@given(st.lists(ACTS, max_size=12), st.sampled_from([None, Feasibility()]))
def test_no_text_and_no_order_of_calls_raises_anything_but_the_two_errors(acts, column) -> None:
    talk = session(feasibility=column)
    for act in acts:
        with contextlib.suppress(RemoteProtocolError, LocalProtocolError):
            act(talk)


@given(st.lists(LINES, max_size=12))
def test_only_the_peer_is_to_blame_for_what_it_says(lines) -> None:
    talk = asked()
    with contextlib.suppress(RemoteProtocolError):
        for line in lines:
            talk.receive_line(line)


CONFIGURATIONS = st.builds(
    lambda x, n, c: {"x": x, "n": n, "c": c},
    st.floats(0, 1),
    st.integers(0, 9),
    st.sampled_from(["a", "b c"]),
)
OUTCOMES = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))


@given(
    st.lists(st.tuples(CONFIGURATIONS, OUTCOMES), min_size=1, max_size=20),
    st.permutations(["x", "n", "c", "Value", "other"]),
    st.randoms(use_true_random=False),
)
def test_every_well_formed_reply_is_understood_as_it_was_meant(pairs, columns, rng) -> None:
    talk = session()
    trials = [Trial(i, configuration) for i, (configuration, _) in enumerate(pairs)]
    _, header, *requested = talk.request(trials).splitlines()
    rows = []
    for row, (_, outcome) in zip(requested, pairs, strict=True):
        fields = dict(zip(header.split(","), row.split(","), strict=True))
        fields |= {"Value": "nan" if outcome is None else repr(outcome), "other": "-"}
        rows.append(",".join(fields[name] for name in columns))
    rng.shuffle(rows)
    *events, complete = feed(talk, ",".join(columns), *rows)
    assert complete == Complete(())
    understood = [(e.evaluation.trial.configuration, e.evaluation.objectives) for e in events]
    meant = [(c, {} if v is None else {"Value": v}) for c, v in pairs]
    assert sorted(map(repr, understood)) == sorted(map(repr, meant))
    assert sorted(e.evaluation.trial.id for e in events) == list(range(len(trials)))
