"""Search: one provider or all of them, by what a dataset is.

`search` and `FederatedSearch` ask all configured providers; `SearchClient` and `AsyncSearchClient` ask one. Importing
this package loads nothing: each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from panosc_analysis.search.arriving import Arrival
    from panosc_analysis.search.client import AsyncSearchClient, SearchClient
    from panosc_analysis.search.federation import FederatedSearch, search
    from panosc_analysis.search.hits import Hits
    from panosc_analysis.search.other_queries import DocumentQuery, InstrumentQuery
    from panosc_analysis.search.outcome import Outcome
    from panosc_analysis.search.query import Query
    from panosc_analysis.search.secret import Secret

_HOMES = {
    "Arrival": "arriving",
    "AsyncSearchClient": "client",
    "DocumentQuery": "other_queries",
    "FederatedSearch": "federation",
    "Hits": "hits",
    "InstrumentQuery": "other_queries",
    "Outcome": "outcome",
    "Query": "query",
    "SearchClient": "client",
    "Secret": "secret",
    "search": "federation",
}
__all__ = [
    "Arrival",
    "AsyncSearchClient",
    "DocumentQuery",
    "FederatedSearch",
    "Hits",
    "InstrumentQuery",
    "Outcome",
    "Query",
    "SearchClient",
    "Secret",
    "search",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
