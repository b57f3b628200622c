"""Simulate many ranks: ``cd tests/bench; python -m ranks table | check | figure -o FILE``."""

import argparse
import sys
from pathlib import Path

from ranks import report
from ranks.model import Costs


def main() -> int:
    """Print a table, or draw the figure."""
    parser = argparse.ArgumentParser(prog="python -m ranks", description=__doc__)
    parser.add_argument("verb", choices=("table", "check", "figure"))
    parser.add_argument("--costs", type=Path, default=Path(__file__).parent / "costs.json")
    parser.add_argument("-o", "--output", type=Path, default=Path("ranks.svg"))
    options = parser.parse_args()
    costs = Costs.load(options.costs)
    if options.verb == "figure":
        report.figure(costs, options.output)
        return 0
    lines = report.table(costs) if options.verb == "table" else report.check(costs)
    for line in lines:
        print(line, flush=True)
    return 0


sys.exit(main())
