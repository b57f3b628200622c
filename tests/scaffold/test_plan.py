"""From wishes to a scenario: what is rendered is what was planned, errors speak of options."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.document import parse_json
from hmserve.errors import UsageError
from hmserve.scaffold.files import next_steps, refuse_taken, texts, write
from hmserve.scaffold.languages import LANGUAGES
from hmserve.scaffold.plan import Plan, checked
from hmserve.scaffold.rendering import plain_text, scenario_text
from hmserve.scaffold.stubs import local_names
from hmserve.scaffold.wishes import Wishes, plan_of
from hmserve.scenario import Scenario

PARAMETERS = [
    "tile=8,16,32@16",
    "unroll=1:8",
    "alpha=0.001:1:log",
    "order=ijk,ikj",
    "loop-order=permutation:4@3,2,1,0",
    "3d=on,off",
]
WISHES = st.builds(
    Wishes,
    parameters=st.lists(st.sampled_from(PARAMETERS), min_size=1, unique=True),
    name=st.sampled_from([None, "matmul", "2nd.try-1"]),
    objectives=st.lists(
        st.tuples(
            st.sampled_from(["seconds", "run time, µJ", "a // b", "/* c"]), st.booleans()
        ),
        max_size=3,
        unique_by=lambda wish: wish[0],
    ),
    language=st.sampled_from([None, *LANGUAGES]),
    feasible=st.booleans(),
    evaluations=st.none() | st.integers(1, 500),
    workers=st.none() | st.integers(1, 9),
    timeout=st.none() | st.floats(0.1, 100),
    seed=st.none() | st.integers(0, 9),
)


def planned(*parameters: str, **wishes: object) -> Plan:
    return plan_of(Wishes(parameters=parameters, **wishes))  # type: ignore[arg-type]


@settings(deadline=None, max_examples=40)
@given(WISHES)
def test_what_is_written_is_the_plan_with_and_without_comments(wishes: Wishes) -> None:
    plan = plan_of(wishes)
    document = plan.document()
    assert parse_json(scenario_text(plan), "app.json") == (document, [])
    assert json.loads(plain_text(plan)) == document
    assert checked(plan).warnings == ()


@pytest.mark.parametrize(
    "wishes",
    [
        {"parameters": PARAMETERS},
        {"parameters": ["class=a,b"], "feasible": True},
        {"parameters": ["in=permutation:4"], "objectives": [("f", False), ("g", True)]},
        {"parameters": ["x=0:1", "epochs=1:3"], "command": "./prog {x} {epochs}", "seed": 3},
    ],
)
def test_every_key_that_is_commented_out_can_be_used_as_it_stands(
    wishes: dict[str, object],
) -> None:
    plan = plan_of(Wishes(**wishes))  # type: ignore[arg-type]
    lines = scenario_text(plan).splitlines()
    hidden = [k for k, line in enumerate(lines) if re.match(r'\s*// "', line)]
    assert len(hidden) > 8
    for k in hidden:
        shown = lines[k].replace("// ", "", 1)
        key = json.loads(shown.split(":")[0])
        # A second value of a key takes the place of the first.
        rest = [line for line in lines if not line.strip().startswith(f'"{key}":')]
        rest.insert(rest.index(lines[k]), shown)
        document, problems = parse_json("\n".join(rest), "app.json")
        assert problems == []
        assert key in {**document, **document["evaluator"]}
        Scenario.parse(document)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"parameters": ["a=1:2", "a=3:4"]}, '"a=3:4": the parameter "a" is there already'),
        ({"objectives": [("a", False)]}, '--objective "a": a parameter is called so, too'),
        (
            {"objectives": [("f", False), ("f", True)]},
            '--maximize "f": this objective is there',
        ),
        ({"objectives": [("", False)]}, '--objective "": the name is empty'),
        ({"language": "pyhton"}, 'did you mean "python"?\nexpected one of awk, bash, c, cpp'),
        ({"language": "c", "command": "./a {a}"}, "--language and --command"),
        ({"command": "./prog"}, "expected {a} where the value of a is to stand"),
        ({"command": "./prog {b}"}, "--command: no parameter is called 'b'"),
        ({"command": "./prog '{a}"}, "cannot be split"),
        ({"command": " "}, "--command: expected a program"),
        ({"command": "./p {a}", "output": ["cost"]}, "expected OBJECTIVE=EXPRESSION"),
        ({"command": "./p {a}", "output": ["cost=x"]}, "--output: expected one group"),
        ({"output": ["cost=(x)"]}, "--output is for what the program of --command prints"),
        ({"form": "irace"}, "--form and --study say what the file of --from is"),
        ({"constraints": ["a < 3", "b < 3"]}, '--constraint "b < 3": expected a parameter'),
        ({"constraints": ["a < 0"]}, "no configuration satisfies"),
        ({"evaluations": 0}, "--evaluations: expected at least 1, got 0"),
        ({"workers": 0}, "--workers: expected at least 1, got 0"),
        ({"timeout": float("nan")}, "--timeout: expected a finite number"),
        ({"name": "a/b"}, '--name "a/b": expected letters'),
        ({"parameters": ["Valid=1:2"], "feasible": True}, '--feasible: "Valid" is already'),
        ({"parameters": []}, "expected a parameter, for example tile=8,16,32"),
    ],
)
def test_what_cannot_be_planned_is_told_in_words_of_the_command_line(
    wishes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        checked(plan_of(Wishes(**{"parameters": ["a=1:9"], **wishes})))  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "$" not in str(caught.value)


def test_conditions_constraints_and_outputs_reach_the_scenario() -> None:
    plan = planned(
        "solver=cg,gmres",
        "restart=5:50",
        command="./solve {solver} {restart}",
        conditions=["restart: solver=gmres"],
        constraints=["restart < 40"],
        output=["cost=t=([0-9]+)"],
    )
    document = plan.document()
    assert document["input_parameters"]["restart"]["condition"] == {"solver": ["gmres"]}
    assert document["constraints"] == ["restart < 40"]
    assert document["evaluator"] == {
        "command": "./solve {solver} {restart}",
        "kind": "once",
        "output": {"cost": "t=([0-9]+)"},
    }
    assert checked(plan).space.known is not None


@pytest.mark.parametrize(
    ("command", "needs_shell"),
    [
        ("./prog {a} 'x | y' \"a > b\"", False),
        ("./prog {a} | tail -1", True),
        ("./prog {a} 2>&1", True),
        ("cd x && ./prog {a}", True),
        ('./prog {a} "$HOME"', True),
    ],
)
def test_a_command_gets_a_shell_if_it_needs_one(command: str, needs_shell: bool) -> None:
    found = planned("a=1:9", command=command).command
    assert (found if isinstance(found, str) else found[-1]) == command
    assert isinstance(found, list) == needs_shell


def test_parameters_of_another_tool_are_taken_changed_and_annotated(tmp_path: Path) -> None:
    source = tmp_path / "parameters.txt"
    source.write_text('rate "--rate " r,log (0.001, 1)\nn "-n " i (1, 9)\n')
    plan = planned("n=2,4,8", "more=a,b", source=str(source), form="irace")
    assert list(plan.parameters) == ["rate", "n", "more"]
    assert plan.parameters["n"] == {"parameter_type": "ordinal", "values": [2, 4, 8]}
    assert plan.parameters["rate"]["transform"] == "log"
    text = scenario_text(plan)
    assert plan.notes
    assert all(f"// Note: {note}" in text for note in plan.notes)
    assert parse_json(text, "app.json") == (plan.document(), [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_in_a_stub_are_plain_differ_and_are_no_words_of_the_language(
    language: str,
) -> None:
    names = ["class", "end", "a-b", "a_b", "A_B", "3d", "_", "run time (s)", "größe", "cost"]
    local = local_names(names, LANGUAGES[language])
    assert len({name.lower() for name in local.values()}) == len(names)
    for name in local.values():
        assert re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII)
        assert not re.fullmatch(LANGUAGES[language].unsafe, name)
        assert name not in LANGUAGES[language].reserved.split()


def test_files_that_are_there_are_in_the_way(tmp_path: Path) -> None:
    files = texts(planned("a=1:9", language="c", name="mm"))
    assert list(files) == ["mm.json", "mm_worker.c"]
    there = tmp_path / "sub"
    refuse_taken(files, str(there))
    write(files, str(there))
    assert {path.name: path.read_text() for path in there.iterdir()} == files
    with pytest.raises(UsageError, match=r"sub/mm\.json, .*sub/mm_worker\.c are there already"):
        refuse_taken(files, str(there))
    (there / "mm.json").unlink()
    with pytest.raises(UsageError, match=r"sub/mm_worker\.c is there already; nothing was"):
        refuse_taken(files, str(there))


def test_the_next_step_goes_where_the_files_are() -> None:
    plan = planned("a=1:9", language="lua", name="mm")
    assert "\nhmserve run mm.json\n" in next_steps(plan, ".")
    assert "\ncd 'x y' && ./h run mm.json\n" in next_steps(plan, "x y", "./h")
