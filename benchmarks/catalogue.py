"""How fast the catalogue answers, over HTTP and through the client, next to the naive way. A million datasets.

    .venv/bin/python benchmarks/catalogue.py --datasets 1000000 --rounds 20 --directory /tmp/catalogue-bench

Builds the index once in the directory and uses it again. `--add 1000` also adds so many files while it serves.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import catalogue_naive
import httpx
import psutil
from catalogue_records import Facility

from panosc_analysis.catalogue import build_index, index_records
from panosc_analysis.errors import SearchError
from panosc_analysis.filters import parse_filter
from panosc_analysis.search import SearchClient
from panosc_analysis.settings import Provider

NICE = 0
HALF = "half"  # of all datasets, for pages deep in the list


def parameter(name: str, value: Any, unit: str | None = None) -> dict[str, Any]:
    conditions = [{"name": name}, {"value": value}, *([{"unit": unit}] if unit else [])]
    return {"relation": "parameters", "scope": {"where": {"and": conditions}}}


def technique(name: str) -> dict[str, Any]:
    return {"relation": "techniques", "scope": {"where": {"name": name}}}


def portal(*includes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A filter as the PaNOSC portal builds it."""
    scope = {"scope": {"include": list(includes)}} if includes else {}
    return {**({"include": [{"relation": "datasets", **scope}]} if includes else {}), **more, "limit": 50}


CELSIUS = parameter("sample_temperature", {"between": [10, 30]}, "celsius")
ENERGY = parameter("incident_photon_energy", {"between": [12, 12.1]}, "keV")
QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "portal: everything": ("Document", portal()),
    "portal: word": ("Document", portal(query="magnetic")),
    "portal: words, technique": ("Document", portal(technique("x-ray absorption"), query="temperature beam")),
    "portal: technique": ("Document", portal(technique("small-angle neutron scattering"))),
    "portal: temperature in °C": ("Document", portal(CELSIUS)),
    "portal: photon energy": (
        "Document",
        portal(parameter("incident_photon_energy", {"between": [880, 990]}, "eV")),
    ),
    "portal: wavelength": ("Document", portal(parameter("incident_wavelength", {"between": [1000, 1100]}, "nm"))),
    "portal: formula": ("Document", portal(parameter("sample_chemical_formula", {"like": "Cu"}))),
    "portal: all of these": (
        "Document",
        portal(
            technique("x-ray absorption"),
            parameter("incident_wavelength", {"between": [1, 2]}, "nm"),
            CELSIUS,
            query="copper",
        ),
    ),
    "newest": ("Dataset", {"limit": 50}),
    "narrow energy": ("Dataset", {"include": [ENERGY], "limit": 50}),
    "narrow energy, cold, SAXS": (
        "Dataset",
        {"include": [ENERGY, parameter("sample_temperature", {"lt": 80}, "K"), technique("SAXS")], "limit": 50},
    ),
    "three wide ranges": (
        "Dataset",
        {
            "include": [
                parameter("sample_temperature", {"lt": 80}, "K"),
                parameter("sample_pressure", {"gt": 1}, "MPa"),
                parameter("incident_photon_energy", {"gt": 20}, "keV"),
            ],
            "limit": 50,
        },
    ),
    "technique and its kinds": ("Dataset", {"include": [technique("x-ray diffraction")], "limit": 50}),
    "text: rare word": ("Dataset", {"where": {"text": "zeolite"}, "limit": 50}),
    "text: common word": ("Dataset", {"where": {"text": "magnetic"}, "limit": 50}),
    "text: part of a word": ("Dataset", {"where": {"text": "gnet"}, "limit": 50}),
    "text: phrase": ("Dataset", {"where": {"text": "magnetic beam"}, "limit": 50}),
    "query: two words, ranked": ("Dataset", {"query": "lysozyme copper", "limit": 50}),
    "deep page": ("Dataset", {"limit": 50, "skip": HALF}),
    "deep page by title": ("Dataset", {"limit": 50, "skip": HALF, "order": "title"}),
    "one year by size": (
        "Dataset",
        {"where": {"creationDate": {"between": ["2020-01-01", "2020-12-31"]}}, "order": "size DESC", "limit": 50},
    ),
    "everything about 50": (
        "Dataset",
        {"include": ["documents", "instrument", "techniques", "parameters", "samples", "files"], "limit": 50},
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument(
        "--nice", type=int, default=0, help="priority of everything but the naive way; below 0 for root"
    )
    parser.add_argument("--no-naive", action="store_true")
    parser.add_argument("--add", type=int, default=0, help="add so many files while it serves")
    arguments = parser.parse_args()
    arguments.directory.mkdir(parents=True, exist_ok=True)
    index = arguments.directory / f"{arguments.datasets}.sqlite"
    naive = arguments.directory / f"{arguments.datasets}.naive.sqlite"
    if not index.exists():
        build(arguments.datasets, index)
    if not arguments.no_naive and not naive.exists():
        catalogue_naive.build(index, naive)
    global NICE
    NICE = arguments.nice
    prioritise(NICE)  # the server inherits it
    with Server(index) as server:
        ask(server, arguments, None if arguments.no_naive else naive)
        if arguments.add:
            add_files(server, index, arguments.add, arguments.directory)


def build(datasets: int, index: Path) -> None:
    facility = Facility(datasets)
    seconds = timed(lambda: index_records(index, facility.datasets(), facility.documents(), facility.instruments()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"index of {datasets} datasets: {seconds:.0f} s, {index.stat().st_size / 1e6:.0f} MB, {peak:.0f} MB of memory"
    )


def prioritise(nice: int) -> None:
    """Go before what else runs here. Start with ``setsid``: Linux shares time between sessions first."""
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    group = Path("/proc/self/autogroup")
    if NICE and group.exists():
        group.write_text(str(nice))


class Server:
    """The catalogue in a process of its own."""

    def __init__(self, index: Path) -> None:
        from panosc_analysis.catalogue.server import listening_socket

        with listening_socket("127.0.0.1", 0) as free:
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "panosc_analysis", "catalogue", "serve", "--index", str(index)]
        self.process = subprocess.Popen([*command, "--port", str(self.port)], stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{self.port}"
        self.memory = psutil.Process(self.process.pid)
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        while True:
            try:
                self.http.get("/health").raise_for_status()
                return self
            except httpx.TransportError:
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)

    def most(self) -> float:
        """The most memory that it has ever had, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000

    def find(self, kind: str, filter: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.http.get(f"/api/{kind}s", params={"filter": json.dumps(filter)}).raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def ask(server: Server, arguments: argparse.Namespace, naive: Path | None) -> None:
    client = SearchClient(
        Provider("here", f"{server.url}/api", dialect="panosc-analysis"), timeout=30.0, cache_seconds=0
    )
    everything: list[float] = []
    print("| question | hits | first (ms) | median (ms) | p95 (ms) | with client (ms) | naive (ms) |")
    print("|---|---|---|---|---|---|---|")
    for name, (kind, asked) in QUESTIONS.items():
        filter = {**asked, **({"skip": arguments.datasets // 2} if asked.get("skip") == HALF else {})}
        first = timed(lambda kind=kind, filter=filter: server.find(kind, filter))
        times = [timed(lambda kind=kind, filter=filter: server.find(kind, filter)) for _ in range(arguments.rounds)]
        everything += times
        found = server.find(kind, filter)
        through = client_median(client, kind, filter, min(arguments.rounds, 5))
        by_naive = "" if naive is None else naive_time(naive, kind, filter, found)
        print(
            f"| {name} | {len(found)} | {first * 1e3:.0f} | {statistics.median(times) * 1e3:.1f} | "
            f"{p95(times) * 1e3:.1f} | {through} | {by_naive} |",
            flush=True,
        )
    print(f"\nall questions: median {statistics.median(everything) * 1e3:.1f} ms, p95 {p95(everything) * 1e3:.1f} ms")
    print(f"server's memory: {server.memory.memory_info().rss / 1e6:.0f} MB")


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def client_median(client: SearchClient, kind: str, filter: dict[str, Any], rounds: int) -> str:
    if kind != "Dataset" or "query" in filter or "skip" in filter:
        return ""  # the client turns pages itself and ranks what all providers answer
    asked = parse_filter(filter)
    try:
        return f"{statistics.median(timed(lambda: client.find_datasets(asked)) for _ in range(rounds)) * 1e3:.1f}"
    except SearchError as error:
        return type(error).__name__


def naive_time(naive: Path, kind: str, filter: dict[str, Any], found: list[dict[str, Any]]) -> str:
    """One round: it is slow enough. Where no ranking plays a part it must find the same."""
    answer: list[dict[str, Any]] = []
    prioritise(0)
    try:
        seconds = timed(lambda: answer.extend(catalogue_naive.find(naive, kind, parse_filter(filter))))
    except catalogue_naive.GaveUp:
        return f"> {catalogue_naive.GIVEN_UP * 1e3:.0f}"
    finally:
        prioritise(NICE)
    if "query" not in filter and "order" not in filter and kind == "Dataset":
        assert {one["pid"] for one in answer} == {one["pid"] for one in found}, filter
    return f"{seconds * 1e3:.0f}"


def add_files(server: Server, index: Path, count: int, directory: Path) -> None:
    """Bring new files into the index while questions are answered."""
    root = directory / "files"
    visit = root / f"visit-{int(time.time())}"
    write_files(visit, count)
    times: list[float] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            times.append(timed(lambda: server.find("Dataset", {"where": {"text": "zeolite"}, "limit": 50})))
            time.sleep(0.02)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    before = server.http.get("/health").json()["datasets"]
    seconds = timed(lambda: build_index(root, index, public=True, only=[visit]))
    done.set()
    asking.join()
    after = server.http.get("/health").json()["datasets"]
    assert after == before + count, (before, after)
    print(f"server's memory afterwards: {server.memory.memory_info().rss / 1e6:.0f} MB, most: {server.most():.0f} MB")
    print(
        f"\n{count} files added in {seconds:.1f} s; meanwhile {len(times)} questions, "
        f"median {statistics.median(times) * 1e3:.1f} ms, slowest {max(times) * 1e3:.0f} ms"
    )


def write_files(visit: Path, count: int) -> None:
    import h5py
    import numpy as np

    visit.mkdir(parents=True)
    for number in range(count):
        with h5py.File(visit / f"scan_{number:05}.h5", "w") as file:
            entry = file.create_group("entry")
            entry.attrs["NX_class"] = "NXentry"
            entry["title"] = f"New scan {number} of a zeolite"
            entry["definition"] = "NXsas"
            entry["start_time"] = f"2026-03-01T10:00:{number % 60:02}Z"
            entry["experiment_identifier"] = f"p-{visit.name}"
            for name, kind in (("instrument", "NXinstrument"), ("sample", "NXsample"), ("data", "NXdata")):
                entry.create_group(name).attrs["NX_class"] = kind
            entry["instrument/name"], entry["sample/name"] = "BM01", f"zeolite {number % 10}"
            entry["sample/temperature"] = 20.0 + number % 50
            entry["sample/temperature"].attrs["units"] = "K"
            entry["data/data"] = np.zeros((10, 10), "u2")


if __name__ == "__main__":
    main()
