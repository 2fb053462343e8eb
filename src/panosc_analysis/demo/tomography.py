"""A tomography scan whose projections are known in closed form: ellipsoids in a parallel beam.

The recorded counts are ``Poisson(flat * exp(-projection)) + dark``; the phantom is written beside them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import hdf5plugin
import numpy as np

from panosc_analysis.demo.frames import frames_in_order, generator
from panosc_analysis.demo.instruments import BM18
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

__all__ = ["Ellipsoid", "TomographyScan", "projection", "tomography_scans"]

ENERGY: Final = 65.0  # keV
EXPOSURE: Final = 0.1  # seconds
PIXEL_SIZE: Final = 12e-6  # metres
PROJECTION, FLAT, DARK = 0, 1, 2  # NXtomo's image_key
FLAT_COUNTS: Final = 12_000.0
DARK_COUNTS: Final = 100.0


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """One body of the phantom. Lengths in half widths of the field of view, `tilt` in degrees about the rotation axis.

    `density` is the attenuation per half width, added to that of the bodies it lies in.
    """

    x: float
    y: float
    z: float
    a: float
    b: float
    c: float
    tilt: float
    density: float


AMBER: Final = (
    Ellipsoid(0.0, 0.0, 0.0, 0.82, 0.66, 1.1, 18.0, 0.55),
    Ellipsoid(0.1, -0.05, 0.0, 0.40, 0.16, 0.30, 35.0, 0.60),
    Ellipsoid(-0.24, 0.08, 0.1, 0.14, 0.13, 0.15, 0.0, 0.85),
    Ellipsoid(-0.05, 0.38, -0.2, 0.09, 0.07, 0.10, 60.0, -0.55),
    Ellipsoid(0.35, 0.28, 0.25, 0.05, 0.05, 0.06, 0.0, -0.55),
    Ellipsoid(0.2, -0.42, -0.1, 0.06, 0.04, 0.20, 75.0, 1.40),
)
ROCK: Final = (
    Ellipsoid(0.0, 0.0, 0.0, 0.70, 0.70, 3.0, 0.0, 0.90),
    Ellipsoid(0.25, 0.2, 0.1, 0.18, 0.12, 0.20, 40.0, -0.90),
    Ellipsoid(-0.3, 0.1, -0.1, 0.12, 0.20, 0.16, 10.0, -0.90),
    Ellipsoid(0.05, -0.4, 0.0, 0.15, 0.08, 0.12, 80.0, 1.20),
    Ellipsoid(-0.15, -0.15, 0.2, 0.06, 0.06, 0.07, 0.0, 2.50),
)


@dataclass(frozen=True, slots=True)
class TomographyScan:
    """One half-turn scan: darks, flats, projections, flats.

    Parameters
    ----------
    angles
        Number of projections over 180 degrees.
    width
        Columns of the detector; the rows are three quarters of them.
    codec
        ``"bitshuffle"`` or ``"gzip"``.
    """

    header: ScanHeader
    phantom: tuple[Ellipsoid, ...]
    angles: int
    width: int
    codec: str

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Rows and columns of the detector."""
        return self.width * 3 // 4, self.width

    @property
    def image_key(self) -> NDArray[np.int8]:
        """NXtomo's mark per frame: 0 projection, 1 flat, 2 dark."""
        darks = flats = max(4, self.angles // 18)
        keys = np.repeat([DARK, FLAT, PROJECTION, FLAT], [darks, flats, self.angles, flats])
        return keys.astype(np.int8)

    @property
    def rotation_angle(self) -> NDArray[np.float64]:
        """Angle per frame in degrees: 0 before the turn, 180 after it."""
        before = int(np.argmax(self.image_key == PROJECTION))
        turn = np.arange(self.angles) * (180.0 / self.angles)
        after = self.image_key.size - before - self.angles
        return np.concatenate([np.zeros(before), turn, np.full(after, 180.0)])

    @property
    def nbytes(self) -> int:
        """Size before compression, in bytes."""
        rows, columns = self.frame_shape
        return int(self.image_key.size) * rows * columns * 2

    def write(self, raw: Path, processed: Path, seed: int, advance: Callable[[int], None]) -> None:
        """Write the scan and its phantom."""
        with scan_file(raw / f"{self.header.stem}.h5", self.header) as entry:
            data = self._write_detector(entry)
            for index, frame in enumerate(frames_in_order(self._drawer(seed), self.image_key.size)):
                data[index] = frame
                advance(frame.nbytes)
            self._write_plot(entry)
        answer: dict[str, Any] = {
            "pid": self.header.pid,
            "unit": "half widths of the field of view",
            "density": "attenuation per unit",
        }
        answer |= {"ellipsoids": [asdict(body) for body in self.phantom]}
        path = processed / f"{self.header.stem}_known_answer.json"
        path.write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")

    def _drawer(self, seed: int) -> Callable[[int], NDArray[Any]]:
        flat = _flat_field(self.frame_shape, generator(seed, self.header.pid))
        keys, angles = self.image_key, self.rotation_angle

        def draw(index: int) -> NDArray[Any]:
            rng = generator(seed, self.header.pid, index)
            counts = rng.normal(DARK_COUNTS, 4.0, self.frame_shape)
            if keys[index] == FLAT:
                counts += rng.poisson(flat)
            elif keys[index] == PROJECTION:
                counts += rng.poisson(flat * np.exp(-projection(self.phantom, angles[index], self.frame_shape)))
            return np.clip(np.rint(counts), 0, 65535).astype(np.uint16)

        return draw

    def _write_detector(self, entry: h5py.Group) -> h5py.Dataset:
        detector = add_group(entry["instrument"], "detector", "NXdetector", description="sCMOS with scintillator")
        filters = (
            {"compression": "gzip", "shuffle": True} if self.codec == "gzip" else hdf5plugin.Bitshuffle(cname="lz4")
        )
        shape = (self.image_key.size, *self.frame_shape)
        data = detector.create_dataset("data", shape, "uint16", chunks=(1, *self.frame_shape), **filters)
        data.attrs.update({"interpretation": "image", "units": "counts", "long_name": "Counts"})
        add_field(detector, "image_key", self.image_key)
        add_field(detector, "x_pixel_size", PIXEL_SIZE, "m")
        add_field(detector, "y_pixel_size", PIXEL_SIZE, "m")
        add_field(detector, "distance", 0.35, "m")
        add_field(detector, "x_rotation_axis_pixel_position", (self.width - 1) / 2, "pixel")
        add_field(detector, "count_time", EXPOSURE, "s")
        return data

    def _write_plot(self, entry: h5py.Group) -> None:
        add_field(entry["sample"], "rotation_angle", self.rotation_angle, "degree")
        control = add_group(entry, "control", "NXmonitor")
        add_field(control, "data", np.full(self.image_key.size, 1e9), "counts")
        plot = add_group(entry, "data", "NXdata")
        link(plot, "data", "/entry/instrument/detector/data")
        link(plot, "rotation_angle", "/entry/sample/rotation_angle")
        link(plot, "image_key", "/entry/instrument/detector/image_key")
        mark_plot(plot, "data", ["rotation_angle", ".", "."], title=self.header.title)
        set_default(plot)


def tomography_scans(proposal: Proposal, first_number: int, angles: int, width: int) -> list[TomographyScan]:
    """Plan two scans: amber with `angles` projections, and a rock core with half of them in a smaller field of view."""
    start = datetime.fromisoformat("2026-05-19T21:40:12+02:00")
    amber = Sample("Baltic amber with inclusion", "C10 H16 O", 295.0)
    rock = Sample("porous sandstone core", "Si O2", 295.0)
    headers = (
        _header(proposal, first_number, "amber", amber, start, angles),
        _header(proposal, first_number + 1, "sandstone", rock, start + timedelta(minutes=47, seconds=9), angles // 2),
    )
    return [
        TomographyScan(headers[0], AMBER, angles, width, "bitshuffle"),
        TomographyScan(headers[1], ROCK, angles // 2, width * 3 // 4, "gzip"),
    ]


def projection(phantom: tuple[Ellipsoid, ...], angle: float, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Integrate the phantom along the beam at a rotation `angle` (degrees), in closed form.

    Returns
    -------
    ndarray
        Attenuation, shape (rows, columns) = `shape`; rows run along the rotation axis.
    """
    rows, columns = shape
    t = (np.arange(columns) - (columns - 1) / 2) / (columns / 2)
    z = (np.arange(rows) - (rows - 1) / 2) / (columns / 2)
    theta = np.deg2rad(angle)
    total = np.zeros(shape)
    for body in phantom:
        turned = theta - np.deg2rad(body.tilt)
        squared_width = (body.a * np.cos(turned)) ** 2 + (body.b * np.sin(turned)) ** 2
        centre = body.x * np.cos(theta) + body.y * np.sin(theta)
        slice_scale = np.clip(1 - ((z - body.z) / body.c) ** 2, 0.0, None)
        chord = np.clip(slice_scale[:, None] * squared_width - (t - centre) ** 2, 0.0, None)
        total += 2 * body.density * body.a * body.b / squared_width * np.sqrt(chord)
    return total


def _flat_field(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Make a beam brighter in the middle, with the fixed stripes of a multilayer."""
    rows, columns = shape
    z = np.linspace(-1, 1, rows)[:, None]
    x = np.linspace(-1, 1, columns)[None, :]
    stripes = 1 + 0.03 * rng.standard_normal(rows)[:, None]
    return np.asarray(FLAT_COUNTS * np.exp(-0.5 * z**2 - 0.15 * x**2) * stripes)


def _header(proposal: Proposal, number: int, name: str, sample: Sample, start: datetime, angles: int) -> ScanHeader:
    return ScanHeader(
        proposal=proposal,
        number=number,
        stem=f"{name}_{number:04d}",
        title=f"{sample.name[0].upper()}{sample.name[1:]}, {angles} projections, {ENERGY:.0f} keV",
        definition="NXtomo",
        instrument=BM18,
        sample=sample,
        start=start,
        duration=timedelta(seconds=EXPOSURE * angles * 1.5),
        energy=ENERGY,
    )
