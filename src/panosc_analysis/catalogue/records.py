"""From what files say to the search API's records."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from panosc_analysis.model import Dataset, Document, File, Instrument, Member, Person, reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from panosc_analysis.catalogue.embargo import Facility, Proposal
    from panosc_analysis.catalogue.harvest import Harvest, ProposalNote

__all__ = ["ListedFile", "dataset_record", "document_record", "local_pid", "proposal_pid"]


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a dataset; `size` is ``None`` for one that is named and not there."""

    path: str
    size: int | None


def local_pid(path: str) -> str:
    """Make an identifier for a file that claims none; stays the same as long as the path does."""
    return f"local/{hashlib.sha256(path.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def proposal_pid(identifier: str) -> str:
    """Make the identifier of a proposal's document; its last part is the proposal's own."""
    slug = _slug(identifier)
    mark = "" if slug == identifier.lower() else f"-{hashlib.sha256(identifier.lower().encode()).hexdigest()[:6]}"
    return f"proposal/{slug}{mark}"


def dataset_record(pid: str, harvest: Harvest, files: Sequence[ListedFile], facility: Facility) -> Dataset:
    """Make the dataset of one acquisition.

    Whether it is public is not written here: it depends on the day of the asking.

    Parameters
    ----------
    pid
        Its identifier.
    harvest
        What its (master) file says.
    files
        That file first, then those it is made of; paths relative to the root.
    facility
        Gives the facility's name where it is known.
    """
    sizes = [one.size for one in files if one.size is not None]
    return Dataset(
        pid=pid,
        title=harvest.title or _title_from(files[0].path),
        creation_date=harvest.start,
        size=sum(sizes),
        instrument=_instrument(harvest, facility),
        techniques=harvest.techniques,
        parameters=harvest.parameters,
        samples=harvest.samples,
        files=tuple(
            File(f"{pid}#{number}", one.path.rpartition("/")[2], one.path, one.size)
            for number, one in enumerate(files, start=1)
        ),
    )


def document_record(
    identifier: str,
    proposal: Proposal | None,
    notes: Sequence[ProposalNote],
    people: Iterable[Member],
    dates: tuple[datetime | None, datetime | None],
) -> Document:
    """Make the document of one proposal from the facility's table, its files, or both.

    Parameters
    ----------
    identifier
        Of the proposal.
    proposal
        Its row in the facility's table.
    notes
        What its files say about it, oldest first.
    people
        Users named in its files.
    dates
        Start of its first and end of its last dataset.
    """
    first = next((note for note in notes if note.title), notes[0] if notes else None)
    accounts = proposal.members if proposal else tuple(m for note in notes for m in note.members)
    named = tuple(dict.fromkeys(people)) or tuple(
        Member(role="member", person=Person(full_name=account)) for account in dict.fromkeys(accounts)
    )
    release = proposal.release_date if proposal else next((n.release_date for n in notes if n.release_date), None)
    return Document(
        pid=proposal_pid(identifier),
        type="proposal",
        title=(proposal.title if proposal else "") or (first.title if first else None) or f"Proposal {identifier}",
        summary=first.summary if first else None,
        start_date=dates[0],
        end_date=dates[1],
        release_date=reading.date(release),
        keywords=(identifier,),
        members=named,
    )


def _instrument(harvest: Harvest, facility: Facility) -> Instrument | None:
    if not harvest.instrument:
        return None
    at = facility.name or harvest.facility or ""
    return Instrument("/".join(_slug(part) for part in (at or "local", harvest.instrument)), harvest.instrument, at)


def _title_from(path: str) -> str:
    return path.rpartition("/")[2]


def _slug(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text.lower()).strip("-") or "x"
