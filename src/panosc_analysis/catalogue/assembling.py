"""What is written into the index about the datasets and documents that the files of a tree make up.

Works on what the files said when they were read; opens nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from panosc_analysis.catalogue.embargo import open_from
from panosc_analysis.catalogue.packing import unpack
from panosc_analysis.catalogue.records import ListedFile, dataset_record, document_record, local_pid
from panosc_analysis.catalogue.roles import FileRow, file_rows, owners
from panosc_analysis.catalogue.writing import DatasetRow, DocumentRow, write_dataset, write_document

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from panosc_analysis.catalogue.embargo import Facility
    from panosc_analysis.catalogue.harvest import Harvest
    from panosc_analysis.model import Dataset

__all__ = ["assemble"]

_FILES_ASKED_ABOUT_A_PROPOSAL = 200


def assemble(
    connection: sqlite3.Connection, paths: set[str], facility: Facility, public: bool | None
) -> tuple[set[int], set[int]]:
    """Write the roles, datasets and documents of the given files anew; return the numbers of those touched.

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
    datasets = {number for number, _ in ids.values()}
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
        number, proposal = _write_dataset(
            connection, number, pid, unpack(row.harvest or "{}"), listed, facility, public
        )
        datasets.add(number)
        touched |= {proposal} if proposal else set()
    parts = {path for files in owned.values() for path in files}
    for path, row in rows.items():
        if path not in owned:
            # Frames of a format of their own belong to the file that names them; a damaged HDF5 file is no use to it.
            is_part = path in parts and (row.harvest is not None or row.error == "NotAnHDF5File")
            _set_role(connection, path, "part" if is_part else "refused", None)
    documents = {_write_document(connection, identifier, facility) for identifier in sorted(touched)}
    return datasets, documents - {0}


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
        connection.execute("DELETE FROM belongs WHERE dataset = ?", row[:1])
        connection.execute("DELETE FROM dataset WHERE id = ?", row[:1])
    return found


def _write_dataset(
    connection: sqlite3.Connection,
    number: int | None,
    pid: str,
    harvest: Harvest,
    files: list[ListedFile],
    facility: Facility,
    public: bool | None,
) -> tuple[int, str | None]:
    """Insert one dataset; return its number, and the identifier of its proposal in lower case."""
    record = dataset_record(pid, harvest, files, facility)
    proposal = facility.proposal_of(files[0].path, harvest.proposal.id)
    row = DatasetRow(
        path=files[0].path,
        ended=_seconds(harvest.end or harvest.start),
        open_from=open_from(harvest.proposal, proposal, public),
        proposal=(proposal.id if proposal else harvest.proposal.id or "").lower() or None,
        words=_words(record, harvest),
    )
    table = record.to_json()
    for one in table.get("techniques", ()):
        one["panetId"] = one["pid"]  # both names are in use for a technique's PaNET term
    return write_dataset(connection, table, row, number), row.proposal


def _words(record: Dataset, harvest: Harvest) -> str:
    """Everything that a person may type to find a dataset, beside its title, and what it shares with others."""
    texts = [text for one in record.samples for text in (one.name, one.description or "")]
    texts += [str(one.value) for one in record.parameters if isinstance(one.value, str)]
    texts += [one.path or "" for one in record.files[:1]]
    texts += [one.person.full_name for one in harvest.people if one.person]
    texts += [] if harvest.proposal.id is None else [harvest.proposal.id]
    return "\n".join(text for text in texts if text)


def _write_document(connection: sqlite3.Connection, identifier: str, facility: Facility) -> int:
    """Write the document of a proposal anew; remove it if no dataset is left. Return its number, 0 for none."""
    count, start, end, opened = connection.execute(
        "SELECT count(*), min(created), max(ended), min(open_from) FROM dataset WHERE proposal = ?", (identifier,)
    ).fetchone()
    (number,) = connection.execute("SELECT id FROM document WHERE proposal = ?", (identifier,)).fetchone() or (None,)
    connection.execute("DELETE FROM document WHERE id = ?", (number,))
    if not count:
        connection.execute("DELETE FROM belongs WHERE document = ?", (number,))
        return number or 0
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
    number = write_document(connection, record.to_json(), DocumentRow(identifier, opened, name), number)
    connection.execute(
        "INSERT OR IGNORE INTO belongs SELECT id, ? FROM dataset WHERE proposal = ?", (number, identifier)
    )
    return number


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
