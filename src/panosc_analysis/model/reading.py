"""Reading one field of a record that somebody else's server wrote.

Every function takes what JSON may hold and answers with the type that the model promises or ``None``; none raises.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

__all__ = ["date", "date_text", "flag", "number", "row", "rows", "text", "whole"]

T = TypeVar("T")


def text(value: object) -> str | None:
    """Read a non-empty string; numbers become their digits."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return None


def flag(value: object) -> bool | None:
    """Read a boolean; the strings ``true`` and ``false`` count."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def number(value: object) -> float | None:
    """Read a finite number; a numeric string counts."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: object) -> int | None:
    """Read a number of bytes or rows: not negative, fractions cut."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value >= 0 else None
    found = number(value)
    return int(found) if found is not None and found >= 0 else None


def date(value: object) -> datetime | None:
    """Read an ISO-8601 date or time as an aware datetime in UTC; without a zone it is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def date_text(value: datetime | None) -> str | None:
    """Write a datetime as the search API writes it: UTC, milliseconds, ``Z``."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def row(value: object, read: Callable[[Mapping[str, Any]], T]) -> T | None:
    """Read one related record; ``null``, ``{}`` and anything that is no object are no record."""
    return read(value) if isinstance(value, Mapping) and value else None


def rows(value: object, read: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
    """Read related records, whether they come as a list, as a single object or not at all."""
    several = value if isinstance(value, list | tuple) else [value]
    found = (row(one, read) for one in several)
    return tuple(one for one in found if one is not None)
