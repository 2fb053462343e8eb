"""Records read from the index, with what they are related to."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from panosc_analysis.catalogue.preselection import preselected
from panosc_analysis.catalogue.relations import LEADS_TO, Kind
from panosc_analysis.catalogue.visibility import Condition, Viewer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from panosc_analysis.filters import Include

__all__ = ["KEY", "NATURAL_ORDER", "Record", "best_scores", "completed", "ranked", "selected", "total"]

Record: TypeAlias = dict[str, Any]

KEY = "_key"  # what joins a record to others: its proposal, or the identifier of an instrument; `completed` removes it
NATURAL_ORDER: dict[Kind, str] = {"Dataset": "created DESC, pid DESC", "Document": "pid", "Instrument": "pid"}

_COLUMNS: dict[Kind, str] = {
    "Dataset": "record, open_from, proposal",
    "Document": "record, open_from, proposal",
    "Instrument": "record, NULL, pid",
}
_FOUND_BY_WORDS = (
    "dataset JOIN (SELECT rowid AS id, bm25(words, 4, 1) AS score FROM words WHERE words MATCH ?) USING (id)"
)


def selected(
    connection: sqlite3.Connection, kind: Kind, condition: Condition, viewer: Viewer, order: str = ""
) -> Iterator[Record]:
    """Read the visible records that fulfil a condition, as they are asked for.

    Relations that are stored with a record are in it. An instrument is visible if one of its datasets is.
    """
    seen = _visible(kind, viewer)
    parts = ["SELECT", _COLUMNS[kind], "FROM", kind.lower(), "WHERE (", condition.sql, ") AND", seen.sql]
    parts += ["ORDER BY", order] if order else []
    rows = connection.execute(" ".join(parts), (*condition.values, *seen.values))
    return (_record(kind, viewer, *row) for row in rows)


def total(connection: sqlite3.Connection, kind: Kind, viewer: Viewer) -> int:
    """Count all visible records of a kind."""
    seen = _visible(kind, viewer)
    parts = ("SELECT count(*) FROM", kind.lower(), "WHERE", seen.sql)
    return int(connection.execute(" ".join(parts), seen.values).fetchone()[0])


def ranked(
    connection: sqlite3.Connection, query: str, condition: Condition, viewer: Viewer, order: str
) -> Iterator[Record]:
    """Read the visible datasets that hold any word of a query, with a score between 0 and 1, the best first."""
    seen, words = viewer.condition, _expression(query)
    if words is None:
        return
    columns = f"{_COLUMNS['Dataset']}, score"
    parts = ["SELECT", columns, "FROM", _FOUND_BY_WORDS, "WHERE (", condition.sql, ") AND", seen.sql]
    parts += ["ORDER BY", order or "score, pid"]
    for *row, score in connection.execute(" ".join(parts), (words, *condition.values, *seen.values)):
        yield _record("Dataset", viewer, *row) | {"score": _score(score)}


def best_scores(connection: sqlite3.Connection, query: str, viewer: Viewer, kind: Kind) -> dict[str, float]:
    """Find the best score that a visible dataset of each proposal (or of each instrument) has for a query."""
    seen, words = viewer.condition, _expression(query)
    if words is None:
        return {}
    column = "proposal" if kind == "Document" else "instrument"
    parts = ["SELECT", column, ", score FROM", _FOUND_BY_WORDS, "WHERE", seen.sql, "ORDER BY score DESC"]
    rows = connection.execute(" ".join(parts), (words, *seen.values))
    return {key: _score(score) for key, score in rows if key}


def completed(
    connection: sqlite3.Connection,
    kind: Kind,
    records: Iterator[Record],
    includes: tuple[Include, ...],
    viewer: Viewer,
) -> Iterator[Record]:
    """Add to each record those related records that are asked for and not stored with it, and theirs."""
    wanted = dict.fromkeys(LEADS_TO[one.relation] for one in includes if one.relation in LEADS_TO)
    inner = {target: _inner(includes, target) for target in wanted}
    scopes = [one.scope for one in includes if one.relation == "datasets"]
    # Of the datasets only those that fit are given, so the others need not be read.
    fitting = preselected(connection, scopes[0]) if len(scopes) == 1 and scopes[0] else Condition("TRUE")
    documents: dict[str | None, list[Record]] = {None: []}

    def related(target: Kind, column: str, value: str) -> list[Record]:
        same = Condition(f"{column} = ?", (value,))
        if target == "Dataset":
            same = Condition(f"({fitting.sql}) AND {same.sql}", (*fitting.values, *same.values))
        found = selected(connection, target, same, viewer, NATURAL_ORDER[target])
        return list(completed(connection, target, found, inner[target], viewer))

    for record in records:
        key = record.pop(KEY)
        if "Document" in wanted:
            if key not in documents:
                documents[key] = related("Document", "proposal", key)
            record["documents"] = documents[key]
        if "Dataset" in wanted:
            record["datasets"] = related("Dataset", "proposal" if kind == "Document" else "instrument", key)
        if "Instrument" in wanted and record.get("instrument"):
            record["instrument"] = next(iter(related("Instrument", "pid", record["instrument"]["pid"])), None)
        yield record


def _inner(includes: tuple[Include, ...], target: Kind) -> tuple[Include, ...]:
    scopes = [one.scope for one in includes if LEADS_TO.get(one.relation) == target]
    return tuple(inner for scope in scopes if scope is not None for inner in scope.include)


def _visible(kind: Kind, viewer: Viewer) -> Condition:
    seen = viewer.condition
    if kind != "Instrument":
        return seen
    parts = ("pid IN (SELECT instrument FROM dataset WHERE", seen.sql, ")")
    return Condition(" ".join(parts), seen.values)


def _record(kind: Kind, viewer: Viewer, text: str, open_from: float | None, key: str | None) -> Record:
    record: Record = json.loads(text)
    record[KEY] = key
    return record if kind == "Instrument" else record | {"isPublic": viewer.is_public(open_from)}


def _expression(query: str) -> str | None:
    """Write a query for FTS5: any of its words, also as beginnings of longer ones; ``None`` if it has no words."""
    phrases = (" ".join(re.findall(r"\w+", word)) for word in query.split())
    return " OR ".join(f'"{phrase}" *' for phrase in phrases if phrase) or None


def _score(bm25: float) -> float:
    """Turn FTS5's measure (the lower, the better) into one between 0 and 1; the federated search drops 0 and 1."""
    return min(max(round(-bm25 / (1 - bm25), 6), 1e-6), 0.999999)
