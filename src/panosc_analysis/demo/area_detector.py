"""An area detector's stack as beamlines write it: data files, a master file with a virtual dataset, a PONI geometry.

The counts are ``Poisson(relative monitor of the frame x solid angle of the pixel x I(q))``: no polarisation, no
absorption, a flat response. So pyFAI, with its solid angle correction alone, gives ``I(q)`` back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import h5py
import hdf5plugin
import numpy as np

from panosc_analysis.demo.frames import frames_in_order, generator
from panosc_analysis.demo.nexus_entry import add_field, add_group, bare_entry, link, mark_plot, scan_file, set_default
from panosc_analysis.errors import PanoscError
from panosc_analysis.nexus import create_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from panosc_analysis.demo.nexus_entry import ScanHeader

__all__ = ["Geometry", "Stack", "scattering_map", "write_stack"]

MONITOR: Final = 1_000_000  # counts of the beam monitor that stand for a relative intensity of 1
GAP, DEAD, NOISY, SHADOW = 1 << 0, 1 << 1, 1 << 4, 1 << 8  # bits of NXdetector/pixel_mask
DEAD_PIXELS: Final = 20
HOT_PIXELS: Final = 12
ARM_HALF_WIDTH: Final = 4


@dataclass(frozen=True, slots=True)
class Geometry:
    """A PONI geometry: pyFAI's detector class, lengths in metres, rotations in radians."""

    detector: str
    description: str
    distance: float
    poni1: float
    poni2: float
    rot1: float
    rot2: float
    wavelength: float
    beamstop: float

    def poni(self) -> str:
        """Write as the text of a PONI file, without the date that pyFAI would put in."""
        detector = _detector(self.detector)
        config = json.dumps({"pixel1": detector.pixel1, "pixel2": detector.pixel2, "orientation": 3})
        lines = [
            "# Nota: C-Order, 1 refers to the Y axis, 2 to the X axis",
            "poni_version: 2.1",
            f"Detector: {self.detector}",
            f"Detector_config: {config}",
            f"Distance: {self.distance}",
            f"Poni1: {self.poni1}",
            f"Poni2: {self.poni2}",
            f"Rot1: {self.rot1}",
            f"Rot2: {self.rot2}",
            "Rot3: 0.0",
            f"Wavelength: {self.wavelength}",
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class ScatteringMap:
    """What a geometry says per pixel: q in nm^-1, solid angle relative to the point of normal incidence, gaps."""

    q: NDArray[np.float64]
    solid_angle: NDArray[np.float64]
    gaps: NDArray[np.bool_]
    beam_center: tuple[float, float]
    pixel_size: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack to write.

    Parameters
    ----------
    intensity
        ``I(q)``: counts per pixel and frame at a relative monitor of 1, before the solid angle.
    dtype
        Of the stored counts; its maximum marks the gaps.
    """

    header: ScanHeader
    geometry: Geometry
    intensity: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    frames: int
    frames_per_file: int
    frame_time: float
    dtype: str

    @property
    def nbytes(self) -> int:
        """Size of the stack before compression, in bytes."""
        rows, columns = _detector(self.geometry.detector).shape
        return int(self.frames * rows * columns * np.dtype(self.dtype).itemsize)


@lru_cache(maxsize=4)
def scattering_map(geometry: Geometry) -> ScatteringMap:
    """Ask pyFAI where each pixel is. Costs about a second, then kept.

    Raises
    ------
    PanoscError
        pyFAI is not installed.
    """
    detector = _detector(geometry.detector)
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    integrator = AzimuthalIntegrator(
        dist=geometry.distance,
        poni1=geometry.poni1,
        poni2=geometry.poni2,
        rot1=geometry.rot1,
        rot2=geometry.rot2,
        detector=detector,
        wavelength=geometry.wavelength,
    )
    centre = integrator.getFit2D()
    return ScatteringMap(
        q=integrator.center_array(detector.shape, unit="q_nm^-1"),
        solid_angle=integrator.solidAngleArray(detector.shape),
        gaps=np.asarray(detector.mask, dtype=bool),
        beam_center=(float(centre["centerX"]), float(centre["centerY"])),
        pixel_size=(float(detector.pixel2), float(detector.pixel1)),
    )


def write_stack(stack: Stack, raw: Path, seed: int, advance: Callable[[int], None]) -> dict[str, Any]:
    """Write the data files and the master file into `raw` and tell what must come out of them.

    Returns
    -------
    dict
        Geometry, corrections, monitor sum and expected total counts, ready for JSON.
    """
    place = scattering_map(stack.geometry)
    rng = generator(seed, stack.header.pid)
    mask = _pixel_mask(place, stack.geometry.beamstop, rng)
    monitor = _monitor(stack, rng)
    pattern = stack.intensity(place.q) * place.solid_angle
    pattern[(mask & (GAP | DEAD)) != 0] = 0
    pattern[(mask & SHADOW) != 0] *= 0.002
    pattern[(mask & NOISY) != 0] = 3e4
    sources = _write_data_files(stack, pattern, mask, monitor, raw, seed, advance)
    with scan_file(raw / f"{stack.header.stem}.h5", stack.header) as entry:
        _write_detector(entry, stack, place, mask, sources)
        _write_plot(entry, stack, monitor)
    return _expectation(stack, pattern, mask, monitor)


def _detector(name: str) -> Any:
    try:
        from pyFAI.detectors import detector_factory
    except ImportError as error:
        raise PanoscError(
            "The demo facility's detectors come from pyFAI, which is not installed",
            hint="Install panosc-analysis with its extra 'reduction'",
        ) from error
    return detector_factory(name)


def _pixel_mask(place: ScatteringMap, beamstop: float, rng: np.random.Generator) -> NDArray[np.uint32]:
    """Mark gaps, dead and noisy pixels, and the shadow of a beam stop (radius in metres) with its arm."""
    mask = np.where(place.gaps, GAP, 0).astype(np.uint32)
    flat = mask.reshape(-1)
    spots = rng.choice(np.flatnonzero(flat == 0), DEAD_PIXELS + HOT_PIXELS, replace=False)
    flat[spots[:DEAD_PIXELS]] |= DEAD
    flat[spots[DEAD_PIXELS:]] |= NOISY
    rows, columns = np.indices(mask.shape)
    x, y = columns - place.beam_center[0], rows - place.beam_center[1]
    shadow = np.hypot(x, y) < beamstop / place.pixel_size[0]
    shadow |= (np.abs(x) < ARM_HALF_WIDTH) & (y > 0)
    mask[shadow & (mask == 0)] |= SHADOW
    return mask


def _monitor(stack: Stack, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the beam monitor's counts: a ring filled up every two minutes, and half a per cent of flicker."""
    time = np.arange(stack.frames) * stack.frame_time
    relative = 1.0 - 0.03 * (time % 120.0) / 120.0 + rng.normal(0.0, 0.005, stack.frames)
    return np.rint(relative * MONITOR).astype(np.int64)


def _write_data_files(
    stack: Stack,
    pattern: NDArray[np.float64],
    mask: NDArray[np.uint32],
    monitor: NDArray[np.int64],
    raw: Path,
    seed: int,
    advance: Callable[[int], None],
) -> list[h5py.VirtualSource]:
    gaps = (mask & GAP) != 0
    marked = np.iinfo(stack.dtype).max

    def draw(index: int) -> NDArray[Any]:
        rng = generator(seed, stack.header.pid, index)
        counts = rng.poisson(pattern * (monitor[index] / MONITOR))
        frame: NDArray[Any] = np.minimum(counts, marked - 1).astype(stack.dtype)
        frame[gaps] = marked
        return frame

    frames = frames_in_order(draw, stack.frames)
    sources = []
    for number, first in enumerate(range(0, stack.frames, stack.frames_per_file), start=1):
        shape = (min(stack.frames_per_file, stack.frames - first), *pattern.shape)
        name = f"{stack.header.stem}_data_{number:06d}.h5"
        with create_file(raw / name) as file:
            dataset = _data_file_dataset(file, shape, stack.dtype)
            for row in range(shape[0]):
                dataset[row] = next(frames)
                advance(int(dataset.dtype.itemsize * pattern.size))
        sources.append(h5py.VirtualSource(name, "/entry/data/data", shape=shape))
    return sources


def _data_file_dataset(file: Any, shape: tuple[int, ...], dtype: str) -> h5py.Dataset:
    plot = add_group(bare_entry(file), "data", "NXdata")
    chunks = (1, *shape[1:])
    dataset = plot.create_dataset("data", shape, dtype, chunks=chunks, **hdf5plugin.Bitshuffle(cname="lz4"))
    dataset.attrs["interpretation"] = "image"
    mark_plot(plot, "data", [".", ".", "."])
    set_default(plot)
    return dataset


def _write_detector(
    entry: h5py.Group,
    stack: Stack,
    place: ScatteringMap,
    mask: NDArray[np.uint32],
    sources: list[h5py.VirtualSource],
) -> None:
    detector = add_group(
        entry["instrument"], "detector", "NXdetector", description=stack.geometry.description, type="Pixel"
    )
    marked = np.iinfo(stack.dtype).max
    layout = h5py.VirtualLayout((stack.frames, *mask.shape), stack.dtype)
    layout.dcpl.set_obj_track_times(False)  # h5py does so for other datasets, and the same seed means the same bytes
    first = 0
    for source in sources:
        layout[first : first + source.shape[0]] = source
        first += source.shape[0]
    # A frame whose data file is missing reads as the mark of the gaps, not as a plausible image of zeros.
    data = detector.create_virtual_dataset("data", layout, fillvalue=marked)
    data.attrs.update({"interpretation": "image", "units": "counts", "long_name": "Counts"})
    add_field(detector, "distance", stack.geometry.distance, "m")
    for axis, centre, size in zip("xy", place.beam_center, place.pixel_size, strict=True):
        add_field(detector, f"beam_center_{axis}", centre, "pixel")
        add_field(detector, f"{axis}_pixel_size", size, "m")
    add_field(detector, "count_time", stack.frame_time, "s")
    add_field(detector, "saturation_value", marked - 1)
    detector.create_dataset("pixel_mask", data=mask, chunks=mask.shape, **hdf5plugin.Bitshuffle(cname="lz4"))
    note = add_group(detector, "poni", "NXnote", type="text/x-poni", file_name=f"{stack.header.stem}.poni")
    add_field(note, "data", stack.geometry.poni())


def _write_plot(entry: h5py.Group, stack: Stack, monitor: NDArray[np.int64]) -> None:
    control = add_group(entry, "control", "NXmonitor", mode="timer")
    add_field(control, "preset", stack.frame_time, "s")
    add_field(control, "data", monitor, "counts", long_name="Beam monitor (counts)")
    add_field(control, "integral", int(monitor.sum()), "counts")
    plot = add_group(entry, "data", "NXdata")
    link(plot, "data", "/entry/instrument/detector/data")
    add_field(plot, "time", np.arange(stack.frames) * stack.frame_time, "s", long_name="Elapsed time (s)")
    mark_plot(plot, "data", ["time", ".", "."], title=stack.header.title, log=True)
    set_default(plot)


def _expectation(
    stack: Stack, pattern: NDArray[np.float64], mask: NDArray[np.uint32], monitor: NDArray[np.int64]
) -> dict[str, Any]:
    relative = float(monitor.sum()) / MONITOR
    return {
        "pid": stack.header.pid,
        "file": f"../RAW_DATA/{stack.header.stem}.h5",
        "data": "/entry/data/data",
        "poni": f"{stack.header.stem}.poni",
        "model": "Poisson(relative_monitor[frame] * solid_angle[pixel] * I(q[pixel]))",
        "corrections": {"solid_angle": True, "polarization_factor": None},
        "mask": "pixel_mask != 0",
        "frames": stack.frames,
        "monitor_counts_at_relative_1": MONITOR,
        "relative_monitor_sum": relative,
        "expected_total_counts": float(pattern[mask == 0].sum()) * relative,
    }
