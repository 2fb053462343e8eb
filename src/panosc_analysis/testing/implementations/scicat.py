"""The SciCat provider: a façade that translates a filter for the SciCat backend, SciCatProject/panosc-search-api."""

from __future__ import annotations

import re
from typing import Any

from panosc_analysis.model import convert
from panosc_analysis.testing.implementations.implementation import Implementation, Json, Refusal, own_fields
from panosc_analysis.testing.implementations.javascript import date_from

__all__ = ["SciCat"]

DEFAULT_LIMIT = 100
_RELATED = frozenset({"techniques", "parameters", "samples", "instrument", "document", "files", "members"})
_SI = {"keV": "J", "eV": "J", "J": "J", "angstrom": "m", "nm": "m", "m": "m", "K": "K", "celsius": "K"}
_FIELDS = {
    "Datasets": {"pid", "title", "isPublic", "size", "creationDate"},
    "Documents": {"pid", "title", "summary", "doi"},
    "Instruments": {"pid", "name"},
    "samples": {"name"},
    "techniques": {"pid", "name"},
}


class SciCat(Implementation):
    """Needs an include, knows few operators, takes texts for dates, and answers in three significant digits.

    Conditions on parameters and techniques go into the backend's query; those on instruments and samples leave rows out
    of a page that was cut already. Every instrument is at the one facility, which cannot be asked for.

    Parameters
    ----------
    datasets, most
        As for every implementation.
    facility
        Shown for every instrument.
    """

    def __init__(self, datasets: list[Json], *, most: int | None = None, facility: str = "ESS") -> None:
        super().__init__(datasets, most=most)
        self.facility = facility
        self.datasets = [self._as_stored(one) for one in self.datasets]

    def find(self, entity: str, filter: Json) -> list[Json]:
        """Give one page of what the backend finds."""
        include = filter.get("include")
        if include == []:
            raise Refusal(500)
        if entity == "Datasets" and filter and not include:
            raise Refusal(400, "Bad Request")
        includes = [one for one in include or [] if isinstance(one, dict)]
        where = filter.get("where") or {}
        where = _without_facility(where) if entity == "Instruments" else where
        rows = [one for one in self.table(entity) if _holds(where, one, entity)]
        if entity == "Datasets":
            rows = [one for one in rows if _pushed(one, includes)]
        found = (self._shown(one, includes) for one in self.page(rows, filter, DEFAULT_LIMIT))
        return [one for one in found if one is not None]

    def shown(self) -> list[Json]:
        """Give all datasets with everything."""
        relations = ("instrument", "techniques", "parameters", "samples", "files", "document")
        found = (self._shown(one, [{"relation": name} for name in relations]) for one in self.datasets)
        return [one for one in found if one is not None]

    def _as_stored(self, record: Json) -> Json:
        """One sample and one value for each name; techniques by their PaNET address; publications only."""
        techniques = [
            {"pid": one.get("panetId") or one["pid"], "name": one["name"]} for one in record.get("techniques", [])
        ]
        instrument = {**record["instrument"], "facility": self.facility} if record.get("instrument") else None
        documents = [{**one, "isPublic": True, "type": "publication"} for one in record.get("documents", [])]
        stored = {
            "techniques": techniques,
            "instrument": instrument,
            "documents": documents,
            "samples": record.get("samples", [])[:1],
            "parameters": list({one["name"]: one for one in record.get("parameters", [])}.values()),
        }
        return {**record, **stored}

    def _shown(self, record: Json, includes: list[Json]) -> Json | None:
        found = own_fields(record)
        for include in includes:
            relation, scope = include["relation"], include.get("scope") or {}
            where = scope.get("where") or {}
            if relation == "datasets":
                inner = (self._shown(one, scope.get("include") or []) for one in record["datasets"])
                found[relation] = [one for one in inner if one is not None]
            elif relation in _RELATED:
                found[relation] = _related(record, relation, where)
            if where and relation != "document" and not found.get(relation):
                return None
        return found


def _related(record: Json, relation: str, where: Json) -> Any:
    """Give a relation as it is shown: techniques whole, parameters converted, an instrument or nothing."""
    match relation:
        case "parameters":
            return [_parameter(one, _asked(where)) for one in record.get("parameters", [])]
        case "samples":
            return [{"name": one["name"]} for one in record["samples"] if _holds(where, one, "samples")]
        case "instrument":
            one = record.get("instrument")
            return one if one and _holds(_without_facility(where), one, "Instruments") else {}
        case "document":
            return own_fields(record["documents"][0]) if record["documents"] else {}
    return record.get(relation, [])


def _pushed(record: Json, includes: list[Json]) -> bool:
    """Evaluate what goes into the backend's query: all conditions on parameters, the first on techniques."""
    wheres = {
        name: [(one.get("scope") or {}).get("where") for one in includes if one["relation"] == name]
        for name in ("parameters", "techniques")
    }
    techniques = wheres["techniques"][0] if wheres["techniques"] else None
    return all(_parameters_hold(one, record) for one in wheres["parameters"] if one) and (
        not techniques or _techniques_hold(techniques, record)
    )


def _techniques_hold(where: Json, record: Json) -> bool:
    """As a condition on a list in the database: for each part, some technique."""
    if "and" in where:
        return all(_techniques_hold(one, record) for one in where["and"])
    if "or" in where:
        return any(_techniques_hold(one, record) for one in where["or"])
    parts = [{name: wanted} for name, wanted in where.items()]
    return all(any(_holds(part, one, "techniques") for one in record["techniques"]) for part in parts)


def _holds(where: Json, record: Json, kind: str) -> bool:
    """One level of ``and`` or ``or``; what is not known becomes a field that no record has."""
    for word, several in (("and", all), ("or", any)):
        if word in where:
            parts = where[word]
            if kind == "Documents":
                parts = [one for one in parts if not set(one) & {"isPublic", "type"}]
            return several(_flat_holds(one, record, kind) for one in parts) if parts else True
    if kind == "Documents":
        where = {name: wanted for name, wanted in where.items() if name not in {"isPublic", "type"}}
    return _flat_holds(where, record, kind)


def _flat_holds(where: Json, record: Json, kind: str) -> bool:
    return all(name in _FIELDS[kind] and _backend(record.get(name), wanted) for name, wanted in where.items())


def _without_facility(where: Json) -> Json:
    for word in ("and", "or"):
        if word in where:
            return {word: [one for one in where[word] if "facility" not in one]}
    return {name: wanted for name, wanted in where.items() if name != "facility"}


def _backend(found: Any, wanted: Any) -> bool:
    """As MongoDB compares, after the backend has made dates of texts: only values of one kind."""
    if not isinstance(wanted, dict):
        return _same(found, _dated(wanted))
    for operator, operand in wanted.items():
        match operator:
            case "inq":
                holds = any(_same(found, _dated(one)) for one in operand)
            case "nin":
                holds = not any(_same(found, _dated(one)) for one in operand)
            case "like" | "ilike":
                holds = _regular(found, _dated(operand), operator)
            case "gt" | "gte" | "lt" | "lte":
                holds = _ordered(found, operator, _dated(operand))
            case _:
                holds = False  # not translated: the value itself would have to be that object
        if not holds:
            return False
    return True


def _dated(value: Any) -> Any:
    return date_from(value) or value if isinstance(value, str) else value


def _same(found: Any, wanted: Any) -> bool:
    found = date_from(found) if isinstance(found, str) and re.match(r"\d{4}-\d\d-\d\dT", found) else found
    return type(found) is type(wanted) and bool(found == wanted)


def _regular(found: Any, pattern: Any, operator: str) -> bool:
    if not isinstance(pattern, str) or not isinstance(found, str):
        return False
    try:
        return re.search(pattern, found, re.IGNORECASE if operator == "ilike" else 0) is not None
    except re.error:
        raise Refusal(500) from None


def _ordered(found: Any, operator: str, wanted: Any) -> bool:
    found = date_from(found) if isinstance(found, str) and re.match(r"\d{4}-\d\d-\d\dT", found) else found
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (found, wanted))
    if not numbers and (type(found) is not type(wanted) or found is None):
        return False
    return bool({"gt": found > wanted, "gte": found >= wanted, "lt": found < wanted, "lte": found <= wanted}[operator])


def _parameters_hold(where: Json, record: Json) -> bool:
    if "and" in where:
        return _parameter_holds(where["and"], record)
    if "or" in where:
        return any([_parameter_holds(one.get("and", [one]), record) for one in where["or"]])  # noqa: C419 - each is read
    raise Refusal(400, "Parameter filter requires at least a name and a value")


def _parameter_holds(parts: list[Json], record: Json) -> bool:
    asked = {name: wanted for part in parts for name, wanted in part.items()}
    if not asked.get("name"):
        raise Refusal(400, "Parameter name was not provided")
    if asked.get("value") is None:
        raise Refusal(400, "Parameter value was not provided")
    one = next((one for one in record["parameters"] if one["name"] == asked["name"]), None)
    if "unit" not in asked:
        return one is not None and _backend(one["value"], asked["value"])
    wanted, si = _in_si(asked["value"], asked["unit"])
    stored = None if one is None else _stored_si(one)
    return stored is not None and stored[1] == si and _backend(stored[0], wanted)


def _in_si(wanted: Any, unit: str) -> tuple[Any, str]:
    if unit not in _SI:
        raise Refusal(500)
    si = _SI[unit]
    if not isinstance(wanted, dict):
        return convert(float(wanted), unit, si), si
    last = list(wanted.values())[-1]  # one operand for all operators
    converted = [convert(one, unit, si) for one in last] if isinstance(last, list) else convert(last, unit, si)
    return dict.fromkeys(wanted, converted), si


def _stored_si(parameter: Json) -> tuple[float, str] | None:
    value, unit = parameter["value"], parameter.get("unit")
    if unit not in _SI or isinstance(value, str):
        return None
    found = convert(value, unit, _SI[unit])
    return None if found is None else (found, _SI[unit])


def _asked(where: Json) -> dict[str, str]:
    """Give the unit that was asked for each name."""
    groups = where.get("or", [where]) if where else []
    merged = ({name: wanted for part in one.get("and", [one]) for name, wanted in part.items()} for one in groups)
    return {one["name"]: one["unit"] for one in merged if "name" in one and "unit" in one}


def _parameter(parameter: Json, units: dict[str, str]) -> Json:
    unit, stored = units.get(parameter["name"]), _stored_si(parameter)
    if unit is None or stored is None:
        return {"name": parameter["name"], "value": parameter["value"], "unit": parameter.get("unit", "")}
    value = convert(stored[0], stored[1], unit)
    return {"name": parameter["name"], "value": float(f"{value:.3g}"), "unit": unit}
