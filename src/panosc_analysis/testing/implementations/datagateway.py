"""The ICAT provider: ral-facilities/datagateway-api, module search_api."""

from __future__ import annotations

from typing import Any

from panosc_analysis.testing.implementations.implementation import Implementation, Json, Refusal, own_fields
from panosc_analysis.testing.implementations.sql import OPERATORS, fulfils

__all__ = ["DataGateway"]

_FIELDS = {
    "Datasets": {"pid", "title", "isPublic", "size", "creationDate"},
    "Documents": {"pid", "title", "summary", "doi", "type", "isPublic", "startDate", "endDate", "releaseDate"},
    "datasets": {"pid", "title", "isPublic", "size", "creationDate"},
    "documents": {"pid", "title", "summary", "doi", "type", "isPublic", "startDate", "endDate", "releaseDate"},
    "Instruments": {"pid", "name", "facility"},
    "instrument": {"pid", "name", "facility"},
    "samples": {"pid", "name", "description"},
    "techniques": {"pid", "name"},
    "parameters": {"name", "value", "unit"},
    "files": {"name", "path"},
}
_TO_MANY = {
    "Datasets": ("techniques", "parameters", "samples", "files", "documents"),
    "Documents": ("datasets", "members"),
}
_AT_LEAST_ONE = ("techniques", "documents")


class DataGateway(Implementation):
    """Reads only the first key of every object; fails over datasets without the techniques that were included.

    Everything is shown as public, while a condition on it is one on its age. A record without a DOI shows a made-up PID
    that cannot be searched. Two conditions on one relation must hold for the same related record.
    """

    def find(self, entity: str, filter: Json) -> list[Json]:
        """Give one page of joined rows, every relation present."""
        if set(filter) - {"where", "include", "limit", "skip"}:
            raise Refusal(400, "No valid filter name given within filter query param")
        includes = filter.get("include") or []
        if any(one["relation"] not in {"instrument", *_TO_MANY.get(entity, ())} for one in includes):
            raise Refusal(400, "Bad Include filter")
        where = filter.get("where") or {}
        rows = [one for one in self.table(entity) if _holds(where, one, entity) and _joins(one, includes)]
        included = _names(includes)
        return [self._shown(one, entity, included) for one in self.page(rows, filter, None)]

    def shown(self) -> list[Json]:
        """Give all datasets with everything."""
        return [{**one, "pid": _pid(one), "isPublic": True} for one in self.table("Datasets")]

    def table(self, entity: str) -> list[Json]:
        """Give the records; techniques have an identifier of their own."""
        if entity != "Datasets":
            return super().table(entity)
        return [
            {**one, "techniques": [{"pid": t["pid"], "name": t["name"]} for t in one.get("techniques", [])]}
            for one in self.datasets
        ]

    def _related(self, record: Json, relation: str, included: list[str]) -> Json:
        inner = [name.removeprefix(f"{relation}.") for name in included if name.startswith(f"{relation}.")]
        return self._shown(record, "Datasets", inner) if relation == "datasets" else own_fields(record)

    def _shown(self, record: Json, entity: str, included: list[str]) -> Json:
        found = {**own_fields(record), "pid": _pid(record)}
        if entity == "Datasets":
            found |= {"isPublic": True, "instrument": record.get("instrument") if "instrument" in included else None}
        for relation in _TO_MANY.get(entity, ()):
            children = record.get(relation, []) if relation in included else []
            found[relation] = [self._related(one, relation, included) for one in children]
            if relation in included and relation in _AT_LEAST_ONE and not found[relation]:
                raise Refusal(500, "ValidationError")
        return found


def _pid(record: Json) -> str:
    return f"pid:{record['pid'].removeprefix('none/')}" if record["pid"].startswith("none/") else record["pid"]


def _names(includes: list[Json]) -> list[str]:
    """Give what is included, nested names with a dot; beside a nested one, the others of its level are forgotten."""
    nested = [(one["relation"], _names((one.get("scope") or {}).get("include") or [])) for one in includes]
    inner = [
        name for relation, names in nested for name in (relation, *(f"{relation}.{one}" for one in names)) if names
    ]
    return inner or [relation for relation, _ in nested]


def _joins(record: Json, includes: list[Json]) -> bool:
    scopes: dict[str, list[Json]] = {}
    for include in includes:
        scope = include.get("scope") or {}
        if {"limit", "skip"} & set(scope):
            raise Refusal(400, "Bad Include filter: Scope filter cannot have a limit filter")
        scopes.setdefault(include["relation"], []).append(scope)
    return all(_one_joins(record, relation, several) for relation, several in scopes.items())


def _one_joins(record: Json, relation: str, scopes: list[Json]) -> bool:
    value = record.get(relation)
    children = [one for one in (value if isinstance(value, list) else [value]) if one]
    wheres = [scope.get("where") or {} for scope in scopes]
    nested = [inner for scope in scopes for inner in scope.get("include") or []]
    fitting = [one for one in children if all([_holds(where, one, relation) for where in wheres])]  # noqa: C419
    return (not any(wheres) and not nested) or any(_joins(one, nested) for one in fitting)


def _holds(where: Json, record: Json, kind: str) -> bool:
    if not where:
        return True
    name, wanted = next(iter(where.items()))
    if name == "and":
        return all([_holds(one, record, kind) for one in wanted])  # noqa: C419 - each is read
    if name == "or":
        return any([_holds(one, record, kind) for one in wanted])  # noqa: C419 - each is read
    if name not in _FIELDS.get(kind, {name}) or isinstance(wanted, float) or wanted is None:
        raise Refusal(400, f"Bad Where filter: {name}")
    found = record.get(name)
    if name == "isPublic":
        found = str(record.get("creationDate") or "9") < "2023"
    if name == "pid" and str(found).startswith("none/"):
        found = None
    return _fulfils(found, wanted)


def _fulfils(found: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return fulfils(found, "eq", wanted)
    operator, operand = next(iter(wanted.items()))
    if operator not in OPERATORS or (isinstance(operand, bool) and operator not in {"eq", "neq"}):
        raise Refusal(400, f"Bad Where filter: {operator}")
    return fulfils(found, operator, f"%{operand}%" if "like" in operator else operand)
