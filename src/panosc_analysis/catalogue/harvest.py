"""From one open file to what a catalogue says about it.

One file is one dataset, whatever number of entries it has: the search API names files and has no word for a part of
one, so two datasets in one file could not be told apart by who opens them. Titles, samples, techniques and parameters
of all entries are kept; what can be only one (instrument, proposal) is that of the default entry, or of the first that
has it.

Only what is stored in the file itself is read: a field that is a link, a view or a raw file elsewhere could publish
what is nobody's to publish.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from panosc_analysis.catalogue.beam import beam_parameters, probe_of, sample_parameters
from panosc_analysis.catalogue.fields import Part, attribute, child, date, flag, text, texts
from panosc_analysis.catalogue.links import holds_data, linked_files
from panosc_analysis.catalogue.techniques import technique_for
from panosc_analysis.model import Member, Parameter, Person, Sample, Technique
from panosc_analysis.nexus import open_file, reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Harvest", "ProposalNote", "harvest", "harvest_file"]

_HANDLE = re.compile(r"\d{2,}(\.\d+)+/[!-~]{1,200}")  # of which 10.… are the DOIs
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_TITLE = 300
_MOST_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class ProposalNote:
    """What a file says about the proposal it was measured for; dates as written.

    Parameters
    ----------
    id
        For example ``hc-5001``.
    title, summary
        Texts of the proposal.
    is_public
        ``None`` where the file does not say.
    release_date
        As written; ``None`` where there is none, so that an unreadable date is told from a missing one.
    members
        Account names.
    """

    id: str | None = None
    title: str | None = None
    summary: str | None = None
    is_public: bool | None = None
    release_date: str | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one file says about itself.

    Parameters
    ----------
    identifier
        A persistent identifier that the file claims, or a UUID; ``None`` for mere running numbers.
    title
        ``None`` where no entry has one.
    start, end
        Aware, in UTC.
    instrument, facility
        Names.
    proposal
        Who measured, and when it becomes open.
    people
        Users named in the file.
    links
        Absolute paths of files this one is made of.
    described
        Whether the file says what was measured (sample, definition, instrument, proposal); a mere data file of a
        master does not.
    holds_data
        Whether any array is stored in this file; one that only links to others holds none.
    """

    identifier: str | None = None
    title: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    instrument: str | None = None
    facility: str | None = None
    techniques: tuple[Technique, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    samples: tuple[Sample, ...] = ()
    proposal: ProposalNote = field(default_factory=ProposalNote)
    people: tuple[Member, ...] = ()
    links: tuple[str, ...] = ()
    described: bool = False
    holds_data: bool = False


def harvest_file(path: Path) -> Harvest:
    """Open a file and read its metadata; reads no detector data.

    Raises
    ------
    OpenError
        Why the file cannot be opened or read.
    LocateError
        It is not there or not readable.
    """
    with open_file(path) as file, reading(path):
        return harvest(file, path)


def harvest(file: Any, path: Path) -> Harvest:
    """Read the metadata of an open file.

    Reads fields of at most a million numbers, and never raises because a field is missing or odd. Files of other
    formats than HDF5 give an empty harvest.

    Parameters
    ----------
    file
        As `open_file` gives it.
    path
        Where the file lies, for the names of linked files.
    """
    if not hasattr(file, "visititems_links"):
        return Harvest(holds_data=True)
    found = _merged([_entry(entry) for entry in _entries(Part(file))])
    links = tuple(str(one) for one in linked_files(file, path))
    start = found.start or date(attribute(file, "file_time"))
    return replace(found, start=start, links=links, holds_data=holds_data(file))


def _entries(root: Part) -> list[Part]:
    """Entries stored in this file, the default one first; some programs nest them one level deeper."""
    found = list(root.of("NXentry"))
    if not found:
        found = [entry for part in root.of("NXroot", "") for entry in part.of("NXentry")]
    default = attribute(root.node, "default")
    return sorted(found, key=lambda part: part.name != default)[:_MOST_ENTRIES]


def _entry(entry: Part) -> Harvest:
    node = entry.node
    # An entry of canSAS's own class follows its definition, whether it says so or not.
    definition = text(node, "definition") or ("NXcanSAS" if attribute(node, "canSAS_class") == "SASentry" else None)
    probe = probe_of(entry, definition)
    technique = technique_for(definition, probe)
    samples = tuple(_samples(entry))
    instrument, facility = _instrument(entry)
    proposal = _proposal(node)
    return Harvest(
        identifier=_identifier(node),
        title=text(node, "title") or _subtitle(node),
        start=date(text(node, "start_time", "date", "run_start")),
        end=date(text(node, "end_time", "run_end")),
        instrument=instrument,
        facility=facility,
        techniques=(technique,) if technique else (),
        parameters=(*beam_parameters(entry, probe), *sample_parameters(entry)),
        samples=samples,
        proposal=proposal,
        people=tuple(_people(entry)),
        described=bool(text(node, "definition") or samples or instrument or proposal.id),
    )


def _subtitle(entry: Any) -> str | None:
    """Find what stands for a title where there is none: the scan command, the run."""
    return text(entry, "scan_command", "command", "run", "experiment_description")


def _identifier(entry: Any) -> str | None:
    for name in ("entry_identifier", "entry_identifier_uuid"):
        found = text(entry, name)
        if found and _HANDLE.fullmatch(found):
            return found
        if found and _UUID.fullmatch(found):
            return f"local/{found.lower()}"
    return None


def _instrument(entry: Part) -> tuple[str | None, str | None]:
    """Short name of the instrument and name of the facility that its source stands at."""
    name = facility = None
    for part in entry.of("NXinstrument"):
        name = name or _instrument_name(part)
        for source in part.of("NXsource"):
            facility = facility or text(source.node, "facility_name", "name")
    return name, facility


def _instrument_name(part: Part) -> str | None:
    field = child(part.node, "name")
    short = None if field is None else attribute(field, "short_name")
    own = None if "instrument" in part.name.lower() else part.name  # SOLEIL names the group after the beamline
    return short or text(part.node, "name") or own


def _samples(entry: Part) -> list[Sample]:
    found: dict[str, Sample] = {}
    for sample in (part.node for part in entry.of("NXsample")):
        name = text(sample, "name", "ID", "sample_name", "short_title", "chemical_formula")
        if name:
            found.setdefault(name, Sample(name, name, text(sample, "description", "details")))
    return list(found.values())


def _proposal(entry: Any) -> ProposalNote:
    identifier = text(entry, "experiment_identifier", "proposal_id", "proposal_identifier")
    note = child(entry, "proposal")
    if note is None or not hasattr(note, "keys"):
        return ProposalNote(identifier, summary=text(entry, "experiment_description"))
    return ProposalNote(
        id=identifier or text(note, "id", "identifier"),
        title=text(note, "title") or text(entry, "experiment_description"),
        summary=text(note, "summary", "description"),
        is_public=flag(note, "is_public"),
        release_date=text(note, "release_date") or ("" if "release_date" in note else None),
        members=texts(note, "members"),
    )


def _people(entry: Part) -> list[Member]:
    found = []
    for user in (part.node for part in entry.of("NXuser")):
        name = text(user, "name", "username")
        if name:
            orcid = text(user, "ORCID", "orcid")
            found.append(Member(role=text(user, "role"), person=Person(full_name=name, orcid=orcid)))
    return found


def _merged(parts: Sequence[Harvest]) -> Harvest:
    if not parts:
        return Harvest()
    return Harvest(
        identifier=_first(parts, "identifier"),
        title=_joined([one.title for one in parts if one.title]),
        start=min((one.start for one in parts if one.start), default=None),
        end=max((one.end for one in parts if one.end), default=None),
        instrument=_first(parts, "instrument"),
        facility=_first(parts, "facility"),
        techniques=_each_once(parts, "techniques"),
        parameters=_each_once(parts, "parameters"),
        samples=_each_once(parts, "samples"),
        proposal=next((one.proposal for one in parts if one.proposal != ProposalNote()), ProposalNote()),
        people=_each_once(parts, "people"),
        described=any(one.described for one in parts),
    )


def _joined(titles: list[str]) -> str | None:
    """Different titles one after the other, as far as a line of a table can be long."""
    several = list(dict.fromkeys(titles))
    shown = ""
    for number, title in enumerate(several):
        longer = f"{shown}; {title}" if shown else title
        if shown and len(longer) > _LONGEST_TITLE:
            return f"{shown}; and {len(several) - number} more"
        shown = longer
    return shown or None


def _first(parts: Sequence[Harvest], name: str) -> Any:
    return next((value for value in (getattr(one, name) for one in parts) if value), None)


def _each_once(parts: Sequence[Harvest], name: str) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for one in parts for value in getattr(one, name)))
