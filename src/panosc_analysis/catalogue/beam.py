"""What a dataset was measured with and at: probe, photon energy, wavelength, temperature, pressure.

Names are those that the PaNOSC portal asks for (``incident_photon_energy``, ``incident_wavelength``,
``sample_temperature``, ``sample_pressure``, ``sample_chemical_formula``), values and units those of the file.

For photons and neutrons energy and wavelength are one quantity. Where a file states only one of them and the probe is
known, the other is added (in keV or Å; meV or Å for neutrons), so that a search finds the dataset by either.
Neutron energies are called ``incident_energy``. A quantity that changes during the measurement is given as its median
under the plain name (of a scan over an absorption edge, that is near the edge), with ``…_min`` and ``…_max`` beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from panosc_analysis.catalogue.fields import Part, child, quantity, text
from panosc_analysis.catalogue.techniques import NEUTRON, XRAY
from panosc_analysis.model import Parameter, convert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["beam_parameters", "probe_of", "sample_parameters"]

_PHOTON_EV_METRE = 1.239841984332003e-6  # h c / e, CODATA 2018
_NEUTRON_EV_METRE2 = 8.18042104e-22  # h² / (2 m_n e), CODATA 2018
_NEUTRON_WORDS = ("neutron", "spallation", "reactor")
_XRAY_WORDS = ("x-ray", "xray", "x ray", "synchrotron", "free electron laser", "undulator", "wiggler", "bending magnet")
_ENERGY_FIELDS = ("incident_energy", "photon_energy", "energy")
_WAVELENGTH_FIELDS = ("incident_wavelength", "wavelength")
# Nearest to the sample first. A source states the energy of its electrons, so only its wavelength counts.
_BEAM_CLASSES = ("NXbeam", "NXmonochromator", "NXcrystal", "NXfermi_chopper", "NXchopper", "NXsource")
_DEFINITIONS_OF_PHOTONS = ("nxtomo", "nxxas", "nxfluo", "nxxrf", "nxarpes", "nxmx", "nxstxm", "nxxps", "nxcxi")
_DEFINITIONS_OF_NEUTRONS = ("nxtofraw", "nxtofnpd", "nxdirecttof", "nxindirecttof", "nxtas", "nxreftof", "nxspe")

Values = tuple["NDArray[np.float64]", str]


def probe_of(entry: Part, definition: str | None) -> str | None:
    """`XRAY` or `NEUTRON` if the source, the energy's unit or the definition says so, else ``None``."""
    words = " ".join(_source_words(entry)).lower()
    if any(word in words for word in _NEUTRON_WORDS):
        return NEUTRON
    if any(word in words for word in _XRAY_WORDS):
        return XRAY
    name = (definition or "").lower()
    if name.startswith(_DEFINITIONS_OF_NEUTRONS):
        return NEUTRON
    energy = _stated(entry, _ENERGY_FIELDS)
    if energy is not None:
        electronvolts = convert(float(energy[0][0]), energy[1], "eV")
        if electronvolts is not None and electronvolts >= 10:  # no instrument selects neutrons of such an energy
            return XRAY
    return XRAY if name.startswith(_DEFINITIONS_OF_PHOTONS) else None


def beam_parameters(entry: Part, probe: str | None) -> tuple[Parameter, ...]:
    """Photon (or neutron) energy and wavelength of one entry, stated and derived."""
    energy, wavelength = _stated(entry, _ENERGY_FIELDS), _stated(entry, _WAVELENGTH_FIELDS)
    if wavelength is not None and wavelength[1] == "A":  # the usual short form of ångström; nobody gives it in ampere
        wavelength = (wavelength[0], "angstrom")
    if energy is None and wavelength is not None:
        energy = _energy(wavelength, probe)
    elif wavelength is None and energy is not None:
        wavelength = _wavelength(energy, probe)
    energy_name = "incident_photon_energy" if probe == XRAY else "incident_energy"
    return (*_rows(energy_name, energy), *_rows("incident_wavelength", wavelength))


def sample_parameters(entry: Part) -> tuple[Parameter, ...]:
    """Temperature, pressure and chemical formula of the samples of one entry."""
    found: list[Parameter] = []
    for sample in entry.of("NXsample"):
        formula = text(sample.node, "chemical_formula")
        if formula:
            found.append(Parameter("sample_chemical_formula", formula))
        for name in ("temperature", "pressure", "magnetic_field"):
            found.extend(_rows(f"sample_{name}", _sample_quantity(sample, name)))
    if not any(one.name == "sample_temperature" for one in found):
        for part in (part for instrument in entry.of("NXinstrument") for part in instrument.parts):
            found.extend(_rows("sample_temperature", quantity(child(part.node, "sample_temperature"))))
    return tuple(dict.fromkeys(found))


def _sample_quantity(sample: Part, name: str) -> Values | None:
    for field in (name, f"{name}_log", f"sample_{name}"):
        found = quantity(child(sample.node, field))
        if found is not None:
            return found
    for environment in sample.of("NXenvironment", "NXsensor"):
        for part in (environment, *environment.of("NXsensor", "NXlog")):
            if name in part.name.lower() or name in (text(part.node, "measurement") or "").lower():
                found = quantity(part.node)
                if found is not None:
                    return found
    return None


def _rows(name: str, found: Values | None) -> Iterator[Parameter]:
    if found is None:
        return
    values, unit = found
    unit = "degC" if unit == "C" and "temperature" in name else unit
    low, high = float(values.min()), float(values.max())
    if low == high:
        yield Parameter(name, low, unit)
        return
    yield Parameter(name, _rounded(float(np.median(values))), unit)
    yield Parameter(f"{name}_min", low, unit)
    yield Parameter(f"{name}_max", high, unit)


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")


def _energy(wavelength: Values, probe: str | None) -> Values | None:
    metres = _converted(wavelength, "m")
    if metres is None or probe not in {XRAY, NEUTRON} or not (metres > 0).all():
        return None
    if probe == XRAY:
        return _calculated(_PHOTON_EV_METRE / metres / 1e3), "keV"
    return _calculated(_NEUTRON_EV_METRE2 / metres**2 * 1e3), "meV"


def _wavelength(energy: Values, probe: str | None) -> Values | None:
    volts = _converted(energy, "eV")
    if volts is None or probe not in {XRAY, NEUTRON} or not (volts > 0).all():
        return None
    metres = _PHOTON_EV_METRE / volts if probe == XRAY else np.sqrt(_NEUTRON_EV_METRE2 / volts)
    return _calculated(metres * 1e10), "angstrom"


def _calculated(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nine digits of a derived quantity: more than any beamline knows, and no noise behind them."""
    return np.array([_rounded(value) for value in values.tolist()])


def _converted(found: Values, unit: str) -> NDArray[np.float64] | None:
    factor = convert(1.0, found[1], unit) if found[1] else None
    return None if factor is None else found[0] * factor


def _stated(entry: Part, fields: tuple[str, ...]) -> Values | None:
    parts = [part for holder in (entry, *entry.of("NXinstrument", "NXsample")) for part in holder.of(*_BEAM_CLASSES)]
    for part in sorted(parts, key=lambda one: _BEAM_CLASSES.index(one.nx_class)):
        for field in _fields_of(part, fields):
            found = quantity(child(part.node, field))
            if found is not None:
                return found
    return None


def _fields_of(part: Part, fields: tuple[str, ...]) -> tuple[str, ...]:
    if "pump" in part.name.lower():  # a pump laser is a beam too, and not the one that is asked for
        return ()
    return tuple(one for one in fields if one == "incident_wavelength") if part.nx_class == "NXsource" else fields


def _source_words(entry: Part) -> Iterator[str]:
    for holder in (entry, *entry.of("NXinstrument")):
        for source in holder.of("NXsource"):
            if "pump" not in source.name.lower():
                yield from filter(None, (text(source.node, field) for field in ("probe", "radiation", "type")))
