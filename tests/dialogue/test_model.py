"""Any conversation at all against a model of what it may do, across kills and resumes.

The design is a grid over a space of six configurations, so the model knows how many trials are
left without knowing which.
"""

import json
import tempfile
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

XS, CS = ("0", "0.5", "1"), ("a", "b")
AT_ONCE = 1e-9
"""A deadline in seconds that everything is past at the next ask."""


class Model:
    """What a conversation may do, in the fewest words."""

    def __init__(self, deadline: bool) -> None:
        self.deadline = deadline
        self.known: dict[int, tuple[str, str]] = {}
        self.pending: list[int] = []
        self.expired: list[int] = []
        self.told: dict[int, str] = {}
        self.observed: list[tuple[tuple[str, str], str]] = []
        self.again: list[int] = []
        self.known_since_ask: Counter = Counter()
        self.before_kill: Counter = Counter()
        self.stopped = self.over = False

    def out(self) -> list[int]:
        return [*self.pending, *self.expired]

    def left(self) -> int:
        seen = {self.known[i] for i in [*self.out(), *self.told]}
        return 6 - len(seen | {at for at, _ in self.observed})

    def ask(self, n: int) -> list[int] | int | None:
        """Return the ids to be handed again, how many new ones, or None for the end line."""
        again = [] if self.stopped else [i for i in self.again if i in self.pending][:n]
        self.again = [i for i in self.again if i not in again]
        if again:
            return again
        if self.deadline:
            self.expired, self.pending = self.out(), []
        new = 0 if self.stopped else min(n, self.left())
        waiting = [i for i in self.pending if not (self.stopped and i in self.again)]
        if new or waiting:
            return new
        self.stopped = self.over = True
        return None

    def settle(self, ids) -> None:
        self.pending = [i for i in self.pending if i not in ids]
        self.expired = [i for i in self.expired if i not in ids]

    def observe(self, at, value) -> None:
        if self.before_kill[at, value]:
            self.before_kill[at, value] -= 1
        else:
            self.observed.append((at, value))
            self.known_since_ask[at, value] += 1

    def kill(self) -> None:
        self.again = sorted(self.pending)
        self.before_kill = Counter(self.known_since_ask)
        self.stopped = self.over = False


class Play:
    """Does a random conversation, and compares each answer with the model.

    Args:
        host: What answers.
        model: What should.
    """

    def __init__(self, host, model: Model) -> None:
        self.host = host
        self.model = model

    def ask(self, n: int) -> None:
        expected = self.model.ask(n)
        said, *lines = self.host.say(f"Ask {n}")
        if expected is None:
            assert said == "End of HyperMapper"
        elif expected == 0:
            hidden = self.model.again if self.model.stopped else []
            assert said == f"Wait {len([i for i in self.model.pending if i not in hidden])}"
        else:
            self.handed(said, lines, expected, n)

    def handed(self, said, lines, expected, n) -> None:
        model, (header, *rows) = self.model, lines
        assert header == "trial,x,c"
        fields = [row.split(",") for row in rows]
        handed = {int(number): (x, c) for number, x, c in fields}
        if isinstance(expected, int):
            first = len(model.known)
            assert list(handed) == list(range(first, first + expected))
            taken = {model.known[i] for i in [*model.out(), *model.told]}
            assert not taken & set(handed.values())
            model.known |= handed
            model.pending += handed
            if model.deadline and len(handed) < n:
                # It tried to ask for the rest.
                model.expired, model.pending = model.out(), []
            model.known_since_ask.clear()
            model.before_kill.clear()
        else:
            assert list(handed) == expected
            assert all(model.known[i] == handed[i] for i in handed)
        assert said == f"Request {len(handed)}"

    def tell(self, rows) -> None:
        lines, taken, refused, observed = [], {}, [], []
        for number, (kind, at, value) in enumerate(rows, 1):
            if kind == "outside":
                place = (XS[at % 3], CS[at % 2])
                lines.append(",{},{},{}".format(*place, value))
                good = value != "abc"
                observed += [(place, value)] if good else []
            else:
                trial = self.pick(kind, at)
                inputs = ("", "") if kind != "echo" else self.model.known.get(trial, ("", ""))
                lines.append("{},{},{},{}".format(trial, *inputs, value))
                good = value != "abc" and trial in self.model.out() and trial not in taken
                taken |= {trial: value} if good else {}
            refused += [] if good else [number]
        self.answered("Tell", "trial,x,c,Value", lines, refused)
        self.model.settle(taken)
        self.model.told |= taken
        for place, value in observed:
            self.model.observe(place, value)

    def drop(self, picks) -> None:
        lines, taken, refused = [], [], []
        for number, (kind, at) in enumerate(picks, 1):
            trial = self.pick(kind, at)
            lines.append(str(trial))
            good = trial in self.model.out() and trial not in taken
            taken += [trial] if good else []
            refused += [] if good else [number]
        self.answered("Drop", "trial", lines, refused)
        self.model.settle(taken)

    def answered(self, verb, header, lines, refused) -> None:
        said, *errors = self.host.say(f"{verb} {len(lines)}", header, *lines)
        assert said == f"Ok {len(lines) - len(refused)} {len(refused)}"
        assert [line.split()[:2] for line in errors] == [["Error", str(n)] for n in refused]

    def report(self, kind, at) -> None:
        trial = self.pick(kind, at)
        (said,) = self.host.say(f"Report {trial},0.5,1.5")
        if trial in self.model.out():
            assert said == "Continue"
        else:
            assert said.startswith(f"Error 0 Report: trial {trial} is not pending: it was ")

    def pick(self, kind: str, at: int) -> int:
        some = {"told": list(self.model.told), "strange": []}.get(kind, self.model.out())
        return some[at % len(some)] if some else at

    def stop(self) -> None:
        assert self.host.say("Stop") == ["Ok 0 0"]
        self.model.stopped = True

    def junk(self, text: str) -> None:
        (said,) = self.host.say(text)
        assert said.startswith("Error 0 ")

    def kill(self, torn: bytes) -> None:
        self.host.kill(torn)
        self.model.kill()

    def best(self) -> None:
        values = [*self.model.told.values(), *(value for _, value in self.model.observed)]
        found = [float(value) for value in values if value != "nan"]
        said, header, *rows = self.host.say("Best")
        assert (said, header) == (f"Best {len(rows)}", "trial,x,c,Value")
        assert [float(row.split(",")[-1]) for row in rows] == ([min(found)] if found else [])

    def status(self) -> None:
        model = self.model
        (said,) = self.host.say("Status")
        facts = json.loads(said.removeprefix("Status "))
        assert facts["told"] == len(model.told)
        assert facts["observed"] == len(model.observed)
        assert facts["pending"] == len(model.pending)
        assert facts["expired"] == len(model.expired)
        assert facts["asked"] == len(model.told) + len(model.out())
        values = [*model.told.values(), *(value for _, value in model.observed)]
        assert facts["failed"] == values.count("nan")


PLACE = st.integers(0, 11)
KIND = st.sampled_from(["out", "out", "out", "echo", "told", "strange", "outside"])
VALUE = st.sampled_from(["1", "2.5", "-3", "nan", "abc"])
PICK = st.tuples(st.sampled_from(["out", "out", "told", "strange"]), PLACE)
TORN = st.sampled_from([b"", b'{"type":"te', b"\x00\xff"])
ACT = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 4)),
    st.tuples(st.just("ask"), st.integers(1, 4)),
    st.tuples(st.just("tell"), st.lists(st.tuples(KIND, PLACE, VALUE), max_size=4)),
    st.tuples(st.just("tell"), st.lists(st.tuples(KIND, PLACE, VALUE), max_size=4)),
    st.tuples(st.just("drop"), st.lists(PICK, max_size=3)),
    st.tuples(st.just("report"), st.just("out"), PLACE),
    st.tuples(st.just("report"), st.just("strange"), PLACE),
    st.tuples(st.sampled_from(["stop", "best", "status"])),
    st.tuples(st.just("junk"), st.sampled_from(["Begin", "Ask 0", "Report 1", "Tell x"])),
    st.tuples(st.just("kill"), TORN),
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(acts=st.lists(ACT, max_size=25), deadline=st.booleans())
def test_any_conversation_is_what_the_model_says(acts, deadline, open_host) -> None:
    with tempfile.TemporaryDirectory() as directory:
        play = Play(
            open_host(directory, trial_deadline=AT_ONCE if deadline else None),
            Model(deadline),
        )
        for name, *arguments in acts:
            getattr(play, name)(*arguments)
            play.status()
        play.best()
        play.host.run.close()
