"""What is sent for a filter, in each dialect. That nothing is lost by it is shown in tests/contract/search."""

import json

import pytest

from panosc_analysis.errors import SettingsError
from panosc_analysis.filters import Filter, accepts, parse_filter
from panosc_analysis.search import Query, panet, wire
from panosc_analysis.search.dialects import DIALECTS, dialect_named
from panosc_analysis.search.dialects.texts import longest_run, may_be_a_date
from panosc_analysis.settings import DIALECTS as NAMES
from tests.unit.search.conftest import dataset

PARTIAL = [one for one in DIALECTS.values() if not one.complete]


def sent(filter, name, entity="Datasets"):
    return [one.filter.to_json() for one in wire.requests(parse_filter(filter), entity, dialect_named(name))]


def where_sent(where, name):
    return [one.get("where") for one in sent({"where": where}, name)]


def joins_sent(relation, where, name):
    filter = {"include": [{"relation": relation, "scope": {"where": where}}]}
    return [one for request in sent(filter, name) for one in request["include"] if one["relation"] == relation]


def test_the_settings_name_the_dialects_that_there_are():
    assert tuple(DIALECTS) == NAMES
    assert all(name == one.name and one.title for name, one in DIALECTS.items())
    with pytest.raises(SettingsError, match="scicat"):
        dialect_named("sicat")


@pytest.mark.parametrize(
    "where",
    [
        {"title": {"neq": "x"}},
        {"title": {"nlike": "x"}},
        {"title": {"gt": "M"}},
        {"size": 1.5},
        {"size": None},
        {"title": {"ilike": "(%)"}},
        {"and": [{"or": [{"title": "a"}, {"size": {"neq": 1}}]}]},
        {"pid": {"nin": ["a"]}},
        {"keywords": "x"},
        {"nothing": 1},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("dialect", PARTIAL, ids=lambda one: one.name)
def test_what_not_every_server_evaluates_is_not_sent(where, dialect):
    assert {str(one) for one in where_sent(where, dialect.name)} == {"None"}


@pytest.mark.parametrize(
    ("where", "name", "expected"),
    [
        ({"isPublic": False}, "reference", {"isPublic": False}),
        ({"isPublic": False}, "datagateway", None),
        ({"size": {"gt": 0}}, "reference", {"size": {"gt": 0}}),
        ({"size": {"gt": 0}}, "ill", None),
        ({"title": "scan 1"}, "reference", {"title": "scan 1"}),
        ({"title": "LaB6"}, "scicat", {"title": "LaB6"}),
        ({"title": "scan 1"}, "scicat", {"title": {"ilike": "scan"}}),
        ({"title": {"like": "C60(OH)24+"}}, "reference", {"title": {"ilike": "C60"}}),
        ({"text": "LaB6 (100%)"}, "ill", {"title": {"ilike": "%LaB6%"}}),
        ({"pid": "https://doi.org/10.5072/Demo/SET-1"}, "ill", {"pid": {"ilike": "%5072%"}}),
        ({"pid": "pid:17"}, "datagateway", None),
        ({"pid": "10.5072/demo-a"}, "scicat", {"pid": {"ilike": "demo"}}),
        (
            {"and": [{"or": [{"title": "a"}, {"title": "b"}]}, {"isPublic": True}]},
            "ill",
            {"and": [{"or": [{"title": "a"}, {"title": "b"}]}, {"isPublic": True}]},
        ),
        (
            {"and": [{"or": [{"title": "a"}, {"title": "b"}]}, {"isPublic": True}]},
            "scicat",
            {"or": [{"title": "a"}, {"title": "b"}]},
        ),
        (
            {"creationDate": {"between": ["2026-03-01", "2026-03-02"]}},
            "scicat",
            {
                "and": [
                    {"creationDate": {"gte": "2026-02-28T23:59:59.000Z"}},
                    {"creationDate": {"lte": "2026-03-02T00:00:01.000Z"}},
                ]
            },
        ),
        ({"title": {"neq": "x"}}, "panosc-analysis", {"title": {"neq": "x"}}),
    ],
)
def test_each_dialect_is_asked_as_much_as_it_evaluates(where, name, expected):
    assert where_sent(where, name) == [expected]


def test_an_unknown_server_is_asked_with_and_without_wildcards():
    assert where_sent({"title": {"like": "LaB6"}}, "common") == [
        {"title": {"ilike": "LaB6"}},
        {"title": {"ilike": "%LaB6%"}},
    ]


ENERGY = {"and": [{"name": "incident_photon_energy"}, {"value": {"gt": 8}}, {"unit": "keV"}]}


def test_parameters_are_asked_for_by_name():
    (by_name,) = joins_sent("parameters", ENERGY, "reference")
    assert by_name["scope"]["where"] == {"and": [{"name": "incident_photon_energy"}]}
    (with_value,) = joins_sent("parameters", ENERGY, "scicat")
    assert [sorted(part) for one in with_value["scope"]["where"]["or"] for part in one["and"]] == [
        ["name"],
        ["value"],
    ] * 2
    assert joins_sent("parameters", {"value": {"gt": 8}}, "scicat") == [{"relation": "parameters"}]
    assert joins_sent("parameters", ENERGY, "panosc-analysis") == [
        {"relation": "parameters", "scope": {"where": ENERGY}}
    ]


def test_a_field_that_no_record_has_is_no_alternative():
    where = {"or": [{"pid": panet.PURL + "PaNET01188"}, {"panetId": panet.PURL + "PaNET01188"}]}
    (at_ill,) = joins_sent("techniques", where, "ill")
    assert "panetId" not in json.dumps(at_ill)
    assert panet.PURL in json.dumps(at_ill)
    assert joins_sent("techniques", where, "reference") == [{"relation": "techniques"}]


def test_a_relation_is_named_once():
    include = [{"relation": "samples", "scope": {"where": {"name": one}}} for one in ("a", "b")]
    include += [{"relation": "instrument", "scope": {"where": {"name": one}}} for one in ("a", "b")]
    for dialect in PARTIAL:
        for request in wire.requests(parse_filter({"include": include}), "Datasets", dialect):
            named = [one.relation for one in request.filter.include]
            assert len(named) == len(set(named))
    (request,) = sent({"include": include}, "ill")
    scopes = {one["relation"]: one.get("scope", {}).get("where") for one in request["include"]}
    assert scopes["samples"] == {"or": [{"name": "a"}, {"name": "b"}]}
    assert scopes["instrument"] == {"and": [{"name": "a"}, {"name": "b"}]}


@pytest.mark.parametrize("name", ["reference", "ill", "panosc-analysis"])
def test_long_lists_are_divided_and_nothing_of_them_is_lost(name):
    titles = [f"a rather long title that nobody shortens, number {n}" for n in range(900)]
    requests = sent({"where": {"and": [{"title": {"inq": titles}}, {"isPublic": True}]}}, name)
    assert 5 < len(requests) < 30
    asked = [
        title for one in requests for part in one["where"]["and"] if "title" in part for title in part["title"]["inq"]
    ]
    assert sorted(asked) == sorted(titles)
    assert all({"isPublic": True} in one["where"]["and"] for one in requests)
    assert all(len(Filter.to_text(parse_filter(one))) < 8000 for one in requests)


def test_a_broad_technique_is_divided_too():
    filter = Query(technique="photon probe technique").question().filters[0]
    requests = wire.requests(filter, "Datasets", dialect_named("scicat"))
    assert len(requests) > 1
    assert all(len(one.filter.to_text()) < 8000 for one in requests)


def test_what_would_take_too_many_requests_is_dropped_and_judged_here():
    titles = [f"{n} {'x' * 900}" for n in range(900)]
    (request,) = sent({"where": {"title": {"inq": titles}}}, "reference")
    assert "where" not in request


def test_every_request_for_datasets_names_a_relation():
    for words in (
        {},
        {"text": "LaB6 (100%)"},
        {"technique": "x-ray probe technique"},
        {"temperature": (-5, 5), "public": False},
    ):
        for filter in Query(**words).question().filters:
            for dialect in DIALECTS.values():
                assert all(one.filter.include for one in wire.requests(filter, "Datasets", dialect))


def test_pages_are_believed_where_joins_come_before_the_limit():
    filter = parse_filter({"include": [{"relation": "samples", "scope": {"where": {"name": "a"}}}]})
    (at_ill,) = wire.requests(filter, "Datasets", dialect_named("ill"))
    assert at_ill.rows is None
    (at_reference,) = wire.requests(filter, "Datasets", dialect_named("reference"))
    assert at_reference.rows == Filter(include=parse_filter({"include": ["instrument"]}).include)


def test_texts_that_javascript_reads_as_dates():
    assert [may_be_a_date(one) for one in ("scan 1", "march-1", "2020", "x mar7")] == [True] * 4
    assert [may_be_a_date(one) for one in ("LaB6", "march", "10.5072/demo/set-1", "PaNET01188")] == [False] * 4
    assert longest_run("cafe\u0301 ab", no_dates=False) == "ab"
    assert longest_run("(%)", no_dates=False) is None
    assert longest_run("scan 2026", no_dates=True) == "scan"
    assert longest_run("2026", no_dates=True) is None


def test_what_is_sent_accepts_what_the_filter_accepts():
    record = dataset(3)
    for dialect in PARTIAL:
        for words in (
            {"technique": "powder diffraction"},
            {"photon_energy": 33},
            {"public": False},
            {"sample": "lab6"},
        ):
            (filter,) = Query(**words).question().filters
            assert accepts(filter, record)
            assert all(accepts(one.filter, record) for one in wire.requests(filter, "Datasets", dialect))
