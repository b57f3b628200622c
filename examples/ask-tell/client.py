"""Four workers share one ask-tell conversation; whoever is done gets the next trial.

usage: python3 client.py [COMMAND ...]      default: hmserve --config branin.json

Nothing of hmserve is imported; any language with pipes and threads does the same.
"""

import math
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

WORKERS = 4
COMMAND = ("hmserve", "--config", "branin.json")


class Conversation:
    """One message, one answer.

    Args:
        command: Starts hmserve.
    """

    def __init__(self, command: Sequence[str]) -> None:
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def say(self, *lines: str) -> list[str]:
        """Send a message; return the lines of its answer."""
        assert self.child.stdin is not None
        self.child.stdin.write("\n".join(lines) + "\n")
        self.child.stdin.flush()
        answer = [self._line()]
        word, *counts = answer[0].split()
        if word in {"Request", "Best"}:
            answer += [self._line() for _ in range(1 + int(counts[0]))]
        elif word == "Ok":
            answer += [self._line() for _ in range(int(counts[1]))]
        return answer

    def close(self) -> int:
        """Leave; return the exit status of hmserve."""
        assert self.child.stdin is not None
        self.child.stdin.close()
        return self.child.wait()

    def _line(self) -> str:
        assert self.child.stdout is not None
        line = self.child.stdout.readline()
        if not line:
            raise EOFError(f"hmserve ended with exit status {self.child.wait()}")
        return line.rstrip("\n")


def branin(trial: Mapping[str, str]) -> float:
    """Return the value of the Branin function, after a while that nobody knows before."""
    time.sleep(random.uniform(0.0, 0.02))
    x, y = float(trial["x1"]), float(trial["x2"])
    a = y - 5.1 * x * x / (4 * math.pi**2) + 5 * x / math.pi - 6
    return a * a + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def ask(talk: Conversation, count: int) -> tuple[str, list[dict[str, str]]]:
    """Return the first word of the answer, and the trials that came with it."""
    first, *lines = talk.say(f"Ask {count}")
    names, *rows = [line.split(",") for line in lines] or [[]]
    return first.split()[0], [dict(zip(names, row, strict=True)) for row in rows]


def tell(talk: Conversation, done: Mapping[str, "Future[float]"]) -> None:
    """Tell what came of trials; one that raised has failed."""
    rows = [
        f"{trial},{'nan' if future.exception() else future.result()}"
        for trial, future in done.items()
    ]
    _, *refused = talk.say(f"Tell {len(rows)}", "trial,Value", *rows)
    for line in refused:
        print(line, file=sys.stderr)


def tune(talk: Conversation) -> int:
    """Keep the workers busy until the run is over; return how often one overtook another."""
    running: dict[str, Future[float]] = {}
    overtaken = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        while True:
            word = "Wait"
            if len(running) < WORKERS:
                word, trials = ask(talk, WORKERS - len(running))
                running |= {each["trial"]: pool.submit(branin, each) for each in trials}
            if word == "End":
                return overtaken
            wait(running.values(), return_when=FIRST_COMPLETED)
            done = {trial: future for trial, future in running.items() if future.done()}
            overtaken += next(iter(running)) not in done
            running = {trial: f for trial, f in running.items() if trial not in done}
            tell(talk, done)


def main() -> None:
    talk = Conversation(sys.argv[1:] or COMMAND)
    overtaken = tune(talk)
    _, names, best = talk.say("Best")
    print(names, best, sep="\n")
    print(f"{overtaken} times the oldest trial was still out when another was told")
    sys.exit(talk.close())


if __name__ == "__main__":
    main()
