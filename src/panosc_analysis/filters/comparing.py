"""One value of a record against one operand of a filter."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from panosc_analysis.filters.expressions import compiled
from panosc_analysis.filters.patterns import contains
from panosc_analysis.model.pid import pid_key
from panosc_analysis.model.reading import date, flag, number

__all__ = ["PID_FIELDS", "holds", "sort_key"]

PID_FIELDS = frozenset({"pid", "doi"})
_OPPOSITES = {"neq": "eq", "nin": "inq", "nlike": "like", "nilike": "ilike"}
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ORDERS: dict[str, Callable[[int], bool]] = {
    "gt": lambda order: order > 0,
    "gte": lambda order: order >= 0,
    "lt": lambda order: order < 0,
    "lte": lambda order: order <= 0,
}


def holds(field: str, operator: str, found: Any, value: Any) -> bool:
    """Say whether what a record holds in a field fulfils an operator; see `panosc_analysis.filters.matches`."""
    positive = _OPPOSITES.get(operator, operator)
    if not isinstance(found, list | tuple):
        return _one_holds(field, positive, found, value) is (positive == operator)
    return any(_one_holds(field, positive, entry, value) for entry in found) is (positive == operator)


def sort_key(found: Any) -> tuple[int, Any] | None:
    """Give a key by which values of any kinds can be sorted; ``None`` for a missing one."""
    if isinstance(found, int | float):
        return 0, found
    if not isinstance(found, str):
        return None
    moment = _moment(found) if _ISO_DATE.match(found) else None
    return (1, moment.isoformat()) if moment else (1, found)


def _one_holds(field: str, operator: str, found: Any, value: Any) -> bool:
    match operator:
        case "eq":
            return _equal(field, found, value)
        case "inq":
            return any(_equal(field, found, one) for one in value)
        case "like" | "ilike":
            return _is_text_or_number(found) and contains(str(found), value, ignore_case=operator == "ilike")
        case "regexp":
            return _is_text_or_number(found) and compiled(value).search(str(found)) is not None
        case "between":
            return _one_holds(field, "gte", found, value[0]) and _one_holds(field, "lte", found, value[1])
    order = _order(found, value)
    return order is not None and _ORDERS[operator](order)


def _is_text_or_number(found: Any) -> bool:
    return isinstance(found, str | int | float) and not isinstance(found, bool)


def _equal(field: str, found: Any, value: Any) -> bool:
    if found is None or value is None:
        return found is value
    if isinstance(found, str) and found == value:
        return True
    if field in PID_FIELDS and isinstance(found, str) and isinstance(value, str):
        return found == value or pid_key(found) == pid_key(value)
    return _order(found, value) == 0


def _order(found: Any, value: Any) -> int | None:
    """-1, 0 or 1; ``None`` for two things that cannot be compared."""
    one, other = _comparable(found, value)
    if one is None or other is None:
        return None
    return int(one > other) - int(one < other)


def _comparable(found: Any, value: Any) -> tuple[Any, Any]:
    if isinstance(found, bool) or isinstance(value, bool):
        return flag(found), flag(value)
    if not isinstance(found, str) or not isinstance(value, str):
        return _exact(found), _exact(value)
    if _ISO_DATE.match(found) and _ISO_DATE.match(value):
        one, other = _moment(found), _moment(value)
        if one is not None and other is not None:
            return one, other
    return found, value


def _exact(value: object) -> int | float | None:
    return value if isinstance(value, int) else number(value)


@lru_cache(maxsize=8192)
def _moment(text: str) -> datetime | None:
    return date(text)
