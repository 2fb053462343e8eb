"""The reference implementation: LoopBack 3 with a memory connector, panosc-eu/search-api."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from panosc_analysis.errors import FilterError
from panosc_analysis.model import Technique
from panosc_analysis.search import panet
from panosc_analysis.testing.implementations.implementation import Implementation, Json, Refusal, own_fields
from panosc_analysis.testing.implementations.javascript import fulfils

__all__ = ["Reference"]

_RELATIONS = {
    "Datasets": {"instrument", "techniques", "parameters", "samples", "files"},
    "Documents": {"datasets", "members", "parameters"},
    "Instruments": {"datasets"},
}
_TEXTS = {
    "Datasets": ("title",),
    "Documents": ("title", "summary"),
    "Instruments": ("name", "facility"),
    "files": ("name",),
    "samples": ("name", "description"),
    "techniques": ("name",),
}
_ENTITIES = {"datasets": "Datasets"}
_MANY_TO_MANY = frozenset({"techniques", "samples", "datasets"})
DEEPEST = 14


class Reference(Implementation):
    """Cuts the page before it joins; has no relation from a dataset to its documents; fails over null.

    Its own evaluator for the parameters of datasets knows equality, ``between``, ``lt`` and ``gt``, converts no unit,
    and leaves out datasets without parameters even where nothing was asked of them.

    Parameters
    ----------
    datasets, most
        As for every implementation.
    panet
        Whether it runs with a PaNET service: conditions on techniques then become conditions on their PaNET address.
    """

    def __init__(self, datasets: Iterable[Json], *, most: int | None = None, panet: bool = False) -> None:
        super().__init__(datasets, most=most)
        self.panet = panet

    def find(self, entity: str, filter: Json) -> list[Json]:
        """Give one page: condition, then limit, then joins."""
        self._check(entity, filter)
        where = filter.get("where") or {}
        rows = [one for one in self.table(entity) if self._holds(where, one, entity, rewritten=True)]
        rows.sort(key=lambda one: one["pid"])
        default = 100 if filter.get("skip") and not filter.get("limit") else None
        found = (self._joined(one, entity, filter.get("include", [])) for one in self.page(rows, filter, default))
        return [{**one, "score": 0} for one in found if one is not None]

    def get(self, entity: str, pid: str, filter: Json) -> Json:
        """Give one record, which has no score."""
        return {name: value for name, value in super().get(entity, pid, filter).items() if name != "score"}

    def count(self, entity: str, where: Json) -> Any:
        """Count what fulfils a condition; ``text`` is an unknown field here."""
        return {"count": sum(self._holds(where, one, entity, rewritten=False) for one in self.table(entity))}

    def shown(self) -> list[Json]:
        """Give all datasets; their documents are found by asking for documents."""
        return self.datasets

    def _check(self, entity: str, filter: Json) -> None:
        include = filter.get("include", [])
        if not isinstance(include, list) or (entity != "Instruments" and _has_null(filter)):
            raise Refusal(500)
        for name in ("limit", "skip"):
            if not str(filter.get(name, 0)).isdigit():
                raise Refusal(400, f"The {name} parameter is not valid")
        if _depth(filter) > DEEPEST:
            raise Refusal(400, "The query object exceeds maximum depth 14")
        for one in include:
            if _relation(one) not in _RELATIONS[entity]:
                raise Refusal(500)

    def _joined(self, record: Json, entity: str, includes: list[Any]) -> Json | None:
        found = own_fields(record)
        for relation, scopes in _scopes(includes).items():
            of_parameters = relation == "parameters" and entity == "Datasets"
            each = [self._children(record, relation, scope or {}) for scope in scopes]
            if of_parameters:  # each must have some, and then all are given; without a scope only in the form of a name
                children = record.get("parameters", []) if all(each) else []
            else:
                children = list({json.dumps(one): one for several in each for one in several}.values())
            joined = any(scope is not None for scope in scopes) or (of_parameters and relation not in includes)
            if joined and not children:
                return None
            if relation != "instrument":
                found[relation] = children
            elif children:
                found[relation] = children[0]
        return found

    def _children(self, record: Json, relation: str, scope: Json) -> list[Json]:
        related = record.get(relation) or []
        related = related if isinstance(related, list) else [related]
        where = dict(scope.get("where") or {})
        if relation in _MANY_TO_MANY and not (self.panet and relation == "techniques"):
            where.pop("pid", None)  # overwritten by the join
        if relation == "techniques" and self.panet and where:
            fitting = [one for one in related if _technique_holds(where, one)]
        elif relation == "parameters":
            fitting = [one for one in related if _parameter_holds(where, one)]
        else:
            fitting = [one for one in related if self._holds(where, one, relation, rewritten=True)]
        nested = (self._joined(one, _ENTITIES.get(relation, relation), scope.get("include", [])) for one in fitting)
        return [one for one in nested if one is not None]

    def _holds(self, where: Json, record: Json, kind: str, *, rewritten: bool) -> bool:
        return all(self._one_holds(name, wanted, record, kind, rewritten=rewritten) for name, wanted in where.items())

    def _one_holds(self, name: str, wanted: Any, record: Json, kind: str, *, rewritten: bool) -> bool:
        if name == "and":
            return all(self._holds(one, record, kind, rewritten=False) for one in wanted)
        if name == "or":
            return any(self._holds(one, record, kind, rewritten=False) for one in wanted)
        if wanted == "*" and name == "text":
            raise Refusal(500)
        if name == "text" and rewritten:
            return any(fulfils(record.get(field), {"ilike": f"%{wanted}%"}) for field in _TEXTS.get(kind, ()))
        if isinstance(wanted, dict) and "*" in wanted.values():
            raise Refusal(500)
        return name in record and fulfils(record[name], wanted)


def _parameter_holds(where: Json, parameter: Json) -> bool:
    """Evaluate as the reference does on the parameters of datasets: only the first key of an object counts."""
    if not where:
        return True
    name, wanted = next(iter(where.items()))
    if name == "and":
        return all(_parameter_holds(one, parameter) for one in wanted)
    if name == "or":
        return any(_parameter_holds(one, parameter) for one in wanted)
    if isinstance(wanted, dict) and set(wanted) - {"between", "lt", "gt"}:
        return False
    return name in parameter and fulfils(parameter[name], wanted)


def _technique_holds(where: Json, technique: Json) -> bool:
    """Evaluate as the PaNET service rewrites it: identifiers and labels become the addresses of all kinds."""
    name, wanted = next(iter(where.items()))
    if name == "and":
        return all(_technique_holds(one, technique) for one in wanted)
    if name == "or":
        return any(_technique_holds(one, technique) for one in wanted)
    terms = wanted.get("inq", []) if isinstance(wanted, dict) else [wanted]
    addresses = {kind.pid for term in terms for kind in _kinds(term)}
    return name in {"pid", "name"} and technique.get("panetId") in addresses


def _kinds(term: str) -> tuple[Technique, ...]:
    try:
        return panet.descendants(panet.resolve(term).pid)
    except FilterError:
        return ()


def _scopes(includes: list[Any]) -> dict[str, list[Json | None]]:
    """Give the scopes of each relation; ``None`` for one that has none."""
    found: dict[str, list[Json | None]] = {}
    for one in includes:
        found.setdefault(_relation(one), []).append(None if isinstance(one, str) else one.get("scope"))
    return found


def _relation(include: Any) -> str:
    return include if isinstance(include, str) else include.get("relation", "")


def _has_null(obj: Any) -> bool:
    if isinstance(obj, dict | list):
        return any(map(_has_null, obj.values() if isinstance(obj, dict) else obj))
    return obj is None


def _depth(obj: Any) -> int:
    if isinstance(obj, dict | list):
        return 1 + max(map(_depth, obj.values() if isinstance(obj, dict) else obj), default=0)
    return 0
