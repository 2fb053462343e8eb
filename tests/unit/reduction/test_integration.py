"""Integration is pyFAI's for every combination that matters, and the same from compressed blocks as from pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from panosc_analysis.errors import ReductionError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import reduce

SHAPE = (121, 103)
PONI = """poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 1e-4, "pixel2": 1e-4, "max_shape": [121, 103], "orientation": 3}
Distance: 0.05
Poni1: 0.0042
Poni2: 0.0051
Rot1: 0.15
Rot2: 0.02
Rot3: 0.0
Wavelength: 1.2e-10
"""
TYPES = {"u1": 255, "u2": 65535, "u4": 2**32 - 1}
CODECS: dict[str, Any] = {
    "blocks": hdf5plugin.Bitshuffle(),
    "small blocks": hdf5plugin.Bitshuffle(nelems=64),
    "gzip": {"compression": "gzip"},
}


def made(dtype: str, level: float, frames: int = 21) -> np.ndarray[Any, Any]:
    """Counts with a gap, pixels that come and go, a pixel that is there in one frame only, and some bright ones."""
    gap = TYPES[dtype]
    rng = np.random.default_rng(5)
    values = np.minimum(rng.poisson(level, (frames, *SHAPE)), gap // 2).astype(dtype)
    values[:, 40:44] = gap
    values[rng.random(values.shape) < 0.001] = gap
    values[7, 41, 10] = 3
    values[3, 90, 50:60] = gap - 1
    return values


@pytest.fixture
def store(tmp_path: Path) -> Any:
    def write(values: np.ndarray[Any, Any], codec: str = "blocks") -> ArrayHandle:
        path = tmp_path / "a.h5"
        with h5py.File(path, "w") as file:
            data = file.create_group("entry/data")
            file["entry"].attrs["NX_class"] = "NXentry"
            data.attrs.update({"NX_class": "NXdata", "signal": "data"})
            data.create_dataset("data", data=values, chunks=(1, *SHAPE), **CODECS[codec])
            data["data"].attrs["_FillValue"] = TYPES[values.dtype.str[1:]]
            file["dark"] = np.random.default_rng(1).random(SHAPE)
            file["flat"] = np.random.default_rng(2).uniform(0.5, 1.5, SHAPE)
            file["monitor"] = np.linspace(1, 2, len(values))
        return ArrayHandle(path, "/entry/data/data")

    return write


def pyfai(image: np.ndarray[Any, Any], **options: Any) -> Any:
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    integrator = AzimuthalIntegrator(
        dist=0.05,
        poni1=0.0042,
        poni2=0.0051,
        rot1=0.15,
        rot2=0.02,
        detector=Detector(1e-4, 1e-4, max_shape=SHAPE),
        wavelength=1.2e-10,
    )
    if "npt_rad" in options:
        return integrator.integrate2d_ng(image, **options)
    if "thresh" in options:
        return integrator.sigma_clip_ng(image, **options)
    return integrator.integrate1d_ng(image, **options)


def holed(frames: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """As pyFAI wants it: NaN where there is no value."""
    return np.where(frames == np.iinfo(frames.dtype).max, np.nan, frames.astype("f4")).astype("f4")


def same(
    array: Any, frame: int | None, intensity: Any, errors: Any = None, norm: Any = None, rtol: float = 2e-5
) -> None:
    values, sigma = array.values, array.errors
    if frame is not None:
        values, sigma = values[frame], None if sigma is None else sigma[frame]
    some = np.asarray(norm) > 0
    np.testing.assert_array_equal(np.isnan(values), ~some)
    np.testing.assert_allclose(values[some], intensity[some], rtol=rtol, atol=1e-5)
    if errors is not None:
        np.testing.assert_allclose(sigma[some], errors[some], rtol=rtol, atol=1e-5)


@pytest.mark.parametrize("split", ["no", "bbox", "full"])
@pytest.mark.parametrize(
    "extras",
    [
        {},
        {"polarization_factor": 0.9, "unit": "2th_deg", "solid_angle": False},
        {"dark": "dark", "flat": "flat", "unit": "r_mm"},
    ],
)
def test_each_frame_is_pyfais(store: Any, split: str, extras: dict[str, Any]) -> None:
    frames = made("u2", 4.0)
    parameters = {"npt": 60, "split": split, "per_frame": True, "poni": PONI, **extras}
    handle = store(frames)
    exact = reduce(handle, ["azimuthal"], parameters=parameters, threads=2)["profile"]
    fast = reduce(handle, ["azimuthal"], parameters=parameters | {"error_model": "none"}, threads=2)["profile"]
    np.testing.assert_allclose(fast.values, exact.values, rtol=1e-12, atol=1e-12)
    assert fast.errors is None
    options: dict[str, Any] = {
        "unit": extras.get("unit", "q_A^-1"),
        "correctSolidAngle": extras.get("solid_angle", True),
    }
    options["polarization_factor"] = extras.get("polarization_factor")
    if "flat" in extras:
        with h5py.File(handle.file) as file:
            options |= {"dark": file["dark"][()], "flat": file["flat"][()]}
    for frame in (0, 3, 7, 20):
        theirs = pyfai(holed(frames[frame]), npt=60, method=(split, "csr", "cython"), error_model="poisson", **options)
        same(exact, frame, theirs.intensity, theirs.sigma, theirs.sum_normalization)
        np.testing.assert_allclose(exact.axes[1].values, theirs.radial, rtol=1e-9)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("level", [0.05, 40.0])
@pytest.mark.parametrize("split", ["no", "bbox"])
def test_every_way_gives_the_same(store: Any, codec: str, dtype: str, level: float, split: str) -> None:
    frames = made(dtype, level)
    parameters = {
        "npt": 37,
        "split": split,
        "per_frame": True,
        "poni": PONI,
        "solid_angle": False,
        "error_model": "none",
    }
    mask = np.zeros(SHAPE, "u1")
    mask[100:, 20:90] = 1
    handle = store(frames, codec)
    got = reduce(handle, ["azimuthal"], parameters=parameters, threads=2, mask=mask)["profile"].values
    again = reduce(handle, ["azimuthal"], parameters=parameters, threads=1, tasks=5, mask=mask)["profile"].values
    assert got.tobytes() == again.tobytes() or split != "no"
    np.testing.assert_allclose(got, again, rtol=1e-12)
    plain = np.where(mask != 0, np.nan, holed(frames))
    for frame in (0, 3, 7):
        theirs = pyfai(plain[frame], npt=37, method=(split, "csr", "cython"), unit="q_A^-1", correctSolidAngle=False)
        some = theirs.sum_normalization > 0
        np.testing.assert_allclose(got[frame][some], theirs.intensity[some], rtol=2e-5)


@pytest.mark.parametrize("split", ["no", "full"])
def test_summed_frames_with_ranges(store: Any, split: str) -> None:
    frames = made("u4", 3.0)
    ranges = {"radial_min": 0.2, "radial_max": 0.9, "azimuth_min": -60.0, "azimuth_max": 120.0}
    parameters = {"npt": 50, "split": split, "poni": PONI, **ranges}
    profile = reduce(store(frames), ["azimuthal"], parameters=parameters, threads=2)["profile"]
    valid = frames != TYPES["u4"]
    count = valid.sum(axis=0)
    image = np.where(count > 0, np.where(valid, frames, 0).sum(axis=0, dtype="f8"), np.nan).astype("f4")
    theirs = pyfai(
        image,
        npt=50,
        method=(split, "csr", "cython"),
        unit="q_A^-1",
        error_model="poisson",
        flat=np.maximum(count, 1.0),
        radial_range=(0.2, 0.9),
        azimuth_range=(-60, 120),
    )
    same(profile, None, theirs.intensity, theirs.sigma, theirs.sum_normalization)


def test_azimuthal_profiles_and_polar_images(store: Any) -> None:
    frames = made("u2", 6.0)
    handle = store(frames)
    ranges = {"radial_min": 0.3, "radial_max": 0.8, "poni": PONI, "per_frame": True, "split": "bbox"}
    profile = reduce(handle, ["radial"], parameters={"npt": 45, **ranges}, threads=2)["azimuthal_profile"]
    cake = reduce(handle, ["cake"], parameters={"npt": 40, "npt_azimuth": 30, "poni": PONI, "split": "bbox"})["cake"]
    from pyFAI.detectors import Detector
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    geometry = AzimuthalIntegrator(
        dist=0.05,
        poni1=0.0042,
        poni2=0.0051,
        rot1=0.15,
        rot2=0.02,
        detector=Detector(1e-4, 1e-4, max_shape=SHAPE),
        wavelength=1.2e-10,
    )
    q = geometry.array_from_unit(SHAPE, "center", "q_A^-1", scale=True)
    theirs = pyfai(
        holed(frames[4]),
        npt=45,
        unit="chi_deg",
        mask=(q < 0.3) | (q > 0.8),
        method=("bbox", "csr", "cython"),
        error_model="poisson",
    )
    same(profile, 4, theirs.intensity, theirs.sigma, theirs.sum_normalization)
    np.testing.assert_allclose(profile.axes[1].values, theirs.radial)
    valid = frames != TYPES["u2"]
    count = valid.sum(axis=0)
    image = np.where(count > 0, np.where(valid, frames, 0).sum(axis=0, dtype="f8"), np.nan).astype("f4")
    theirs = pyfai(
        image,
        npt_rad=40,
        npt_azim=30,
        unit="q_A^-1",
        method=("bbox", "csr", "cython"),
        flat=np.maximum(count, 1.0),
        error_model="poisson",
    )
    same(cake, None, theirs.intensity, theirs.sigma, theirs.sum_normalization)
    np.testing.assert_allclose(cake.axes[0].values, theirs.azimuthal)
    np.testing.assert_allclose(cake.axes[1].values, theirs.radial)


@pytest.mark.parametrize("per_frame", [True, False])
def test_clipping_is_pyfais(store: Any, per_frame: bool) -> None:
    frames = made("u2", 30.0)[:3].copy()
    frames[1, 60, 20:25] = 5000
    parameters = {"npt": 40, "clip": 4.0, "poni": PONI, "per_frame": per_frame}
    profile = reduce(store(frames), ["azimuthal"], parameters=parameters, threads=2)["profile"]
    valid = frames != TYPES["u2"]
    count = valid.sum(axis=0)
    image = np.where(count > 0, np.where(valid, frames, 0).sum(axis=0, dtype="f8"), np.nan).astype("f4")
    theirs = pyfai(
        holed(frames[1]) if per_frame else image,
        npt=40,
        thresh=4.0,
        max_iter=5,
        method=("no", "csr", "cython"),
        unit="q_A^-1",
        error_model="poisson",
        flat=None if per_frame else np.maximum(count, 1.0),
    )
    same(profile, 1 if per_frame else None, theirs.intensity, theirs.sem, theirs.sum_normalization)


def test_frames_are_normalised_to_a_monitor(store: Any) -> None:
    frames = made("u2", 6.0)
    handle = store(frames)
    parameters = {"npt": 30, "poni": PONI, "error_model": "none"}
    plain = reduce(handle, ["azimuthal"], parameters=parameters | {"per_frame": True})["profile"].values
    relative = np.linspace(1, 2, 21) / 1.5
    frame = reduce(handle, ["azimuthal"], parameters=parameters | {"per_frame": True, "monitor": "monitor"})["profile"]
    np.testing.assert_allclose(frame.values, plain / relative[:, None])
    summed = reduce(handle, ["azimuthal"], parameters=parameters | {"monitor": "monitor"})["profile"].values
    assert summed.shape == (30,)
    assert np.nanmean(summed) == pytest.approx(np.nanmean(plain) / relative.mean(), rel=0.01)


@pytest.mark.parametrize(
    "wrong",
    [
        {"radial_min": 1.0},
        {"radial_min": 2.0, "radial_max": 1.0},
        {"radial_min": 50.0, "radial_max": 60.0},
        {"split": "some"},
        {"clip": 0.1},
        {"dark": "monitor"},
    ],
)
def test_nonsense_is_refused(store: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ReductionError) as caught:
        reduce(store(made("u2", 3.0)[:2]), ["azimuthal"], parameters={"poni": PONI, **wrong})
    assert caught.value.hint
