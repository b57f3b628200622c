"""Verbs that look at a scenario or a run and print: check, best, pareto, quickstart."""

from hmserve.commands.terminal import parser_of, scenario_at, show
from hmserve.errors import UsageError

_RUN = "the scenario file, or the journal of the run"


def check(arguments: list[str]) -> int:
    """Validate a scenario and describe its space."""
    parser = parser_of("check", "Validate a scenario and describe its space. Runs nothing.")
    parser.add_argument("scenario", help="the scenario file")
    options = parser.parse_args(arguments)
    from hmserve.report.check import describe
    from hmserve.scenario import Scenario

    scenario = Scenario.load(scenario_at(options.scenario))
    if scenario.protocol == "ask-tell":
        from hmserve.serving.verbs import check_verbs

        check_verbs(scenario)
    if scenario.evaluator is not None:
        from hmserve.serving.command import check_command

        check_command(scenario)
    show(describe(scenario))
    return 0


def best(arguments: list[str]) -> int:
    """Print the best point of a run."""
    from hmserve.report import tables
    from hmserve.report.lookback import look_back

    parser = parser_of("best", "Print the best point of a run as CSV.")
    parser.add_argument("run", help=_RUN)
    options = parser.parse_args(arguments)
    scenario, ledger = look_back(scenario_at(options.run))
    if len(scenario.objectives) > 1:
        raise UsageError("several objectives have no single best point; try: hmserve pareto")
    show(tables.best_csv(ledger.rows, scenario).replace("\r\n", "\n"))
    return 0


def pareto(arguments: list[str]) -> int:
    """Print the Pareto front of a run, and write it into its file."""
    from hmserve.report import tables
    from hmserve.report.lookback import look_back

    parser = parser_of("pareto", "Print the Pareto front of a run as CSV; also into its file.")
    parser.add_argument("run", help=_RUN)
    options = parser.parse_args(arguments)
    scenario, ledger = look_back(scenario_at(options.run))
    tables.write_front(ledger.rows, scenario)
    show(tables.front_csv(ledger.rows, scenario).replace("\r\n", "\n"))
    return 0


def quickstart(arguments: list[str]) -> int:
    """Tune a real program before the eyes of the user."""
    parser = parser_of("quickstart", "Watch a real program being tuned through a pipe.")
    parser.parse_args(arguments)
    from hmserve.quickstart.tour import run

    return run(lambda line: show(f"{line}\n"))
