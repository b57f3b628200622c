import contextlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.errors import UsageError
from hmserve.options import EvaluatorOptions
from hmserve.space.parameters import Categorical, Integer, Real
from hmserve.space.space import Space
from hmserve.trial import Trial
from hmserve.workers.command import Template, check_placeholders, placeholders

SPACE = Space([Real("x", 0, 1), Integer("n", 0, 9), Categorical("flag", ("-O1", "-O2"))])
TRIAL = Trial(7, {"x": 0.25, "n": 2, "flag": "-O2"})


def arguments(*command, directory="/d"):
    return Template(command, SPACE).arguments(TRIAL, directory)


def test_names_stand_for_values_as_the_protocol_writes_them() -> None:
    assert arguments("sim", "--x={x}", "{n}{flag}") == ["sim", "--x=0.25", "2-O2"]


def test_trial_directory_and_here_are_names_too() -> None:
    found = arguments("sim", "{trial}", "{directory}", "{here}/a")
    assert found == ["sim", "7", "/d", f"{os.getcwd()}/a"]


def test_an_option_whose_parameter_is_inactive_is_left_out() -> None:
    words = ["--x={x}", "-x{x}", "x={x}", "--x", "{x}", "{x}", "-v", "--n", "{n}", "a {x}", "="]
    template = Template(["sim", *words], SPACE)
    inactive = Trial(7, {"x": None, "n": 2, "flag": "-O2"})
    assert template.arguments(inactive, "/d") == ["sim", "-v", "--n", "2", "a ", "="]
    assert len(template.arguments(TRIAL, "/d")) == 12


def test_what_is_no_option_stays_where_a_parameter_is_inactive() -> None:
    template = Template(["sim", "--level=3", "{x}", "run", "{x}"], SPACE)
    inactive = Trial(7, {"x": None, "n": 2, "flag": "-O2"})
    assert template.arguments(inactive, "/d") == ["sim", "--level=3", "run"]


def test_a_parameter_takes_precedence_over_our_own_names() -> None:
    space = Space([Integer("trial", 0, 9)])
    assert Template(["s", "{trial}"], space).arguments(Trial(5, {"trial": 3}), "/") == [
        "s",
        "3",
    ]


def test_a_program_with_a_slash_is_found_from_every_directory() -> None:
    assert arguments("./sim")[0] == os.path.join(os.getcwd(), "./sim")
    assert arguments("/bin/sim")[0] == "/bin/sim"
    assert arguments("sim")[0] == "sim"


@given(st.text("ab{} ", max_size=12))
def test_doubled_braces_stand_for_themselves(text) -> None:
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert arguments("sim", doubled) == ["sim", text]


@given(st.text("xn{}", max_size=8))
def test_every_argument_is_either_filled_or_refused(text) -> None:
    with contextlib.suppress(UsageError):
        assert len(arguments("sim", text)) == 2


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UsageError, match=r"'y'.*x, n, flag, trial, directory, here"):
        Template(["sim", "{x}", "{y}"], SPACE)


@pytest.mark.parametrize("argument", ["{x", "x}", "{x}}", "{", "}"])
def test_a_brace_without_its_partner_is_refused(argument) -> None:
    with pytest.raises(UsageError, match="brace"):
        Template(["sim", argument], SPACE)


def test_a_client_has_no_values_on_its_command_line() -> None:
    with pytest.raises(UsageError, match="--kind once"):
        check_placeholders(EvaluatorOptions(("client", "{n}"), kind="protocol"), SPACE)
    check_placeholders(EvaluatorOptions(("awk", "{print}"), kind="protocol"), SPACE)
    assert placeholders(("client", "{n}", "{y}", "{{x}}")) == ["n", "y"]
