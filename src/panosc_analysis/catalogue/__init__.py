"""From a tree of NeXus files to the PaNOSC search API: metadata, an embedded database, a read-only server.

`build_index` reads the files; `create_app` and `serve` read only the index it makes and do not load h5py.
Importing the room loads none of these.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from panosc_analysis.catalogue.app import create_app
    from panosc_analysis.catalogue.indexing import IndexReport, build_index
    from panosc_analysis.catalogue.loading import index_records
    from panosc_analysis.catalogue.membership import HttpMembership, Membership
    from panosc_analysis.catalogue.server import serve
    from panosc_analysis.catalogue.walking import Refusal

__all__ = [
    "HttpMembership",
    "IndexReport",
    "Membership",
    "Refusal",
    "build_index",
    "create_app",
    "index_records",
    "serve",
]

_HOMES = {
    "HttpMembership": "membership",
    "IndexReport": "indexing",
    "Membership": "membership",
    "Refusal": "walking",
    "build_index": "indexing",
    "create_app": "app",
    "index_records": "loading",
    "serve": "server",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
