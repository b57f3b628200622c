"""What a warden does with its orders, by kind of evaluator.

An order is a dict: `do`, its number; `command`, `directory`, `environment` and `stderr` of a
program that runs once, or `text`, which a client is told. A report has the number as `done`;
one that comes before has it as `stands`, with the `fidelity` and the `objective` so far.
"""

import time

from hmserve.workers.program import Program
from hmserve.workers.reports import Reports
from hmserve.workers.tail import StderrFile, Tail
from hmserve.workers.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hmserve.workers.program import Sink

    Message = dict[str, Any]

NEVER = float("inf")


class Duty:
    """Does orders one after the other, each as soon as it can.

    Args:
        settings: The first message of hmserve.
        report: Takes messages to it.
    """

    def __init__(self, settings: "Message", report: "Callable[[Message], None]") -> None:
        self.program: Program | None = None
        self._settings = settings
        self._report = report
        self._orders: list[Message] = []
        self._order: Message | None = None
        self._failure: str | None = None
        self._leaving = False
        self._started = 0.0
        self._deadline = NEVER
        self._not_before = 0.0

    @property
    def over(self) -> bool:
        """Whether nothing is left to do, and nobody."""
        return self._leaving and self.program is None

    @property
    def wake_at(self) -> float:
        """When `advance` has something to do, if nothing happens before."""
        if self.program is not None:
            return min(self.program.wake_at, self._deadline)
        return self._not_before if self._orders else NEVER

    def add(self, order: "Message") -> None:
        """Take an order on."""
        self._orders.append(order)

    def undo(self, number: int) -> None:
        """Forget an order, and say so, unless it has begun."""
        kept = [order for order in self._orders if order["do"] != number]
        if len(kept) < len(self._orders):
            self._orders = kept
            self._report({"undone": number})

    def restart(self, life: int) -> None:
        """End the client that talked nonsense in its `life`."""

    def stop(self, number: int) -> None:
        """End the program of an order early, if it still runs."""

    def finish(self) -> None:
        """Take no more orders, and come to an end properly."""
        self.abandon()

    def abandon(self) -> None:
        """End everything now."""
        self._leaving = True
        self._orders = []
        if self.program is not None:
            self.program.end()

    def advance(self) -> None:
        """Do all that can be done now."""
        while True:
            program = self.program
            if program is None:
                if not self._begin():
                    return
                continue
            program.tick()
            if not program.over:
                self._watch(program)
            if not program.over:
                return
            self.program = None
            self._settle(program)

    def _begin(self) -> bool:
        """Start a program if there is one to start; return whether anything has changed."""
        raise NotImplementedError

    def _watch(self, program: Program) -> None:
        """Look after a program that is not over."""
        raise NotImplementedError

    def _settle(self, program: Program) -> None:
        """Report what came of a program that is over."""
        raise NotImplementedError

    def _start(self, order: "Message", command: "list[str]", sink: "Sink") -> bool:
        """Start a program for `order`; if that fails, report it and return False."""
        self._started, self._failure = time.time(), None
        environment = {**self._settings["environment"], **order["environment"]}
        title = f"---- trial {order['trial']}\n"
        errors = StderrFile(order["stderr"], order["fresh"], "" if order["fresh"] else title)
        try:
            tree = Tree(command, order["directory"], environment, self._talks)
        except OSError as error:
            self._report(
                {
                    "done": order["do"],
                    "failure": "start",
                    "errno": error.errno,
                    "error": error.strerror or str(error),
                    "started": self._started,
                    "finished": time.time(),
                }
            )
            return False
        self.program = Program(tree, sink, errors, self._settings["memory_limit"])
        return True

    @property
    def _talks(self) -> bool:
        return False

    def _set_deadline(self) -> None:
        limit = self._settings["timeout"]
        self._deadline = NEVER if limit is None else time.monotonic() + limit

    def _enforce_limits(self, program: Program) -> None:
        if program.ending:
            self._deadline = NEVER
        elif program.too_large:
            self._failure = "memory"
            program.end()
        elif time.monotonic() >= self._deadline:
            self._failure = "closed" if program.silent and self._talks else "timeout"
            program.end()

    def _answer(self, program: Program, **output: "Any") -> None:
        """Report what came of the order."""
        assert self._order is not None
        self._report(
            {
                "done": self._order["do"],
                "failure": self._failure,
                "status": program.status,
                "started": self._started,
                "finished": program.finished or time.time(),
                "stderr": program.errors.tail,
                **output,
            }
        )
        self._order = None


class Once(Duty):
    """Runs a program anew for each order; it has an empty standard input."""

    def stop(self, number: int) -> None:
        program = self.program
        if self._order is None or self._order["do"] != number or program is None:
            return
        if not program.ending and program.status is None:
            self._failure = "stopped"
            program.end()

    def _begin(self) -> bool:
        if self._leaving or not self._orders:
            return False
        order = self._orders.pop(0)
        if self._start(order, order["command"], self._sink(order["do"])):
            self._order = order
            self._set_deadline()
        return True

    def _sink(self, number: int) -> "Tail | Reports":
        tail = Tail(self._settings["patterns"])
        if self._settings["reports"] is None:
            return tail

        def tell(fidelity: float, objective: float) -> None:
            if self._settings["reports"]:
                said = {"stands": number, "fidelity": fidelity, "objective": objective}
                self._report(said)

        return Reports(tail, tell)

    def _watch(self, program: Program) -> None:
        self._enforce_limits(program)
        if program.status is not None:
            # Whoever it has left behind has no time limit to wait for.
            program.end()

    def _settle(self, program: Program) -> None:
        sink = program.sink
        assert isinstance(sink, Tail | Reports)
        sink.finish()
        tail = sink if isinstance(sink, Tail) else sink.tail
        self._answer(program, output=tail.data, cut=tail.cut, found=tail.found)
