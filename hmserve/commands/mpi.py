"""Runs that the ranks of an MPI job make together, each with a command of its own."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from hmserve.commands.terminal import complain, own_variables, show

if TYPE_CHECKING:
    from hmserve.progress import Shown
    from hmserve.ranks.union import Union
    from hmserve.scenario import Scenario
    from hmserve.serving.ranks import Job

_STATUSES = {"interrupted": 130, "terminated": 143}


def over_ranks(load: "Callable[[], Scenario]", options: Namespace) -> int:
    """Run a scenario as one rank of a job; rank 0 tells the best at the end.

    Args:
        load: Reads the scenario; it has an evaluator.
        options: Those of the command line: whether to resume, whether to show progress.
    """
    from hmserve.ranks.network import Network, world

    network = Network(world())
    from hmserve.serving.ranks import Job, ending_all

    with ending_all(network, complain):
        scenario = load()
        with Job(scenario, network, resume=options.resume) as job:
            reason = _evaluate(job, options)
            job.conclude()
            if network.rank == 0:
                show(_conclusion(job))
    status = _STATUSES.get(reason, 0)
    if status:
        complain(f"{reason}; all that was measured is on disk, --resume goes on")
        # Another rank may not have heard of it, and would wait.
        network.abort(status)
    elif network.rank == 0:
        from hmserve.commands.run import refuse_nothing

        union = job.union
        measured, feasible = union.told - union.failed, bool(union.leading)
        refuse_nothing(union.told, measured, feasible, job.log.path)
    return status


def _evaluate(job: "Job", options: Namespace) -> str:
    """Drive `job` with the command of its scenario; return why it ended."""
    from hmserve.serve import codec_of
    from hmserve.serving.command import FirstTold, check_command
    from hmserve.serving.ranks import environment_of
    from hmserve.workers.crew import CommandWorkers

    scenario, network = job.scenario, job.network
    assert scenario.evaluator is not None
    check_command(scenario)
    given = {name: value for name, value in os.environ.items() if name not in own_variables}
    environment = environment_of(given, network)
    options_of, post = scenario.evaluator, job.post_of(scenario.evaluator.workers)
    tell = FirstTold(job.log, complain) if network.rank == 0 else job.log.say
    with CommandWorkers(
        scenario, options_of, codec_of(scenario), tell, environment, post
    ) as crew:
        shown = _shown(job, options)
        reason = job.drive(crew, shown or _unheard)
        crew.finish()
    if shown:
        shown.finish(job.union)
    return reason


def _shown(job: "Job", options: Namespace) -> "Shown[Union] | None":
    """Return what shows progress: on rank 0, if anyone wants to see it."""
    seen = options.verbose or (sys.stderr is not None and sys.stderr.isatty())
    if job.network.rank or not seen:
        return None
    from hmserve.progress import Shown

    return Shown(sys.stderr, job.line)


def _unheard(union: "Union") -> None:
    """Take no notice."""


def _conclusion(job: "Job") -> str:
    """Return what rank 0 prints at the end."""
    from hmserve.report import tables

    scenario = job.scenario
    if scenario.print_best is False:
        return ""
    several = len(scenario.objectives) > 1
    best = tables.front_csv if several else tables.best_csv
    return best(job.union.leading, scenario).replace("\r\n", "\n")
