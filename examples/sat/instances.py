"""Writes the formulas: python3 instances.py DIRECTORY SEED ..., a set of 14 for each seed.

Seven families, some satisfiable and some not. The same seed gives the same
formulas with every version of Python, since nothing but `random.random` is drawn. A first
line `c expect SATISFIABLE` or `c expect UNSATISFIABLE` has the answer. It follows from how the
formula is made; but for random 3-SAT, where MiniSat has given it for the seeds in KNOWN.
"""

import itertools
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

Clause = Sequence[int]
Bits = list[int]


class Formula:
    """Clauses over the variables 1, 2, ..., and the circuits that are made of them.

    Args:
        seed: Of the draws.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.clauses: list[Clause] = []
        self.variables = 0

    def below(self, n: int) -> int:
        return int(self.rng.random() * n)

    def shuffled(self, n: int) -> list[int]:
        order = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            order[i], order[j] = order[j], order[i]
        return order

    def new(self, n: int) -> Bits:
        self.variables += n
        return list(range(self.variables - n + 1, self.variables + 1))

    def add(self, *clauses: Clause) -> None:
        self.clauses.extend(clauses)

    def fix(self, bits: Bits, number: int) -> None:
        self.add(*([b if number >> i & 1 else -b] for i, b in enumerate(bits)))

    def exactly_one(self, bits: Bits) -> None:
        self.add(bits, *([-a, -b] for a, b in itertools.combinations(bits, 2)))

    def both(self, a: int, b: int) -> int:
        (c,) = self.new(1)
        self.add([-a, -b, c], [a, -c], [b, -c])
        return c

    def either(self, a: int, b: int) -> int:
        return -self.both(-a, -b)

    def differ(self, a: int, b: int) -> int:
        (c,) = self.new(1)
        self.add([-a, -b, -c], [a, b, -c], [-a, b, c], [a, -b, c])
        return c

    def parity(self, bits: Bits, odd: bool) -> None:
        """Demand a parity of up to five literals, without further variables."""
        for signs in itertools.product([0, 1], repeat=len(bits)):
            if sum(signs) % 2 == odd:
                continue
            self.add([-b if s else b for b, s in zip(bits, signs, strict=True)])

    def plus(self, a: Bits, b: Bits) -> Bits:
        """Return the sum of two numbers with as many bits, and the carry."""
        total, carry = [], None
        for x, y in zip(a, b, strict=True):
            half, both = self.differ(x, y), self.both(x, y)
            total.append(half if carry is None else self.differ(half, carry))
            carry = both if carry is None else self.either(both, self.both(half, carry))
        return [*total, carry] if carry is not None else total

    def times(self, a: Bits, b: Bits, order: Sequence[int]) -> Bits:
        """Return the product, whose rows, one for each bit of `b`, are added in an order."""
        (zero,) = self.new(1)
        self.add([-zero])
        total = [zero] * (len(a) + len(b))
        for i in order:
            row = [self.both(x, b[i]) for x in a]
            padded = [zero] * i + row + [zero] * (len(b) - i)
            total = self.plus(total, padded)[: len(total)]
        return total

    def text(self, expected: str | None) -> str:
        lines = [f"c expect {expected}"] if expected else []
        lines.append(f"p cnf {self.variables} {len(self.clauses)}")
        lines += [" ".join(map(str, [*clause, 0])) for clause in self.clauses]
        return "\n".join(lines) + "\n"


SAT, UNSAT = "SATISFIABLE", "UNSATISFIABLE"
KNOWN = {
    "random-a 1": SAT,
    "random-a 2": SAT,
    "random-a 3": UNSAT,
    "random-a 4": SAT,
    "random-b 1": SAT,
    "random-b 2": UNSAT,
    "random-b 3": SAT,
    "random-b 4": SAT,
}
"""What MiniSat says of random 3-SAT, by family and seed."""


def random_3sat(f: Formula, n: int) -> str | None:
    """Draw 4.26 clauses a variable: as hard as such formulas get."""
    f.new(n)
    for _ in range(round(4.26 * n)):
        names = [1 + i for i in f.shuffled(n)[:3]]
        f.add([i if f.below(2) else -i for i in names])
    return KNOWN.get(f.seed)


def primes(low: int) -> Iterator[int]:
    return (n for n in itertools.count(low) if all(n % k for k in range(2, int(n**0.5) + 1)))


def factoring(f: Formula, bits: int, prime: bool) -> str:
    """Ask for two factors above 1 of a prime, or of the product of two primes."""
    half = 1 << (bits - 1)
    p, q = (next(primes(half + f.below(half // 2))) for _ in range(2))
    number = next(primes(p * q)) if prime else p * q
    a, b = f.new(bits), f.new(bits)
    f.fix(f.times(a, b, range(bits)), number)
    f.add(a[1:], b[1:])
    return UNSAT if prime else SAT


def commuting(f: Formula, bits: int) -> str:
    """Ask for a and b of which a * b and b * a differ, as two circuits compute them."""
    a, b = f.new(bits), f.new(bits)
    x, y = (f.times(*pair, f.shuffled(bits)) for pair in ((a, b), (b, a)))
    f.add([f.differ(i, j) for i, j in zip(x, y, strict=True)])
    return UNSAT


def two_parities(f: Formula, n: int) -> str:
    """Ask for bits whose parity is odd in one order of adding them up, and even in another."""
    bits = f.new(n)
    for odd in (True, False):
        line = [bits[i] for i in f.shuffled(n)]
        while len(line) > 3:
            line = (
                [*line[2:], f.differ(line[0], line[1])]
                if f.below(3)
                else [f.differ(line[0], line[1]), *line[2:]]
            )
        f.parity(line, odd)
    return UNSAT


def colouring(f: Formula, n: int, colours: int, degree: float) -> str:
    """Ask for the colours of a graph whose edges join what a hidden colouring separates."""
    node = [f.new(colours) for _ in range(n)]
    hidden = [f.below(colours) for _ in range(n)]
    for bits in node:
        f.exactly_one(bits)
    edges: set[tuple[int, int]] = set()
    while len(edges) < degree * n / 2:
        i, j = f.below(n), f.below(n)
        if i < j and hidden[i] != hidden[j]:
            edges.add((i, j))
    for i, j in sorted(edges):
        f.add(*([-a, -b] for a, b in zip(node[i], node[j], strict=True)))
    return SAT


def pigeons(f: Formula, holes: int, choices: int) -> str:
    """Ask for a hole for each of one pigeon too many, out of some that it likes."""
    lives: list[Bits] = [[] for _ in range(holes)]
    for _ in range(holes + 1):
        likes = f.new(choices)
        f.add(likes)
        for hole, bit in zip(f.shuffled(holes), likes, strict=False):
            lives[hole].append(bit)
    for bits in lives:
        f.add(*([-a, -b] for a, b in itertools.combinations(bits, 2)))
    return UNSAT


def automaton(f: Formula, cells: int, steps: int) -> str:
    """Ask for the ring of cells in which rule 30 shows what was seen of the first cell."""
    now, state = f.new(cells), [f.below(2) for _ in range(cells)]
    for _ in range(steps):
        f.fix(now[:1], state[0])
        around = [(i - 1, i, (i + 1) % cells) for i in range(cells)]
        now = [f.differ(now[i], f.either(now[j], now[k])) for i, j, k in around]
        state = [state[i] ^ (state[j] | state[k]) for i, j, k in around]
    return SAT


FAMILIES: dict[str, Callable[[Formula], str | None]] = {
    "random-a": lambda f: random_3sat(f, 150),
    "random-b": lambda f: random_3sat(f, 175),
    "factors": lambda f: factoring(f, 13, prime=False),
    "prime-a": lambda f: factoring(f, 11, prime=True),
    "prime-b": lambda f: factoring(f, 11, prime=True),
    "commuting-a": lambda f: commuting(f, 5),
    "commuting-b": lambda f: commuting(f, 5),
    "parity-a": lambda f: two_parities(f, 20),
    "parity-b": lambda f: two_parities(f, 22),
    "parity-c": lambda f: two_parities(f, 23),
    "colouring": lambda f: colouring(f, 350, 3, 4.6),
    "pigeons-a": lambda f: pigeons(f, 12, 5),
    "pigeons-b": lambda f: pigeons(f, 10, 6),
    "automaton": lambda f: automaton(f, 30, 46),
}


def write(directory: Path, seed: int) -> None:
    for name, family in FAMILIES.items():
        formula = Formula(f"{name} {seed}")
        expected = family(formula)
        (directory / f"{name}-{seed}.cnf").write_text(formula.text(expected))


def main() -> None:
    directory, *seeds = sys.argv[1:]
    Path(directory).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        write(Path(directory), int(seed))


if __name__ == "__main__":
    main()
