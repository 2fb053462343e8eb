"""Which files are datasets of their own and which belong to one.

A file belongs to another that links to it, unless it says itself what was measured: a detector's data files belong to
their master file, the raw file behind a processed one does not. Works on what the index knows and opens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

__all__ = ["FileRow", "connected", "file_rows", "owners"]


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file as the index knows it; `harvest` is ``None`` for one that could not be read."""

    path: str
    size: int
    harvest: str | None
    described: bool
    holds_data: bool
    identifier: str | None
    error: str | None
    targets: list[str]


def connected(connection: sqlite3.Connection, paths: Iterable[str]) -> set[str]:
    """Find all files whose role or identifier may depend on the given ones.

    That is: linked to or from them, or claiming the same identifier, and so on from these.
    """
    found = set(paths)
    frontier = list(found)
    while frontier:
        path = frontier.pop()
        neighbours = connection.execute(
            "SELECT target FROM link WHERE source = ?1 UNION SELECT source FROM link WHERE target = ?1 UNION "
            "SELECT other.path FROM file one JOIN file other ON other.identifier = one.identifier WHERE one.path = ?1",
            (path,),
        )
        new = {str(one) for (one,) in neighbours} - found
        found |= new
        frontier.extend(new)
    return found


def file_rows(connection: sqlite3.Connection, paths: set[str]) -> dict[str, FileRow]:
    """Read what the index knows about the given files; those that are gone or passed over are left out."""
    found = {}
    for path in sorted(paths):
        row = connection.execute(
            "SELECT path, size, harvest, described, holds_data, identifier, error FROM file "
            "WHERE path = ? AND role IS NOT 'passed over'",
            (path,),
        ).fetchone()
        if row is not None:
            targets = connection.execute("SELECT target FROM link WHERE source = ? ORDER BY position", (path,))
            values: list[Any] = [*row, [str(one) for (one,) in targets]]
            found[path] = FileRow(*values)
    return found


def owners(rows: dict[str, FileRow]) -> dict[str, list[str]]:
    """Find the files that are datasets, each with the files it is made of in the order of its links.

    Files that were named and are not there are among the latter. Files that link to each other in a circle belong to
    the first of them.
    """
    readable = {path: row for path, row in rows.items() if row.harvest is not None}
    linked = {target for path, row in readable.items() for target in row.targets if target != path}
    parts = {path for path, row in readable.items() if path in linked and not row.described}
    owned = {path: _reached(rows, path, parts) for path in readable if path not in parts}
    in_circles = parts - {one for files in owned.values() for one in files}
    while in_circles:
        first = min(in_circles)
        owned[first] = _reached(rows, first, parts)
        in_circles -= {first, *owned[first]}
    return owned


def _reached(rows: dict[str, FileRow], start: str, parts: set[str]) -> list[str]:
    """Parts, unreadable and missing files that a file leads to, in the order of its links."""
    found: dict[str, None] = {}
    waiting = list(reversed(rows[start].targets))
    while waiting:
        path = waiting.pop()
        is_dataset = path in rows and rows[path].harvest is not None and path not in parts
        if path == start or path in found or is_dataset:
            continue
        found[path] = None
        waiting.extend(reversed(rows[path].targets if path in rows else []))
    return list(found)
