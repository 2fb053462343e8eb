"""What one would write first: records as JSON in one table, found with LIKE and looked at one by one. No index."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from panosc_analysis.catalogue.storing import unpacked
from panosc_analysis.catalogue.widening import widened
from panosc_analysis.filters import And, Comparison, Filter, Or, Text, Where, accepts, apply

GIVEN_UP = 10.0  # seconds for one question


class GaveUp(Exception):
    pass


def build(index: Path, naive: Path) -> None:
    """Copy the records of an index into one table without an index."""
    naive.unlink(missing_ok=True)
    with sqlite3.connect(naive) as connection:
        connection.execute("ATTACH ? AS catalogue", (str(index),))
        connection.create_function("unpacked", 1, lambda stored: unpacked(stored).decode())
        connection.execute("CREATE TABLE dataset (pid TEXT, document TEXT, record TEXT)")
        connection.execute(
            "INSERT INTO dataset SELECT d.pid, o.record, unpacked(d.record) FROM catalogue.dataset d "
            "JOIN catalogue.belongs b ON b.dataset = d.id JOIN catalogue.document o ON o.id = b.document "
            "WHERE d.open_from IS NOT NULL"
        )


def words_in(where: Where | None) -> Iterator[str]:
    """Texts that must stand in the JSON of every record that fits."""
    match where:
        case And(parts):
            for part in parts:
                yield from words_in(part)
        case Comparison(field, "eq", str(value)) if field != "unit":
            yield json.dumps(value, ensure_ascii=False)[1:-1]
        case Comparison(_, "like" | "ilike", str(value)):
            yield value.strip("%")
        case Text(text):
            yield text
        case Or():
            return


def find(naive: Path, kind: str, asked: Filter) -> list[dict[str, Any]]:
    """Answer one question; raises `GaveUp` when it takes too long."""
    asked = widened(asked)
    datasets = asked if kind == "Dataset" else next((i.scope for i in asked.include if i.relation == "datasets"), None)
    patterns = [f"%{word}%" for word in words_in(datasets.where if datasets else None)]
    for include in datasets.include if datasets else ():
        patterns += [f"%{word}%" for word in words_in(include.scope.where if include.scope else None)]
    if asked.query:
        patterns.append(f"%{asked.query.split()[0]}%")
    condition = " AND ".join(["record LIKE ?"] * len(patterns)) or "TRUE"
    started = time.perf_counter()

    def records() -> Iterator[tuple[str, dict[str, Any]]]:
        with sqlite3.connect(f"file:{naive}?mode=ro", uri=True) as connection:
            connection.set_progress_handler(lambda: time.perf_counter() - started > GIVEN_UP, 100_000)
            for document, text in connection.execute(
                f"SELECT document, record FROM dataset WHERE {condition}", patterns
            ):
                if time.perf_counter() - started > GIVEN_UP:
                    raise GaveUp
                yield document, json.loads(text)

    try:
        if kind == "Dataset":
            return apply(asked, sorted((r for _, r in records()), key=lambda r: r["creationDate"], reverse=True))
        found: dict[str, list[dict[str, Any]]] = {}
        for document, record in records():
            if datasets is None or accepts(datasets, record):
                found.setdefault(document, []).append(record)
        holders = (json.loads(text) | {"datasets": several} for text, several in sorted(found.items()))
        return apply(asked, holders)
    except sqlite3.OperationalError as error:
        raise GaveUp from error
