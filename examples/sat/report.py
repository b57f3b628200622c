"""What was gained, on the formulas that were tuned for and on others: report.py BEST.CSV"""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evaluate import Solved, solve_all, total_work

SCENARIO = Path("sat.json")
SETS = {"tuned for": Path("results/train"), "others": Path("results/test")}


def option(name: str, value: str) -> str:
    """Return an option of CaDiCaL; the labels of `mode` are options themselves."""
    return value if value.startswith("--") else f"--{name}={value}"


def changed(row: Mapping[str, str]) -> list[str]:
    """Return the options of a configuration that are active and not CaDiCaL's defaults."""
    parameters = json.loads(SCENARIO.read_text())["input_parameters"]
    return [
        option(name, row[name])
        for name, parameter in parameters.items()
        if row[name] not in ("", str(parameter["parameter_default"]))
    ]


def line(name: str, default: Sequence[Solved], tuned: Sequence[Solved]) -> str:
    """Return a row of the table."""
    before, after = total_work(default), total_work(tuned)
    seconds = [sum(each.seconds for each in solved) for solved in (default, tuned)]
    open_ = [sum(not each.answer for each in solved) for solved in (default, tuned)]
    return (
        f"{name:10}{len(default):9}{before:9.0f}{after:9.0f}{1 - after / before:7.0%}"
        f"{seconds[0]:10.2f}{seconds[1]:7.2f}{open_[0]:10}{open_[1]:4}"
    )


def main() -> None:
    with open(sys.argv[1], newline="") as file:
        row = next(csv.DictReader(file))
    options = changed(row)
    # One thread for each core that is tuned with; the work is done by CaDiCaL.
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(solve_all, folder, chosen)
            for folder in SETS.values()
            for chosen in ([], options)
        ]
    found = [run.result() for run in runs]
    print("Best options: cadical", " ".join(options))
    print()
    print("                               work, ms         CPU seconds    unsolved")
    print("          formulas  default    best   gain   default   best   default best")
    for i, name in enumerate(SETS):
        print(line(name, found[2 * i], found[2 * i + 1]))


if __name__ == "__main__":
    main()
