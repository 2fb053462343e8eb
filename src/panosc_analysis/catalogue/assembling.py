"""What is written into the index about the datasets and documents that the files of a tree make up.

Works on what the files said when they were read; opens nothing.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from panosc_analysis.catalogue.embargo import open_from
from panosc_analysis.catalogue.packing import unpack
from panosc_analysis.catalogue.records import ListedFile, dataset_record, document_record, local_pid
from panosc_analysis.catalogue.roles import FileRow, file_rows, owners
from panosc_analysis.filters.patterns import folded
from panosc_analysis.model import Dataset, Document, pid_key
from panosc_analysis.search import panet

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from panosc_analysis.catalogue.embargo import Facility, Proposal
    from panosc_analysis.catalogue.harvest import Harvest

__all__ = ["assemble"]

_FILES_ASKED_ABOUT_A_PROPOSAL = 200


def assemble(connection: sqlite3.Connection, paths: set[str], facility: Facility, public: bool | None) -> None:
    """Write the roles, datasets and documents of the given files anew.

    Parameters
    ----------
    connection
        An index that is being made.
    paths
        A set that is closed under `panosc_analysis.catalogue.roles.connected`; files that are gone may be in it.
    facility, public
        Who owns the data and what is open, see `panosc_analysis.catalogue.embargo`.
    """
    rows = file_rows(connection, paths)
    ids = _forget(connection, paths)
    touched = {proposal for _, proposal in ids.values() if proposal}
    owned = owners(rows)
    claims = _claims(rows[path] for path in owned)
    for path in sorted(owned):
        row = rows[path]
        if not row.holds_data and not owned[path]:
            reason = "it holds nothing but links to other files" if row.targets else "it holds no data"
            _set_role(connection, path, "refused", reason)
            continue
        _set_role(connection, path, "dataset", None)
        pid = row.identifier if row.identifier and claims[row.identifier] == path else local_pid(path)
        listed = [ListedFile(path, row.size), *(_listed(rows, one) for one in owned[path])]
        number = ids.get(path, (None, None))[0]
        proposal = _write_dataset(connection, number, pid, unpack(row.harvest or "{}"), listed, facility, public)
        touched |= {proposal} if proposal else set()
    parts = {path for files in owned.values() for path in files}
    for path, row in rows.items():
        if path not in owned:
            # Frames of a format of their own belong to the file that names them; a damaged HDF5 file is no use to it.
            is_part = path in parts and (row.harvest is not None or row.error == "NotAnHDF5File")
            _set_role(connection, path, "part" if is_part else "refused", None)
    for identifier in sorted(touched):
        _write_document(connection, identifier, facility)
    _sweep(connection)


def _claims(rows: Iterable[FileRow]) -> dict[str, str]:
    """Which file has the right to an identifier that several claim: the first by its path."""
    found: dict[str, str] = {}
    for row in rows:
        if row.identifier:
            found[row.identifier] = min(row.path, found.get(row.identifier, row.path))
    return found


def _listed(rows: dict[str, FileRow], path: str) -> ListedFile:
    return ListedFile(path, rows[path].size if path in rows else None)


def _set_role(connection: sqlite3.Connection, path: str, role: str, reason: str | None) -> None:
    connection.execute(
        "UPDATE file SET role = ?2, reason = coalesce(?3, CASE WHEN harvest IS NULL THEN reason END) WHERE path = ?1",
        (path, role, reason),
    )


def _forget(connection: sqlite3.Connection, paths: set[str]) -> dict[str, tuple[int, str | None]]:
    """Remove the datasets of these files; return their row numbers and proposals."""
    found = {}
    for path in paths:
        row = connection.execute("SELECT id, proposal FROM dataset WHERE path = ?", (path,)).fetchone()
        if row is None:
            continue
        found[path] = row
        for statement in (
            "DELETE FROM technique WHERE dataset = ?",
            "DELETE FROM parameter WHERE dataset = ?",
            "DELETE FROM words WHERE rowid = ?",
            "DELETE FROM dataset WHERE id = ?",
        ):
            connection.execute(statement, row[:1])
    return found


def _write_dataset(
    connection: sqlite3.Connection,
    number: int | None,
    pid: str,
    harvest: Harvest,
    files: list[ListedFile],
    facility: Facility,
    public: bool | None,
) -> str | None:
    """Insert one dataset; return the identifier of its proposal in lower case."""
    record = dataset_record(pid, harvest, files, facility)
    proposal = facility.proposal_of(files[0].path, harvest.proposal.id)
    identifier = (proposal.id if proposal else harvest.proposal.id or "").lower() or None
    instrument = record.instrument
    cursor = connection.execute(
        "INSERT INTO dataset VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, files[0].path, pid, pid_key(pid), folded(record.title), _seconds(harvest.start),
            _seconds(harvest.end or harvest.start), record.size, open_from(harvest.proposal, proposal, public),
            identifier, instrument.pid if instrument else None, _json(record),
        ),
    )  # fmt: skip
    number = cursor.lastrowid
    if instrument:
        row = (instrument.pid, json.dumps(instrument.to_json()))
        connection.execute("INSERT OR REPLACE INTO instrument VALUES (?, ?)", row)
    for technique in record.techniques:
        row = (technique.pid, json.dumps(technique.to_json()))
        connection.execute("INSERT OR IGNORE INTO technique VALUES (?, ?)", (technique.pid, number))
        connection.execute("INSERT OR REPLACE INTO technique_name VALUES (?, ?)", row)
    parameters = [(one.name, one.unit, one.value, number) for one in record.parameters]
    connection.executemany("INSERT INTO parameter VALUES (?, ?, ?, ?)", parameters)
    connection.executemany("INSERT OR IGNORE INTO unit_in_use VALUES (?, ?)", [one[:2] for one in parameters])
    words = _words(record, harvest, proposal)
    connection.execute("INSERT INTO words (rowid, title, rest) VALUES (?, ?, ?)", (number, record.title, words))
    return identifier


def _words(record: Dataset, harvest: Harvest, proposal: Proposal | None) -> str:
    """Everything beside the title that a person may type to find a dataset."""
    texts = [record.instrument.name, record.instrument.facility] if record.instrument else []
    texts += [name for one in record.techniques for name in panet.names(one.pid)]
    texts += [text for one in record.samples for text in (one.name, one.description or "")]
    texts += [str(one.value) for one in record.parameters if isinstance(one.value, str)]
    texts += [one.path or "" for one in record.files[:1]]
    texts += [proposal.id, proposal.title] if proposal else [harvest.proposal.id or "", harvest.proposal.title or ""]
    texts += [one.person.full_name for one in harvest.people if one.person]
    return "\n".join(text for text in texts if text)


def _write_document(connection: sqlite3.Connection, identifier: str, facility: Facility) -> None:
    """Write the document of a proposal anew; remove it if no dataset is left."""
    count, start, end, opened = connection.execute(
        "SELECT count(*), min(created), max(ended), min(open_from) FROM dataset WHERE proposal = ?", (identifier,)
    ).fetchone()
    if not count:
        connection.execute("DELETE FROM document WHERE proposal = ?", (identifier,))
        return
    packed = connection.execute(
        "SELECT harvest FROM file JOIN dataset USING (path) WHERE dataset.proposal = ? ORDER BY created, path LIMIT ?",
        (identifier, _FILES_ASKED_ABOUT_A_PROPOSAL),
    )
    harvests = [unpack(text) for (text,) in packed]
    proposal = facility.proposals.get(identifier)
    name = proposal.id if proposal else next((h.proposal.id for h in harvests if h.proposal.id), identifier)
    people = (member for harvest in harvests for member in harvest.people)
    dates = (_moment(start), _moment(end))
    record = document_record(name, proposal, [harvest.proposal for harvest in harvests], people, dates)
    number = connection.execute("SELECT id FROM document WHERE proposal = ?", (identifier,)).fetchone()
    row = (number and number[0], record.pid, pid_key(record.pid), identifier, opened, _json(record))
    connection.execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?, ?)", row)


def _sweep(connection: sqlite3.Connection) -> None:
    """Remove instruments and techniques that no dataset names any more."""
    connection.execute(
        "DELETE FROM instrument WHERE pid NOT IN (SELECT instrument FROM dataset WHERE instrument IS NOT NULL)"
    )
    connection.execute("DELETE FROM technique_name WHERE pid NOT IN (SELECT pid FROM technique)")


def _json(record: Dataset | Document) -> str:
    """Write a record; a technique's PaNET term stands under both names that are in use for it."""
    table = record.to_json()
    for one in table.get("techniques", ()):
        one["panetId"] = one["pid"]
    return json.dumps(table, ensure_ascii=False)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
