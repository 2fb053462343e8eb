"""From JSON to the filter tree, with a reason for every refusal and a limit on everything that can grow."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from panosc_analysis.errors import FilterError
from panosc_analysis.filters.expressions import compiled
from panosc_analysis.filters.strict_json import strict_json
from panosc_analysis.filters.tree import And, Comparison, Fields, Filter, Include, Or, Order, Text, Where
from panosc_analysis.model.reading import date

__all__ = ["filter_from_text", "parse_filter", "parse_where", "where_from_text"]

LONGEST_FILTER = 200_000  # characters of JSON
LONGEST_STRING = 1000
LONGEST_LIST = 1000
MOST_CONDITIONS = 500
DEEPEST_WHERE = 10
DEEPEST_INCLUDE = 5
LARGEST_NUMBER = 10**15

SCALAR = ("eq", "neq", "gt", "gte", "lt", "lte")
LIST = ("inq", "nin")
PATTERN = ("like", "nlike", "ilike", "nilike")
OPERATORS = (*SCALAR, "between", *LIST, *PATTERN, "regexp")
DATES = frozenset({"creationDate", "startDate", "endDate", "releaseDate"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def filter_from_text(text: str) -> Filter:
    """Read a filter from the JSON text of an address; an empty text is the empty filter.

    Raises
    ------
    FilterError
        Not JSON, not a filter, or over a limit.
    """
    return parse_filter(_loaded(text)) if text.strip() else Filter()


def where_from_text(text: str) -> Where | None:
    """Read a ``where`` from the JSON text of an address; an empty text is no condition.

    Raises
    ------
    FilterError
        Not JSON, not a condition, or over a limit.
    """
    return parse_where(_loaded(text)) if text.strip() else None


def parse_filter(obj: object) -> Filter:
    """Make the filter tree from what JSON gave.

    Accepts the forms that servers of the search API accept: ``include`` as names or objects, ``order`` as text or
    list, ``fields`` as list or object, ``offset`` for ``skip``, several operators on one field (all must hold).

    Raises
    ------
    FilterError
        Says which part cannot be used and what would be.
    """
    return _Reader().filter(obj, "filter", 0)


def parse_where(obj: object) -> Where | None:
    """Make the tree of one condition; ``None`` for ``{}`` and ``null``.

    Raises
    ------
    FilterError
        Says which part cannot be used and what would be.
    """
    return _Reader().root_where(obj, "where")


class _Reader:
    """Walks one filter and counts its conditions."""

    def __init__(self) -> None:
        self.conditions = 0

    def filter(self, obj: object, at: str, depth: int) -> Filter:
        table = _object(obj, at)
        known = {"where", "include", "limit", "skip", "offset", "order", "fields", "query"}
        for key in table:
            if key not in known:
                _refuse(f"{at} has the unknown part {_cut(key)}", f"Use {', '.join(sorted(known))}")
        query = table.get("query")
        return Filter(
            where=self.root_where(table.get("where"), f"{at}.where"),
            include=tuple(self.includes(table.get("include"), f"{at}.include", depth)),
            limit=_count(table.get("limit"), f"{at}.limit"),
            skip=_count(table.get("skip", table.get("offset")), f"{at}.skip") or 0,
            order=tuple(_orders(table.get("order"), f"{at}.order")),
            fields=_fields(table.get("fields"), f"{at}.fields"),
            query=None if query is None else _string(query, f"{at}.query"),
        )

    def includes(self, obj: object, at: str, depth: int) -> Iterator[Include]:
        several = obj if isinstance(obj, list | tuple) else [] if obj is None else [obj]
        if depth >= DEEPEST_INCLUDE and several:
            _refuse(f"{at} is nested more than {DEEPEST_INCLUDE} deep", "Include fewer levels")
        for one in several:
            self.count(at)
            if isinstance(one, str):
                yield Include(_name(one, at))
                continue
            table = _object(one, at)
            if set(table) - {"relation", "scope"} or "relation" not in table:
                _refuse(f"{at} holds something that is no relation", 'Write {"relation": name, "scope": {…}}')
            scope = table.get("scope")
            inner = None if scope is None else self.filter(scope, f"{at}.scope", depth + 1)
            yield Include(_name(table["relation"], at), None if inner == Filter() else inner)

    def root_where(self, obj: object, at: str) -> Where | None:
        if obj is None:
            return None
        return self.where(obj, at, 1) if _object(obj, at) else None

    def where(self, obj: object, at: str, depth: int) -> Where:
        if depth > DEEPEST_WHERE:
            _refuse(f"{at} is nested more than {DEEPEST_WHERE} deep", "Write it flatter")
        parts = tuple(part for key, value in _object(obj, at).items() for part in self.condition(key, value, at, depth))
        return parts[0] if len(parts) == 1 else And(parts)

    def condition(self, key: str, value: object, at: str, depth: int) -> Iterator[Where]:
        self.count(at)
        if key in {"and", "or"}:
            parts = tuple(self.where(one, f"{at}.{key}", depth + 1) for one in _list(value, f"{at}.{key}"))
            if key == "or" and not parts:
                _refuse(f"{at}.or is empty", "Give at least one condition")
            yield And(parts) if key == "and" else Or(parts)
        elif key == "nor":
            _refuse(f"{at}: there is no nor", "Use neq, nin, nlike or nilike")
        elif key == "text":
            yield Text(_string(value, f"{at}.text"))
        else:
            name = _name(key, at)
            operators = value if isinstance(value, Mapping) else {"eq": value}
            if not operators:
                _refuse(f"{at}.{name} has no operator", f"Use one of {', '.join(OPERATORS)}")
            for operator, operand in operators.items():
                self.count(at)
                yield Comparison(name, _operator(operator, at), _operand(name, operator, operand, f"{at}.{name}"))

    def count(self, at: str) -> None:
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            _refuse(f"{at} has more than {MOST_CONDITIONS} conditions", "Ask for less at once, or use inq with a list")


def _operator(name: str, at: str) -> str:
    if name not in OPERATORS:
        _refuse(f"{at}: there is no operator {_cut(name)}", f"Use one of {', '.join(OPERATORS)}")
    return name


def _operand(field: str, operator: str, value: object, at: str) -> Any:
    if operator == "regexp":
        expression = _string(value, at)
        compiled(expression)
        return expression
    if operator in PATTERN:
        return _string(value, at)
    if operator in LIST or operator == "between":
        values = tuple(_scalar(field, one, at) for one in _list(value, at))
        if operator == "between" and (len(values) != 2 or None in values):
            _refuse(f"{at}: between needs two values", 'Write {"between": [low, high]}')
        return values
    if value is None and operator not in {"eq", "neq"}:
        _refuse(f"{at}: {operator} cannot compare with null", "Give a value")
    return _scalar(field, value, at)


def _scalar(field: str, value: object, at: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, at)
    if not isinstance(value, str):
        _refuse(f"{at} is compared with something that is no single value", "Use inq for a list of values")
    text = _string(value, at, empty=True)
    if field in DATES and date(text) is None:
        _refuse(f"{at}: {_cut(text)} is not a date", "Write it like 2026-03-01 or 2026-03-01T12:00:00Z")
    return text


def _number(value: float, at: str) -> float:
    if not math.isfinite(value) if isinstance(value, float) else abs(value) > 10**300:
        _refuse(f"{at} is not a finite number", "Give a number")
    return value


def _string(value: object, at: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or (not empty and not value):
        _refuse(f"{at} must be a text", "Give a text that is not empty")
    if len(value) > LONGEST_STRING:
        _refuse(f"{at} is longer than {LONGEST_STRING} characters", "Shorten it")
    if any("\ud800" <= character <= "\udfff" for character in value):
        _refuse(f"{at} holds half a character", "Send valid UTF-8")
    return value


def _count(value: object, at: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        value = int(value)  # what filter[limit]=10 gives
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_NUMBER:
        _refuse(f"{at} must be a whole number that is not negative", "Give 0, 1, 2, …")
    return value


def _orders(value: object, at: str) -> Iterator[Order]:
    for one in [value] if isinstance(value, str) else _list(value, at) if value is not None else []:
        field, _, direction = _string(one, at).strip().partition(" ")
        if direction.strip().upper() not in {"", "ASC", "DESC"}:
            _refuse(f"{at}: {_cut(direction)} is no direction", "Use ASC or DESC")
        yield Order(_name(field, at), direction.strip().upper() == "DESC")


def _fields(value: object, at: str) -> Fields | None:
    if value is None or value in ([], (), {}):
        return None
    if not isinstance(value, Mapping):
        several = [value] if isinstance(value, str) else _list(value, at)
        return Fields(tuple(_name(one, at) for one in several))
    if not all(isinstance(wanted, bool) for wanted in value.values()):
        _refuse(f"{at} must be a list of names, or true or false for each", 'Write ["pid", "title"]')
    keep = any(value.values())
    return Fields(tuple(_name(name, at) for name, wanted in value.items() if wanted is keep), keep)


def _name(value: object, at: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        _refuse(f"{at}: {_cut(value)} is no field or relation", "Use the names of the search API's data model")
    return value


def _object(value: object, at: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        _refuse(f"{at} must be an object", "Write it as {…}")
    return value


def _list(value: object, at: str) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        _refuse(f"{at} must be a list", "Write it as […]")
    if len(value) > LONGEST_LIST:
        _refuse(f"{at} has more than {LONGEST_LIST} entries", "Ask in several parts")
    return value


def _loaded(text: str) -> Any:
    if len(text) > LONGEST_FILTER:
        _refuse(f"The filter is longer than {LONGEST_FILTER} characters", "Ask for less at once")
    try:
        return strict_json(text)
    except ValueError as error:
        raise FilterError(f"The filter is not valid JSON: {error}", hint='Write it like {"limit": 10}') from error


def _cut(value: object) -> str:
    return repr(value if isinstance(value, str) else type(value).__name__)[:60]


def _refuse(message: str, hint: str) -> NoReturn:
    raise FilterError(message, hint=hint)
