"""Stacks: virtual datasets, gaps, and the rings that pyFAI must find again."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pyFAI
import pytest

from panosc_analysis.nexus import open_file


def profile(files, stem, bins, unit="q_nm^-1"):
    """Integrate the sum of a stack with pyFAI: q, intensity, its standard error."""
    with open_file(files.raw(stem)) as file:
        detector = file["entry/instrument/detector"]
        mask = detector["pixel_mask"][()] != 0
        total = detector["data"][()].astype(np.float64).sum(axis=0)
    integrator = pyFAI.load(str(files.poni(stem)))
    result = integrator.integrate1d(
        total, bins, mask=mask, unit=unit, error_model="poisson", method=("bbox", "csr", "cython")
    )
    return result.radial, result.intensity, result.sigma


@pytest.mark.parametrize(("stem", "dtype"), [("LaB6_300K", "uint32"), ("silica_R20", "uint16")])
def test_virtual_dataset_resolves_and_gaps_are_marked(files, stem, dtype):
    master = files.raw(stem)
    parts = sorted(master.parent.glob(f"{master.stem}_data_*.h5"))
    with open_file(master) as file:
        data = file["entry/data/data"]
        assert data.is_virtual
        assert data.dtype == dtype
        assert [source.file_name for source in data.virtual_sources()] == [part.name for part in parts]
        whole = data[()]
        mask = file["entry/instrument/detector/pixel_mask"][()]
    first = 0
    for part in parts:
        with open_file(part) as file:
            frames = file["entry/data/data"]
            assert frames.chunks == (1, *whole.shape[1:])
            assert "32008" in frames._filters  # bitshuffle
            np.testing.assert_array_equal(frames[()], whole[first : first + frames.shape[0]])
            first += frames.shape[0]
    assert first == whole.shape[0]
    gaps = (mask & 1) != 0
    assert gaps.any()
    assert (whole[:, gaps] == np.iinfo(dtype).max).all()
    assert (whole[:, ~gaps] < np.iinfo(dtype).max).all()


def test_bad_pixels_are_in_the_mask(files):
    with open_file(files.raw("LaB6_300K")) as file:
        data, mask = file["entry/data/data"][()], file["entry/instrument/detector/pixel_mask"][()]
    assert (data[:, (mask & 2) != 0] == 0).all()
    assert data[:, (mask & 16) != 0].min() > 10_000
    assert ((mask & 256) != 0).sum() > 1000  # the beam stop's shadow
    assert data[:, mask == 0].max() < 100


def test_frames_without_their_file_read_as_masked(files, tmp_path):
    master = shutil.copy(files.raw("LaB6_300K"), tmp_path / "alone.h5")
    with open_file(master) as file:
        assert (file["entry/data/data"][0] == np.iinfo("uint32").max).all()


def test_total_counts_are_the_expected_ones(files):
    for stem in ("LaB6_100K", "LaB6_300K", "LaB6_450K", "AgBh", "silica_R20", "silica_R12"):
        expected = files.answer(stem)["expected_total_counts"]
        with open_file(files.raw(stem)) as file:
            detector = file["entry/instrument/detector"]
            good = detector["pixel_mask"][()] == 0
            total = int(detector["data"][()][:, good].sum(dtype=np.uint64))
        assert abs(total - expected) < 5 * np.sqrt(expected), stem


def test_monitor_is_what_the_answer_sums(files):
    answer = files.answer("LaB6_300K")
    with open_file(files.raw("LaB6_300K")) as file:
        control = file["entry/control"]
        counts = control["data"][()]
        assert counts.sum() == control["integral"][()]
    assert counts.sum() / answer["monitor_counts_at_relative_1"] == pytest.approx(answer["relative_monitor_sum"])


def test_pyfai_finds_the_rings_at_the_calibrant(files):
    answer = files.answer("LaB6_300K")
    q, intensity, sigma = profile(files, "LaB6_300K", 2500)
    step = q[1] - q[0]
    width = answer["ring_profile"]["sigma"]
    shape = answer["background"]
    background = shape["constant"] + shape["amplitude"] * np.exp(-q / shape["decay"])
    signal = intensity - background * answer["relative_monitor_sum"]
    assert len(answer["rings"]) >= 9
    for ring in answer["rings"]:
        near = np.abs(q - ring["q"]) < 5 * width
        area, error = signal[near].sum() * step, np.sqrt((sigma[near] ** 2).sum()) * step
        # Neighbouring bins share split pixels, hence the generous factor; 0.3 % for the splitting itself.
        assert abs(area - ring["integrated_intensity"]) < 5 * error + 0.003 * area, ring
        centre = (signal[near] * q[near]).sum() / signal[near].sum()
        assert centre == pytest.approx(ring["q"], abs=0.005 + 5 * (5 * width / 3**0.5) * error / area), ring


def test_lattice_grows_with_temperature(files):
    first = [files.answer(f"LaB6_{kelvin}K")["rings"][0]["q"] for kelvin in (100, 300, 450)]
    assert first == sorted(first, reverse=True)
    assert first[1] == pytest.approx(2 * np.pi / 0.4156826, rel=1e-6)


def test_behenate_ring_and_sphere_minimum_are_where_they_belong(files):
    q, intensity, _ = profile(files, "AgBh", 600)
    ring = files.answer("AgBh")["rings"][0]["q"]
    near = np.abs(q - ring) < 0.2
    assert q[near][intensity[near].argmax()] == pytest.approx(ring, rel=0.01)
    for stem in ("silica_R20", "silica_R12"):
        radius = files.answer(stem)["sphere_radius"]
        q, intensity, _ = profile(files, stem, 400)
        near = (q * radius > 3.5) & (q * radius < 5.5)
        assert q[near][intensity[near].argmin()] * radius == pytest.approx(4.493, rel=0.04)


def test_geometry_is_in_the_file_as_beside_it(files):
    with open_file(files.raw("LaB6_300K")) as file:
        detector = file["entry/instrument/detector"]
        note = detector["poni"]
        assert note["type"].asstr()[()] == "text/x-poni"
        assert note["data"].asstr()[()] == files.poni("LaB6_300K").read_text()
        integrator = pyFAI.load(str(files.poni("LaB6_300K")))
        assert integrator.detector.shape == detector["pixel_mask"].shape
        assert integrator.dist == detector["distance"][()]
        assert integrator.pixel1 == detector["y_pixel_size"][()]
        assert integrator.getFit2D()["centerX"] == pytest.approx(detector["beam_center_x"][()])
        wavelength = file["entry/instrument/beam/incident_wavelength"][()]
        assert integrator.wavelength == pytest.approx(wavelength * 1e-10)


def test_answers_point_at_their_files(files):
    for path in files.root.glob("*/*/*/PROCESSED_DATA/*_known_answer.json"):
        answer = json.loads(path.read_text())
        if "file" in answer:
            with h5py.File(path.parent / answer["file"]) as file:
                assert answer["data"] in file
                assert file["entry/entry_identifier"].asstr()[()] == answer["pid"]
            assert (path.parent / answer["poni"]).is_file()
