"""Whose data these are and since when they are open.

The facility's own table (``facility.json`` at the root of the tree) goes before what a file says: a file is written
once, an embargo may be extended. A directory that the table names belongs to that proposal whatever the files in it
say, because the directory is what access is granted to.

Rule: open only from a readable date on. A date that is missing or unreadable leaves the data of a proposal closed. The
table may say ``public`` instead; a file that belongs to no proposal may say ``is_public``. Where nothing is said at
all, the person who makes the index decides, and without her word it stays closed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import CatalogueError
from panosc_analysis.filters import strict_json
from panosc_analysis.model import reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from panosc_analysis.catalogue.harvest import ProposalNote

__all__ = ["FACILITY_FILE", "Facility", "Proposal", "open_from", "read_facility"]

FACILITY_FILE = "facility.json"
ALWAYS = 0.0  # open since 1970: for data that are open without a date


@dataclass(frozen=True, slots=True)
class Proposal:
    """One row of the facility's table.

    Parameters
    ----------
    id
        For example ``hc-5001``.
    title
        What it is about.
    directory
        Relative to the root; ``None`` where the table does not say.
    release_date
        As written; ``None`` for none.
    public
        Open now, whatever the date.
    members
        Account names.
    """

    id: str
    title: str = ""
    directory: str | None = None
    release_date: str | None = None
    public: bool = False
    members: tuple[str, ...] = ()

    @property
    def open_from(self) -> float | None:
        """Moment from which everybody may see these data, in seconds since 1970; ``None`` for never."""
        return ALWAYS if self.public else _seconds(reading.date(self.release_date))


@dataclass(frozen=True, slots=True)
class Facility:
    """The facility's table; empty where there is none.

    Parameters
    ----------
    name
        ``None`` where it is not said.
    proposals
        By identifier in lower case.
    fingerprint
        Changes when the table does.
    """

    name: str | None = None
    proposals: Mapping[str, Proposal] = field(default_factory=dict)
    fingerprint: str = ""

    def proposal_of(self, path: str, claimed: str | None) -> Proposal | None:
        """Find the proposal of a file by its directory, else by what it claims; ``None`` if the table has neither."""
        holders = [one for one in self.proposals.values() if one.directory and path.startswith(f"{one.directory}/")]
        if holders:
            return max(holders, key=lambda one: len(one.directory or ""))
        return self.proposals.get((claimed or "").lower())


def open_from(note: ProposalNote, proposal: Proposal | None, public: bool | None) -> float | None:
    """Decide from when a file's dataset is open: seconds since 1970, ``None`` for closed without end.

    Parameters
    ----------
    note
        What the file says.
    proposal
        What the facility's table says.
    public
        What the maker of the index says about files that say nothing; ``False`` closes everything.
    """
    if public is False:
        return None
    if proposal is not None:
        return proposal.open_from
    if note.release_date is not None:
        return _seconds(reading.date(note.release_date))
    if note.is_public is not None:
        return ALWAYS if note.is_public and note.id is None else None
    return ALWAYS if public else None


def read_facility(root: Path, name: str | None = None, table: Path | None = None) -> Facility:
    """Read ``facility.json`` at the root of a tree; an empty table where there is none.

    Parameters
    ----------
    root
        Root of the tree.
    name
        Goes before the name in the table.
    table
        Another file than ``facility.json`` at the root; then it must be there.

    Raises
    ------
    CatalogueError
        The table is there and cannot be used: nothing is guessed about access.
    """
    path = table or root / FACILITY_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        if table is None and isinstance(error, FileNotFoundError):
            return Facility(name)
        raise _unusable(path, error.strerror or str(error)) from error
    try:
        content_table = strict_json(content)
        proposals = [_proposal(row) for row in content_table.get("proposals") or ()]
        found = reading.text(content_table.get("facility"))
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise _unusable(path, str(error)) from error
    by_id = {one.id.lower(): one for one in proposals}
    if len(by_id) != len(proposals):
        raise _unusable(path, "a proposal stands in it twice")
    return Facility(name or found, by_id, hashlib.sha256(content).hexdigest())


def _proposal(row: Mapping[str, Any]) -> Proposal:
    identifier = reading.text(row["id"])
    if not identifier:
        raise ValueError("a proposal has no identifier")
    directory = reading.text(row.get("directory"))
    return Proposal(
        id=identifier,
        title=reading.text(row.get("title")) or "",
        directory=directory.strip("/").removeprefix("./") if directory else None,
        release_date=reading.text(row.get("release_date")),
        public=row.get("public") is True,
        members=tuple(filter(None, map(reading.text, row.get("members") or ()))),
    )


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _unusable(path: Path, reason: str) -> CatalogueError:
    hint = "Mend or remove it, then index again"
    return CatalogueError(f"{path} cannot be used: {reason}", hint=hint, path=str(path))
