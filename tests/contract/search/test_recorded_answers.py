"""Every answer that was recorded from the implementations of the search API, given to the client by a real server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from panosc_analysis.errors import DatasetNotFound, PanoscError
from panosc_analysis.filters import Filter
from panosc_analysis.model import Dataset, Document, Instrument
from panosc_analysis.search import FederatedSearch, SearchClient
from panosc_analysis.settings import Provider, Settings
from panosc_analysis.testing import Replay, serve

pytestmark = pytest.mark.shared_data

Pairs = list[tuple[dict[str, Any], Provider]]


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> Iterator[Pairs]:
    """Each pair with the provider that answers it, whatever it is asked."""
    replay = Replay.from_file(shared_data / "search-api" / "pairs.jsonl")
    with serve(replay) as server:
        yield [(pair, Provider("recorded", f"{server.url}/{number}")) for number, pair in enumerate(replay.pairs)]


def pids_of(pair: dict[str, Any]) -> set[str]:
    return {record["pid"] for record in pair["response"] if "pid" in record}


def test_every_answer_to_find_is_understood_or_named(recorded: Pairs) -> None:
    states: Counter[str] = Counter()
    for pair, provider in recorded:
        if pair["path"].lower() != "/datasets":
            continue
        hits = FederatedSearch(Settings(providers=(provider,))).search(Filter(limit=1000))
        (outcome,) = hits.outcomes
        states[outcome.state] += 1
        if pair["status"] == 200:
            assert {hit.pid for hit in hits} == pids_of(pair), pair["id"]
            assert outcome.answered
        else:
            assert outcome.state == "failed", pair["id"]
            assert str(pair["status"]) in outcome.reason
    assert states["ok"] > 130
    assert states["failed"] > 20


@pytest.mark.parametrize(("path", "find"), [("/Documents", "find_documents"), ("/Instruments", "find_instruments")])
def test_documents_and_instruments_too(recorded: Pairs, path: str, find: str) -> None:
    understood = 0
    for pair, provider in recorded:
        if pair["path"] != path:
            continue
        client = SearchClient(provider)
        if pair["status"] != 200:
            with pytest.raises(PanoscError, match=str(pair["status"])):
                getattr(client, find)(Filter(limit=1000))
            continue
        found = getattr(client, find)(Filter(limit=1000))
        assert {one.pid for one in found} == pids_of(pair), pair["id"]
        understood += 1
    assert understood > 20


def test_every_field_of_a_record_is_read(recorded: Pairs) -> None:
    """What was answered and what is written again agree, field by field."""
    of_path = {"/Datasets": Dataset, "/Documents": Document, "/Instruments": Instrument}
    compared: Counter[str] = Counter()
    for pair, _ in recorded:
        for record in pair["response"] if pair["path"] in of_path and pair["status"] == 200 else []:
            written = of_path[pair["path"]].from_json(record).to_json()  # type: ignore[attr-defined]
            for name, value in record.items():
                if name in {"instrumentId", "documentId", "provider"} or value in (None, "", [], {}):
                    continue
                assert name in written or name == "document", (pair["id"], name)
                if isinstance(value, str | int | bool) and name != "score":
                    assert written[name] == value, (pair["id"], name)
                compared[name] += 1
    for name in (
        "title",
        "isPublic",
        "creationDate",
        "size",
        "techniques",
        "samples",
        "files",
        "parameters",
        "members",
    ):
        assert compared[name], name
    assert {"summary", "doi", "license", "startDate", "endDate", "releaseDate", "keywords", "facility"} <= set(compared)


def test_one_record_and_its_files(recorded: Pairs) -> None:
    seen: Counter[str] = Counter()
    for pair, provider in recorded:
        parts = [unquote(one) for one in pair["path"].split("/")[1:]]
        if len(parts) < 2 or parts[0] != "Datasets" or parts[1] in {"", "count"} or pair["method"] != "GET":
            continue
        client = SearchClient(provider)
        if parts[2:] == ["files"] and pair["status"] == 200:
            assert len(client.files(parts[1])) == len(pair["response"]), pair["id"]
            seen["files"] += 1
        elif len(parts) == 2 and pair["status"] == 200:
            assert client.get_dataset(parts[1]).pid == parts[1]
            seen["record"] += 1
        elif len(parts) == 2 and pair["status"] == 404:
            with pytest.raises(DatasetNotFound):
                client.get_dataset(parts[1])
            seen["unknown"] += 1
    assert seen["files"] > 5
    assert seen["record"] > 5
    assert seen["unknown"] > 3


def test_every_recorded_count_is_a_number_or_refused(recorded: Pairs) -> None:
    counted: Counter[str] = Counter()
    for pair, provider in recorded:
        if not pair["path"].lower().endswith("/datasets/count"):
            continue
        client = SearchClient(Provider(provider.name, provider.url, dialect="reference"))
        try:
            found = client.count_datasets()
        except ValueError:  # a federation that adds a list to a number answers with a text
            counted["refused"] += 1
            assert pair["status"] != 200 or not isinstance(pair["response"]["count"], int), pair["id"]
        else:
            counted["read"] += 1
            assert found == pair["response"]["count"]
    assert counted["read"] > 5
    assert counted["refused"] > 0
