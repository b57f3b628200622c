"""The schedule of a scenario with fidelities: what will be evaluated how far, at what cost."""

from collections.abc import Iterator, Sequence

from hmserve.budget import limited
from hmserve.fidelity.options import FidelityOptions
from hmserve.fidelity.schedule import Race, races
from hmserve.report.tables import aligned
from hmserve.scenario import Scenario
from hmserve.space.parameters import format_number


def fidelity_text(options: FidelityOptions) -> str:
    """Return the fidelities in use on one line."""
    used = options.ladder.fidelities
    shown = ", ".join(_number(value) for value in used)
    return f"{options.name} {shown}; eta {options.eta:g}"


def schedule_text(scenario: Scenario) -> str:
    """Return a table of the brackets and what they cost; empty if there are no fidelities.

    A cost of 1 is that of one full evaluation.
    """
    options = scenario.fidelity
    if options is None:
        return ""
    held = races(options, limited(scenario.stops, scenario.time_budget))
    lines = [_titles(options), *_lines(options, held)]
    return aligned(lines) + "\n" + "".join(f"{note}\n" for note in _notes(options, held))


def _titles(options: FidelityOptions) -> list[str]:
    columns = [f"{options.name} {_number(value)}" for value in options.ladder.fidelities]
    return ["bracket", "times", *columns, "evaluations", "cost", "cost resumed"]


def _lines(options: FidelityOptions, held: Sequence[Race]) -> Iterator[list[str]]:
    for number, race in enumerate(held):
        times = "on" if race.times is None else str(race.times)
        yield [str(number), times, *_row(options, [race])]
    yield ["all" if held[0].times is not None else "each once", "", *_row(options, held, True)]


def _row(options: FidelityOptions, held: Sequence[Race], together: bool = False) -> list[str]:
    """Return configurations by fidelity, evaluations and costs: of one race, or of all."""
    times = [(race.times or 1) if together else 1 for race in held]
    counts = dict.fromkeys(options.ladder.fidelities, 0)
    for race, n in zip(held, times, strict=True):
        for fidelity, configurations in race.steps:
            counts[fidelity] += n * configurations
    shape = options.max, options.cost_exponent
    costs = [sum(n * r.cost(*shape) for r, n in zip(held, times, strict=True))]
    costs += [sum(n * r.resumed(*shape) for r, n in zip(held, times, strict=True))]
    shown = [str(count) if count else "" for count in counts.values()]
    return [*shown, str(sum(counts.values())), *(f"{cost:.2f}" for cost in costs)]


def _notes(options: FidelityOptions, held: Sequence[Race]) -> Iterator[str]:
    yield "A cost of 1 is that of one full evaluation."
    shape = options.max, options.cost_exponent
    whole = sum((race.times or 1) * race.cost(*shape) for race in held)
    resumed = sum((race.times or 1) * race.resumed(*shape) for race in held)
    saved = f"{100 * (1 - resumed / whole):.0f} % of the cost"
    if options.resumable:
        yield f"To go on from checkpoints saves {saved}."
    else:
        yield f'With "resumable": true, going on from checkpoints would save {saved}.'
    if held[0].times is None:
        yield "The brackets follow each other until max_evaluations or time_budget is spent."


def _number(value: float) -> str:
    return format_number(float(f"{value:.6g}"))
