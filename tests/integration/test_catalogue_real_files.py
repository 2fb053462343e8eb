"""The files of six real collections, indexed and found by what they are."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from panosc_analysis.catalogue import IndexReport, build_index
from panosc_analysis.catalogue.querying import Catalogue
from panosc_analysis.catalogue.visibility import Viewer
from panosc_analysis.filters import parse_filter

pytestmark = pytest.mark.shared_data

ANYBODY = Viewer(time.time())
EVERYTHING = {"include": ["instrument", "techniques", "parameters", "samples", "files", "documents"]}


@pytest.fixture(scope="module")
def report(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[IndexReport, Path]:
    index = tmp_path_factory.mktemp("real") / "index.db"
    return build_index(shared_data / "nexus", index, public=True), index


@pytest.fixture(scope="module")
def catalogue(report: tuple[IndexReport, Path]) -> Catalogue:
    return Catalogue(report[1])


@pytest.fixture(scope="module")
def records(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """All datasets by the name of their first file."""
    found = catalogue.find("Dataset", parse_filter(EVERYTHING), ANYBODY)
    return {one["files"][0]["name"]: one for one in found}


def names(catalogue: Catalogue, **filter: Any) -> set[str]:
    found = catalogue.find("Dataset", parse_filter({"include": ["files"], **filter}), ANYBODY)
    return {one["files"][0]["name"] for one in found}


def of_technique(catalogue: Catalogue, name: str) -> set[str]:
    technique = {"relation": "techniques", "scope": {"where": {"name": name}}}
    return names(catalogue, include=["files", technique])


def values(record: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: (one["value"], one["unit"]) for one in record["parameters"]}


def test_every_file_is_a_dataset_part_of_one_or_refused(
    shared_data: Path, report: tuple[IndexReport, Path], records: dict[str, dict[str, Any]]
) -> None:
    done, _ = report
    there = {path.relative_to(shared_data / "nexus").as_posix() for path in (shared_data / "nexus").rglob("*.*")}
    listed = Counter(file["path"] for one in records.values() for file in one["files"])
    refused = {one.path: one.reason for one in done.refused}
    assert there == set(listed) | set(refused) | set(done.passed_over)
    assert not set(listed) & set(refused)
    assert all(refused.values())
    assert done.added == len(there)
    assert len(listed) > 30
    assert all(one["title"] and one["size"] > 0 for one in records.values())


def test_a_second_run_opens_nothing(shared_data: Path, report: tuple[IndexReport, Path]) -> None:
    done, index = report
    again = build_index(shared_data / "nexus", index, public=True)
    assert (again.added, again.updated, again.removed) == (0, 0, 0)
    assert (again.datasets, again.refused) == (done.datasets, done.refused)


def test_records_say_what_a_scientist_would(records: dict[str, dict[str, Any]]) -> None:
    arpes = records["201805_WSe2_arpes.nxs"]
    assert arpes["title"] == "Excited-state dynamics of WSe2 in the Valence Band and Core-Levels"
    assert arpes["creationDate"] == "2018-05-01T05:22:00.000Z"
    assert arpes["instrument"]["facility"] == "FLASH"
    assert arpes["documents"][0]["keywords"] == ["F-20170538"]
    assert values(arpes)["incident_photon_energy"] == (36.49699020385742, "eV")
    assert values(arpes)["sample_temperature"] == (300.0, "K")

    chopper = records["chopper.nxs"]
    assert [one["name"] for one in chopper["samples"]] == ["Magnesium Diboride"]
    assert values(chopper)["incident_energy"] == (130.0, "meV")
    assert values(chopper)["incident_wavelength"] == (pytest.approx(0.7933, abs=1e-4), "angstrom")
    assert values(chopper)["sample_chemical_formula"] == ("MgB2", "")

    assert records["scan101.nxs"]["instrument"]["name"] == "SIXS"
    assert values(records["scan101.nxs"])["incident_photon_energy"][1] == "KeV"
    assert [one["name"] for one in records["1998spheres.h5"]["samples"]] == ["ps255nm", "ps460nm"]
    assert records["medipix.edf"]["title"] == "medipix.edf"


def test_found_by_technique(catalogue: Catalogue) -> None:
    assert of_technique(catalogue, "ARPES") == {"201805_WSe2_arpes.nxs"}
    sans = of_technique(catalogue, "SANS")
    assert {"cs_af1410.h5", "14250_2D_NoDetInfo_NXcanSAS_v3.h5", "nxcansas_1Dand2D_multisasentry.h5"} <= sans
    saxs = of_technique(catalogue, "SAXS")
    assert {"1998spheres.h5", "USAXS_flyScan_GC_M4_NewD_15.h5", "Lew_Sa3_DSM_QinA.h5"} <= saxs
    assert not sans & saxs
    assert sans | saxs < of_technique(catalogue, "small angle scattering")


def test_found_by_energy_in_any_unit(catalogue: Catalogue) -> None:
    for low, high, unit in ((20, 25, "keV"), (20_000, 25_000, "eV")):
        where = {"and": [{"name": "incident_photon_energy"}, {"value": {"between": [low, high]}}, {"unit": unit}]}
        energy = {"relation": "parameters", "scope": {"where": where}}
        found = names(catalogue, include=["files", energy])
        assert found == {"USAXS_flyScan_GC_M4_NewD_15.h5", "Lew_Sa3_DSM_QinA.h5"}


def test_found_by_words(catalogue: Catalogue) -> None:
    assert names(catalogue, where={"text": "wse2"}) == {"201805_WSe2_arpes.nxs"}
    assert "chopper.nxs" in names(catalogue, query="diboride")
    assert "1998spheres.h5" in names(catalogue, query="latex", limit=1)
    assert names(catalogue, query="nothing-like-this-anywhere") == set()


def test_closed_unless_the_owner_says_otherwise(shared_data: Path, tmp_path: Path) -> None:
    build_index(shared_data / "nexus" / "nexpy", tmp_path / "index.db")
    assert Catalogue(tmp_path / "index.db").count("Dataset", parse_filter({}), ANYBODY) == 0
