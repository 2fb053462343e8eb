"""The search API as an ASGI application, read-only."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi_offline import FastAPIOffline

from panosc_analysis.catalogue.answers import FAILURES, add_error_answers
from panosc_analysis.catalogue.description import HEALTHY, describe
from panosc_analysis.catalogue.metrics import Measured, Metrics, answer
from panosc_analysis.catalogue.querying import Catalogue
from panosc_analysis.catalogue.routes import health, router

if TYPE_CHECKING:
    from fastapi import FastAPI

    from panosc_analysis.catalogue.membership import Membership

__all__ = ["create_app"]

_DESCRIPTION = """Datasets, documents and instruments of a photon or neutron facility, as the
[PaNOSC search API](https://github.com/panosc-eu/search-api) describes them. Read-only. Without a token the public
records are seen; with one (`Authorization: Bearer …`) those of the person's own proposals too."""
_TAGS = [
    {"name": "search", "description": "Find, count and read records"},
    {"name": "operation", "description": "For those who run the server"},
]


def create_app(index: Path, membership: Membership | None = None, *, everything: bool = False) -> FastAPI:
    """Make the application that answers the PaNOSC search API from an index.

    Opens the index for reading; follows when it is replaced. ``/docs`` describes it and loads nothing from elsewhere;
    ``/metrics`` is for Prometheus, ``/health`` for whoever watches it.

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
    app = FastAPIOffline(
        title="PaNOSC search API",
        version=version("panosc-analysis"),
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        redoc_url=None,  # loads a picture from elsewhere
        swagger_ui_oauth2_redirect_url="/docs/oauth2-redirect",
    )
    app.state.catalogue = catalogue = Catalogue(Path(index).expanduser())
    app.state.metrics = metrics = Metrics(catalogue)
    app.state.membership = membership
    app.state.everything = everything
    app.include_router(router)
    app.add_api_route("/health", health, methods=["GET"], tags=["operation"], responses=HEALTHY | FAILURES)
    app.add_route("/metrics", answer)
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=1)
    # Portals of other facilities ask from the browser, with a token or without; there are no cookies to guard.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD"],
        allow_headers=["*"],
        expose_headers=["X-Largest-Page"],
        max_age=86400,
    )
    app.add_middleware(Measured, metrics=metrics)
    add_error_answers(app)
    describe(app)
    return app
