import asyncio

import pytest

from panosc_analysis.errors import (
    DatasetNotFound,
    FilterError,
    ProviderAnswerError,
    ProviderRefused,
    ProviderUnreachable,
)
from panosc_analysis.search import AsyncSearchClient, SearchClient
from panosc_analysis.settings import Provider
from tests.unit.search.conftest import PANET, Request, SearchApi, dataset, refused, said

RECORDS = [dataset(n) for n in range(7)]
DOCUMENTS = [{"pid": "10.5072/demo/hc-5001", "type": "proposal", "title": "Strain", "datasets": RECORDS}]


@pytest.fixture
def api(serve):
    return serve(SearchApi(RECORDS, DOCUMENTS))


def test_find_get_count_files(api):
    with SearchClient(api.provider()) as client:
        found = client.find_datasets(technique="powder diffraction", photon_energy=(31, 33))
        assert [one.pid[-5:] for one in found] == ["set-1", "set-2", "set-3"]
        assert found[0].provider == "demo"
        assert found[0].instrument is not None
        assert found[0].techniques
        assert client.find_datasets(limit=1) == client.find_datasets(limit=2)[:1]
        assert client.get_dataset("10.5072/demo/SET-3").parameters[0].value == 33
        assert client.count_datasets({"isPublic": True}) == 4
        assert client.count_datasets() == 7
        assert client.files("10.5072/demo/set-1")[0].path == "/data/1/a.h5"
        assert client.find_documents({"where": {"text": "strain"}})[0].type == "proposal"
        assert client.get_document("10.5072/demo/hc-5001").datasets
        assert client.count_documents() == 1
        assert client.find_instruments()[0].name == "ID31"
        assert client.get_instrument("i1").facility == "PaNOSC demo facility"
        assert client.count_instruments() == 1


def test_a_pid_with_slashes_goes_encoded_once(api):
    SearchClient(api.provider()).files("10.5072/demo/set-1")
    assert {one.path for one in api.requests} == {"/Datasets/10.5072%2Fdemo%2Fset-1/files"}


def test_raw_filters_are_sent_narrow_and_judged_here(api):
    raw = {"where": {"title": {"nlike": "3"}, "size": {"gte": 0}}, "order": "creationDate DESC", "limit": 5}
    found = SearchClient(api.provider()).find_datasets(raw)
    assert [one.pid[-1] for one in found] == ["5", "4", "2", "1", "0"]
    assert all(one.filter.where is None and one.filter.include for one in api.requests)


def test_every_request_has_a_limit_and_a_relation(api):
    SearchClient(api.provider()).find_datasets(text="LaB6", public=True)
    assert all(one.filter.limit and one.filter.include for one in api.requests)


@pytest.mark.parametrize(
    "habits",
    [
        {},
        {"most": 30},
        {"most": 100, "limit_first": True},
        {"known": frozenset({"instrument", "techniques", "samples", "parameters", "files", "datasets"})},
        {"covering": True},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"sample": "NaCl"}, 40),
        ({"text": "NaCl"}, 40),
        ({"text": "scan 150"}, 1),
        ({"technique": "SAXS"}, 20),
        ({"photon_energy": (100, 104)}, 5),
        ({"proposal": "hc-5001"}, 100),
        ({"instrument": "BM18", "public": True}, 30),
        ({}, 100),
    ],
    ids=str,
)
def test_nothing_is_lost_to_the_habits_of_providers(serve, habits, words, expected):
    records = [dataset(n) for n in range(200)]
    for record in records[100:]:
        record["documents"] = []
    for record in records[120:160]:
        record["samples"] = [{"pid": "s2", "name": "NaCl"}]
    for record in records[140:160]:
        record["techniques"] = [{"pid": f"{PANET}PaNET01162", "name": "GISAXS"}]
    for record in records[140:]:
        record["instrument"] = {"pid": "i2", "name": "BM18", "facility": "ESRF"}
    documents = [{"pid": "10.5072/demo/hc-5001", "title": "Strain", "datasets": records[:100]}]
    server = serve(SearchApi(records, documents, **habits))
    found = SearchClient(server.provider(), timeout=20).find_datasets(**words, limit=100)
    assert len({one.pid for one in found}) == len(found) == expected
    assert len(server.requests) < 250


def test_what_a_provider_gives_too_much_is_not_a_hit(serve):
    def everything(request: Request):
        return said(RECORDS if request.filter.skip == 0 else [])

    found = SearchClient(serve(everything).provider()).find_datasets(photon_energy=31, public=False)
    assert [one.pid[-1] for one in found] == ["1"]


def test_a_provider_that_repeats_its_last_record_ends(serve):
    server = serve(lambda request: said(RECORDS[-1:]))
    assert len(SearchClient(server.provider()).find_datasets()) == 1
    assert len(server.requests) == 2


def test_files_come_from_the_record_where_there_is_no_address_for_them(serve):
    server = serve(SearchApi(RECORDS, no_files=True))
    assert SearchClient(server.provider()).files("10.5072/demo/set-1")[0].name == "a.h5"


def test_files_come_from_their_address_where_the_record_has_none(serve):
    server = serve(SearchApi(RECORDS, known=frozenset({"instrument"})))
    found = SearchClient(server.provider()).get_dataset("10.5072/demo/set-1")
    assert found.files[0].name == "a.h5"
    assert found.instrument is not None


def test_files_are_turned_page_by_page(serve):
    many = [{"id": "same", "name": f"{n}.h5", "path": "d"} for n in range(250)]
    server = serve(SearchApi([dataset(1, files=many)], most=100))
    assert len(SearchClient(server.provider()).files("10.5072/demo/set-1")) == 250


@pytest.mark.parametrize("answer", [{"count": "044"}, "8", [], {"count": -1}, {"count": True}, None])
def test_a_count_that_is_none_is_refused(serve, answer):
    with pytest.raises(ProviderAnswerError, match="count"):
        SearchClient(serve(lambda _: said(answer)).provider(dialect="ill")).count_datasets()


def test_a_bare_number_is_a_count(serve):
    client = SearchClient(serve(lambda _: said(12)).provider(dialect="ill"))
    assert client.count_datasets({"title": "x"}) == 12


def test_a_count_that_the_provider_cannot_make_is_made_here(api):
    client = SearchClient(api.provider(dialect="scicat"))
    assert client.count_datasets({"title": {"nlike": "3"}}) == 6
    assert client.count_datasets(photon_energy=(31, 33)) == 3
    assert client.count_documents(text="strain") == 1
    assert client.count_instruments(facility="panosc") == 1
    assert not any("/count" in one.path for one in api.requests)
    with pytest.raises(FilterError, match="together"):
        client.count_datasets({"isPublic": True}, text="x")


def test_documents_and_instruments_by_words(api):
    client = SearchClient(api.provider())
    assert [
        one.pid for one in client.find_documents(text="STRAIN", type="proposal", technique="powder diffraction")
    ] == ["10.5072/demo/hc-5001"]
    assert client.find_documents(technique="SANS") == []
    assert client.find_documents(photon_energy=(500, 600)) == []
    assert [one.name for one in client.find_instruments(text="id31 demo")] == ["ID31"]
    assert client.find_instruments(name="ID32") == []
    with pytest.raises(FilterError, match="technique"):
        client.find_documents(techniqe="SAXS")


def test_people_are_asked_for_with_a_document(serve):
    member = {"id": "1", "role": "main proposer", "person": {"id": "7", "fullName": "A. Person"}}
    server = serve(SearchApi(RECORDS, [{**DOCUMENTS[0], "members": [member]}]))
    (found,) = SearchClient(server.provider()).get_document("10.5072/demo/hc-5001").members
    assert (found.role, found.person.full_name) == ("main proposer", "A. Person")


def test_an_unknown_pid(api):
    with pytest.raises(DatasetNotFound, match=r"10\.5072/nope"):
        SearchClient(api.provider()).get_dataset("10.5072/nope")
    with pytest.raises(DatasetNotFound):
        SearchClient(api.provider()).files("10.5072/nope")
    with pytest.raises(FilterError):
        SearchClient(api.provider()).get_dataset("..")


def test_another_record_than_the_one_asked_for_is_refused(serve):
    with pytest.raises(ProviderAnswerError, match="something else"):
        SearchClient(serve(lambda _: said(RECORDS[0])).provider()).get_dataset("10.5072/demo/set-1")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, ProviderRefused),
        (403, ProviderRefused),
        (429, ProviderUnreachable),
        (503, ProviderUnreachable),
        (404, ProviderAnswerError),
        (500, ProviderAnswerError),
        (204, ProviderAnswerError),
    ],
)
def test_statuses(serve, status, error):
    server = serve(lambda _: refused(status, "be\x1b[31mcause") if status != 204 else (204, {}, b""))
    with pytest.raises(error) as caught:
        SearchClient(server.provider()).find_datasets()
    assert caught.value.hint
    assert "\x1b" not in str(caught.value)
    if status == 500:
        assert "cause" in str(caught.value)


def test_inside_a_running_event_loop(api):
    async def notebook():
        waited = SearchClient(api.provider()).find_datasets()
        return waited, await AsyncSearchClient(api.provider()).find_datasets()

    waited, awaited = asyncio.run(notebook())
    assert waited == awaited
    assert len(waited) == 7


def test_nobody_there():
    with pytest.raises(ProviderUnreachable, match="cannot be reached"):
        SearchClient(Provider("gone", "http://127.0.0.1:1")).count_datasets()
