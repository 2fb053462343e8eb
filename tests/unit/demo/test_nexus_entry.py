"""What every file says about itself, as readers and catalogues want it."""

from __future__ import annotations

from datetime import datetime

import h5py
import pytest
from silx.io.nxdata import get_default

from panosc_analysis.errors import FileTruncated
from panosc_analysis.nexus import open_file

DEFINITIONS = {"NXmonopd", "NXsas", "NXtomo", "NXfluo", "NXxas", "NXtofnpd"}


def text(group, path):
    return group[path].asstr()[()]


def test_every_file_says_who_what_where_when(files):
    pids, definitions = [], set()
    for path in files.masters():
        with open_file(path) as file:
            entry = file["entry"]
            pids.append(text(entry, "entry_identifier"))
            definitions.add(text(entry, "definition"))
            proposal = path.relative_to(files.root).parts[0]
            assert text(entry, "experiment_identifier") == proposal
            assert pids[-1].startswith(f"10.5072/demo/{proposal}-")
            start, end = (datetime.fromisoformat(text(entry, f"{which}_time")) for which in ("start", "end"))
            assert start.utcoffset() is not None
            assert start < end
            assert path.relative_to(files.root).parts[2] == f"{start:%Y%m%d}"
            assert text(entry, "title")
            assert text(entry, "proposal/title") == text(entry, "experiment_description")
            assert bool(entry["proposal/is_public"][()]) == (proposal == "open")
            assert list(entry["proposal/members"].asstr()[()])
            assert text(entry, "user_1/facility_user_id") in entry["proposal/members"].asstr()[()]
            assert entry["instrument/name"].attrs["short_name"] == path.relative_to(files.root).parts[1]
            assert text(entry, "instrument/source/probe") in ("x-ray", "neutron")
            assert text(entry, "sample/chemical_formula")
            assert entry["sample/temperature"].attrs["units"] == "K"
    assert len(set(pids)) == len(pids)
    assert definitions == DEFINITIONS


def test_photon_energy_and_wavelength_agree(files):
    with open_file(files.raw("LaB6_300K")) as file:
        beam = file["entry/instrument/beam"]
        energy, wavelength = beam["incident_energy"], beam["incident_wavelength"]
        assert (energy.attrs["units"], wavelength.attrs["units"]) == ("keV", "angstrom")
        assert energy[()] == 40.0
        assert energy[()] * wavelength[()] == pytest.approx(12.39842, rel=1e-6)


def test_silx_finds_the_default_plot_of_every_file(files):
    expected = {
        "ID31": ("/entry/data", 3),
        "ID02": ("/entry/data", 3),
        "BM18": ("/entry/data", 3),
        "ID21": ("/entry/maps", 2),
        "BM23": ("/entry/data", 1),
        "TOFDIFF": ("/entry/data", 1),
    }
    data_files = list(files.root.rglob("*_data_0*.h5"))
    assert data_files
    for path in [*files.masters(), *data_files]:
        with open_file(path) as file:
            plot = get_default(file)
            assert plot is not None, path
            assert not plot.issues
            beamline = path.relative_to(files.root).parts[1]
            assert (plot.group.name, plot.signal.ndim) == expected[beamline]
            assert plot.signal.size


def test_classes_and_plots_are_marked_as_readers_want(files):
    for path in files.masters():
        with open_file(path) as file:

            def check(name, node):
                if isinstance(node, h5py.Group):
                    assert isinstance(node.attrs["NX_class"], str), name
                    if node.attrs["NX_class"] == "NXdata":
                        assert node.attrs["signal"] in node
                        assert all(axis == "." or axis in node for axis in node.attrs["axes"])

            file.visititems(check)
            assert file.attrs["default"] == "entry"


def test_log_scale_is_spelt_for_silx_and_for_h5web(files):
    with open_file(files.raw("LaB6_300K")) as file:
        style = file["entry/data"].attrs["SILX_style"]
        assert get_default(file).plot_style.signal_scale_type == "log"
    assert '"axes_scale_type":' in style
    assert '"axes_scale_types":' in style


def test_the_crashed_file_is_refused_as_truncated_and_the_log_says_why(files):
    crashed = files.raw("LaB6_600K")
    with pytest.raises(FileTruncated):
        open_file(crashed)
    log = crashed.with_name("ID31_20260512.log").read_text()
    assert "scan 4 started: LaB6 660c in 0.5 mm capillary, 600 K" in log
    assert "ERROR detector: connection lost" in log
    assert log.index("scan 3 finished") < log.index("scan 4 started")
