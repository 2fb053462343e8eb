"""The OpenAPI description: what FastAPI cannot know, the grammar of a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from panosc_analysis.filters.parsing import DATES, LIST, OPERATORS, PATTERN

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["COUNTED", "FOUND", "GOT", "HEALTHY", "describe"]

Schema = dict[str, Any]


def _answer(said: str, schema: Schema) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": said, "content": {"application/json": {"schema": schema}}}}


FOUND = _answer(
    "Records, those of one page at most", {"type": "array", "items": {"type": "object"}, "maxItems": 10_000}
)
GOT = _answer("The record", {"type": "object"})
COUNTED = _answer(
    "Their number",
    {"type": "object", "required": ["count"], "properties": {"count": {"type": "integer", "minimum": 0}}},
)
HEALTHY = _answer(
    "The index can be read", {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}}
)

_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_NAME = "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 1000}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _operand(operator: str) -> Schema:
    if operator in PATTERN or operator == "regexp":
        return _TEXT
    if operator in LIST:
        return {"type": "array", "items": _SCALAR, "maxItems": 1000}
    if operator == "between":
        return {"type": "array", "items": {"type": ["string", "number"]}, "minItems": 2, "maxItems": 2}
    return _SCALAR


_COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": 10**15}
SCHEMAS: dict[str, Schema] = {
    "Where": {
        "type": "object",
        "description": (
            "A condition: a field with a value or with operators, `and` or `or` with several conditions, or `text` "
            f"with a phrase that stands in the record's own texts. Dates ({', '.join(sorted(DATES))}): ISO 8601."
        ),
        "properties": {
            "and": {"type": "array", "items": _ref("Where")},
            "or": {"type": "array", "items": _ref("Where"), "minItems": 1},
            "text": _TEXT,
        },
        "patternProperties": {_NAME: {"anyOf": [_SCALAR, _ref("Operators")]}},
        "examples": [{"title": {"ilike": "copper"}, "creationDate": {"gte": "2026-01-01"}}],
    },
    "Operators": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {operator: _operand(operator) for operator in OPERATORS},
    },
    "Include": {
        "anyOf": [
            {"type": "string", "pattern": _NAME},
            {
                "type": "object",
                "required": ["relation"],
                "additionalProperties": False,
                "properties": {"relation": {"type": "string", "pattern": _NAME}, "scope": _ref("Filter")},
            },
        ],
        "description": "A relation to give with each record; with a condition only records that have a fitting one",
    },
    "Filter": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "where": _ref("Where"),
            "include": {"type": "array", "items": _ref("Include")},
            "limit": _COUNT,
            "skip": _COUNT,
            "offset": _COUNT,
            "order": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "fields": {
                "anyOf": [
                    {"type": "array", "items": {"type": "string", "pattern": _NAME}},
                    {"type": "object", "additionalProperties": {"type": "boolean"}},
                ]
            },
            "query": _TEXT,
        },
        "examples": [
            {
                "include": [
                    {
                        "relation": "parameters",
                        "scope": {
                            "where": {
                                "and": [
                                    {"name": "incident_photon_energy"},
                                    {"value": {"between": [8, 12]}},
                                    {"unit": "keV"},
                                ]
                            }
                        },
                    },
                    {"relation": "techniques", "scope": {"where": {"name": "SAXS"}}},
                ],
                "limit": 10,
            }
        ],
    },
}


def describe(app: FastAPI) -> None:
    """Let an application describe its filters by their grammar instead of as mere texts."""

    def described() -> Schema:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            found.setdefault("components", {}).setdefault("schemas", {}).update(SCHEMAS)
            for path in found["paths"].values():
                for operation in path.values():
                    _describe_parameters(operation)
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # as FastAPI's own documentation does it


def _describe_parameters(operation: Schema) -> None:
    operation.get("responses", {}).pop("422", None)  # such a request is answered 400
    for one in operation.get("parameters", ()):
        if one["name"] in {"filter", "where"}:
            one.pop("schema", None)
            one["content"] = {"application/json": {"schema": _ref(one["name"].capitalize())}}
