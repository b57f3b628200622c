"""Files that the tools themselves wrote, and what the tools say of them."""

import ast
import csv
import itertools
import json
import re
from pathlib import Path

import pytest

from hmserve.conversion import ForeignSpace, read
from hmserve.scenario import Scenario

DATA = Path(__file__).parent / "data"
FILES = {
    "acotsp.txt": "irace",
    "cache.json": "kernel-tuner",
    "convolution-t1.json": "kernel-tuner",
    "tune_convolution.py": "kernel-tuner",
    "configspace-0.6.1.json": "configspace",
    "configspace-1.2.2.json": "configspace",
    "old.pcs": "configspace",
    "new.pcs": "configspace",
    "optuna.journal": "optuna",
    "distributions.json": "optuna",
}


def scenario_of(space: ForeignSpace) -> Scenario:
    return Scenario.parse(
        {
            "optimization_objectives": list(space.objectives) or ["value"],
            "input_parameters": dict(space.parameters),
            "constraints": list(space.constraints),
        }
    )


def test_every_form_is_recognised_and_makes_a_scenario():
    for name, form in FILES.items():
        space = read(DATA / name)
        assert space.form == form
        assert scenario_of(space).space.parameters
        assert all(name in note and note.endswith(".") for note in space.notes)
        assert read(DATA / name, form) == space


def _settled(space, raw, rename=lambda name: name):
    """Return a configuration of the source as hmserve has it, inactive where it has none."""
    by_name = {p.name: p for p in space.parameters}
    found = dict.fromkeys(by_name)
    for name, value in raw.items():
        if value not in (None, ""):
            found[rename(name)] = by_name[rename(name)].parse(str(value))
    return found


def _check_activity(space, configuration, exact):
    """Whether what is active here is what is active there."""
    filled = {
        p.name: configuration[p.name]
        if configuration[p.name] is not None
        else p.level(0)
        if p.size < float("inf")
        else p.decode(0.5)
        for p in space.parameters
    }
    settled = space.conditions.settle(filled)
    for name, value in configuration.items():
        if name in exact:
            assert (settled[name] is None) == (value is None), (name, configuration)
        elif value is not None:
            assert settled[name] is not None


@pytest.mark.parametrize("version", ["0.6.1", "1.2.2"])
def test_what_configspace_draws_is_allowed_here_and_has_the_same_active_parameters(version):
    space = scenario_of(read(DATA / f"configspace-{version}.json")).space
    rows = json.loads((DATA / f"configspace-{version}-samples.json").read_text())
    names = {p.name for p in space.parameters}
    for raw in rows:
        configuration = _settled(space, raw, lambda name: name.replace(":", "_"))
        if version == "0.6.1":  # it forgets the bounds of a normal
            configuration["noise"] = 0.5
        assert space.known.broken(configuration) is None
        _check_activity(space, configuration, names - {"dropout"})


def test_what_irace_draws_has_the_same_active_parameters_and_is_forbidden_alike():
    space = scenario_of(read(DATA / "acotsp.txt")).space
    names = {p.name for p in space.parameters}
    forbidden = 0
    with (DATA / "acotsp-samples.csv").open() as file:
        for raw in csv.DictReader(file):
            verdict = raw.pop("forbidden_") == "TRUE"
            configuration = _settled(space, raw, lambda name: name.replace(".", "_"))
            _check_activity(space, configuration, names - {"depth", "nn_ants"})
            assert (space.known.broken(configuration) is not None) == verdict
            forbidden += verdict
    assert forbidden > 10


def test_restrictions_hold_where_python_finds_them_true():
    path = DATA / "convolution-t1.json"
    space = read(path)
    tree = json.loads(path.read_text())["ConfigurationSpace"]
    values = {p["Name"]: eval(p["Values"]) for p in tree["TuningParameters"]}  # noqa: S307
    texts = [c["Expression"] for c in tree["Conditions"][:5]]
    code = [compile(text, "", "eval") for text in texts]
    known = scenario_of(space).space.known
    met = 0
    for chosen in itertools.islice(itertools.product(*values.values()), 0, None, 7):
        row = dict(zip(values, chosen, strict=True))
        wanted = all(eval(c, {}, row) for c in code)  # noqa: S307
        here = {**row, "read_only": str(row["read_only"])}
        assert (known.broken(here) is None) == wanted
        met += wanted
    assert met > 50
    assert "reckons with bits" in space.notes[-1]


def test_a_script_is_read_and_never_run(tmp_path, monkeypatch):
    witness = tmp_path / "witness"
    monkeypatch.setenv("CONVERSION_WITNESS", str(witness))
    space = read(DATA / "tune_convolution.py")
    assert not witness.exists()
    assert list(space.parameters) == [
        "block_size_x",
        "block_size_y",
        "tile_size_x",
        "use_shmem",
    ]
    assert space.parameters["block_size_y"]["values"] == [1, 2, 4, 8, 16]
    assert list(space.constraints) == [
        "block_size_x * block_size_y <= 1024",
        "tile_size_x * block_size_y <= 32",
        "use_shmem == 0 or tile_size_x in (1, 2)",
        "block_size_x * block_size_y >= 64",
    ]
    assert list(space.objectives) == [{"name": "GFLOP/s", "goal": "maximize"}]
    assert [note.split(": ", 1)[0].rsplit(":")[-1] for note in space.notes] == ["24", "34"]


def test_what_is_said_of_a_script_is_what_stands_in_it():
    lines = (DATA / "tune_convolution.py").read_text().splitlines()
    assert "unroll" in lines[23]
    assert "sizes()[0]" in lines[33]
    assert ast.parse("\n".join(lines))


def test_names_and_directions_of_a_study_are_taken_over():
    space = read(DATA / "optuna.journal")
    assert list(space.objectives) == ["loss", {"name": "accuracy", "goal": "maximize"}]
    assert space.parameters["opt_width"]["values"] == [8, 16, 24, 32, 40, 48, 56, 64]
    assert space.parameters["dropout"]["values"] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert space.parameters["lr"]["transform"] == "log"
    missing = [note for note in space.notes if "missing" in note]
    assert len(missing) == 1
    assert "nesterov" in missing[0]


def test_an_unfinished_cache_file_is_read(tmp_path):
    text = (DATA / "cache.json").read_text()
    cut = tmp_path / "cache.json"
    cut.write_text(text[: text.rindex("},") + 2])
    assert read(cut).parameters == read(DATA / "cache.json").parameters
    assert list(read(cut).objectives) == ["time"]


def test_a_forbidden_expression_is_true_where_r_finds_it_true(tmp_path):
    path = tmp_path / "parameters.txt"
    head = 'a "" c (x, y, z)\nb "" i (1, 4)\nc "" c (0, 1, 2)\nr "" r (0, 1)\n[forbidden]\n'
    rows = [
        {"a": a, "b": b, "c": c, "r": r}
        for r, c, b, a in itertools.product((0.25, 0.75), "012", range(1, 5), "xyz")
    ]
    for text, verdicts in json.loads((DATA / "logic.json").read_text()):
        path.write_text(head + text)
        space = read(path)
        left = [note for note in space.notes if "nothing here forbids" in note]
        if left:
            assert text == "b * 2 %in% c(4, 8)"  # a number times a truth value
            continue
        known = scenario_of(space).space.known
        found = "".join("01"[known.broken(row) is not None] for row in rows)
        assert found == verdicts, (text, space.constraints)


def test_the_examples_of_the_documentation_are_what_comes_of_them(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "conversion.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL)
    shown = [json.loads("{" + block + "}") for kind, block in blocks if kind == "json"]
    sources = [
        block for _, block in blocks if block.startswith(("# parameters.txt", "# tune.py"))
    ]
    assert len(shown) == len(sources) == 2
    for source, wanted in zip(sources, shown, strict=True):
        path = tmp_path / source.partition("\n")[0].removeprefix("# ")
        path.write_text(source)
        space = read(path)
        assert space.parameters == wanted["input_parameters"]
        assert list(space.constraints) == wanted["constraints"]
    assert read(tmp_path / "parameters.txt").notes[0].replace(f"{tmp_path}/", "") in text


def test_of_a_script_with_two_spaces_the_first_is_read(tmp_path):
    path = tmp_path / "twice.py"
    path.write_text(
        "tune_params = {}\n"
        "tune_params['x'] = [1, 2]\n"
        "tune_kernel('a', '', 1, [], tune_params, restrictions=['x > 1'])\n"
        "tune_params = dict(y=[3, 4])\n"
        "tune_kernel('b', '', 1, [], tune_params, restrictions=['y > 3'])\n"
    )
    space = read(path)
    assert list(space.parameters) == ["x"]
    assert list(space.constraints) == ["x > 1"]
    assert list(space.notes) == [f"{path}:4: another space begins, of which nothing is read."]
