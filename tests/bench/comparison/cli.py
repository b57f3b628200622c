"""The program: ``compare.py one | run | versions | environments | table | figure``."""

import argparse
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

from comparison import environments
from comparison.job import Job, Line, as_text, run
from comparison.peers import PEERS
from comparison.problem import Class, Problem
from comparison.runner import Grid, Plan, Runner, installed, remaining


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.verb(options))
    except environments.MissingEnvironmentError as error:
        sys.stderr.write(f"compare.py: {error}\n")
        return 2
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"compare.py: {error}\n{(error.stderr or b'').decode()}")
        return 2


def _one(options: argparse.Namespace) -> int:
    from comparison.problems import get

    job = Job(
        options.problem,
        options.peer,
        options.seed,
        options.pending,
        options.budget,
        options.label,
        dict(options.option),
    )
    problem = get(job.problem)
    status = 1
    try:
        run(job, problem, _printer(), options.follow)
        status = 0
    finally:
        # A peer may leave threads behind that would never let this process end.
        if status:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)


def _printer() -> Callable[[Line], None]:
    """Return what prints a line; whatever else is printed goes to stderr from now on."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def emit(line: Line) -> None:
        out.write(as_text(line))
        out.flush()

    return emit


def _run(options: argparse.Namespace) -> int:
    plan = Plan(
        options.results, options.environments, options.jobs, options.limit, options.retry
    )
    grid = Grid(
        _problems(options.problems),
        _peers(options.peers),
        options.seeds,
        options.pending,
        options.budget,
        options.label,
        dict(options.option),
    )
    versions = installed(grid.peers, plan.environments)
    problems = _available(grid.problems)
    jobs = [
        job
        for job in grid.jobs()
        if job.problem in problems and PEERS[job.peer].takes(problems[job.problem])
    ]
    left = remaining(jobs, versions, plan)
    sys.stderr.write(f"{len(jobs)} jobs, {len(left)} to run\n")
    missing = Runner(plan).run(left)
    if missing:
        sys.stderr.write(f"{missing} jobs could not begin\n")
    return int(missing > 0)


def _available(names: Iterable[str]) -> dict[str, Problem]:
    """Return the problems by name; say which of them cannot be had here."""
    found = {name: _problem(name) for name in names}
    return {name: problem for name, problem in found.items() if problem}


def _problem(name: str) -> Problem | None:
    from comparison.problems import get

    try:
        return get(name)
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{name} is left out: {error}\n")
        return None


def _versions(options: argparse.Namespace) -> int:
    sys.stdout.write(json.dumps(PEERS[options.peer].versions) + "\n")
    return 0


def _environments(options: argparse.Namespace) -> int:
    needed = {PEERS[peer].environment for peer in _peers(options.peers)}
    environments.make(options.directory, sorted(needed - {""}))
    return 0


def _table(options: argparse.Namespace) -> int:
    from comparison.results import load
    from comparison.table import table

    results = load(options.files, options.pending)
    sys.stdout.write(table(results, options.at, options.ours))
    return 0


def _figure(options: argparse.Namespace) -> int:
    from comparison.figure import figure
    from comparison.results import load

    figure(load(options.files, options.pending), options.output)
    return 0


def _peers(text: str) -> list[str]:
    """Return the peers named, separated by commas, or all."""
    names = list(PEERS) if text == "all" else text.split(",")
    for name in names:
        if name not in PEERS:
            raise SystemExit(f"compare.py: no peer {name!r}; there are {', '.join(PEERS)}")
    return names


def _problems(text: str) -> list[str]:
    """Return the problems named: names and classes separated by commas, or the suite."""
    from comparison.problems import PROBLEMS, SUITE

    found: list[str] = []
    for word in text.split(","):
        named = list(SUITE) if word == "SUITE" else [word] if word in PROBLEMS else _kind(word)
        found.extend(named)
    return list(dict.fromkeys(found))


def _kind(word: str) -> list[str]:
    """Return the problems of the suite that are of the class `word`."""
    from comparison.problems import SUITE

    if word not in get_args(Class):
        raise SystemExit(f"compare.py: no problem or class {word!r}")
    return [name for name, problem in _available(SUITE).items() if problem.kind == word]


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def _seeds(text: str) -> range:
    """Return the seeds: ``10`` are 0 to 9, ``10:20`` are 10 to 19."""
    first, colon, after = text.partition(":")
    return range(int(first), int(after)) if colon else range(int(first))


def _option(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, json.loads(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="compare.py", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _add_one(verbs.add_parser("one", help="run one job here and print its line"))
    _add_run(verbs.add_parser("run", help="run what is not yet in the results"))
    _add_reading(verbs)
    versions = verbs.add_parser("versions", help="print a peer's versions as installed here")
    versions.add_argument("peer", choices=PEERS)
    versions.set_defaults(verb=_versions)
    made = verbs.add_parser("environments", help="make the peers' virtual environments")
    made.add_argument("directory", type=Path)
    made.add_argument("peers", nargs="?", default="all")
    made.set_defaults(verb=_environments)
    return parser


def _add_variant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--label", default="", help="hmserve is called hmserve@LABEL")
    parser.add_argument(
        "--option",
        type=_option,
        action="append",
        default=[],
        metavar="KEY=JSON",
        help="an entry of hmserve's scenario; needs a label",
    )
    parser.add_argument("--budget", type=int, default=100, help="evaluations")


def _add_one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--problem", required=True)
    parser.add_argument("--peer", required=True, choices=PEERS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pending", type=int, default=1)
    parser.add_argument("--follow", action="store_true", help="a line after every evaluation")
    _add_variant(parser)
    parser.set_defaults(verb=_one)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--peers", default="all")
    parser.add_argument("--problems", default="SUITE", help="names and classes, or SUITE")
    parser.add_argument("--seeds", type=_seeds, default=range(10), help="N, or FIRST:AFTER")
    parser.add_argument("--pending", type=_numbers, default=[1])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--environments", type=Path, default=environments.DEFAULT)
    parser.add_argument("--limit", type=float, default=3600.0, help="wall seconds of a job")
    parser.add_argument("--retry", action="store_true", help="run again what ended in an error")
    _add_variant(parser)
    parser.set_defaults(verb=_run)


def _add_reading(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    shown = verbs.add_parser("table", help="print the results as markdown")
    shown.add_argument("--at", type=_numbers, default=[25, 50, 100, 200])
    shown.add_argument(
        "--ours", default="hmserve", help="the peer the others are tested against"
    )
    drawn = verbs.add_parser("figure", help="draw the results")
    drawn.add_argument("-o", "--output", type=Path, required=True)
    for parser, verb in ((shown, _table), (drawn, _figure)):
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--pending", type=int, default=1)
        parser.set_defaults(verb=verb)
