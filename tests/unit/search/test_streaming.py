"""Hits as they arrive, further hits, pages, and asking again."""

import asyncio
import contextlib
import time

import pytest

from panosc_analysis.errors import FilterError, ProviderUnreachable, SettingsError
from panosc_analysis.search import FederatedSearch, Hits, SearchClient
from panosc_analysis.search.background import run
from panosc_analysis.settings import Settings
from tests.unit.search.conftest import SearchApi, dataset, refused, said

MANY = [dataset(n) for n in range(130)]


def slow(seconds):
    def answer(request):
        time.sleep(seconds)
        return SearchApi([dataset(500)])(request)

    return answer


def test_hits_of_the_fast_come_before_the_slow_has_answered(serve):
    fast, late = serve(SearchApi(MANY[:3])), serve(slow(1))
    federation = FederatedSearch(Settings(providers=(late.provider("late"), fast.provider("fast"))))
    arrivals = list(federation.stream())
    assert [(one.provider, len(one.datasets), one.outcome and one.outcome.state) for one in arrivals] == [
        ("fast", 3, None),
        ("fast", 0, "ok"),
        ("late", 1, None),
        ("late", 0, "ok"),
    ]


def test_hits_come_page_by_page_and_each_once(serve):
    one, other = serve(SearchApi(MANY, most=50)), serve(SearchApi(MANY[:60], most=50))
    federation = FederatedSearch(Settings(providers=(one.provider("one"), other.provider("other"))))
    arrivals = list(federation.stream(limit=1000))
    given = [hit.pid for arrival in arrivals for hit in arrival.datasets]
    assert len(given) == len(set(given)) == 130
    assert sum(bool(arrival.datasets) for arrival in arrivals) > 2
    assert {arrival.outcome.hits for arrival in arrivals if arrival.outcome} == {130, 60}


def test_leaving_early_ends_the_requests(serve):
    fast, late = serve(SearchApi(MANY[:3])), serve(slow(2))
    federation = FederatedSearch(Settings(providers=(late.provider("late"), fast.provider("fast"))))
    started = time.monotonic()
    for arrival in federation.stream():
        assert arrival.provider == "fast"
        break
    assert time.monotonic() - started < 1.5
    assert [task for task in run(_tasks()) if "_Asking" in repr(task)] == []


async def _tasks():
    await asyncio.sleep(0)
    return asyncio.all_tasks()


def test_from_asynchronous_code(serve):
    server = serve(SearchApi(MANY[:3]))
    federation = FederatedSearch(Settings(providers=(server.provider(),)))

    async def notebook():
        async with contextlib.aclosing(federation.astream(technique="powder diffraction")) as arrivals:
            return [arrival async for arrival in arrivals]

    assert [len(one.datasets) for one in asyncio.run(notebook())] == [3, 0]
    with pytest.raises(FilterError):
        list(federation.stream(techniqe="x"))


def test_pages_are_cut_from_one_list(serve):
    server = serve(SearchApi(MANY))
    hits = FederatedSearch(Settings(providers=(server.provider(),))).search(limit=60)
    pages = list(hits.pages(25))
    assert [len(one) for one in pages] == [25, 25, 10]
    assert [hit.pid for one in pages for hit in one] == [hit.pid for hit in hits]
    assert [one.pid for one in hits.page(2, 25)] == [one.pid for one in hits[25:50]]
    assert len(hits.page(9)) == 0
    with pytest.raises(FilterError):
        hits.page(0)


def test_further_hits_stand_behind_those_that_are_here(serve):
    one, other = serve(SearchApi(MANY)), serve(SearchApi(MANY[50:]))
    federation = FederatedSearch(Settings(providers=(one.provider("one"), other.provider("other"))))
    hits = federation.search(limit=30)
    assert not hits.complete
    more = hits.more(40)
    assert [hit.pid for hit in more[:30]] == [hit.pid for hit in hits]
    assert len(more) > 60
    everything = more.more(10_000)
    assert [hit.pid for hit in everything[: len(more)]] == [hit.pid for hit in more]
    assert {hit.pid for hit in everything} == {one["pid"] for one in MANY}
    assert everything.complete
    with pytest.raises(FilterError, match="search"):
        Hits([]).more()


def test_the_order_does_not_depend_on_who_answers_first(serve):
    def delayed(records, seconds):
        def answer(request):
            time.sleep(seconds)
            return SearchApi(records)(request)

        return answer

    orders = []
    for first, second in ((0, 0.3), (0.3, 0)):
        one, other = serve(delayed(MANY[:20], first)), serve(delayed(MANY[10:40], second))
        federation = FederatedSearch(Settings(providers=(one.provider("one"), other.provider("other"))))
        orders.append([(hit.pid, hit.provider) for hit in federation.search(text="scan", limit=25)])
    assert orders[0] == orders[1]


def test_a_busy_provider_is_asked_again(serve):
    answers = [refused(503, "busy"), refused(429, "busy"), said(MANY[:2]), *[said([])] * 9]
    server = serve(lambda _: answers.pop(0))
    assert len(SearchClient(server.provider()).find_datasets()) == 2
    waiting = serve(lambda _: (503, {"Retry-After": "3600"}, b""))
    with pytest.raises(ProviderUnreachable, match="busy"):
        SearchClient(waiting.provider()).find_datasets()
    assert len(waiting.requests) == 1
    down = serve(lambda _: refused(503, "busy"))
    with pytest.raises(ProviderUnreachable, match="busy"):
        SearchClient(down.provider()).find_datasets()
    assert len(down.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 500])
def test_what_was_answered_is_not_asked_again(serve, status):
    server = serve(lambda _: refused(status, "no"))
    with pytest.raises((ValueError, PermissionError)):
        SearchClient(server.provider(dialect="panosc-analysis")).find_datasets()
    assert len(server.requests) == 1


def test_a_mistake_over_one_provider_costs_no_other(serve, caplog):
    good, odd = serve(SearchApi(MANY[:3])), serve(SearchApi(MANY[:3]))
    settings = Settings(providers=(odd.provider("odd"), good.provider("good")))
    hits = FederatedSearch(settings, tokens={"odd": 3}).search()  # no token at all
    assert [one.state for one in hits.outcomes] == ["malformed", "ok"]
    assert "nobody expected" in hits.outcomes[0].reason
    assert "AttributeError" in caplog.text
    assert len(hits) == 3


def test_two_providers_of_one_name_are_refused(serve):
    server = serve(SearchApi(MANY[:1]))
    with pytest.raises(SettingsError, match="Two providers"):
        FederatedSearch(Settings(providers=(server.provider(), server.provider())))
