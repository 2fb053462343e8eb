"""Numbers that sort as texts do, with room between them for texts that come later."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import sqlite3

    from panosc_analysis.catalogue.columns import Array

__all__ = ["ranked"]

_GAP = 1 << 40  # between neighbours when all are ranked anew: room for four runs of a thousand in one place
_MOST = 20_000  # so many are put in one by one


def ranked(connection: sqlite3.Connection, column: str, ranks: Array, touched: list[int]) -> Array:
    """Give every dataset a rank by a text; equal texts get the same.

    Only the touched ones are looked at, as long as there is room between their neighbours.

    Parameters
    ----------
    connection
        The index, the new texts in it.
    column
        ``title`` or ``pid``.
    ranks
        As they were; those of touched datasets do not matter.
    touched
        Numbers of the datasets that were written or removed.
    """
    last = connection.execute("SELECT coalesce(max(id), 0) FROM dataset").fetchone()[0]
    found = np.zeros(max(len(ranks), last + 1, (touched[-1] if touched else 0) + 1), "i8")
    found[: len(ranks)] = ranks
    found[touched] = 0
    if len(touched) > _MOST or not _inserted(connection, column, found, touched):
        _all(connection, column, found)
    return found


def _all(connection: sqlite3.Connection, column: str, ranks: Array) -> None:
    before, rank = None, 0
    for number, text in connection.execute(f"SELECT id, {column} FROM dataset ORDER BY {column}"):  # noqa: S608
        rank += _GAP if text != before else 0
        ranks[number], before = rank, text


def _inserted(connection: sqlite3.Connection, column: str, ranks: Array, touched: list[int]) -> bool:
    """Put the touched ones between their neighbours; say whether there was room."""
    rows = []
    for number in touched:
        row = connection.execute(f"SELECT {column} FROM dataset WHERE id = ?", (number,)).fetchone()  # noqa: S608
        if row is not None:
            rows.append((row[0], number))
    new: dict[str, list[int]] = {}
    for text, number in sorted(rows):
        new.setdefault(text, []).append(number)
    runs: dict[tuple[int, int], list[str]] = {}
    gap: _Gap | None = None
    for text in new:
        if gap is None or (gap.until is not None and text >= gap.until) or gap.same:
            gap = _gap(connection, column, ranks, text)
        if gap.same:
            ranks[new[text]] = gap.same
        else:
            runs.setdefault((gap.low, gap.high), []).append(text)
    for (low, high), texts in runs.items():
        step = ((high or low + _GAP * (len(texts) + 1)) - low) // (len(texts) + 1)
        if step < 1:
            return False
        for position, text in enumerate(texts, start=1):
            ranks[new[text]] = low + step * position
    return True


class _Gap(NamedTuple):
    """Ranks of the same text and of the nearest ranked ones below and above, 0 for none; and the text above."""

    same: int
    low: int
    high: int
    until: str | None


def _gap(connection: sqlite3.Connection, column: str, ranks: Array, text: str) -> _Gap:
    found: list[tuple[int, str | None]] = []
    for compared, direction in (("=", "ASC"), ("<", "DESC"), (">", "ASC")):
        rows = connection.execute(
            f"SELECT id, {column} FROM dataset WHERE {column} {compared} ? ORDER BY {column} {direction}",  # noqa: S608
            (text,),
        )
        found.append(next(((int(ranks[number]), other) for number, other in rows if ranks[number]), (0, None)))
        rows.close()
    (same, _), (low, _), (high, until) = found
    return _Gap(same, low, high, until)
