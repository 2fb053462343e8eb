"""The index file: one SQLite database, made aside and renamed in, read without locks.

A finished index is never written to again: bringing it up to date makes a copy, changes that, and renames it over the
old one. A crash leaves the old index as it was; who has it open goes on reading the old one; a reader needs no right to
write anywhere.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from panosc_analysis.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FORMAT", "known_files", "new_version", "only_one", "open_index", "read_meta", "write_meta"]

_FICLONE = 0x40049409  # Linux: let one file share the other one's blocks

_FORMATS = "panosc-analysis catalogue "
FORMAT = f"{_FORMATS}3"

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;

-- Every file of the tree, with what it says about itself.
CREATE TABLE file (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    harvest TEXT, described INTEGER, holds_data INTEGER, identifier TEXT,  -- of one that was read
    error TEXT, reason TEXT,                                               -- of one that was not
    role TEXT                                                              -- dataset, part, refused, passed over
);
CREATE INDEX file_identifier ON file (identifier) WHERE identifier IS NOT NULL;
CREATE INDEX file_role ON file (role, path) WHERE role != 'dataset';
CREATE TABLE link (source TEXT, target TEXT, position INTEGER, PRIMARY KEY (source, target)) WITHOUT ROWID;
CREATE INDEX link_target ON link (target);

-- The records. What they are selected by stands in the columns.
CREATE TABLE dataset (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE, pid TEXT NOT NULL UNIQUE, pid_key TEXT NOT NULL, title TEXT NOT NULL,
    created REAL, ended REAL, open_from REAL, proposal TEXT, words TEXT NOT NULL,
    record BLOB NOT NULL  -- see storing.py
);
CREATE INDEX dataset_pid_key ON dataset (pid_key);
CREATE INDEX dataset_title ON dataset (title);
CREATE INDEX dataset_proposal ON dataset (proposal);
CREATE TABLE document (
    id INTEGER PRIMARY KEY, pid TEXT NOT NULL UNIQUE, pid_key TEXT NOT NULL, proposal TEXT UNIQUE, open_from REAL,
    text TEXT NOT NULL, words TEXT NOT NULL, record TEXT NOT NULL
);
CREATE INDEX document_pid_key ON document (pid_key);
CREATE TABLE instrument (id INTEGER PRIMARY KEY, pid TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
CREATE TABLE belongs (dataset INTEGER, document INTEGER, PRIMARY KEY (dataset, document)) WITHOUT ROWID;
CREATE INDEX belongs_document ON belongs (document);

-- Numbers that stand for what many datasets share, and the columns made of them (see columns.py).
CREATE TABLE term (kind TEXT, id INTEGER, value TEXT, PRIMARY KEY (kind, value)) WITHOUT ROWID;
CREATE TABLE store (name TEXT PRIMARY KEY, type TEXT NOT NULL, data BLOB NOT NULL);
"""


@contextmanager
def new_version(index: Path, *, afresh: bool = False) -> Iterator[tuple[sqlite3.Connection, bool]]:
    """Give a connection to a copy of the index (or to an empty one), and whether it is empty; rename it in at the end.

    On an exception, and where nothing was changed, the old index stays. To be used inside `only_one`. `afresh` starts
    from an empty one whatever is there.

    Raises
    ------
    CatalogueError
        The directory is not writable, or the file that is there is no index.
    """
    temporary = index.with_name(f".{index.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        is_new = not _is_of_this_version(index) or afresh
        if not is_new:
            _copy(index, temporary)
        with _written(temporary, is_new=is_new) as connection:
            before = connection.total_changes
            yield connection, is_new
            is_changed = is_new or connection.total_changes != before
        if is_changed:
            _sync(temporary)
            temporary.replace(index)
    except (OSError, sqlite3.Error) as error:
        raise CatalogueError(
            f"The index {index} cannot be written: {error}",
            hint="Choose a place that you may write to and that has space left; an older index is as it was",
            path=str(index),
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _copy(index: Path, temporary: Path) -> None:
    """Copy the index; on file systems that can, without copying what is in it."""
    with index.open("rb") as source, temporary.open("wb") as target:
        try:
            fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
        except OSError:
            shutil.copyfile(index, temporary)


def known_files(index: Path, only: tuple[str, ...] = ()) -> Iterator[tuple[str, int, int, str | None]]:
    """Give path, size, time of change and failure of the files of an index; none if there is no index of this version.

    Parameters
    ----------
    index
        The index file.
    only
        Places relative to the root; everything if there are none.
    """
    if not _is_of_this_version(index):
        return
    connection = open_index(index)
    try:
        statement = "SELECT path, size, mtime_ns, error FROM file"
        if not only:
            yield from connection.execute(statement)
        for place in only:
            # What begins with the place and a slash; the next character after the slash is 0.
            yield from connection.execute(
                f"{statement} WHERE path = ?1 OR (path > ?1 || '/' AND path < ?1 || '0')", (place,)
            )
    finally:
        connection.close()


def open_index(index: Path) -> sqlite3.Connection:
    """Open an index for reading; may be used by one thread after another.

    Raises
    ------
    CatalogueError
        It is not there, not readable, no index, or one of another version of this package.
    """
    connection, found = _opened(index)
    if found == FORMAT:
        return connection
    connection.close()
    raise CatalogueError(
        f"{index} is an index of another version of this package ({found})",
        hint="Index the data again",
        path=str(index),
    )


def _is_of_this_version(index: Path) -> bool:
    """Say whether an index can be brought up to date; one of another version of this package is made anew."""
    if not index.exists():
        return False
    connection, found = _opened(index)
    connection.close()
    return found == FORMAT


def _opened(index: Path) -> tuple[sqlite3.Connection, str]:
    """Open what must be an index of some version; anything else is somebody's and not touched."""
    try:
        uri = f"file:{quote(str(index.absolute()))}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        found = read_meta(connection, "format") or ""
        reason = "it is another database"
    except sqlite3.Error as error:
        found, reason = "", str(error)
    if found.startswith(_FORMATS):
        return connection, found
    if not index.exists():
        hint = "Make it with: panosc-analysis catalogue index DIR --index FILE"
        raise CatalogueError(f"There is no index {index}", hint=hint, path=str(index))
    hint = "Give the name of an index, or of a new file"
    raise CatalogueError(f"{index} is not an index of a catalogue ({reason})", hint=hint, path=str(index))


def read_meta(connection: sqlite3.Connection, key: str) -> str | None:
    """Read one fact about the index itself."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def write_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Write one fact about the index itself; the same value again is no change."""
    if read_meta(connection, key) != value:
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


@contextmanager
def _written(path: Path, *, is_new: bool) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # Nobody reads this file before it is renamed, so a journal would protect nothing.
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;")
        connection.execute("BEGIN")
        if is_new:
            for statement in _TABLES.split(";\n"):
                connection.execute(statement)
            write_meta(connection, "format", FORMAT)
        yield connection
        connection.execute("COMMIT")
        connection.execute("PRAGMA optimize")
    finally:
        connection.close()


@contextmanager
def only_one(index: Path) -> Iterator[None]:
    """Let no other process bring the same index up to date meanwhile.

    Raises
    ------
    CatalogueError
        Another one does, or the directory is not writable.
    """
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(index.with_name(f".{index.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CatalogueError(
            f"The index {index} cannot be made: {error.strerror}", hint="Choose a place that you may write to"
        ) from error
    try:
        _lock(lock, index)
        yield
    finally:
        os.close(lock)


def _lock(lock: int, index: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CatalogueError(
            f"Another process is bringing {index} up to date", hint="Wait for it, then try again", path=str(index)
        ) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
