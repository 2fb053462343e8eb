"""Reading single words of a question: names, dates, texts, techniques, limits; each becomes part of a filter."""

from __future__ import annotations

import datetime
import re

from panosc_analysis.errors import FilterError
from panosc_analysis.filters import And, Comparison, Filter, Include, Or, Where
from panosc_analysis.model import Technique
from panosc_analysis.search import panet

__all__ = [
    "LARGEST_LIMIT",
    "all_of",
    "joined",
    "limit_from",
    "literal",
    "moment",
    "name_from",
    "of_technique",
    "resolved",
    "text_words",
]

MOST_WORDS = 20
LONGEST_TEXT = 1000
LARGEST_LIMIT = 10_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def joined(relation: str, where: Where) -> Include:
    """Require a related record that fulfils a condition."""
    return Include(relation, Filter(where))


def all_of(parts: tuple[Where, ...]) -> Where | None:
    """Require every part; nothing where there is none."""
    return None if not parts else parts[0] if len(parts) == 1 else And(parts)


def of_technique(wanted: str | Technique) -> Where:
    """Match a technique and its kinds by address, and by name where a provider has identifiers of its own."""
    technique = resolved(wanted)
    kinds = panet.descendants(technique.pid)
    addresses, labels = tuple(kind.pid for kind in kinds), tuple(kind.name for kind in kinds)
    fields = (("pid", addresses), ("panetId", addresses), ("name", labels))
    return Or(tuple(Comparison(field, "inq", values) for field, values in fields))


def resolved(wanted: str | Technique) -> Technique:
    """Find a technique in PaNET.

    Raises
    ------
    FilterError
        It is not there.
    """
    return panet.resolve((wanted.pid or wanted.name) if isinstance(wanted, Technique) else wanted)


def text_words(text: str | None) -> tuple[str, ...]:
    """Split a text into its words.

    Raises
    ------
    FilterError
        It cannot be used.
    """
    if text is None or not text.strip():
        return ()
    words = tuple(text.split())
    if len(text) > LONGEST_TEXT or len(words) > MOST_WORDS:
        raise FilterError(f"The text is longer than {MOST_WORDS} words", hint="Search for fewer words")
    return words


def name_from(wanted: str | None, what: str) -> str | None:
    """Read part of a name.

    Raises
    ------
    FilterError
        It cannot be used.
    """
    if wanted is None:
        return None
    name = wanted.strip()
    if not name or len(name) > LONGEST_TEXT:
        raise FilterError(f"The {what} is empty or too long", hint="Give part of its name")
    return name


def literal(text: str) -> str:
    """Write a text so that nothing in it is a wildcard."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def limit_from(limit: int) -> int:
    """Check a limit.

    Raises
    ------
    FilterError
        It cannot be used.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LARGEST_LIMIT:
        raise FilterError(f"The limit {limit!r} cannot be used", hint=f"Give a number from 1 to {LARGEST_LIMIT}")
    return limit


def moment(wanted: str | datetime.date, *, last: bool) -> str:
    """Write a day or moment as UTC; as the last one, a day means to its end.

    Raises
    ------
    FilterError
        It is no date.
    """
    text = wanted.isoformat() if isinstance(wanted, datetime.date) else wanted.strip()
    try:
        found = datetime.datetime.fromisoformat(text)
        if last and _DAY.fullmatch(text):
            found = found.replace(hour=23, minute=59, second=59, microsecond=999_000)
        found = found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise FilterError(f"{text[:60]!r} is not a date", hint="Write it like 2026-03-01") from None
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")
