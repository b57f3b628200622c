import math
from random import Random

from hmserve.exchange.sieve import Sieve

CAP = 200


def test_all_are_kept_up_to_the_cap() -> None:
    sieve = Sieve(CAP)
    assert all(sieve.keep(i % 7, i // 7, (float(i),)) for i in range(CAP))


def test_of_many_about_a_logarithm_is_kept() -> None:
    for count in (2_000, 20_000, 200_000):
        sieve, rng = Sieve(CAP), Random(1)
        kept = sum(sieve.keep(i % 7, i // 7, (rng.random(),)) for i in range(count))
        expected = CAP * (1 + 1.1 * math.log(count / CAP))
        assert 0.8 * expected < kept < 1.2 * expected


def test_the_best_are_kept_and_others_by_chance() -> None:
    sieve, rng = Sieve(CAP), Random(2)
    values = [rng.random() for _ in range(20_000)]
    kept = [v for i, v in enumerate(values) if sieve.keep(0, i, (v,))]
    assert set(sorted(values)[: CAP // 10]) <= set(kept)
    assert max(kept) > 0.99
    assert len([v for v in kept if v > 0.5]) > CAP


def test_steady_progress_does_not_fill_the_memory_but_no_best_is_lost() -> None:
    sieve, rng = Sieve(CAP), Random(3)
    values = [rng.random() - i / 1000 for i in range(40_000)]
    kept = {i for i, v in enumerate(values) if sieve.keep(i % 7, i // 7, (v,))}
    least = math.inf
    bests = 0
    for i, value in enumerate(values):
        if value < least:
            least = value
            bests += 1
            assert i in kept
    assert len(kept) < CAP * (1 + 2 * math.log(40_000 / CAP)) + bests


def test_every_objective_has_its_best() -> None:
    sieve, rng = Sieve(CAP), Random(4)
    values = [(rng.random(), rng.random()) for _ in range(20_000)]
    kept = {v for i, v in enumerate(values) if sieve.keep(0, i, v)}
    for objective in range(2):
        best = sorted(values, key=lambda v: v[objective])[: CAP // 20]
        assert set(best) <= kept


def test_the_first_success_after_many_failures_is_kept() -> None:
    sieve = Sieve(CAP)
    failures = [sieve.keep(0, i, (math.nan,)) for i in range(10_000)]
    assert CAP < sum(failures) < 10 * CAP
    assert sieve.keep(0, 10_000, (5.0,))


def test_what_is_kept_depends_on_nothing_but_what_was_heard() -> None:
    def kept() -> list[bool]:
        sieve, rng = Sieve(CAP), Random(5)
        return [sieve.keep(i % 9, i // 9, (rng.random(),)) for i in range(5_000)]

    assert kept() == kept()
