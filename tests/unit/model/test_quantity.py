import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc_analysis.errors import FilterError
from panosc_analysis.model import Parameter, convert, normal_unit, parse_quantity


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (12400, "eV", "keV", 12.4),
        (25, "meV", "eV", 0.025),
        (1.54, "Å", "nm", 0.154),
        (1.54, "\u212b", "angstrom", 1.54),
        (1, "Å-1", "1/nm", 10),
        (20, "°C", "K", 293.15),
        (20, "celsius", "K", 293.15),
        (300, "K", "degC", 26.85),
        (50, "fahrenheit", "°C", 10),
        (1, "µm", "μm", 1),
        (5, "%", "", 0.05),
        (3, "(kg m^2) / s^2", "J", 3),
        (2, "s⁻¹", "Hz", 2),
        (7, "MeV", "meV", 7e9),
    ],
)
def test_converts(value, unit, to, expected):
    assert convert(value, unit, to) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "to"),
    [("kg", "keV"), ("keV", "angstrom"), ("wibble", "K"), ("", "K"), ("K", "A"), ("m99", "m"), ("(", "m")],
)
def test_other_dimensions_and_unknown_units_do_not_convert(unit, to):
    assert convert(1.0, unit, to) is None


@pytest.mark.parametrize(
    "unit",
    ["m^9^9^9^9", "m**9**9**9", "((((((m^9)^9)^9)^9)^9)^9)^9", "__import__('os')", "9" * 50, "m" * 5000, "m^" * 20],
)
def test_hostile_units_end_at_once(unit):
    assert convert(1.0, unit, "m") is None  # a tower of powers would take for ever


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_unit_raises(unit, to):
    found = convert(1.0, unit, to)
    assert found is None or isinstance(found, float)


def test_the_same_unit_does_not_load_pint():
    code = (
        "import sys; from panosc_analysis.model import convert;"
        "assert convert(1.0, 'Å', 'Angstrom') == 1.0 and convert(1.0, 'kev', 'keV') == 1.0;"
        "assert 'pint' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_milli_and_mega_stay_apart():
    assert normal_unit("meV") != normal_unit("MeV")
    assert normal_unit("A") != normal_unit("Å")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8keV", (8, "keV")),
        (" 1.54 Å ", (1.54, "Å")),
        ("-4e2 K", (-400, "K")),
        ("12", (12, "")),
        (".5 nm", (0.5, "nm")),
    ],
)
def test_parse(text, expected):
    assert parse_quantity(text) == expected


@pytest.mark.parametrize("text", ["", "keV", "1,5 Å", "1e999 K", "nan", "inf K", "1.2.3 K", "8 " + "x" * 100])
def test_parse_refuses(text):
    with pytest.raises(FilterError):
        parse_quantity(text)


def test_a_parameter_converts_itself():
    assert Parameter("incident_photon_energy", 12400, "eV").to("keV") == 12.4
    assert Parameter("sample_state", "solid").to("keV") is None
