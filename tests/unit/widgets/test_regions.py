"""Regions and profiles: the numbers are NumPy's."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from panosc_analysis.errors import NothingToPlot
from panosc_analysis.nexus import create_file
from panosc_analysis.widgets.profiles import box_profiles, line_profile
from panosc_analysis.widgets.regions import Region, find_region_statistics
from panosc_analysis.widgets.renderer import Renderer
from panosc_analysis.widgets.sources import content_of
from panosc_analysis.widgets.stack_curves import StackCurve

GAP = 2**32 - 1
ROWS, COLUMNS = np.mgrid[0:60, 0:80]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "stack.h5"
    values = np.random.default_rng(4).poisson(50, (5, 60, 80)).astype("u4")
    values[:, 30:33] = GAP
    with create_file(path) as file:
        file["stack"] = values
    return path


@pytest.fixture
def values(path: Path) -> np.ndarray:
    return content_of(path).source.numpy()  # type: ignore[union-attr]


def whole_mask(region: Region) -> np.ndarray:
    mask = np.zeros(ROWS.shape, bool)
    part = region.part(ROWS.shape)
    mask[part] = region.mask(part)
    return mask


REGIONS = {
    "rectangle": (
        Region("rectangle", ((10, 5), (40, 25.4))),
        (ROWS >= 10) & (ROWS <= 40) & (COLUMNS >= 5) & (COLUMNS <= 25),
    ),
    "corners the other way round": (
        Region("rectangle", ((40, 25), (10, 5))),
        (ROWS >= 10) & (ROWS <= 40) & (COLUMNS >= 5) & (COLUMNS <= 25),
    ),
    "ellipse": (
        Region("ellipse", ((10, 20), (50, 60))),
        ((ROWS - 30) / 20) ** 2 + ((COLUMNS - 40) / 20) ** 2 <= 1,
    ),
    "annulus": (
        Region("annulus", ((30, 40), (30, 60), (30, 50))),
        (np.hypot(ROWS - 30, COLUMNS - 40) <= 20) & (np.hypot(ROWS - 30, COLUMNS - 40) >= 10),
    ),
    "half outside": (Region("rectangle", ((-100, -100), (9, 9))), (ROWS <= 9) & (COLUMNS <= 9)),
}


@pytest.mark.parametrize("name", REGIONS)
def test_statistics_are_those_of_numpy(name: str, path: Path, values: np.ndarray) -> None:
    region, expected = REGIONS[name]
    np.testing.assert_array_equal(whole_mask(region), expected)
    part = region.part(ROWS.shape)
    read = Renderer(content_of(path)).part(2, part)
    found = find_region_statistics(read.values, read.masked, region, part)
    chosen = values[2][expected & (values[2] != GAP)].astype(float)
    assert found.pixels == chosen.size
    assert found.masked == int((expected & (values[2] == GAP)).sum())
    for said, computed in (
        (found.sum, chosen.sum()),
        (found.mean, chosen.mean()),
        (found.std, chosen.std()),
        (found.median, np.median(chosen)),
        (found.min, chosen.min()),
        (found.max, chosen.max()),
    ):
        assert said == pytest.approx(computed, rel=1e-12)
    assert values[2][found.highest] == chosen.max()


@given(st.lists(st.tuples(st.floats(1, 58), st.floats(1, 78)), min_size=3, max_size=3, unique=True))
def test_a_polygon_holds_what_matplotlib_says(corners: list[tuple[float, float]]) -> None:
    """Only corners away from pixel centres: on a side both answers are right."""
    corners = [(round(row) + 0.31, round(column) + 0.47) for row, column in corners]
    outline = Outline([*corners, corners[0]], closed=True)
    expected = outline.contains_points(np.column_stack([ROWS.ravel(), COLUMNS.ravel()])).reshape(ROWS.shape)
    try:
        mask = whole_mask(Region("polygon", tuple(corners)))
    except NothingToPlot:
        mask = np.zeros(ROWS.shape, bool)
    edge = outline.contains_points(np.column_stack([ROWS.ravel(), COLUMNS.ravel()]), radius=1e-6).reshape(ROWS.shape)
    inner = outline.contains_points(np.column_stack([ROWS.ravel(), COLUMNS.ravel()]), radius=-1e-6).reshape(ROWS.shape)
    sure = edge == inner
    np.testing.assert_array_equal(mask[sure], expected[sure])


def test_a_region_beside_the_image_or_of_no_shape_is_refused() -> None:
    with pytest.raises(NothingToPlot, match="no pixel"):
        Region("rectangle", ((100, 100), (120, 120))).part((60, 80))
    for kind, points in (
        ("star", ((0, 0), (1, 1))),
        ("polygon", ((0, 0), (1, 1))),
        ("ellipse", ((0, 0), (float("nan"), 1))),
    ):
        with pytest.raises(ValueError, match="region"):
            Region(kind, points)  # type: ignore[arg-type]
    region = Region("annulus", ((1, 2), (3, 4), (5, 6)))
    assert Region.from_dict(region.to_dict()) == region


def test_a_line_along_pixels_gives_the_pixels(path: Path, values: np.ndarray) -> None:
    renderer = Renderer(content_of(path))
    far, mean = line_profile(renderer, 1, (10, 5), (10, 45))
    np.testing.assert_allclose(far, np.arange(41), atol=1e-12)
    np.testing.assert_allclose(mean, values[1, 10, 5:46], rtol=1e-12)
    _, wide = line_profile(renderer, 1, (20, 5), (20, 45), 5)
    np.testing.assert_allclose(wide, values[1, 18:23, 5:46].mean(axis=0), rtol=1e-12)
    _, down = line_profile(renderer, 1, (0, 7), (59, 7))
    assert np.isnan(down[30:33]).all()
    np.testing.assert_allclose(down[:30], values[1, :30, 7], rtol=1e-12)


def test_a_slanted_line_is_interpolated_and_ends_at_the_frame(path: Path) -> None:
    plane = 3.0 * ROWS - 2.0 * COLUMNS
    renderer = Renderer(content_of(plane))
    far, mean = line_profile(renderer, 0, (2.5, 3.25), (40.0, 71.0), 3)
    along = far / far[-1]
    np.testing.assert_allclose(mean, 3 * (2.5 + along * 37.5) - 2 * (3.25 + along * 67.75), rtol=1e-12)
    _, beyond = line_profile(renderer, 0, (10, -10), (10, 5))
    assert np.isnan(beyond[:9]).all()
    with pytest.raises(NothingToPlot, match="two different ends"):
        line_profile(renderer, 0, (1, 1), (1, 1))


def test_profiles_across_a_box_are_means_of_what_counts(path: Path, values: np.ndarray) -> None:
    made = box_profiles(Renderer(content_of(path)), 3, (25, 10), (44, 29))
    part = np.ma.masked_equal(values[3, 25:45, 10:30], GAP)
    np.testing.assert_allclose(made["x_mean"], part.mean(axis=0).astype(float), rtol=1e-12)
    assert np.isnan(made["y_mean"][5:8]).all()
    np.testing.assert_allclose(made["y_mean"][8:], part.mean(axis=1)[8:].astype(float), rtol=1e-12)
    assert (made["x"][0], made["y"][-1]) == (10, 44)


def test_the_curve_over_the_stack(path: Path, values: np.ndarray) -> None:
    region, inside = REGIONS["ellipse"]
    curve = StackCurve(content_of(path), region)
    found = curve.wait(60)
    expected = [frame[inside & (frame != GAP)].mean() for frame in values]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (curve.done, curve.error, curve.is_running) == (5, "", False)


def test_a_curve_over_the_stack_can_be_stopped_and_says_what_went_wrong(path: Path) -> None:
    class Gate:
        shape, dtype = (1000, 60, 80), np.dtype("u4")
        opened = threading.Event()

        def __getitem__(self, index: object) -> np.ndarray:
            self.opened.wait(60)
            return np.ones((60, 80), "u4")

    source = Gate()
    curve = StackCurve(content_of(source), REGIONS["annulus"][0])
    curve.cancel()
    source.opened.set()
    curve.wait(60)
    assert curve.done <= 16
    content = content_of(path)
    path.unlink()
    broken = StackCurve(content, REGIONS["ellipse"][0])
    broken.wait(60)
    assert "stack.h5" in broken.error


def test_the_curve_over_the_stack_by_dask_workers(path: Path, values: np.ndarray) -> None:
    region, inside = REGIONS["rectangle"]
    content = content_of(path)
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "host": "127.0.0.1", "protocol": "tcp://"}
    with LocalCluster(**options, dashboard_address="127.0.0.1:0") as cluster, Client(cluster):
        curve = StackCurve(content, region)
        found = curve.wait(60)
        assert curve.error == ""
        assert any("region_means" in str(row[0]) for row in cluster.scheduler.transition_log), "the workers did it"
    np.testing.assert_allclose(found, [frame[inside & (frame != GAP)].mean() for frame in values], rtol=1e-12)
