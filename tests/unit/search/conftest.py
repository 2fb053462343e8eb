"""Real HTTP servers on this machine: well-behaved providers with the habits of real ones, and hostile ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from panosc_analysis import testing
from panosc_analysis.errors import FilterError
from panosc_analysis.filters import Filter, apply, filter_from_text, where_from_text
from panosc_analysis.model import same_pid
from panosc_analysis.search.cache import answers
from panosc_analysis.settings import Provider

PANET = "http://purl.org/pan-science/PaNET/"


@dataclass
class Request:
    """What a server was asked."""

    path: str
    query: dict[str, str]
    headers: httpx.Headers

    @property
    def filter(self) -> Filter:
        return filter_from_text(self.query.get("filter", ""))


Answer = tuple[int, dict[str, str], bytes]
Application = Callable[[Request], Answer]


@dataclass
class Server:
    """A running server."""

    url: str
    requests: list[Request] = field(default_factory=list)

    def provider(self, name: str = "demo", token_env: str | None = None, dialect: str = "common") -> Provider:
        return Provider(name, self.url, token_env, dialect=dialect)


@pytest.fixture(autouse=True)
def nothing_kept_from_another_test() -> None:
    """Servers of different tests may get the same port."""
    answers.clear()


@pytest.fixture
def serve() -> Iterator[Callable[[Application], Server]]:
    """Start a server for an application; it ends with the test."""
    with ExitStack() as stack:

        def start(application: Application) -> Server:
            seen: list[Request] = []

            def answer(request: testing.Request) -> testing.Answer:
                query = {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}
                seen.append(Request(request.path, query, httpx.Headers(request.headers)))
                status, headers, body = application(seen[-1])
                return testing.Answer(status, body, headers)

            return Server(stack.enter_context(testing.serve(answer)).url, seen)

        yield start


def said(obj: object, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(obj).encode()


def refused(status: int, message: str) -> Answer:
    return said({"error": {"statusCode": status, "name": "Error", "message": message}}, status)


@dataclass
class SearchApi:
    """A search API over records, with the habits of the implementations that exist.

    ``most`` is its own page limit; ``limit_first`` cuts the page before it joins, as the reference server does;
    ``known`` are the relations it knows, any other is an error; ``covering`` wants a pattern to cover the text, as SQL
    does; ``no_files`` has no address for files.
    """

    records: list[dict]
    documents: list[dict] = field(default_factory=list)
    most: int = 100_000
    limit_first: bool = False
    known: frozenset[str] | None = None
    covering: bool = False
    no_files: bool = False

    def __call__(self, request: Request) -> Answer:
        try:
            return self.answer(request)
        except FilterError as error:
            return refused(400, error.message)

    def answer(self, request: Request) -> Answer:
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        table = {"Datasets": self.records, "Documents": self.documents, "Instruments": self.instruments()}.get(parts[0])
        if table is None:
            return refused(404, "no method handling")
        if parts[1:] == ["count"]:
            return said({"count": len(apply(Filter(where_from_text(request.query.get("where", ""))), table))})
        if self.known is not None and any(one.relation not in self.known for one in request.filter.include):
            return refused(500, "Internal Server Error")
        if len(parts) == 1:
            return said(self.found(request.filter, table))
        record = next((one for one in table if same_pid(one["pid"], parts[1])), None)
        if record is None or len(parts) > 3 or (len(parts) == 3 and self.no_files):
            return refused(404, f'Unknown "Dataset" id "{parts[1]}".')
        if len(parts) == 3:
            return said(self.found(request.filter, record.get("files", [])))
        return said(apply(Filter(include=request.filter.include), [record])[0])

    def found(self, filter: Filter, table: list[dict]) -> list[dict]:
        limit = min(filter.limit or self.most, self.most)
        if self.covering:
            text = filter.to_text().replace('{"ilike":"', '{"ilike":"\\\\^').replace("\\\\^%", "")
            filter = filter_from_text(text.replace("\\\\^", "no text has this prefix "))
        if self.limit_first:
            page = table[filter.skip : filter.skip + limit]
            return apply(Filter(filter.where, filter.include), page)
        return apply(Filter(filter.where, filter.include, limit, filter.skip), table)

    def instruments(self) -> list[dict]:
        return list(
            {one["instrument"]["pid"]: one["instrument"] for one in self.records if "instrument" in one}.values()
        )


def dataset(number: int, **changes: object) -> dict:
    """A record as the search API answers it."""
    return {
        "pid": f"10.5072/demo/set-{number}",
        "title": f"LaB6 scan {number}",
        "isPublic": number % 2 == 0,
        "creationDate": f"2026-03-{number % 28 + 1:02d}T10:00:00.000Z",
        "size": 10**9,
        "instrument": {"pid": "i1", "name": "ID31", "facility": "PaNOSC demo facility"},
        "techniques": [{"pid": f"{PANET}PaNET01101", "name": "x-ray powder diffraction"}],
        "parameters": [{"name": "incident_photon_energy", "value": 30 + number, "unit": "keV"}],
        "samples": [{"pid": "s1", "name": "LaB6", "description": "standard"}],
        "files": [{"id": "f1", "name": "a.h5", "path": f"/data/{number}/a.h5", "size": 7}],
        "documents": [{"pid": "10.5072/demo/hc-5001", "isPublic": False, "type": "proposal", "title": "Strain"}],
        **changes,
    }
