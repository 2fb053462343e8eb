"""From a tree of files to an index: read what is new, forget what is gone, leave the rest alone."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from panosc_analysis.catalogue.apart import PATIENCE, Said, reading
from panosc_analysis.catalogue.assembling import assemble
from panosc_analysis.catalogue.collecting import update_columns
from panosc_analysis.catalogue.embargo import read_facility
from panosc_analysis.catalogue.roles import connected
from panosc_analysis.catalogue.schema import known_files, new_version, only_one, read_meta, write_meta
from panosc_analysis.catalogue.walking import FoundFile, Refusal, below, files_below
from panosc_analysis.errors import CatalogueError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

__all__ = ["IndexReport", "Progress", "Refusal", "build_index"]

# Permissions, writers and plugins come and go without a trace in the file itself, so these are tried again.
_PASSING = frozenset(
    {"FileBeingWritten", "FileNotHere", "FilterPluginMissing", "NotYours", "OpenError", "SourceMissing"}
)
# What lies beside data and holds none; not opened.
_NO_DATA = frozenset(
    ".cfg .css .csv .db .gif .html .ini .ipynb .jpeg .jpg .js .json .log .md .mp4 .pdf .png .poni .py .rst .sh "
    ".sqlite .svg .tar .toml .txt .xlsx .xml .yaml .yml .zip".split()
)


class Progress(Protocol):
    """A function that is told how many files are read, of how many."""

    def __call__(self, done: int, total: int | None, what: str = "", /) -> None:  # noqa: D102  the class says it
        ...


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one run did.

    Parameters
    ----------
    added, updated, unchanged, removed
        Numbers of files, refused ones included. Files that did not change were not opened.
    refused
        Every file that is in no dataset now, with the reason.
    passed_over
        Files that by their names hold no data (notes, tables, pictures); not opened.
    datasets
        Number of datasets in the index now.
    seconds
        How long it took.
    """

    added: int
    updated: int
    unchanged: int
    removed: int
    refused: tuple[Refusal, ...]
    passed_over: tuple[str, ...]
    datasets: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Changes:
    """Files of the tree against files of the index."""

    added: list[FoundFile]
    updated: list[FoundFile]
    again: list[FoundFile]
    gone: list[str]
    unchanged: int


def build_index(
    root: Path,
    index: Path,
    *,
    facility: str | None = None,
    public: bool | None = None,
    proposals: Path | None = None,
    only: Sequence[Path] = (),
    patience: float = PATIENCE,
    progress: Progress | None = None,
) -> IndexReport:
    """Make the index of a tree of data files, or bring it up to date.

    Opens only files that are new or changed (in size or time of change), in processes of their own, a few hundred in a
    second. The finished index replaces the old one in one step; until then, and if this fails, the old one is served.

    Parameters
    ----------
    root
        The tree. ``facility.json`` in it names proposals, members and release dates.
    index
        The index file; may lie in the tree.
    facility
        Name of the facility; goes before that in ``facility.json`` and in the files.
    public
        Whether files that say nothing about access are open. ``None`` and ``False`` leave them closed, ``False`` closes
        everything. An embargo that is stated, or stated unreadably, is never lifted by this.
    proposals
        Table of proposals to use instead of ``facility.json`` in the tree.
    only
        Directories and files below the root that may have changed; the rest of the tree is not looked at. For a visit
        that has just ended, where walking through all files would take longer than reading the new ones.
    patience
        Seconds that reading one file may take.
    progress
        Told after each file that was read.

    Raises
    ------
    CatalogueError
        There is no such tree, ``facility.json`` cannot be used, or the index cannot be written.
    """
    started = time.perf_counter()
    root, index = Path(root).expanduser(), Path(index).expanduser()
    if not root.is_dir():
        raise CatalogueError(f"There is no directory {root}", hint="Name the directory that holds the data files")
    table = read_facility(root, facility, proposals)
    places = below(root, only)
    found, refused = _walked(root, index, places)
    with only_one(index):
        changes = _changes(index, found, places)
        files = [*changes.added, *changes.updated, *changes.again]
        real = Path(os.path.realpath(root))
        wanted = [one.path for one in files if _may_hold_data(one)]
        # The processes start reading while the index is being copied.
        with reading(real, wanted, patience) as said, new_version(index) as (connection, is_new):
            touched = {one.path for one in files} | {*changes.gone}
            before = set() if is_new else connected(connection, touched)
            _forget(connection, touched)
            _store(connection, real, files, said, progress)
            basis = f"{table.fingerprint}/{table.name}/{public}"
            is_other = read_meta(connection, "basis") != basis
            affected = _all(connection) | touched if is_other else connected(connection, touched | before)
            if affected:
                update_columns(connection, *assemble(connection, affected, table, public))
            write_meta(connection, "basis", basis)
            return _report(connection, changes, refused, started)


def _walked(root: Path, index: Path, places: tuple[str, ...]) -> tuple[dict[str, FoundFile], list[Refusal]]:
    found, refused = {}, []
    for one in files_below(root, frozenset({os.path.realpath(index)}), places):
        if isinstance(one, Refusal):
            refused.append(one)
        else:
            found[one.path] = one
    return found, refused


def _changes(index: Path, found: dict[str, FoundFile], places: tuple[str, ...]) -> _Changes:
    """Compare the files that are there with those of the index as it is, if there is one of this version."""
    added, updated, again, gone, unchanged = dict(found), [], [], [], 0
    for path, size, mtime_ns, error in known_files(index, places):
        one = added.pop(path, None)
        if one is None:
            gone.append(path)
        elif (one.size, one.mtime_ns) != (size, mtime_ns):
            updated.append(one)
        else:
            unchanged += 1
            if error in _PASSING:
                again.append(one)
    return _Changes(list(added.values()), updated, again, gone, unchanged)


def _forget(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    for path in paths:
        connection.execute("DELETE FROM file WHERE path = ?", (path,))
        connection.execute("DELETE FROM link WHERE source = ?", (path,))


def _may_hold_data(file: FoundFile) -> bool:
    return Path(file.path).suffix.lower() not in _NO_DATA


def _store(
    connection: sqlite3.Connection,
    root: Path,
    files: list[FoundFile],
    said: Iterable[Said],
    progress: Progress | None,
) -> None:
    """Keep what files say, or why they could not be read."""
    answers = iter(said)
    for done, file in enumerate(files, start=1):
        one = next(answers) if _may_hold_data(file) else Said(file.path)
        row = (one.harvest, one.described, one.holds_data, one.identifier, one.error, one.reason)
        role = None if _may_hold_data(file) else "passed over"
        connection.execute(
            "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (file.path, file.size, file.mtime_ns, *row, role)
        )
        targets = [os.path.relpath(link, root) for link in one.links if Path(link).is_relative_to(root)]
        links = [(file.path, target, position) for position, target in enumerate(targets)]
        connection.executemany("INSERT OR IGNORE INTO link VALUES (?, ?, ?)", links)
        if progress is not None:
            progress(done, len(files), "files")


def _all(connection: sqlite3.Connection) -> set[str]:
    return {str(path) for (path,) in connection.execute("SELECT path FROM file")}


def _report(connection: sqlite3.Connection, changes: _Changes, unwalked: list[Refusal], started: float) -> IndexReport:
    rows = connection.execute("SELECT path, reason FROM file WHERE role = 'refused'")
    refused = [*unwalked, *(Refusal(path, reason or "") for path, reason in rows)]
    passed = connection.execute("SELECT path FROM file WHERE role = 'passed over' ORDER BY path")
    return IndexReport(
        added=len(changes.added),
        updated=len(changes.updated),
        unchanged=changes.unchanged,
        removed=len(changes.gone),
        refused=tuple(sorted(refused, key=lambda one: one.path)),
        passed_over=tuple(str(path) for (path,) in passed),
        datasets=connection.execute("SELECT count(*) FROM dataset").fetchone()[0],
        seconds=time.perf_counter() - started,
    )
