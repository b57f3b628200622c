"""What is not a parameter space, or not as its tool writes it: an error, with its place."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.conversion import FORMS, read
from hmserve.errors import UsageError

DATA = Path(__file__).parent / "data"


def refused(tmp_path, content, form=None, name="space.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError) as caught:
        read(path, form)
    return str(caught.value).replace(str(tmp_path) + "/", "")


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="nowhere: cannot be read: No such file"):
        read(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="expected a file, got a directory"):
        read(tmp_path)


def test_what_is_no_text_is_refused(tmp_path):
    assert refused(tmp_path, b"") == "space.txt: expected a parameter space, got an empty file"
    assert "space.txt:2: expected UTF-8, got the byte 0xe9" in refused(tmp_path, b"a\n\xe9")
    assert "space.txt:1: expected text, got a zero byte" in refused(tmp_path, b"\x7fELF\0\0")


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(UsageError, match="expected at most 256 MB, got more"):
        read(path)


def test_a_byte_order_mark_and_other_line_ends_are_no_matter(tmp_path):
    path = tmp_path / "parameters.txt"
    path.write_bytes(b'\xef\xbb\xbfx "" i (1, 3)\r\ny "" c (a, b)\r\n')
    assert list(read(path).parameters) == ["x", "y"]


def test_an_unknown_form_or_file_is_answered_with_the_forms(tmp_path):
    assert "one of kernel-tuner, irace, configspace, optuna, got" in refused(
        tmp_path, "x", "smac"
    )
    for text in ("hello", "{}", '{"a": 1}', "int main() { return 0; }"):
        message = refused(tmp_path, text)
        assert all(form in message for form in FORMS)
        assert "--form" in message


def test_a_file_of_two_tools_is_not_guessed(tmp_path):
    text = '# tune_params\nx "" i (1, 3)\n'
    assert "it may be of kernel-tuner or irace; say which" in refused(tmp_path, text)
    (tmp_path / "space.txt").write_text(text)
    assert read(tmp_path / "space.txt", "irace").form == "irace"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('x "" i (1, 3)\nx "" i (1, 3)', "2: expected a new parameter, got x again"),
        ('x "" q (1, 3)', "1: expected the type of x, one of c, o, i, r, and its values"),
        ('x "" i (1, 3', "1: expected a bracket after the values of x"),
        ("x i (1, 3)", "1: expected the switch of x in quotes"),
        ('x "" i (1, 3) 4', "1: expected a condition of x after |, or the end of the line"),
        ('x "" i (1, 3) |', "1: expected a condition of x after |"),
        ('x "" i (3, 1)', "1: x: in [3, 1] the lower bound is above the upper one"),
        ('x "" i (1, 2.5)', "1: x: [1, 2.5] is no range of integers"),
        ('x "" i (1, 2, 3)', "1: x: expected (low, high), got 3 values"),
        ('x "" r (1, "k * 2")', "1: expected a bound of x that numeric parameters above give"),
        ('x "" c (a, b) | y ==', "1: expected a parameter, a number, a text or brackets, got"),
        ('x "" c (a, b) | y = 1', "1: expected an expression of R, got '= 1' at column 3"),
        ('x "" c (a, b)\n[forbidden]\nx == "a" &', "3: expected a parameter"),
        ('x "" c (a, b)\n[allowed]', "2: expected a parameter, [forbidden] or [global]"),
        ('x "" c (a, b)\n[global]\nsteps = 3', "3: expected digits = NUMBER in [global]"),
        ('a.b "" c (a, b)\na_b "" c (a, b)', "2: a.b of space.txt:1 and a_b are both 'a_b'"),
        ('x "" c ("a,b", "a;b")', "1: x: a,b and a;b are both 'a;b' here"),
    ],
)
def test_a_line_that_irace_would_not_read_is_quoted_with_its_place(tmp_path, text, message):
    assert f"space.txt:{message}" in refused(tmp_path, text, "irace")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x {a, b} [a]\nfoo", "2: expected name {a, b} [default]"),
        ("x {a, b} [a]\ny | x in {a}", "2: expected the condition of a parameter"),
        ("x {a, b} [a]\nx | z in {a}", "2: expected parent in {a, b}, or parent == a"),
        ("x {a, b} [a]\n{z=1}", "2: expected {parameter=value, other=value}"),
        ("x [1, 2] [one]", "1: expected a number"),
    ],
)
def test_a_line_that_is_no_pcs_is_quoted_with_its_place(tmp_path, text, message):
    assert f"space.txt:{message}" in refused(tmp_path, text, "configspace")


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"hyperparameters": 3}, 'expected a list as "hyperparameters", got 3'),
        ({"hyperparameters": []}, "expected parameters, got none"),
        (
            {"hyperparameters": [{"name": "x"}]},
            '$.hyperparameters[0]: expected as "type" one of',
        ),
        (
            {"hyperparameters": [{"name": "x", "type": "uniform_int", "lower": 1}]},
            '$.hyperparameters[0]: expected the key "upper"',
        ),
        (
            {
                "hyperparameters": [{"name": "x", "type": "constant", "value": 1}],
                "conditions": [{"type": "EQ", "child": "x", "parent": "y", "value": 1}],
            },
            '$.conditions[0]: expected a hyperparameter of the space, got "y"',
        ),
        (
            {
                "hyperparameters": [
                    {"name": n, "type": "ordinal", "sequence": [1, 2]} for n in "xy"
                ],
                "conditions": [
                    {"type": "EQ", "child": "x", "parent": "y", "value": 1},
                    {"type": "EQ", "child": "y", "parent": "x", "value": 1},
                ],
            },
            "the conditions of x, y go round in a circle",
        ),
    ],
)
def test_a_part_of_json_that_configspace_would_not_write_is_named(tmp_path, tree, message):
    assert message in refused(tmp_path, json.dumps(tree), "configspace")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"tune_params": 3}', 'expected an object as "tune_params", got 3'),
        ('{"tune_params": {"x": 3}}', "$.tune_params.x: expected a list of values"),
        ('{"tune_params": {"x": [1', "the file ends before the JSON does"),
        ('{"ConfigurationSpace": {"TuningParameters": [3]}}', "TuningParameters[0]: expected"),
        (
            '{"ConfigurationSpace": {"TuningParameters": [{"Name": "x", "Values": "f(3)"}]}}',
            "TuningParameters[0]: expected a list of values such as [1, 2, 4] or range(1, 9)",
        ),
        ("tune_params = dict(\n", "expected Python"),
        (
            "tune_params = load()\n",
            "space.txt:1: parameters are left out: load() cannot be read",
        ),
        ("import kernel_tuner\n", "expected tune_params as a dictionary of lists"),
    ],
)
def test_a_file_that_kernel_tuner_would_not_take_is_named(tmp_path, text, message):
    assert message in refused(tmp_path, text, "kernel-tuner")


def test_a_database_or_journal_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cats (name TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(UsageError, match="expected a storage of Optuna, got: no such table"):
        read(path)
    with pytest.raises(UsageError, match="expected a file of irace, got a database"):
        read(path, "irace")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UsageError, match="expected a storage of Optuna"):
        read(path)
    message = refused(tmp_path, '{"op_code": 0}\n{"op_code": 5}\n', "optuna")
    assert "space.txt:1: expected a record of a journal of Optuna" in message


@pytest.mark.parametrize(
    "name", ["acotsp.txt", "convolution-t1.json", "new.pcs", "optuna.journal"]
)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(name, data, tmp_path_factory):
    text = (DATA / name).read_bytes()
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 40)))
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(text[:begin] + data.draw(st.binary(max_size=5)) + text[end:] + b"\n")
    form = data.draw(st.sampled_from([None, *FORMS]))
    try:
        read(path, form)
    except UsageError as error:
        assert str(path) in str(error)  # noqa: PT017 - most damage leaves it readable


def test_nothing_heavy_is_imported_with_the_package():
    code = "import sys, hmserve.conversion; print({'numpy', 'sqlite3'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "text",
    ["+".join(["x"] * 20000) + " > 1", "(" * 5000 + "x" + ")" * 5000, "not " * 9000 + "x"],
)
def test_a_condition_that_is_nested_too_deep_is_an_error_or_a_note(tmp_path, text):
    path = tmp_path / "deep.json"
    space = {
        "TuningParameters": [{"Name": "x", "Values": "[1, 2]"}],
        "Conditions": [{"Expression": text}],
    }
    path.write_text(json.dumps({"ConfigurationSpace": space}))
    script = tmp_path / "deep.py"
    script.write_text(f"tune_params = dict(x=[1, 2])\nrestrictions = [lambda x: {text}]\n")
    parameters = tmp_path / "deep.txt"
    parameters.write_text(f'x "" i (1, 2)\n[forbidden]\n{text.replace("not ", "!")}\n')
    for found in (path, script, parameters):
        _read_or_refuse(found)


def _read_or_refuse(path):
    try:
        assert read(path).parameters
    except UsageError as error:
        assert str(path) in str(error)  # noqa: PT017 - either will do
