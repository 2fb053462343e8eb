"""How JavaScript compares: what LoopBack's memory connector does with a condition, and what it takes for a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

__all__ = ["date_from", "fulfils"]

_ORDER = ("eq", "gt", "gte", "lt", "lte", "between", "inq", "nin", "neq", "like", "nlike", "ilike", "nilike")
_ISO = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def date_from(text: str) -> datetime | None:
    """Read a text as ``new Date(text)`` does, as far as it matters: ISO dates, and words before a number."""
    if _ISO.fullmatch(text):
        try:
            found = datetime.fromisoformat(text)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except ValueError:
            return None
    words = re.findall(r"[A-Za-z]+|\d+|[^A-Za-z0-9]", text)
    numbers = [one for one in words if one.isdigit()]
    named = [one for one in words if one[:3].lower() in _MONTHS]
    glued = re.search(r"[A-Za-z]\d", text) and not named
    return datetime(2001, 1, 1, tzinfo=UTC) if len(numbers) == 1 and not glued else None


def fulfils(found: Any, wanted: Any) -> bool:
    """Say whether LoopBack's memory connector takes a value for one that was asked for."""
    if not isinstance(wanted, dict):
        return _equal(found, wanted)
    operator = next((one for one in _ORDER if one in wanted), None)
    if operator is None:
        return False
    operand = wanted[operator]
    match operator:
        case "eq":
            return _equal(found, operand)
        case "neq":
            return not _equal(found, operand)
        case "inq":
            return any(_equal(found, one) for one in operand)
        case "nin":
            return not any(_equal(found, one) for one in operand)
        case "between":
            return _compared(found, "gte", operand[0]) and _compared(found, "lte", operand[1])
        case "like" | "ilike" | "nlike" | "nilike":
            return _like(found, operand, operator)
    return _compared(found, operator, operand)


def _like(found: Any, pattern: str, operator: str) -> bool:
    """Match a regular expression anywhere, in which % and _ have been turned into its own wildcards."""
    expression = pattern.replace("%", ".*").replace("_", ".")
    flags = re.IGNORECASE if "ilike" in operator else 0
    try:
        match = re.search(expression, found, flags) if isinstance(found, str) else None
    except re.error:
        match = None
    return (match is None) is operator.startswith("n")


def _equal(found: Any, wanted: Any) -> bool:
    if isinstance(found, list):
        return wanted in found
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    one, other = _pair(found, wanted)
    return bool(one is not None and one == other)


def _compared(found: Any, operator: str, wanted: Any) -> bool:
    one, other = _pair(found, wanted)
    if one is None or other is None or type(one) is not type(other):
        return False
    return bool({"gt": one > other, "gte": one >= other, "lt": one < other, "lte": one <= other}[operator])


def _pair(found: Any, wanted: Any) -> tuple[Any, Any]:
    """Give two values of one kind: dates for ISO dates, numbers where one side is a number."""
    if isinstance(found, str) and _ISO.fullmatch(found) and isinstance(wanted, str):
        return date_from(found), date_from(wanted)
    if isinstance(found, int | float) or isinstance(wanted, int | float):
        return _number(found), _number(wanted)
    return found, wanted


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
