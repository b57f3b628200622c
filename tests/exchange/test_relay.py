import math
import struct
from collections import deque
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmserve.errors import ExchangeError
from hmserve.exchange.relay import Relay

SIZES = [1, 2, 3, 5, 7, 16, 33, 64, 200, 1024]


def payload(origin: int, sequence: int) -> bytes:
    return struct.pack("<IQ4x", origin, sequence)


def stamp(data: bytes) -> tuple[int, int]:
    origin, sequence = struct.unpack_from("<IQ", data)
    return origin, sequence


def spread(relays: list[Relay], most_bytes: int = 1 << 20) -> list[list[bytes]]:
    """Send everything on, step by step; return what each rank heard."""
    heard: list[list[bytes]] = [[] for _ in relays]
    while any(relay.waiting for relay in relays):
        taken = [
            (relay.rank, n, relay.take(n, most_bytes)) for relay in relays for n in relay.ready
        ]
        for source, to, payloads in taken:
            heard[to] += relays[to].receive(source, payloads)
    return heard


@pytest.mark.parametrize("size", SIZES)
def test_a_record_crosses_every_rank_once_in_few_steps(size: int) -> None:
    for origin in {0, 1 % size, size // 2, size - 1}:
        relays = [Relay(rank, size) for rank in range(size)]
        relays[origin].publish(payload(origin, 0))
        received, steps = [0] * size, 0
        while any(relay.waiting for relay in relays):
            steps += 1
            sent = [(r.rank, n, r.take(n, 1)) for r in relays for n in r.ready]
            for source, to, payloads in sent:
                received[to] += len(relays[to].receive(source, payloads))
        assert received == [int(rank != origin) for rank in range(size)]
        assert steps <= math.ceil(math.log2(size))
        assert all(relay.counts[origin] == 1 for relay in relays)


@pytest.mark.parametrize("size", SIZES)
def test_there_are_few_neighbours_and_each_knows_its_sources(size: int) -> None:
    relays = [Relay(rank, size) for rank in range(size)]
    for relay in relays:
        assert len(set(relay.neighbours)) == math.ceil(math.log2(size))
        assert relay.rank not in relay.neighbours
        assert all(relay.rank in relays[n].sources for n in relay.neighbours)


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(0, 2**32))
def test_all_arrive_in_order_whatever_overtakes_what(size: int, seed: int) -> None:
    rng = Random(seed)
    relays = [Relay(rank, size) for rank in range(size)]
    links: dict[tuple[int, int], deque[list[bytes]]] = {}
    heard: list[list[bytes]] = [[] for _ in relays]
    said = [0] * size
    for _ in range(rng.randrange(1, 400)):
        rank = rng.randrange(size)
        if rng.random() < 0.3:
            relays[rank].publish(payload(rank, said[rank]))
            said[rank] += 1
        for neighbour in rng.sample(
            relays[rank].ready, rng.randint(0, len(relays[rank].ready))
        ):
            sent = relays[rank].take(neighbour, rng.choice([1, 40, 1000]))
            links.setdefault((rank, neighbour), deque()).append(sent)
        for (source, to), link in links.items():
            if link and rng.random() < 0.3:
                heard[to] += relays[to].receive(source, link.popleft())
    for (source, to), link in links.items():
        for sent in link:
            heard[to] += relays[to].receive(source, sent)
    for rank, late in enumerate(spread(relays)):
        heard[rank] += late
        for origin in range(size):
            told = [stamp(data)[1] for data in heard[rank] if stamp(data)[0] == origin]
            assert told == (list(range(said[origin])) if origin != rank else [])
    assert all(list(relay.counts) == said for relay in relays)


def test_what_goes_one_way_travels_together_and_in_order() -> None:
    relay = Relay(0, 8)
    for i in range(10):
        relay.publish(payload(0, i))
    assert relay.waiting == 30
    first = relay.take(1, 3 * 16 + 5)
    assert [stamp(data)[1] for data in first] == [0, 1, 2]
    assert [stamp(data)[1] for data in relay.take(1, 0)] == [3]
    assert len(relay.take(1, 1 << 20)) == 6
    assert relay.take(1, 1 << 20) == []
    assert relay.ready == [2, 4]


def test_a_gap_a_repetition_and_a_wrong_way_are_errors() -> None:
    relay = Relay(3, 8)
    relay.receive(2, [payload(2, 0)])
    with pytest.raises(ExchangeError, match="record 1 of rank 2 is missing"):
        relay.receive(2, [payload(2, 2)])
    with pytest.raises(ExchangeError, match="record 0 of rank 2 came twice"):
        relay.receive(2, [payload(2, 0)])
    with pytest.raises(ExchangeError, match=r"hears of rank 0 through rank 1, but .* rank 2"):
        relay.receive(2, [payload(0, 0)])
    with pytest.raises(ExchangeError, match="rank 2 sent rank 3 of 8 a record of rank 9"):
        relay.receive(2, [payload(9, 0)])
    with pytest.raises(ExchangeError, match="a record of rank 3"):
        relay.receive(2, [payload(3, 0)])
    with pytest.raises(ExchangeError, match="rank 3 cannot speak for rank 4"):
        relay.publish(payload(4, 0))


def million(size: int, each: int) -> int:
    """Have `size` ranks say `each` records; return how many were heard, all checked."""
    relays = [Relay(rank, size) for rank in range(size)]
    heard = 0
    for i in range(each):
        for relay in relays:
            relay.publish(payload(relay.rank, i))
        if i % 50 == 49 or i == each - 1:
            heard += sum(map(len, spread(relays, 1 << 14)))
    assert all(set(relay.counts) == {each} for relay in relays)
    return heard


def test_of_many_records_none_is_lost() -> None:
    assert million(33, 100) == 33 * 32 * 100


@pytest.mark.slow
def test_of_a_million_records_none_is_lost() -> None:
    assert million(33, 1000) == 1_056_000
