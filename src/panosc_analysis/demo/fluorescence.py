"""X-ray fluorescence maps: one spectrum per point, the elements' lines at their tabulated energies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import hdf5plugin
import numpy as np

from panosc_analysis.demo.frames import frames_in_order, generator
from panosc_analysis.demo.instruments import ID21
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

__all__ = ["LINES", "FluorescenceMap", "fluorescence_maps"]

LINES: Final = {  # K alpha and K beta in keV
    "Ca": (3.692, 4.013),
    "Ti": (4.511, 4.932),
    "Fe": (6.404, 7.058),
    "Cu": (8.048, 8.905),
    "Zn": (8.639, 9.572),
}
BETA_TO_ALPHA: Final = 0.13
ENERGY: Final = 10.2  # keV
CHANNELS: Final = 1024
GAIN: Final = 0.012  # keV per channel
ZERO: Final = -0.024  # keV
DWELL: Final = 0.05  # seconds
STEP: Final = 2.0  # micrometres
WINDOW: Final = 0.12  # half width of a line's window in keV


@dataclass(frozen=True, slots=True)
class FluorescenceMap:
    """One map.

    Parameters
    ----------
    rows, columns
        Points of the map.
    amounts
        Element to mean counts of its K alpha line per point.
    """

    header: ScanHeader
    rows: int
    columns: int
    amounts: tuple[tuple[str, float], ...]

    @property
    def nbytes(self) -> int:
        """Size before compression, in bytes."""
        return self.rows * self.columns * CHANNELS * 2

    def write(self, raw: Path, processed: Path, seed: int, advance: Callable[[int], None]) -> None:
        """Write the spectra, the windows' maps, the sum spectrum and the known answer. Holds a few rows at a time."""
        energy = channel_energies()
        elements = [element for element, _ in self.amounts]
        windows = {element: np.abs(energy - LINES[element][0]) < WINDOW for element in elements}
        maps = {element: np.zeros((self.rows, self.columns), np.uint32) for element in elements}
        total = np.zeros(CHANNELS, np.uint64)
        with scan_file(raw / f"{self.header.stem}.h5", self.header) as entry:
            data = self._write_detector(entry, energy)
            for row, spectra in enumerate(frames_in_order(self._drawer(seed, energy), self.rows)):
                data[row] = spectra
                total += spectra.sum(axis=0, dtype=np.uint64)
                for element, window in windows.items():
                    maps[element][row] = spectra[:, window].sum(axis=1)
                advance(spectra.nbytes)
            self._write_plots(entry, maps, total)
        self._write_answer(processed, maps)

    def _drawer(self, seed: int, energy: NDArray[np.float64]) -> Callable[[int], NDArray[Any]]:
        shapes = np.stack([_line_shape(energy, element) for element, _ in self.amounts])
        rng = generator(seed, self.header.pid)
        shape = (self.rows, self.columns)
        maps = np.stack([amount * _distribution(shape, rng) for _, amount in self.amounts], axis=-1)
        scatter = _scattering(energy)

        def draw(row: int) -> NDArray[Any]:
            rng = generator(seed, self.header.pid, row)
            spectra: NDArray[Any] = np.minimum(rng.poisson(maps[row] @ shapes + scatter), 65535).astype(np.uint16)
            return spectra

        return draw

    def _write_detector(self, entry: h5py.Group, energy: NDArray[np.float64]) -> h5py.Dataset:
        detector = add_group(entry["instrument"], "fluorescence", "NXdetector", description="silicon drift detector")
        shape = (self.rows, self.columns, CHANNELS)
        chunks = (1, self.columns, CHANNELS)
        data = detector.create_dataset("data", shape, "uint16", chunks=chunks, **hdf5plugin.Bitshuffle(cname="lz4"))
        data.attrs.update({"interpretation": "spectrum", "units": "counts", "long_name": "Counts"})
        add_field(detector, "energy", energy, "keV", long_name="Energy (keV)")
        add_field(detector, "calibration", np.array([ZERO, GAIN]), "keV")
        add_field(detector, "count_time", DWELL, "s")
        return data

    def _write_plots(self, entry: h5py.Group, maps: dict[str, NDArray[np.uint32]], total: NDArray[np.uint64]) -> None:
        positions = add_group(entry["sample"], "positioner", "NXpositioner")
        add_field(positions, "x", np.arange(self.columns) * STEP, "um", long_name="x (um)")
        add_field(positions, "y", np.arange(self.rows) * STEP, "um", long_name="y (um)")
        spectra = self._plot_group(entry, "data", ("y", "x"))
        link(spectra, "data", "/entry/instrument/fluorescence/data")
        link(spectra, "energy", "/entry/instrument/fluorescence/energy")
        mark_plot(spectra, "data", ["y", "x", "energy"], title=self.header.title)
        whole = self._plot_group(entry, "sum_spectrum", ())
        link(whole, "energy", "/entry/instrument/fluorescence/energy")
        add_field(whole, "data", total, "counts", long_name="Counts of all points")
        mark_plot(whole, "data", ["energy"], title=f"{self.header.title}: sum spectrum", log=True)
        pictures = self._plot_group(entry, "maps", ("y", "x"))
        names = [f"{element}_Ka" for element in maps]
        for name, counts in zip(names, maps.values(), strict=True):
            label = f"{name[:-3]} Kα (counts)"
            add_field(pictures, name, counts, "counts", long_name=label, interpretation="image")
        mark_plot(pictures, names[0], ["y", "x"], title=f"{self.header.title}: Kα windows", auxiliary=names[1:])
        set_default(pictures)

    @staticmethod
    def _plot_group(entry: h5py.Group, name: str, axes: tuple[str, ...]) -> h5py.Group:
        group = add_group(entry, name, "NXdata")
        for axis in axes:
            link(group, axis, f"/entry/sample/positioner/{axis}")
        return group

    def _write_answer(self, processed: Path, maps: dict[str, NDArray[np.uint32]]) -> None:
        answer = {
            "pid": self.header.pid,
            "lines": {element: LINES[element] for element in maps},
            "line_unit": "keV",
            "window_half_width": WINDOW,
            "window_counts": {element: int(counts.sum()) for element, counts in maps.items()},
        }
        path = processed / f"{self.header.stem}_known_answer.json"
        path.write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")


def fluorescence_maps(proposal: Proposal, first_number: int, rows: int, columns: int) -> list[FluorescenceMap]:
    """Plan two maps: a basalt of `rows` x `columns` points, a layered paint of half as many rows."""
    start = datetime.fromisoformat("2026-05-21T08:30:44+02:00")
    basalt = Sample("basalt thin section", "Fe Ca Ti Si O", 295.0)
    paint = Sample("paint cross-section, green layer", "Cu Zn Ca Fe", 295.0)
    return [
        FluorescenceMap(
            _header(proposal, first_number, "basalt", basalt, start, rows * columns),
            rows,
            columns,
            (("Fe", 300.0), ("Ca", 160.0), ("Ti", 60.0), ("Cu", 6.0), ("Zn", 10.0)),
        ),
        FluorescenceMap(
            _header(proposal, first_number + 1, "paint", paint, start + timedelta(hours=3), rows // 2 * columns),
            rows // 2,
            columns,
            (("Cu", 220.0), ("Zn", 140.0), ("Ca", 120.0), ("Fe", 40.0)),
        ),
    ]


def channel_energies() -> NDArray[np.float64]:
    """Give the energy of each channel in keV."""
    return np.asarray(ZERO + GAIN * np.arange(CHANNELS), np.float64)


def _line_shape(energy: NDArray[np.float64], element: str) -> NDArray[np.float64]:
    """Spread one K alpha count, with its K beta, over the channels."""
    alpha, beta = LINES[element]
    return np.asarray(_peak(energy, alpha) + BETA_TO_ALPHA * _peak(energy, beta))


def _peak(energy: NDArray[np.float64], centre: float) -> NDArray[np.float64]:
    sigma = np.sqrt(0.035**2 + 0.114 * 0.00366 * centre)  # noise, Fano statistics of silicon
    return np.asarray(GAIN / (sigma * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((energy - centre) / sigma) ** 2))


def _scattering(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Elastic line, Compton hump and the slope below, in counts per channel and point."""
    hump = 80 * _peak(energy, ENERGY) + 4.0 * np.exp(-0.5 * ((energy - 0.975 * ENERGY) / 0.15) ** 2)
    slope = np.where((energy > 0.5) & (energy < ENERGY), 0.08 + 0.02 * energy / ENERGY, 0.005)
    return np.asarray(hump + slope)


def _distribution(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw an element's amount over the map, mean 1: a matrix with grains in it."""
    y, x = np.meshgrid(np.linspace(0, 1, shape[0]), np.linspace(0, 1, shape[1]), indexing="ij")
    amount = np.full(shape, 0.15)
    for _ in range(14):
        cy, cx = rng.random(2)
        width, length = rng.uniform(0.02, 0.06), rng.uniform(0.05, 0.18)
        angle = rng.uniform(0, np.pi)
        along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        amount += rng.uniform(0.5, 1.5) * (1 / (1 + ((along / length) ** 2 + (across / width) ** 2) ** 3))
    return np.asarray(amount / amount.mean())


def _header(proposal: Proposal, number: int, name: str, sample: Sample, start: datetime, points: int) -> ScanHeader:
    return ScanHeader(
        proposal=proposal,
        number=number,
        stem=f"{name}_map_{number:04d}",
        title=f"XRF map of {sample.name}, {STEP:.0f} um steps, {ENERGY} keV",
        definition="NXfluo",
        instrument=ID21,
        sample=sample,
        start=start,
        duration=timedelta(seconds=DWELL * points),
        energy=ENERGY,
    )
