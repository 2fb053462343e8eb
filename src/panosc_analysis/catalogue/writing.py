"""Writing single records into an index that is being made, in the search API's JSON form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from panosc_analysis.catalogue.storing import packed
from panosc_analysis.filters.comparing import sort_key
from panosc_analysis.filters.patterns import folded
from panosc_analysis.model import pid_key, reading

if TYPE_CHECKING:
    import sqlite3

__all__ = ["DatasetRow", "DocumentRow", "write_dataset", "write_document", "write_instrument"]


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """What an index knows about a dataset beside its record.

    Parameters
    ----------
    path
        Its file relative to the root of the tree; ``None`` for a record that came from elsewhere.
    ended, open_from
        Seconds since 1970; `open_from` is ``None`` for never.
    proposal
        Whose members may see it whatever `open_from` says: an identifier in lower case.
    words
        What it may be found by beside its title.
    """

    path: str | None = None
    ended: float | None = None
    open_from: float | None = None
    proposal: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """What an index knows about a document beside its record; as for `DatasetRow`."""

    proposal: str | None = None
    open_from: float | None = None
    words: str = ""


def write_dataset(
    connection: sqlite3.Connection, record: dict[str, Any], row: DatasetRow, number: int | None = None
) -> int:
    """Insert one dataset and return its number; `number` asks for the one it had before."""
    pid, title = str(record["pid"]), str(record.get("title") or "")
    created = reading.date(record.get("creationDate"))
    if record.get("instrument"):
        write_instrument(connection, record["instrument"])
    stored = packed(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
    cursor = connection.execute(
        "INSERT INTO dataset VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, row.path, pid, pid_key(pid), _sorted_by(title), created and created.timestamp(), row.ended,
            row.open_from, row.proposal, row.words, stored,
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def write_document(
    connection: sqlite3.Connection, record: dict[str, Any], row: DocumentRow, number: int | None = None
) -> int:
    """Insert one document and return its number; `number` asks for the one it had before."""
    pid = str(record["pid"])
    people = (one.get("person") or {} for one in record.get("members", ()))
    own = [record.get("title"), record.get("summary"), *(record.get("keywords") or ())]
    words = "\n".join(str(one) for one in (*own, row.words, *(one.get("fullName") for one in people)) if one)
    text = folded("\n".join(str(one) for one in own[:2] if one))
    cursor = connection.execute(
        "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number, pid, pid_key(pid), row.proposal, row.open_from, text, words,
            json.dumps(record, ensure_ascii=False, separators=(",", ":")),
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def write_instrument(connection: sqlite3.Connection, record: dict[str, Any]) -> None:
    """Insert one instrument, or write its record anew."""
    connection.execute(
        "INSERT INTO instrument (pid, record) VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record",
        (str(record["pid"]), json.dumps(record, ensure_ascii=False, separators=(",", ":"))),
    )


def _sorted_by(title: str) -> str:
    """Give the text by which a title sorts: itself, unless it is a date."""
    key = sort_key(title)
    return title if key is None else str(key[1])
