import asyncio

import pytest

from panosc_analysis.errors import DatasetNotFound, FilterError, ProviderUnreachable, SettingsError
from panosc_analysis.search import FederatedSearch, Outcome, search
from panosc_analysis.settings import Provider, Settings
from tests.unit.search.conftest import SearchApi, dataset, refused, said

ONE = [dataset(n) for n in range(4)]
OTHER = [dataset(3, pid="doi:10.5072/DEMO/set-3", title="the same elsewhere"), dataset(9, pid="10.1000/other")]


def settings(*providers: Provider, **more) -> Settings:
    return Settings(providers=providers, **more)


def test_all_are_asked_and_a_dataset_is_given_once_newest_first(serve):
    one, other = serve(SearchApi(ONE)), serve(SearchApi(OTHER))
    hits = search(settings(one.provider("one"), other.provider("other")), technique="powder diffraction")
    assert [(hit.pid, hit.provider) for hit in hits] == [
        ("10.1000/other", "other"),
        ("10.5072/demo/set-3", "one"),
        ("10.5072/demo/set-2", "one"),
        ("10.5072/demo/set-1", "one"),
        ("10.5072/demo/set-0", "one"),
    ]
    assert [(one.provider, one.state, one.hits, one.more) for one in hits.outcomes] == [
        ("one", "ok", 4, False),
        ("other", "ok", 2, False),
    ]
    assert hits.complete


def test_the_limit_says_that_there_is_more(serve):
    server = serve(SearchApi(ONE))
    hits = search(settings(server.provider()), limit=2)
    assert len(hits) == 2
    assert hits.outcomes[0].more
    assert not hits.complete
    assert "at least 2 datasets" in str(hits)


def test_one_that_fails_costs_nobody_else_and_is_named(serve):
    good, bad = serve(SearchApi(ONE)), serve(lambda _: refused(403, "members only"))
    hits = search(settings(Provider("gone", "http://127.0.0.1:1"), bad.provider("closed"), good.provider("good")))
    assert len(hits) == 4
    assert [one.state for one in hits.outcomes] == ["unreachable", "refused", "ok"]
    assert "members only" in str(hits)
    assert not hits.complete


def test_what_came_before_a_failure_is_kept_as_partial(serve):
    def breaks(request):
        return SearchApi(ONE, most=3)(request) if request.filter.skip == 0 else refused(500, "disk")

    (outcome,) = (hits := search(settings(serve(breaks).provider()))).outcomes
    assert (outcome.state, outcome.hits, outcome.more, len(hits)) == ("partial", 3, True, 3)
    assert "disk" in str(outcome)


def test_a_relation_that_a_provider_does_not_know_leaves_the_rest_partial(serve):
    server = serve(SearchApi(ONE, known=frozenset({"instrument", "techniques"})))
    (outcome,) = (hits := search(settings(server.provider()), text="ID31")).outcomes
    assert (outcome.state, len(hits)) == ("partial", 4)  # found by their instrument; their samples cannot be asked for
    assert "500" in outcome.reason


def test_records_without_a_pid_are_counted(serve):
    answer = [*ONE, {"title": "nameless"}, 3, {"pid": None}]
    (outcome,) = search(settings(serve(lambda r: said(answer if r.filter.skip == 0 else [])).provider())).outcomes
    assert (outcome.state, outcome.hits) == ("partial", 4)
    assert outcome.reason.startswith("3 ")


def test_get_takes_the_first_that_has_it(serve):
    one, other = serve(SearchApi(ONE)), serve(SearchApi(OTHER))
    federation = FederatedSearch(settings(one.provider("one"), other.provider("other")))
    assert federation.get("10.1000/other").provider == "other"
    assert federation.get("10.5072/demo/set-0").files[0].path == "/data/0/a.h5"


def test_get_says_who_did_not_answer(serve):
    server = serve(SearchApi(ONE))
    gone = Provider("gone", "http://127.0.0.1:1")
    with pytest.raises(DatasetNotFound, match="gone cannot be reached"):
        FederatedSearch(settings(server.provider(), gone)).get("10.5072/nope")
    with pytest.raises(DatasetNotFound) as caught:
        FederatedSearch(settings(server.provider())).get("10.5072/nope")
    assert "Not everybody" not in str(caught.value)
    with pytest.raises(ProviderUnreachable, match="No provider could say"):
        FederatedSearch(settings(gone)).get("10.5072/nope")
    with pytest.raises(FilterError):
        FederatedSearch(settings(gone)).get(" ")


def test_without_providers_the_settings_are_named():
    with pytest.raises(SettingsError, match="PANOSC_PROVIDERS"):
        search(Settings())


def test_inside_a_running_event_loop(serve):
    server = serve(SearchApi(ONE))

    async def notebook():
        return search(settings(server.provider()))

    assert len(asyncio.run(notebook())) == 4


def test_a_raw_filter_with_its_order(serve):
    server = serve(SearchApi(ONE))
    hits = FederatedSearch(settings(server.provider())).search({"order": "pid ASC", "limit": 3})
    assert [hit.pid[-1] for hit in hits] == ["0", "1", "2"]


def test_outcomes_say_themselves():
    assert str(Outcome("A", "ok", 1, seconds=0.42)) == "A: 1 dataset in 0.4 s"
    timed_out = Outcome("B", "timed out", seconds=5, reason="B gave no answer within 5 s", hint="Try again later")
    assert str(timed_out) == "B: timed out; gave no answer within 5 s. Try again later."
    assert not timed_out.answered
