"""A disc of known attenuation comes back from its scan."""

from __future__ import annotations

from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from panosc_analysis.errors import ReductionError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import reduce

WIDTH, ROWS, ANGLES, AXIS, PIXEL = 96, 6, 120, 46.0, 0.01  # mm
DENSITY = np.array([0.0, 1.0, 1.5, 2.0, 2.5, 3.0])  # 1/mm, of each row


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disc of radius 20 about 10 pixels beside the axis, in a beam of uneven brightness."""
    path = tmp_path_factory.mktemp("scan") / "scan.h5"
    rng = np.random.default_rng(1)
    keys = np.repeat([2, 1, 0, 1], [5, 8, ANGLES, 8])
    angles = np.concatenate([np.zeros(13), np.arange(ANGLES) * np.pi / ANGLES, np.full(8, np.pi)])
    flat = 20_000 * (1 + 0.2 * np.sin(np.arange(WIDTH) / 9)) * np.linspace(0.8, 1, ROWS)[:, None]
    flat[3, 30] = 0  # a dead pixel
    frames = np.empty((len(keys), ROWS, WIDTH), "u2")
    for number, (key, angle) in enumerate(zip(keys, angles, strict=True)):
        distance = np.arange(WIDTH) - AXIS - 10 * np.cos(angle)
        chord = 2 * np.sqrt(np.maximum(20.0**2 - distance**2, 0)) * PIXEL
        light = 0 * flat if key == 2 else flat * np.exp(-DENSITY[:, None] * chord * (key == 0))
        frames[number] = rng.poisson(light) + 100
    with h5py.File(path, "w") as file:
        for name, kind in (
            ("entry", "NXentry"),
            ("entry/instrument", "NXinstrument"),
            ("entry/instrument/detector", "NXdetector"),
            ("entry/sample", "NXsample"),
            ("entry/data", "NXdata"),
        ):
            file.create_group(name).attrs["NX_class"] = kind
        detector = file["entry/instrument/detector"]
        detector.create_dataset("data", data=frames, chunks=(1, ROWS, WIDTH), **hdf5plugin.Bitshuffle())
        detector["image_key"] = keys
        detector["x_pixel_size"] = PIXEL * 1000
        detector["x_pixel_size"].attrs["units"] = "um"
        file["entry/sample/rotation_angle"] = np.rad2deg(angles)
        file["entry/sample/rotation_angle"].attrs["units"] = "degree"
        file["entry/data"].attrs["signal"] = "data"
        file["entry/data/data"] = h5py.SoftLink("/entry/instrument/detector/data")
    return path


@pytest.mark.parametrize("method", ["fbp", "dfi"])
@pytest.mark.parametrize("rings", ["none", "sorting"])
def test_a_disc_comes_back(scan: Path, method: str, rings: str) -> None:
    parameters = {"axis": AXIS, "method": method, "rings": rings}
    result = reduce(ArrayHandle(scan, "/entry/data/data"), ["tomography"], parameters=parameters, threads=2, tasks=3)
    slices = result["slices"]
    assert slices.values.shape == (ROWS, WIDTH, WIDTH)
    assert slices.units == "1/mm"
    y, x = (axis.values / PIXEL for axis in slices.axes[1:])
    far = np.hypot(y[:, None], x) > 34
    near = np.hypot(y[:, None], x - 10) < 12
    empty = ~far & (np.hypot(y[:, None], x - 10) > 26)
    for row, density in enumerate(DENSITY):
        assert slices.values[row][near].mean() == pytest.approx(density, abs=0.06 + 0.02 * density)
        assert abs(slices.values[row][empty].mean()) < 0.06
    assert slices.masked[0, 0, 0]
    assert np.isnan(slices.values[0, 0, 0])
    assert result.default == "slices"


@pytest.mark.parametrize("method", ["fbp", "dfi"])
def test_slices_are_the_same_each_time_and_measured_from_the_axis(scan: Path, method: str) -> None:
    parameters = {"axis": AXIS, "method": method}
    handle = ArrayHandle(scan, "/entry/data/data")
    first, *others = (reduce(handle, ["tomography"], parameters=parameters, threads=2)["slices"] for _ in range(5))
    assert {other.values.tobytes() for other in others} == {first.values.tobytes()}
    disc = np.nan_to_num(first.values[5]) > DENSITY[5] / 2
    y, x = (axis.values / PIXEL for axis in first.axes[1:])
    assert np.broadcast_to(x, disc.shape)[disc].mean() == pytest.approx(10, abs=0.1 if method == "fbp" else 0.5)
    assert np.broadcast_to(y[:, None], disc.shape)[disc].mean() == pytest.approx(0, abs=0.1 if method == "fbp" else 0.5)


def test_attenuation_is_the_logarithm(scan: Path) -> None:
    result = reduce(
        ArrayHandle(scan, "/entry/data/data"),
        ["tomography"],
        parameters={"method": "none", "rings": "none", "rows": "2:4"},
    )
    with h5py.File(scan) as file:
        frames, keys = file["entry/data/data"][:, 2:4].astype("f8"), file["entry/instrument/detector/image_key"][()]
    dark, flat = frames[keys == 2].mean(axis=0), frames[keys == 1].mean(axis=0)
    good = flat - dark > 100
    expected = -np.log(np.maximum((frames[keys == 0] - dark) / np.where(good, flat - dark, 1), 1e-6))
    got = result["sinogram"].values.transpose(1, 0, 2)
    np.testing.assert_allclose(got[:, good], expected[:, good], rtol=1e-4, atol=1e-5)
    dead = got[:, 1, 30]
    np.testing.assert_allclose(dead, (got[:, 1, 29] + got[:, 1, 31]) / 2, rtol=1e-5, atol=1e-6)
    assert result["sinogram"].axes[1].values[1] == pytest.approx(180 / ANGLES)
    assert result.record.steps[0].parameters["rows"] == "2:4"
    assert "120 projections, 16 flat fields, 5 dark fields" in result.notes


def test_the_axis_is_found(scan: Path) -> None:
    result = reduce(ArrayHandle(scan, "/entry/data/data"), ["tomography"], parameters={"rows": "4:5"})
    found = float(result["slices"].label.rpartition(" ")[2])
    assert found == pytest.approx(AXIS, abs=1.0)


def test_what_is_no_scan_is_refused(scan: Path, tmp_path: Path) -> None:
    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.ones((5, 6, 7), "u2")
    with pytest.raises(ReductionError, match="image_key"):
        reduce(ArrayHandle(path, "/data"), ["tomography"])
    with pytest.raises(ReductionError, match="regions of a frame"):
        reduce(ArrayHandle(scan, "/entry/data/data"), ["tomography"], parameters={"rows": "4:99"})


def test_the_record_names_what_reconstructed(scan: Path) -> None:
    result = reduce(ArrayHandle(scan, "/entry/data/data"), ["tomography"], parameters={"axis": AXIS, "rows": "2:3"})
    assert {"algotom", "panosc-analysis"} <= {one.name for one in result.record.software}
