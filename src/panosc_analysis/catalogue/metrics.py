"""Figures for Prometheus: how many questions of which kind, how they ended, how long they took, what is served."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.responses import Response

from panosc_analysis.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from panosc_analysis.catalogue.querying import Catalogue

__all__ = ["Measured", "Metrics", "answer"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """What one server measures.

    Parameters
    ----------
    catalogue
        What it serves.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "catalogue_requests", "Answered requests", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "catalogue_request_seconds", "Time to answer", ("route",), buckets=_SECONDS, registry=self.registry
        )
        self.registry.register(_Served(catalogue))


class _Served(Collector):
    """What is served now, looked at when somebody asks."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def collect(self) -> Iterator[Metric]:
        try:
            version = self.catalogue.version()
        except CatalogueError:
            yield GaugeMetricFamily("catalogue_index_readable", "Whether the index can be read", 0)
            return
        yield GaugeMetricFamily("catalogue_index_readable", "Whether the index can be read", 1)
        yield GaugeMetricFamily("catalogue_index_datasets", "Datasets in the index", len(version.columns.natural))
        yield GaugeMetricFamily("catalogue_index_documents", "Documents in the index", len(version.document_numbers))
        modified = self.catalogue.index.stat().st_mtime
        yield GaugeMetricFamily("catalogue_index_timestamp_seconds", "When the index was brought up to date", modified)


class Measured:
    """An ASGI application that notes each answer of another one.

    Parameters
    ----------
    app, metrics
        The other one, and where to note it.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note how it was answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, started = 500, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            # The route as it is declared: identifiers would make as many series as there are records.
            route = getattr(scope.get("route"), "path", "none")
            self.metrics.requests.labels(route, scope["method"], str(status)).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - started)


def answer(request: Request) -> Response:
    """Give the figures in Prometheus's own form."""
    metrics: Metrics = request.app.state.metrics
    return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)
