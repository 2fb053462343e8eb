"""What is read from a file, in all the ways that files are written."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panosc_analysis.catalogue.fields import date
from panosc_analysis.catalogue.harvest import Harvest, ProposalNote, harvest_file
from panosc_analysis.catalogue.packing import pack, unpack
from panosc_analysis.errors import FileTruncated, NotAnHDF5File
from panosc_analysis.model import Parameter, Person


def values(found: Harvest) -> dict[str, tuple[object, str]]:
    return {one.name: (one.value, one.unit) for one in found.parameters}


def test_a_careful_file_is_read_whole(make_file, measured) -> None:
    found = harvest_file(make_file("a.h5", measured()))
    assert found.title == "LaB6 at 300 K"
    assert found.start == datetime(2026, 5, 12, 7, 14, 3, tzinfo=UTC)
    assert found.end == datetime(2026, 5, 12, 7, 14, 13, tzinfo=UTC)
    assert (found.instrument, found.facility) == ("ID31", "ESRF")
    assert [one.name for one in found.techniques] == ["x-ray powder diffraction"]
    assert [one.name for one in found.samples] == ["LaB6"]
    assert values(found) == {
        "incident_photon_energy": (40.0, "keV"),
        "incident_wavelength": (pytest.approx(0.309960496), "angstrom"),
        "sample_chemical_formula": ("La B6", ""),
        "sample_temperature": (300.0, "K"),
    }
    assert found.described
    assert found.holds_data


def test_bytes_arrays_and_latin_1_are_read(make_file) -> None:
    entry = {
        "@NX_class": np.array([b"NXentry"]),
        "title": np.array([b"  two \n words "]),
        "start_time": np.bytes_(b"2001-02-07T08:54:21-0600"),
        "sample": {
            "@NX_class": np.bytes_(b"NXsample"),
            "name": np.bytes_("échantillon".encode("latin-1")),
            "temperature": (np.array([8.3], dtype=np.float32), np.bytes_(b"K")),
        },
    }
    found = harvest_file(make_file("a.nxs", {"run": entry}))
    assert found.title == "two words"
    assert found.start == datetime(2001, 2, 7, 14, 54, 21, tzinfo=UTC)
    assert found.samples[0].name == "échantillon"
    assert values(found)["sample_temperature"] == (8.3, "K")


def test_missing_and_unusable_fields_are_missing(make_file) -> None:
    entry = {
        "@NX_class": "NXentry",
        "title": "{title of the run}",
        "start_time": "yesterday",
        "sample": {"@NX_class": "NXsample", "name": np.float32("nan"), "temperature": (np.nan, "K")},
        "instrument": {"@NX_class": "NXinstrument", "name": "", "beam": {"@NX_class": "NXbeam"}},
        "data": {"@NX_class": "NXdata", "data": np.zeros(3)},
    }
    found = harvest_file(make_file("a.h5", {"entry": entry}))
    assert found == Harvest(holds_data=True)


def test_no_entry_at_all_is_still_a_file_with_data(make_file) -> None:
    found = harvest_file(make_file("a.h5", {"measurement": {"counts": np.arange(3)}}))
    assert (found.title, found.described, found.holds_data) == (None, False, True)


def test_cansas_without_nexus_classes(make_file) -> None:
    entry = {
        "@canSAS_class": "SASentry",
        "run": "33837",
        "title": np.array([b"MH4_5deg"]),
        "sasinstrument": {
            "@canSAS_class": "SASinstrument",
            "name": "SANS2D",
            "sassource": {
                "@canSAS_class": "SASsource",
                "radiation": "Spallation Neutron Source",
                "incident_wavelength": (5.0, "A"),
            },
        },
        "sassample": {"@canSAS_class": "SASsample", "ID": "MH4", "details": "in D2O"},
    }
    found = harvest_file(make_file("a.h5", {"sasentry01": entry}))
    assert (found.title, found.instrument) == ("MH4_5deg", "SANS2D")
    assert [one.name for one in found.techniques] == ["small angle neutron scattering"]
    assert (found.samples[0].name, found.samples[0].description) == ("MH4", "in D2O")
    assert values(found)["incident_wavelength"] == (5.0, "angstrom")
    assert values(found)["incident_energy"] == (pytest.approx(3.27216842), "meV")


def test_several_entries_are_one_dataset_with_the_samples_of_all(make_file, measured) -> None:
    one = measured("first")["entry"]
    sample = {"@NX_class": "NXsample", "name": "CeO2", "temperature": (80.0, "K")}
    other = measured("second", sample=sample)["entry"] | {"start_time": "2026-05-11T00:00:00Z"}
    found = harvest_file(make_file("a.h5", {"@default": "2.1", "1.1": one, "2.1": other}))
    assert found.title == "second; first"
    assert found.start == datetime(2026, 5, 11, tzinfo=UTC)
    assert [one.name for one in found.samples] == ["CeO2", "LaB6"]
    assert [one.value for one in found.parameters if one.name == "sample_temperature"] == [80.0, 300.0]
    assert len(found.techniques) == 1


def test_many_titles_are_cut_to_a_line(make_file, measured) -> None:
    entries = {f"{n}.1": measured(f"ascan energy number {n}")["entry"] for n in range(1, 31)}
    title = harvest_file(make_file("a.h5", entries)).title
    assert title is not None
    assert len(title) < 330
    assert title.endswith(" more")


def test_a_scan_is_given_as_median_and_range(make_file, measured) -> None:
    energies = np.array([7000.0, 7100.0, 7110.0, 7120.0, 7600.0])
    instrument = {
        "@NX_class": "NXinstrument",
        "monochromator": {"@NX_class": "NXmonochromator", "energy": (energies, "eV")},
    }
    found = values(harvest_file(make_file("a.h5", measured(definition="NXxas", instrument=instrument))))
    assert found["incident_photon_energy"] == (7110.0, "eV")
    assert found["incident_photon_energy_min"] == (7000.0, "eV")
    assert found["incident_photon_energy_max"] == (7600.0, "eV")
    assert found["incident_wavelength"] == (pytest.approx(12398.41984 / 7110), "angstrom")


def test_the_pump_laser_is_not_the_beam(make_file, measured) -> None:
    instrument = {
        "@NX_class": "NXinstrument",
        "beam_pump_0": {"@NX_class": "NXbeam", "photon_energy": (1.55, "eV")},
        "beam_probe_0": {"@NX_class": "NXbeam", "photon_energy": (36.5, "eV")},
        "source_pump": {"@NX_class": "NXsource", "type": "reactor"},
    }
    found = values(harvest_file(make_file("a.h5", measured(definition="NXarpes", instrument=instrument))))
    assert found["incident_photon_energy"] == (36.5, "eV")


def test_without_a_unit_nothing_is_derived(make_file, measured) -> None:
    instrument = {"@NX_class": "NXinstrument", "mono": {"@NX_class": "NXmonochromator", "energy": 13.3}}
    found = values(harvest_file(make_file("a.h5", measured(instrument=instrument))))
    assert found["incident_energy"] == (13.3, "")
    assert "incident_wavelength" not in found


def test_without_a_probe_a_wavelength_stays_alone(make_file) -> None:
    beam = {"@NX_class": "NXbeam", "incident_wavelength": (1.0, "angstrom")}
    entry = {"@NX_class": "NXentry", "instrument": {"@NX_class": "NXinstrument", "beam": beam}}
    assert list(values(harvest_file(make_file("a.h5", {"e": entry})))) == ["incident_wavelength"]


def test_the_energy_of_the_electrons_is_not_that_of_the_photons(make_file) -> None:
    source = {"@NX_class": "NXsource", "energy": (6.0, "GeV"), "type": "Synchrotron X-ray Source"}
    entry = {"@NX_class": "NXentry", "instrument": {"@NX_class": "NXinstrument", "source": source}}
    assert harvest_file(make_file("a.h5", {"e": entry})).parameters == ()


def test_logs_and_environments_give_the_temperature(make_file) -> None:
    log = {"@NX_class": "NXlog", "value": (np.array([299.0, 300.0, 304.0]), "K")}
    sensor = {"@NX_class": "NXsensor", "measurement": "temperature", "value": (25.0, "C")}
    for sample, expected in (
        ({"@NX_class": "NXsample", "temperature_log": log}, (300.0, "K")),
        ({"@NX_class": "NXsample", "stage": {"@NX_class": "NXenvironment", "t": sensor}}, (25.0, "degC")),
    ):
        path = make_file(f"{expected[1]}.h5", {"e": {"@NX_class": "NXentry", "sample": sample}})
        assert values(harvest_file(path))["sample_temperature"] == expected


def test_the_proposal_is_read(make_file, measured) -> None:
    proposal = {
        "@NX_class": "NXcollection",
        "title": "Thermal expansion",
        "is_public": False,
        "release_date": "2029-05-13",
        "members": np.array([b"alice", b"bob"]),
    }
    user = {"@NX_class": "NXuser", "name": "Alice A.", "role": "principal_investigator"}
    more = {"experiment_identifier": "hc-5001", "proposal": proposal, "user_1": user}
    found = harvest_file(make_file("a.h5", measured(**more)))
    assert found.proposal == ProposalNote(
        "hc-5001", "Thermal expansion", None, is_public=False, release_date="2029-05-13", members=("alice", "bob")
    )
    assert [one.person for one in found.people] == [Person("Alice A.")]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("entry_identifier", "10.5072/demo/hc-5001-1", "10.5072/demo/hc-5001-1"),
        ("entry_identifier", "20.500.12345/x", "20.500.12345/x"),
        ("entry_identifier_uuid", "8f14E45f-ceea-467f-a9d6-c2f2ac9a8a1c", "local/8f14e45f-ceea-467f-a9d6-c2f2ac9a8a1c"),
        ("entry_identifier", "Run 22118", None),
        ("entry_identifier", "24737", None),
    ],
)
def test_only_what_can_be_a_pid_is_one(make_file, measured, field: str, value: str, expected: str | None) -> None:
    assert harvest_file(make_file("a.h5", measured(**{field: value}))).identifier == expected


def test_links_of_every_kind_are_named_and_not_followed(make_file, measured, tmp_path: Path) -> None:
    path = make_file("raw/master.h5", measured())
    (tmp_path / "data/raw/block_0.h5").touch()
    (tmp_path / "data/raw/block_1.h5").touch()
    with h5py.File(path, "a") as file:
        data = file["entry/data"]
        data["data_000001"] = h5py.ExternalLink("scan_000001.h5", "/entry/data/data")
        data["again"] = h5py.ExternalLink("scan_000001.h5", "/entry/data/other")
        layout = h5py.VirtualLayout((2, 3), "f8")
        layout[:] = h5py.VirtualSource("../shared/view.h5", "/data", (2, 3))
        data.create_virtual_dataset("view", layout)
        blocks = h5py.VirtualLayout((2, 3), "f8", maxshape=(None, 3))
        blocks[0:2] = h5py.VirtualSource("block_0.h5", "/data", (2, 3))
        data.create_virtual_dataset("blocks", blocks)
        data.create_dataset("raw", (3,), "u1", external=[("frames.bin", 0, 3)])
        data["lost"] = h5py.ExternalLink("/gpfs/elsewhere/block_1.h5", "/data")
    root = tmp_path / "data"
    links = [Path(one).relative_to(root).as_posix() for one in harvest_file(path).links]
    assert sorted(links) == [
        "raw/block_0.h5", "raw/block_1.h5", "raw/frames.bin", "raw/scan_000001.h5", "shared/view.h5"
    ]  # fmt: skip


def test_fields_whose_bytes_lie_elsewhere_are_not_published(make_file, measured, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the password is 1234")
    secret = make_file("other.h5", {"title": "secret of another proposal"})
    path = make_file("a.h5", measured())
    with h5py.File(path, "a") as file:
        entry = file["entry"]
        for name in ("title", "sample/name", "definition"):
            del entry[name]
        entry.create_dataset("title", (), "S20", external=[(str(tmp_path / "secret.txt"), 0, 20)])
        entry["definition"] = h5py.ExternalLink(str(secret), "/title")
        entry["lane"] = h5py.ExternalLink(str(secret), "/")
        entry["scan_command"] = h5py.SoftLink("/entry/lane/title")
        layout = h5py.VirtualLayout((1,), h5py.string_dtype())
        layout[:] = h5py.VirtualSource(str(secret), "/title", (1,), dtype=h5py.string_dtype())
        entry["sample"].create_virtual_dataset("name", layout)
    found = harvest_file(path)
    assert found.title is None
    assert [one.name for one in found.samples] == ["La B6"]
    assert "secret" not in pack(found)
    assert "password" not in pack(found)


def test_circles_of_links_end(make_file) -> None:
    path = make_file("a.h5", {"e": {"@NX_class": "NXentry", "title": "round"}})
    with h5py.File(path, "a") as file:
        file["e/self"] = file["e"]
        file["e/soft"] = h5py.SoftLink("/e")
        file["e/nowhere"] = h5py.SoftLink("/none")
        file["e/sample"] = h5py.SoftLink("/e/sample")
    assert harvest_file(path).title == "round"


def test_other_formats_give_an_empty_harvest(tmp_path: Path) -> None:
    path = tmp_path / "scan.spec"
    path.write_text("#F scan.spec\n#D Sat Oct 31 15:51:47 1998\n\n#S 1 ascan m 0 1 2 1\n#N 2\n#L m  det\n0 1\n1 2\n")
    assert harvest_file(path) == Harvest(holds_data=True)


def test_what_cannot_be_read_says_why(make_file, measured, tmp_path: Path) -> None:
    path = make_file("a.h5", measured())
    path.write_bytes(path.read_bytes()[:3000])
    os.utime(path, (1, 1))
    with pytest.raises(FileTruncated):
        harvest_file(path)
    (tmp_path / "notes").write_text("hello")
    with pytest.raises(NotAnHDF5File):
        harvest_file(tmp_path / "notes")


def test_a_harvest_is_packed_without_loss(make_file, measured) -> None:
    user = {"@NX_class": "NXuser", "name": "Alice", "ORCID": "0000-0001-2345-6789"}
    found = harvest_file(make_file("a.h5", measured(user=user, experiment_identifier="x")))
    assert unpack(pack(found)) == found
    assert unpack(pack(Harvest())) == Harvest()
    text = Harvest(parameters=(Parameter("sample_chemical_formula", "12"),), proposal=ProposalNote(release_date=""))
    assert unpack(pack(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11-May-2016 12:20:43", datetime(2016, 5, 11, 12, 20, 43, tzinfo=UTC)),
        ("Wed Jun 06 10:46:43 2018", datetime(2018, 6, 6, 10, 46, 43, tzinfo=UTC)),
        ("2016-11-15 17:07:54.076000", datetime(2016, 11, 15, 17, 7, 54, 76000, tzinfo=UTC)),
        ("", None),
        ("2026-02-30", None),
        (None, None),
    ],
)
def test_dates_of_acquisition_programs(text: str | None, expected: datetime | None) -> None:
    assert date(text) == expected


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=40), st.binary(max_size=40), st.floats(), st.lists(st.text(max_size=5), max_size=3)))
def test_no_content_of_a_field_is_too_odd(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.mktemp("odd") / "a.h5"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        for name in ("title", "start_time", "definition", "experiment_identifier", "entry_identifier"):
            try:
                entry[name] = value
            except (TypeError, ValueError):  # what HDF5 cannot store cannot be found
                return
    assert unpack(pack(found := harvest_file(path))) == found
