"""A client of hmserve in one file: Python 3.8 or later, standard library only.

    from hmserve_client import minimise

    best = minimise("app.json", ["Seconds"], lambda trial: run(trial["threads"], trial["tile"]))

Or own the loop, in either dialect:

    with Hmserve("app.json", ["Seconds", "Valid"], ask_tell=True) as hmserve:
        while (trials := hmserve.ask(4)) is not None:
            ...                      # empty: nothing to hand out before something is told
            hmserve.tell(trial, (0.25, True))
        print(hmserve.best())
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading

__all__ = ["Hmserve", "HmserveError", "Refused", "Trial", "minimise"]

_CELL = re.compile(r"(\([\d, ]*\)|[^,]*),")  # the commas of a permutation part no values
_INTEGER = re.compile(r"-?\d+")
_REAL = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)?")
_PERMUTATION = re.compile(r"\([\d, ]*\)")


class HmserveError(Exception):
    """hmserve could not be started, ended early, or said what cannot be understood."""


class Refused(HmserveError):  # noqa: N818 it is nobody's fault
    """hmserve did not take a row (ask-tell); nothing has changed, the run goes on."""


class Trial(dict):
    """Values by name: int, float, str, a tuple for a permutation, None for what is inactive.

    The fidelity, if the scenario has one, is a value too, and in ask-tell the number of the
    trial is `trial["trial"]`. `row` has the texts of hmserve by name.
    """

    def __init__(self, values, row):
        super().__init__(values)
        self.row = row


class Hmserve:
    """hmserve as a child process.

    Args:
        scenario: Path of the scenario file.
        outputs: Names of the columns you answer: objectives, measured constraints, feasibility,
            and the fidelity if you tell how far an evaluation went.
        ask_tell: Whether to speak ask-tell, where results come one by one and in any order.
        program: Path of hmserve; else the environment variable HMSERVE, else `hmserve`.
        arguments: More of its arguments, such as `["--resume"]`.

    Raises:
        HmserveError: There is no such program.
    """

    def __init__(self, scenario, outputs, *, ask_tell=False, program=None, arguments=()):
        self.outputs = [outputs] if isinstance(outputs, str) else list(outputs)
        self.ask_tell = ask_tell
        self.status = None
        self._labels = _categorical(scenario)
        self._open = 0  # rows that the reply to this request still lacks
        self._header = ""
        self._best = []
        self._ended = False
        program = program or os.environ.get("HMSERVE") or "hmserve"
        command = [program, "--config", os.fspath(scenario), *arguments]
        if ask_tell:
            command += ["--protocol", "ask-tell"]
        pipe = subprocess.PIPE
        try:
            self._child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            raise HmserveError(f"cannot start {program}: {error.strerror}") from error
        self._said = []  # on standard error, and not passed on
        streams = (self._child.stderr, self._said)
        self._listener = threading.Thread(target=_listen, args=streams, daemon=True)
        self._listener.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            self._leave()
            self._pass_on()

    def ask(self, count=1):
        """Return new trials, or None when the run is over.

        Classic: all trials of the next request, once every trial of the last one is told.
        Ask-tell: at most `count`; none at all until a trial that is out is told or dropped.
        """
        if self._ended:
            return None
        if self.ask_tell:
            self._write(f"Ask {count}\n")
        elif self._open:
            raise ValueError(f"{self._open} trials of the last request have no result yet")
        while True:
            line = self._read()
            if re.fullmatch(r"Request \d+", line):
                return self._request(int(line[8:]))
            if line == "End of HyperMapper":
                self._ended = True
                if not self.ask_tell:
                    self.close()
                return None
            if self.ask_tell and line.startswith("Wait "):
                return []
            if self.ask_tell or not self._aside(line):
                raise self._garbage("a request", line)

    def tell(self, trial, result):
        """Tell what came of a trial: a number, a value for each output in their order, or None.

        None, and an objective that is NaN, say that the evaluation failed.

        Raises:
            Refused: hmserve did not take it (ask-tell).
        """
        inputs = [name for name in trial.row if name not in self.outputs]
        header = ",".join([*inputs, *self.outputs])
        row = ",".join([*map(trial.row.get, inputs), *self._cells(result)])
        if self.ask_tell:
            self._confirm(self._say(f"Tell 1\n{header}\n{row}\n"))
            return
        self._write(f"{row}\n" if self._header == header else f"{header}\n{row}\n")
        self._header = header
        self._open -= 1

    def drop(self, trial):
        """Give back a trial that was never evaluated (ask-tell)."""
        self._confirm(self._say(f"Drop 1\ntrial\n{trial['trial']}\n"))

    def report(self, trial, fidelity, objective):
        """Say how a trial stands (ask-tell); return whether it is to go on.

        If not, end the evaluation and tell it, with the fidelity that it has reached.
        """
        answer = self._say(f"Report {trial['trial']},{fidelity},{objective}\n")
        if answer not in ("Continue", "Stop"):
            raise self._garbage("Continue or Stop", answer)
        return answer == "Continue"

    def best(self):
        """Return the best trials with their outputs: one, several, or none.

        Classic: what hmserve said at the end, if the scenario has `"print_best": true`.
        """
        if not self.ask_tell:
            return self._best
        answer = self._say("Best\n")
        if not re.fullmatch(r"Best \d+", answer):
            raise self._garbage("Best", answer)
        return self._rows(int(answer[5:]))

    def run_status(self):
        """Return how the run stands, a dict (ask-tell)."""
        answer = self._say("Status\n")
        try:
            return json.loads(answer.partition("Status ")[2])
        except ValueError:
            raise self._garbage("Status", answer) from None

    def stop(self):
        """Have no more trials handed out (ask-tell)."""
        self._confirm(self._say("Stop\n"))

    def close(self):
        """Close the pipes and wait for hmserve.

        Raises:
            HmserveError: Its exit status is not 0.
        """
        if self.status is None and self._leave():
            raise self._death()
        self._pass_on()

    def _request(self, count):
        rows = self._rows(count)
        self._open, self._header = count, ""
        self._pass_on()
        return rows

    def _rows(self, count):
        names = self._read().split(",")
        return [self._trial(names, self._read()) for _ in range(count)]

    def _trial(self, names, row):
        cells = _CELL.findall(row + ",")
        if len(cells) != len(names):
            raise self._garbage(f"{len(names)} values", row)
        texts = dict(zip(names, cells))
        values = {name: _value(text, name in self._labels) for name, text in texts.items()}
        return Trial(values, texts)

    def _aside(self, line):
        """Read a block before the end; return whether it is one."""
        if line in ("Best point found:", "Minimum of the posterior mean:"):
            rows = self._rows(1)
            if line.startswith("Best"):
                self._best = rows
            return True
        return line in ("", "Multiple objectives, there is no single best point.")

    def _cells(self, result):
        if result is None:
            return [""] * len(self.outputs)
        several = hasattr(result, "__len__") and not isinstance(result, str)
        values = result if several else [result]
        if len(values) != len(self.outputs):
            raise ValueError(f"expected {len(self.outputs)} values, one for each output")
        return [str(value) for value in values]

    def _say(self, message):
        self._write(message)
        answer = self._read()
        if answer.startswith("Error "):
            raise HmserveError("hmserve refused the message: " + answer[6:])
        return answer

    def _confirm(self, answer):
        match = re.fullmatch(r"Ok \d+ (\d+)", answer)
        if not match:
            raise self._garbage("Ok", answer)
        refusals = [self._read() for _ in range(int(match[1]))]
        if refusals:
            raise Refused("; ".join(line.split(" ", 2)[-1] for line in refusals))

    def _write(self, text):
        try:
            self._child.stdin.write(text.encode())
            self._child.stdin.flush()
        except (OSError, ValueError):
            raise self._death() from None

    def _read(self):
        line = b"" if self.status is not None else self._child.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._death()
        return line.decode(errors="replace").rstrip("\r\n")

    def _garbage(self, expected, line):
        self._child.terminate()
        self._leave()
        self._pass_on()
        return HmserveError(f"expected {expected} from hmserve, came {line[:200]!r}")

    def _death(self):
        self._leave()
        how = f"exit status {self.status}" if self.status >= 0 else f"signal {-self.status}"
        said = "".join(self._said).strip()
        self._said.clear()
        return HmserveError(f"hmserve ended with {how}: {said or 'it said nothing'}")

    def _leave(self):
        """Close everything; return the exit status of hmserve."""
        if self.status is None:
            with contextlib.suppress(OSError):  # it is gone
                self._child.stdin.close()
            self._child.stdout.close()
            self.status = self._child.wait()
            self._listener.join()
            self._child.stderr.close()
        return self.status

    def _pass_on(self):
        """Show what hmserve wrote on standard error; at its death that is in the exception."""
        while self._said:
            sys.stderr.write(self._said.pop(0))


def minimise(scenario, outputs, function, **options):
    """Evaluate `function` for each trial until the run is over; return the best trials.

    `function` takes a `Trial` and returns what `Hmserve.tell` takes. What it raises ends all.
    """
    with Hmserve(scenario, outputs, **options) as hmserve:
        while True:
            trials = hmserve.ask()
            if trials is None:
                return hmserve.best()
            for trial in trials:
                hmserve.tell(trial, function(trial))


def _listen(stream, said):
    for line in stream:
        said.append(line.decode(errors="replace"))


def _categorical(scenario):
    """Return the names of the parameters whose values stay text."""
    try:
        with open(scenario, encoding="utf-8") as file:
            parameters = json.load(file)["input_parameters"].items()
        return {name for name, each in parameters if each["parameter_type"] == "categorical"}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return set()  # hmserve says what is wrong with it


def _value(text, label):
    if not text:
        return None
    if label:
        return text
    if _PERMUTATION.fullmatch(text):
        return tuple(map(int, _INTEGER.findall(text)))
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _REAL.fullmatch(text) else text
