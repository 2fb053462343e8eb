import pytest

from panosc_analysis.errors import FilterError
from panosc_analysis.search import panet
from panosc_analysis.search.panet_table import make_table


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SAXS", "PaNET01188"),
        ("saxs", "PaNET01188"),
        ("Small-Angle X-ray  Scattering", "PaNET01188"),
        ("XRF", "PaNET01177"),
        ("SANS", "PaNET01189"),
        ("NEXAFS", "PaNET01199"),
        ("PaNET01188", "PaNET01188"),
        ("panet01188", "PaNET01188"),
        ("PaNET:PaNET01188", "PaNET01188"),
        ("http://purl.org/pan-science/PaNET/PaNET01188", "PaNET01188"),
        ("powder diffraction", "PaNET01030"),
    ],
)
def test_names_resolve(name, code):
    assert panet.resolve(name).pid == panet.PURL + code


def test_an_unknown_name_is_answered_with_near_ones():
    with pytest.raises(FilterError, match="tomography"):
        panet.resolve("tomografy")
    with pytest.raises(FilterError):
        panet.resolve("PaNET99999")
    assert panet.descendants("PaNET99999") == panet.names("x") == ()


def test_kinds_of_small_angle_scattering_are_those_that_the_ontology_service_gives():
    kinds = panet.descendants("PaNET01124")
    assert len(kinds) == 22
    assert kinds[0].name == "small angle scattering"
    assert {"small angle x-ray scattering", "grazing incidence small angle neutron scattering"} <= {
        k.name for k in kinds
    }


def test_kinds_that_follow_from_definitions_only():
    names = {one.name for one in panet.descendants("PaNET01188")}
    assert "grazing incidence small angle x-ray scattering" in names  # its definition names both its parents
    assert "small angle neutron scattering" not in names
    fluorescence = {one.name for one in panet.descendants("fluorescence luminescence")}
    assert not fluorescence  # a label is no code
    assert panet.resolve("x-ray fluorescence") in panet.descendants(
        "PaNET00201"
    )  # emission: its process is a kind of it


def test_two_terms_of_one_meaning_are_kinds_of_each_other():
    one, other = panet.resolve("inelastic small angle scattering"), panet.resolve("small angle inelastic scattering")
    assert other in panet.descendants(one.pid)
    assert one in panet.descendants(other.pid)


@pytest.mark.shared_data
def test_the_table_is_what_its_maker_makes(shared_data, repository):
    shipped = repository / "src" / "panosc_analysis" / "search" / "panet.tsv"
    assert make_table(shared_data / "panet" / "PaNET.csv") == shipped.read_text(encoding="utf-8")
