"""Providers that answer badly, on purpose or not: each is named, none costs another's datasets or the caller's time."""

import json
import time

from panosc_analysis.search import FederatedSearch, SearchClient, search
from panosc_analysis.settings import Settings
from tests.unit.search.conftest import SearchApi, dataset, said

GOOD = [dataset(n) for n in range(3)]


def test_a_record_that_holds_itself_a_thousand_times(serve):
    text = b'{"pid":"10.1000/a","documents":[{"pid":"d","datasets":['
    body = b"[" + text * 240 + b'{"pid":"e"}' + b"]}]}" * 240 + b"]"
    hits = search(Settings(providers=(serve(lambda r: (200, {}, body)).provider("bad"),)))
    assert [one.state for one in hits.outcomes] == ["malformed"]


def test_time_is_over_in_the_middle(serve):
    def slower_and_slower(request):
        time.sleep(0 if request.filter.skip == 0 else 3)
        return SearchApi(GOOD)(request)

    (outcome,) = (hits := search(Settings(providers=(serve(slower_and_slower).provider(),), timeout=1.0))).outcomes
    assert (outcome.state, len(hits)) == ("partial", 3)


def test_a_page_that_is_too_large_is_asked_for_in_parts(serve):
    server = serve(SearchApi([dataset(n, title="x" * 900) for n in range(12)]))
    client = SearchClient(server.provider(), answer_limit=8_000, timeout=30)
    assert len(client.find_datasets(limit=12)) == 12
    assert {one.filter.limit for one in server.requests} == {12, 3}


def test_a_redirect_on_the_same_host_is_followed(serve):
    api = SearchApi(GOOD)

    def moved(request):
        if request.path.startswith("/old"):
            return 307, {"Location": f"{request.path[4:]}?filter={json.dumps(request.filter.to_json())}"}, b""
        return api(request)

    server = serve(moved)
    server.url += "/old"
    assert len(FederatedSearch(Settings(providers=(server.provider(),))).search(public=True)) == 2


def test_the_token_does_not_go_to_another_host(serve, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "s3cret")
    thief = serve(lambda _: said([]))
    redirecting = serve(lambda _: (302, {"Location": f"{thief.url}/Datasets"}, b""))
    hits = search(Settings(providers=(redirecting.provider(token_env="DEMO_TOKEN"),)))
    assert hits.outcomes[0].state == "malformed"
    assert not thief.requests
