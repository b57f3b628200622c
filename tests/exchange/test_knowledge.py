from hmserve.exchange.knowledge import Answer, Knowledge, Terms
from hmserve.exchange.records import Kind, Record


def test_who_refused_is_asked_again_when_it_has_no_permits_left_or_is_done() -> None:
    for said in (
        Record(1, 1, Kind.PENDING, 0, (0.5,), left=0),
        Record(1, 1, Kind.DONE, left=3),
    ):
        knowledge = Knowledge(0, 2, Terms(budget=10, finite=True))
        assert knowledge.buckets is not None
        knowledge.apply(Record(0, 0, Kind.SEEK, left=5, to=1))
        knowledge.apply(Record(1, 0, Kind.CEDE, left=3, to=0, turn=1))
        assert knowledge.buckets.target(knowledge.generous()) is None
        knowledge.apply(said)
        assert knowledge.buckets.target(knowledge.generous()) == 1


def test_only_who_is_addressed_answers() -> None:
    begging = Record(0, 0, Kind.BEG, left=0, to=1)
    answers = [Knowledge(rank, 3, Terms(budget=30)).apply(begging) for rank in (1, 2)]
    assert answers == [Answer(Kind.GIVE, {"to": 0, "amount": 5}), None]


def test_half_of_the_buckets_is_the_answer_to_a_question() -> None:
    knowledge = Knowledge(1, 2, Terms(finite=True))
    answer = knowledge.apply(Record(0, 0, Kind.SEEK, to=1))
    assert answer is not None
    assert (answer.kind, answer.fields["amount"]) == (Kind.CEDE, 2**32 - 1)
