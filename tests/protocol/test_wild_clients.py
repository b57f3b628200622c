"""How clients that people run today read what we say, and what they answer.

Each class does with the bytes what one family of HyperMapper's clients does: it stops where
the client would crash. Written from descriptions of them; their limits are the test.
"""

import io
import re

from hmserve.protocol.classic import ClassicSession
from hmserve.protocol.codec import Codec
from hmserve.protocol.events import Complete, Evaluated
from hmserve.space.parameters import Categorical, Integer, Ordinal, Real
from hmserve.space.space import Space
from hmserve.trial import Evaluation, Trial

COUNTS = Space(
    [Integer("tile", 0, 64), Ordinal("unroll", [1, 2, 4, 8]), Integer("shift", -5, 5)]
)
TUNING = Space(
    [
        Integer("tile", 0, 10**9),
        Ordinal("unroll", [1, 2, 4, 8]),
        Real("ratio", -1, 1e20),
        Categorical("order", ["ijk", "kij", "i j k"]),
    ]
)


class Feasibility:
    name, true_value, false_value = "Valid", "true", "false"


class Buffered:
    """C and C++: fgets into 1,000 bytes, comparison with the newline, stoi and stof."""

    def __init__(self, known, cost):
        self.known = known
        self.cost = cost

    @staticmethod
    def fgets(stream):
        line = stream.readline(999)
        assert line.endswith(b"\n"), "the rest of the line would be read as the next one"
        return line.decode()

    @staticmethod
    def stoi(text):
        return int(re.match(r"\s*[+-]?\d+", text)[0])

    @staticmethod
    def stof(text):
        return float(re.match(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text)[0])

    def reply(self, stream):
        line = self.fgets(stream)
        if line == "End of HyperMapper\n":
            return None
        count = self.stoi(line[line.index(" ") + 1 :])
        names = self.fgets(stream).rstrip("\n").split(",")
        assert set(names) == self.known, "an unknown name is fatal"
        rows = [self.fgets(stream).rstrip("\n").split(",") for _ in range(count)]
        # std::to_string prints six decimals; the inputs go back as they came.
        lines = [
            f"{','.join(row)},{self.cost(*row):.6f},{i % 2}\n" for i, row in enumerate(rows)
        ]
        return ",".join([*names, "Value", "Valid"]) + "\n" + "".join(lines)


class Matched:
    """Scala: a whole line must match a pattern, each value is true, false or an Int."""

    REQUEST = re.compile(r"Request ([0-9]*)")
    INT = re.compile(r"-?[0-9]+")

    @staticmethod
    def line(stream):
        return stream.readline().decode().removesuffix("\n")

    def value(self, text):
        if text.lower() in {"true", "false"}:
            return text.lower() == "true"
        assert self.INT.fullmatch(text), f"NumberFormatException: {text}"
        return int(text)

    def reply(self, stream):
        line = self.line(stream)
        if line == "End of HyperMapper":
            return None
        match = self.REQUEST.fullmatch(line)
        assert match, f"MatchError: {line}"
        names = self.line(stream).split(",")
        lines = []
        for _ in range(int(match[1])):
            values = [self.value(field) for field in self.line(stream).split(",")]
            text = ",".join(str(value).lower() for value in values)
            lines.append(f"123456,{text},{abs(sum(values))},true\n")
        # Worker threads write in the order in which they get done.
        return ",".join(["Timestamp", *names, "Value", "Valid"]) + "\n" + "".join(lines[::-1])


class Positional:
    """Python: substrings, the second word, values by position, str(float) as the echo."""

    def reply(self, stream):
        line = stream.readline().decode()
        if "End of HyperMapper" in line:
            return None
        if "warning" in line:
            return self.reply(stream)
        count = int(line.split(" ")[1])
        header = stream.readline().decode().strip()
        out = header + ",Value,Valid\n"
        for _ in range(count):
            values = [float(v) for v in stream.readline().decode().strip().split(",")]
            out += ",".join(map(str, [*values, sum(values), sum(values) > 3])) + "\n"
        return out


class FirstWord:
    """Scala again: warnings skipped, the second word, three lines after the best point."""

    def reply(self, stream):
        line = stream.readline().decode().removesuffix("\n")
        if line == "End of HyperMapper":
            return None
        if line == "Best point found:":
            header, values, blank = (stream.readline() for _ in range(3))
            assert header.count(b",") == values.count(b",")
            assert blank == b"\n"
            return self.reply(stream)
        count = int(line.split(" ")[1])
        names = stream.readline().decode().strip().split(",")
        rows = [stream.readline().decode().strip() for _ in range(count)]
        assert all(int(field) >= -5 for row in rows for field in row.split(","))
        body = "".join(f"{row},-1,False\n" for row in rows[1:])
        return ",".join([*names, "Value", "Valid"]) + f"\n{rows[0]},0.5,True\n{body}"


def converse(space, client, batches):
    """Play `batches` of configurations against `client`; return its evaluations by trial."""
    session = ClassicSession(Codec(space, ["Value"], Feasibility()))
    done: list[Evaluation] = []
    first = 0
    for batch in batches:
        trials = [Trial(i, configuration) for i, configuration in enumerate(batch, first)]
        first += len(trials)
        stream = io.BytesIO(session.request(trials).encode())
        events = [
            event
            for line in client.reply(stream).splitlines(keepends=True)
            for event in session.receive_line(line)
        ]
        assert stream.read() == b"", "the client left a part of the request unread"
        assert events.pop() == Complete(())
        assert {type(event) for event in events} == {Evaluated}
        done += [event.evaluation for event in events]
    best = min(
        (e for e in done if e.feasible), key=lambda e: e.objectives["Value"], default=None
    )
    stream = io.BytesIO(
        session.finish(best if isinstance(client, FirstWord) else None).encode()
    )
    assert client.reply(stream) is None
    assert stream.read() == b""
    return {e.trial.id: (e.objectives, e.feasible) for e in done}


def grid(*columns):
    return [dict(zip(COUNTS.names, row, strict=True)) for row in zip(*columns, strict=True)]


BATCHES = [grid((0, 64, 8), (1, 2, 8), (-5, 5, 0)), grid((7,), (4,), (-1,))]


def test_a_client_with_thousand_byte_buffers() -> None:
    def cost(tile, unroll, ratio, order):
        return Buffered.stoi(tile) + Buffered.stoi(unroll) + len(order) + Buffered.stof(ratio)

    rows = [
        {"tile": 10**9, "unroll": 8, "ratio": 1e20, "order": "i j k"},
        {"tile": 0, "unroll": 1, "ratio": -1, "order": "ijk"},
        {"tile": 999_999_999, "unroll": 2, "ratio": 1.00000761449337e-07, "order": "kij"},
    ]
    client = Buffered({"tile", "unroll", "ratio", "order"}, cost)
    done = converse(TUNING, client, [rows, rows[:1]])
    assert [done[i][1] for i in range(4)] == [False, True, False, False]
    assert done[1][0] == {"Value": 3.0}


def test_a_client_that_reads_nothing_but_integers() -> None:
    done = converse(COUNTS, Matched(), BATCHES)
    assert [done[i][0]["Value"] for i in range(4)] == [4.0, 71.0, 16.0, 10.0]


def test_a_client_that_answers_with_floats() -> None:
    done = converse(COUNTS, Positional(), BATCHES)
    assert [done[i][0]["Value"] for i in range(4)] == [-4.0, 71.0, 16.0, 10.0]
    assert [done[i][1] for i in range(4)] == [False, True, True, True]


def test_a_client_that_reads_the_best_block() -> None:
    done = converse(COUNTS, FirstWord(), BATCHES)
    assert done[1] == ({"Value": -1.0}, False)
    assert done[3] == ({"Value": 0.5}, True)


def test_rows_of_twenty_long_reals_fit_such_a_buffer() -> None:
    space = Space([Real(f"parameter_{i}", -1e300, 1e300) for i in range(20)])
    longest = dict.fromkeys(space.names, -1.2345678901234567e-300)
    request = ClassicSession(Codec(space, ["f"])).request([Trial(0, longest)])
    stream = io.BytesIO(request.encode())
    assert [Buffered.fgets(stream) for _ in range(3)] == request.splitlines(keepends=True)
