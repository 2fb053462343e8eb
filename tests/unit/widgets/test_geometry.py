"""q and 2θ under the cursor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from panosc_analysis.nexus import create_file
from panosc_analysis.widgets import show

DISTANCE, PIXEL, WAVELENGTH = 0.5, 172e-6, 1.0  # m, m, Å


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "saxs.nxs"
    with create_file(path) as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        detector = entry.create_group("instrument/detector")
        entry["instrument"].attrs["NX_class"] = "NXinstrument"
        detector.attrs["NX_class"] = "NXdetector"
        for name, value, units in (
            ("distance", DISTANCE, "m"),
            ("beam_center_x", 60.0, "pixel"),
            ("beam_center_y", 40.0, "pixel"),
            ("x_pixel_size", PIXEL, "m"),
            ("y_pixel_size", PIXEL, "m"),
        ):
            detector[name] = value
            detector[name].attrs["units"] = units
        detector["data"] = np.ones((2, 100, 120), "u4")
        beam = entry.create_group("instrument/beam")
        beam.attrs["NX_class"] = "NXbeam"
        beam["incident_wavelength"] = WAVELENGTH
        beam["incident_wavelength"].attrs["units"] = "angstrom"
    return path


def test_q_and_the_angle_follow_from_distance_and_centre(path: Path) -> None:
    viewer = show(path)
    row, column = 90, 110
    text = viewer.answer({"kind": "hover", "frame": 0, "index": [row, column]})[0]["text"]
    far = PIXEL * np.hypot(row + 0.5 - 40, column + 0.5 - 60)
    two_theta = np.arctan2(far, DISTANCE)
    q = 4 * np.pi * np.sin(two_theta / 2) / (WAVELENGTH / 10)
    said_q, said_angle = (float(part.split()[1]) for part in text.replace("\u202f", " ").split(" · "))
    assert said_q == pytest.approx(q, rel=1e-4)
    assert said_angle == pytest.approx(np.degrees(two_theta), rel=1e-4)


def test_where_it_is_not_known_it_is_said() -> None:
    said, _ = show(np.zeros((20, 20))).answer({"kind": "hover", "frame": 0, "index": [1, 1]})
    assert said["kind"] == "error"
    assert "detector" in said["message"]
