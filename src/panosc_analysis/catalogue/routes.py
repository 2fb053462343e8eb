"""The search API's addresses; what they answer is decided in `panosc_analysis.catalogue.querying`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response

from panosc_analysis.catalogue.answers import FAILURES, json_answer
from panosc_analysis.catalogue.description import COUNTED, FOUND, GOT
from panosc_analysis.catalogue.querying import LARGEST_PAGE, Catalogue
from panosc_analysis.catalogue.relations import Kind
from panosc_analysis.catalogue.visibility import Viewer
from panosc_analysis.errors import DatasetNotFound, FilterError, ProviderRefused
from panosc_analysis.filters import (
    And,
    Filter,
    Include,
    Where,
    accepts,
    apply,
    bracketed,
    filter_from_text,
    parse_filter,
    parse_where,
    where_from_text,
)

__all__ = ["health", "router"]

FilterText = Annotated[str, Query(alias="filter", description="Filter of the PaNOSC search API, as JSON")]
WhereText = Annotated[str, Query(alias="where", description="Condition of the PaNOSC search API, as JSON")]
QueryText = Annotated[str, Query(alias="query", description="Words to rank by; the same as `query` in the filter")]
Pid = Annotated[str, Path(description="Persistent identifier; slashes may be written as they are or as %2F")]

# The portal writes /documents; servers of the reference implementation take both.
_COLLECTIONS: dict[str, Kind] = {
    name: kind for kind in ("Dataset", "Document", "Instrument") for name in (f"{kind}s", f"{kind.lower()}s")
}


def catalogue_of(request: Request) -> Catalogue:
    """Give the index that is served."""
    found: Catalogue = request.app.state.catalogue
    return found


def kind_of(
    collection: Annotated[str, Path(json_schema_extra={"enum": ["Datasets", "Documents", "Instruments"]})],
) -> Kind:
    """Give the kind of record that a collection holds.

    Raises
    ------
    HTTPException
        404 for any other collection.
    """
    if collection not in _COLLECTIONS:
        raise HTTPException(404)
    return _COLLECTIONS[collection]


def viewer_of(request: Request) -> Viewer:
    """Say who asks and what she may see. May ask the membership service; that answer is kept for a minute.

    Raises
    ------
    ProviderRefused, ProviderUnreachable, ProviderAnswerError
        A token was sent and its owner's proposals cannot be found out.
    """
    now = time.time()
    if request.app.state.everything:
        return Viewer(now, everything=True)
    membership = request.app.state.membership
    header = request.headers.get("authorization") or _bearer(request.headers.get("access_token"))
    if membership is None or not header:
        return Viewer(now)
    scheme, _, token = header.partition(" ")
    if scheme.lower() not in {"bearer", "token"} or not token.strip():
        raise ProviderRefused("The Authorization header holds no token", hint="Write it like: Bearer TOKEN")
    return Viewer(now, frozenset(one.lower() for one in membership.proposals(token.strip())))


def _bearer(token: str | None) -> str | None:
    """Read a token as ILL's clients send it."""
    return f"Bearer {token}" if token else None


def known_arguments(request: Request) -> None:
    """Refuse arguments with brackets that are no part of a filter: passed over, they would find everything.

    Raises
    ------
    FilterError
        An argument such as ``filters[limit]=1``, or a filter in both forms.
    """
    names = list(request.query_params)
    for name in names:
        start, bracket, _ = name.partition("[")
        if bracket and (start not in {"filter", "where"} or start in names):
            raise FilterError(f"The argument {name[:60]!r} is not read", hint='Write filter={"limit": 1}, as JSON')


def filter_of(request: Request, filter: FilterText = "") -> Filter:
    """Read the filter, as JSON or in the form ``filter[limit]=1``.

    Raises
    ------
    FilterError
        It cannot be used.
    """
    return filter_from_text(filter) if filter else parse_filter(bracketed("filter", request.query_params.multi_items()))


def where_of(request: Request, where: WhereText = "") -> Where | None:
    """Read the condition, as JSON or in the form ``where[title]=…``.

    Raises
    ------
    FilterError
        It cannot be used.
    """
    return where_from_text(where) if where else parse_where(bracketed("where", request.query_params.multi_items()))


Source = Annotated[Catalogue, Depends(catalogue_of)]
Asking = Annotated[Viewer, Depends(viewer_of)]
Collection = Annotated[Kind, Depends(kind_of)]
Asked = Annotated[Filter, Depends(filter_of)]
Condition = Annotated[Where | None, Depends(where_of)]

router = APIRouter(prefix="/api", dependencies=[Depends(known_arguments)], tags=["search"], responses=FAILURES)


@router.head("/{collection}", include_in_schema=False)
@router.get("/{collection}/", include_in_schema=False)
@router.get("/{collection}", responses=FOUND)
def find(catalogue: Source, viewer: Asking, kind: Collection, asked: Asked, query: QueryText = "") -> Response:
    """Find the records that a filter asks for."""
    if query and asked.query is None:
        asked = replace(asked, query=query)
    found = catalogue.find(kind, asked, viewer)
    return json_answer(found, headers={"X-Largest-Page": str(LARGEST_PAGE)} if len(found) == LARGEST_PAGE else None)


@router.head("/{collection}/count", include_in_schema=False)
@router.get("/{collection}/count", responses=COUNTED)
def count(catalogue: Source, viewer: Asking, kind: Collection, condition: Condition, asked: Asked) -> Response:
    """Count records; relations that a filter includes with a condition count."""
    if condition is not None:
        asked = replace(asked, where=condition if asked.where is None else And((asked.where, condition)))
    return json_answer({"count": catalogue.count(kind, asked, viewer)})


@router.head("/Datasets/{pid:path}/files", include_in_schema=False)
@router.get("/Datasets/{pid:path}/files", responses=FOUND)
@router.get("/datasets/{pid:path}/files", include_in_schema=False)
def find_files(catalogue: Source, viewer: Asking, pid: Pid, asked: Asked) -> Response:
    """Find the files of a dataset."""
    if asked.include:
        raise FilterError("A file has no relations here", hint="Leave include out")
    return json_answer(apply(asked, _files(catalogue, viewer, pid)))


@router.head("/Datasets/{pid:path}/files/count", include_in_schema=False)
@router.get("/Datasets/{pid:path}/files/count", responses=COUNTED)
@router.get("/datasets/{pid:path}/files/count", include_in_schema=False)
def count_files(catalogue: Source, viewer: Asking, pid: Pid, condition: Condition) -> Response:
    """Count the files of a dataset."""
    asked = Filter(condition)
    return json_answer({"count": sum(accepts(asked, one) for one in _files(catalogue, viewer, pid))})


@router.head("/{collection}/{pid:path}", include_in_schema=False)
@router.get("/{collection}/{pid:path}", responses=GOT)
def get(catalogue: Source, viewer: Asking, kind: Collection, pid: Pid, asked: Asked) -> Response:
    """Get one record by its identifier."""
    found = catalogue.get(kind, pid, asked, viewer)
    if found is None:
        raise _not_found(kind, pid)
    return json_answer(found)


def health(catalogue: Source) -> Response:
    """Say whether the index can be read, and how many public records it has."""
    anybody = Viewer(time.time())
    datasets, documents = (catalogue.count(kind, Filter(), anybody) for kind in ("Dataset", "Document"))
    return json_answer({"status": "ok", "datasets": datasets, "documents": documents})


def _files(catalogue: Catalogue, viewer: Viewer, pid: str) -> list[dict[str, object]]:
    found = catalogue.get("Dataset", pid, Filter(include=(Include("files"),)), viewer)
    if found is None:
        raise _not_found("Dataset", pid)
    files: list[dict[str, object]] = found["files"]
    return files


def _not_found(kind: str, pid: str) -> DatasetNotFound:
    return DatasetNotFound(
        f"There is no {kind} {pid[:200]!r}, or not for you",
        hint="Check the identifier; sign in to see your own",
        pid=pid,
    )
