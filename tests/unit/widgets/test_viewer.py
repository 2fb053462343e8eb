from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import silx.io
from silx.math.colormap import apply_colormap

from panosc_analysis.errors import NothingToPlot
from panosc_analysis.nexus import create_file
from panosc_analysis.widgets import Viewer, assets, colormaps, curves, renderer, show, strips
from panosc_analysis.widgets.quantities import THIN
from panosc_analysis.widgets.sources import content_of

ASK = {
    "kind": "frame",
    "view": "v",
    "id": 7,
    "frame": 0,
    "rows": 50,
    "columns": 60,
}


def picture(viewer: Viewer, **changes: Any) -> tuple[dict[str, Any], np.ndarray]:
    said, buffers = viewer.answer(ASK | changes)
    assert said["kind"] == "picture", said
    kind = np.uint8 if said["bits"] == 8 else np.uint16
    return said, np.frombuffer(buffers[0], kind).reshape(said["rows"], said["columns"])


@pytest.fixture
def viewer() -> Viewer:
    values = np.random.default_rng(2).poisson(3, (4, 100, 120)).astype(np.uint16)
    values[2, 40, 40] = 500
    return show(values)


def test_a_frame_comes_at_window_size(viewer: Viewer) -> None:
    said, codes = picture(viewer)
    assert (said["view"], said["id"], said["frame"]) == ("v", 7, 0)
    assert (codes.shape, said["factors"], said["part"]) == ((50, 60), [2, 2], [0, 100, 0, 120])
    assert said["codec"] == {"kind": "linear", "offset": 0.0, "step": 1.0, "slope": 0.0, "exact": True}


def test_the_peak_is_in_the_picture(viewer: Viewer) -> None:
    said, codes = picture(viewer, frame=2)
    assert said["limits"]["linear"]["minmax"] == (0, 500)
    assert said["limits"]["linear"]["auto"][1] < 20
    assert np.unravel_index(codes.argmax(), codes.shape) == (20, 20)
    assert codes.max() == 500


def test_a_part_comes_at_full_resolution_with_the_limits_of_the_whole(viewer: Viewer) -> None:
    said, codes = picture(viewer, frame=2, part=[30, 60, 20, 70])
    assert (codes.shape, said["factors"], said["part"]) == ((30, 50), [1, 1], [30, 60, 20, 70])
    assert codes[10, 20] == 500
    assert said["limits"]["linear"]["minmax"] == (0, 500)
    said, codes = picture(viewer, part=[-5, 1000, 119, 119])
    assert said["part"] == [0, 100, 119, 120]


def test_limits_may_be_close_together_in_a_wide_range() -> None:
    values = np.geomspace(1e-6, 1e6, 10_000).reshape(100, 100)
    viewer = show(values)
    said, _ = picture(viewer, rows=100, columns=100, focus=[0.99, 1.01])
    assert (said["codec"]["kind"], said["codec"]["step"]) == ("linear", pytest.approx(0.02 / 65534))


def test_the_exact_value_of_a_pixel(viewer: Viewer) -> None:
    said, _ = viewer.answer({"kind": "value", "view": "v", "frame": 2, "index": [40, 40]})
    assert said["text"] == "500"


def test_each_frame_is_its_own_though_they_share_memory(tmp_path: Path) -> None:
    path = tmp_path / "stack.h5"
    values = np.random.default_rng(3).integers(0, 60_000, (5, 64, 90)).astype(">u2")
    with create_file(path) as file:
        file["values"] = values
    viewer = show(path)
    for window in ({"rows": 32, "columns": 45}, {"rows": 64, "columns": 90}):
        factor = 64 // window["rows"]
        pooled = values.reshape(5, 64 // factor, factor, 90 // factor, factor).max(axis=(2, 4))
        made = [viewer._answers.renderer.picture(i, (window["rows"], window["columns"])) for i in (4, 0, 2, 2, 1)]
        for frame, picture_ in zip((4, 0, 2, 2, 1), made, strict=True):
            np.testing.assert_array_equal(picture_.pooled.values, pooled[frame])
            assert picture_.statistics.ends == (values[frame].min(), values[frame].max())
    kept = [viewer._answers.renderer.frame(i) for i in (1, 3)]
    picture(viewer, frame=0)
    for i, one in zip((1, 3), kept, strict=True):
        np.testing.assert_array_equal(one.values, values[i])


def test_masked_pixels_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "gaps.h5"
    values = np.ones((100, 120), np.uint32)
    values[30:50] = 2**32 - 1
    with create_file(path) as file:
        data = file.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="counts")
        data["counts"] = values
        data["counts"].attrs["units"] = "counts"
    viewer = show(path)
    said, codes = picture(viewer)
    assert said["masked"] == pytest.approx(0.2)
    assert np.flatnonzero(codes[:, 0] == 255).tolist() == list(range(15, 25))
    assert said["limits"]["linear"]["minmax"][1] < 10
    assert picture(show(path), rows=200, columns=200)[0]["limits"]["log"]["auto"][1] < 10, (
        "also where nothing is pooled"
    )
    said, codes = picture(viewer, mask=False)
    assert said["codec"]["kind"] == "asinh"
    assert said["limits"]["linear"]["minmax"][1] < 10
    text = viewer.answer({"kind": "value", "frame": 0, "index": [35, 3]})[0]["text"]
    assert text == f"masked (4{THIN}294{THIN}967{THIN}295{THIN}counts)"


def test_a_curve_comes_as_doubles_and_a_long_one_keeps_its_peak() -> None:
    y = np.zeros(100_000)
    y[54_321] = 9.0
    viewer = show(y)
    said, buffers = viewer.answer({"kind": "frame", "frame": 0})
    x, thin = (np.frombuffer(buffer) for buffer in buffers)
    assert said["buffers"] == ["x0", "y0"]
    assert len(x) <= 4002
    assert x[thin.argmax()] == 54_321
    assert (x[0], x[-1]) == (0, 99_999)


def test_a_frame_that_cannot_be_read_is_an_answer_and_the_next_one_works(tmp_path: Path) -> None:
    path = tmp_path / "stack.h5"
    with create_file(path) as file:
        file["stack"] = np.ones((3, 10, 10), np.uint16)
    viewer = show(path)
    aside = path.rename(tmp_path / "aside.h5")
    said, buffers = viewer.answer(ASK)
    assert (said["kind"], buffers) == ("error", [])
    assert "stack.h5" in said["message"]
    assert said["hint"].endswith(".")
    aside.rename(path)
    picture(viewer)


def test_a_message_that_makes_no_sense_is_answered_too(viewer: Viewer, caplog: pytest.LogCaptureFixture) -> None:
    assert viewer.answer({"kind": "frame", "frame": 0, "rows": "many"})[0]["kind"] == "error"
    assert "frame 0" in caplog.text
    said, _ = viewer.answer(ASK | {"frame": 99, "rows": 10**9})
    assert said["kind"] == "picture"


def test_answers_from_several_threads_are_those_of_one(viewer: Viewer) -> None:
    expected = [picture(viewer, frame=i)[1] for i in range(4)]
    wrong: list[int] = []

    def scrub() -> None:
        wrong.extend(i for i in [0, 1, 2, 3] * 5 if not np.array_equal(picture(viewer, frame=i)[1], expected[i]))

    threads = [threading.Thread(target=scrub) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_traits_stay_within_what_there_is(viewer: Viewer) -> None:
    viewer.frame = 99
    assert viewer.frame == 3
    viewer.frame = -2
    assert viewer.frame == 2


def test_options_are_checked() -> None:
    values = np.zeros((5, 5))
    assert show(values, limits=(1, 5)).limits == "fixed"
    for options in ({"colormap": "jet"}, {"scale": "cube"}, {"colour": "red"}, {"n_frames": 3}):
        with pytest.raises(ValueError, match="option|must be one of"):
            show(values, **options)


def test_what_the_browser_needs_to_draw_axes() -> None:
    viewer = show(np.zeros((4, 6)))
    assert np.frombuffer(viewer._x).tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    facts = viewer._facts
    assert (facts["x_label"], facts["y_label"], facts["ratio"]) == ("x (pixel)", "y (pixel)", pytest.approx(4 / 6))
    assert len(viewer._luts) == 1024 * len(facts["colormaps"])
    assert show(7).kind == "text"


def test_colour_tables_have_256_colours_and_silx_keeps_its_own() -> None:
    for name in colormaps.OFFERED:
        assert colormaps.lut(name).shape == (256, 4)
        apply_colormap(np.zeros((2, 2)), name, vmin=0, vmax=1)


def test_the_module_for_the_browser_is_one_module() -> None:
    code = Viewer._esm
    assert code.count("export default") == 1
    assert 'from "./' not in code
    assert "\nexport function" not in code


@pytest.mark.parametrize("names", [assets.VIEWER, assets.TREE], ids=["viewer", "tree"])
def test_the_browser_gets_every_file_that_another_imports_from(names: tuple[str, ...]) -> None:
    for name in names:
        code = (Path(assets.__file__).parent / "static" / name).read_text()
        imported = set(re.findall(r'from "\./([a-z_]+\.js)"', code))
        assert imported <= set(names), name
    assert len(set(names)) == len(names)


@pytest.mark.shared_data
def test_a_real_detector_frame(shared_data: Path) -> None:
    path = shared_data / "nexus" / "punx" / "S2p5min_00070_00001.h5"
    if not path.exists():
        pytest.skip(f"no {path}")
    said, codes = picture(show(path), rows=560, columns=534)
    assert said["masked"] == pytest.approx(0.0656, abs=1e-4)
    assert said["limits"]["linear"]["auto"][1] < 100
    assert (codes == 65535).all(axis=1).sum() >= 5


# What is taken


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "stack.nxs"
    with create_file(path) as file:
        data = file.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="counts", axes=["temperature", "y", "x"])
        data["counts"] = np.arange(4 * 50 * 60, dtype="u4").reshape(4, 50, 60)
        data["counts"].attrs["units"] = "counts"
        for name, length in (("temperature", 4), ("y", 50), ("x", 60)):
            data[name] = np.arange(length) * 0.5
    return path


def test_the_part_in_view_is_a_handle_an_address_and_a_dataset(stored: Path) -> None:
    viewer = show(stored, frame=2)
    viewer._part = [10, 20, 5, 15]
    expected = np.arange(4 * 50 * 60).reshape(4, 50, 60)[2, 10:20, 5:15]
    np.testing.assert_array_equal(viewer.selection.numpy(), expected)
    np.testing.assert_array_equal(silx.io.get_data(viewer.url), expected)
    dataset = viewer.to_dataset()
    np.testing.assert_array_equal(dataset["signal"], expected)
    assert dataset["x"].values.tolist() == (np.arange(5, 15) * 0.5).tolist()
    assert dataset["signal"].attrs["units"] == "counts"
    viewer._part = []
    assert viewer.selection.shape == (50, 60)
    assert show(stored).url.endswith("?path=/data/counts&slice=0,:,:")


def test_the_lines_of_code_show_the_same(stored: Path) -> None:
    viewer = show(stored, frame=3, scale="log", limits=(1, 5000), order=[0, 2, 1])
    viewer.roi = {"kind": "rectangle", "points": [[1, 1], [4, 4]]}
    code = viewer.code
    again: dict[str, Any] = {}
    exec(code, again)
    other = again["viewer"]
    assert (other.frame, other.scale, other.low, other.high) == (3, "log", 1.0, 5000.0)
    assert (other.order, other.roi) == (viewer.order, viewer.roi)
    assert other.answer(ASK)[1] == viewer.answer(ASK)[1]
    with pytest.raises(NothingToPlot, match="memory"):
        _ = show(np.zeros((5, 5))).code


@pytest.mark.parametrize("ending", ["png", "svg", "npy", "csv"])
def test_files(stored: Path, ending: str, tmp_path: Path) -> None:
    viewer = show(stored, frame=1, contours=3, scale="sqrt")
    viewer.roi = {"kind": "ellipse", "points": [[1, 1], [30, 40]]}
    path = viewer.save(tmp_path / f"out.{ending}")
    expected = np.arange(4 * 50 * 60).reshape(4, 50, 60)[1]
    if ending == "npy":
        np.testing.assert_array_equal(np.load(path), expected)
    elif ending == "csv":
        np.testing.assert_array_equal(np.loadtxt(path, delimiter=","), expected)
    else:
        assert path.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml"}[ending])
    with pytest.raises(ValueError, match="format"):
        viewer.save(tmp_path / "out.tiff")


def test_a_curve_as_text_has_its_names(tmp_path: Path) -> None:
    viewer = show(np.arange(3.0), overlay={"twice": np.arange(4.0) * 2})
    lines = viewer.save(tmp_path / "c.csv").read_text().splitlines()
    assert lines == ['"index","value","index","twice"', "0,0,0,0", "1,1,1,2", "2,2,2,4", ",,3,6"]


def test_statistics_and_curve_of_the_region(stored: Path) -> None:
    viewer = show(stored, roi={"kind": "rectangle", "points": [[0, 0], [1, 1]]})
    values = np.arange(4 * 50 * 60).reshape(4, 50, 60)
    assert viewer.statistics().sum == values[0, :2, :2].sum()
    np.testing.assert_allclose(viewer.stack_curve().wait(60), values[:, :2, :2].mean(axis=(1, 2)))
    viewer.roi = None
    with pytest.raises(NothingToPlot, match="no region"):
        viewer.statistics()


# What changes


def test_dimensions_can_be_exchanged(stored: Path) -> None:
    viewer = show(stored)
    before = viewer._revision
    viewer.order = [1, 0, 2]
    assert (viewer.n_frames, viewer._revision) == (50, before + 1)
    _, codes = picture(viewer, frame=7, rows=100, columns=100)
    np.testing.assert_array_equal(codes, np.arange(4 * 50 * 60).reshape(4, 50, 60)[:, 7])
    with pytest.raises(ValueError, match="no order"):
        viewer.order = [0, 0, 1]
    assert viewer.order == [1, 0, 2]


def test_a_file_that_grows_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "growing.h5"
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset("frames", (2, 70, 80), "u2", maxshape=(None, 70, 80), chunks=(1, 70, 80))
        file.swmr_mode = True
        viewer = show(path)
        assert not viewer.refresh()
        data.resize(5, axis=0)
        data[4] = 7
        data.flush()
        assert viewer.answer({"kind": "refresh"})[0]["grown"]
        assert (viewer.n_frames, viewer.frame) == (5, 4)
        assert picture(viewer, frame=4)[1].max() == 7


def test_something_else_in_the_same_place(stored: Path) -> None:
    viewer = show(stored, colormap="magma")
    viewer.show_content(content_of(np.arange(10.0)))
    assert (viewer.kind, viewer.n_frames, viewer.colormap, viewer.order) == ("curve", 1, "magma", [0])
    viewer.show_content(content_of(5))
    assert viewer.kind == "text"


# Memory


def test_a_frame_larger_than_memory_should_hold_is_read_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Same answers as for a frame that is held; a small limit stands for a large frame."""
    values = np.random.default_rng(1).poisson(9, (301, 257)).astype("u4")
    values[100, 100], values[200, 31] = 4000, 2**32 - 1
    content = replace(content_of(values), masked_value=2**32 - 1)
    viewer = Viewer(content)
    expected, codes = picture(viewer)
    monkeypatch.setattr(renderer, "LARGEST_HELD", 1000)
    monkeypatch.setattr(strips, "_STRIP", 2000)
    large = Viewer(content)
    said, strip_codes = picture(large)
    np.testing.assert_array_equal(strip_codes, codes)
    assert said["limits"]["linear"]["minmax"] == expected["limits"]["linear"]["minmax"]
    assert said["masked"] == pytest.approx(expected["masked"])
    assert large.answer({"kind": "value", "frame": 0, "index": [100, 100]})[0]["text"] == f"4{THIN}000"
    assert large.answer({"kind": "histogram", "frame": 0, "scale": "log"})[0]["kind"] == "histogram"
    everything = {"kind": "rectangle", "points": [[0, 0], [300, 256]]}
    said, _ = large.answer({"kind": "region", "frame": 0, "region": everything})
    assert (said["kind"], said["hint"]) == ("error", "Choose a smaller one.")


def test_a_curve_is_read_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.random.default_rng(1).normal(size=100_001)
    y[77_777] = 99
    whole = curves.read_curve(content_of(y), 0)
    monkeypatch.setattr(curves, "_BLOCK", 7000)
    pieces = curves.read_curve(content_of(y), 0)
    assert set(whole.x) <= set(pieces.x)
    assert pieces.x[np.nanargmax(pieces.y)] == 77_777
    assert (pieces.x[0], pieces.x[-1]) == (0, 100_000)


# Questions of other kinds


def test_histogram_counts_every_pixel(viewer: Viewer) -> None:
    for scale in ("linear", "log", "sqrt", "arcsinh", "gamma"):
        _, buffers = viewer.answer({"kind": "histogram", "frame": 2, "scale": scale})
        counts, edges = (np.frombuffer(buffer) for buffer in buffers)
        values = viewer.content.read(2)
        assert counts.sum() == (values > 0).sum() if scale == "log" else values.size
        assert (len(edges), bool((np.diff(edges) > 0).all())) == (len(counts) + 1, True)
    assert show(np.zeros((5, 5))).answer({"kind": "histogram", "frame": 0, "scale": "log"})[0]["kind"] == "error"


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u8"])
def test_histogram_of_a_narrow_range_has_a_bin_for_each_value(kind: str) -> None:
    ends = np.iinfo(kind)
    first = ends.max - 200 if kind == "u8" else max(ends.min, -100)
    values = first + np.arange(200).reshape(10, 20).astype(kind)
    _, buffers = show(values.astype(kind)).answer({"kind": "histogram", "frame": 0, "scale": "linear"})
    counts, edges = (np.frombuffer(buffer) for buffer in buffers)
    assert counts.tolist() == [1] * 200
    assert edges[0] == float(first) - 0.5


ODD = {
    "all nan": np.full((30, 40), np.nan),
    "all infinite": np.full((30, 40), np.inf),
    "negative": -np.ones((30, 40)),
    "one pixel": np.ones((1, 1)),
    "one column": np.arange(50.0).reshape(50, 1),
    "truth": np.eye(30) > 0,
    "complex": np.ones((30, 30)) * 1j,
    "largest": np.full((30, 30), 2**64 - 1, dtype="u8"),
    "both ends": np.array([[-(2**63), 2**63 - 1]] * 20),
    "smallest": np.random.default_rng(0).normal(0, 1e-300, (30, 30)),
    "overflowing": np.full((30, 30), 1.7e308),
    "bytes": np.arange(-128, 127, dtype="i1").reshape(15, 17),
    "other order": np.arange(900, dtype=">i4").reshape(30, 30),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_values_are_answered_in_plain_json(case: str) -> None:
    viewer = show(ODD[case])
    shape = {"kind": "rectangle", "points": [[0, 0], [9, 9]]}
    questions: list[dict[str, Any]] = [
        ASK,
        ASK | {"mask": False},
        ASK | {"focus": [0.0, 1.0]},
        {"kind": "value", "frame": 0, "index": [0, 0]},
        {"kind": "contours", "frame": 0, "levels": [0.5]},
        {"kind": "profile", "shape": "line", "frame": 0, "points": [[0, 0], [5, 5]], "width": 3},
        {"kind": "profile", "shape": "box", "frame": 0, "points": [[0, 0], [5, 5]]},
        {"kind": "region", "frame": 0, "region": shape},
        *({"kind": "histogram", "frame": 0, "scale": scale} for scale in ("linear", "log", "sqrt", "arcsinh")),
    ]
    for question in questions:
        with np.errstate(all="ignore"):
            said, _ = viewer.answer(question)
        json.dumps(said, allow_nan=False)
        assert said.get("hint") != "The kernel's log has the details.", said


def test_contours_lie_where_the_values_are() -> None:
    rows, columns = np.mgrid[0:200, 0:200]
    viewer = show(np.hypot(rows - 90.0, columns - 120.0))
    said, (buffer,) = viewer.answer({"kind": "contours", "frame": 0, "levels": [30.0]})
    points = np.frombuffer(buffer).reshape(-1, 2)
    assert sum(said["lengths"]) == len(points) > 50
    np.testing.assert_allclose(np.hypot(points[:, 0] - 90, points[:, 1] - 120), 30, atol=0.2)


def test_a_table_comes_in_pages() -> None:
    rows = np.zeros(1000, [("time", "f8"), ("name", "S5"), ("xyz", "f4", 3)])
    rows["name"] = b"caf\xe9"
    viewer = show(rows)
    said, _ = viewer.answer({"kind": "frame", "frame": 0, "first": 990, "count": 50})
    assert (said["names"], said["first"], said["total"], len(said["cells"])) == (["time", "name", "xyz"], 990, 1000, 10)
    assert said["cells"][0] == ["0", "caf\ufffd", "0, 0, 0"]


def test_colour_pictures_are_pooled_and_have_alpha(tmp_path: Path) -> None:
    path = tmp_path / "photo.h5"
    with create_file(path) as file:
        file["photo"] = np.full((100, 80, 3), 200, "u1")
        file["photo"].attrs["interpretation"] = "rgb-image"
    viewer = show(path, path="/photo")
    assert viewer.origin == "upper"
    assert "origin" not in viewer.code
    assert viewer.save(tmp_path / "photo.png").stat().st_size > 1000
    said, (buffer,) = viewer.answer(ASK)
    assert (said["kind"], said["rows"], said["columns"]) == ("colours", 50, 40)
    assert np.frombuffer(buffer, np.uint8)[:4].tolist() == [200, 200, 200, 255]


@pytest.mark.parametrize("message", [{"kind": "nonsense"}, {}, {"kind": "profile", "points": 3}, {"kind": "stack"}])
def test_no_question_breaks_it(viewer: Viewer, message: dict[str, Any]) -> None:
    assert viewer.answer(message)[0]["kind"] == "error"


def written(path: Path, signal: Any, **fields: Any) -> Path:
    with create_file(path) as file:
        data = file.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="signal")
        for name, value in {"signal": signal, **fields}.items():
            data[name] = value
    return path


def test_stored_numbers_become_values_everywhere(tmp_path: Path) -> None:
    stored = np.arange(24, dtype="u2").reshape(2, 3, 4)
    path = written(tmp_path / "scaled.nxs", stored, signal_scaling_factor=0.5, signal_offset=10, signal_errors=stored)
    with h5py.File(path, "a") as file:
        file["data/signal"].attrs.update(_FillValue=5, valid_max=20)
    viewer = show(path, frame=1)
    expected = (stored[1] + 10) / 2
    np.testing.assert_array_equal(viewer.selection, np.where(stored[1] > 20, np.nan, expected))
    assert viewer.answer({"kind": "value", "frame": 0, "index": [0, 3]})[0]["text"] == "6.5"
    assert viewer.answer({"kind": "value", "frame": 0, "index": [1, 1]})[0]["text"].startswith("masked")
    assert viewer.to_dataset()["errors"].values.tolist() == (stored[1] / 2).tolist()
    assert "scaled.nxs" in viewer.url


def test_errors_of_the_axis_reach_browser_and_file(tmp_path: Path) -> None:
    path = written(tmp_path / "curve.nxs", np.arange(1.0, 6), x=np.arange(5.0), x_errors=np.full(5, 0.25))
    with h5py.File(path, "a") as file:
        file["data"].attrs["axes"] = ["x"]
    viewer = show(path)
    said, buffers = viewer.answer(ASK)
    assert np.frombuffer(buffers[said["buffers"].index("spread0")]).tolist() == [0.25] * 5
    assert viewer.save(tmp_path / "curve.csv").read_text().splitlines()[:2] == ['"x","signal","x error"', "0,1,0.25"]
    assert viewer.save(tmp_path / "curve.svg").stat().st_size > 1000


def test_the_frame_that_the_file_begins_with(tmp_path: Path) -> None:
    path = written(tmp_path / "stack.nxs", np.zeros((4, 5, 6)))
    with h5py.File(path, "a") as file:
        file["data"].attrs["default_slice"] = ["2", ".", "."]
    viewer = show(path)
    assert viewer.frame == 2
    assert "frame=" not in viewer.code
    viewer.frame = 0
    assert "frame=0" in viewer.code
    assert show(path, order=[1, 0, 2]).frame == 0


def test_an_axis_that_was_never_finished_is_continued(tmp_path: Path) -> None:
    x = np.array([1.0, 2.0, np.nan, 4.0, np.nan, np.nan])
    path = written(tmp_path / "broken-off.nxs", np.arange(6.0), x=x)
    with h5py.File(path, "a") as file:
        file["data"].attrs["axes"] = ["x"]
    assert show(path).content.frame_axes[0].centres.tolist() == [1, 2, 3, 4, 5, 6]


def test_a_file_with_nothing_yet_says_so_until_there_is_something(tmp_path: Path) -> None:
    path = tmp_path / "new.h5"
    with create_file(path) as file:
        file.create_dataset("frames", (0, 40, 50), "u2", maxshape=(None, 40, 50))
    viewer = show(path)
    assert (viewer.kind, viewer.refresh()) == ("text", False)
    assert "nothing to plot" in viewer._facts["text"]
    with h5py.File(path, "a") as file:
        file["frames"].resize(3, axis=0)
    assert viewer.refresh()
    assert (viewer.kind, viewer.n_frames) == ("image", 3)


def test_a_masked_value_is_no_end_of_the_colours_in_a_window_that_has_room(tmp_path: Path) -> None:
    values = np.array([[np.inf, -5.0, 3.0], [1.0, 2.0, 0.5]])
    viewer = show(values)
    (said, _) = viewer.answer(ASK)
    assert said["limits"]["linear"]["minmax"] == (-5.0, 3.0)
    assert np.isfinite(said["limits"]["log"]["auto"]).all()
    assert show(np.array([[np.inf, -5.0], [-1.0, -2.0]])).answer(ASK)[0]["kind"] == "picture"


def test_complex_errors_and_factors_do_not_stop_a_plot(tmp_path: Path) -> None:
    z = np.exp(1j * np.arange(6.0))
    path = written(tmp_path / "complex.nxs", z, signal_errors=z, signal_scaling_factor=2.0)
    assert show(path).answer(ASK)[0]["kind"] == "curves"


def test_a_single_number_is_scaled(tmp_path: Path) -> None:
    path = written(tmp_path / "one.nxs", 7.0, signal_scaling_factor=2.0)
    assert "14" in show(path)._facts["text"]


def test_points_of_which_the_first_is_masked_are_exported(tmp_path: Path) -> None:
    path = written(tmp_path / "points.nxs", np.array([np.nan, 1.0, 2.0]), x=np.arange(3.0), y=np.arange(3.0))
    with h5py.File(path, "a") as file:
        file["data"].attrs["axes"] = ["x", "y"]
    viewer = show(path)
    assert viewer.kind == "scatter"
    assert viewer.save(tmp_path / "points.png").stat().st_size > 1000
