"""Answers are used again for a short time by the person who got them, and by nobody else."""

import time

import pytest

from panosc_analysis.search import SearchClient, Secret
from panosc_analysis.search.cache import Answers
from panosc_analysis.search.secret import whose
from tests.unit.search.conftest import SearchApi, dataset, refused, said

RECORDS = [dataset(n) for n in range(3)]


def test_the_same_question_is_not_asked_twice_in_a_short_time(serve):
    server = serve(SearchApi(RECORDS))
    client = SearchClient(server.provider())
    assert client.find_datasets() == client.find_datasets()
    asked = len(server.requests)
    assert len({one.path + str(one.query) for one in server.requests}) == asked
    SearchClient(server.provider(), cache_seconds=0).find_datasets()
    assert len(server.requests) == 2 * asked


def test_nobody_gets_another_persons_answer(serve):
    def by_person(request):
        return said(
            [] if request.filter.skip else [dataset(1, title=request.headers.get("Authorization", "anonymous"))]
        )

    server = serve(by_person)

    def title_for(token):
        return SearchClient(server.provider(), token=token).find_datasets()[0].title

    alice, bob = Secret("alice"), Secret("bob")
    titles = [title_for(one) for one in (alice, bob, None, alice)]
    assert titles == ["Bearer alice", "Bearer bob", "anonymous", "Bearer alice"]
    assert title_for(Secret("alice")) == "Bearer alice"


def test_failures_are_not_kept(serve):
    answers = [refused(500, "disk"), refused(500, "disk"), *[said(RECORDS), said([])] * 3]
    server = serve(lambda _: answers.pop(0))
    client = SearchClient(server.provider())
    with pytest.raises(ValueError, match="disk"):
        client.find_datasets()
    assert len(client.find_datasets()) == 3


def test_what_is_kept_is_bounded_and_ages():
    answers = Answers(most_bytes=100, most_answers=3)
    for number in range(5):
        answers.put(b"", str(number), b"x" * 10)
    assert [answers.get(b"", str(number), 60) is not None for number in range(5)] == [False, False, True, True, True]
    answers.put(b"", "large", b"x" * 26)
    assert answers.get(b"", "large", 60) is None
    for number in range(5):
        answers.put(b"", f"wide {number}", b"x" * 25)
    assert sum(answers.get(b"", f"wide {number}", 60) is not None for number in range(5)) == 3
    answers.put(b"", "again", b"1")
    answers.put(b"", "again", b"2")
    assert answers.get(b"", "again", 60) == b"2"
    assert answers.get(b"someone", "again", 60) is None
    time.sleep(0.02)
    assert answers.get(b"", "again", 0.01) is None
    answers.clear()
    assert answers.get(b"", "again", 60) is None


def test_people_are_told_apart_without_their_tokens():
    assert whose(Secret("a")) == whose(Secret("a"))
    assert len({whose(Secret("a")), whose(Secret("b")), whose(None)}) == 3
    assert b"alice" not in whose(Secret("alice"))
