"""How far an evaluation went: as clients write it, against what was asked."""

import contextlib

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hmserve.errors import RemoteProtocolError
from hmserve.fidelity.options import FidelityOptions
from hmserve.protocol.classic import ClassicSession
from hmserve.protocol.codec import Codec
from hmserve.protocol.events import Complete, Evaluated
from hmserve.protocol.fidelities import reached, read_fidelity, whose
from hmserve.space.parameters import Real, format_number
from hmserve.space.space import Space
from hmserve.trial import Stage, Trial


def options(low=1.0, high=81.0, **changes):
    block = dict.fromkeys(FidelityOptions._fields, 1.0)
    own = {"name": "mesh", "min": low, "max": high, "eta": 3.0, "integer": False}
    return FidelityOptions(**{**block, **own, "assume_requested": False, **changes})


def trial(fidelity, number=0):
    return Trial(number, {"x": 0.5}, fidelity, Stage(0, 0, number))


RANGES = st.tuples(st.floats(1e-3, 1e3), st.floats(1, 1e6)).map(lambda p: (p[0], p[0] * p[1]))


@given(RANGES, st.sampled_from(["{!r}", "{:g}", "{:.9e}", "{:.7f}"]))
@example((0.005, 0.02), "{:.7f}")
def test_every_fidelity_in_use_is_known_again_if_it_has_six_digits(bounds, text) -> None:
    # Below, seven decimals are five digits or fewer, and may be another fidelity.
    assume(text != "{:.7f}" or bounds[0] >= 0.005)
    found = options(*bounds)
    for fidelity in found.ladder.fidelities:
        assert read_fidelity(found, text.format(fidelity)) == fidelity


@given(RANGES, st.floats(0.01, 0.99))
def test_what_ended_early_has_what_it_reached(bounds, part) -> None:
    found = options(*bounds)
    fidelity = found.max * part
    answered = reached(found, trial(found.max), fidelity)
    assert answered.fidelity == fidelity
    assert (answered.id, answered.stage) == (0, Stage(0, 0, 0))
    with pytest.raises(ValueError, match=f"came {format_number(found.max)}"):
        reached(found, trial(fidelity), found.max)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "81.1", "1e999", "three", "1 2"])
def test_what_cannot_be_is_refused(text) -> None:
    with pytest.raises(ValueError, match="mesh: expected a number above 0, at most 81, came"):
        read_fidelity(options(), text)
    with pytest.raises(ValueError, match="expected a whole number"):
        read_fidelity(options(integer=True), "2.5")
    assert read_fidelity(options(integer=True), "2.0") == 2.0
    assert read_fidelity(options(), "") is None


def test_what_is_not_said_is_as_asked_where_that_may_be() -> None:
    asked = trial(9.0)
    assert reached(None, asked, None) is asked
    assert reached(options(assume_requested=True), asked, None) is asked
    assert reached(options(), asked, None, failed=True) is asked
    with pytest.raises(ValueError, match="mesh: expected how far"):
        reached(options(), asked, None)


def test_one_configuration_at_several_fidelities_is_several_trials() -> None:
    trials = [trial(9.0, 0), trial(3.0, 1), trial(27.0, 2), trial(3.0, 3)]
    found = [whose(options(), f, trials) for f in (None, 27.0, 3.0, 2.5, 4.0, 10.0)]
    assert found == [0, 2, 1, 1, 0, 2]
    with pytest.raises(ValueError, match="expected 27 as was asked"):
        whose(options(), 40.0, trials)


HEADERS = st.sampled_from(
    ["x,mesh,f", "mesh,f,x", "f,mesh", "x,f", "f", "mesh,mesh,x,f", "x,Mesh,f"]
)
FIELDS = st.sampled_from(["0.5", "0.25", "3", "9", "27", "2.99999", "1", "", "nan", "-1", "z"])


@given(st.booleans(), HEADERS, st.lists(st.lists(FIELDS, max_size=4), min_size=3, max_size=3))
def test_whatever_is_replied_is_an_answer_or_a_fault(assumed, header, rows) -> None:
    space = Space([Real("x", 0, 1)])
    codec = Codec(space, ["f"], fidelity=options(assume_requested=assumed))
    session = ClassicSession(codec)
    asked = [trial(9.0, 0), trial(3.0, 1), Trial(2, {"x": 0.25}, 3.0)]
    session.request(asked)
    answered = {}
    with contextlib.suppress(RemoteProtocolError):
        for line in (header, *map(",".join, rows)):
            for event in session.receive_line(line or "f"):
                if isinstance(event, Evaluated):
                    found = event.evaluation.trial
                    assert found.id not in answered
                    answered[found.id] = found
                elif isinstance(event, Complete):
                    assert {t.id for t in event.unanswered} == {0, 1, 2} - answered.keys()
    for number, found in answered.items():
        assert found.configuration == asked[number].configuration
        assert 0 < found.fidelity <= asked[number].fidelity
