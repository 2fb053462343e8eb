"""How a relational database compares: patterns cover the whole text, a missing value fulfils nothing."""

from __future__ import annotations

import re
from typing import Any

from panosc_analysis.testing.implementations.javascript import date_from

__all__ = ["OPERATORS", "fulfils"]

_POSITIVE = {"neq": "eq", "nin": "inq", "nlike": "like", "nilike": "ilike"}
OPERATORS = ("eq", "neq", "gt", "gte", "lt", "lte", "between", "inq", "nin", "like", "nlike", "ilike", "nilike")


def fulfils(found: Any, operator: str, operand: Any) -> bool:
    """Say whether a value fulfils an operator."""
    match operator:
        case "neq" | "nin" | "nlike" | "nilike":
            return found is not None and not fulfils(found, _POSITIVE[operator], operand)
        case "eq":
            return _equal(found, operand)
        case "inq":
            return any(_equal(found, one) for one in operand)
        case "between":
            return _compared(found, "gte", operand[0]) and _compared(found, "lte", operand[1])
        case "like" | "ilike":
            return _like(found, operand, ignore_case=operator == "ilike")
    return _compared(found, operator, operand)


def _equal(found: Any, wanted: Any) -> bool:
    one, other = _pair(found, wanted)
    return one is not None and bool(one == other)


def _compared(found: Any, operator: str, wanted: Any) -> bool:
    """Compare by ``gt gte lt lte``; different kinds are an error, which finds nothing here."""
    one, other = _pair(found, wanted)
    if one is None or other is None or (isinstance(one, str) is not isinstance(other, str)):
        return False
    return bool({"gt": one > other, "gte": one >= other, "lt": one < other, "lte": one <= other}[operator])


def _like(found: Any, pattern: str, *, ignore_case: bool) -> bool:
    """Match a pattern with ``%`` and ``_`` against the whole text."""
    if not isinstance(found, str):
        return False
    parts = (".*" if one == "%" else "." if one == "_" else re.escape(one) for one in pattern)
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.fullmatch("".join(parts), found, flags) is not None


def _pair(found: Any, wanted: Any) -> tuple[Any, Any]:
    if isinstance(found, str) and isinstance(wanted, str) and re.match(r"\d{4}-\d\d-\d\dT", found):
        return date_from(found), date_from(wanted)
    return found, wanted
