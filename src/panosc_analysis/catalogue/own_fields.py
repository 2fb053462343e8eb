"""A condition on one of a dataset's own fields, answered by the columns exactly as the filter would."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.filters import RELATIONS, Comparison
from panosc_analysis.filters.comparing import holds
from panosc_analysis.model import pid_key, reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from panosc_analysis.catalogue.columns import Array
    from panosc_analysis.catalogue.version import Version
    from panosc_analysis.catalogue.visibility import Viewer

__all__ = ["compared", "own_field"]

_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_OPPOSITES = {"neq": "eq", "nin": "inq", "nlike": "like", "nilike": "ilike"}
_SQL = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_COMPARE: dict[str, Callable[[Array, float], Array]] = {
    "eq": np.equal,
    "gt": np.greater,
    "gte": np.greater_equal,
    "lt": np.less,
    "lte": np.less_equal,
}


def own_field(version: Version, where: Comparison, viewer: Viewer) -> Array | None:
    """Mark the datasets that fulfil a comparison; ``None`` where the columns cannot tell."""
    positive = _OPPOSITES.get(where.operator, where.operator)
    found = _positive(version, Comparison(where.field, positive, where.value), viewer)
    if found is None or positive == where.operator:
        return found
    return version.columns.alive & ~found


def compared(values: Array, operator: str, operand: Any) -> Array:
    """Compare numbers with one number, or with several for ``between`` and ``inq``."""
    if operator == "between":
        found: Array = (values >= operand[0]) & (values <= operand[1])
        return found
    if operator == "inq":
        return np.isin(values, np.asarray(operand, "f8"))
    return _COMPARE[operator](values, operand)


def _positive(version: Version, where: Comparison, viewer: Viewer) -> Array | None:
    columns = version.columns
    match where.field:
        case "isPublic":
            is_public = columns.open_from <= viewer.now
            yes, no = (holds("isPublic", where.operator, one, where.value) for one in (True, False))
            return np.where(is_public, yes, no) & columns.alive
        case "creationDate":
            operand = _mapped(where, _seconds)
            return None if operand is None else compared(columns.created, where.operator, operand)
        case "size":
            operand = _mapped(where, _number)
            return None if operand is None else compared(columns.size, where.operator, operand)
        case "pid":
            return _by_pid(version, where)
        case "title":
            return _by_title(version, where)
        case "score" | "provider":
            return None
        case field if field in RELATIONS:
            return None
    # No dataset has any other field.
    return columns.alive if holds(where.field, where.operator, None, where.value) else np.zeros_like(columns.alive)


def _mapped(where: Comparison, read: Callable[[Any], float | None]) -> Any:
    """Read the operands; ``None`` if one of them cannot be compared by its number."""
    if where.operator in {"like", "ilike", "regexp"}:
        return None
    if not isinstance(where.value, tuple):
        return read(where.value)
    several = [read(one) for one in where.value]
    return None if None in several else several


def _seconds(value: object) -> float | None:
    if not isinstance(value, str) or not _ISO_DATE.match(value):
        return None
    found = reading.date(value)
    return None if found is None else found.timestamp()


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 2**53:
        return None
    return float(value)


def _by_pid(version: Version, where: Comparison) -> Array | None:
    several = where.value if isinstance(where.value, tuple) else (where.value,)
    if where.operator not in {"eq", "inq"} or not all(isinstance(one, str) for one in several):
        return None
    return _by_sql(version, "pid_key", [pid_key(one) for one in several])


def _by_title(version: Version, where: Comparison) -> Array | None:
    several = where.value if isinstance(where.value, tuple) else (where.value,)
    if not all(isinstance(one, str) and not _ISO_DATE.match(one) for one in several):
        return None
    match where.operator:
        case "eq" | "inq":
            return _by_sql(version, "title", list(several))
        case "between":
            return _by_range(version, "title >= ? AND title <= ?", several)
        case operator if operator in _SQL:
            return _by_range(version, f"title {_SQL[operator]} ?", several)
    return None


def _by_sql(version: Version, column: str, values: list[str]) -> Array:
    found = np.zeros_like(version.columns.alive)
    for start in range(0, len(values), 500):
        part = values[start : start + 500]
        marks = ", ".join("?" * len(part))
        rows = version.connection.execute(f"SELECT id FROM dataset WHERE {column} IN ({marks})", part)  # noqa: S608
        found[[number for (number,) in rows]] = True
    return found


def _by_range(version: Version, condition: str, values: tuple[str, ...]) -> Array:
    rows = version.connection.execute(f"SELECT id FROM dataset WHERE {condition}", values)  # noqa: S608
    found = np.zeros_like(version.columns.alive)
    found[np.fromiter((number for (number,) in rows), "i8")] = True
    return found
