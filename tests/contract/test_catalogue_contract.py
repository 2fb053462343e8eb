"""What every server of the search API promises, asked over HTTP.

Without more, the embedded catalogue is started on a free port with a few files. ``PANOSC_CONTRACT_URL`` names another
provider's base address (``https://…/api``) to ask instead; nothing here depends on what that provider holds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import httpx
import pytest

from panosc_analysis.catalogue import build_index, create_app

COLLECTIONS = ("Datasets", "Documents", "Instruments")
RELATIONS = {
    "Datasets": ["instrument", "techniques", "parameters", "samples", "files"],
    "Documents": ["datasets", "members"],
    "Instruments": ["datasets"],
}


def write_tree(root: Path) -> None:
    """Six measurements of three proposals, all open."""
    root.mkdir()
    for number in range(6):
        with h5py.File(root / f"scan_{number}.nxs", "w") as file:
            entry = file.create_group("entry")
            entry.attrs["NX_class"] = "NXentry"
            entry["title"] = f"Scan {number} of straße"
            entry["definition"] = "NXmonopd" if number % 2 else "NXsas"
            entry["start_time"] = f"2026-03-0{number + 1}T10:00:00Z"
            entry["entry_identifier"] = f"10.5072/contract/a/b/{number}"
            entry["experiment_identifier"] = f"p-{number % 3}"
            entry["data/counts"] = list(range(5))
            for name, kind in (("instrument", "NXinstrument"), ("sample", "NXsample")):
                entry.create_group(name).attrs["NX_class"] = kind
                entry[name]["name"] = f"{name} {number % 2}"
            beam = entry.create_group("instrument/beam")
            beam.attrs["NX_class"] = "NXbeam"
            beam["incident_energy"] = 8.0 + number
            beam["incident_energy"].attrs["units"] = "keV"
    rows = [{"id": f"p-{number}", "title": f"Proposal {number}", "public": True} for number in range(3)]
    (root / "facility.json").write_text(json.dumps({"facility": "Contract", "proposals": rows}))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, serve: Callable[[Any], str]) -> str:
    folder = tmp_path_factory.mktemp("contract")
    write_tree(folder / "data")
    build_index(folder / "data", folder / "index.db")
    return f"{serve(create_app(folder / 'index.db'))}/api"


@pytest.fixture(scope="module")
def provider(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Ask the provider that was named, or the embedded one."""
    url = os.environ.get("PANOSC_CONTRACT_URL") or request.getfixturevalue("embedded")
    with httpx.Client(base_url=url.rstrip("/"), timeout=30.0, trust_env=False) as client:
        yield client


def find(provider: httpx.Client, collection: str, **filter: Any) -> list[dict[str, Any]]:
    answer = provider.get(f"/{collection}", params={"filter": json.dumps(filter)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    found: list[dict[str, Any]] = answer.json()
    assert isinstance(found, list)
    return found


def quoted(pid: str) -> str:
    return pid.replace("%", "%25").replace("/", "%2F").replace("#", "%23").replace("?", "%3F")


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_records_have_what_the_model_requires(provider: httpx.Client, collection: str) -> None:
    required = {
        "Datasets": {"pid": str, "title": str, "isPublic": bool},
        "Documents": {"pid": str, "title": str, "isPublic": bool, "type": str},
        "Instruments": {"pid": str, "name": str, "facility": str},
    }[collection]
    records = find(provider, collection, limit=20)
    assert records
    for record in records:
        assert {name: type(record.get(name)) for name in required} == required
        assert not set(record) & {"techniques", "parameters", "files", "datasets", "members"}


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_included_relations_are_given(provider: httpx.Client, collection: str) -> None:
    for relation in RELATIONS[collection]:
        for record in find(provider, collection, include=[{"relation": relation}], limit=5):
            kind = dict if relation == "instrument" else list
            assert isinstance(record.get(relation, kind()), kind)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_one_record_by_its_pid(provider: httpx.Client, collection: str) -> None:
    for record in find(provider, collection, limit=3):
        answer = provider.get(f"/{collection}/{quoted(record['pid'])}")
        assert answer.status_code == 200, answer.text
        assert {**answer.json(), "score": None} == {**record, "score": None}


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_pages_give_every_record_once(provider: httpx.Client, collection: str) -> None:
    order = "name" if collection == "Instruments" else "title"
    pids: list[str] = []
    for skip in range(0, 12, 2):
        page = [one["pid"] for one in find(provider, collection, limit=2, skip=skip, order=f"{order} ASC")]
        assert len(page) <= 2
        pids += page
    assert len(pids) == len(set(pids))
    whole = [one["pid"] for one in find(provider, collection, limit=12, order=f"{order} ASC")]
    assert sorted(pids) == sorted(whole)


def test_count_equals_find(provider: httpx.Client) -> None:
    first = find(provider, "Datasets", limit=1)[0]
    for where in ({"title": first["title"]}, {"pid": first["pid"]}, {"isPublic": True}, {"pid": "none such"}):
        count = provider.get("/Datasets/count", params={"where": json.dumps(where)}).json()["count"]
        assert count == len(find(provider, "Datasets", where=where, limit=count + 1))


def test_every_operator_does_what_it_says(provider: httpx.Client) -> None:
    records = find(provider, "Datasets", limit=6, order="title ASC")
    title, pids = records[0]["title"], [one["pid"] for one in records[:2]]
    for where, holds in (
        ({"title": title}, lambda one: one["title"] == title),
        ({"title": {"neq": title}}, lambda one: one["title"] != title),
        ({"title": {"gt": title}}, lambda one: one["title"] > title),
        ({"title": {"lte": title}}, lambda one: one["title"] <= title),
        ({"title": {"between": [title, title]}}, lambda one: one["title"] == title),
        ({"pid": {"inq": pids}}, lambda one: one["pid"] in pids),
        ({"pid": {"nin": pids}}, lambda one: one["pid"] not in pids),
        ({"title": {"ilike": title[:4].upper()}}, lambda one: title[:4].lower() in one["title"].lower()),
        ({"text": title}, lambda one: title.lower() in one["title"].lower()),
        ({"and": [{"title": title}, {"pid": pids[0]}]}, lambda one: one["pid"] == pids[0]),
        ({"or": [{"pid": pids[0]}, {"pid": pids[1]}]}, lambda one: one["pid"] in pids),
    ):
        found = find(provider, "Datasets", where=where, limit=50)
        assert found, where
        assert all(map(holds, found)), where


def test_parameters_are_found_in_any_unit(provider: httpx.Client) -> None:
    def names(low: float, high: float, unit: str) -> list[str]:
        where = {"and": [{"name": "incident_photon_energy"}, {"value": {"between": [low, high]}}, {"unit": unit}]}
        include = [{"relation": "parameters", "scope": {"where": where}}]
        return sorted(one["pid"] for one in find(provider, "Datasets", include=include, limit=50))

    assert names(8, 10, "keV") == names(8000, 10000, "eV")


def test_files_of_a_dataset(provider: httpx.Client) -> None:
    for record in find(provider, "Datasets", limit=3, include=[{"relation": "files"}]):
        address = f"/Datasets/{quoted(record['pid'])}/files"
        listed = provider.get(address).json()
        assert listed == record["files"]
        assert provider.get(f"{address}/count").json() == {"count": len(listed)}
        assert all(one["name"] for one in listed)


def of_parameter(*conditions: Any) -> Any:
    return {"include": [{"relation": "parameters", "scope": {"where": {"and": list(conditions)}}}]}


DEEP: Any = {"title": "x"}
for _ in range(60):
    DEEP = {"and": [DEEP]}
DEEP_INCLUDE: Any = []
for name in ("files", "datasets", "documents") * 7:
    DEEP_INCLUDE = [{"relation": name, "scope": {"include": DEEP_INCLUDE}}]

BAD_TEXTS = [
    "{", "}", "[", "]", "null", "true", "1", '"x"', "[]", "{}x", "nan", "NaN", "undefined", "{'limit': 1}", "\x00",
    "\ufeff{}", '{"limit": NaN}', '{"limit": Infinity}', '{"limit": 1e999}', '{"limit": 1, "limit": 2}', "[" * 20_000,
    '{"a":' * 3000, '{"where": {"size": ' + "9" * 5000 + "}}", '{"where": {"title": "\\ud800"}}',
    '{"where": {"title": "\\u0000"}}',
]  # fmt: skip
BAD_FILTERS: list[Any] = [
    {"limit": -1}, {"limit": "ten"}, {"limit": 1.5}, {"limit": True}, {"limit": [1]}, {"limit": 10**30}, {"skip": -1},
    {"skip": None}, {"skip": 10**18}, {"offset": "x"}, {"order": "title SIDEWAYS"}, {"order": 3}, {"order": [None]},
    {"order": {"title": 1}}, {"order": ""}, {"order": "a;b"}, {"fields": 3}, {"fields": [1]}, {"fields": {"pid": 1}},
    {"fields": [""]}, {"where": 3}, {"where": []}, {"where": "title"}, {"where": None}, {"where": {"": 1}},
    {"where": {"$where": "1"}}, {"where": {"title": None}}, {"where": {"title": {}}}, {"where": {"title": []}},
    {"where": {"title": {"eq": {}}}}, {"where": {"title": {"$ne": 1}}}, {"where": {"title": {"regexp": "(a+)+$"}}},
    {"where": {"title": {"like": "*"}}}, {"where": {"title": {"like": None}}}, {"where": {"title": {"like": 3}}},
    {"where": {"title": {"like": "%" * 999}}}, {"where": {"title": {"between": [1]}}},
    {"where": {"title": {"between": 1}}}, {"where": {"size": {"between": [2, 1]}}},
    {"where": {"title": {"inq": "x"}}}, {"where": {"title": {"inq": []}}}, {"where": {"title": {"inq": [None, {}]}}},
    {"where": {"title": {"inq": ["x"] * 3000}}}, {"where": {"pid": {"inq": [f"{n}" for n in range(999)]}}},
    {"where": {"title": {"gt": None}}}, {"where": {"title": {"near": 1}}}, {"where": {"size": {"gt": "big"}}},
    {"where": {"creationDate": {"gt": "2026-02-30"}}}, {"where": {"creationDate": "soon"}},
    {"where": {"creationDate": 0}}, {"where": {"creationDate": {"lt": "0001-01-01T00:00:00+14:00"}}},
    {"where": {"creationDate": {"gt": "9999-12-31"}}}, {"where": {"and": {}}}, {"where": {"and": []}},
    {"where": {"or": []}}, {"where": {"or": [3]}}, {"where": {"nor": [{}]}}, {"where": {"and": [None]}},
    {"where": DEEP}, {"where": {"or": [{"title": str(n)} for n in range(600)]}}, {"where": {"text": None}},
    {"where": {"text": ""}}, {"where": {"text": "x" * 10_000}}, {"where": {"text": {"like": "x"}}},
    {"where": {"title": "' OR 1=1 --"}}, {"where": {"title": "\u202e\u200b\U0001f4a5"}},
    {"where": {"nothing": {"lt": 1}}}, {"include": "files"}, {"include": {"relation": "files"}},
    {"include": ["files"]}, {"include": []}, {"include": [None]}, {"include": [{}]},
    {"include": [{"relation": "nothing"}]}, {"include": [{"relation": None}]}, {"include": DEEP_INCLUDE},
    {"include": [{"relation": "files", "scope": 3}]}, {"include": [{"relation": "files", "scope": {"where": 3}}]},
    {"include": [{"relation": "files", "more": 1}]}, {"include": [{"relation": "files"}] * 600},
    {"include": [{"relation": "instrument", "scope": {"include": ["datasets"]}}]},
    of_parameter({"name": "x"}, {"value": 1}, {"unit": "parsec^9^9"}),
    of_parameter({"name": 1}, {"value": None}, {"unit": None}),
    of_parameter({"unit": "°C"}, {"value": {"lt": 1e300}}),
    {"include": [{"relation": "techniques", "scope": {"where": {"pid": {"inq": [1, None, "PaNET99999"]}}}}]},
    {"include": [{"relation": "techniques", "scope": {"limit": -1}}]}, {"query": None}, {"query": 3}, {"query": ""},
    {"query": '"*'}, {"query": "NEAR( AND OR NOT"}, {"query": "a " * 450}, {"nothing": 1}, {"filter": {}},
    {"limit": 1, "where": {"title": {"like": "_%" * 400}}},
    # regular expressions
    *({"where": {"title": {"regexp": one}}} for one in (
        "(", "[", "*", "a{1001}", "(?P<x>", "\\1(a)", "(?=a)", "(?<!a)b", "(((a{100}){100}){100})", "/(/i", "/a/x", "",
        "(a*)*" * 100, "\\", "(?i", 3, None, ["a"], {"a": 1}, "[[:nothing:]]", "\\C", "\\pZZ", "x" * 1001, "^" * 900,
    )),
    # of every type where another one is meant
    *({part: value} for part in ("limit", "skip", "offset", "order", "fields", "include", "where", "query")
      for value in (-1.5, "\u0000", [[[]]], {"": {}}, 1e308, False)),
    *({"where": {field: {op: value}}} for field in ("pid", "size", "isPublic", "creationDate")
      for op, value in (("gt", {}), ("like", 5), ("between", [1, "x"]), ("inq", {}), ("near", [1, 2]), ("neq", [1]))),
    {"where": {"techniques": "x"}}, {"where": {"datasets": {"inq": []}}}, {"where": {"__proto__": 1}},
    {"where": {"constructor": {"prototype": 1}}}, {"where": {"a.b": 1}}, {"where": {"a[0]": 1}}, {"order": "__class__"},
    {"include": [{"relation": "datasets", "scope": {"include": ["documents"]}}]},
    {"include": [{"relation": "techniques", "scope": {"where": {"or": [{"and": [{"pid": f"{n}{m}"} for m in range(9)]}
                                                                     for n in range(9)]}}}]},
    {"include": [{"relation": "techniques", "scope": {"order": "x DESC", "limit": 0, "skip": 10**15, "fields": {}}}]},
    {"include": [{"relation": "members", "scope": {"include": [{"relation": "person", "scope": {"where": []}}]}}]},
    of_parameter({"value": {"between": [1e308, -1e308]}}, {"unit": "keV"}),
    of_parameter({"name": "x"}, {"value": {"gt": 1}}, {"unit": "__import__('os')"}),
    of_parameter({"name": "x"}, {"value": {"gt": 1}}, {"unit": "9" * 900}),
    of_parameter({"name": "x"}, {"value": {"regexp": "("}}, {"unit": "K"}),
]  # fmt: skip


@pytest.mark.parametrize("text", [*BAD_TEXTS, *map(json.dumps, BAD_FILTERS)], ids=lambda text: repr(text)[:60])
def test_a_bad_filter_is_no_failure_of_the_server(provider: httpx.Client, text: str) -> None:
    for address, argument in (
        *((f"/{collection}", "filter") for collection in COLLECTIONS),
        ("/Datasets/count", "where"),
        ("/Datasets/count", "filter"),
        ("/Datasets/10.5072%2Fnone", "filter"),
        ("/Datasets/10.5072%2Fnone/files", "filter"),
        ("/Datasets/10.5072%2Fnone/files/count", "where"),
    ):
        answer = provider.get(address, params={argument: text})
        assert answer.status_code < 500, (address, answer.text)
        if answer.status_code >= 400 and answer.headers["content-type"].startswith("application/json"):
            error = answer.json()["error"]
            assert error["statusCode"] == answer.status_code
            assert error["message"]


def test_there_are_bad_filters_enough() -> None:
    assert len({*BAD_TEXTS, *map(json.dumps, BAD_FILTERS)}) >= 150


@pytest.mark.parametrize(
    "name",
    [
        "filter[", "filter[limit", "filter[limit]]", "filter[]", "filter[][limit]", "filter[where][title][like]",
        "filter[where][0]", "filter[where][and][5][title]", "filter[include]", "filter[include][0]",
        "filter" + "[where]" * 50, "filter[where][title][$ne]", "filter[__proto__]", "filter[limit][limit]",
        "filter[where][title", "filter]limit[", "filter[\x00]", "filters[limit]", "where[", "where[a][b][c]", "[x]",
    ],
)  # fmt: skip
def test_a_bad_argument_is_no_failure_of_the_server(provider: httpx.Client, name: str) -> None:
    for address in ("/Datasets", "/Documents/count", "/Datasets/10.5072%2Fnone/files/count"):
        for query in ({name: "x"}, {name: "1", "filter": "{}"}, [(name, "1"), (name, "2"), (f"{name}[x]", "3")]):
            answer = provider.get(address, params=query)
            assert answer.status_code < 500, (address, query, answer.text)


@pytest.mark.parametrize(
    "text", ["{", '{"limit": NaN}', '{"limit": -1}', '{"order": "title SIDEWAYS"}', '{"include": ["nothing"]}']
)
def test_what_cannot_be_meant_is_refused(provider: httpx.Client, text: str) -> None:
    assert provider.get("/Datasets", params={"filter": text}).status_code == 400


@pytest.mark.parametrize(
    "pid",
    ["none", "%00", "%FF", "..", "%2E%2E%2F%2E%2E", "a%2Fb%2Fcount", "%25252F", "x" * 3000, "%F0%9F%92%A5", "'", "%20"],
)
def test_an_unknown_pid_is_404(provider: httpx.Client, pid: str) -> None:
    for address in (f"/Datasets/{pid}", f"/Documents/{pid}", f"/Datasets/{pid}/files"):
        answer = provider.get(address)
        assert 400 <= answer.status_code < 500, (address, answer.text)
