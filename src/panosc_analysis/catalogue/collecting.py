"""Bringing the columns up to date with the records: only datasets that were touched are looked at."""

from __future__ import annotations

import json
import re
import unicodedata
from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.catalogue.columns import Array, Columns, load, save
from panosc_analysis.catalogue.ranks import ranked
from panosc_analysis.catalogue.storing import unpacked
from panosc_analysis.filters.patterns import folded
from panosc_analysis.model import reading

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

__all__ = ["WORD", "plain", "update_columns"]

WORD = re.compile(r"\w+")
_PAIRS = ("techniques", "samples", "texts", "documents", "title_words", "other_words")
_LONGEST_WORD = 100


def plain(word: str) -> str:
    """Take the accents off."""
    if word.isascii():
        return word
    return "".join(one for one in unicodedata.normalize("NFD", word) if not unicodedata.combining(one))


def update_columns(connection: sqlite3.Connection, touched: set[int], documents: set[int]) -> None:
    """Write the columns anew after records were written or removed.

    Parameters
    ----------
    connection
        An index that is being made.
    touched, documents
        Numbers of the datasets and documents that were written or removed.
    """
    columns = load(connection)
    gathered = _Gathered(connection, columns)
    numbers = sorted(touched)
    gathered.add_datasets(numbers)
    gathered.add_documents(sorted(documents))
    mark = np.zeros(_places(connection, columns, numbers), bool)
    mark[numbers] = True
    gathered.write_into(columns, mark, _marked(documents))
    for name, column in (("title_rank", "title"), ("pid_rank", "pid")):
        setattr(columns, name, ranked(connection, column, getattr(columns, name), numbers))
    columns.natural = _natural(columns)
    save(connection, columns)
    gathered.terms.save()


def _places(connection: sqlite3.Connection, columns: Columns, numbers: list[int]) -> int:
    last = connection.execute("SELECT coalesce(max(id), 0) FROM dataset").fetchone()[0]
    return max(columns.places, int(last) + 1, (numbers[-1] if numbers else 0) + 1)


def _marked(numbers: set[int]) -> Array:
    mark = np.zeros(max(numbers, default=0) + 1, bool)
    mark[list(numbers)] = True
    return mark


def _natural(columns: Columns) -> Array:
    there = np.flatnonzero(columns.alive)
    newest = -np.nan_to_num(columns.created[there], nan=-np.inf)
    return there[np.lexsort((columns.pid_rank[there], newest))].astype("i4")


class _Terms:
    """Numbers for what many datasets share; new ones are kept to be written."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.known: dict[str, dict[str, int]] = {}
        self.new: list[tuple[str, int, str]] = []

    def number(self, kind: str, value: str) -> int:
        known = self.known.get(kind)
        if known is None:
            rows = self.connection.execute("SELECT value, id FROM term WHERE kind = ?", (kind,))
            known = self.known[kind] = dict(rows)
        found = known.get(value)
        if found is None:
            found = known[value] = len(known) + 1
            self.new.append((kind, found, value))
        return found

    def save(self) -> None:
        self.connection.executemany("INSERT INTO term VALUES (?, ?, ?)", self.new)


class _Gathered:
    """What is to be put into the columns."""

    def __init__(self, connection: sqlite3.Connection, columns: Columns) -> None:
        self.connection = connection
        self.terms = _Terms(connection)
        words = bytes(columns.vocabulary).decode().split("\n")[1:-1] if len(columns.word_starts) else []
        self.vocabulary = {word: code for code, word in enumerate(words)}
        self.instruments = dict(connection.execute("SELECT pid, id FROM instrument"))
        self.dense: dict[str, array[Any]] = {name: array("d") for name in ("created", "size", "open_from")}
        self.dense |= {name: array("q") for name in ("id", "proposal", "instrument", "length")}
        self.pairs = {name: (array("q"), array("q")) for name in (*_PAIRS, "numbers", "document_words")}
        self.values = array("d")

    def add_datasets(self, numbers: list[int]) -> None:
        for row in _rows(self.connection, "dataset", "id, proposal, open_from, title, words, record", numbers):
            self._dataset(*row)
        for number, document in _rows(self.connection, "belongs", "dataset, document", numbers, "dataset"):
            self._pair("documents", document, number)

    def add_documents(self, numbers: list[int]) -> None:
        for number, words in _rows(self.connection, "document", "id, words", numbers):
            for code in self._codes(words):
                self._pair("document_words", code, number)

    def _dataset(
        self, number: int, proposal: str | None, open_from: float | None, title: str, words: str, stored: bytes
    ) -> None:
        record = json.loads(unpacked(stored))
        created = reading.date(record.get("creationDate"))
        instrument = record.get("instrument")
        nan = float("nan")
        in_title, elsewhere = self._codes(record.get("title") or title), self._codes(words)
        for name, value in (
            ("id", number),
            ("created", created.timestamp() if created else nan),
            ("size", nan if record.get("size") is None else float(record["size"])),
            ("open_from", nan if open_from is None else open_from),
            ("proposal", self.terms.number("proposal", proposal) if proposal else 0),
            ("instrument", self.instruments.get(instrument["pid"], 0) if instrument else 0),
            ("length", min(len(in_title) + len(elsewhere), 65535)),
        ):
            self.dense[name].append(value)
        for code in in_title:
            self._pair("title_words", code, number)
        for code in elsewhere:
            self._pair("other_words", code, number)
        for relation in ("techniques", "samples"):
            for one in record.get(relation, ()):
                value = json.dumps(one, ensure_ascii=False, sort_keys=True)
                self._pair(relation, self.terms.number(relation, value), number)
        for one in record.get("parameters", ()):
            self._parameter(number, one)

    def _parameter(self, number: int, record: dict[str, Any]) -> None:
        value = record.get("value")
        shared = {name: record[name] for name in ("name", "unit") if name in record}
        if isinstance(value, float | int) and not isinstance(value, bool) and abs(value) <= 2**53:
            self._pair("numbers", self.terms.number("numbers", json.dumps(shared, ensure_ascii=False)), number)
            self.values.append(value)
        else:
            text = json.dumps({**shared, "value": value} if "value" in record else shared, ensure_ascii=False)
            self._pair("texts", self.terms.number("texts", text), number)

    def _pair(self, name: str, term: int, number: int) -> None:
        terms, numbers = self.pairs[name]
        terms.append(term)
        numbers.append(number)

    def _codes(self, text: str) -> set[int]:
        """Numbers of the words of a text, with and without their accents."""
        found = set()
        for word in WORD.findall(folded(text)):
            for one in {word, plain(word)}:
                found.add(self.vocabulary.setdefault(one[:_LONGEST_WORD], len(self.vocabulary)))
        return found

    def write_into(self, columns: Columns, touched: Array, documents: Array) -> None:
        for name, gathered in self.dense.items():
            if name != "id":
                old = getattr(columns, name)
                setattr(columns, name, self._placed(old, touched, gathered))
        alive = self._placed(columns.alive, touched, array("q", [1]) * len(self.dense["id"]))
        columns.alive = alive
        for name in _PAIRS:
            terms, numbers = map(np.asarray, self.pairs[name])
            setattr(columns, name, getattr(columns, name).merged(touched, terms, numbers))
        terms, numbers = map(np.asarray, self.pairs["numbers"])
        columns.numbers = columns.numbers.merged(touched, terms, numbers, np.asarray(self.values))
        terms, numbers = map(np.asarray, self.pairs["document_words"])
        last = max(int(columns.document_words.ids.max(initial=0)) + 1, len(documents))
        marked = np.zeros(last, bool)
        marked[: len(documents)] = documents
        columns.document_words = columns.document_words.merged(marked, terms, numbers)
        self._write_vocabulary(columns)

    def _placed(self, old: Array, touched: Array, gathered: array[Any]) -> Array:
        empty = np.nan if old.dtype.kind == "f" else 0
        found = np.full(len(touched), empty, old.dtype)
        found[: len(old)] = old
        found[touched] = empty
        found[np.asarray(self.dense["id"])] = np.asarray(gathered)
        return found

    def _write_vocabulary(self, columns: Columns) -> None:
        words = [word.encode() for word in self.vocabulary]
        columns.vocabulary = np.frombuffer(b"\n" + b"".join(word + b"\n" for word in words), "u1")
        lengths = np.fromiter(map(len, words), "i8", len(words)) + 1
        columns.word_starts = 1 + np.concatenate(([0], np.cumsum(lengths)[:-1])) if words else np.zeros(0, "i8")


def _rows(
    connection: sqlite3.Connection, table: str, columns: str, numbers: list[int], key: str = "id"
) -> Iterator[Any]:
    """Read the rows with these numbers; all at once where that is most of the table."""
    parts: Iterable[list[int]]
    if len(numbers) > 50_000:
        wanted = set(numbers)
        at = columns.split(", ").index(key)
        yield from (row for row in connection.execute(f"SELECT {columns} FROM {table}") if row[at] in wanted)  # noqa: S608
        return
    parts = (numbers[start : start + 500] for start in range(0, len(numbers), 500))
    for part in parts:
        marks = ", ".join("?" * len(part))
        yield from connection.execute(f"SELECT {columns} FROM {table} WHERE {key} IN ({marks})", part)  # noqa: S608
