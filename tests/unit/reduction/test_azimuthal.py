"""The radial profile is pyFAI's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from panosc_analysis.errors import ReductionError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import Azimuthal, ReductionResult, Stack, find_geometry, reduce
from panosc_analysis.reduction.integration.binning import Binning
from panosc_analysis.reduction.integration.remembered import MOST_BYTES, remembered_binning

SHAPE = (120, 100)
PIXEL, DISTANCE, WAVELENGTH = 1e-4, 0.05, 1.2e-10
PONI1, PONI2, ROT1 = 0.0042, 0.0051, 0.15
PONI = f"""# a geometry
poni_version: 2.1
Detector: Detector
Detector_config: {{"pixel1": {PIXEL}, "pixel2": {PIXEL}, "max_shape": [120, 100], "orientation": 3}}
Distance: {DISTANCE}
Poni1: {PONI1}
Poni2: {PONI2}
Rot1: {ROT1}
Rot2: 0.02
Rot3: 0.0
Wavelength: {WAVELENGTH}
"""


@pytest.fixture(scope="module")
def frames() -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(5)
    values = rng.poisson(20, (12, *SHAPE)).astype("u4")
    values[:, :30, :40] = 2**32 - 1  # a gap that reaches the corner
    values[:, 60:64] = 2**32 - 1
    values[rng.random(values.shape) < 0.05] = 2**32 - 1  # pixels that are missing in some frames
    return values


@pytest.fixture
def file(tmp_path: Path, frames: np.ndarray[Any, Any]) -> Path:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as f:
        entry = f.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        instrument = entry.create_group("instrument")
        instrument.attrs["NX_class"] = "NXinstrument"
        detector = instrument.create_group("detector")
        detector.attrs["NX_class"] = "NXdetector"
        detector.create_dataset("data", data=frames, chunks=(1, *SHAPE), compression="gzip")
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "data"})
        data["data"] = h5py.SoftLink("/entry/instrument/detector/data")
    return path


def add_fields(path: Path, *, wavelength: bool = True) -> None:
    with h5py.File(path, "a") as f:
        detector = f["entry/instrument/detector"]
        fields = {"distance": (50.0, "mm"), "x_pixel_size": (100.0, "um"), "y_pixel_size": (1e-4, "m")}
        fields |= {"beam_center_x": (51.0, "pixel"), "beam_center_y": (0.0042, "m")}
        for name, (value, units) in fields.items():
            detector[name] = value
            detector[name].attrs["units"] = units
        if wavelength:
            beam = f["entry/instrument"].create_group("beam")
            beam.attrs["NX_class"] = "NXbeam"
            beam["incident_energy"] = 12.398419843320026 / 1.2
            beam["incident_energy"].attrs["units"] = "keV"


def pyfai_profile(frames: np.ndarray[Any, Any], window: tuple[slice, slice] | None = None, **options: Any) -> Any:
    """Integrate the summed image with pyFAI; how often a pixel counts goes in as the flat field."""
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    integrator = AzimuthalIntegrator(
        dist=DISTANCE,
        poni1=PONI1,
        poni2=PONI2,
        rot1=options.pop("rot1", ROT1),
        rot2=options.pop("rot2", 0.02),
        detector=Detector(PIXEL, PIXEL, max_shape=SHAPE),
        wavelength=WAVELENGTH,
    )
    valid = frames != 2**32 - 1
    if window is not None:
        outside = np.ones(SHAPE, bool)
        outside[window] = False
        valid = valid & ~outside
    count = valid.sum(axis=0)
    return integrator.integrate1d_ng(
        np.where(valid, frames, 0).sum(axis=0).astype(np.float64),
        mask=count == 0,
        flat=np.maximum(count, 1).astype(np.float64),
        method=("no", "histogram", "cython"),
        error_model="poisson",
        **options,
    )


def check(result: ReductionResult, expected: Any) -> None:
    profile = result["profile"]
    some = expected.count > 0
    np.testing.assert_allclose(profile.axes[0].values, expected.radial, rtol=1e-12)
    np.testing.assert_allclose(profile.values[some], expected.intensity[some], rtol=1e-6)
    assert profile.errors is not None
    np.testing.assert_allclose(profile.errors[some], expected.sigma[some], rtol=1e-6)
    assert np.isnan(profile.values[~some]).all()
    assert result.default == "profile"


@pytest.mark.parametrize("unit", ["q_A^-1", "q_nm^-1", "2th_deg", "r_mm"])
@pytest.mark.parametrize("polarization_factor", [None, 0.95])
def test_profile_is_pyfais(
    file: Path, frames: np.ndarray[Any, Any], unit: str, polarization_factor: float | None
) -> None:
    step = Azimuthal(npt=80, unit=unit, polarization_factor=polarization_factor, poni=PONI)
    result = reduce(ArrayHandle(file, "/entry/data/data"), [step], tasks=3)
    check(result, pyfai_profile(frames, npt=80, unit=unit, polarization_factor=polarization_factor))
    assert list(result) == ["profile"]


def test_more_points_than_pixels_leave_gaps(file: Path, frames: np.ndarray[Any, Any]) -> None:
    result = reduce(ArrayHandle(file, "/entry/data/data"), ["azimuthal"], parameters={"npt": 5000, "poni": PONI})
    check(result, pyfai_profile(frames, npt=5000, unit="q_A^-1"))
    masked = result["profile"].masked
    assert masked is not None
    assert masked.any()


def test_part_of_the_detector(file: Path, frames: np.ndarray[Any, Any]) -> None:
    handle = ArrayHandle(file, "/entry/data/data")[2:9, 40:110, 10:]
    result = reduce(handle, ["azimuthal"], parameters={"npt": 60, "poni": PONI})
    window = (slice(40, 110), slice(10, None))
    expected = pyfai_profile(frames[2:9], window, npt=60, unit="q_A^-1")
    some = expected.count > 0
    np.testing.assert_allclose(result["profile"].axes[0].values, expected.radial, rtol=1e-12)
    np.testing.assert_allclose(result["profile"].values[some], expected.intensity[some], rtol=1e-6)
    with pytest.raises(ReductionError):
        reduce(ArrayHandle(file, "/entry/data/data")[:, 5], ["azimuthal"], parameters={"poni": PONI})


def test_geometry_from_a_poni_file(file: Path, tmp_path: Path, frames: np.ndarray[Any, Any]) -> None:
    (tmp_path / "g.poni").write_text(PONI)
    handle = ArrayHandle(file, "/entry/data/data")
    result = reduce(handle, parameters={"npt": 50, "poni": str(tmp_path / "g.poni")})
    check(result, pyfai_profile(frames, npt=50, unit="q_A^-1"))
    assert {"mean", "profile"} <= set(result)
    assert any("g.poni" in note for note in result.notes)
    # The record holds the geometry itself, so that it can be run again without the file.
    (tmp_path / "g.poni").unlink()
    step = result.record.steps[1]
    again = reduce(handle, [step.name], parameters=step.parameters)
    assert again["profile"].values.tobytes() == result["profile"].values.tobytes()


def test_geometry_from_the_detectors_note(file: Path, frames: np.ndarray[Any, Any]) -> None:
    add_fields(file)
    with h5py.File(file, "a") as f:
        note = f["entry/instrument/detector"].create_group("poni")
        note.attrs["NX_class"] = "NXnote"
        note["data"] = PONI
    for path in ("/entry/data/data", "/entry/instrument/detector/data"):
        result = reduce(ArrayHandle(file, path), parameters={"npt": 50})
        check(result, pyfai_profile(frames, npt=50, unit="q_A^-1"))


def test_geometry_from_the_detectors_fields(file: Path, frames: np.ndarray[Any, Any]) -> None:
    add_fields(file)
    result = reduce(ArrayHandle(file, "/entry/data/data"), parameters={"npt": 50})
    expected = pyfai_profile(frames, npt=50, unit="q_A^-1", rot1=0.0, rot2=0.0)
    check(result, expected)
    assert any("perpendicular" in note for note in result.notes)


def test_no_wavelength(file: Path) -> None:
    add_fields(file, wavelength=False)
    handle = ArrayHandle(file, "/entry/data/data")
    with pytest.raises(ReductionError, match="no wavelength"):
        reduce(handle, ["azimuthal"])
    assert reduce(handle, ["azimuthal"], parameters={"unit": "2th_deg"})["profile"].axes[0].units == "deg"


def test_geometry_that_cannot_be_used(file: Path, tmp_path: Path) -> None:
    stack = Stack.of(ArrayHandle(file, "/entry/data/data"))
    with pytest.raises(ReductionError, match="where its detector is"):
        find_geometry(stack)
    with pytest.raises(ReductionError, match="cannot be read"):
        find_geometry(stack, str(tmp_path / "no.poni"))
    (tmp_path / "other.txt").write_text("a: 1\n")
    with pytest.raises(ReductionError, match="not a PONI file"):
        find_geometry(stack, str(tmp_path / "other.txt"))
    with pytest.raises(ReductionError, match="does not understand"):
        reduce(
            stack.handle, ["azimuthal"], parameters={"poni": PONI.replace("Detector: Detector", "Detector: Nonsense")}
        )
    with pytest.raises(ReductionError, match=r"frames of \(120, 90\)"):
        reduce(stack.handle, ["azimuthal"], parameters={"poni": PONI.replace("[120, 100]", "[120, 90]")})


def test_bins_are_made_once_for_the_same_content(file: Path, tmp_path: Path) -> None:
    stack = Stack.of(ArrayHandle(file, "/entry/instrument/detector/data"))

    def binning(geometry: str, **options: Any) -> Any:
        return Azimuthal(npt=17, poni=geometry, **options).prepare(stack).binning

    first = binning(PONI)
    (tmp_path / "copy.poni").write_text(PONI)
    assert binning(PONI) is first
    assert binning(str(tmp_path / "copy.poni")) is first
    with h5py.File(file, "a") as f:
        f["flat"] = np.full(SHAPE, 2.0)
    flat = binning(PONI, flat="/flat")
    assert flat is not first
    np.testing.assert_allclose(flat.norm, 2 * first.norm)
    with h5py.File(file, "a") as f:
        f["flat"][...] = 3.0
    np.testing.assert_allclose(binning(PONI, flat="/flat").norm, 3 * first.norm)
    moved = binning(PONI.replace(f"Distance: {DISTANCE}", "Distance: 0.06"))
    assert not np.array_equal(moved.axes[0].values, first.axes[0].values)
    assert not np.array_equal(binning(PONI, split="bbox").indices, first.indices)


def test_what_is_remembered_of_bins_has_an_end() -> None:
    def made(nbytes: int) -> Any:
        return Binning((), *(np.zeros(nbytes // 4, "u1") for _ in range(4)), np.zeros(0), np.zeros(0, bool))  # type: ignore[arg-type]

    small = remembered_binning(b"small", lambda: made(1000))
    assert remembered_binning(b"small", lambda: made(1000)) is small
    large = remembered_binning(b"large", lambda: made(MOST_BYTES - 2000))
    assert remembered_binning(b"large", lambda: made(4)) is large
    assert remembered_binning(b"more", lambda: made(4000)).nbytes == 4000
    assert remembered_binning(b"small", lambda: made(8)).nbytes == 8
    huge = remembered_binning(b"huge", lambda: made(MOST_BYTES + 4))
    assert remembered_binning(b"huge", lambda: made(4)) is not huge
