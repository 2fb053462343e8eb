"""The embedded server, loaded with the reference server's records, answers as that server was recorded to answer.

The records are put together from the recorded answers themselves. Where an answer differs, the pair stands in
`DIFFERENT` with the reason; the same list is in ``docs/search-api-differences.md``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from panosc_analysis.catalogue import create_app, index_records

# By the reason, which the page says in full; the names without the part that most have in common.
REASONS = {
    "a null as operand is answered 500": "w-eq-null -variantdata:size-null",
    "a bad date is answered 500": "w-bad-date",
    "a star as pattern is answered 500": "-variantdata:like-star -variantdata:text-star",
    "another form of include is answered 500": "i-string i-object",
    "an unknown relation is answered 500": "i-unknown",
    "documents of a dataset are answered 500": "i-document i-documents",
    "without its ontology service it answers 500": "-panetdown:ds-technique -panetdown:doc-technique",
    "looks at one of two operators": "w-two-ops",
    "takes a pattern for a regular expression": "w-like-regexmeta",
    "takes nor and finds nothing": "w-nor",
    "takes an unreadable expression literally": "w-regexp-bad",
    "knows text in few places": "t-in-and t-byid c-doc-text",
    "joins after the limit": "i-join-limit p-limit-before",
    "does not limit many-to-many relations": "i-scope-limit",
    "forgets a pid in the scope of a many-to-many relation": "i-tech-pid",
    "knows few operators on parameters": "p-gte p-lte p-inq p-like -variantdata:par-eqop",
    "looks at one key of a condition on parameters": "p-flat",
    "gives parameters that do not fit": (
        "p-string p-or -variantdata:par-numstr -variantdata:par-eq-loose -variantdata:par-zero"
    ),
    "leaves out datasets without parameters": "-variantdata:bare-params",
    "refuses relations when fields leaves out the pid": "-variantdata:fields-nopid",
    "forgets one of two includes of techniques": "-variantdata:tech-two-includes",
    "documentation: units are converted": "p-between-keV",
    "documentation: and of techniques is about datasets": "-variantdata:tech-two -panet:and -panet:nested-and",
    "documentation: techniques are found by PaNET identifiers": "i-tech-pid-purl",
    "two of its configurations contradict each other": "-panet:local-pid",
    "does not rank": "q-query q-queryarg",
    "counts without the filter": "c-ds-filter",
    "ours: names of techniques whatever their case": "-panet:name-case",
    "ours: slashes in identifiers": "id-dataset-unencoded",
    "ours: 405 for writing": "e-post e-put",
    "ours: include is no condition": "c-ds-include",
    "ours: no include that leads back": "d-depth",
    "five instruments are in none of the answers": "c-inst",
}
DIFFERENT = {
    f"reference{name}" if name.startswith("-") else f"reference:{name}": reason
    for reason, names in REASONS.items()
    for name in names.split()
}

# What leaks out of the reference's database and is no field of the data model, and its constant score.
NOT_IN_THE_MODEL = {"score", "instrumentId", "datasetId", "documentId", "personId", "affiliationId"}
SERVERS = ("reference", "reference-variantdata", "reference-panet", "reference-panetdown")

# In no answer, but the note of i-join-limit says that dataset 3 was measured with it.
FREIA = {"pid": "20.500.12269/f0637030-9f89-4398-8f01-09211145efa1", "name": "FREIA", "facility": "ESS"}

Pair = dict[str, Any]


def recorded(folder: Path) -> list[Pair]:
    lines = (folder / "search-api" / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    return [pair for pair in map(json.loads, lines) if pair["server"] in SERVERS]


def bare(value: Any, *, in_order: bool = True) -> Any:
    """A record as the data model knows it; lists in the order of their identifiers where no order was asked for."""
    if isinstance(value, list):
        found = [bare(one, in_order=in_order) for one in value]
        return found if in_order else sorted(found, key=lambda one: json.dumps(one, sort_keys=True))
    if isinstance(value, dict):
        return {name: bare(one, in_order=in_order) for name, one in value.items() if name not in NOT_IN_THE_MODEL}
    return value


def merged(one: Any, other: Any) -> Any:
    """Put two views of one record together."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = dict.fromkeys((*one, *other))
        return {name: merged(one[name], other[name]) if name in one and name in other else
                one.get(name, other.get(name)) for name in names}  # fmt: skip
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(x, dict) for x in (*one, *other)):
        by_key: dict[str, Any] = {}
        for record in (*one, *other):
            key = str(record.get("pid", record.get("id")))
            by_key[key] = merged(by_key[key], record) if key in by_key else record
        return [by_key[key] for key in sorted(by_key)]
    return one


def records_of(pairs: list[Pair]) -> dict[str, dict[str, Any]]:
    """All records of a server by collection and identifier, as its answers show them."""
    found: dict[str, dict[str, Any]] = {"Datasets": {}, "Documents": {}, "Instruments": {}}

    def keep(collection: str, record: dict[str, Any]) -> None:
        known = found[collection]
        known[record["pid"]] = merged(known.get(record["pid"], {}), record)
        for dataset in record.get("datasets", ()):
            keep("Datasets", dataset)
        if isinstance(record.get("instrument"), dict):
            keep("Instruments", record["instrument"])
        if "instrumentId" in record:
            known[record["pid"]]["instrument"] = {"pid": record["instrumentId"]}

    for pair in pairs:
        match = re.fullmatch(r"/(Datasets|Documents|Instruments)(/[^/]+)?(/files)?/?", pair["path"])
        if pair["status"] != 200 or match is None or match[2] == "/count":
            continue
        answers = pair["response"] if isinstance(pair["response"], list) else [pair["response"]]
        if match[3]:
            pid = match[2][1:].replace("%2F", "/")
            answers = [{"pid": pid, "files": answers}]
        for answer in answers:
            if "pid" in answer:
                keep(match[1], answer)
    keep("Instruments", FREIA)
    for dataset in found["Datasets"].values():
        if "instrument" in dataset:
            dataset["instrument"] = found["Instruments"][dataset["instrument"]["pid"]]
    return {kind: {pid: bare(one) for pid, one in records.items()} for kind, records in found.items()}


@pytest.fixture(scope="module")
def servers(shared_data: Path, tmp_path_factory: pytest.TempPathFactory, serve: Callable[[Any], str]) -> dict[str, str]:
    """A server for each of the two sets of records."""
    pairs, found = recorded(shared_data), {}
    for name, servers in (("reference", SERVERS[:1]), ("reference-variantdata", SERVERS)):
        records = records_of([pair for pair in pairs if pair["server"] in servers])
        index = tmp_path_factory.mktemp("pairs") / f"{name}.sqlite"
        count = index_records(index, *(list(records[kind].values()) for kind in records))
        assert count == (4 if name == "reference" else 6)
        found[name] = serve(create_app(index, everything=True))
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "pair" in metafunc.fixturenames:
        folder = Path(__file__).resolve().parents[3] / "shared" / "data"
        pairs = recorded(folder) if (folder / "search-api").is_dir() else []
        metafunc.parametrize("pair", pairs, ids=[pair["id"] for pair in pairs])


def test_the_same_answer_as_the_reference(pair: Pair, servers: dict[str, str]) -> None:
    address = servers["reference" if pair["server"] == "reference" else "reference-variantdata"]
    answer = httpx.request(pair["method"], address + pair["request_target"], trust_env=False)
    in_order = "order" in json.dumps(pair["filter"])
    got = bare(answer.json(), in_order=in_order) if answer.status_code == 200 else answer.status_code
    wanted = bare(pair["response"], in_order=in_order) if pair["status"] == 200 else pair["status"]
    assert answer.status_code < 500
    if pair["id"] in DIFFERENT:
        assert got != wanted, "take it off the list"
    else:
        assert got == wanted


def test_the_documentation_lists_the_same_differences(repository: Path) -> None:
    page = (repository / "docs/search-api-differences.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(reference[\w-]*:[\w-]+)`", page)) == set(DIFFERENT)
