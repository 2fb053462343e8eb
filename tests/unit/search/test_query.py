import datetime

import pint
import pytest

from panosc_analysis.errors import FilterError
from panosc_analysis.filters import Filter
from panosc_analysis.search import Query
from panosc_analysis.search.query import PHOTON_ENERGY, TEMPERATURE, question_from
from panosc_analysis.units import MPa, degC, eV, keV, mm

UNITS = pint.UnitRegistry(cache_folder=None)
SAXS = {"pid": "http://purl.org/pan-science/PaNET/PaNET01162", "name": "grazing incidence small angle x-ray scattering"}
RECORD = {
    "pid": "10.5072/x",
    "title": "Strain in steel",
    "isPublic": True,
    "creationDate": "2026-03-01T18:00:00.000Z",
    "instrument": {"name": "ID31", "facility": "ESRF"},
    "techniques": [SAXS],
    "parameters": [
        {"name": "incident_photon_energy", "value": 9000, "unit": "eV"},
        {"name": "sample_temperature", "value": 20, "unit": "celsius"},
        {"name": "sample_pressure", "value": 150_000, "unit": "Pa"},
        {"name": "sample_chemical_formula", "value": "LaB6"},
    ],
    "samples": [{"name": "LaB6"}],
    "documents": [{"pid": "10.5072/demo/hc-5001"}],
}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, True),
        ({"text": "strain LAB6 id31"}, True),
        ({"text": "strain LaB6 id32"}, False),
        ({"text": "a+b(*"}, False),
        ({"text": "  "}, True),
        ({"technique": "SAXS"}, True),
        ({"technique": "PaNET01188"}, True),
        ({"technique": "SANS"}, False),
        ({"photon_energy": (8, 12)}, True),
        ({"photon_energy": "8-12 keV"}, True),
        ({"photon_energy": ("8000 eV", None)}, True),
        ({"photon_energy": (None, 8.9)}, False),
        ({"photon_energy": 9}, True),
        ({"photon_energy": 9.2}, False),
        ({"photon_energy": (8, 12) * UNITS.keV}, True),
        ({"photon_energy": 9 * UNITS.keV}, True),
        ({"photon_energy": (8, 12) * keV}, True),
        ({"photon_energy": (None, 8900) * eV}, False),
        ({"temperature": 20 * degC}, True),
        ({"wavelength": (1, 2)}, False),
        ({"temperature": 293}, True),
        ({"temperature": "20 °C"}, True),
        ({"temperature": "-10 to 10 °C"}, False),
        ({"parameters": {"sample_pressure": "1-2 bar"}}, True),
        ({"parameters": {"sample_pressure": (0.14, 0.16) * MPa}}, True),
        ({"parameters": {"sample_pressure": ("1 bar", None)}}, True),
        ({"parameters": {"sample_pressure": (1, 2)}}, False),
        ({"parameters": {"sample_pressure": 150_000}}, True),
        ({"parameters": {"sample_pressure": (1, 2) * UNITS.mbar}}, False),
        ({"parameters": {"sample_chemical_formula": "lab"}}, True),
        ({"parameters": {"sample_chemical_formula": "NaCl"}}, False),
        ({"parameters": {"sample_pressure": "1-2 bar", "sample_chemical_formula": "La"}, "photon_energy": 9}, True),
        ({"parameters": {"nothing": 1}}, False),
        ({"parameters": {}}, True),
        ({"instrument": "id3"}, True),
        ({"facility": "esrf"}, True),
        ({"facility": "ILL"}, False),
        ({"sample": "lab"}, True),
        ({"proposal": "HC-5001"}, True),
        ({"proposal": "10.5072/demo/hc-5001"}, True),
        ({"proposal": "hc-500"}, False),
        ({"public": True}, True),
        ({"public": False}, False),
        ({"since": "2026-03-01", "until": "2026-03-01"}, True),
        ({"since": datetime.date(2026, 3, 2)}, False),
        ({"until": datetime.datetime(2026, 3, 1, 17, tzinfo=datetime.UTC)}, False),
        ({"technique": "SAXS", "text": "LaB6", "photon_energy": (8, 12), "proposal": "hc-5001"}, True),
    ],
)
def test_what_is_a_hit(words, expected):
    assert Query(**words).question().accepts(RECORD) is expected


def test_techniques_of_providers_with_identifiers_of_their_own():
    question = Query(technique="SAXS").question()
    named = {**RECORD, "techniques": [{"pid": "local-7", "name": "small angle x-ray scattering"}]}
    addressed = {**RECORD, "techniques": [{"pid": "local-7", "panetId": SAXS["pid"], "name": "GISAXS"}]}
    neither = {**RECORD, "techniques": [{"pid": "local-7", "name": "imaging"}]}
    assert [question.accepts(one) for one in (named, addressed, neither)] == [True, True, False]


@pytest.mark.parametrize(
    "words",
    [
        {"technique": "no such thing"},
        {"photon_energy": (12, 8)},
        {"photon_energy": "5 kg"},
        {"photon_energy": "1,5 keV"},
        {"photon_energy": float("nan")},
        {"photon_energy": "8-10-12 keV"},
        {"photon_energy": (None, None)},
        {"photon_energy": (1, 2, 3)},
        {"photon_energy": True},
        {"photon_energy": 5 * UNITS.kg},
        {"photon_energy": 5 * mm},
        {"photon_energy": object()},
        {"wavelength": "1 wibble"},
        {"parameters": {" ": 1}},
        {"parameters": {"x": (3, 2)}},
        {"parameters": {"x": object()}},
        {"since": "2026-02-30"},
        {"until": "soon"},
        {"text": "x" * 1001},
        {"text": "x " * 30},
        {"instrument": " "},
        {"limit": 0},
        {"limit": 10**9},
        {"limit": "10"},
        {"photon_enrgy": 8},
    ],
)
def test_what_cannot_be_understood_is_refused(words):
    with pytest.raises(FilterError) as caught:
        question_from(None, words)
    assert caught.value.hint


def test_a_wrong_word_is_answered_with_the_right_one():
    with pytest.raises(FilterError, match="photon_energy"):
        question_from(None, {"photon_enrgy": 8})


def test_words_and_a_filter_do_not_go_together():
    with pytest.raises(FilterError):
        question_from({"limit": 3}, {"text": "x"})
    assert question_from({"limit": 3}, {}).limit == 3
    with pytest.raises(FilterError):
        question_from(Filter(skip=3), {})


def test_a_range_says_itself():
    assert str(PHOTON_ENERGY.range("8-12 keV")) == "8 to 12 keV"
    assert str(PHOTON_ENERGY.range((8, None))) == "from 8 keV"
    assert str(TEMPERATURE.range((None, 80))) == "up to 80 K"
    assert str(Query(technique="SAXS", photon_energy=(8, 12), limit=3)) == (
        "technique small angle x-ray scattering, photon energy 8 to 12 keV"
    )
