"""Whatever an implementation makes of a filter, the client's hits are those of the filter itself.

Each implementation of `panosc_analysis.testing` misbehaves as the one in use does. Random records, random questions:
what the client finds is what the filter tree accepts among all records as that implementation shows them.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panosc_analysis.model import pid_key
from panosc_analysis.search import DocumentQuery, SearchClient
from panosc_analysis.search.query import question_from
from panosc_analysis.testing import serve
from panosc_analysis.testing.implementations import DataGateway, Ill, Implementation, Reference, SciCat
from tests.contract.search.generated import document_words, filters, records, words

MAKERS = {
    "reference with PaNET": lambda records, most: Reference(records, most=most, panet=True),
    "reference": lambda records, most: Reference(records, most=most),
    "scicat": lambda records, most: SciCat(records, most=most),
    "ill": lambda records, most: Ill(records, most=most),
    "datagateway": lambda records, most: DataGateway(records, most=most),
}


def check(name: str, dialect: str, data: Any, most: int | None, raw: Any = None, **asked: Any) -> None:
    """Compare what the client finds with what the filter tree accepts."""
    implementation: Implementation = MAKERS[name](data, most)
    question = question_from(raw, asked)
    expected = {pid_key(one["pid"]) for one in implementation.shown() if question.accepts(one)}
    with serve(implementation) as server:
        client = SearchClient(server.provider(dialect=dialect), timeout=60, cache_seconds=0)
        found = client.find_datasets(raw, **asked)
    assert {pid_key(one.pid) for one in found} == expected
    assert len(found) == len(expected)


thorough = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", MAKERS)
@thorough
@given(data=records, most=st.sampled_from([None, 1, 3]), asked=words)
def test_words_find_what_they_mean(name: str, data: Any, most: int | None, asked: dict[str, Any]) -> None:
    check(name, name.split()[0], data, most, **asked)


@pytest.mark.parametrize("name", MAKERS)
@thorough
@given(data=records, most=st.sampled_from([None, 1, 3]), raw=filters)
def test_raw_filters_find_what_they_mean(name: str, data: Any, most: int | None, raw: Any) -> None:
    check(name, name.split()[0], data, most, raw)


@pytest.mark.parametrize("name", ["reference", "scicat", "ill"])
@thorough
@given(data=records, most=st.sampled_from([None, 1, 3]), asked=words)
def test_an_unknown_implementation_and_words(name: str, data: Any, most: int | None, asked: Any) -> None:
    check(name, "common", data, most, **asked)


@pytest.mark.parametrize("name", ["reference", "scicat", "ill"])
@thorough
@given(data=records, most=st.sampled_from([None, 1, 3]), raw=filters)
def test_an_unknown_implementation_and_raw_filters(name: str, data: Any, most: int | None, raw: Any) -> None:
    check(name, "common", data, most, raw)


@pytest.mark.parametrize("name", MAKERS)
@thorough
@given(data=records, most=st.sampled_from([None, 1, 3]), asked=document_words)
def test_documents_are_found_by_their_datasets(name: str, data: Any, most: int | None, asked: dict[str, Any]) -> None:
    implementation: Implementation = MAKERS[name](data, most)
    question = question_from(None, asked, DocumentQuery)
    expected = sorted(one["pid"] for one in implementation.shown_documents() if question.accepts(one))
    with serve(implementation) as server:
        client = SearchClient(server.provider(dialect=name.split()[0]), timeout=60, cache_seconds=0)
        assert sorted(one.pid for one in client.find_documents(**asked)) == expected


# Deterministic cases in which the filter itself, sent as it is, loses hits: the implementations do misbehave.
LOST = {
    "reference": {"include": [{"relation": "samples", "scope": {"where": {"name": "NaCl"}}}], "limit": 2},
    "scicat": {"where": {"size": {"between": [0, 10]}}},
    "ill": {"where": {"title": {"like": "LaB6"}}},
    "datagateway": {"where": {"isPublic": True}},
}


@pytest.mark.parametrize("name", LOST)
def test_a_filter_sent_as_it_is_loses_hits(name: str) -> None:
    data = [
        {
            "pid": f"10.5072/demo/set-{n}",
            "title": f"LaB6 scan {n}",
            "isPublic": True,
            "creationDate": "2026-03-01T10:00:00.000Z",
            "size": 5,
            "samples": [{"pid": "s", "name": "NaCl" if n > 3 else "LaB6"}],
        }
        for n in range(6)
    ]
    implementation = MAKERS[name](data, 3)
    expected = [one["pid"] for one in implementation.shown() if question_from(LOST[name], {}).accepts(one)]
    assert expected
    with serve(implementation) as server:
        verbatim = SearchClient(server.provider(dialect="panosc-analysis"), cache_seconds=0)
        assert len(verbatim.find_datasets(LOST[name])) < len(expected)
        careful = SearchClient(server.provider(dialect=name), cache_seconds=0)
        assert len(careful.find_datasets(LOST[name])) == min(len(expected), LOST[name].get("limit", 100))


def test_a_server_of_another_facility_is_not_read() -> None:
    instrument = {"pid": "i", "name": "LoKI", "facility": "any"}
    data = [
        {"pid": f"10.5072/set-{n}", "title": "LaB6", "isPublic": True, "creationDate": None, "instrument": instrument}
        for n in range(300)
    ]
    with serve(SciCat(data, facility="ESS")) as server:
        client = SearchClient(server.provider(dialect="scicat"), cache_seconds=0)
        assert client.find_datasets(facility="ILL") == []
        assert len(server.requests) == 1
        assert len(client.find_datasets(facility="ess", limit=300)) == 300
        either = {"or": [{"facility": "ILL"}, {"name": "LoKI"}]}
        include = [{"relation": "instrument", "scope": {"where": either}}]
        assert len(client.find_datasets({"include": include, "limit": 300})) == 300
        assert [one.facility for one in client.find_instruments(facility="ESS")] == ["ESS"]
        assert client.find_instruments(facility="ILL") == []
