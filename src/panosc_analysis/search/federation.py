"""All providers at once, with one named outcome for each; hits are given as they arrive, or together and in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from panosc_analysis.errors import DatasetNotFound, ProviderUnreachable, SearchError, SettingsError
from panosc_analysis.filters import Filter, in_order
from panosc_analysis.model import Dataset, pid_key
from panosc_analysis.search.arriving import Arrival, arrivals
from panosc_analysis.search.background import iterate, run
from panosc_analysis.search.client import AsyncSearchClient
from panosc_analysis.search.dialects import dialect_named
from panosc_analysis.search.hits import Hits
from panosc_analysis.search.outcome import Outcome
from panosc_analysis.search.query import query_from, question_from
from panosc_analysis.search.question import Question
from panosc_analysis.search.ranking import ranked
from panosc_analysis.search.secret import Secret, token_of
from panosc_analysis.search.transport import Limits
from panosc_analysis.search.words import LARGEST_LIMIT
from panosc_analysis.settings import Provider, Settings, load_settings

__all__ = ["Arrival", "FederatedSearch", "search"]


def search(settings: Settings | None = None, filter: Filter | Mapping[str, Any] | None = None, **query: Any) -> Hits:
    """Find datasets at all configured providers.

    Takes as long as the slowest provider, at most the settings' timeout. See `panosc_analysis.search.Query` for the
    words; a filter may stand in their place. A provider that fails is named in the result and costs no other's
    datasets.

    Raises
    ------
    FilterError
        A word or value that cannot be understood.
    SettingsError
        No provider is configured.
    """
    return FederatedSearch(load_settings() if settings is None else settings).search(filter, **query)


class FederatedSearch:
    """Asks all configured providers at the same time; callable with or without a running event loop.

    Parameters
    ----------
    settings
        Providers, time and size limits.
    tokens
        Who asks, by provider; without one, what the provider's environment variable holds at each call.

    Raises
    ------
    SettingsError
        No provider is configured, two have one name, or one has an unknown dialect.
    """

    def __init__(self, settings: Settings, *, tokens: Mapping[str, Secret] | None = None) -> None:
        if not settings.providers:
            raise SettingsError(
                "No search API is configured",
                hint="Set PANOSC_PROVIDERS=name=url, or list [[providers]] in the settings",
            )
        names = [provider.name for provider in settings.providers]
        for provider in settings.providers:
            dialect_named(provider.dialect)
            if names.count(provider.name) > 1:
                raise SettingsError(f"Two providers are called {provider.name!r}", hint="Give each its own name")
        self.settings = settings
        self._tokens = dict(tokens or {})

    def search(
        self,
        filter: Filter | Mapping[str, Any] | None = None,
        *,
        report: Callable[[Arrival], None] | None = None,
        **query: Any,
    ) -> Hits:
        """Find datasets by search words (see `Query`) or by a filter, the best first.

        The order is that of `panosc_analysis.search.ranking`, or the filter's own. A dataset that several providers
        know is given once, as the first of them in the settings describes it. ``report`` is called with each arrival,
        in a thread of its own.
        """
        return run(self.asearch(filter, report=report, **query))

    async def asearch(
        self,
        filter: Filter | Mapping[str, Any] | None = None,
        *,
        report: Callable[[Arrival], None] | None = None,
        **query: Any,
    ) -> Hits:
        """Find datasets, from asynchronous code; ``report`` is called with each arrival, for showing progress."""
        question = question_from(filter, query)
        asked_for = "" if filter is not None else str(query_from(query))
        return await self._together(question, asked_for, report)

    def stream(self, filter: Filter | Mapping[str, Any] | None = None, **query: Any) -> Iterator[Arrival]:
        """Give hits as they arrive, page by page; each provider's last arrival has its outcome.

        Leaving the loop early, or an interrupt in it, ends all requests.
        """
        return iterate(self.astream(filter, **query))

    async def astream(
        self, filter: Filter | Mapping[str, Any] | None = None, **query: Any
    ) -> AsyncGenerator[Arrival, None]:
        """Give hits as they arrive, from asynchronous code; close the iterator (`contextlib.aclosing`) to end early."""
        question = question_from(filter, query)
        given: set[str] = set()
        async with contextlib.aclosing(
            arrivals(self.settings.providers, question, self._limits, self._token)
        ) as arriving:
            async for arrival in arriving:
                fresh = {pid_key(one.pid): one for one in arrival.datasets}
                new = tuple(one for key, one in fresh.items() if key not in given)
                given |= fresh.keys()
                if new or arrival.outcome is not None:
                    yield replace(arrival, datasets=new)

    def get(self, pid: str) -> Dataset:
        """Get one dataset from the first provider that has it, its files included.

        Raises
        ------
        DatasetNotFound
            Every provider that answered has no such dataset; the hint names those that did not answer.
        ProviderUnreachable
            No provider answered.
        FilterError
            The text is not a PID.
        """
        return run(self.aget(pid))

    async def aget(self, pid: str) -> Dataset:
        """Get one dataset, from asynchronous code."""
        work = [asyncio.ensure_future(self._client(provider).get_dataset(pid)) for provider in self.settings.providers]
        errors: list[SearchError] = []
        try:
            for next_done in asyncio.as_completed(work):
                try:
                    return await next_done
                except SearchError as error:
                    errors.append(error)
        finally:
            for one in work:
                one.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        raise _nobody_has(pid, errors)

    async def _together(
        self, question: Question, asked_for: str, report: Callable[[Arrival], None] | None = None
    ) -> Hits:
        found: dict[str, list[Dataset]] = {provider.name: [] for provider in self.settings.providers}
        outcomes: dict[str, Outcome] = {}
        async with contextlib.aclosing(
            arrivals(self.settings.providers, question, self._limits, self._token)
        ) as arriving:
            async for arrival in arriving:
                found[arrival.provider] += arrival.datasets
                if arrival.outcome is not None:
                    outcomes[arrival.provider] = arrival.outcome
                if report is not None:
                    report(arrival)
        merged: dict[str, Dataset] = {}
        for datasets in found.values():
            for dataset in datasets:
                merged.setdefault(pid_key(dataset.pid), dataset)
        ordered = _in_order(question, list(merged.values()))
        shown = ordered[: question.limit]

        def further(count: int) -> Hits:
            wider = replace(question, limit=min(question.limit + count, LARGEST_LIMIT))
            return run(self._together(wider, asked_for))

        return Hits(
            shown, [outcomes[name] for name in found], asked_for, cut=len(ordered) > len(shown), further=further
        )

    def _asked(self, question: Question) -> AsyncGenerator[Arrival, None]:
        return arrivals(self.settings.providers, question, self._limits, self._token)

    def _token(self, provider: Provider) -> Secret | None:
        return self._tokens.get(provider.name) or token_of(provider)

    def _client(self, provider: Provider) -> AsyncSearchClient:
        limits = self._limits
        return AsyncSearchClient(
            provider,
            timeout=limits.timeout,
            answer_limit=limits.answer_limit,
            cache_seconds=limits.cache_seconds,
            token=self._tokens.get(provider.name),
        )

    @property
    def _limits(self) -> Limits:
        return Limits(self.settings.timeout, self.settings.answer_limit, self.settings.cache_seconds)


def _in_order(question: Question, datasets: list[Dataset]) -> list[Dataset]:
    if not question.order:
        return ranked(datasets, question.words)
    pairs = [(one.to_json(), one) for one in datasets]
    known = {id(record): dataset for record, dataset in pairs}
    return [known[id(record)] for record in in_order((record for record, _ in pairs), question.order)]


def _nobody_has(pid: str, errors: list[SearchError]) -> SearchError:
    silent = [error for error in errors if not isinstance(error, DatasetNotFound)]
    said = "; ".join(error.message for error in silent)
    if len(silent) == len(errors):
        return ProviderUnreachable(
            f"No provider could say whether {pid} exists ({said})",
            hint=silent[0].hint if len(silent) == 1 else "Try again later, or check the providers in the settings",
            pid=pid,
        )
    hint = "Check the PID, or whether you may see it: a dataset that is not yours is not there"
    return DatasetNotFound(
        f"No provider that answered has a dataset {pid}",
        hint=f"{hint}. Not everybody answered: {said}" if said else hint,
        pid=pid,
    )
