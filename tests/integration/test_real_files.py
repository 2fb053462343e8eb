"""Real files of many facilities: every one opens or is refused in our words, and a plot is found in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from panosc_analysis.errors import PanoscError
from panosc_analysis.nexus import default_plot, open_file, read_tree

pytestmark = pytest.mark.shared_data

# file: (rule, kind, signal, names of the axes)
EXPECTED = {
    "02_03_setup.h5": ("first NXdata", "curve", "/scan_1/data/I0", ["mr"]),
    "14250_2D_NoDetInfo_NXcanSAS_v3.h5": ("first NXdata", "image", "/sasentry01/sasdata/I", ["Qy", "Qx"]),
    "1998spheres.h5": ("@default", "curve", "/sasentry_0/sasdata/I", ["Q"]),
    "201805_WSe2_arpes.nxs": ("first NXdata", "stack", "/entry/data/data", ["angles", "energies", "delays"]),
    "31oct98.dat": ("scan", "curve", "/19.1/measurement/If4", ["TZ3"]),
    "33837rear_1D_1.75_16.5_NXcanSAS_v3.h5": ("first NXdata", "curve", "/sasentry01/sasdata/I", ["Q"]),
    "33837rear_2D_1.75_16.5_NXcanSAS_v3.h5": ("first NXdata", "image", "/sasentry01/sasdata/I", ["Qy", "Qx"]),
    "33id_spec_22_2D.hdf5": ("@default", "image", "/S22/data/I0", ["eta", "chi"]),
    "Data_Q.h5": ("first NXdata", "image", "/sasentry01/sasdata01/I", [None, None]),
    "FK403_0006_Nika.hdf": ("@default", "curve", "/FK403_0006_270_30/_1D_270_30/I", ["Q"]),
    "ID19_D2H2T2_0000.edf": ("@default", "image", "/scan_0/image/data", [None, None]),
    "Lew_Sa3_DSM_QinA.h5": ("@default", "curve", "/Lew_Sa3_0004_mrg/Lew_Sa3_0004_mrg/I", ["Q"]),
    "Qx_rank4_test_data.h5": ("@default", "stack", "/sasentry/sasdata/I", ["Time", "Temperature", "Pressure", None]),
    "S2p5min_00070_00001.h5": ("first NXdata", "image", "/entry/data/data", [None, None]),
    "USAXS_flyScan_GC_M4_NewD_15.h5": ("@default", "curve", "/entry/flyScan/mca3", [None]),
    "chopper.nxs": ("@default", "image", "/entry/data/data", ["polar_angle", "time_of_flight"]),
    "compression.h5": ("first NXdata", "image", "/SASentry/SASdata/I", [None, None]),
    "cs_af1410.h5": ("@default", "curve", "/AF1410_10/AF1410_a10/I", ["Q"]),
    "data.edf": ("@default", "image", "/scan_0/image/data", [None, None]),
    "draft_1D_NXcanSAS.h5": ("first NXdata", "curve", "/sasentry01/sasdata/I", ["Q"]),
    "draft_2D_NXcanSAS.h5": ("first NXdata", "image", "/sasentry01/sasdata/I", ["Qy", "Qx"]),
    "example.nxs": ("@default", "image", "/entry/data/signal", ["y", "x"]),
    "example_01_1D_I_Q.h5": ("@default", "curve", "/sasentry/sasdata/I", ["Q"]),
    "example_mapping.nxs": (
        "first NXdata",
        "curve",
        "/entry1/data/data",
        ["x_stage_set", "y_stage_set", "t_stage_set", "energy"],
    ),
    "gov_5.h5": ("@default", "scalar", "/gov_5/primary_data/noisy", []),
    "hdf5_features_test.h5": ("largest image", "image", "/compressed_arrays/fletcher32_filter", [None, None]),
    "medipix.edf": ("@default", "image", "/scan_0/image/data", [None, None]),
    "multiframe_1d.nxs": ("@default", "curve", "/sasentry/sasdata/I", [None, "Q"]),
    "nxcansas_1Dand2D_multisasdata.h5": ("first NXdata", "curve", "/sasentry01/sasdata01/I", ["Q"]),
    "nxcansas_1Dand2D_multisasentry.h5": ("first NXdata", "curve", "/sasentry01/sasdata01/I", ["Q"]),
    "oleg.dat": ("scan", "curve", "/94.1/measurement/detcorr", ["delta"]),
    "prj_test.nexus.hdf5": ("@default", "curve", "/entry/mr_scan/I00", ["mr"]),
    "pyfai_diffmap_test.h5": ("first NXdata", "curve", "/diff_map_0000/data/map", [None, None, None]),
    "scan101.nxs": ("first NXdata", "stack", "/com_05551/scan_data/data_01", [None, None, None]),
    "verysimple.nx5": ("@default", "curve", "/entry/data/counts", ["two_theta"]),
    "writer_1_3.hdf5": ("first NXdata", "curve", "/Scan/data/counts", ["two_theta"]),
    "writer_2_1.hdf5": ("first NXdata", "curve", "/entry/data/counts", ["two_theta"]),
    "x25000_no_di.h5": ("first NXdata", "image", "/sasentry01/sasdata01/I", ["Qy", "Qx"]),
}

WITHOUT_PLOT: dict[str, type[PanoscError]] = {}


def files(shared_data: Path) -> list[Path]:
    found = sorted(path for path in (shared_data / "nexus").rglob("*") if path.is_file())
    assert found
    return found


def test_every_file_opens_or_is_refused_in_our_words(shared_data):
    for path in files(shared_data):
        try:
            with open_file(path) as f:
                assert list(f)
        except PanoscError as error:
            pytest.fail(f"{path.name} is a whole file and was refused: {error}")


def test_every_tree_can_be_read_to_its_leaves(shared_data):
    for path in files(shared_data):
        assert read_tree(path, depth=20).children


def test_default_plot_of_every_file(shared_data):
    found, refused = {}, {}
    for path in files(shared_data):
        try:
            plot = default_plot(path)
        except PanoscError as error:
            refused[path.name] = type(error)
        else:
            found[path.name] = (plot.rule, plot.kind, plot.signal.path, [axis and axis.name for axis in plot.axes])
    assert refused == WITHOUT_PLOT
    assert found == EXPECTED
    assert len(found) >= 0.98 * (len(found) + len(refused))


def test_what_is_found_can_be_read_and_fits(shared_data):
    for path in files(shared_data):
        plot = default_plot(path)
        values = plot.signal.numpy()
        assert values.shape == plot.signal.shape, path.name
        assert plot.errors is None or plot.errors.shape == values.shape, path.name
        for axis, length in zip(plot.axes, values.shape, strict=True):
            assert axis is None or len(axis.values) == length + axis.edges, path.name


def test_dead_pixels_of_a_real_detector_are_known(shared_data):
    plot = default_plot(shared_data / "nexus/punx/S2p5min_00070_00001.h5")
    assert plot.masked_value == 2**32 - 1
    assert 0.06 < np.mean(plot.signal.numpy() == plot.masked_value) < 0.07


def test_bin_edges_and_units_of_a_real_spectrometer(shared_data):
    plot = default_plot(shared_data / "nexus/nexusformat/chopper.nxs")
    angle, time = plot.axes
    assert (angle.label, angle.edges, time.label, time.edges) == ("Polar Angle", False, "Time-of-Flight", True)
    assert (angle.units, time.units) == ("degrees", "microseconds")
