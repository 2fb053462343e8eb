"""The index answers as the filter alone would, faster."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panosc_analysis.catalogue import build_index
from panosc_analysis.catalogue.querying import Catalogue
from panosc_analysis.catalogue.relations import check_relations
from panosc_analysis.catalogue.selecting import select_datasets
from panosc_analysis.catalogue.visibility import Viewer
from panosc_analysis.catalogue.widening import widened
from panosc_analysis.errors import FilterError
from panosc_analysis.filters import apply, parse_filter
from panosc_analysis.model import convert

ALL = Viewer(time.time(), everything=True)
RELATIONS = ["instrument", "techniques", "parameters", "samples", "files", "documents"]
PURL = "http://purl.org/pan-science/PaNET/"


def fields(number: int) -> dict[str, Any]:
    """One of forty measurements that differ in everything a filter may ask for."""
    is_neutron = number % 5 == 0
    source = {
        "@NX_class": "NXsource",
        "type": "Spallation Neutron Source" if is_neutron else "Synchrotron X-ray Source",
    }
    beam: dict[str, Any] = {"@NX_class": "NXbeam"}
    if is_neutron:
        beam["incident_wavelength"] = (1.0 + number / 10, "angstrom")
    elif number % 3:
        beam["incident_energy"] = (8.0 + number / 2, "keV")
    else:
        beam["incident_energy"] = (8000.0 + number * 500, "eV")
    temperature = (float(number * 10), "K") if number % 2 else (float(number * 10) - 273.15, "degC")
    sample = {"@NX_class": "NXsample", "name": f"sample {number % 7}", "temperature": temperature}
    if number % 4 == 0:
        sample["chemical_formula"] = ["Cu", "Fe2 O3", "12", "2026-01-01"][number // 4 % 4]
    return {
        "entry": {
            "@NX_class": "NXentry",
            "title": ["Straße ", "STRASSE ", "ΟΔΟΣ ", "Scan 100% "][number % 4] + str(number),
            "definition": ["NXmonopd", "NXsas", "NXtomo", "NXxas", "NXscan"][number % 5],
            "start_time": "" if number % 13 == 5 else f"2026-0{1 + number % 6}-1{number % 10}T10:00:00.123456+02:00",
            "entry_identifier": f"10.5072/Test/{number}",
            "experiment_identifier": f"p-{number % 6}",
            "instrument": {"@NX_class": "NXinstrument", "name": f"BM{number % 3}", "source": source, "beam": beam},
            "sample": sample,
            "data": {"@NX_class": "NXdata", "data": list(range(number + 1))},
        }
    }


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import h5py

    def put(group: h5py.Group, table: dict[str, Any]) -> None:
        for name, value in table.items():
            if name.startswith("@"):
                group.attrs[name[1:]] = value
            elif isinstance(value, dict):
                put(group.create_group(name), value)
            else:
                group[name] = value[0] if isinstance(value, tuple) else value
                if isinstance(value, tuple):
                    group[name].attrs["units"] = value[1]

    root = tmp_path_factory.mktemp("facility")
    for number in range(40):
        with h5py.File(root / f"{number:02}.h5", "w") as file:
            put(file, fields(number))
    rows = [{"id": f"P-{n}", "title": f"Proposal {n}", "public": n == 0} for n in range(5)]
    rows[1]["release_date"] = "2020-01-01"
    (root / "facility.json").write_text(json.dumps({"facility": "Test facility", "proposals": rows}))
    index = tmp_path_factory.mktemp("index") / "catalogue.sqlite"
    assert build_index(root, index).datasets == 40
    return index


@pytest.fixture(scope="module")
def catalogue(index: Path) -> Catalogue:
    return Catalogue(index)


@pytest.fixture(scope="module")
def everything(catalogue: Catalogue) -> list[dict[str, Any]]:
    """All records with all relations, straight through the filter's own `apply`."""
    return catalogue.find("Dataset", parse_filter({"include": RELATIONS}), ALL)


# Among the operands are stored values, in the unit they are stored in and in others: edges are where it breaks.
STORED = [float(n * 10) for n in range(40)] + [8.0 + n / 2 for n in range(40)] + [8000.0 + n * 500 for n in range(40)]
NUMBERS = st.one_of(
    st.integers(-300, 25000),
    st.floats(-300, 25000),
    st.sampled_from(STORED),
    st.sampled_from([round(one - 273.15, 6) for one in STORED[:40]]),
    st.sampled_from([0, 273.15, 0.1, 0.25]),
)
TEXTS = st.sampled_from(
    ["Straße", "strasse", "ΟΔΟΣ", "οδος", "ς", "Σ", "100%", "%", "_", "scan", "1", "sample 3", "", "\\"]
)
MOMENTS = [f"2026-0{1 + n % 6}-1{n % 10}T08:00:00.123" for n in range(40)]
DATES = st.one_of(
    st.sampled_from([f"{one}Z" for one in MOMENTS] + [f"{one}456Z" for one in MOMENTS]),
    st.sampled_from(["2026-03-01", "20260301", "2026-05-14T10:00:00.123+02:00"]),
)
ORDERED = st.sampled_from(["eq", "neq", "gt", "gte", "lt", "lte"])


def compared(field: str, operators: st.SearchStrategy[str], operands: st.SearchStrategy[Any]) -> Any:
    single = st.builds(lambda op, v: {field: {op: v}}, operators, operands)
    pair = st.builds(lambda a, b: {field: {"between": [a, b]}}, operands, operands)
    several = st.builds(lambda op, v: {field: {op: v}}, st.sampled_from(["inq", "nin"]), st.lists(operands, max_size=3))
    return st.one_of(single, st.builds(lambda v: {field: v}, operands), pair, several)


def nested(conditions: Any) -> Any:
    joined = lambda inner: st.builds(  # noqa: E731
        lambda word, parts: {word: parts}, st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)
    )
    return st.recursive(conditions, joined, max_leaves=5)


LIKE = st.sampled_from(["like", "ilike", "nlike", "nilike"])
PATTERNS = TEXTS.filter(bool)
PIDS = st.sampled_from(["10.5072/Test/3", "doi:10.5072/TEST/4", "local/x", "7", PURL + "PaNET01188", "PaNET01124"])
WHERE = nested(
    st.one_of(
        compared("title", ORDERED, TEXTS),
        st.builds(lambda op, v: {"title": {op: v}}, LIKE, PATTERNS),
        st.builds(lambda v: {"text": v}, PATTERNS),
        compared("pid", st.sampled_from(["eq", "neq"]), PIDS),
        compared("creationDate", ORDERED, DATES),
        compared("size", ORDERED, NUMBERS),
        compared("isPublic", st.sampled_from(["eq", "neq"]), st.booleans()),
        compared("nothing", ORDERED, NUMBERS),
    )
)
PARAMETERS = st.sampled_from(["incident_photon_energy", "sample_temperature", "x"])
UNITS = st.sampled_from(["keV", "eV", "K", "degC", "°C", "Å", "kg", ""])
PARAMETER = nested(
    st.one_of(
        compared("name", st.sampled_from(["eq", "neq"]), PARAMETERS),
        st.builds(lambda v: {"name": v}, st.sampled_from(["incident_photon_energy", "incident_wavelength"])),
        compared("value", ORDERED, st.one_of(NUMBERS, st.sampled_from(["Cu", "12", "2026-01-01"]))),
        compared("unit", st.sampled_from(["eq", "neq"]), UNITS),
    )
)
RANGE = st.builds(
    lambda name, op, value, unit: {"and": [{"name": name}, {"value": {op: value}}, {"unit": unit}]},
    st.sampled_from(["incident_photon_energy", "sample_temperature", "incident_wavelength", "sample_chemical_formula"]),
    ORDERED,
    NUMBERS,
    st.sampled_from(["keV", "eV", "J", "K", "degC", "celsius", "fahrenheit", "nm", "Å"]),
)
NAMES = st.sampled_from(["BM1", "SAXS", "small angle scattering", "sample 3", "x-ray tomography"])
NAMED = nested(
    st.one_of(
        compared("name", ORDERED, NAMES),
        compared("pid", st.sampled_from(["eq", "neq"]), PIDS),
        st.builds(lambda v: {"text": v}, PATTERNS),
    )
)
DOCUMENT = nested(
    st.one_of(
        compared("isPublic", st.just("eq"), st.booleans()),
        compared("releaseDate", ORDERED, DATES),
        st.builds(lambda v: {"pid": {"ilike": v}}, st.sampled_from(["p-1", "P-2", "proposal/p-3"])),
    )
)


def joined(relation: str, where: Any) -> Any:
    return st.builds(lambda inner: {"relation": relation, "scope": {"where": inner}}, where)


INCLUDE = st.one_of(
    joined("parameters", RANGE),
    joined("parameters", PARAMETER),
    joined("techniques", NAMED),
    joined("instrument", NAMED),
    joined("samples", NAMED),
    joined("documents", DOCUMENT),
)
ORDERS = st.sampled_from(["title", "creationDate DESC", "size", ["size DESC", "pid"], ["creationDate", "title"]])
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "where": WHERE,
        "include": st.lists(INCLUDE, max_size=3),
        "order": ORDERS,
        "limit": st.integers(0, 10),
        "skip": st.integers(0, 10),
    },
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILTERS)
def test_the_index_answers_as_the_filter_alone(
    catalogue: Catalogue, everything: list[dict[str, Any]], filter: dict[str, Any]
) -> None:
    try:
        asked = widened(parse_filter(filter))
    except FilterError:
        return
    expected = apply(asked, everything)
    assert catalogue.find("Dataset", asked, ALL) == expected
    whole = parse_filter({name: part for name, part in filter.items() if name in {"where", "include"}})
    assert catalogue.count("Dataset", whole, ALL) == len(apply(widened(whole), everything))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(INCLUDE.filter(lambda one: one["relation"] != "documents"), max_size=2), st.none() | WHERE)
def test_documents_and_instruments_are_joined_as_by_the_filter_alone(
    catalogue: Catalogue, include: list[Any], where: Any
) -> None:
    inner = {"include": include} | ({"where": where} if where else {})
    both: list[tuple[Any, list[str]]] = [("Document", ["instrument"]), ("Instrument", ["documents"])]
    for kind, others in both:
        relations = [one for one in RELATIONS if one not in {"instrument", "documents"}] + others
        allowed = [one for one in include if one["relation"] in relations]
        whole = {"include": [{"relation": "datasets", "scope": {"include": relations}}]}
        try:
            scope = inner | {"include": allowed}
            asked = widened(parse_filter({"include": [{"relation": "datasets", "scope": scope}]}))
        except FilterError:
            return
        records = catalogue.find(kind, parse_filter(whole), ALL)
        assert catalogue.find(kind, asked, ALL) == apply(asked, records)
        assert catalogue.count(kind, asked, ALL) == len(apply(asked, records))


OPERATORS = ["eq", "neq", "gt", "gte", "lt", "lte"]


@pytest.mark.parametrize("unit", ["keV", "eV", "J", "K", "degC", "fahrenheit", "angstrom", "nm", "pm"])
def test_the_edges_of_ranges_are_the_filter_s(
    catalogue: Catalogue, everything: list[dict[str, Any]], unit: str
) -> None:
    stored = {(p["name"], p["value"], p["unit"]) for one in everything for p in one["parameters"][:4]}
    edges = [(name, convert(value, own, unit)) for name, value, own in stored if isinstance(value, float)]
    known = sorted({(name, edge) for name, edge in edges if edge is not None})[::4]
    assert known
    for name, edge in known:
        for operator in OPERATORS:
            where = {"and": [{"name": name}, {"value": {operator: edge}}, {"unit": unit}]}
            asked = parse_filter({"include": [{"relation": "parameters", "scope": {"where": where}}]})
            assert catalogue.find("Dataset", asked, ALL) == apply(asked, everything)


def test_the_edges_of_dates_are_the_filter_s(catalogue: Catalogue, everything: list[dict[str, Any]]) -> None:
    for edge in sorted({one["creationDate"] for one in everything if "creationDate" in one}):
        for operator in OPERATORS:
            asked = parse_filter({"where": {"creationDate": {operator: edge}}, "order": "creationDate"})
            assert catalogue.find("Dataset", asked, ALL) == apply(asked, everything)
        asked = parse_filter({"where": {"creationDate": {"between": [edge, edge]}}, "order": "size DESC"})
        assert 0 < catalogue.count("Dataset", asked, ALL) == len(apply(asked, everything))


@pytest.mark.parametrize("order", ["creationDate", "creationDate DESC", "size", "title DESC", "nothing"])
def test_orders_are_the_filter_s(catalogue: Catalogue, everything: list[dict[str, Any]], order: str) -> None:
    asked = parse_filter({"order": order})
    assert catalogue.find("Dataset", asked, ALL) == apply(asked, everything)


@pytest.mark.parametrize(
    ("filter", "most"),
    [
        ({"where": {"pid": "10.5072/test/3"}}, 1),
        ({"where": {"text": "straße"}}, 10),
        ({"where": {"creationDate": {"between": ["2026-02-01", "2026-02-28"]}}}, 7),
        ({"include": [{"relation": "techniques", "scope": {"where": {"name": "tomography"}}}]}, 8),
        ({"include": [{"relation": "instrument", "scope": {"where": {"name": "BM1"}}}]}, 14),
        ({"include": [{"relation": "documents", "scope": {"where": {"pid": {"ilike": "p-1"}}}}]}, 7),
        (
            {
                "include": [
                    {
                        "relation": "parameters",
                        "scope": {
                            "where": {
                                "and": [
                                    {"name": "incident_photon_energy"},
                                    {"value": {"between": [8, 10]}},
                                    {"unit": "keV"},
                                ]
                            }
                        },
                    }
                ]
            },
            4,
        ),
    ],
)
def test_selective_filters_read_few_rows(catalogue: Catalogue, filter: dict[str, Any], most: int) -> None:
    rows = int(select_datasets(catalogue.version(), widened(parse_filter(filter)), ALL).mask.sum())
    assert 0 < rows <= most
    assert 0 < catalogue.count("Dataset", parse_filter(filter), ALL) <= rows


def test_everybody_sees_her_own(catalogue: Catalogue) -> None:
    def seen(viewer: Viewer) -> set[str]:
        found = catalogue.find("Dataset", parse_filter({"include": ["documents"]}), viewer)
        return {one["documents"][0]["keywords"][0] for one in found}

    now = time.time()
    assert seen(Viewer(now)) == {"P-0", "P-1"}
    assert seen(Viewer(now, frozenset({"p-2", "p-5", "unknown"}))) == {"P-0", "P-1", "P-2", "p-5"}
    assert seen(ALL) == {"P-0", "P-1", "P-2", "P-3", "P-4", "p-5"}
    assert seen(Viewer(0.0)) == {"P-0"}  # before the release date of the other


def test_what_is_closed_is_nowhere(catalogue: Catalogue) -> None:
    anybody = Viewer(time.time())
    assert catalogue.get("Dataset", "10.5072/Test/2", parse_filter({}), anybody) is None
    assert catalogue.get("Dataset", "10.5072/Test/2", parse_filter({}), ALL) is not None
    assert catalogue.get("Document", "proposal/p-2", parse_filter({}), anybody) is None
    documents = catalogue.find("Document", parse_filter({"include": ["datasets"]}), anybody)
    assert [one["pid"] for one in documents] == ["proposal/p-0", "proposal/p-1"]
    instruments = catalogue.find("Instrument", parse_filter({"include": ["datasets"]}), anybody)
    numbers = {int(one["pid"].rpartition("/")[2]) % 6 for two in instruments for one in two["datasets"]}
    assert numbers == {0, 1}
    for query in ("p-2", "Proposal", "straße"):
        found = catalogue.find("Dataset", parse_filter({"query": query}), anybody)
        assert all(one["isPublic"] for one in found)
        assert catalogue.count("Document", parse_filter({"query": query}), anybody) <= 2


def test_a_technique_means_its_kinds(catalogue: Catalogue) -> None:
    def count(where: dict[str, Any]) -> int:
        return catalogue.count(
            "Dataset", parse_filter({"include": [{"relation": "techniques", "scope": {"where": where}}]}), ALL
        )

    saxs = count({"name": "small angle x-ray scattering"})
    assert saxs == 8
    for where in (
        {"name": "SAXS"},
        {"pid": PURL + "PaNET01124"},
        {"panetId": "PaNET01188"},
        {"name": {"inq": ["SAS"]}},
    ):
        assert count(where) == saxs
    assert count({"name": {"neq": "small angle scattering"}}) == 32 - saxs
    assert count({"name": "small angle neutron scattering"}) == 0
    assert count({"name": "no such technique"}) == 0


def test_joins_come_before_the_limit(catalogue: Catalogue) -> None:
    include = [{"relation": "techniques", "scope": {"where": {"name": "x-ray tomography"}}}]
    pages: list[str] = []
    for skip in range(0, 12, 3):
        page = catalogue.find("Dataset", parse_filter({"include": include, "limit": 3, "skip": skip}), ALL)
        pages += [one["pid"] for one in page]
    assert len(pages) == len(set(pages)) == 8


def test_newest_first(catalogue: Catalogue) -> None:
    dates = [one.get("creationDate", "") for one in catalogue.find("Dataset", parse_filter({}), ALL)]
    assert dates == sorted(dates, reverse=True)
    assert "" in dates


def test_one_record_comes_with_what_is_asked_for(catalogue: Catalogue) -> None:
    include = [
        {"relation": "parameters", "scope": {"where": {"name": "sample_temperature"}}},
        {"relation": "techniques", "scope": {"where": {"name": "no such technique"}}},
        {"relation": "document"},
        {"relation": "instrument", "scope": {"fields": ["name"]}},
    ]
    found = catalogue.get("Dataset", "doi:10.5072/TEST/3", parse_filter({"include": include}), ALL)
    assert found is not None
    assert found["parameters"] == [{"name": "sample_temperature", "value": 30.0, "unit": "K"}]
    assert found["techniques"] == []
    assert found["document"]["pid"] == "proposal/p-3"
    assert found["instrument"] == {"name": "BM0"}
    assert "files" not in found
    fields = catalogue.get("Dataset", "10.5072/Test/3", parse_filter({"fields": ["title"]}), ALL)
    assert fields == {"title": "Scan 100% 3"}


def test_documents_are_joined_with_their_datasets(catalogue: Catalogue) -> None:
    where = {"and": [{"name": "sample_temperature"}, {"value": {"between": [-200, -190]}}, {"unit": "celsius"}]}
    portal = {
        "include": [
            {
                "relation": "datasets",
                "scope": {
                    "include": [{"relation": "parameters", "scope": {"where": where}}, {"relation": "instrument"}]
                },
            }
        ],
        "limit": 50,
    }
    found = catalogue.find("Document", parse_filter(portal), ALL)
    pids = [dataset["pid"] for document in found for dataset in document["datasets"]]
    assert pids == ["10.5072/Test/8"]
    assert found[0]["pid"] == "proposal/p-2"


def test_words_rank(catalogue: Catalogue) -> None:
    found = catalogue.find("Dataset", parse_filter({"query": "tomography BM1", "limit": 3}), ALL)
    assert all(0 < one["score"] < 1 for one in found)
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)
    best = catalogue.get("Dataset", found[0]["pid"], parse_filter({"include": ["techniques", "instrument"]}), ALL)
    assert best is not None
    assert best["techniques"][0]["name"] == "x-ray tomography"
    assert best["instrument"]["name"] == "BM1"
    assert catalogue.count("Dataset", parse_filter({"query": "tomo"}), ALL) == 8
    assert catalogue.count("Dataset", parse_filter({"query": "CT-scan"}), ALL) == 8  # a synonym
    assert catalogue.count("Document", parse_filter({"query": "p-3"}), ALL) >= 1
    assert catalogue.find("Document", parse_filter({"query": "p-3", "limit": 1}), ALL)[0]["pid"] == "proposal/p-3"


@pytest.mark.parametrize(
    "query", ['"', "*", "-", "NOT", "a AND", "NEAR(", "' OR 1=1 --", "x" * 1000, "a " * 499, "\0", "…"]
)
def test_a_query_is_words_and_nothing_else(catalogue: Catalogue, query: str) -> None:
    for kind in ("Dataset", "Document", "Instrument"):
        assert isinstance(catalogue.find(kind, parse_filter({"query": query}), ALL), list)


@pytest.mark.parametrize(
    ("kind", "include"),
    [
        ("Dataset", ["datasets"]),
        ("Dataset", ["parameter"]),
        ("Dataset", [{"relation": "files", "scope": {"include": ["dataset"]}}]),
        ("Dataset", [{"relation": "documents", "scope": {"include": ["datasets"]}}]),
        ("Document", [{"relation": "datasets", "scope": {"include": ["document"]}}]),
        ("Instrument", [{"relation": "datasets", "scope": {"include": ["instrument"]}}]),
        ("Instrument", ["samples"]),
        ("Document", [{"relation": "members", "scope": {"include": ["datasets"]}}]),
    ],
)
def test_unknown_and_circular_relations_are_refused(catalogue: Catalogue, kind: Any, include: list[Any]) -> None:
    asked = parse_filter({"include": include})
    with pytest.raises(FilterError):
        check_relations(asked.include, kind)
    for call in (catalogue.find, catalogue.count):
        with pytest.raises(FilterError):
            call(kind, asked, ALL)


def test_too_many_values_for_one_statement(catalogue: Catalogue) -> None:
    pids = {"pid": {"inq": [f"10.5072/test/{n}" for n in range(1000)]}}
    assert catalogue.count("Dataset", parse_filter({"where": {"or": [pids] * 150}}), ALL) == 40


def test_a_replaced_index_is_seen(tmp_path: Path, make_file: Any, measured: Any) -> None:
    make_file("a.h5", measured("first"))
    index = tmp_path / "index.db"
    build_index(tmp_path / "data", index)
    catalogue = Catalogue(index)
    rows: Iterator[Any] = iter(catalogue.version().connection.execute("SELECT title FROM dataset"))
    make_file("b.h5", measured("second"))
    build_index(tmp_path / "data", index)
    assert catalogue.count("Dataset", parse_filter({}), ALL) == 2
    assert len(list(rows)) == 1  # who is in the middle of reading goes on with the old one
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        catalogue.version().connection.execute("DELETE FROM dataset")


@pytest.mark.parametrize("phrase", ["proposal", "Proposal 2", "PROPOSAL", "oposal 1", "none such", "%"])
def test_documents_are_found_by_their_texts(catalogue: Catalogue, phrase: str) -> None:
    everything = catalogue.find("Document", parse_filter({"include": ["members"]}), ALL)
    for where in ({"text": phrase}, {"and": [{"text": phrase}, {"type": "proposal"}]}):
        asked = parse_filter({"where": where})
        assert catalogue.find("Document", asked, ALL) == apply(asked, everything)
        assert catalogue.count("Document", asked, ALL) == len(apply(asked, everything))
