"""The ask-tell dialect alone: lines to messages, answers to text, and the tables of states."""

import itertools
import typing
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.protocol.asktell import AskTellSession
from hmserve.protocol.asktell_blocks import ROW_LIMIT
from hmserve.protocol.asktell_messages import (
    Answer,
    Ask,
    Best,
    Continue,
    Drop,
    End,
    Error,
    Given,
    Handed,
    Incumbents,
    Junk,
    Message,
    Ok,
    Refusal,
    Report,
    Standing,
    Status,
    Stop,
    Tell,
    Told,
    Wait,
)
from hmserve.protocol.asktell_states import ANSWERS, LEADS, PHASES, Phase, State
from hmserve.protocol.classic import LINE_LIMIT
from hmserve.protocol.codec import Codec, Row
from hmserve.protocol.events import LocalProtocolError
from hmserve.space.parameters import Categorical, Integer, Real
from hmserve.space.space import Space
from hmserve.trial import OUTSIDE, Evaluation, Limits, Trial


@dataclass(frozen=True)
class Feasibility:
    name: str = "Valid"
    true_value: str = "good"
    false_value: str = "bad"


SPACE = Space([Real("x", 0, 1), Integer("n", 0, 9), Categorical("c", ["a", "b c"])])
TRIAL = Trial(7, {"x": 0.25, "n": 3, "c": "b c"})
ANSWER_OF = {
    Ask: Wait(1),
    Tell: Ok(),
    Drop: Ok(),
    Report: Continue(),
    Best: Incumbents(()),
    Status: Standing({}),
    Stop: Ok(),
    Junk: Error("no"),
}


def session(**options) -> AskTellSession:
    return AskTellSession(Codec(SPACE, ["Value"], **options))


def hear(talk, *lines):
    """Return the message that the last of `lines` completes, and no other does."""
    *others, last = (talk.receive_line(f"{line}\n") for line in lines)
    assert others == [None] * len(others)
    return last


def rows(message):
    return [(row.number, row.trial, row.found.objectives) for row in message.rows]


# ---- lines to messages


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Ask", Ask(1)),
        ("Ask 12", Ask(12)),
        ("\ufeff aSK\t 3 \r", Ask(3)),
        ("Best", Best()),
        ("status", Status()),
        (" Stop ", Stop()),
        ("Report 4,0.5,1.5", Report(4, 0.5, 1.5)),
        ("Report 4.0 , 1 , -1.0D+02", Report(4, 1.0, -100.0)),
    ],
)
def test_messages_of_one_line(line, message) -> None:
    assert hear(session(), line) == message


@pytest.mark.parametrize(
    "line",
    [
        "Asks",
        "Ask 0",
        "Ask -1",
        "Ask 1.5",
        "Ask 1 2",
        "Ask " + "9" * 19,
        "Ask \u0663",
        "Tell",
        "Tell x",
        "Drop -1",
        "Best 1",
        "Stop now",
        "Report",
        "Report 1,2",
        "Report 1,2,3,4",
        "Report -1,1,1",
        "Report 1,nan,1",
        "Report 1,1,inf",
        "Report 1,1,1_0",
        "trial,Value",
        "\x00",
        '"',
        "x" * (LINE_LIMIT + 1),
    ],
)
def test_what_is_no_message_is_answered_and_the_conversation_goes_on(line) -> None:
    talk = session()
    message = hear(talk, line)
    assert isinstance(message, Junk)
    said = talk.say(Error(message.reason))
    assert said.startswith("Error 0 ")
    assert len(said) < 600
    assert hear(talk, "Ask") == Ask(1)


def test_blank_lines_mean_nothing() -> None:
    message = hear(session(), "", "Tell 1", " ", "trial,Value", "\r", "3,1.5")
    assert rows(message) == [(1, 3, {"Value": 1.5})]


def test_rows_are_told_by_their_number() -> None:
    message = hear(session(), "Tell 3", "Value,note,trial", "1.5,a,4", "nan,,2", "2.5,b,9.0")
    assert rows(message) == [(1, 4, {"Value": 1.5}), (2, 2, {}), (3, 9, {"Value": 2.5})]
    assert [row.found.feasible for row in message.rows] == [True, False, True]


def test_row_that_cannot_be_read_is_refused_and_the_others_are_not() -> None:
    message = hear(session(), "Tell 3", "trial,Value", "x,1", "1,x", "2")
    assert message.rows == []
    assert [refusal.row for refusal in message.refused] == [1, 2, 3]
    message = hear(session(), "Tell 2", "trial,Value", "1,y", "2,1")
    assert rows(message) == [(2, 2, {"Value": 1.0})]


def test_inputs_of_a_row_with_a_trial_may_be_left_out() -> None:
    message = hear(session(), "Tell 2", "trial,x,n,c,Value", "1,,,,1.5", "2,0.5,,a,2.5")
    assert [dict(row.found.inputs) for row in message.rows] == [{}, {"x": 0.5, "c": "a"}]


def test_row_without_a_trial_needs_every_input() -> None:
    head = ["Tell 1", "trial,x,n,c,Value"]
    message = hear(session(), *head, ",0.5,2,a,1.5")
    found = Row({"x": 0.5, "n": 2, "c": "a"}, {"Value": 1.5}, True)
    assert message.rows == [Told(1, None, found)]
    for row in (",,2,a,1.5", ",0.5,2,,1.5", ",0.5,2,z,1.5"):
        assert not hear(session(), *head, row).rows
    assert not hear(session(), "Tell 1", "trial,x,n,Value", ",0.5,2,1.5").rows


def test_constraints_and_feasibility_are_read_as_in_the_classic_dialect() -> None:
    talk = session(feasibility=Feasibility(), limits={"g": Limits(0, 1)})
    message = hear(
        talk, "Tell 4", "trial,Value,g,Valid", "1,1,1,GOOD", "2,1,2,yes", "3,1,0,bad", "4,1,,"
    )
    assert [row.found.feasible for row in message.rows] == [True, False, False, False]
    assert [dict(row.found.constraints) for row in message.rows] == [
        {"g": 1},
        {"g": 2},
        {"g": 0},
        {},
    ]


def test_drop_reads_the_column_of_the_ids_alone() -> None:
    message = hear(session(), "Drop 3", "x,trial", ",4", "0.5,5,", "1")
    assert message.rows == [Given(1, 4), Given(2, 5)]
    assert [refusal.row for refusal in message.refused] == [3]


def test_message_without_rows_still_has_its_header() -> None:
    assert hear(session(), "Tell 0", "trial,Value") == Tell([], [])
    assert hear(session(), "Drop 0", "trial") == Drop([], [])


@pytest.mark.parametrize("header", ["Trial,Value", "trial", "trial,value", "x,Value", "x,n"])
def test_message_with_a_wrong_header_is_read_to_its_end_and_refused(header) -> None:
    message = hear(session(), "Tell 2", header, "1,1", "2,2")
    assert isinstance(message, Junk)
    assert message.reason.startswith("header of Tell: ")


@pytest.mark.parametrize("verb", ["Tell", "Drop"])
def test_header_that_was_forgotten_leaves_nobody_waiting(verb) -> None:
    assert isinstance(hear(session(), f"{verb} 2", "1,1", "2,2"), Junk)
    assert isinstance(hear(session(), f"{verb} 1", "1"), Junk)


def test_long_row_is_refused_alone() -> None:
    message = hear(session(), "Tell 2", "trial,Value", "1," + "1" * LINE_LIMIT, "2,1")
    assert rows(message) == [(2, 2, {"Value": 1.0})]
    assert message.refused == [Refusal(1, "a line of more than 1 MiB")]


def test_message_of_too_many_rows_is_read_to_its_end_and_refused() -> None:
    talk = session()
    lines = itertools.chain(
        [f"Tell {ROW_LIMIT + 1}", "trial,Value"], (f"{i},1" for i in range(ROW_LIMIT + 1))
    )
    *others, last = map(talk.receive_line, lines)
    assert not any(others)
    assert isinstance(last, Junk)
    talk.say(Error(last.reason))
    assert hear(talk, "Ask") == Ask(1)


@given(st.data())
def test_any_text_at_all_is_answered_or_waits_for_more(data) -> None:
    talk, words = session(), ["Ask", "Tell 2", "Drop 1", "trial,Value", "1,2", "Report 1,1,1"]
    line = (
        st.sampled_from(words) | st.text(max_size=20) | st.text('0123456789,." \t', max_size=9)
    )
    for text in data.draw(st.lists(line, max_size=12)):
        message = talk.receive_line(text)
        if message is not None:
            said = talk.say(ANSWER_OF[type(message)])
            assert said.endswith("\n")
            assert talk.phase is Phase.READY
    between_messages = talk.phase is Phase.READY
    assert talk.close().clean == between_messages


# ---- the end of file


@pytest.mark.parametrize(
    ("lines", "rest", "message"),
    [
        (["Tell 1", "trial,Value"], "3,1.5", Tell),
        (["Drop 0"], "trial", Drop),
        ([], "Status", Status),
        ([], "Ask 2", Ask),
    ],
)
def test_last_line_needs_no_newline(lines, rest, message) -> None:
    talk = session()
    for line in lines:
        talk.receive_line(line)
    heard = talk.receive_eof(rest)
    assert isinstance(heard, message)
    talk.say(ANSWER_OF[message])
    assert talk.receive_eof() is None
    assert talk.close().clean


@pytest.mark.parametrize(
    ("lines", "rest", "place"),
    [
        ([], "Stat", "the rest of a message"),
        ([], "Tell 1", "header of Tell 1"),
        (["Tell 2"], "", "header of Tell 2"),
        (["Tell 2", "trial,Value"], "1,2", "row 2 of Tell 2"),
        (["Drop 1", "trial"], " ", "row 1 of Drop 1"),
    ],
)
def test_client_that_leaves_in_mid_message_is_told_apart(lines, rest, place) -> None:
    talk = session()
    for line in lines:
        talk.receive_line(line)
    assert talk.receive_eof(rest) is None
    closed = talk.close()
    assert not closed.clean
    assert closed.place == place
    for act in (talk.close, lambda: talk.receive_line("Ask"), lambda: talk.say(End())):
        with pytest.raises(LocalProtocolError):
            act()


# ---- answers to text


def text_of(answer: Answer, line: str = "Ask", **options) -> str:
    talk = session(**options)
    assert hear(talk, *line.split("\n")) is not None
    return talk.say(answer)


def test_trials_are_handed_out_with_their_ids() -> None:
    other = Trial(12, {"x": 1.0, "n": 0, "c": "a"})
    assert text_of(Handed([TRIAL, other])) == "Request 2\ntrial,x,n,c\n7,0.25,3,b c\n12,1,0,a\n"


def test_answers_of_one_line() -> None:
    assert text_of(Wait(3)) == "Wait 3\n"
    assert text_of(End()) == "End of HyperMapper\n"
    assert text_of(Continue(), "Report 1,1,1") == "Continue\n"
    assert text_of(Standing({"asked": 1, "best": None}), "Status") == (
        'Status {"asked": 1, "best": null}\n'
    )


def test_refused_rows_are_counted_and_listed() -> None:
    refused = [Refusal(2, "no\nsuch"), Refusal(5, "no")]
    said = text_of(Ok(3, refused), "Drop 0\ntrial")
    assert said == "Ok 3 2\nError 2 no such\nError 5 no\n"


def test_best_rows_have_the_columns_that_tell_needs() -> None:
    options = {"feasibility": Feasibility(), "limits": {"g": Limits(0, 1)}}
    best = [
        Evaluation(TRIAL, {"Value": 1.0}, True, {"g": 0.5}),
        Evaluation(Trial(OUTSIDE, TRIAL.configuration), {"Value": 0.1}, True, {"g": 1.0}),
    ]
    said = text_of(Incumbents(best), "Best", **options)
    first, header, *found = said.splitlines()
    assert first == "Best 2"
    assert header == "trial,x,n,c,Value,g,Valid"
    assert found == ["7,0.25,3,b c,1,0.5,good", ",0.25,3,b c,0.1,1,good"]
    message = hear(session(**options), "Tell 2", header, *found)
    assert not message.refused
    assert text_of(Incumbents([]), "Best") == "Best 0\ntrial,x,n,c,Value\n"


# ---- the tables


def test_every_message_has_an_answer_in_every_state() -> None:
    messages = set(typing.get_args(Message))
    assert {state: set(ANSWERS[state]) for state in State} == dict.fromkeys(State, messages)
    assert all(answers for row in ANSWERS.values() for answers in row.values())


def test_every_answer_is_given_somewhere_and_leads_only_from_where_it_is() -> None:
    given = {
        answer for row in ANSWERS.values() for answers in row.values() for answer in answers
    }
    assert given == set(typing.get_args(Answer))
    assert all(answer in ANSWERS[state][message] for state, message, answer in LEADS)
    assert set(PHASES) == set(Phase)


def test_nothing_is_handed_out_after_stop_nor_asked_for_after_the_end() -> None:
    talk = session()
    hear(talk, "Stop")
    talk.say(Ok())
    assert talk.state is State.STOPPED
    hear(talk, "Ask")
    with pytest.raises(LocalProtocolError, match="Handed is no answer to Ask when stopped"):
        talk.say(Handed([TRIAL]))
    talk.say(End())
    assert talk.state is State.OVER
    hear(talk, "Ask")
    with pytest.raises(LocalProtocolError):
        talk.say(Wait(1))


def test_every_message_is_answered_once_and_before_the_next() -> None:
    talk = session()
    with pytest.raises(LocalProtocolError):
        talk.say(Wait(1))
    hear(talk, "Ask")
    with pytest.raises(LocalProtocolError):
        talk.receive_line("Ask")
    with pytest.raises(LocalProtocolError):
        talk.close()
    with pytest.raises(LocalProtocolError):
        talk.say(Ok())
    talk.say(Wait(1))
    with pytest.raises(LocalProtocolError):
        talk.say(Wait(1))
