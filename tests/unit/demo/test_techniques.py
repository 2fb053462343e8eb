"""Tomography, fluorescence, absorption, events: each file against what it was drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from panosc_analysis.demo.tomography import Ellipsoid, projection
from panosc_analysis.nexus import open_file


def test_projection_of_a_sphere_is_its_chord():
    image = projection((Ellipsoid(0, 0, 0, 0.5, 0.5, 0.5, 0.0, 2.0),), 33.0, (101, 101))
    assert image[50, 50] == pytest.approx(2.0)
    assert image[50, 0] == 0.0
    np.testing.assert_allclose(image, image.T, atol=1e-12)


def test_projections_of_an_ellipsoid_hold_the_same_mass():
    body = (Ellipsoid(0.1, -0.2, 0.0, 0.5, 0.2, 0.4, 20.0, 1.0),)
    masses = [projection(body, angle, (300, 400)).sum() / 200**2 for angle in (0.0, 20.0, 75.0, 110.0)]
    assert masses == pytest.approx([4 / 3 * np.pi * 0.5 * 0.2 * 0.4] * 4, rel=2e-3)


@pytest.mark.parametrize(("stem", "angles"), [("amber", 24), ("sandstone", 12)])
def test_tomography_corrected_with_flats_and_darks_is_the_phantom(files, stem, angles):
    phantom = tuple(Ellipsoid(**body) for body in files.answer(stem)["ellipsoids"])
    with open_file(files.raw(stem)) as file:
        key = file["entry/instrument/detector/image_key"][()]
        theta = file["entry/sample/rotation_angle"][()]
        data = file["entry/data/data"][()].astype(float)
    assert data.shape[0] == key.size == theta.size
    assert [int((key == kind).sum()) for kind in (0, 1, 2)] == [angles, 8, 4]
    assert np.allclose(np.diff(theta[key == 0]), 180 / angles)
    dark, flat = data[key == 2].mean(axis=0), data[key == 1].mean(axis=0)
    for index in np.flatnonzero(key == 0)[[0, angles // 2, angles - 1]]:
        measured = -np.log((data[index] - dark) / (flat - dark))
        expected = projection(phantom, theta[index], measured.shape)
        assert np.abs(measured - expected).mean() < 0.04
        assert abs((measured - expected).mean()) < 0.005


def test_map_spectra_windows_and_sum_agree(files):
    for stem, brightest in (("basalt", "Fe"), ("paint", "Cu")):
        answer = files.answer(stem)
        with open_file(files.raw(stem)) as file:
            entry = file["entry"]
            data, energy = entry["data/data"][()], entry["data/energy"][()]
            np.testing.assert_array_equal(entry["sum_spectrum/data"][()], data.sum(axis=(0, 1)))
            assert entry["data/data"].shape[:2] == (entry["maps/y"].size, entry["maps/x"].size)
            for element, (alpha, _) in answer["lines"].items():
                window = np.abs(energy - alpha) < answer["window_half_width"]
                np.testing.assert_array_equal(entry[f"maps/{element}_Ka"][()], data[..., window].sum(axis=-1))
                assert entry[f"maps/{element}_Ka"][()].sum() == answer["window_counts"][element]
            names = [entry["maps"].attrs["signal"], *entry["maps"].attrs["auxiliary_signals"]]
        assert names == [f"{element}_Ka" for element in answer["lines"]]
        spectrum = data.sum(axis=(0, 1))[energy < 9.8]
        assert energy[spectrum.argmax()] == pytest.approx(answer["lines"][brightest][0], abs=0.03)


@pytest.mark.parametrize(("stem", "edge"), [("Fe_foil", 7112.0), ("Fe2O3", 7123.5), ("Cu_foil", 8979.0)])
def test_absorption_rises_at_the_edge(files, stem, edge):
    assert files.answer(stem)["edge_energy"] == edge
    with open_file(files.raw(stem)) as file:
        plot = file["entry/data"]
        energy, mu, errors = plot["energy"][()], plot["mu"][()], plot["mu_errors"][()]
        incoming, absorbed = plot["incoming_beam"][()], plot["absorbed_beam"][()]
        assert plot["energy"].attrs["units"] == "eV"
    assert (np.diff(energy) > 0).all()
    np.testing.assert_allclose(mu, np.log(incoming / absorbed))
    assert ((errors > 1e-4) & (errors < 5e-3)).all()
    over = np.abs(energy - edge) < 15
    smooth = np.convolve(mu[over], np.ones(5) / 5, mode="valid")
    steepest = energy[over][2:-2][np.gradient(smooth).argmax()]
    assert steepest == pytest.approx(edge, abs=1.5)


@pytest.mark.parametrize(("stem", "lattice"), [("TOFDIFF_41201", 5.4312), ("TOFDIFF_41202", 3.5671)])
def test_events_are_consistent_with_pulses_detectors_and_histogram(files, stem, lattice):
    answer = files.answer(stem)
    assert answer["lattice"] == lattice
    with open_file(files.raw(stem)) as file:
        for bank in ("bank1", "bank2"):
            events, detector = file[f"entry/{bank}_events"], file[f"entry/instrument/{bank}"]
            ids, offsets = events["event_id"][()], events["event_time_offset"][()]
            index, zero = events["event_index"][()], events["event_time_zero"][()]
            assert events["event_time_offset"].attrs["units"] == "ns"
            assert ids.size == offsets.size == events["total_counts"][()] == answer["events"][bank]
            assert index.size == zero.size == 100
            assert index[0] == 0
            assert (np.diff(index.astype(int)) >= 0).all()
            assert index[-1] <= ids.size
            assert (np.diff(zero) > 0).all()
            numbers = detector["detector_number"][()]
            assert np.isin(ids, numbers).all()
            plot = file["entry/data" if bank == "bank1" else "entry/bank2_map"]
            edges, centres = detector["time_of_flight"][()], plot["time_of_flight"][()]
            np.testing.assert_allclose(centres, (edges[1:] + edges[:-1]) / 2)
            counts = plot["counts"][()]
            assert counts.sum() == ids.size
            histogram = np.histogram(offsets / 1000, edges)[0]
            np.testing.assert_array_equal(counts if bank == "bank1" else counts.sum(axis=0), histogram)
            assert file[f"entry/instrument/{bank}/events/event_id"].shape == ids.shape


def test_events_fall_on_the_reflections(files):
    """The spacing that the geometry in the file gives back is one of the known ones, but for the background."""
    answer = files.answer("TOFDIFF_41201")
    known = np.array([row["d_spacing"] for row in answer["reflections"]])
    assert known[0] == pytest.approx(5.4312 / np.sqrt(3))
    with open_file(files.raw("TOFDIFF_41201")) as file:
        path = -file["entry/instrument/moderator/distance"][()]
        for bank in ("bank1", "bank2"):
            detector = file[f"entry/instrument/{bank}"]
            events = file[f"entry/{bank}_events"]
            pixel = events["event_id"][()] - detector["detector_number"][0, 0]
            length = path + detector["distance"][()].reshape(-1)[pixel]
            theta = np.deg2rad(detector["polar_angle"][()].reshape(-1)[pixel]) / 2
            d = events["event_time_offset"][()] / (252_778.0 * length * 2 * np.sin(theta))
            sparse = d[d > 1.2]  # below, reflections lie so close that background falls on them too
            ratio = sparse[:, None] / known[None, :] - 1
            off = np.take_along_axis(ratio, np.abs(ratio).argmin(axis=1)[:, None], axis=1)[:, 0]
            near = off[np.abs(off) < 0.01]
            assert near.size > 0.55 * off.size
            assert np.median(near) == pytest.approx(0, abs=3e-4)
            assert np.median(np.abs(near)) == pytest.approx(0.6745 * 0.0025, rel=0.15)
