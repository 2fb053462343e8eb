"""Definitions become PaNET terms."""

from __future__ import annotations

import pytest

from panosc_analysis.catalogue.techniques import _TERMS, technique_for
from panosc_analysis.search import panet


@pytest.mark.parametrize(
    ("definition", "probe", "code", "name"),
    [
        ("NXcanSAS", "x-ray", "PaNET01188", "small angle x-ray scattering"),
        ("NXcanSAS", "neutron", "PaNET01189", "small angle neutron scattering"),
        ("NXcanSAS", None, "PaNET01124", "small angle scattering"),
        ("nxsas", "x-ray", "PaNET01188", "small angle x-ray scattering"),
        ("NXtomo", "x-ray", "PaNET01207", "x-ray tomography"),
        ("NXtomo", None, "PaNET01129", "tomography"),
        ("NXxas", None, "PaNET01196", "x-ray absorption spectroscopy"),
        ("NXarpes", None, "PaNET01089", "angle resolved photoemission spectroscopy"),
        ("NXfluo", None, "PaNET01177", "x-ray fluorescence"),
        ("NXtofnpd", None, "PaNET01100", "neutron powder diffraction"),
        ("NXtofraw", None, "PaNET01001", "neutron time of flight technique"),
        ("NXmonopd", "neutron", "PaNET01100", "neutron powder diffraction"),
        ("NXmx", None, "PaNET01164", "macromolecular crystallography"),
        ("NXstxm", None, "PaNET01219", "scanning transmission x-ray microscopy"),
        (" NXmonopd ", "x-ray", "PaNET01101", "x-ray powder diffraction"),
    ],
)
def test_a_definition_names_its_term(definition: str, probe: str | None, code: str, name: str) -> None:
    found = technique_for(definition, probe)
    assert found is not None
    assert (found.pid, found.name) == (f"http://purl.org/pan-science/PaNET/{code}", name)


@pytest.mark.parametrize("definition", [None, "", "NXarchive", "NXscan", "NXspecdata", "SAXS"])
def test_a_definition_without_a_technique_has_none(definition: str | None) -> None:
    assert technique_for(definition) is None


def test_every_term_of_the_table_is_in_panet() -> None:
    for codes in _TERMS.values():
        for code in codes:
            assert panet.code_of(code) == code
