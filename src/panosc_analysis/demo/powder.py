"""Powder diffraction of LaB6: rings where the calibrant and the geometry put them, and the answer written beside.

Each ring is a Gaussian in q of constant width, so that its integral, ``height * sigma * sqrt(2 pi)``, is known exactly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from panosc_analysis.demo.area_detector import Geometry, Stack, scattering_map, write_stack
from panosc_analysis.demo.instruments import ID31
from panosc_analysis.demo.nexus_entry import Sample, ScanHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from panosc_analysis.demo.nexus_entry import Proposal

__all__ = ["PowderScan", "lab6_header", "powder_scans"]

CALIBRANT: Final = "LaB6_SRM660c"
ENERGY: Final = 40.0  # keV
FRAME_TIME: Final = 0.5  # seconds
EXPANSION: Final = 6.4e-6  # relative change of LaB6's lattice constant per kelvin
RING_SIGMA: Final = 0.15  # nm^-1
RING_HEIGHT: Final = 9.0  # counts per pixel and frame of the strongest ring
FAINT_RING: Final = 4.0  # per cent, for the reflections without a tabulated intensity
BACKGROUND: Final = (0.08, 0.7, 12.0)  # constant, amplitude, decay in nm^-1


@dataclass(frozen=True, slots=True)
class Ring:
    """One Debye-Scherrer ring: q in nm^-1, height in counts per pixel and frame."""

    hkl: tuple[int, int, int]
    q: float
    height: float

    @property
    def area(self) -> float:
        """Integral over q per frame, in counts per pixel times nm^-1."""
        return self.height * RING_SIGMA * float(np.sqrt(2 * np.pi))


@dataclass(frozen=True, slots=True)
class PowderScan:
    """One stack of frames of LaB6 at one temperature."""

    header: ScanHeader
    frames: int
    frames_per_file: int

    @property
    def nbytes(self) -> int:
        """Size before compression, in bytes."""
        return self._stack(()).nbytes

    def write(self, raw: Path, processed: Path, seed: int, advance: Callable[[int], None]) -> None:
        """Write the master and data files, the PONI file and the known answer."""
        rings = lab6_rings(self.header.sample.temperature)
        stack = self._stack(rings)
        answer = write_stack(stack, raw, seed, advance)
        reachable = float(scattering_map(stack.geometry).q.max()) - 5 * RING_SIGMA
        answer |= _answer([ring for ring in rings if ring.q < reachable], answer["relative_monitor_sum"])
        stem = self.header.stem
        (processed / f"{stem}.poni").write_text(stack.geometry.poni(), encoding="utf-8")
        (processed / f"{stem}_known_answer.json").write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")

    def _stack(self, rings: Sequence[Ring]) -> Stack:
        return Stack(
            header=self.header,
            geometry=_geometry(self.header),
            intensity=lambda q: _intensity(q, rings),
            frames=self.frames,
            frames_per_file=self.frames_per_file,
            frame_time=FRAME_TIME,
            dtype="uint32",
        )


def powder_scans(proposal: Proposal, frames: Sequence[int], frames_per_file: int) -> list[PowderScan]:
    """Plan one scan per temperature: 100 K, 300 K and 450 K with the given numbers of frames."""
    start = datetime.fromisoformat("2026-05-12T09:14:03+02:00")
    scans = []
    for number, (kelvin, count) in enumerate(zip((100, 300, 450), frames, strict=True), start=1):
        header = lab6_header(proposal, number, kelvin, start, count)
        scans.append(PowderScan(header, count, frames_per_file))
        start += timedelta(minutes=24, seconds=17) + header.duration
    return scans


def lab6_header(proposal: Proposal, number: int, kelvin: int, start: datetime, frames: int) -> ScanHeader:
    """Describe a scan of LaB6 at one temperature."""
    return ScanHeader(
        proposal=proposal,
        number=number,
        stem=f"LaB6_{kelvin}K_{number:04d}",
        title=f"LaB6 660c in 0.5 mm capillary, {kelvin} K, {ENERGY:.0f} keV",
        definition="NXmonopd",
        instrument=ID31,
        sample=Sample("LaB6 NIST SRM 660c", "La B6", float(kelvin), "powder in a 0.5 mm borosilicate capillary"),
        start=start,
        duration=timedelta(seconds=FRAME_TIME * frames),
        energy=ENERGY,
    )


def lab6_rings(temperature: float) -> list[Ring]:
    """Place the calibrant's rings at a temperature (kelvin): expanded lattice, Debye-Waller factor."""
    from pyFAI.calibrant import get_calibrant

    rings = []
    calibrant = get_calibrant(CALIBRANT)
    calibrant.load_file(calibrant.filename)  # it reads lazily, and its config does not ask it to
    for reflection in calibrant.config.reflections:
        spacing = reflection.dspacing / 10 * (1 + EXPANSION * (temperature - 300.0))
        q = 2 * np.pi / spacing
        debye_waller = np.exp(-2 * (0.2 + 0.001 * temperature) * (q / 10 / (4 * np.pi)) ** 2)
        percent = reflection.intensity or FAINT_RING
        rings.append(Ring(tuple(reflection.hkl), float(q), float(RING_HEIGHT * percent / 100 * debye_waller)))
    return rings


def _geometry(header: ScanHeader) -> Geometry:
    return Geometry(
        detector="Eiger2_1M",
        description="Eiger2 1M (simulated)",
        distance=0.2,
        poni1=0.0423,
        poni2=0.0361,
        rot1=0.012,
        rot2=-0.008,
        wavelength=(header.wavelength or 0.0) * 1e-10,
        beamstop=2.2e-3,
    )


def _intensity(q: NDArray[np.float64], rings: Sequence[Ring]) -> NDArray[np.float64]:
    constant, amplitude, decay = BACKGROUND
    total = constant + amplitude * np.exp(-q / decay)
    edge = float(q.max()) + 6 * RING_SIGMA
    for ring in rings:
        if ring.q < edge:
            near = np.abs(q - ring.q) < 6 * RING_SIGMA
            total[near] += ring.height * np.exp(-0.5 * ((q[near] - ring.q) / RING_SIGMA) ** 2)
    return total


def _answer(rings: Sequence[Ring], monitor_sum: float) -> dict[str, Any]:
    constant, amplitude, decay = BACKGROUND
    return {
        "calibrant": CALIBRANT,
        "ring_profile": {"shape": "gaussian in q", "sigma": RING_SIGMA, "unit": "nm^-1"},
        "background": {
            "formula": "constant + amplitude * exp(-q / decay), counts per pixel and frame",
            "constant": constant,
            "amplitude": amplitude,
            "decay": decay,
        },
        "integrated_intensity_unit": "counts per pixel * nm^-1, sum of all frames, background subtracted",
        "rings": [
            {
                "hkl": list(ring.hkl),
                "q": ring.q,
                "q_unit": "nm^-1",
                "height_per_frame": ring.height,
                "integrated_intensity": ring.area * monitor_sum,
            }
            for ring in rings
        ],
    }
