from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from silx.math.colormap import apply_colormap

from panosc_analysis.nexus import create_file
from panosc_analysis.widgets import Viewer, colormaps, show
from panosc_analysis.widgets.quantities import THIN

ASK = {
    "kind": "frame",
    "view": "v",
    "id": 7,
    "frame": 0,
    "rows": 50,
    "columns": 60,
    "scale": "linear",
    "limits": "auto",
}


def picture(viewer: Viewer, **changes: Any) -> tuple[dict[str, Any], np.ndarray]:
    said, buffers = viewer.answer(ASK | changes)
    assert said["kind"] == "picture", said
    return said, np.frombuffer(buffers[0], np.uint8).reshape(said["rows"], said["columns"])


@pytest.fixture
def viewer() -> Viewer:
    values = np.random.default_rng(2).poisson(3, (4, 100, 120)).astype(np.uint16)
    values[2, 40, 40] = 500
    return show(values)


def test_a_frame_comes_at_window_size(viewer: Viewer) -> None:
    said, levels = picture(viewer)
    assert (said["view"], said["id"], said["frame"]) == ("v", 7, 0)
    assert (levels.shape, said["factors"]) == ((50, 60), [2, 2])
    assert levels.max() == 254


def test_the_peak_is_in_the_picture(viewer: Viewer) -> None:
    said, levels = picture(viewer, frame=2, limits="minmax")
    assert said["high"] == 500
    assert np.unravel_index(levels.argmax(), levels.shape) == (20, 20)


def test_limits_may_be_fixed_on_either_side(viewer: Viewer) -> None:
    said, _ = picture(viewer, limits="fixed", low=1, high=9)
    assert (said["low"], said["high"]) == (1, 9)
    said, _ = picture(viewer, limits="fixed", low=None, high=1000)
    assert said["low"] < 5
    assert said["high"] == 1000


def test_the_exact_value_of_a_pixel(viewer: Viewer) -> None:
    said, _ = viewer.answer({"kind": "value", "view": "v", "frame": 2, "index": [40, 40]})
    assert said["text"] == "500"


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
    said, levels = picture(viewer)
    assert said["masked"] == pytest.approx(0.2)
    assert np.flatnonzero(levels[:, 0] == 255).tolist() == list(range(15, 25))
    assert said["high"] < 10
    text = viewer.answer({"kind": "value", "frame": 0, "index": [35, 3]})[0]["text"]
    assert text == f"masked (4{THIN}294{THIN}967{THIN}295{THIN}counts)"


def test_a_curve_comes_as_doubles_and_a_long_one_keeps_its_peak() -> None:
    y = np.zeros(100_000)
    y[54_321] = 9.0
    viewer = show(y)
    said, buffers = viewer.answer({"kind": "frame", "frame": 0})
    x, thin = (np.frombuffer(buffer) for buffer in buffers)
    assert said["buffers"] == ["x", "y"]
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
    assert (viewer.x_label, viewer.y_label, viewer._ratio) == ("x (pixel)", "y (pixel)", pytest.approx(4 / 6))
    assert len(viewer._luts) == 1024 * len(viewer._colormaps)
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


@pytest.mark.shared_data
def test_a_real_detector_frame(shared_data: Path) -> None:
    path = shared_data / "nexus" / "punx" / "S2p5min_00070_00001.h5"
    if not path.exists():
        pytest.skip(f"no {path}")
    said, levels = picture(show(path), rows=560, columns=534)
    assert said["masked"] == pytest.approx(0.0656, abs=1e-4)
    assert said["high"] < 100
    assert (levels == 255).all(axis=1).sum() >= 5
