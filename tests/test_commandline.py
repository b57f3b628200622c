import pytest

from hmserve.commandline import arguments
from hmserve.errors import ScenarioError
from hmserve.scenario import Scenario


def read(**evaluator):
    return Scenario.parse(
        {
            "optimization_objectives": ["seconds"],
            "output_constraints": {"memory": [None, 10]},
            "input_parameters": {"x": {"parameter_type": "real", "values": [0, 1]}},
            "evaluator": evaluator,
        }
    )


def test_a_text_is_split_as_a_shell_would_and_a_list_is_taken_as_it_is():
    assert arguments("./sim 'a b' --x={x}") == ("./sim", "a b", "--x={x}")
    assert arguments(["./sim", "a b"]) == ("./sim", "a b")


def test_a_scenario_names_the_command_that_evaluates():
    options = read(command="./sim {x}", kind="once", workers=4, timeout=1.5).evaluator
    assert options is not None
    assert options.command == ("./sim", "{x}")
    assert (options.kind, options.workers, options.timeout) == ("once", 4, 1.5)
    assert (options.retries, options.directories, options.output) == (0, "none", None)


@pytest.mark.parametrize(
    ("evaluator", "message"),
    [
        ({"command": "./sim 'x"}, r"command: cannot split \"./sim 'x\": No closing quotation"),
        ({"command": " "}, "command: expected a program, got nothing"),
        ({"command": [""]}, "command: expected a program, got nothing"),
        ({"workers": 2}, 'missing key "command"|command'),
        ({"command": "a", "kind": "twice"}, "kind"),
        ({"command": "a", "workers": 0}, "workers"),
        (
            {"command": "a", "output": {"seconds": "(.*)"}},
            "output: expected an expression for each of memory",
        ),
        (
            {"command": "a", "output": {"seconds": "s: (", "memory": "m: .*"}},
            r"no regular expression: (.|\n)*output.memory: expected one group in .*, found 0",
        ),
    ],
)
def test_a_command_that_cannot_be_used_is_refused(evaluator, message):
    with pytest.raises(ScenarioError, match=message):
        read(**evaluator)
