import datetime

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc_analysis.errors import FilterError
from panosc_analysis.filters import Filter, accepts, matches
from panosc_analysis.search import Query, wire
from panosc_analysis.search.query import PHOTON_ENERGY, TEMPERATURE, question_from

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
        ({"wavelength": (1, 2)}, False),
        ({"temperature": 293}, True),
        ({"temperature": "20 °C"}, True),
        ({"temperature": "-10 to 10 °C"}, False),
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
        {"photon_energy": object()},
        {"wavelength": "1 wibble"},
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


# --- what is sent ---------------------------------------------------------------------------------------------------


@given(st.floats(-50, 50), st.floats(0, 60), st.sampled_from([("keV", 1), ("eV", 1000)]), st.floats(-60, 60))
def test_what_is_sent_never_leaves_out_a_hit(low, width, written, energy):
    """A server that does not convert units, and compares strictly, still gives every dataset that is a hit."""
    unit, factor = written
    parameter = {"name": "incident_photon_energy", "value": energy * factor, "unit": unit}
    question = Query(photon_energy=(low, low + width)).question()
    (sent,) = wire.narrowed(question.filters[0]).include[:1]
    if question.accepts({"pid": "x", "parameters": [parameter]}) and sent.scope is not None:
        assert matches(sent.scope.where, parameter)


@pytest.mark.parametrize(
    "where",
    [
        {"title": {"neq": "x"}},
        {"title": {"nlike": "x"}},
        {"size": {"gt": 0}},
        {"size": 1.5},
        {"size": None},
        {"title": {"ilike": "(%)"}},
        {"and": [{"or": [{"title": "a"}, {"size": {"neq": 1}}]}]},
        {"pid": {"nin": ["a"]}},
    ],
)
def test_what_not_every_server_knows_is_not_sent(where):
    assert wire.narrowed(Filter(where=question_from({"where": where}, {}).filters[0].where)).where is None


def test_the_sent_form_is_flat_limited_and_never_without_a_relation():
    for words in (
        {},
        {"text": "LaB6 (100%)"},
        {"technique": "x-ray probe technique"},
        {"temperature": (-5, 5), "public": False},
    ):
        for filter in Query(**words).question().filters:
            sent = wire.narrowed(filter)
            assert sent.include
            assert len(sent.to_text()) < 8000
            assert accepts(Filter(sent.where), RECORD) or not accepts(Filter(filter.where), RECORD)
    for bare in wire.narrowed(Query(technique="SAXS").question().filters[0]).include:
        assert bare.scope is None or "panetId" not in str(bare.to_json())


def test_patterns_are_sent_as_letters_and_digits():
    (filter, *_) = Query(text="C60(OH)24+").question().filters
    assert wire.narrowed(filter).to_json()["where"] == {"title": {"ilike": "C60"}}
    covering = wire.with_wildcards(wire.narrowed(filter))
    assert covering is not None
    assert covering.to_json()["where"] == {"title": {"ilike": "%C60%"}}
