"""XANES and EXAFS scans in transmission: edge, white line and oscillations over energy, with counting errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from panosc_analysis.demo.frames import generator
from panosc_analysis.demo.instruments import BM23
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

__all__ = ["AbsorptionScan", "Edge", "absorption", "absorption_scans", "energy_grid"]

COUNT_TIME: Final = 1.0  # seconds per point
INCOMING_COUNTS: Final = 2e6
WAVENUMBER: Final = 0.2625  # k^2 in angstrom^-2 per eV above the edge


@dataclass(frozen=True, slots=True)
class Edge:
    """One absorption edge: energy in eV, core-hole width in eV, white line height, first shell in ångström."""

    element: str
    energy: float
    width: float
    white_line: float
    distance: float
    amplitude: float


@dataclass(frozen=True, slots=True)
class AbsorptionScan:
    """One scan over an edge."""

    header: ScanHeader
    edge: Edge

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return int(energy_grid(self.edge).size) * 8 * 5

    def write(self, raw: Path, processed: Path, seed: int, advance: Callable[[int], None]) -> None:
        """Write energies, both ionisation chambers, mu with its errors, and the known answer."""
        energy = energy_grid(self.edge)
        rng = generator(seed, self.header.pid)
        drift = 1 - 0.05 * np.linspace(0, 1, energy.size) + rng.normal(0, 0.004, energy.size)
        incoming = rng.poisson(INCOMING_COUNTS * drift)
        absorbed = rng.poisson(incoming * np.exp(-absorption(energy, self.edge)))
        with scan_file(raw / f"{self.header.stem}.h5", self.header) as entry:
            self._write_detectors(entry, energy, incoming, absorbed)
            self._write_plot(entry, incoming, absorbed)
        answer = {
            "pid": self.header.pid,
            "element": self.edge.element,
            "edge": "K",
            "edge_energy": self.edge.energy,
            "edge_energy_unit": "eV",
            "edge_step": 1.0,
            "first_shell_distance": self.edge.distance,
            "first_shell_distance_unit": "angstrom",
        }
        path = processed / f"{self.header.stem}_known_answer.json"
        path.write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
        advance(self.nbytes)

    def _write_detectors(
        self,
        entry: h5py.Group,
        energy: NDArray[np.float64],
        incoming: NDArray[np.int64],
        absorbed: NDArray[np.int64],
    ) -> None:
        instrument = entry["instrument"]
        monochromator = add_group(instrument, "monochromator", "NXmonochromator")
        add_field(monochromator, "energy", energy, "eV", long_name="Photon energy (eV)")
        add_group(monochromator, "crystal", "NXcrystal", type="Si", usage="Bragg")
        for name, counts, label in (("incoming_beam", incoming, "I0"), ("absorbed_beam", absorbed, "I1")):
            chamber = add_group(instrument, name, "NXdetector", description="ionisation chamber")
            add_field(chamber, "data", counts, "counts", long_name=f"{label} (counts)")
            add_field(chamber, "count_time", COUNT_TIME, "s")
        monitor = add_group(entry, "monitor", "NXmonitor", mode="timer")
        add_field(monitor, "preset", COUNT_TIME, "s")
        link(monitor, "data", "/entry/instrument/incoming_beam/data")

    def _write_plot(self, entry: h5py.Group, incoming: NDArray[np.int64], absorbed: NDArray[np.int64]) -> None:
        plot = add_group(entry, "data", "NXdata", mode="Transmission")
        link(plot, "energy", "/entry/instrument/monochromator/energy")
        link(plot, "absorbed_beam", "/entry/instrument/absorbed_beam/data")
        link(plot, "incoming_beam", "/entry/instrument/incoming_beam/data")
        add_field(plot, "mu", np.log(incoming / absorbed), long_name="ln(I0/I1)")
        add_field(plot, "mu_errors", np.sqrt(1 / incoming + 1 / absorbed))
        mark_plot(plot, "mu", ["energy"], title=self.header.title)
        set_default(plot)


def absorption_scans(proposal: Proposal) -> list[AbsorptionScan]:
    """Plan three scans: iron foil, haematite and copper foil."""
    start = datetime.fromisoformat("2026-05-26T10:05:30+02:00")
    foil = "foil, 5 um"
    plan = (
        ("Fe_foil", Sample("iron foil", "Fe", 295.0, foil), Edge("Fe", 7112.0, 1.8, 0.25, 2.48, 0.9)),
        (
            "Fe2O3",
            Sample("haematite pellet", "Fe2 O3", 295.0, "pressed in BN"),
            Edge("Fe", 7123.5, 1.8, 0.7, 1.95, 0.7),
        ),
        ("Cu_foil", Sample("copper foil", "Cu", 295.0, foil), Edge("Cu", 8979.0, 2.0, 0.2, 2.56, 1.0)),
    )
    scans = []
    for number, (name, sample, edge) in enumerate(plan, start=1):
        header = ScanHeader(
            proposal=proposal,
            number=number,
            stem=f"{name}_{edge.element}K_{number:04d}",
            title=f"{edge.element} K edge of {sample.name}, transmission",
            definition="NXxas",
            instrument=BM23,
            sample=sample,
            start=start,
            duration=timedelta(seconds=COUNT_TIME * energy_grid(edge).size),
        )
        scans.append(AbsorptionScan(header, edge))
        start += header.duration + timedelta(minutes=9)
    return scans


def energy_grid(edge: Edge) -> NDArray[np.float64]:
    """Give the energies of a scan in eV: coarse before the edge, 0.25 eV over it, equal steps of k after it."""
    before = np.arange(-150.0, -20.0, 5.0)
    across = np.arange(-20.0, 40.0, 0.25)
    after = np.arange(np.sqrt(40.0 * WAVENUMBER), 14.0, 0.05) ** 2 / WAVENUMBER
    return edge.energy + np.concatenate([before, across, after])


def absorption(energy: NDArray[np.float64], edge: Edge) -> NDArray[np.float64]:
    """Give the absorption of the sample, edge step 1: arctangent step, white line, one damped shell."""
    above = energy - edge.energy
    step = 0.5 + np.arctan(above / edge.width) / np.pi
    white_line = edge.white_line * np.exp(-0.5 * ((above - 3.0) / 2.5) ** 2)
    k = np.sqrt(np.clip(above, 0.01, None) * WAVENUMBER)
    damping = (1 - np.exp(-((k / 2.5) ** 4))) * np.exp(-2 * 0.006 * k**2)
    shell = 2.2 * edge.amplitude * np.sin(2 * k * edge.distance - 1.2) / (k * edge.distance**2) * damping
    victoreen = 0.6 * (energy / edge.energy) ** -3
    return np.asarray(victoreen + step + white_line + np.where(above > 0, shell, 0.0))
