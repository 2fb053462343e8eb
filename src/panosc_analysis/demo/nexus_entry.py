"""The part that every file of the demo facility shares: who measured what, where, when, on which sample.

A file is one ``/entry`` with the fields that catalogues read (`scan_file` writes them); the technique modules add their
detector and their plots. Nothing written here depends on the clock or on the machine.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import h5py

from panosc_analysis.nexus import create_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime, timedelta
    from pathlib import Path

__all__ = [
    "FACILITY_NAME",
    "Instrument",
    "Proposal",
    "Sample",
    "ScanHeader",
    "Source",
    "add_field",
    "add_group",
    "link",
    "mark_plot",
    "scan_file",
    "set_default",
]

FACILITY_NAME: Final = "PaNOSC demo facility"
PROGRAM: Final = "panosc-analysis demo-facility"
PID_PREFIX: Final = "10.5072/demo"
KEV_ANGSTROM: Final = 12.398419843320026  # h c


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal: who may see its data, and from when everybody may.

    Parameters
    ----------
    id
        Short name, also the name of its directory.
    title
        What the experiment is about.
    release_date
        First day on which the data are open.
    public
        Whether that day has come.
    members
        Names of the accounts that belong to it.
    """

    id: str
    title: str
    release_date: date
    public: bool
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """What makes the radiation, in NXsource's words."""

    name: str
    type: str
    probe: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One beamline or neutron instrument."""

    name: str
    short_name: str
    source: Source


@dataclass(frozen=True, slots=True)
class Sample:
    """What was in the beam; `temperature` in kelvin."""

    name: str
    chemical_formula: str
    temperature: float
    description: str = ""


@dataclass(frozen=True, slots=True)
class ScanHeader:
    """What every file says about itself.

    Parameters
    ----------
    proposal, instrument, sample
        Whose, where, of what.
    number
        Running number within the proposal; makes the PID.
    stem
        File name without its suffix.
    title
        What a person would write into the logbook.
    definition
        NeXus application definition.
    start, duration
        When (with UTC offset) and how long.
    energy
        Photon energy in keV; ``None`` where the scan varies it, and for neutrons.
    """

    proposal: Proposal
    number: int
    stem: str
    title: str
    definition: str
    instrument: Instrument
    sample: Sample
    start: datetime
    duration: timedelta
    energy: float | None = None

    @property
    def pid(self) -> str:
        """Persistent identifier under the prefix that DataCite keeps for tests."""
        return f"{PID_PREFIX}/{self.proposal.id}-{self.number}"

    @property
    def folder(self) -> str:
        """``proposal/beamline/YYYYMMDD``, relative to the facility."""
        return f"{self.proposal.id}/{self.instrument.short_name}/{self.start:%Y%m%d}"

    @property
    def wavelength(self) -> float | None:
        """Wavelength in ångström that belongs to `energy`."""
        return KEV_ANGSTROM / self.energy if self.energy else None


@contextmanager
def scan_file(path: Path, header: ScanHeader) -> Iterator[h5py.Group]:
    """Make a new file and give its entry, which already says all that `header` knows.

    The caller adds the detector and the plots and calls `set_default`. The file is closed on leaving.

    Raises
    ------
    PanoscError
        The file exists or cannot be made.
    """
    with create_file(path) as file:
        entry = bare_entry(file)
        _write_identity(entry, header)
        _write_proposal(entry, header.proposal)
        _write_instrument(entry, header)
        _write_sample(entry, header.sample)
        yield entry


def bare_entry(file: Any) -> h5py.Group:
    """Make ``/entry`` and nothing in it, as a detector's data files have it."""
    file.attrs["NX_class"] = "NXroot"
    file.attrs["creator"] = PROGRAM
    file.attrs["default"] = "entry"
    return add_group(file, "entry", "NXentry")


def add_group(parent: h5py.Group, name: str, nx_class: str, /, **fields: Any) -> h5py.Group:
    """Make a NeXus group and its `fields` without units."""
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    for key, value in fields.items():
        add_field(group, key, value)
    return group


def add_field(group: h5py.Group, name: str, value: Any, units: str = "", **attributes: str) -> h5py.Dataset:
    """Make a small dataset: text as UTF-8, a sequence of texts as an array of UTF-8, numbers as they are."""
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        dataset = group.create_dataset(name, data=list(value), dtype=h5py.string_dtype())
    else:
        dataset = group.create_dataset(name, data=value)
    if units:
        dataset.attrs["units"] = units
    dataset.attrs.update(attributes)
    return dataset


def link(group: h5py.Group, name: str, target: str) -> None:
    """Make a soft link to `target`, a path from the root of the same file."""
    group[name] = h5py.SoftLink(target)


def mark_plot(
    group: h5py.Group,
    signal: str,
    axes: Sequence[str],
    *,
    title: str = "",
    auxiliary: Sequence[str] = (),
    log: bool = False,
) -> None:
    """Say what an NXdata group plots.

    `axes` has one name per dimension of the signal, ``"."`` where there is none. With `log`, both spellings of the axis
    scale are written into ``@SILX_style``: silx reads ``axes_scale_types``, h5web ``axes_scale_type``.
    """
    group.attrs["signal"] = signal
    group.attrs.create("axes", list(axes), dtype=h5py.string_dtype())
    if auxiliary:
        group.attrs.create("auxiliary_signals", list(auxiliary), dtype=h5py.string_dtype())
    if title:
        add_field(group, "title", title)
    if log:
        linear = ["linear"] * len(axes)
        style = {"axes_scale_type": linear, "axes_scale_types": linear, "signal_scale_type": "log"}
        group.attrs["SILX_style"] = json.dumps(style)


def set_default(plot: h5py.Group) -> None:
    """Let ``@default`` lead from the entry to `plot`, one of its children."""
    plot.parent.attrs["default"] = plot.name.rpartition("/")[2]


def _write_identity(entry: h5py.Group, header: ScanHeader) -> None:
    end = header.start + header.duration
    fields = {
        "title": header.title,
        "definition": header.definition,
        "start_time": header.start.isoformat(),
        "end_time": end.isoformat(),
        "entry_identifier": header.pid,
        "experiment_identifier": header.proposal.id,
        "experiment_description": header.proposal.title,
        "program_name": PROGRAM,
    }
    for name, text in fields.items():
        add_field(entry, name, text)
    add_field(entry, "duration", header.duration.total_seconds(), "s")
    for index, member in enumerate(header.proposal.members, start=1):
        role = "principal_investigator" if index == 1 else "proposer"
        add_group(entry, f"user_{index}", "NXuser", name=member.capitalize(), facility_user_id=member, role=role)


def _write_proposal(entry: h5py.Group, proposal: Proposal) -> None:
    add_group(
        entry,
        "proposal",
        "NXcollection",
        title=proposal.title,
        is_public=proposal.public,
        release_date=proposal.release_date.isoformat(),
        members=proposal.members,
    )


def _write_instrument(entry: h5py.Group, header: ScanHeader) -> None:
    instrument = add_group(entry, "instrument", "NXinstrument")
    add_field(instrument, "name", header.instrument.name, short_name=header.instrument.short_name)
    source = header.instrument.source
    add_group(instrument, "source", "NXsource", name=source.name, type=source.type, probe=source.probe)
    if header.energy is None or header.wavelength is None:
        return
    beam = add_group(instrument, "beam", "NXbeam")
    add_field(beam, "incident_energy", header.energy, "keV")
    add_field(beam, "incident_wavelength", header.wavelength, "angstrom")
    monochromator = add_group(instrument, "monochromator", "NXmonochromator")
    add_field(monochromator, "energy", header.energy, "keV")
    add_field(monochromator, "wavelength", header.wavelength, "angstrom")


def _write_sample(entry: h5py.Group, sample: Sample) -> None:
    group = add_group(entry, "sample", "NXsample", name=sample.name, chemical_formula=sample.chemical_formula)
    add_field(group, "temperature", sample.temperature, "K")
    if sample.description:
        add_field(group, "description", sample.description)
