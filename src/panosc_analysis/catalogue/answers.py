"""What goes out: records as JSON, and every failure in the search API's error envelope."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING, Any

import orjson
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from panosc_analysis.errors import (
    CatalogueError,
    DatasetNotFound,
    FilterError,
    PanoscError,
    ProviderAnswerError,
    ProviderRefused,
    ProviderUnreachable,
)

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

__all__ = ["FAILURES", "add_error_answers", "json_answer"]

_LOG = logging.getLogger(__name__)

_STATUS: dict[type[PanoscError], int] = {
    FilterError: 400,
    ProviderRefused: 401,
    DatasetNotFound: 404,
    CatalogueError: 503,
    ProviderAnswerError: 503,
    ProviderUnreachable: 503,
}


_ENVELOPE = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["statusCode", "name", "message"],
            "properties": {
                "statusCode": {"type": "integer"},
                "name": {"type": "string"},
                "message": {"type": "string"},
            },
        }
    },
}
_SAID = {
    400: "The filter or another argument cannot be used; the message says what could",
    401: "The token is not valid",
    404: "No such record, or not for this person",
    503: "The index cannot be read, or the service that knows memberships does not answer",
}
# What every address may answer, for its description.
FAILURES: dict[int | str, dict[str, Any]] = {
    code: {"description": said, "content": {"application/json": {"schema": _ENVELOPE}}} for code, said in _SAID.items()
}


def json_answer(content: object, headers: dict[str, str] | None = None) -> Response:
    """Write an answer as JSON."""
    return Response(orjson.dumps(content), media_type="application/json", headers=headers)


def add_error_answers(app: FastAPI) -> None:
    """Let every failure of an application be answered with ``{"error": {"statusCode", "name", "message"}}``."""
    for kind in _STATUS:
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(sqlite3.Error, _unreadable_index)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(Exception, _unknown)


def _known(request: Request, error: Exception) -> JSONResponse:
    status = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
    if status >= 500:
        _LOG.error("%s %s: %s", request.method, request.url.path, error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return _envelope(status, type(error).__name__, str(error), headers)


def _unreadable_index(request: Request, error: Exception) -> JSONResponse:
    _LOG.exception("%s %s", request.method, request.url.path, exc_info=error)
    return _envelope(503, "CatalogueError", "The index cannot be read. Make it anew from the data.")


def _refused(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return _envelope(404, "NotFound", f"There is nothing at {request.url.path}")
    detail = str(error.detail) if isinstance(error, HTTPException) else "Not answered"
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return _envelope(status, "Error", detail, headers)


def _unreadable(_: Request, error: Exception) -> JSONResponse:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in problems)
    return _envelope(400, "FilterError", said or "The request cannot be read")


def _unknown(request: Request, error: Exception) -> JSONResponse:
    _LOG.exception("%s %s", request.method, request.url.path, exc_info=error)
    return _envelope(500, "Error", "Internal Server Error")


def _envelope(status: int, name: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    error = {"statusCode": status, "name": name, "message": message}
    return JSONResponse({"error": error}, status_code=status, headers=headers)
