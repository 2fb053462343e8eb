"""``panosc-analysis search`` and ``pan.search`` over providers of several kinds, one of which fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import panosc_analysis as pan
from panosc_analysis.errors import FilterError
from panosc_analysis.search import panet
from panosc_analysis.testing import serve
from panosc_analysis.testing.hostile import BODIES, answering
from panosc_analysis.testing.implementations import Ill, SciCat
from panosc_analysis.testing.server import running
from panosc_analysis.units import keV


def record(number: int, technique: str, value: float) -> dict[str, object]:
    term = panet.resolve(technique)
    return {
        "pid": f"10.5072/demo/set-{number}",
        "title": f"LaB6 scan {number}",
        "isPublic": True,
        "creationDate": f"2026-03-0{number + 1}T10:00:00.000Z",
        "size": 1_500_000_000,
        "instrument": {"pid": "i", "name": "ID31", "facility": "ESRF"},
        "techniques": [{"pid": term.pid, "name": term.name}],
        "samples": [{"pid": "s", "name": "LaB6"}],
        "parameters": [{"name": "incident_photon_energy", "value": value, "unit": "eV"}],
        "documents": [],
    }


@pytest.fixture(scope="module")
def providers() -> Iterator[str]:
    """The variable that names three providers."""
    with ExitStack() as stack:
        ess = stack.enter_context(serve(SciCat([record(0, "SAXS", 9000), record(1, "SANS", 9000)])))
        ill = stack.enter_context(serve(Ill([record(2, "SAXS", 20_000), record(3, "PaNET01162", 11_000)])))
        down = stack.enter_context(running(answering(BODIES["HTML with 200"])))
        yield f"ESS=scicat+{ess.url},ILL=ill+{ill.url},PSI={down}"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "panosc_analysis", "search", *arguments]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("columns", ["80", "120"])
def test_a_table_that_a_person_can_read(providers: str, columns: str) -> None:
    done = run("LaB6", "--technique", "SAXS", PANOSC_PROVIDERS=providers, COLUMNS=columns)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert done.stderr == ""
    assert lines[0].split()[:5] == ["Facility", "Title", "Technique", "Date", "Size"]
    assert max(map(len, lines)) <= int(columns)
    for said in ("ESS", "ESRF", "LaB6 scan 3", "2026-03-04", "1.5 GB", "open", "10.5072/demo/set-3"):
        assert said in done.stdout
    assert "set-1" not in done.stdout
    assert "ESS: 1 dataset in" in done.stdout
    assert "ILL: 2 datasets in" in done.stdout
    assert "PSI: malformed; answered with an HTML page." in done.stdout


@pytest.mark.parametrize("energy", ["8:12", "8000-12000 eV", "10 keV", "8-12 keV"])
def test_quantities_in_the_ways_a_person_writes_them(providers: str, energy: str) -> None:
    done = run("--photon-energy", energy, "--technique", "SAXS", "--json", PANOSC_PROVIDERS=providers)
    found = json.loads(done.stdout)
    expected = [] if energy == "10 keV" else ["10.5072/demo/set-3", "10.5072/demo/set-0"]
    assert [one["pid"] for one in found["datasets"]] == expected
    assert [one["state"] for one in found["outcomes"]] == ["ok", "ok", "malformed"]


def test_any_parameter_by_its_name(providers: str) -> None:
    done = run("--parameter", "incident_photon_energy=10-12 keV", "--json", PANOSC_PROVIDERS=providers)
    assert [one["pid"][-1] for one in json.loads(done.stdout)["datasets"]] == ["3"]
    wrong = run("--parameter", "pressure", PANOSC_PROVIDERS=providers)
    assert wrong.returncode == 2
    assert "sample_pressure=1-2 bar" in wrong.stderr


def test_the_search_apis_own_filter(providers: str) -> None:
    filter = '{"where": {"title": {"nlike": "scan 3"}}, "order": "title ASC"}'
    found = json.loads(run("--filter", filter, "--json", PANOSC_PROVIDERS=providers).stdout)
    assert [one["title"][-1] for one in found["datasets"]] == ["0", "1", "2"]
    both = run("LaB6", "--filter", filter, PANOSC_PROVIDERS=providers)
    assert both.returncode == 1
    assert "Give one of them" in both.stderr


def test_nobody_answers(providers: str) -> None:
    down = providers.rpartition(",")[2]
    done = run("LaB6", PANOSC_PROVIDERS=down)
    assert done.returncode == 1
    assert "No provider gave an answer" in done.stdout
    wrong = run("--provider", "sicat+http://127.0.0.1:9", "LaB6")
    assert wrong.returncode == 1
    assert "Use one of common, reference" in wrong.stderr


def test_from_a_notebook(providers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANOSC_PROVIDERS", providers)
    hits = pan.search("scan", technique="SAXS", photon_energy=(8, 12) * keV)
    assert [hit.pid[-1] for hit in hits] == ["3", "0"]
    assert "10.5072/demo/set-3" in repr(hits)
    assert "<table>" in hits._repr_html_()
    assert len(pan.search(filter={"where": {"title": "LaB6 scan 2"}})) == 1
    with pytest.raises(FilterError):
        pan.search("x", filter={"limit": 1})


def test_the_doctor_recognises_an_implementation(providers: str) -> None:
    ess = providers.partition(",")[0].replace("scicat+", "")
    command = [sys.executable, "-m", "panosc_analysis", "doctor", "--json"]
    surroundings = os.environ | {"PANOSC_PROVIDERS": ess}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False, timeout=120)
    assert "ESS is asked as common, and looks like scicat" in done.stdout
    surroundings["PANOSC_PROVIDERS"] = providers.partition(",")[0]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False, timeout=120)
    assert "looks like" not in done.stdout
