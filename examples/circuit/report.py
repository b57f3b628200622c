"""What was gained over the hand design: python3 report.py SAMPLES.CSV JOURNAL"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

SCENARIO = json.loads((Path(__file__).parent / "opamp.json").read_text())
OUTPUTS = ["power", "gbw", "gain", "pm", "slew"]
WORDS = {
    "exit": "did not converge",
    "unparsable": "have a measurement that fails",
    "infeasible": "miss a specification",
    "": "meet them all",
}

Row = Mapping[str, str]
Numbers = Mapping[str, float]


def numbers(rows: Iterable[Row]) -> list[dict[str, float]]:
    """Return the results that are there, without those that failed."""
    return [{name: float(row[name]) for name in row} for row in rows if row["power"]]


def hand_design(rows: Iterable[Numbers]) -> Numbers:
    """Return the default configuration, which begins first but need not end first."""
    default = {n: p["parameter_default"] for n, p in SCENARIO["input_parameters"].items()}
    return next(row for row in rows if default.items() <= row.items())


def meets(row: Numbers) -> bool:
    """Whether a result has what the scenario demands."""
    limits = SCENARIO["output_constraints"]
    return all(row[name] >= low for name, (low, _) in limits.items())


def cheapest(rows: Iterable[Numbers], hand: Numbers) -> Numbers:
    """Return the least power among results that are at least as fast as the hand design."""
    return min((r for r in rows if meets(r) and r["gbw"] >= hand["gbw"]), key=power)


def fastest(rows: Iterable[Numbers], hand: Numbers) -> Numbers:
    """Return the widest band among results that take no more power than the hand design."""
    return max((r for r in rows if meets(r) and r["power"] <= hand["power"]), key=band)


def power(row: Numbers) -> float:
    return row["power"]


def band(row: Numbers) -> float:
    return row["gbw"]


def outcomes(journal: Path) -> Counter[str]:
    """Count how the evaluations of a run ended, by the word in the journal."""
    with journal.open() as lines:
        events = [json.loads(line) for line in lines]
    told = [each for event in events for each in event.get("evaluations", [])]
    return Counter(each["details"].get("failure", "") for each in told)


def line(name: str, row: Numbers) -> str:
    return f"{name:30}" + "".join(f"{row[output]:9.1f}" for output in OUTPUTS)


def main() -> None:
    with open(sys.argv[1], newline="") as file:
        rows = numbers(csv.DictReader(file))
    ended = outcomes(Path(sys.argv[2]))
    hand = hand_design(rows)
    saved, faster = cheapest(rows, hand), fastest(rows, hand)
    print(f"{sum(ended.values())} circuits:", end=" ")
    print(", ".join(f"{ended[key]} {word}" for key, word in WORDS.items()))
    print()
    print(f"{'':30}" + "".join(f"{output:>9}" for output in OUTPUTS))
    print(f"{'':30}       uW      MHz       dB  degrees     V/us")
    print(line("hand design", hand))
    print(line("least power, no slower", saved))
    print(line("widest band, no more power", faster))
    print()
    print(f"power {saved['power'] / hand['power'] - 1:+.0%}, ", end="")
    print(f"or band {faster['gbw'] / hand['gbw'] - 1:+.0%}")
    for name, row in (("least power", saved), ("widest band", faster)):
        values = " ".join(f"{p}={row[p]:.3g}" for p in SCENARIO["input_parameters"])
        print(f"{name}: sh simulate.sh {values}")


if __name__ == "__main__":
    main()
