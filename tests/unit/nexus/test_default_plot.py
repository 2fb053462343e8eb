"""The default plot: which data are chosen, how they are drawn, against which axes, and what is said about the file."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from panosc_analysis.errors import FileNotHere, NodeNotFound, NothingToPlot, SourceMissing
from panosc_analysis.nexus import default_plot, masks, open_file

CURVE = np.arange(5.0)
IMAGE = np.arange(12.0).reshape(3, 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.nxs"


def group(parent: h5py.Group, name: str, nx_class: str | np.ndarray = "NXdata", **attrs: object) -> h5py.Group:
    made = parent.create_group(name, track_order=True)
    if nx_class is not None:
        made.attrs["NX_class"] = nx_class
    made.attrs.update(attrs)
    return made


def data_group(path: Path, values: np.ndarray = IMAGE, **attrs: object) -> h5py.File:
    """An open file with /entry/data; the caller adds to it and closes it."""
    f = h5py.File(path, "w")
    g = group(group(f, "entry", "NXentry"), "data", **attrs)
    g["signal"] = values
    return f


def names(plot):
    return [axis and axis.name for axis in plot.axes]


def said(plot, words):
    return any(words in remark for remark in plot.remarks)


# Which data


def test_default_chain_is_followed(path):
    with h5py.File(path, "w") as f:
        f.attrs["default"] = "b"
        for name in "ab":
            entry = group(f, name, "NXentry", default="second")
            for data in ("first", "second"):
                group(entry, data, signal="s")["s"] = CURVE
    plot = default_plot(path)
    assert (plot.rule, plot.path, plot.signal.path) == ("@default", "/b/second", "/b/second/s")
    assert plot.file == path
    assert plot.remarks == ()


@pytest.mark.parametrize("target", ["/deep/in/data", "deep/in/data", np.array([b"deep/in/data"])], ids=str)
def test_default_may_be_a_path(path, target):
    with h5py.File(path, "w") as f:
        f.attrs["default"] = target
        group(f, "deep/in/data", signal="s")["s"] = CURVE
    assert default_plot(path).path == "/deep/in/data"


def test_default_may_name_a_dataset(path):
    with h5py.File(path, "w") as f:
        f.attrs["default"] = "x/y"
        f["x/y"] = CURVE
    plot = default_plot(path)
    assert (plot.rule, plot.kind, plot.signal.path) == ("@default", "curve", "/x/y")


@pytest.mark.parametrize("target", ["gone", "circle"])
def test_default_that_leads_nowhere_is_said(path, target):
    with data_group(path, signal_="x") as f:
        f.attrs["default"] = target
        f["circle"] = f["/"]
        f["entry/data"].attrs["signal"] = "signal"
    plot = default_plot(path)
    assert plot.rule == "first NXdata"
    assert said(plot, "@default")


def test_default_of_the_entry_comes_before_the_nearest_elsewhere(path):
    with h5py.File(path, "w") as f:
        f.attrs["default"] = "two"
        group(group(f, "one", "NXentry"), "data", signal="s")["s"] = CURVE
        group(group(group(f, "two", "NXentry"), "process", "NXprocess"), "result", signal="s")["s"] = CURVE
    assert default_plot(path).path == "/two/process/result"


def test_nearest_then_first_entry_then_called_data_then_largest(path):
    with h5py.File(path, "w", track_order=True) as f:
        for name in ("e1", "e2"):
            entry = group(f, name, "NXentry")
            group(entry, "control", signal="s")["s"] = CURVE
            group(entry, "frames", signal="s")["s"] = IMAGE
            group(group(entry, "a", "NXcollection"), "big", signal="s")["s"] = np.zeros((50, 50))
    assert default_plot(path).path == "/e1/frames"
    with h5py.File(path, "r+") as f:
        group(f["e1"], "data", signal="s")["s"] = CURVE
    assert default_plot(path).path == "/e1/data"


def test_single_number_is_passed_over(path):
    with h5py.File(path, "w", track_order=True) as f:
        group(group(f, "e1", "NXentry"), "data", signal="s")["s"] = [1.0]
        group(group(f, "e2", "NXentry"), "data", signal="s")["s"] = CURVE
    assert default_plot(path).path == "/e2/data"


def test_unusable_nxdata_are_passed_over_with_the_reason(path):
    with h5py.File(path, "w", track_order=True) as f:
        entry = group(f, "entry", "NXentry")
        group(entry, "broken", signal="s")["s"] = h5py.SoftLink("/nowhere")
        group(entry, "words", signal="s")["s"] = "text"
        group(entry, "empty", signal="s")["s"] = np.zeros((0, 3))
        group(entry, "good", signal="s")["s"] = CURVE
    plot = default_plot(path)
    assert plot.path == "/entry/good"
    assert said(plot, "/entry/broken: the signal 's' is not there")
    assert said(plot, "/entry/words: the signal 's' is not numeric")
    assert said(plot, "/entry/empty: the signal 's' is empty")


@pytest.mark.parametrize(
    "mark", ["1", 1, np.array([1]), np.array([b"1"]), "signal"], ids=["text", "int", "array", "bytes", "own name"]
)
def test_old_signal_attribute_on_the_dataset(path, mark):
    with data_group(path) as f:
        f["entry/data/other"] = np.zeros((9, 9))
        f["entry/data/signal"].attrs["signal"] = mark
    assert default_plot(path).signal.path == "/entry/data/signal"


def test_signal_that_is_not_named_is_guessed_and_said(path):
    with h5py.File(path, "w") as f:
        g = group(group(f, "entry", "NXentry"), "data", axes=["y", "x"])
        g["x"], g["y"], g["z"], g["z_errors"] = np.arange(4), np.arange(3), IMAGE, IMAGE
    plot = default_plot(path)
    assert plot.signal.path == "/entry/data/z"
    assert said(plot, "names no signal")


@pytest.mark.parametrize(
    "nx_class", ["NXdata", np.bytes_(b"NXdata"), np.array([b"NXdata"]), np.array(["NXdata"], dtype=object)], ids=repr
)
def test_class_and_signal_in_every_spelling(path, nx_class):
    with h5py.File(path, "w") as f:
        group(f, "any", nx_class, signal=np.array([b"s"]))["s"] = CURVE
    assert default_plot(path).rule == "first NXdata"


def test_cansas_class_is_enough(path):
    with h5py.File(path, "w") as f:
        entry = group(f, "sasentry", None, canSAS_class="SASentry")
        spectrum = group(entry, "sastransmission_spectrum", None, canSAS_class="SAStransmission_spectrum", signal="T")
        spectrum["T"] = np.zeros(50)
        data = group(entry, "sasdata", None, canSAS_class="SASdata", signal="I", I_axes="Q", Q_indices=np.array([0]))
        data["I"], data["Q"], data["Idev"] = CURVE, CURVE, CURVE
        data["I"].attrs["uncertainties"] = "Idev"
    plot = default_plot(path)
    assert (plot.path, names(plot), plot.errors.path) == ("/sasentry/sasdata", ["Q"], "/sasentry/sasdata/Idev")


def test_detector_if_there_is_no_nxdata(path):
    with h5py.File(path, "w") as f:
        instrument = group(group(f, "entry", "NXentry"), "instrument", "NXinstrument")
        group(instrument, "small", "NXdetector")["data"] = CURVE
        group(instrument, "large", "NXdetector")["data"] = np.zeros((3, 4, 5))
        f["entry/larger"] = np.zeros((100, 100))
    plot = default_plot(path)
    assert (plot.rule, plot.kind, plot.path) == ("NXdetector", "stack", "/entry/instrument/large")


def test_large_image_before_log_before_any_numbers(path):
    with h5py.File(path, "w") as f:
        f["numbers"] = np.arange(100.0)
    plot = default_plot(path)
    assert (plot.rule, plot.path) == ("largest dataset", "/numbers")
    with h5py.File(path, "r+") as f:
        log = group(group(f, "entry", "NXentry"), "temperature", "NXlog")
        log["value"], log["time"] = CURVE, CURVE + 10
        log["time"].attrs["units"] = "s"
    plot = default_plot(path)
    assert (plot.rule, names(plot), plot.axes[0].units) == ("NXlog", ["time"], "s")
    with h5py.File(path, "r+") as f:
        f["exchange/data"] = np.zeros((64, 64))
    assert default_plot(path).rule == "largest image"


def test_masks_and_events_are_not_what_is_expected(path):
    with h5py.File(path, "w") as f:
        f["pixel_mask"] = np.zeros((200, 200))
        f["event_id"] = np.zeros(100_000)
        f["x"] = np.zeros((70, 70))
    assert default_plot(path).path == "/x"


def test_spec_scan_is_last_counter_against_motor(tmp_path):
    spec = tmp_path / "scan.dat"
    spec.write_text(
        "#F scan.dat\n#E 1\n#D Thu Jan 01 00:00:01 1970\n\n#S 1 ascan th 0 1 2 1\n#D Thu Jan 01 00:00:01 1970\n"
        "#N 3\n#L th  mon  det\n0 10 1\n0.5 10 5\n1 10 2\n"
    )
    plot = default_plot(spec)
    assert (plot.rule, plot.kind, plot.label, names(plot)) == ("scan", "curve", "det", ["th"])
    assert plot.signal.numpy().tolist() == [1, 5, 2]


def test_a_counter_that_stayed_the_same_is_not_what_was_measured(tmp_path):
    spec = tmp_path / "scan.dat"
    head = "#F scan.dat\n#E 1\n#D Thu Jan 01 00:00:01 1970\n\n#S 1 ascan th 0 1 2 1\n#D Thu Jan 01 00:00:01 1970\n"
    spec.write_text(f"{head}#N 3\n#L th  det  off\n0 10 0\n0.5 11 0\n1 12 0\n")
    assert default_plot(spec).label == "det"


def test_edf_image(tmp_path):
    from fabio.edfimage import EdfImage

    EdfImage(data=np.arange(12, dtype="uint16").reshape(3, 4)).write(str(tmp_path / "image.edf"))
    plot = default_plot(tmp_path / "image.edf")
    assert (plot.rule, plot.kind, plot.signal.shape) == ("@default", "image", (3, 4))


# How it is drawn


@pytest.mark.parametrize(
    ("shape", "meaning", "kind", "shown"),
    [
        ((), None, "scalar", ()),
        ((1, 1), None, "scalar", ()),
        ((5,), None, "curve", (5,)),
        ((1, 5), None, "curve", (5,)),
        ((5, 1), None, "curve", (5,)),
        ((3, 4), None, "image", (3, 4)),
        ((3, 4), "spectrum", "curve", (3, 4)),
        ((2, 3, 4), None, "stack", (2, 3, 4)),
        ((2, 3, 4), "image", "stack", (2, 3, 4)),
        ((2, 3, 4), "unheard of", "stack", (2, 3, 4)),
        ((2, 3, 4), "spectrum", "curve", (2, 3, 4)),
        ((1, 3, 4), None, "stack", (1, 3, 4)),
        ((3, 4, 1), None, "image", (3, 4)),
        ((2, 3, 4, 5), None, "stack", (2, 3, 4, 5)),
        ((2, 3, 4, 1), None, "stack", (2, 3, 4)),
    ],
)
def test_kind(path, shape, meaning, kind, shown):
    with data_group(path, np.zeros(shape), signal="signal") as f:
        if meaning:
            f["entry/data/signal"].attrs["interpretation"] = np.array([meaning.encode()])
    plot = default_plot(path)
    assert (plot.kind, plot.signal.shape) == (kind, shown)
    assert len(plot.axes) == len(shown)


def test_scatter_has_x_and_y(path):
    with data_group(path, CURVE, signal="signal", axes=["x", "y"]) as f:
        f["entry/data/x"], f["entry/data/y"] = CURVE, CURVE * 2
    plot = default_plot(path)
    assert (plot.kind, names(plot), plot.signal.shape) == ("scatter", ["x", "y"], (5,))
    assert plot.axes[1].values.tolist() == (CURVE * 2).tolist()


def test_cansas_frames_of_curves(path):
    with data_group(path, IMAGE, signal="signal", I_axes="Q") as f:
        f["entry/data/Q"] = np.arange(4.0)
    plot = default_plot(path)
    assert (plot.kind, names(plot)) == ("curve", [None, "Q"])


# Axes


@pytest.mark.parametrize(
    "axes",
    [["y", "x"], np.array([b"y", b"x"]), "y,x", "y:x", "[y, x]", "y x", np.array(["y:x"], dtype=object)],
    ids=repr,
)
@pytest.mark.parametrize("owner", ["entry/data", "entry/data/signal"])
def test_axes_in_every_spelling(path, axes, owner):
    with data_group(path, signal="signal") as f:
        f[owner].attrs["axes"] = axes
        f["entry/data/x"], f["entry/data/y"] = np.arange(4), np.arange(3)
    plot = default_plot(path)
    assert names(plot) == ["y", "x"]
    assert plot.remarks == ()


def test_labels_units_and_bin_edges(path):
    with data_group(path, signal="signal", axes=["y", "x"]) as f:
        g = f["entry/data"]
        g["x"], g["y"] = np.linspace(0, 1, 5), np.arange(3)
        g["x"].attrs.update({"units": "deg", "long_name": "two theta [deg]"})
        g["y"].attrs["units"] = np.bytes_("µm".encode())
        g["signal"].attrs.update({"units": "counts", "long_name": "Intensity"})
        g["title"] = "A title"
    plot = default_plot(path)
    y, x = plot.axes
    assert (x.name, x.label, x.units, x.edges, x.values.shape) == ("x", "two theta", "deg", True, (5,))
    assert (y.label, y.units, y.edges) == ("y", "µm", False)
    assert (plot.title, plot.label, plot.units) == ("A title", "Intensity", "counts")


def test_title_of_the_entry_and_scale(path):
    with data_group(path, signal="signal", SILX_style='{"signal_scale_type": "log"}') as f:
        f["entry/title"] = "The entry"
    plot = default_plot(path)
    assert (plot.title, plot.scale) == ("The entry", "log")


@pytest.mark.parametrize("style", ["5", "[1]", "not json"])
def test_odd_style_is_passed_over(path, style):
    with data_group(path, signal="signal", SILX_style=style):
        pass
    assert default_plot(path).scale == "linear"


@pytest.mark.parametrize(("y", "x"), [("1", "2"), (1, 2), (np.array([b"1"]), np.array([b"2"]))], ids=repr)
def test_oldest_axes_are_counted_from_one(path, y, x):
    with data_group(path, signal="signal") as f:
        g = f["entry/data"]
        g["x"], g["y"], g["x_other"] = np.arange(4), np.arange(3), np.arange(4)
        g["y"].attrs["axis"], g["x"].attrs["axis"], g["x_other"].attrs["axis"] = y, x, x
        g["x_other"].attrs["primary"] = 2
    assert names(default_plot(path)) == ["y", "x"]


def test_axes_numbered_from_the_wrong_end_are_put_right_and_said(path):
    with data_group(path, signal="signal") as f:
        g = f["entry/data"]
        g["x"], g["y"] = np.arange(4), np.arange(3)
        g["x"].attrs["axis"], g["y"].attrs["axis"] = 1, 2
    plot = default_plot(path)
    assert names(plot) == ["y", "x"]
    assert said(plot, "'x' is given for dimension 0 and fits only dimension 1")


def test_axis_that_could_go_to_two_places_is_not_placed(path):
    with data_group(path, np.zeros((5, 4, 4)), signal="signal", axes=["a", "b", "."]) as f:
        f["entry/data/a"], f["entry/data/b"] = np.arange(4), np.arange(7)
    plot = default_plot(path)
    assert names(plot) == [None, None, None]
    assert said(plot, "'a' of shape (4,)")
    assert said(plot, "'b' of shape (7,)")


def test_fewer_axes_than_dimensions(path):
    with data_group(path, np.zeros((5, 3, 4)), signal="signal", axes="omega") as f:
        f["entry/data/omega"] = np.arange(5)
    assert names(default_plot(path)) == ["omega", None, None]


def test_indices_place_an_axis(path):
    with data_group(path, np.zeros((4, 4, 4)), signal="signal", axes=["t"], t_indices=0) as f:
        f["entry/data/t"] = np.arange(4)
    assert names(default_plot(path)) == ["t", None, None]


def test_missing_axis_is_counted_and_said(path):
    with data_group(path, signal="signal", axes=["y", "x"]) as f:
        f["entry/data/y"] = h5py.SoftLink("/nowhere")
        f["entry/data/x"] = np.array(["a", "b", "c", "d"], dtype=object)
    plot = default_plot(path)
    assert names(plot) == [None, None]
    assert said(plot, "'y', which is not there")
    assert said(plot, "'x', which is not there or holds no numbers")


def test_coordinates_of_every_pixel_are_separated_where_they_can_be(path):
    y, x = np.mgrid[0:3, 0:4].astype(float)
    with data_group(path, signal="signal", I_axes="Qx,Qy") as f:
        f["entry/data/Qx"], f["entry/data/Qy"] = x, y
    plot = default_plot(path)
    assert names(plot) == ["Qy", "Qx"]
    assert plot.axes[1].values.tolist() == [0, 1, 2, 3]
    with h5py.File(path, "r+") as f:
        del f["entry/data/Qx"]
        f["entry/data/Qx"] = np.hypot(x, y)
    plot = default_plot(path)
    assert names(plot) == ["Qy", None]
    assert said(plot, "'Qx' of shape (3, 4)")


@pytest.mark.parametrize("way", ["signal_errors", "errors", "@uncertainties"])
def test_errors(path, way):
    with data_group(path, signal="signal") as f:
        name = "sigma" if way.startswith("@") else way
        f["entry/data"][name] = IMAGE
        if way.startswith("@"):
            f["entry/data/signal"].attrs["uncertainties"] = name
    assert default_plot(path).errors.path == f"/entry/data/{name}"


def test_errors_of_another_shape_are_left_out(path):
    with data_group(path, signal="signal") as f:
        f["entry/data/errors"] = CURVE
    assert default_plot(path).errors is None


# Pixels without a value


def frame(dtype, *values):
    image = np.arange(1, 10_001).reshape(100, 100).astype(dtype)
    for position, value in enumerate(values):
        image[position] = value
    return image


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (frame("u4"), 2**32 - 1),
        (frame("u8"), 2**64 - 1),
        (frame("u2", 65535), 65535),
        (frame("u2"), None),
        (frame("u2", 65535, 65000, 62000), None),
        (frame("u1", 255), None),
        (frame("i4", -1), None),
        (frame("f4"), None),
    ],
    ids=["32 bits", "64 bits", "gaps in 16 bits", "no gaps", "saturated camera", "8 bits", "signed", "float"],
)
def test_number_for_no_value(path, image, expected):
    with data_group(path, image[np.newaxis].repeat(2, axis=0), signal="signal"):
        pass
    assert default_plot(path).masked_value == expected


def test_full_counter_of_a_curve_is_a_value(path):
    with data_group(path, np.array([1, 65535, 2], "u2"), signal="signal"):
        pass
    assert default_plot(path).masked_value is None


def test_fill_value_and_pixel_mask(path):
    with data_group(path, frame("i4", -1), signal="signal") as f:
        f["entry/data/signal"].attrs["_FillValue"] = np.array([-1])
        detector = group(group(f["entry"], "instrument", "NXinstrument"), "eiger", "NXdetector")
        detector["pixel_mask"] = np.zeros((100, 100), "u4")
    plot = default_plot(path)
    assert plot.masked_value == -1
    assert plot.mask.path == "/entry/instrument/eiger/pixel_mask"
    with h5py.File(path, "r+") as f:
        del f["entry/instrument/eiger/pixel_mask"]
        f["entry/instrument/eiger/pixel_mask"] = np.zeros((50, 100), "u4")
    assert default_plot(path).mask is None


# A path that was asked for


def test_path_of_a_group_or_dataset(path):
    with data_group(path, signal="signal", axes=["y", "x"]) as f:
        f["entry/data/x"], f["entry/data/y"], f["entry/data/other"] = np.arange(4), np.arange(3), IMAGE
        f["entry/start_time"] = "2026-11-24"
        f["entry/count"] = 7
    assert default_plot(path, "/entry/data").rule == "path"
    assert default_plot(path, "entry").rule == "first NXdata"
    other = default_plot(path, "/entry/data/other")
    assert (other.rule, other.path, names(other)) == ("path", "/entry/data/other", ["y", "x"])
    words = default_plot(path, "/entry/start_time")
    assert (words.kind, words.axes, str(words.signal.numpy())) == ("text", (), "2026-11-24")
    assert default_plot(path, "/entry/count").kind == "scalar"
    with pytest.raises(NodeNotFound):
        default_plot(path, "/entry/nothing")


def test_open_file_and_pickle(path):
    with data_group(path, signal="signal"):
        pass
    with open_file(path) as f:
        plot = default_plot(f)
    again = pickle.loads(pickle.dumps(plot))
    assert again.signal.numpy().tolist() == IMAGE.tolist()


# Nothing to plot


def test_nothing_to_plot(path):
    with h5py.File(path, "w") as f:
        f["no rows"] = np.zeros(0, dtype=[("a", "i4"), ("b", "f8")])
        f.create_group("empty")
    for place in ("/", "/empty"):
        with pytest.raises(NothingToPlot):
            default_plot(path, place)
    with pytest.raises(FileNotHere):
        default_plot(path.with_name("gone.nxs"))


def test_missing_sources_are_said_not_shown_as_zeros(path):
    layout = h5py.VirtualLayout(shape=(2, 3, 4), dtype="u4")
    layout[0] = h5py.VirtualSource("gone.h5", "x", shape=(3, 4))
    with h5py.File(path, "w") as f:
        group(group(f, "entry", "NXentry"), "data", signal="data").create_virtual_dataset("data", layout)
    for place in ("/", "/entry/data/data"):
        with pytest.raises(SourceMissing, match="gone.h5"):
            default_plot(path, place)
    with h5py.File(path, "r+") as f:
        f["entry/flatfield"] = np.ones((70, 70))
    plot = default_plot(path)
    assert plot.path == "/entry/flatfield"
    assert said(plot, "gone.h5")


def test_master_without_its_data_files(path):
    with h5py.File(path, "w") as f:
        group(group(f, "entry", "NXentry"), "data")["data_000001"] = h5py.ExternalLink("gone.h5", "/entry/data/data")
    with pytest.raises(SourceMissing, match="data_000001"):
        default_plot(path)


def test_data_behind_links(path):
    with h5py.File(path.with_name("data.h5"), "w") as f:
        f["entry/data/data"] = np.ones((3, 4), "u4")
    with h5py.File(path, "w") as f:
        g = group(group(f, "entry", "NXentry"), "data", signal="data")
        g["data"] = h5py.ExternalLink("data.h5", "/entry/data/data")
    plot = default_plot(path)
    assert (plot.file, plot.signal.path) == (path, "/entry/data/data")
    assert plot.signal.numpy().sum() == 12


def test_circles_of_groups_end(path):
    with h5py.File(path, "w") as f:
        group(f, "entry", "NXentry")["up"] = f["/"]
        f["entry/soft"] = h5py.SoftLink("/entry")
        f["entry/x"] = CURVE
    assert default_plot(path).path == "/entry/x"


# What else a file may say


def test_auxiliary_signals_are_drawn_over_the_first(path):
    with h5py.File(path, "w") as f:
        g = group(f, "data", signal="a", axes=["x"], auxiliary_signals=["b", "gone", "short"])
        g["a"], g["b"], g["x"], g["short"] = CURVE, CURVE * 2, CURVE, CURVE[:2]
        g["b"].attrs["units"] = "mV"
        g["b_errors"] = CURVE
    plot = default_plot(path)
    (other,) = plot.others
    assert (other.signal.path, other.label, other.units) == ("/data/b", "b", "mV")
    assert other.errors is not None
    assert said(plot, "'gone'")
    assert said(plot, "'short'")


@pytest.mark.parametrize("key", ["axes_scale_types", "axes_scale_type"])
def test_scales_of_the_axes_in_both_spellings(path, key):
    with h5py.File(path, "w") as f:
        g = group(f, "data", signal="s", axes=["y", "x"], SILX_style=json.dumps({key: ["linear", "log"]}))
        g["s"], g["y"], g["x"] = IMAGE, np.arange(3), np.arange(1, 5)
    assert [axis.scale for axis in default_plot(path).axes] == ["linear", "log"]


def test_colour_pictures(path):
    with h5py.File(path, "w") as f:
        group(f, "data", signal="s")["s"] = np.zeros((4, 5, 3), "u1")
        f["data/s"].attrs["interpretation"] = "rgb-image"
    plot = default_plot(path)
    assert (plot.kind, plot.signal.shape) == ("rgb", (4, 5, 3))


def test_table_of_records_when_there_is_nothing_else(path):
    with h5py.File(path, "w") as f:
        f["log/rows"] = np.zeros(7, [("time", "f8"), ("name", "S8")])
    plot = default_plot(path)
    assert (plot.kind, plot.rule, plot.signal.path) == ("table", "table", "/log/rows")
    assert default_plot(path, "/log/rows").kind == "table"


def test_negative_counts_of_a_pilatus_are_no_values(path):
    frame = np.ones((80, 80), "i4")
    frame[3], frame[4, 4] = -1, -2
    with data_group(path, frame, signal="signal"):
        pass
    assert default_plot(path).valid == (0.0, None)
    with h5py.File(path, "a") as f:
        f["entry/data/signal"][5, 5] = -7
    assert default_plot(path).valid == (None, None)


def test_a_frame_too_large_to_be_held_is_looked_at_in_its_middle(path, monkeypatch):
    monkeypatch.setattr(masks, "_LARGEST_FRAME", 1000)
    frame = np.ones((200, 50), "u2")
    frame[100:103] = 65535
    with data_group(path, frame, signal="signal"):
        pass
    assert default_plot(path).masked_value == 65535


def test_valid_range_of_the_file(path):
    with data_group(path, signal="signal") as f:
        f["entry/data/signal"].attrs["valid_min"] = 2
        f["entry/data/signal"].attrs["valid_range"] = [0, 9.5]
    assert default_plot(path).valid == (2.0, 9.5)


def test_text_when_there_is_nothing_else(path):
    with h5py.File(path, "w") as f:
        f["words"] = "only words"
    plot = default_plot(path)
    assert (plot.rule, plot.kind, plot.signal.path) == ("text", "text", "/words")


@pytest.mark.parametrize(
    ("fields", "attributes", "factor", "shift"),
    [
        ({"signal_scaling_factor": 0.5, "signal_offset": 4}, {}, 0.5, 2.0),
        ({"scaling_factor": np.array([0.5])}, {}, 0.5, 0.0),
        ({"offset": 4.0}, {}, 1.0, 4.0),
        ({}, {"scale_factor": np.array([0.5]), "add_offset": 4.0}, 0.5, 4.0),
        ({}, {"scaling_factor": 0.5, "offset": 4.0}, 0.5, 2.0),
    ],
    ids=["NeXus", "NeXus before 2024", "offset alone", "netCDF", "attributes"],
)
def test_stored_numbers_are_scaled_as_the_file_says(path, fields, attributes, factor, shift):
    with data_group(path, signal="signal") as f:
        f["entry/data/signal"].attrs.update(attributes)
        for name, value in fields.items():
            f[f"entry/data/{name}"] = value
    plot = default_plot(path)
    assert (plot.scaling.factor, plot.scaling.shift) == (factor, shift)
    assert plot.scaling(np.array([2])).tolist() == [2 * factor + shift]
    assert plot.scaling.of_errors(np.array([2])).tolist() == [2 * factor]
    assert said(plot, "stored numbers ×")


@pytest.mark.parametrize(
    "attributes",
    [{"scale_factor": 1.0, "add_offset": 0.0}, {"offset": 0}, {"offset": 512}, {"scale_factor": 0.0}],
    ids=str,
)
def test_what_is_no_scaling_is_passed_over(path, attributes):
    with data_group(path, signal="signal") as f:
        f["entry/data/signal"].attrs.update(attributes)
    assert default_plot(path).scaling is None


def test_axes_are_scaled(path):
    with data_group(path, CURVE, signal="signal", axes=["x"]) as f:
        g = f["entry/data"]
        g["x"], g["x_scaling_factor"], g["x_offset"], g["x_errors"] = np.arange(5, dtype="i2"), -0.1, 10, CURVE
    (x,) = default_plot(path).axes
    assert x.values == pytest.approx([-1, -1.1, -1.2, -1.3, -1.4])
    assert x.errors == pytest.approx(CURVE / 10)


@pytest.mark.parametrize("way", ["x_errors", "@uncertainties", "@errors", "of the group"])
def test_errors_of_an_axis(path, way):
    with data_group(path, CURVE, signal="signal", axes=["x"]) as f:
        g = f["entry/data"]
        name = "x_errors" if way == "x_errors" else "sigma"
        g["x"], g[name] = CURVE, CURVE / 10
        if way.startswith("@"):
            g["x"].attrs[way[1:]] = name
        elif way == "of the group":
            g.attrs["uncertainties"] = [name]
    assert default_plot(path).axes[0].errors == pytest.approx(CURVE / 10)


def test_errors_of_an_axis_that_do_not_fit_are_left_out(path):
    with data_group(path, CURVE, signal="signal", axes=["x"]) as f:
        f["entry/data/x"], f["entry/data/x_errors"] = CURVE, CURVE[:2]
    assert default_plot(path).axes[0].errors is None


def test_an_axis_of_two_values_is_start_and_step_as_for_silx(path):
    from silx.io.nxdata import NXdata

    with data_group(path, signal="signal", axes=["y", "x"]) as f:
        f["entry/data/x"], f["entry/data/y"] = [10.0, 0.5], np.arange(3)
        assert NXdata(f["entry/data"]).is_valid
    plot = default_plot(path)
    assert plot.axes[1].values.tolist() == [10, 10.5, 11, 11.5]
    assert said(plot, "start and step")


def test_only_good_values_are_shown_and_a_path_shows_all(path):
    with data_group(path, IMAGE, signal="signal", axes=["y", "x"]) as f:
        g = f["entry/data"]
        g["y"], g["x"], g["signal_errors"], g["x_errors"] = np.arange(3), np.arange(5.0), IMAGE, np.arange(5.0)
        g["x"].attrs.update(first_good=1, last_good=2)
    plot = default_plot(path)
    assert plot.signal.numpy().tolist() == IMAGE[:, 1:3].tolist()
    assert plot.errors.shape == (3, 2)
    assert (plot.axes[1].values.tolist(), plot.axes[1].errors.tolist()) == ([1, 2, 3], [1, 2, 3])
    assert said(plot, "1 … 2")
    assert default_plot(path, "/entry/data/signal").signal.shape == (3, 4)


def test_the_good_part_of_an_axis_that_is_longer_than_the_signal(path):
    with data_group(path, CURVE, signal="signal", axes=["x"]) as f:
        f["entry/data/x"] = np.arange(9)
        f["entry/data/x"].attrs.update(first_good=2, last_good=6)
    plot = default_plot(path)
    assert (plot.signal.shape, plot.axes[0].values.tolist()) == ((5,), [2, 3, 4, 5, 6])


@pytest.mark.parametrize("good", [(0, 4), (3, 1), (-2, 9), ("a", "b")], ids=str)
def test_good_values_that_make_no_sense_are_all(path, good):
    with data_group(path, CURVE, signal="signal", axes=["x"]) as f:
        f["entry/data/x"] = CURVE
        f["entry/data/x"].attrs.update(first_good=good[0], last_good=good[1])
    assert default_plot(path).signal.shape == (5,)


@pytest.mark.parametrize(
    ("given", "start"),
    [(["2", ".", "."], (2, 0, 0)), (["-1", ".", "."], (3, 0, 0)), (["9", ".", "."], ()), ([1], ()), (None, ())],
    ids=str,
)
def test_slice_to_begin_with(path, given, start):
    with data_group(path, np.ones((4, 5, 6)), signal="signal") as f:
        if given:
            f["entry/data"].attrs["default_slice"] = given
    assert default_plot(path).start == start


def test_old_numbers_of_signals_are_drawn_over_the_first(path):
    with data_group(path, CURVE) as f:
        g = f["entry/data"]
        g["second"], g["third"] = CURVE, CURVE
        for rank, name in enumerate(("signal", "third", "second"), 1):
            g[name].attrs["signal"] = rank
    assert [other.label for other in default_plot(path).others] == ["third", "second"]


def test_saturation_and_masks_of_a_detector(path):
    with data_group(path, np.ones((2, 80, 90), "u2"), signal="signal") as f:
        detector = group(group(f["entry"], "instrument", "NXinstrument"), "eiger", "NXdetector")
        detector["saturation_value"], detector["underload_value"] = 1000, 0
        detector["detectorSpecific/pixel_mask"] = np.zeros((80, 90), "u4")
    plot = default_plot(path)
    assert plot.valid == (0, 1000)
    assert plot.mask.path == "/entry/instrument/eiger/detectorSpecific/pixel_mask"


def test_mask_that_the_data_name(path):
    with data_group(path, signal="signal", mask="bad") as f:
        f["entry/data/bad"] = np.zeros(IMAGE.shape, bool)
    assert default_plot(path).mask.path == "/entry/data/bad"


@pytest.mark.shared_data
def test_every_real_file_shows_something(shared_data):
    folder = shared_data / "nexus"
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix not in (".md", ".txt")]
    assert len(files) > 30
    assert [str(p) for p in files if default_plot(p).signal.size == 0] == []
