from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray

from panosc_analysis.errors import FileNotHere, NothingToPlot
from panosc_analysis.nexus import ArrayHandle, create_file, default_plot, open_file
from panosc_analysis.provenance import Record
from panosc_analysis.reduction import ReductionResult, ResultArray, ResultAxis
from panosc_analysis.widgets.coordinates import index_coordinate
from panosc_analysis.widgets.quantities import THIN
from panosc_analysis.widgets.sources import array_content, content_of


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "stack.nxs"
    with create_file(path) as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update(NX_class="NXentry", default="data")
        entry["title"] = "Lysozyme, 100 K"
        data = entry.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="counts", axes=["temperature", ".", "."])
        counts = data.create_dataset("counts", data=np.arange(4 * 5 * 6, dtype="u4").reshape(4, 5, 6))
        counts.attrs["units"] = "counts"
        data["temperature"] = [100.0, 150.0, 200.0, 250.0]
        data["temperature"].attrs["units"] = "K"
    return path


def test_a_file_gives_its_default_plot(stack: Path) -> None:
    content = content_of(stack)
    assert (content.kind, content.n_frames, content.frame_shape) == ("image", 4, (5, 6))
    assert (content.title, content.label, content.units) == ("Lysozyme, 100 K", "counts", "counts")
    assert content.position(2) == f"temperature 200{THIN}K"
    np.testing.assert_array_equal(content.read(2), np.arange(60, 90).reshape(5, 6))


def test_text_path_plot_and_handle_show_the_same(stack: Path) -> None:
    handle = ArrayHandle(stack, "/entry/data/counts")
    for x in (str(stack), default_plot(stack), handle, handle.numpy()):
        np.testing.assert_array_equal(content_of(x).read(3), np.arange(90, 120).reshape(5, 6))


def test_the_home_directory_may_be_written_as_a_tilde(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(stack.parent))
    assert content_of("~/stack.nxs").n_frames == 4


def test_a_path_inside_the_file_may_be_named(stack: Path) -> None:
    assert content_of(stack, path="/entry/data/temperature").kind == "curve"


def test_results_are_shown_with_their_axes() -> None:
    q = ResultAxis("q", "scattering vector q", "1/angstrom", np.linspace(0.1, 2, 20))
    profile = ResultArray("profile", "radial profile", np.ones(20), (q,), "counts", np.full(20, 0.1), "log")
    mean = ResultArray("mean", "mean", np.ones((3, 4)), (), None, masked=np.eye(3, 4, dtype=bool))
    result = ReductionResult((mean, profile), Record((), (), (), datetime.now(UTC)), "profile", ())
    content = content_of(result)
    assert (content.kind, content.label, content.scale) == ("curve", "radial profile", "log")
    assert (content.frame_axes[0].label, content.frame_axes[0].units) == ("scattering vector q", "Å⁻¹")
    errors = content.read_errors(0)
    assert errors is not None
    assert errors[0] == pytest.approx(0.1)
    image = content_of(result, name="mean")
    mask = image.read_mask(0)
    assert mask is not None
    assert (image.kind, int(mask.sum())) == ("image", 3)


@pytest.mark.parametrize(
    ("shape", "kind", "frames"),
    [((), "text", 1), ((7,), "curve", 1), ((5, 6), "image", 1), ((2, 5, 6), "image", 2), ((2, 3, 5, 6), "image", 6)],
)
def test_an_array_is_shown_after_its_dimensions(shape: tuple[int, ...], kind: str, frames: int) -> None:
    content = content_of(np.zeros(shape))
    assert (content.kind, content.n_frames) == (kind, frames)


def test_several_leading_dimensions_are_stepped_through_in_order() -> None:
    values = np.arange(2 * 3 * 5 * 6).reshape(2, 3, 5, 6)
    content = content_of(values)
    np.testing.assert_array_equal(content.read(4), values[1, 1])
    assert content.position(4) == "dimension 0 1 · frame 1"


def test_bin_edges_give_boundaries_and_a_crooked_axis_is_said_and_not_used() -> None:
    edges = ResultAxis("tof", "time of flight (us)", "us", np.array([0.0, 1.0, 3.0]))
    crooked = ResultAxis("angle", "angle", "deg", np.array([1.0, 3.0, 2.0]))
    content = content_of(ResultArray("map", "map", np.zeros((3, 2)), (crooked, edges), "counts"))
    y, x = content.frame_axes
    assert x.centres.tolist() == [0.5, 2.0]
    assert (x.label, x.units, x.is_even) == ("time of flight", "µs", False)
    assert (y.label, y.is_index) == ("y", True)
    assert "'angle'" in content.remarks[0]


def test_points_with_two_coordinates(tmp_path: Path) -> None:
    path = tmp_path / "points.nxs"
    with create_file(path) as file:
        data = file.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="values", axes=["x", "y"])
        for name, values in (("values", [1.0, 2.0, 3.0]), ("x", [0.0, 5.0, 1.0]), ("y", [7.0, 8.0, 9.0])):
            data[name] = values
    content = content_of(path)
    assert content.kind == "scatter"
    assert [axis.centres.tolist() for axis in content.frame_axes] == [[0.0, 5.0, 1.0], [7.0, 8.0, 9.0]]


def test_what_cannot_be_shown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotHere):
        content_of(tmp_path / "nothing.nxs")
    with pytest.raises(NothingToPlot, match="dict"):
        content_of({})
    with pytest.raises(NothingToPlot, match="0 × 3"):
        content_of(np.zeros((0, 3)))
    with pytest.raises(NothingToPlot, match="cannot be drawn"):
        content_of(np.zeros((3, 2), dtype=[("a", "f4")]))


def test_text_is_shown_as_text() -> None:
    assert content_of(np.array([b"first", b"second"])).text == "first\nsecond"
    assert content_of(12345.678).text == f"12{THIN}345.7"


def test_records_are_a_table() -> None:
    content = content_of(np.zeros(3, dtype=[("a", "f4"), ("b", "S3")]))
    assert (content.kind, content.frame_shape) == ("table", (3,))


def test_colour_pictures_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "photo.nxs"
    with create_file(path) as file:
        data = file.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="photo")
        data["photo"] = np.zeros((4, 6, 3), "u1")
        data["photo"].attrs["interpretation"] = "rgb-image"
    content = content_of(path)
    assert (content.kind, content.frame_shape, content.n_frames) == ("rgb", (4, 6, 3), 1)


def test_curves_are_laid_over_each_other(tmp_path: Path) -> None:
    path = tmp_path / "curves.nxs"
    with create_file(path) as file:
        data = file.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="a", axes=["x"], auxiliary_signals=["b"])
        for name in ("a", "b", "x"):
            data[name] = np.arange(5.0)
        file["other"] = np.arange(7.0)
    content = content_of(path, overlay=["/other", np.arange(3.0)])
    assert [series.label for series in content.others] == ["b", "other", ""]
    assert content_of(path, overlay={"mine": np.ones(5)}).others[1].label == "mine"
    with pytest.raises(NothingToPlot, match="laid over"):
        content_of(path, overlay=[np.zeros((4, 4))])
    with pytest.raises(NothingToPlot, match="Only curves"):
        content_of(np.zeros((4, 4)), overlay=[np.arange(3)])


def test_dimensions_in_another_order() -> None:
    values = np.arange(2 * 3 * 5 * 6).reshape(2, 3, 5, 6)
    mask = np.arange(30).reshape(5, 6) % 2
    content = array_content(values, mask=mask)
    turned = content.arranged((0, 1, 3, 2))
    np.testing.assert_array_equal(turned.read(4), values[1, 1].T)
    np.testing.assert_array_equal(turned.read_mask(4), mask.T)
    np.testing.assert_array_equal(turned.read(4, (slice(1, 3), slice(0, 2))), values[1, 1].T[1:3, :2])
    across = content.arranged((3, 1, 2, 0))
    np.testing.assert_array_equal(across.read(7), values[:, 1, :, 2].T)
    assert across.read_mask(7) is None
    assert [axis.length for axis in across.axes] == [6, 3, 5, 2]
    with pytest.raises(ValueError, match="no order"):
        content.arranged((0, 1, 2))


def test_a_long_counted_axis_takes_no_memory() -> None:
    axis = index_coordinate("index", "", 10**15)
    assert axis.at(np.array([0, 10**14])).tolist() == [0.0, 1e14]


def test_open_files_and_their_nodes(stack: Path) -> None:
    with open_file(stack) as file:
        for node in (file, file["entry"], file["entry/data/counts"]):
            assert content_of(node).shape == (4, 5, 6)
    assert content_of(stack).n_frames == 4


def test_labelled_arrays_bring_their_axes() -> None:
    time = xarray.DataArray([0.0, 0.5, 1.0], dims="time", attrs={"units": "us"})
    array = xarray.DataArray(np.zeros((3, 4)), {"time": time}, ("time", "x"), "counts", {"units": "1/s"})
    content = content_of(array)
    y, x = content.frame_axes
    assert (content.label, content.units, y.label, y.units, x.is_index) == ("counts", "1/s", "time", "µs", True)
    assert y.centres.tolist() == [0.0, 0.5, 1.0]
