"""The ILL provider: LoopBack 4 over PostgreSQL, ILLGrenoble/panosc-search-api."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from panosc_analysis.testing.implementations.implementation import Implementation, Json, Refusal, own_fields
from panosc_analysis.testing.implementations.sql import OPERATORS, fulfils

__all__ = ["Ill"]

_FIELDS = {
    "Datasets": {"pid", "title", "isPublic", "size", "creationDate"},
    "Documents": {"pid", "title", "summary", "doi", "type", "isPublic", "startDate", "endDate", "releaseDate"},
    "Instruments": {"pid", "name", "facility"},
    "instrument": {"pid", "name", "facility"},
    "samples": {"pid", "name", "description"},
    "techniques": {"pid", "name"},
    "parameters": {"name", "value", "unit"},
    "files": {"name", "path"},
    "datasets": {"pid", "title", "isPublic", "size", "creationDate"},
    "document": {"pid", "title", "summary", "doi", "type", "isPublic", "startDate", "endDate", "releaseDate"},
}
_RELATIONS = {
    "Datasets": {"instrument", "techniques", "parameters", "samples", "files", "document"},
    "Documents": {"datasets", "members", "parameters"},
    "Instruments": {"datasets"},
}


class Ill(Implementation):
    """Joins in SQL, before the limit. Patterns need wildcards, parameters compare as texts, 0 and false are lost.

    Anonymous people see what is public. Beyond the last document it gives the last one again. There is no address for
    files, and a count is a bare number.
    """

    def __init__(self, datasets: Iterable[Json], *, most: int | None = None) -> None:
        super().__init__([_stored(one) for one in datasets if one.get("isPublic")], most=most)

    def find(self, entity: str, filter: Json) -> list[Json]:
        """Give one page of joined rows."""
        includes = filter.get("include") or []
        for one in includes:
            if not isinstance(one, dict) or one["relation"] not in _RELATIONS[entity]:
                raise Refusal(400, "is not a member of the entity")
        where = filter.get("where") or {}
        rows = (self._joined(one, includes) for one in self.table(entity) if _holds(where, one, entity))
        visible = [one for one in rows if one is not None]
        page = self.page(visible, filter, None)
        if not page and entity == "Documents" and filter.get("skip"):
            return visible[-1:]
        return page

    def count(self, entity: str, where: Json) -> Any:
        """Give a bare number."""
        return len(self.find(entity, {"where": where}))

    def files(self, pid: str, filter: Json) -> list[Json]:
        """Say that there is no such address."""
        raise Refusal(404, "Endpoint not found")

    def table(self, entity: str) -> list[Json]:
        """Give the public records; a dataset has one document, and a technique an identifier of its own."""
        return super().table(entity)

    def shown(self) -> list[Json]:
        """Give the public datasets with everything."""
        return self.datasets

    def _joined(self, record: Json, includes: list[Json]) -> Json | None:
        found = own_fields(record)
        scopes: dict[str, list[Json]] = {}
        for include in includes:
            scopes.setdefault(include["relation"], []).append(include.get("scope") or {})
        for relation, several in scopes.items():
            value = record.get(relation)
            children = [one for one in (value if isinstance(value, list) else [value]) if one]
            children = [one for one in children if all(_holds(s.get("where") or {}, one, relation) for s in several)]
            nested = [inner for scope in several for inner in scope.get("include") or []]
            given = [one for child in children if (one := self._joined(child, nested)) is not None]
            if not given and any(scope.get("where") or nested for scope in several):
                return None
            found[relation] = given if isinstance(value, list) else next(iter(given), None)
        return found


def _stored(record: Json) -> Json:
    techniques = [{"pid": one["pid"], "name": one["name"]} for one in record.get("techniques", [])]
    documents = record.get("documents", [])[:1]
    return {**record, "documents": documents, "document": next(iter(documents), None), "techniques": techniques}


def _holds(where: Json, record: Json, kind: str) -> bool:
    return all(_one_holds(name, wanted, record, kind) for name, wanted in where.items())


def _one_holds(name: str, wanted: Any, record: Json, kind: str) -> bool:
    if name == "and":
        return all([_holds(one, record, kind) for one in wanted])  # noqa: C419 - each is read
    if name == "or":
        return any([_holds(one, record, kind) for one in wanted])  # noqa: C419 - each is read
    if name not in _FIELDS.get(kind, {name}):
        raise Refusal(400, f"{name} is not a member of {kind}")
    if wanted is None:
        raise Refusal(500)
    found = record.get(name)
    if kind == "parameters" and name == "value":
        found, wanted = str(found), _as_texts(wanted)
    return _fulfils(found, wanted)


def _as_texts(wanted: Any) -> Any:
    if isinstance(wanted, dict):
        return {name: _as_texts(one) for name, one in wanted.items()}
    return [str(one) for one in wanted] if isinstance(wanted, list) else str(wanted)


def _fulfils(found: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return fulfils(found, "eq", wanted)
    if wanted.get("inq") == []:
        raise Refusal(500)
    operator = next((one for one in OPERATORS if wanted.get(one)), None)  # an operand of 0 or false is not seen
    if operator in {None, "nlike", "nilike"}:  # the latter bind an operand that is not there
        return False
    return fulfils(found, str(operator), wanted[operator])
