"""A facility's records for the catalogue's benchmark: as many datasets as asked for, from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from panosc_analysis.search import panet

PER_DOCUMENT = 20
FACILITIES = ["ESRF", "ILL", "ESS", "MAX IV", "EuXFEL", "ELI", "CERIC", "DLS", "PSI", "DESY", "HZB", "SOLEIL", "ALBA"]
TECHNIQUES = (
    "SAXS SANS XRF XANES EXAFS RIXS ARPES ptychography tomography 'x-ray diffraction' 'neutron reflectometry' "
    "'inelastic neutron scattering' 'neutron powder diffraction' 'x-ray powder diffraction' 'x-ray photoelectron "
    "spectroscopy' 'neutron tomography' 'x-ray tomography' 'grazing incidence small angle x-ray scattering' "
    "'small angle neutron scattering' 'macromolecular crystallography'"
)
FORMULAS = ["Cu", "CuO", "Fe2 O3", "Si", "SiO2", "LaB6", "Ni", "H2 O", "Ti O2", "Na Cl", "Ga As", "Al2 O3"]
REAL_WORDS = (
    "magnetic temperature beam copper solar perovskite battery lysozyme zeolite magnetite phase transition thin film "
    "operando catalyst polymer protein crystal stress strain alloy steel glass ice water pressure field scan sample"
).split()


def techniques() -> list[dict[str, str]]:
    import shlex

    found = {}
    for name in shlex.split(TECHNIQUES):
        try:
            one = panet.resolve(name)
        except ValueError:
            continue
        found[one.pid] = {"pid": one.pid, "name": one.name, "panetId": one.pid}
    return list(found.values())


class Facility:
    """Datasets, documents and instruments of one size; the same ones for the same seed."""

    def __init__(self, datasets: int, seed: int = 1) -> None:
        self.count = datasets
        rng = np.random.default_rng(seed)
        letters = [chr(97 + n) for n in range(26)]
        invented = ["".join(rng.choice(letters, rng.integers(4, 10))) for _ in range(3000)]
        self.words = np.array([*REAL_WORDS, *invented])
        weights = 1.0 / np.arange(1, len(self.words) + 1) ** 0.9
        self.titles = rng.choice(len(self.words), (datasets, 7), p=weights / weights.sum()).astype("i2")
        self.technique = rng.integers(0, len(techniques()), datasets)
        self.instrument = rng.integers(0, len(FACILITIES) * 8, datasets)
        self.created = rng.integers(1_100_000_000, 1_780_000_000, datasets)
        # Whole proposals are open or not.
        self.public = np.repeat(rng.random(datasets // PER_DOCUMENT + 1) < 0.7, PER_DOCUMENT)[:datasets]
        self.size = rng.integers(10**6, 10**11, datasets)
        # keV; soft and hard x-rays, and one in fifty with an infrared laser
        self.energy = np.round(10 ** rng.uniform(-0.5, 1.6, datasets), 4)
        self.laser = rng.random(datasets) < 0.02
        self.temperature = np.round(rng.choice([4.2, 77, 100, 293, 300], datasets) + rng.normal(0, 1, datasets), 2)
        self.pressure = np.round(10 ** rng.uniform(2, 10, datasets))
        self.formula = rng.integers(0, len(FORMULAS), datasets)
        self.sample = rng.integers(0, max(datasets // 50, 1), datasets)

    def pid(self, number: int) -> str:
        return f"20.500.12345/{number:08x}"

    def instruments(self) -> list[dict[str, str]]:
        return [
            {"pid": f"20.500.12345/instrument{n}", "name": f"BM{n:02}", "facility": FACILITIES[n // 8]}
            for n in range(len(FACILITIES) * 8)
        ]

    def datasets(self) -> Iterator[dict[str, Any]]:
        known, beamlines = techniques(), self.instruments()
        for n in range(self.count):
            energy = float(self.energy[n])
            temperature = float(self.temperature[n])
            yield {
                "pid": self.pid(n),
                "title": " ".join(self.words[self.titles[n]]),
                "isPublic": bool(self.public[n]),
                "creationDate": str(np.datetime64(int(self.created[n]), "s")) + ".000Z",
                "size": int(self.size[n]),
                "instrument": beamlines[self.instrument[n]],
                "techniques": [known[self.technique[n]]],
                "samples": [{"name": f"sample {self.sample[n]}"}],
                "parameters": [
                    {"name": "incident_photon_energy", "value": energy, "unit": "keV"}
                    if n % 3
                    else {"name": "incident_photon_energy", "value": round(energy * 1000), "unit": "eV"},
                    {"name": "incident_wavelength", "value": round(12.39842 / energy, 5), "unit": "angstrom"}
                    if not self.laser[n]
                    else {"name": "incident_wavelength", "value": 1064 - n % 300, "unit": "nm"},
                    {"name": "sample_temperature", "value": temperature, "unit": "K"}
                    if n % 4
                    else {"name": "sample_temperature", "value": round(temperature - 273.15, 2), "unit": "celsius"},
                    {"name": "sample_pressure", "value": float(self.pressure[n]), "unit": "Pa"},
                    {"name": "sample_chemical_formula", "value": FORMULAS[self.formula[n]], "unit": ""},
                ],
                "files": [
                    {"id": f"{n}.1", "name": f"scan_{n:08}.h5", "path": f"raw/{n // 1000}/scan_{n:08}.h5", "size": 1024}
                ],
            }

    def documents(self) -> Iterator[dict[str, Any]]:
        for first in range(0, self.count, PER_DOCUMENT):
            number = first // PER_DOCUMENT
            yield {
                "pid": f"10.5072/document/{number:06}",
                "type": "proposal",
                "title": "Proposal on " + " ".join(self.words[self.titles[first][:5]]),
                "isPublic": bool(self.public[first]),
                "startDate": str(np.datetime64(int(self.created[first]), "s")) + ".000Z",
                "keywords": [f"p-{number}"],
                "members": [
                    {"role": "principal investigator", "person": {"id": f"p{number}", "fullName": f"Ada {number}"}},
                ],
                "datasets": [{"pid": self.pid(n)} for n in range(first, min(first + PER_DOCUMENT, self.count))],
            }
