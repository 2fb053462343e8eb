from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from panosc_analysis.errors import NothingToPlot, SaveError
from panosc_analysis.nexus import create_file
from panosc_analysis.reduction import ResultArray, ResultAxis
from panosc_analysis.widgets import figure, save_png
from panosc_analysis.widgets.drawing import MASKED_COLOUR


def share_of(colour: str, png: Path) -> float:
    pixels = imread(png)[..., :3]
    return float((np.abs(pixels - to_rgb(colour)) < 0.01).all(axis=-1).mean())


@pytest.fixture
def with_gap(tmp_path: Path) -> Path:
    path = tmp_path / "gap.h5"
    values = np.random.default_rng(0).poisson(9, (3, 200, 200)).astype(np.uint16)
    values[:, 80:120] = 65535
    with create_file(path) as file:
        data = file.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="counts")
        data["counts"] = values
    return path


def test_gaps_are_grey_in_the_file(with_gap: Path, tmp_path: Path) -> None:
    png = save_png(with_gap, tmp_path / "gap.png", frame=-1, scale="log")
    assert share_of(MASKED_COLOUR, png) > 0.05
    plain = save_png(np.ones((20, 20)), tmp_path / "plain.png")
    assert share_of(MASKED_COLOUR, plain) < 0.001


def test_the_figure_names_axes_units_and_frame() -> None:
    energy = ResultAxis("energy", "energy (keV)", "keV", np.linspace(7, 8, 30))
    time = ResultAxis("time", "time", "s", np.arange(4.0) ** 2)
    made = figure(ResultArray("map", "transmission", np.random.default_rng(0).random((4, 30)), (time, energy), "1/m"))
    axes, bar = made.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("energy (keV)", "time (s)")
    assert bar.get_ylabel() == "transmission (m⁻¹)"
    assert figure(np.zeros((4, 5, 6)), frame=2).axes[0].get_title() == "frame 2 / 3"


def test_a_curve_with_errors_on_a_log_scale(tmp_path: Path) -> None:
    q = ResultAxis("q", "q", "1/angstrom", np.linspace(0.1, 2, 50))
    profile = ResultArray("p", "profile", np.exp(-q.values), (q,), "counts", np.full(50, 0.05), "log")
    made = figure(profile)
    assert made.axes[0].get_yscale() == "log"
    assert len(made.axes[0].collections) == 1
    assert save_png(profile, tmp_path / "p.png").stat().st_size > 5000


def test_text_and_constant_and_empty_pictures_can_be_drawn(tmp_path: Path) -> None:
    for x in ("hello $x_1", 3.5):
        save_png(np.array(x), tmp_path / "text.png")
    for scale in ("linear", "log", "sqrt"):
        save_png(np.full((5, 5), np.nan), tmp_path / "nothing.png", scale=scale)
        save_png(np.zeros((5, 5)), tmp_path / "zero.png", scale=scale)


def test_wrong_options_are_refused() -> None:
    with pytest.raises(NothingToPlot, match="no frame 9"):
        figure(np.zeros((3, 4, 4)), frame=9)
    with pytest.raises(ValueError, match="no colormap"):
        figure(np.zeros((4, 4)), colormap="jet")
    with pytest.raises(ValueError, match="scale must be"):
        figure(np.zeros((4, 4)), scale="cube")


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="cannot be written"):
        save_png(np.zeros((4, 4)), tmp_path / "missing" / "x.png")
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(SaveError):
        save_png(np.zeros((4, 4)), tmp_path / "taken.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["taken.png"]
