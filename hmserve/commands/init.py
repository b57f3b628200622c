"""The verb that writes a scenario, and a worker to begin with."""

import argparse
import contextlib
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from hmserve.commands.terminal import complain, parser_of, show
from hmserve.errors import UsageError

if TYPE_CHECKING:
    from hmserve.scaffold.plan import Plan
    from hmserve.scaffold.wishes import Wishes

_DESCRIPTION = """\
Write a scenario with comments, and how its evaluations are made: a worker to be filled in, in
your language, or the command of a program. Then print the command that runs it. Without a
parameter, and at a terminal, it asks for what it needs.

parameters, any number of them:
  unroll=1:8              integer, both ends included
  alpha=0.5:2.0           real: one end at least is written with a point or an exponent
  rate=1e-5:1:log         on a logarithmic scale; integers and lists of numbers have :log, too
  tile=8,16,32,64         ordinal: these numbers
  order=ijk,ikj,kij       categorical: these labels, without order; level=-O1,-O2; fast=on,off
  loops=permutation:4     every order of 0, 1, 2, 3
  tile=8,16,32,64@16      any of them with the value to try first, such as the program's own;
                          give all of them one, else the others' are drawn

Names have letters, digits, _ and -. Quote what your shell would take for itself.
"""

_EPILOG = """\
examples:

  1. A worker in C. It computes something for show, so that this runs at once. Put your program
     into its function measure, which is given the values and answers what it measured:

       hmserve init tile=8,16,32,64@16 unroll=1:8 order=ijk,ikj,kij --objective seconds \\
           --language c --name matmul
       cc -O2 matmul_worker.c -o matmul_worker -lm && hmserve run matmul.json

  2. A program that takes its settings as arguments. The last line it prints is read: the
     objectives, with commas between them (then Valid, with --feasible), or JSON by their names.
     Pipes and redirections work: bash -e -o pipefail runs them, values pasted in as they are,
     and ends when a program fails. {{ is a brace, {here} where hmserve run was started. An
     option whose parameter does not count is left out, but nothing of what bash runs:

       hmserve init level=1:19 window=10:27 --objective bytes --name zstd \\
           --command "zstd -{level} --zstd=wlog={window} -c data | wc -c"
       hmserve run zstd.json

     The output has more than that: say where, with one group ( ) each. Or measure the time:

       hmserve init n=1:64 --objective seconds --command "./sim --n {n}" \\
           --output "seconds=elapsed: ([0-9.]+)"
       hmserve init n=1:64 --objective seconds \\
           --command "bash -c 'TIMEFORMAT=%R; time ./sim --n {n} >log 2>&1' 2>&1"

  3. The parameters of another tool, with one more and one changed:

       hmserve init --from space.json --form kernel-tuner vector=1,2,4,8 --language python

  Two objectives give a Pareto front; conditions and constraints keep out what makes no sense:

       hmserve init solver=cg,gmres restart=5:50 block=8,16,32 --objective seconds \\
           --maximize accuracy --condition "restart: solver=gmres" \\
           --constraint "solver != 'cg' or block <= 16" --language python

next:
  hmserve check app.json    what the scenario says, before anything runs
  hmserve run app.json      runs it and prints the best; --resume goes on after an interruption;
                            without it the run begins anew, and the earlier one is kept
  hmserve best app.json     the best so far; pareto with several objectives; plot for a picture

A failed evaluation is nan in place of the objective; a command that fails needs not print it.
Exit status: 0 written; 2 something is wrong with the words, 130 interrupted: nothing was
written; 4 a file cannot be written.
"""


def init(arguments: list[str]) -> int:
    """Write the files that `arguments`, or a dialogue, describe; print what is next."""
    options = _parser().parse_intermixed_args(arguments)
    from hmserve.scaffold.files import keep_source, next_steps, refuse_taken, texts, write
    from hmserve.scaffold.plan import checked
    from hmserve.scaffold.wishes import Wishes, plan_of

    wishes = Wishes(**{field.name: getattr(options, field.name) for field in fields(Wishes)})

    def check_vacant(names: Sequence[str]) -> None:
        if not options.force:
            refuse_taken(names, options.directory)

    try:
        if not wishes.parameters and wishes.source is None:
            wishes = _asked(wishes, check_vacant)
        plan = plan_of(wishes)
        scenario = checked(plan)
        files = texts(plan, options.plain)
        check_vacant(list(files))
        keep_source(files, options.directory, wishes.source)
        write(files, options.directory)
    except KeyboardInterrupt:
        complain("stopped; nothing was written")
        return 130
    for note in (*plan.notes, *scenario.warnings, *_hints(plan)):
        complain(note)
    show(next_steps(plan, options.directory, _program()))
    return 0


def _program() -> str:
    """Return how this program is called from a shell."""
    return "hmserve" if shutil.which("hmserve") else f"{shlex.quote(sys.executable)} -m hmserve"


def _asked(wishes: "Wishes", check_vacant: Callable[[Sequence[str]], None]) -> "Wishes":
    """Return `wishes` with what somebody at the terminal answers."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "expected parameters, for example:\n"
            "  hmserve init tile=8,16,32 unroll=1:8 --objective seconds --language c\n"
            "hmserve init --help tells more; at a terminal hmserve init asks for them"
        )
    from hmserve.scaffold.dialogue import converse

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - input() then lets one edit the line
    try:
        return converse(wishes, input, show, check_vacant)
    except EOFError:
        show("\n")
        raise UsageError("no answer; nothing was written") from None


def _hints(plan: "Plan") -> list[str]:
    """Return what may not be as the user thinks."""
    from hmserve.scaffold.plan import left_out
    from hmserve.scaffold.wishes import missing_program

    if plan.stub is not None:
        missing = missing_program(plan.stub.language)
        return [f"{missing} is not on the PATH of this machine"] if missing else []
    forgotten = left_out(plan.command, list(plan.parameters))
    words = ", ".join(f"{{{name}}}" for name in forgotten)
    return [f"the command does not depend on {words}"] if forgotten else []


def _parser() -> argparse.ArgumentParser:
    parser = parser_of("init", _DESCRIPTION, _EPILOG)
    parser.usage = "hmserve init [options] PARAMETER ..."
    add = parser.add_argument
    add("parameters", nargs="*", metavar="PARAMETER", help="name=low:high or name=a,b,c: above")
    add("--name", metavar="NAME", help="of the application, as in NAME.json; default: app")
    objective = _objectives_of(parser)
    objective(
        "--objective",
        more=False,
        text="a column to be minimised; again for more; default: cost",
    )
    objective("--maximize", more=True, text="a column to be maximised")
    add("--language", metavar="LANGUAGE", help=f"of the worker: {_LANGUAGES}; default: python")
    add("--command", metavar="COMMAND", help="runs once an evaluation; {tile} is tile's value")
    add(
        "--output",
        metavar="NAME=REGEX",
        action="append",
        default=[],
        help="where NAME is in what the command prints",
    )
    add(
        "--from", dest="source", metavar="FILE", help="take parameters from another tool's file"
    )
    add("--form", metavar="TOOL", help="which: kernel-tuner, irace, configspace or optuna")
    add("--study", metavar="NAME", help="which study of an Optuna file; default: the last")
    for option, metavar, text in (
        ("--condition", "'CHILD: PARENT=A,B'", "CHILD counts only while PARENT is A or B"),
        ("--constraint", "EXPRESSION", "holds in every configuration, such as 'a * b <= 64'"),
    ):
        add(
            option,
            dest=f"{option[2:]}s",
            metavar=metavar,
            action="append",
            default=[],
            help=text,
        )
    add("--feasible", action="store_true", help="a last column Valid, true or false")
    add("--evaluations", type=int, metavar="N", help="in all; default: 60")
    add("--workers", type=int, metavar="N", help="how many side by side; default: 1")
    add(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="an evaluation may take; default: no limit",
    )
    add("--seed", type=int, metavar="N", help="makes the run repeatable")
    add("--directory", default=".", metavar="DIR", help="where the files go; default: here")
    add("--plain", action="store_true", help="no comments: JSON for other readers, too")
    add("--force", action="store_true", help="replace files that are there")
    return parser


_LANGUAGES = (
    "awk, bash, c, cpp, fortran, go, java, javascript, julia, lua, octave, perl, python, r, "
    "ruby, rust, tcl"
)


def _objectives_of(parser: argparse.ArgumentParser) -> Callable[..., None]:
    """Return what adds an option for objectives, which keep the order of the words."""

    def add(option: str, more: bool, text: str) -> None:
        parser.add_argument(
            option,
            dest="objectives",
            metavar="NAME",
            action="append",
            default=[],
            type=lambda name: (name, more),
            help=text,
        )

    return add
