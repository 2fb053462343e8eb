"""The filter as a tree of frozen values, and how each part is written as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["And", "Comparison", "Fields", "Filter", "Include", "Or", "Order", "Text", "Where"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field against a value.

    Parameters
    ----------
    field
        Name of the field in the search API's words (``creationDate``).
    operator
        ``eq neq gt gte lt lte between inq nin like nlike ilike nilike regexp``.
    value
        A scalar; a tuple for ``inq``, ``nin`` and (two values) ``between``.
    """

    field: str
    operator: str
    value: Any

    def to_json(self) -> dict[str, Any]:
        """Write it as the search API does; equality in its short form."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {self.field: value if self.operator == "eq" else {self.operator: value}}


@dataclass(frozen=True, slots=True)
class Text:
    """A phrase that stands in one of the record's own texts (title, summary, name, facility, description)."""

    text: str

    def to_json(self) -> dict[str, Any]:
        """Write it as the search API does."""
        return {"text": self.text}


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds; true when there is none."""

    parts: tuple[Where, ...]

    def to_json(self) -> dict[str, Any]:
        """Write it as the search API does, always with ``and``."""
        return {"and": [part.to_json() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Where, ...]

    def to_json(self) -> dict[str, Any]:
        """Write it as the search API does."""
        return {"or": [part.to_json() for part in self.parts]}


Where: TypeAlias = And | Or | Comparison | Text


@dataclass(frozen=True, slots=True)
class Order:
    """One field to sort by; records without it come last either way."""

    field: str
    descending: bool = False

    def to_json(self) -> str:
        """Write it as the search API does."""
        return f"{self.field} {'DESC' if self.descending else 'ASC'}"


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a record to give: only the named ones, or all but the named ones."""

    names: tuple[str, ...]
    keep: bool = True

    def to_json(self) -> list[str] | dict[str, bool]:
        """Write it as the search API does."""
        return list(self.names) if self.keep else dict.fromkeys(self.names, False)


@dataclass(frozen=True, slots=True)
class Include:
    """A relation to give with each record.

    With a condition somewhere in its scope it is an inner join: records without a matching related one are left out,
    and of the related ones only the matching are given. Named twice, both must hold.
    """

    relation: str
    scope: Filter | None = None

    @property
    def joins(self) -> bool:
        """Whether a record can be left out because of this relation."""
        scope = self.scope
        return scope is not None and (scope.where is not None or any(one.joins for one in scope.include))

    def to_json(self) -> dict[str, Any]:
        """Write it as the search API does."""
        scope = self.scope.to_json() if self.scope else {}
        return {"relation": self.relation, "scope": scope} if scope else {"relation": self.relation}


@dataclass(frozen=True, slots=True)
class Filter:
    """What to find and how much of it to give.

    Parameters
    ----------
    where
        The condition; ``None`` for every record.
    include
        Related records to give, see `Include`.
    limit
        At most so many records; ``None`` and 0 for no limit. Joins come before it.
    skip
        Records to pass over first.
    order
        Fields to sort by; empty for the order in which records come.
    fields
        ``None`` for all.
    query
        Words to rank by. Ranking is the server's business: `apply` does not look at it.
    """

    where: Where | None = None
    include: tuple[Include, ...] = ()
    limit: int | None = None
    skip: int = 0
    order: tuple[Order, ...] = ()
    fields: Fields | None = None
    query: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Write it as the search API does; what is not set is left out."""
        parts: dict[str, Any] = {
            "where": self.where.to_json() if self.where else None,
            "include": [one.to_json() for one in self.include] or None,
            "limit": self.limit,
            "skip": self.skip or None,
            "order": [one.to_json() for one in self.order] or None,
            "fields": self.fields.to_json() if self.fields else None,
            "query": self.query,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def to_text(self) -> str:
        """Write it as compact JSON for an address."""
        return json.dumps(self.to_json(), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
