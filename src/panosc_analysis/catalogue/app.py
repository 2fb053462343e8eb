"""The search API as an ASGI application, read-only."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware

from panosc_analysis.catalogue.answers import add_error_answers
from panosc_analysis.catalogue.querying import Catalogue
from panosc_analysis.catalogue.routes import health, router

if TYPE_CHECKING:
    from panosc_analysis.catalogue.membership import Membership

__all__ = ["create_app"]


def create_app(index: Path, membership: Membership | None = None, *, everything: bool = False) -> FastAPI:
    """Make the application that answers the PaNOSC search API from an index.

    Opens the index for reading; follows when it is replaced. ``/openapi.json`` describes it; there is no page that
    would load scripts from elsewhere.

    Parameters
    ----------
    index
        File made by `build_index`.
    membership
        Knows the proposals of the person behind a token. Without it everybody sees the public records only.
    everything
        Show all records to everybody: for the owner of the data on her own machine.

    Raises
    ------
    CatalogueError
        The index is not there or not readable.
    """
    app = FastAPI(title="PaNOSC search API", version=version("panosc-analysis"), docs_url=None, redoc_url=None)
    app.state.catalogue = Catalogue(Path(index).expanduser())
    app.state.membership = membership
    app.state.everything = everything
    app.include_router(router)
    app.add_api_route("/health", health, methods=["GET"], tags=["health"])
    app.add_middleware(GZipMiddleware, minimum_size=2000)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "HEAD"], allow_headers=["*"])
    add_error_answers(app)
    return app
