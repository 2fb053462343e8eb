"""Neutron time-of-flight diffraction as events: which pixel, how many nanoseconds after which pulse.

Two banks look at one powder of diamond structure. Events fall at ``t = m / h * (L1 + L2) * 2 d sin(theta)`` of its
reflections, broadened, over a smooth background. They are drawn and written in blocks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations_with_replacement, permutations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from panosc_analysis.demo.frames import generator
from panosc_analysis.demo.instruments import TOFDIFF
from panosc_analysis.demo.nexus_entry import (
    Sample,
    ScanHeader,
    add_field,
    add_group,
    link,
    mark_plot,
    scan_file,
    set_default,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import h5py
    from numpy.typing import NDArray

    from panosc_analysis.demo.nexus_entry import Proposal

__all__ = ["Bank", "EventScan", "event_scans", "reflections"]

NANOSECONDS: Final = 252_778.0  # m / h, per metre and ångström
FLIGHT_PATH: Final = 20.0  # metres from the moderator to the sample
PERIOD: Final = 40_000_000  # nanoseconds between pulses
BIN: Final = 20_000  # nanoseconds
SMALLEST_SPACING: Final = 0.5  # ångström
RESOLUTION: Final = 0.0025  # standard deviation of d, relative
BACKGROUND_SHARE: Final = 0.25
BLOCK: Final = 1_000_000  # events drawn at once
CHUNK: Final = 1 << 17


@dataclass(frozen=True, slots=True)
class Bank:
    """A flat bank of pixels seen from the sample. Angles in degrees, distance in metres.

    Rows spread over `polar_span` around `polar_angle`, columns over 20 degrees of azimuth.
    """

    name: str
    first_number: int
    rows: int
    columns: int
    polar_angle: float
    polar_span: float
    distance: float

    @property
    def detector_number(self) -> NDArray[np.int32]:
        """Number of each pixel, shape (rows, columns)."""
        count = self.rows * self.columns
        return np.arange(self.first_number, self.first_number + count, dtype=np.int32).reshape(self.rows, self.columns)

    @property
    def polar(self) -> NDArray[np.float64]:
        """Scattering angle of each row's pixels in degrees, shape (rows,)."""
        return self.polar_angle + self.polar_span * (np.arange(self.rows) / (self.rows - 1) - 0.5)

    @property
    def distances(self) -> NDArray[np.float64]:
        """Distance of each row's pixels from the sample in metres, shape (rows,)."""
        return np.asarray(self.distance / np.cos(np.deg2rad(self.polar - self.polar_angle)))


BANKS: Final = (
    Bank("bank1", 1, 24, 32, 150.0, 4.0, 1.5),
    Bank("bank2", 1001, 24, 32, 90.0, 24.0, 1.2),
)


@dataclass(frozen=True, slots=True)
class EventScan:
    """One run: about `events` neutrons in each bank, from a powder with lattice constant `lattice` in ångström."""

    header: ScanHeader
    lattice: float
    events: int
    pulses: int

    @property
    def nbytes(self) -> int:
        """Size of the events before compression, in bytes (expected)."""
        return self.events * len(BANKS) * 8

    def write(self, raw: Path, processed: Path, seed: int, advance: Callable[[int], None]) -> None:
        """Write the events, the detectors' geometry, time-of-flight histograms and the known answer."""
        totals = {}
        with scan_file(raw / f"{self.header.stem}.nxs", self.header) as entry:
            moderator = add_group(entry["instrument"], "moderator", "NXmoderator", type="decoupled water")
            add_field(moderator, "distance", -FLIGHT_PATH, "m")
            add_field(moderator, "temperature", 300.0, "K")
            for index, bank in enumerate(BANKS):
                writer = _BankWriter(self, bank, entry)
                histogram = writer.write_events(seed, index, advance)
                _write_histogram(entry, bank, histogram, self.header.title)
                totals[bank.name] = int(histogram.sum())
            set_default(entry["data"])
        spacings = [{"hkl": list(hkl), "d_spacing": d, "d_spacing_unit": "angstrom"} for hkl, d, _ in self._peaks()]
        answer = {"pid": self.header.pid, "lattice": self.lattice, "events": totals, "reflections": spacings}
        path = processed / f"{self.header.stem}_known_answer.json"
        path.write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")

    def _peaks(self) -> list[tuple[tuple[int, int, int], float, float]]:
        return reflections(self.lattice)


class _BankWriter:
    """Draws and appends one bank's events; keeps its histogram (rows x time bins) and nothing else in memory."""

    def __init__(self, scan: EventScan, bank: Bank, entry: h5py.Group) -> None:
        self._scan = scan
        self._bank = bank
        _write_bank(entry, bank)
        self._group = add_group(entry, f"{bank.name}_events", "NXevent_data")
        link(entry["instrument"][bank.name], "events", self._group.name)
        self._ids = self._extendable("event_id", np.int32)
        self._offsets = self._extendable("event_time_offset", np.uint32)
        self._offsets.attrs["units"] = "ns"
        spacings = [(d, weight) for _, d, weight in scan._peaks()]
        self._d = np.array([d for d, _ in spacings])
        self._weights = np.array([weight for _, weight in spacings])
        self._weights /= self._weights.sum()

    def write_events(self, seed: int, place: int, advance: Callable[[int], None]) -> NDArray[np.int64]:
        """Give the counts per row and time bin, shape (rows, PERIOD / BIN)."""
        rng = generator(seed, self._scan.header.pid, place)
        per_pulse = rng.poisson(self._scan.events / self._scan.pulses, self._scan.pulses)
        index = np.concatenate([[0], np.cumsum(per_pulse)])
        total = int(index[-1])
        self._ids.resize((total,))
        self._offsets.resize((total,))
        bins = PERIOD // BIN
        histogram = np.zeros(self._bank.rows * bins, np.int64)
        for first in range(0, total, BLOCK):
            count = min(BLOCK, total - first)
            rows, numbers, offsets = self._draw(rng, count)
            self._ids[first : first + count] = numbers
            self._offsets[first : first + count] = offsets
            histogram += np.bincount(rows * bins + offsets // BIN, minlength=histogram.size)
            advance(8 * count)
        self._write_pulses(index)
        return histogram.reshape(self._bank.rows, bins)

    def _extendable(self, name: str, dtype: type) -> h5py.Dataset:
        return self._group.create_dataset(
            name, (0,), dtype, maxshape=(None,), chunks=(CHUNK,), compression="gzip", compression_opts=1, shuffle=True
        )

    def _draw(self, rng: np.random.Generator, count: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Give row, detector number and nanoseconds of `count` events in no order, as detectors deliver them."""
        bank = self._bank
        rows = rng.integers(0, bank.rows, count)
        columns = rng.integers(0, bank.columns, count)
        spacing = rng.choice(self._d, count, p=self._weights) * (1 + RESOLUTION * rng.standard_normal(count))
        wavelength = spacing * (2 * np.sin(np.deg2rad(bank.polar / 2)))[rows]
        background = rng.random(count) < BACKGROUND_SHARE
        wavelength[background] = 0.4 + rng.gamma(2.0, 0.9, int(background.sum()))
        offsets = wavelength * (FLIGHT_PATH + bank.distances)[rows] * NANOSECONDS
        # Slower than the period: the neutron is counted after the next pulse, as at a real source.
        return rows, bank.detector_number[rows, columns], np.mod(offsets, PERIOD).astype(np.uint32)

    def _write_pulses(self, index: NDArray[np.int64]) -> None:
        add_field(self._group, "event_index", index[:-1].astype(np.uint64))
        pulses = np.arange(self._scan.pulses) * (PERIOD * 1e-9)
        add_field(self._group, "event_time_zero", pulses, "s", offset=self._scan.header.start.isoformat())
        add_field(self._group, "total_counts", int(index[-1]), "counts")


def event_scans(proposal: Proposal, first_number: int, events: int, pulses: int) -> list[EventScan]:
    """Plan two runs: silicon with `events` per bank, diamond with half of them."""
    start = datetime.fromisoformat("2021-09-14T16:20:05+02:00")
    plan = (
        (Sample("silicon NIST SRM 640e", "Si", 300.0, "powder in a vanadium can"), 5.4312, 1),
        (Sample("diamond powder", "C", 300.0, "1 um grains in a vanadium can"), 3.5671, 2),
    )
    scans = []
    for number, (sample, lattice, share) in enumerate(plan, start=first_number):
        header = ScanHeader(
            proposal=proposal,
            number=number,
            stem=f"TOFDIFF_{41200 + number}",
            title=f"{sample.name[0].upper()}{sample.name[1:]} in vanadium can, {sample.temperature:.0f} K",
            definition="NXtofnpd",
            instrument=TOFDIFF,
            sample=sample,
            start=start,
            duration=timedelta(microseconds=PERIOD / 1000 * pulses),
        )
        scans.append(EventScan(header, lattice, events // share, pulses))
        start += header.duration + timedelta(minutes=6)
    return scans


def reflections(lattice: float) -> list[tuple[tuple[int, int, int], float, float]]:
    """List the reflections of a diamond structure (`lattice` in ångström): (hkl, d spacing, relative intensity).

    The intensity holds multiplicity, structure factor, d to the fourth power and a moderator's flux.
    """
    found = []
    for hkl in combinations_with_replacement(range(10, -1, -1), 3):
        parities = {index % 2 for index in hkl}
        if not any(hkl) or len(parities) > 1 or (parities == {0} and sum(hkl) % 4):
            continue
        multiplicity = len(set(permutations(hkl))) * 2 ** sum(index > 0 for index in hkl)
        structure = 64 if parities == {0} else 32
        d = lattice / float(np.sqrt(sum(index**2 for index in hkl)))
        if d > SMALLEST_SPACING:
            found.append((hkl, d, multiplicity * structure * d**4 * float(np.exp(-d / 1.1)) / (0.2 + d)))
    return sorted(found, key=lambda reflection: -reflection[1])


def _write_bank(entry: h5py.Group, bank: Bank) -> None:
    detector = add_group(entry["instrument"], bank.name, "NXdetector", description="scintillator bank")
    shape = (bank.rows, bank.columns)
    azimuth = np.linspace(-10.0, 10.0, bank.columns)
    width = np.deg2rad(azimuth) * bank.distance * np.sin(np.deg2rad(bank.polar_angle))
    height = np.tan(np.deg2rad(bank.polar - bank.polar_angle)) * bank.distance
    add_field(detector, "detector_number", bank.detector_number)
    add_field(detector, "distance", np.broadcast_to(bank.distances[:, None], shape), "m")
    add_field(detector, "polar_angle", np.broadcast_to(bank.polar[:, None], shape), "degree")
    add_field(detector, "azimuthal_angle", np.broadcast_to(azimuth[None, :], shape), "degree")
    add_field(detector, "x_pixel_offset", width, "m")
    add_field(detector, "y_pixel_offset", height, "m")
    edges = np.arange(0, PERIOD + BIN, BIN) / 1000
    add_field(detector, "time_of_flight", edges, "us", long_name="Time of flight, edges of the bins (us)")


def _write_histogram(entry: h5py.Group, bank: Bank, histogram: NDArray[np.int64], title: str) -> None:
    """Bank 1 as a curve (``data``, the default plot), bank 2 as an image over angle and time."""
    curve = bank.name == "bank1"
    plot = add_group(entry, "data" if curve else f"{bank.name}_map", "NXdata")
    counts = histogram.sum(axis=0) if curve else histogram
    centres = (np.arange(counts.shape[-1]) + 0.5) * (BIN / 1000)
    label = "Time of flight, centres of the bins (us)"
    add_field(plot, "time_of_flight", centres, "us", long_name=label)
    data = add_field(plot, "counts", counts, "counts", long_name="Neutrons per bin")
    add_field(plot, "counts_errors", np.sqrt(counts), "counts")
    if curve:
        mark_plot(plot, "counts", ["time_of_flight"], title=f"{title}: {bank.name}")
        return
    data.attrs["interpretation"] = "image"
    add_field(plot, "polar_angle", bank.polar, "degree", long_name="Scattering angle (degree)")
    mark_plot(plot, "counts", ["polar_angle", "time_of_flight"], title=f"{title}: {bank.name}")
