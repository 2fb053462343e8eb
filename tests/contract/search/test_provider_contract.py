"""What the client promises of any provider, whatever it holds.

Asked of the embedded server, of each implementation in `panosc_analysis.testing`, and of any live provider that
``--search-api-url`` names (with ``--search-api-dialect``, if it is known).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from panosc_analysis.catalogue import build_index, create_app
from panosc_analysis.demo import make_facility
from panosc_analysis.errors import DatasetNotFound
from panosc_analysis.filters import related
from panosc_analysis.model import Dataset, Document, Instrument, pid_key
from panosc_analysis.search import FederatedSearch, SearchClient
from panosc_analysis.search.detection import detect
from panosc_analysis.settings import Provider, Settings
from panosc_analysis.testing import serve
from panosc_analysis.testing.implementations import DataGateway, Ill, Reference, SciCat
from tests.contract.conftest import served

FAKES = {"reference": Reference, "scicat": SciCat, "ill": Ill, "datagateway": DataGateway}


@contextmanager
def embedded(folder: Path) -> Iterator[str]:
    """The catalogue over the demo facility, as it is served."""
    make_facility(folder / "data", size="tiny")
    build_index(folder / "data", folder / "index.db")
    with served(create_app(folder / "index.db", everything=True)) as address:
        yield f"{address}/api"


@pytest.fixture(scope="module")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded(tmp_path_factory.mktemp("facility")) as url:
        yield url


@pytest.fixture(scope="module")
def records(facility: str) -> list[dict[str, Any]]:
    """The demo facility's datasets as JSON, for the other implementations to serve."""
    client = SearchClient(Provider("demo", facility, dialect="panosc-analysis"), timeout=30)
    return [client.get_dataset(one.pid).to_json() | {"provider": None} for one in client.find_datasets()]


@pytest.fixture(scope="module", params=["embedded", "embedded as common", *FAKES, "live"])
def provider(request: pytest.FixtureRequest, facility: str) -> Iterator[Provider]:
    name = request.param
    with ExitStack() as stack:
        if name == "live":
            url = request.config.getoption("--search-api-url")
            if not url:
                pytest.skip("no --search-api-url given")
            yield Provider("live", url.rstrip("/"), dialect=request.config.getoption("--search-api-dialect"))
        elif name in FAKES:
            server = stack.enter_context(serve(FAKES[name](request.getfixturevalue("records"))))
            yield server.provider(name, dialect=name)
        else:
            yield Provider(name, facility, dialect="common" if "common" in name else "panosc-analysis")


@pytest.fixture(scope="module")
def client(provider: Provider) -> SearchClient:
    return SearchClient(provider, timeout=60)


@pytest.fixture(scope="module")
def some(client: SearchClient) -> list[Dataset]:
    found = client.find_datasets(limit=5)
    assert found, "this provider shows no dataset"
    return found


def keys(datasets: list[Dataset]) -> set[str]:
    return {pid_key(one.pid) for one in datasets}


def test_records_are_of_the_models_types(client: SearchClient) -> None:
    for found, kind in (
        (client.find_datasets(limit=20), Dataset),
        (client.find_documents(limit=5), Document),
        (client.find_instruments(limit=5), Instrument),
    ):
        assert all(isinstance(one, kind) and one.pid and one.provider for one in found)
        assert len({one.pid for one in found}) == len(found)


def test_a_smaller_limit_gives_the_first_of_a_larger(client: SearchClient) -> None:
    assert [one.pid for one in client.find_datasets(limit=2)] == [one.pid for one in client.find_datasets(limit=4)][:2]


def test_one_record_by_its_pid_has_what_the_list_said(client: SearchClient, some: list[Dataset]) -> None:
    for one in some[:3]:
        whole = client.get_dataset(one.pid)
        assert (whole.pid, whole.title, whole.creation_date) == (one.pid, one.title, one.creation_date)
        assert len(client.files(one.pid)) == len(whole.files)
        if client.provider.name not in {"live", "reference"}:  # the latter has no way from a dataset to its documents
            assert whole.documents
            assert whole.techniques
            assert whole.parameters
    for call in (client.get_dataset, client.files):
        with pytest.raises(DatasetNotFound):
            call("10.5072/there-is/no-such-thing")


def test_a_dataset_is_found_by_everything_that_it_says(client: SearchClient, some: list[Dataset]) -> None:
    for whole in (client.get_dataset(one.pid) for one in some[:3]):
        questions: list[dict[str, Any]] = [{"public": whole.is_public}] if whole.is_public is not None else []
        words = [one for one in whole.title.split() if one.isalnum()]
        questions += [{"text": words[-1]}] if words else []
        questions += [{"technique": one.pid} for one in whole.techniques if "PaNET" in one.pid]
        questions += [{"sample": one.name} for one in whole.samples[:1] if one.name]
        if whole.instrument:
            questions += [{"instrument": whole.instrument.name}]
            questions += [{"facility": whole.instrument.facility}] if whole.instrument.facility else []
        if whole.creation_date:
            day = whole.creation_date.date()
            questions += [{"since": day, "until": day}]
        for parameter in whole.parameters:
            if parameter.name == "incident_photon_energy":
                questions += [{"photon_energy": f"{parameter.value} {parameter.unit}"}]
        assert len(questions) > 2
        for question in questions:
            assert pid_key(whole.pid) in keys(client.find_datasets(**question, limit=10_000)), question


def test_a_raw_filter_is_answered_by_its_own_rules(client: SearchClient, some: list[Dataset]) -> None:
    title, pids = some[0].title, [one.pid for one in some]
    everything = client.find_datasets(limit=10_000)
    for where, holds in (
        ({"title": title}, lambda one: one.title == title),
        ({"title": {"neq": title}}, lambda one: one.title != title),
        ({"pid": {"inq": pids}}, lambda one: one.pid in pids),
        ({"pid": {"nin": pids}}, lambda one: one.pid not in pids),
        ({"title": {"nilike": title[:4]}}, lambda one: title[:4].lower() not in one.title.lower()),
        ({"and": [{"or": [{"title": title}, {"pid": pids[-1]}]}, {"pid": {"neq": pids[0]}}]}, None),
    ):
        found = keys(client.find_datasets({"where": where, "limit": 10_000}))
        if holds is None:
            assert found <= keys(some)
        else:
            assert found == keys([one for one in everything if holds(one)]), where
    assert keys(client.find_datasets({"where": {"title": {"like": "no such title anywhere"}}})) == set()


def test_counting_agrees_with_finding(client: SearchClient, some: list[Dataset]) -> None:
    assert client.count_datasets() == len(client.find_datasets(limit=10_000))
    where = {"title": {"ilike": some[0].title[:5]}}
    assert client.count_datasets(where) == len(client.find_datasets({"where": where, "limit": 10_000}))


def test_documents_and_instruments_lead_to_datasets(client: SearchClient) -> None:
    for document in client.find_documents(limit=2):
        assert client.get_document(document.pid).title == document.title
        found = client.find_datasets(
            {"include": [{"relation": "documents", "scope": {"where": {"pid": document.pid}}}]}
        )
        assert all(any(pid_key(d.pid) == pid_key(document.pid) for d in one.documents) for one in found)
    for instrument in client.find_instruments(limit=2):
        assert client.get_instrument(instrument.pid).name == instrument.name


def test_pages_and_streams_give_what_a_search_gives(provider: Provider) -> None:
    federation = FederatedSearch(Settings(providers=(provider,), timeout=60))
    hits = federation.search(limit=10)
    assert [outcome.state for outcome in hits.outcomes] == ["ok"]
    assert [one.pid for page in hits.pages(3) for one in page] == [one.pid for one in hits]
    streamed = [one for arrival in federation.stream(limit=10) for one in arrival.datasets]
    assert keys(streamed) == keys(list(hits))


def test_the_implementation_is_recognised(provider: Provider) -> None:
    found = detect(provider, timeout=30)
    assert found.because
    if provider.name != "live":
        assert found.dialect == (provider.name if provider.name in FAKES else "panosc-analysis")
        assert found.measured is (provider.name not in {"ill", "datagateway"})


def test_the_records_are_read_alike_everywhere(records: list[dict[str, Any]]) -> None:
    """The demo facility has what the other tests look for."""
    assert len(records) > 5
    assert all(related(one, "instrument") and one.get("techniques") for one in records)
