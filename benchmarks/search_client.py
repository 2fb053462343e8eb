"""How long the search client takes, and what asking in a provider's dialect saves.

Servers run on loopback, each in a process of its own.

Run ``.venv/bin/python benchmarks/search_client.py --rounds 5``. It prints the tables of ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from panosc_analysis.model import Dataset
from panosc_analysis.search import FederatedSearch, panet
from panosc_analysis.search.cache import answers
from panosc_analysis.search.ranking import ranked
from panosc_analysis.settings import Provider, Settings
from panosc_analysis.testing import serve
from panosc_analysis.testing.implementations import DataGateway, Ill, Reference, SciCat

SLOW = 2.0  # seconds that the slow provider waits before each answer
TECHNIQUES = ("SAXS", "SANS", "XRF", "x-ray powder diffraction", "x-ray tomography")
WORDS = ("LaB6", "silver behenate", "steel weld", "lysozyme", "NaCl in water")


def record(number: int) -> dict[str, Any]:
    technique = panet.resolve(TECHNIQUES[number % 5])
    energy = {"name": "incident_photon_energy", "value": 5 + number % 40, "unit": "keV"}
    return {
        "pid": f"10.5072/bench/set-{number}",
        "title": f"{WORDS[number % 5]} scan {number}",
        "isPublic": number % 3 > 0,
        "creationDate": f"20{10 + number % 16}-0{number % 9 + 1}-11T10:00:00.000Z",
        "size": number * 1000 + 1,
        "instrument": {"pid": f"i{number % 7}", "name": f"ID{number % 7}", "facility": "ESS"},
        "techniques": [{"pid": technique.pid, "name": technique.name}],
        "samples": [{"pid": f"s{number % 5}", "name": WORDS[number % 5]}],
        "parameters": [energy] if number % 7 < 4 else [],
        "documents": [],
    }


def _server(kind: type[Any], first: int, count: int, wait: float, pipe: Any) -> None:
    implementation = kind([record(n) for n in range(first, first + count)])

    def application(request: Any) -> Any:
        time.sleep(wait)
        return implementation(request)

    with serve(application) as server:
        pipe.send(server.url)
        pipe.recv()


@contextmanager
def provider(kind: type[Any], first: int, count: int, wait: float = 0.0, dialect: str = "common") -> Iterator[Provider]:
    """Run an implementation in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_server, args=(kind, first, count, wait, there), daemon=True)
    process.start()
    try:
        yield Provider(f"{kind.__name__} {first}", here.recv(), dialect=dialect)
    finally:
        here.send(None)
        process.join()


def median(work: Callable[[], Any], rounds: int) -> tuple[float, float, float]:
    """Seconds: median, least, most; after one round that is not counted."""
    times = []
    for _ in range(rounds + 1):
        answers.clear()
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:]), min(times[1:]), max(times[1:])


def heading(what: str) -> None:
    print(f"\n| {what} | median (ms) | min–max (ms) |\n|---|---|---|")


def row(name: str, times: tuple[float, float, float]) -> None:
    print(f"| {name} | {times[0] * 1000:.0f} | {times[1] * 1000:.0f}–{times[2] * 1000:.0f} |", flush=True)


def imports(rounds: int) -> None:
    heading("in a fresh interpreter")
    for name, code in (
        ("nothing", "pass"),
        ("`import panosc_analysis`", "import panosc_analysis"),
        ("`from panosc_analysis.units import keV`", "from panosc_analysis.units import keV"),
        ("`from panosc_analysis.search import SearchClient`", "from panosc_analysis.search import SearchClient"),
        ("of that, `import httpx`", "import httpx"),
        ("`import pint` and its registry", "import pint; pint.UnitRegistry()"),
    ):
        row(name, median(lambda code=code: subprocess.run([sys.executable, "-c", code], check=True), rounds))


def one_after_the_other(providers: list[Provider]) -> list[Any]:
    """What a script does: one GET each, no more."""
    found: list[Any] = []
    for one in providers:
        filter = json.dumps({"limit": 100, "include": [{"relation": "instrument"}]})
        found += httpx.get(f"{one.url}/Datasets", params={"filter": filter}, timeout=30).json()
    return found


def first_hit(rounds: int) -> None:
    with ExitStack() as stack:
        providers = [
            stack.enter_context(provider(Reference, 1000 * n, 1000, wait=SLOW if n == 0 else 0.0, dialect="reference"))
            for n in range(5)
        ]
        federation = FederatedSearch(Settings(providers=tuple(providers), timeout=10))
        heading(f"five providers of 1 000 datasets, one waits {SLOW:g} s")
        row("`stream()`: first hit", median(lambda: next(iter(federation.stream())), rounds))
        row("`search()`: everything, ranked", median(federation.search, rounds))
        row("a script that asks one after the other", median(lambda: one_after_the_other(providers), rounds))


def merging(rounds: int) -> None:
    """Five answers of 1 000 records, a tenth of them at two providers."""
    lists = [[record(n) for n in range(900 * k, 900 * k + 1000)] for k in range(5)]
    body = json.dumps(lists[0]).encode()
    heading(f"merging 5 × 1 000 hits ({5 * len(body) / 1e6:.1f} MB of JSON)")
    row("records → datasets", median(lambda: [Dataset.from_json(one) for part in lists for one in part], rounds))
    datasets = [Dataset.from_json(one) for part in lists for one in part]
    unique = list({one.pid: one for one in datasets}.values())
    row("ranking, three words", median(lambda: ranked(unique, ("silver", "behenate", "scan")), rounds))
    row("ranking, no words", median(lambda: ranked(unique, ()), rounds))
    with ExitStack() as stack:
        providers = [stack.enter_context(provider(Reference, 900 * k, 1000, dialect="reference")) for k in range(5)]
        federation = FederatedSearch(Settings(providers=tuple(providers), timeout=30))
        found = federation.search(limit=10_000)
        assert len(found) == len(unique), (len(found), len(unique))
        row("the whole search: asked, read, merged, ranked", median(lambda: federation.search(limit=10_000), rounds))


def dialects(rounds: int) -> None:
    count = 10_000
    print(f'\n{count} datasets, `technique="SANS", public=True, photon_energy=(10, 12)`:\n')
    print("| implementation | asked as | hits | rows read | median (ms) |\n|---|---|---|---|---|")
    question = {"technique": "SANS", "public": True, "photon_energy": (10, 12), "limit": 10_000}
    for kind, own in ((Reference, "reference"), (SciCat, "scicat"), (Ill, "ill"), (DataGateway, "datagateway")):
        with provider(kind, 0, count) as one:
            for dialect in (own, "common"):
                asked = Provider(one.name, one.url, dialect=dialect)
                federation = FederatedSearch(Settings(providers=(asked,), timeout=120))
                hits = federation.search(**question)
                (outcome,) = hits.outcomes
                times = median(lambda f=federation: f.search(**question), rounds)
                said = f"{len(hits)} | {outcome.read}" if outcome.state == "ok" else f"{outcome.state} | {outcome.read}"
                print(f"| {kind.__name__} | {dialect} | {said} | {times[0] * 1000:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    imports(rounds)
    first_hit(rounds)
    merging(rounds)
    dialects(max(1, rounds // 2))


if __name__ == "__main__":
    main()
