"""Small-angle scattering: silver behenate for the q scale, and silica spheres whose radius the pattern tells."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from panosc_analysis.demo.area_detector import Geometry, Stack, write_stack
from panosc_analysis.demo.instruments import ID02
from panosc_analysis.demo.nexus_entry import Sample, ScanHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from panosc_analysis.demo.nexus_entry import Proposal

__all__ = ["SaxsScan", "saxs_scans"]

ENERGY: Final = 12.46  # keV
FRAME_TIME: Final = 0.2  # seconds
BEHENATE_SIGMA: Final = 0.03  # nm^-1
BACKGROUND: Final = 0.3  # counts per pixel and frame
SPHERES: Final = 20_000.0  # counts per pixel and frame at q = 0
POLYDISPERSITY: Final = 0.05  # standard deviation of the radius, relative


@dataclass(frozen=True, slots=True)
class SaxsScan:
    """One stack at a `distance` (m): spheres of `radius` (nm), or silver behenate where it is ``None``."""

    header: ScanHeader
    frames: int
    frames_per_file: int
    distance: float
    radius: float | None

    @property
    def nbytes(self) -> int:
        """Size before compression, in bytes."""
        return self._stack().nbytes

    def write(self, raw: Path, processed: Path, seed: int, advance: Callable[[int], None]) -> None:
        """Write the master and data files, the PONI file and the known answer."""
        stack = self._stack()
        answer = write_stack(stack, raw, seed, advance) | self._answer()
        stem = self.header.stem
        (processed / f"{stem}.poni").write_text(stack.geometry.poni(), encoding="utf-8")
        (processed / f"{stem}_known_answer.json").write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")

    def _stack(self) -> Stack:
        return Stack(
            header=self.header,
            geometry=_geometry(self.header, self.distance),
            intensity=self._intensity,
            frames=self.frames,
            frames_per_file=self.frames_per_file,
            frame_time=FRAME_TIME,
            dtype="uint16",
        )

    def _intensity(self, q: NDArray[np.float64]) -> NDArray[np.float64]:
        return behenate_intensity(q) if self.radius is None else sphere_intensity(q, self.radius)

    def _answer(self) -> dict[str, Any]:
        if self.radius is None:
            return {"calibrant": "AgBh", "rings": [{"q": q, "q_unit": "nm^-1"} for q in _behenate_rings()[:3]]}
        return {"sphere_radius": self.radius, "sphere_radius_unit": "nm", "radius_standard_deviation": POLYDISPERSITY}


def saxs_scans(proposal: Proposal, first_number: int, frames: Sequence[int], frames_per_file: int) -> list[SaxsScan]:
    """Plan three scans with the given numbers of frames: silver behenate, spheres of 20 nm and of 12 nm."""
    start = datetime.fromisoformat("2021-09-21T14:02:51+02:00")
    samples = (
        ("AgBh", Sample("silver behenate", "Ag C22 H43 O2", 295.0, "powder in Kapton"), None, 1.2),
        ("silica_R20", _silica("20"), 20.0, 3.0),
        ("silica_R12", _silica("12"), 12.0, 3.0),
    )
    scans = []
    for number, ((name, sample, radius, distance), count) in enumerate(
        zip(samples, frames, strict=True), start=first_number
    ):
        header = ScanHeader(
            proposal=proposal,
            number=number,
            stem=f"{name}_{number:04d}",
            title=f"{sample.name[0].upper()}{sample.name[1:]}, {ENERGY} keV, {distance:g} m",
            definition="NXsas",
            instrument=ID02,
            sample=sample,
            start=start,
            duration=timedelta(seconds=FRAME_TIME * count),
            energy=ENERGY,
        )
        scans.append(SaxsScan(header, count, frames_per_file, distance, radius))
        start += timedelta(minutes=11, seconds=35) + header.duration
    return scans


def sphere_intensity(q: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Give the counts per pixel and frame of dilute spheres (radius in nm), averaged over their sizes."""
    grid = np.linspace(0.0, float(q.max()), 4000)
    deviations = np.linspace(-3.0, 3.0, 25)
    weights = np.exp(-0.5 * deviations**2)
    total = np.zeros_like(grid)
    for deviation, weight in zip(deviations, weights / weights.sum(), strict=True):
        size = radius * (1 + POLYDISPERSITY * deviation)
        x = np.maximum(grid * size, 1e-3)
        total += weight * (size / radius) ** 6 * (3 * (np.sin(x) - x * np.cos(x)) / x**3) ** 2
    return np.interp(q, grid, SPHERES * total) + BACKGROUND


def behenate_intensity(q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the counts per pixel and frame of silver behenate's lamellar rings."""
    total = BACKGROUND + 20.0 * np.exp(-q / 0.15)
    for order, ring in enumerate(_behenate_rings(), start=1):
        total += 60.0 / order**1.5 * np.exp(-0.5 * ((q - ring) / BEHENATE_SIGMA) ** 2)
    return total


def _behenate_rings() -> list[float]:
    from pyFAI.calibrant import get_calibrant

    return [2 * np.pi / (spacing / 10) for spacing in get_calibrant("AgBh").dspacing[:6]]


def _silica(radius: str) -> Sample:
    return Sample(f"silica spheres R = {radius} nm in water", "Si O2", 295.0, "0.5 % by volume, flow-through capillary")


def _geometry(header: ScanHeader, distance: float) -> Geometry:
    return Geometry(
        detector="Pilatus300k",
        description="Pilatus 300K (simulated, 16 bit)",
        distance=distance,
        poni1=0.0493,
        poni2=0.0421,
        rot1=0.0015,
        rot2=-0.001,
        wavelength=(header.wavelength or 0.0) * 1e-10,
        beamstop=2.0e-3,
    )
