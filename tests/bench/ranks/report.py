"""The simulation as a table and as a figure."""

import functools
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hmserve.exchange.member import Member
from hmserve.exchange.records import Format
from ranks import sampled
from ranks.exact import Simulation
from ranks.model import Costs, Findings, Load

SIZES: Final = (10, 30, 100, 300, 1000, 3000, 10000)
EVALUATIONS: Final = (0.1, 1.0, 10.0, 60.0)
KNOWN: Final = 1000
"""Results known: from there on an ask costs about the same."""
DAY: Final = 86_400.0
_EXACT: Final = ((4, 0.05, 20.0), (10, 1.0, 100.0), (30, 1.0, 30.0), (100, 1.0, 6.0))
_SLOW: Final = ((10, 60.0, 3000.0), (100, 60.0, 240.0))


@functools.cache
def member_bytes(size: int, parameters: int = 10) -> int:
    """Measure what the exchange of one rank takes before anything is said."""
    tracemalloc.start()
    member = Member(0, size, Format(parameters, 1, 0), b"the run.")
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert member.size == size
    return taken


def memory(load: Load, costs: Costs, seconds: float) -> float:
    """Return the bytes of a rank after so many seconds of a run."""
    results = load.size * seconds / load.evaluation
    # What others evaluate at the moment is known as well, and takes no more than a result.
    return (
        costs.base + member_bytes(load.size) + costs.result * (costs.kept(results) + load.size)
    )


def table(costs: Costs, draws: int = 20_000) -> Iterable[str]:
    """Yield the lines of the table of all loads."""
    yield (
        "| ranks | evaluation s | utilisation | age p50 ms | age p99 ms | messages/s "
        "| kB/s | thread | MB after a day |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for seconds in EVALUATIONS:
        for size in SIZES:
            load = Load(size, seconds, KNOWN)
            found = sampled.simulate(load, costs, draws)
            yield f"{_row(load, found)} {memory(load, costs, DAY) / 1e6:.0f} |"


def check(costs: Costs) -> Iterable[str]:
    """Yield a table of some loads, simulated record by record and by samples."""
    yield (
        "| ranks | evaluation s | utilisation | age p50 ms | age p99 ms | messages/s "
        "| kB/s | thread | how |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for size, seconds, length in (*_EXACT, *_SLOW):
        load = Load(size, seconds, KNOWN if seconds >= 1 else 100)
        yield f"{_row(load, Simulation(load, costs).run(length))} every record |"
        yield f"{_row(load, sampled.simulate(load, costs))} samples |"


def _row(load: Load, found: Findings) -> str:
    cells = (
        f"{load.size:,}",
        f"{load.evaluation:g}",
        f"{found.utilisation:.4f}",
        f"{1e3 * found.p50:.1f}",
        f"{1e3 * found.p99:.0f}",
        f"{found.messages:.2g}" if found.messages < 10 else f"{found.messages:.0f}",
        f"{found.bytes / 1e3:.2g}" if found.bytes < 1e4 else f"{found.bytes / 1e3:.0f}",
        f"{100 * found.thread:.2g} %",
    )
    return f"| {' | '.join(cells)} |"


def figure(costs: Costs, path: Path, draws: int = 20_000) -> None:
    """Draw utilisation, age, messages and memory over the number of ranks."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(9.0, 6.0), layout="constrained")
    FigureCanvasAgg(drawn)
    axes = drawn.subplots(2, 2).flat
    titles = ("utilisation", "age of a result when heard, s", "messages a rank and second")
    for seconds in EVALUATIONS:
        loads = [Load(size, seconds, KNOWN) for size in SIZES]
        found = [sampled.simulate(load, costs, draws) for load in loads]
        label = f"{seconds:g} s an evaluation"
        (line,) = axes[0].plot(SIZES, [f.utilisation for f in found], "o-", label=label)
        color = line.get_color()
        axes[1].plot(SIZES, [f.p50 for f in found], "o-", color=color)
        axes[1].plot(SIZES, [f.p99 for f in found], "o--", color=color)
        axes[2].plot(SIZES, [f.messages for f in found], "o-", color=color)
        megabytes = [memory(load, costs, DAY) / 1e6 for load in loads]
        axes[3].plot(SIZES, megabytes, "o-", color=color)
    for axis, title in zip(axes, (*titles, "MB of a rank after a day"), strict=True):
        axis.set(xscale="log", title=title, xlabel="ranks")
        axis.grid(alpha=0.3)
    axes[0].set_ylim(0.0, 1.05)
    axes[0].legend(loc="lower left")
    axes[1].set(yscale="log", title="age of a result when heard, s (dashed: 99 %)")
    axes[2].set_yscale("log")
    axes[3].set_ylim(0.0, None)
    drawn.savefig(path)
