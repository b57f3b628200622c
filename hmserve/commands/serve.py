"""The verb that needs no name: serve a client, or a table, until the run is over."""

import os
import sys
from argparse import Namespace
from typing import BinaryIO

from hmserve.commands.terminal import complain, parser_of, scenario_at, writing
from hmserve.errors import UsageError
from hmserve.version import __version__

_HELP = """\
hmserve finds the settings that make your program best.

  hmserve --config app.json     serve a client: requests on stdout, results on stdin
  hmserve run app.json -- ./app start a client, or several side by side, and print the best
  hmserve check app.json        validate a scenario and describe its space; runs nothing
  hmserve best app.json         the best point of a run, as CSV
  hmserve pareto app.json       the Pareto front of a run, as CSV; also into its file
  hmserve plot app.json         a run on one page: convergence, front, parameters
  hmserve init                  write a scenario and a worker to begin with, in any language
  hmserve quickstart            watch a real program being tuned, in under a minute

HyperMapper's tools, with its options and file names; hmserve VERB --help tells more:

  hmserve compute-pareto, plot-pareto, plot-hvi, plot-optimization-results
  hmserve hypermapper-home DIR  make DIR a HYPERMAPPER_HOME for programs that start it there

A scenario file says what may vary and what counts:

  {"application_name": "app",
   "optimization_objectives": ["seconds"],
   "input_parameters": {
     "tile": {"parameter_type": "ordinal", "values": [8, 16, 32, 64]},
     "unroll": {"parameter_type": "integer", "values": [1, 8]}}}

hmserve writes "Request N", a header and N rows of CSV; you write a header and N rows with the
objectives added; and so on until "End of HyperMapper". Every result is on disk before the next
request leaves. After a crash, start it again with --resume.
"""

_EPILOG = """\
exit status: 0 done, 1 a defect of hmserve, 2 scenario or command line unusable, 3 the client
broke the protocol, 4 a file cannot be written, 5 what hmserve starts itself cannot be started
or failed too often, 130 and 143 interrupted; all that was acknowledged is on disk.
"""


def serve(arguments: list[str]) -> int:
    """Serve the scenario that `arguments` name; return the exit status."""
    if any(argument.partition("=")[0] in ("--exec", "--mpi") for argument in arguments):
        from hmserve.commands.run import run

        return run(arguments)
    parser = parser_of("", _HELP, _EPILOG)
    parser.add_argument("scenario", nargs="?", help="the scenario file")
    parser.add_argument("--config", metavar="FILE", help="the scenario file, HyperMapper's way")
    parser.add_argument("--resume", action="store_true", help="go on with an earlier run")
    parser.add_argument(
        "--protocol",
        choices=["classic", "ask-tell"],
        help="what the client speaks, if not what the scenario says",
    )
    parser.add_argument("--verbose", action="store_true", help="progress on stderr")
    parser.add_argument("--version", action="version", version=f"hmserve {__version__}")
    options = parser.parse_args(arguments)
    if (options.scenario is None) == (options.config is None):
        raise UsageError(
            "expected one scenario file, for example: hmserve --config app.json\n"
            "hmserve --help tells more; hmserve quickstart shows it at work"
        )
    path = scenario_at(options.config or options.scenario)
    return _run(path, options)


def _run(path: str, options: Namespace) -> int:
    """Serve the scenario at `path` on standard input and output, or from its table."""
    from hmserve.transports.stdio import claim_stdout

    # Before anything else runs: nothing but the protocol may reach the real stdout.
    reader, writer = claim_stdout()
    from hmserve import serve
    from hmserve.progress import Progress
    from hmserve.report import tables
    from hmserve.scenario import Scenario

    scenario = Scenario.load(path)
    if scenario.evaluator is not None and scenario.mode != "exhaustive":
        from hmserve.commands.run import evaluate

        return evaluate(scenario, options, lambda text: _write(writer, text))
    verbs = (options.protocol or scenario.protocol) == "ask-tell"
    if verbs:
        from hmserve.serving.verbs import check_verbs, over_verbs

        check_verbs(scenario)
    table = scenario.mode == "exhaustive"
    # Many clients never read our stderr, so in their company we are silent.
    progress = (
        Progress(sys.stderr) if options.verbose or (table and sys.stderr.isatty()) else None
    )
    if not table and os.isatty(reader.fileno()):
        complain("waiting for results on standard input; hmserve quickstart shows how")
    with serve.open_run(scenario, options.resume) as run:
        heard = progress or (lambda _: None)
        if table:
            serve.from_table(run, heard)
            text = serve.codec_of(scenario).expected(run.expected)
            if scenario.print_best is not False:
                text += tables.best_block(run.rows, scenario)
            _write(writer, f"{text}End of HyperMapper\n")
        elif verbs:
            over_verbs(run, reader, writer, heard)
        else:
            serve.over_pipe(run, reader, writer, heard)
        if progress:
            progress.finish(run)
    return 0


def _write(writer: BinaryIO, text: str) -> None:
    with writing():
        writer.write(text.encode())
