"""The dialogue, with answers that are given beforehand."""

from collections.abc import Iterable, Sequence

import pytest

from hmserve.errors import UsageError
from hmserve.scaffold.dialogue import converse
from hmserve.scaffold.wishes import Wishes, plan_of


class Person:
    """Gives `answers` in turn, and then none; remembers what was shown."""

    def __init__(self, answers: Iterable[str]) -> None:
        self.answers = iter(answers)
        self.seen = ""

    def answer(self, question: str) -> str:
        self.seen += question
        try:
            return next(self.answers)
        except StopIteration:
            raise EOFError from None

    def see(self, text: str) -> None:
        self.seen += text


def refuse_taken(names: Sequence[str]) -> None:
    if taken := {"taken.json", "x_worker.tcl"} & set(names):
        raise UsageError(f"{taken.pop()} is there already")


def asked(*answers: str, **given: object) -> tuple[Wishes, str]:
    person = Person(answers)
    wishes = converse(
        Wishes(**given),  # type: ignore[arg-type]
        person.answer,
        person.see,
        refuse_taken,
    )
    assert next(person.answers, None) is None
    return wishes, person.seen


def test_empty_answers_take_what_is_in_brackets() -> None:
    wishes, seen = asked("", "a=1:8", "", "", "", "")
    assert wishes == Wishes(["a=1:8"], "app", [("cost", False)], "python", evaluations=60)
    assert plan_of(wishes).scenario == "app.json"
    assert all(f"[{default}]: " in seen for default in ("app", "cost", "python", "60"))


def test_answers_make_a_plan() -> None:
    wishes, _ = asked(
        "mm", "tile=8,16@16", "order=a,b", "", "seconds, maximize fps", "C++", "25"
    )
    plan = plan_of(wishes)
    assert list(plan.parameters) == ["tile", "order"]
    assert list(plan.objectives) == ["seconds", {"name": "fps", "goal": "maximize"}]
    assert plan.stub is not None
    assert (plan.stub.file, plan.evaluations) == ("mm_worker.cpp", 25)


def test_a_command_is_an_answer_too() -> None:
    wishes, _ = asked("", "n=1:8", "", "", "./prog {n}", "")
    assert plan_of(wishes).document()["evaluator"] == {"command": "./prog {n}", "kind": "once"}


def test_what_the_command_line_has_said_is_not_asked() -> None:
    wishes, seen = asked(
        *("a=1:8", ""), name="b", objectives=[("f", True)], language="go", evaluations=9
    )
    assert seen.count("]: ") == 0
    assert wishes == Wishes(["a=1:8"], "b", [("f", True)], "go", evaluations=9)


@pytest.mark.parametrize(
    ("wrong", "at", "reason"),
    [
        ("my app", 0, '--name "my app": expected letters'),
        ("taken", 0, "taken.json is there already"),
        ("", 1, "expected a parameter at least, for example tile=8,16,32"),
        ("a", 1, '"a": expected name=low:high'),
        ("a=2:3", 2, "this parameter is there already"),
        ("a", 3, '--objective "a": a parameter is called so, too'),
        ("f, f", 3, "this objective is there already"),
        ("maximize", 3, "the name is empty"),
        ("cobol", 4, '--language "cobol": there is no stub'),
        ("./prog '{a}", 4, "cannot be split"),
        ("./prog x", 4, "expected {a} where the value of a is to stand"),
        ("./prog {b}", 4, "no parameter is called 'b'"),
        ("tcl", 4, "x_worker.tcl is there already"),
        ("0", 5, "expected a whole number above 0, got '0'"),
        ("many", 5, "expected a whole number above 0, got 'many'"),
    ],
)
def test_a_wrong_answer_is_asked_again_with_the_reason(
    wrong: str, at: int, reason: str
) -> None:
    answers = ["x", "a=1:8", "", "f", "lua", "7"]
    right, _ = asked(*answers)
    again, seen = asked(*answers[:at], wrong, *answers[at:])
    assert again == right
    assert reason in seen


def test_a_person_who_leaves_is_not_answered_for() -> None:
    answers = ["x", "a=1:8", "", "f", "lua"]
    for count in range(len(answers) + 1):
        with pytest.raises(EOFError):
            asked(*answers[:count])
