"""Programs in the wild, from their scenario to their last line: those in Scala and C++.

Each function does with the bytes what one program does, and stops where that would crash: they
are re-creations of how it parses, made from what is public of it, not its code. How single
messages are parsed is in tests/protocol/test_wild_clients.py; the clients of HyperMapper's own
examples, compiled and as programs, are in test_hypermapper_clients.py, those in Python in
test_wild_python.py.
"""

import csv
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

Row = dict[str, str]

VALID = {"enable_feasible_predictor": True, "name": "Valid"}
FOREST = {"model": "random_forest", "number_of_trees": 20}
TILES = {"parameter_type": "ordinal", "values": [1, 2, 4, 8, 16, 32], "parameter_default": 4}
LANES = {"parameter_type": "integer", "values": [1, 16], "parameter_default": 1}
FLAG = {"parameter_type": "categorical", "values": ["false", "true"]}


def read(daemon) -> str:
    """Return the next line as Scala's and Java's readLine do; its absence is fatal."""
    line = daemon.line()
    assert line.endswith("\n"), f"nothing but {line!r} came"
    return line[:-1]


def to_int(text: str) -> int:
    """Read `text` as Scala's toInt does: no point, no blank, 32 bits."""
    assert re.fullmatch(r"[-+]?\d+", text), f"NumberFormatException: {text!r}"
    assert -(2**31) <= int(text) < 2**31
    return int(text)


def recorded(path: Path) -> list[Row]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def assert_recorded(path: Path, answers: Sequence[Row]) -> None:
    """Check that the samples file says of each configuration what the client said."""

    def numbers(row: Mapping[str, str]) -> Row:
        return {name: plain(row[name]) for name in row if name != "Timestamp"}

    def plain(text: str) -> str:
        return text.removesuffix(".0") if re.fullmatch(r"-?\d+\.0", text) else text

    def ordered(rows: Sequence[Row]) -> list[list[tuple[str, str]]]:
        return sorted(sorted(numbers(row).items()) for row in rows)

    assert ordered(recorded(path)) == ordered(answers)


def assert_ended(daemon) -> None:
    daemon.close()
    assert daemon.rest() == ""
    assert daemon.wait() == 0
    assert daemon.stderr == ""


# ---- Spatial's design space exploration (Scala)


class MatchError(Exception):
    """Scala's: no case fits."""


def spatial(daemon, order: Sequence[str], cost: Callable[..., Row]) -> list[Row]:
    """Match lines against patterns, answer in blocks as worker threads get done.

    Raises:
        MatchError: A line is no request, as the last one.
    """
    extra = ["DSPs", "BRAMs", "Timestamp"]
    answers: list[Row] = []
    threads = random.Random(1)
    while True:
        line = read(daemon)
        match = re.fullmatch(r"Request ([0-9]*)", line)
        if match is None:
            raise MatchError(line, answers)
        count = to_int(match[1])
        header = [name.strip() for name in read(daemon).split(",")]
        places = [header.index(name) for name in order]
        size = 5 if count < 500 else 500
        rows = []
        for _ in range(count):
            values = [cell.strip().lower() for cell in read(daemon).split(",")]
            parsed = [
                cell == "true" if cell in FLAG["values"] else to_int(cell) for cell in values
            ]
            point = dict(zip(order, (str(parsed[k]).lower() for k in places), strict=True))
            rows.append({**point, **cost(*(parsed[k] for k in places))})
        answers += rows
        blocks = [rows[i : i + size] for i in range(0, count, size)]
        threads.shuffle(blocks)
        daemon.say(",".join([*order, *extra[:2], "ALMs", "Cycles", "Valid", extra[2]]) + "\n")
        for block in blocks:
            threads.shuffle(block)
            daemon.say("".join(f"{','.join(line)}\n" for line in map(_spatial_line, block)))


def _spatial_line(row: Row) -> list[str]:
    *point, area, cycles, valid = row.values()
    return [*point, "54", "571", area, cycles, valid, "123456"]


@pytest.mark.parametrize(
    "method",
    ["random_search", pytest.param("bayesian_optimization", marks=pytest.mark.slow)],
)
def test_spatial_runs_until_the_line_it_does_not_know(
    method, fork, tmp_path, write_scenario
) -> None:
    def cost(banked: bool, lanes: int, tile: int) -> Row:
        area, cycles = 76000 + 700 * lanes * (1 + banked), 10**9 // (lanes * tile)
        return {
            "ALMs": str(area),
            "Cycles": str(cycles),
            "Valid": str(lanes * tile < 200).lower(),
        }

    order = ["x1873", "IP", "B"]
    path = write_scenario(
        application_name="Black",
        models=FOREST,
        optimization_method=method,
        hypermapper_mode={"mode": "interactive"},
        optimization_objectives=["ALMs", "Cycles"],
        feasible_output={**VALID, "true_value": "true", "false_value": "false"},
        max_number_of_predictions=1000000,
        number_of_cpus=2,
        evaluations_per_optimization_iteration=100,
        optimization_iterations=1,
        run_directory=str(tmp_path / "gen"),
        output_data_file="Black_output_dse_samples.csv",
        design_of_experiment={"doe_type": "random sampling", "number_of_samples": 500},
        input_parameters={
            "B": {"parameter_type": "integer", "values": [1, 500], "prior": "decay"},
            "IP": {**LANES, "prior": "gaussian"},
            "x1873": {**FLAG, "parameter_default": "false", "prior": [0.4, 0.6]},
        },
    )
    with fork(str(path), directory=tmp_path) as daemon:
        with pytest.raises(MatchError) as stopped:
            spatial(daemon, order, cost)
        assert_ended(daemon)
    last, answers = stopped.value.args
    assert last == "End of HyperMapper"
    assert len(answers) == 600
    assert_recorded(tmp_path / "gen/Black_output_dse_samples.csv", answers)


# ---- the actor-network partitioner and Manticore (Scala)


def partitioner(daemon, cost: Callable[[Sequence[int]], Row], known: set[str]) -> list[Row]:
    """Match lines against patterns; what fits none is a RuntimeException."""
    answers: list[Row] = []
    while True:
        line = read(daemon)
        if line in {"End", "Pareto", "End of HyperMapper"}:
            return answers
        request = re.fullmatch(r"Request ([0-9]*)", line)
        assert request, f"RuntimeException: {line!r}"
        header = read(daemon).split(",")
        assert set(header) == known
        lines = []
        for _ in range(to_int(request[1])):
            values = [to_int(cell) for cell in read(daemon).split(",")]
            row = {**dict(zip(header, map(str, values), strict=True)), **cost(values)}
            lines.append(",".join(row.values()))
            answers.append(row)
        daemon.say("\n".join([",".join(answers[-1]), *lines]) + "\n")


@pytest.mark.parametrize(
    ("application", "batch", "feasibility"),
    [("partitioner", 1, ("true", "false")), ("manticore", 4, ("1", "0"))],
)
def test_compilers_that_read_integers_alone(
    application, batch, feasibility, fork, tmp_path, write_scenario
) -> None:
    def cost(values: Sequence[int]) -> Row:
        return {
            "cycles": str(1000 + sum((v - 3) ** 2 for v in values)),
            "Valid": feasibility[sum(values) % 3 == 0],
        }

    names = [f"core_{k}" for k in range(5)]
    write_scenario(
        application_name=application,
        models=FOREST,
        optimization_objectives=["cycles"],
        feasible_output={**VALID, "true_value": feasibility[0], "false_value": feasibility[1]},
        evaluations_per_optimization_iteration=batch,
        optimization_iterations=3,
        input_parameters={name: [TILES, LANES][k % 2] for k, name in enumerate(names)},
    )
    with fork("app.json", directory=tmp_path) as daemon:
        answers = partitioner(daemon, cost, set(names))
        assert_ended(daemon)
    assert len(answers) == 3 + 3 * batch
    assert_recorded(tmp_path / f"{application}_output_samples.csv", answers)


# ---- shine and elevate, in Scala


def shine(daemon, runtime: Callable[[Row], str | None]) -> tuple[list[Row], list[str]]:
    """Take the second word for a number unless a line is known; a failure is -1,False."""
    answers: list[Row] = []
    best: list[str] = []
    while True:
        line = read(daemon)
        if line == "End of HyperMapper":
            return answers, best
        if line == "Best point found:":
            best = [read(daemon) for _ in range(3)]
        elif "warning" not in line:
            count = to_int(line.split(" ")[1])
            header = [name.strip() for name in read(daemon).split(",")]
            text = ",".join(header) + ",runtime,Valid\n"
            for _ in range(count):
                cells = [cell.strip() for cell in read(daemon).split(",")]
                row = dict(zip(header, (str(to_int(cell)) for cell in cells), strict=True))
                time = runtime(row)
                row["runtime"], row["Valid"] = (time, "True") if time else ("-1", "False")
                text += ",".join(row.values()) + "\n"
                answers.append(row)
            daemon.say(text)


def test_shine_reads_the_best_block_and_reports_failures(
    fork, tmp_path, write_scenario
) -> None:
    def runtime(row: Row) -> str | None:
        tile, group = int(row["tuned_tile"]), int(row["tuned_ls0"])
        return str(100 / tile + group) if group % tile == 0 else None

    write_scenario(
        application_name="mm",
        optimization_objectives=["runtime"],
        feasible_output={**VALID, "true_value": "True", "false_value": "False"},
        log_transform_output=True,
        print_best=True,
        optimization_iterations=4,
        design_of_experiment={"doe_type": "random sampling", "number_of_samples": 6},
        input_parameters={
            "tuned_tile": {**TILES, "transform": "log"},
            "tuned_ls0": {"parameter_type": "integer", "values": [1, 64]},
        },
    )
    with fork("app.json", directory=tmp_path) as daemon:
        answers, (header, values, blank) = shine(daemon, runtime)
        assert_ended(daemon)
    assert len(answers) == 10
    assert_recorded(tmp_path / "mm_output_samples.csv", answers)
    assert (header, blank) == ("tuned_tile,tuned_ls0,runtime", "")
    *point, value = values.split(",")
    valid = [row for row in answers if row["Valid"] == "True"]
    best = min(valid, key=lambda row: float(row["runtime"]))
    assert point == [best["tuned_tile"], best["tuned_ls0"]]
    assert float(value) == float(best["runtime"]) > 0


def elevate(daemon, runtime: Callable[[int], str]) -> list[int]:
    """Read each row as one integer."""
    seen = []
    while (line := read(daemon)) != "End of HyperMapper":
        assert "Request" in line
        count = to_int(line.split(" ")[1])
        text = read(daemon) + ",runtime,Valid\n"
        for _ in range(count):
            seen.append(to_int(read(daemon)))
            text += f"{seen[-1]},{runtime(seen[-1])},True\n"
        daemon.say(text)
    return seen


def test_elevate_searches_one_integer_and_plots_its_regret(
    fork, tmp_path, write_scenario
) -> None:
    write_scenario(
        application_name="exploration",
        optimization_objectives=["runtime"],
        feasible_output={**VALID, "true_value": "True", "false_value": "False"},
        optimization_iterations=5,
        input_parameters={"i": {"parameter_type": "integer", "values": [0, 5]}},
    )
    with fork("app.json", directory=tmp_path) as daemon:
        seen = elevate(daemon, lambda i: str(float((i - 4) ** 2)))
        assert_ended(daemon)
    # Six configurations are six, though eight evaluations were granted.
    assert sorted(seen) == [0, 1, 2, 3, 4, 5]
    (tmp_path / "hm").mkdir()
    (tmp_path / "exploration_output_samples.csv").rename(tmp_path / "hm/1.csv")
    pytest.importorskip("matplotlib")
    options = ["-j", "app.json", "-i", "hm", "-oregret.pdf", "-log", "--y_label", "Log runtime"]
    with fork("hm-plot-optimization-results", *options, directory=tmp_path) as daemon:
        assert daemon.rest() == "regret.pdf\n"
        assert daemon.wait() == 0
    assert (tmp_path / "regret.pdf").read_bytes().startswith(b"%PDF-")


# ---- the C++ client as the TACO harness has it


def taco(daemon, names: set[str], cost: Callable[[Row], float]) -> list[Row]:
    """Read lines into 1,000 bytes; a value that begins with ( goes up to the )."""

    def fgets() -> str:
        line = daemon.stdout.readline(999)
        assert line.endswith(b"\n"), "the rest of the line would be read as the next one"
        return str(line.decode())

    answers: list[Row] = []
    while (line := fgets()) != "End of HyperMapper\n":
        count = int(re.match(r"\d+", line[line.index(" ") + 1 :])[0])
        header = fgets().rstrip("\n").split(",")
        assert set(header) == names, "an unknown name is fatal"
        rows = []
        for _ in range(count):
            rest, row = fgets(), {}
            for name in header:
                end = (
                    rest.index(")") + 1 if rest[0] == "(" else re.search("[,\n]", rest).start()
                )
                row[name], rest = rest[:end], rest[end + 1 :]
            assert rest == ""
            # std::to_string has six decimals; what came goes back as it came.
            rows.append({**row, "compute_time": f"{cost(row):.6f}", "Valid": "1"})
        daemon.say(
            "".join(f"{','.join(line)}\n" for line in [rows[0], *(r.values() for r in rows)])
        )
        answers += rows
    return answers


def test_taco_reads_permutations_up_to_the_bracket(fork, tmp_path, write_scenario) -> None:
    def cost(row: Row) -> float:
        order = [int(cell) for cell in row["permutation"].strip("()").split(",")]
        late = sum(abs(place - k) for k, place in enumerate(order))
        return late + abs(int(row["chunk_size"]) - 32) / 7 + int(row["unroll_factor"]) / 3

    parameters = {
        "chunk_size": {
            "parameter_type": "ordinal",
            "values": [2, 4, 8, 16, 32, 64],
            "parameter_default": 16,
            "transform": "log",
        },
        "permutation": {
            "parameter_type": "permutation",
            "values": [5],
            "parameter_default": [0, 1, 2, 3, 4],
            "parametrization": "spearman",
            "constraints": [
                "(permutation_i0 < permutation_i2) & (permutation_i1 < permutation_i3)"
            ],
        },
        "unroll_factor": {
            "parameter_type": "ordinal",
            "values": [2, 4, 8, 16, 32, 64],
            "parameter_default": 8,
            "constraints": ["unroll_factor < chunk_size"],
            "dependencies": ["chunk_size"],
        },
    }
    write_scenario(
        application_name="taco",
        optimization_objectives=["compute_time"],
        feasible_output={**VALID, "true_value": "1", "false_value": "0"},
        log_transform_output=True,
        optimization_iterations=4,
        design_of_experiment={"doe_type": "random sampling", "number_of_samples": 6},
        input_parameters=parameters,
    )
    with fork("app.json", directory=tmp_path) as daemon:
        answers = taco(daemon, set(parameters), cost)
        assert_ended(daemon)
    assert len({tuple(row.items()) for row in answers}) == len(answers) == 10
    assert answers[0]["permutation"] == "(0, 1, 2, 3, 4)"
    for row in answers:
        order = row["permutation"].strip("()").split(", ")
        assert order.index("0") < order.index("2")
        assert order.index("1") < order.index("3")
        assert int(row["unroll_factor"]) < int(row["chunk_size"])
    exact = [{**row, "compute_time": repr(float(row["compute_time"]))} for row in answers]
    assert_recorded(tmp_path / "taco_output_samples.csv", exact)
