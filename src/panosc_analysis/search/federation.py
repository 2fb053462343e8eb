"""All providers at once, with one named outcome for each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from panosc_analysis.errors import DatasetNotFound, PanoscError, ProviderUnreachable, SearchError, SettingsError
from panosc_analysis.filters import Filter, in_order
from panosc_analysis.model import Dataset, pid_key
from panosc_analysis.search.asking import Found, ask
from panosc_analysis.search.background import run
from panosc_analysis.search.client import AsyncSearchClient, records_to
from panosc_analysis.search.hits import Hits
from panosc_analysis.search.outcome import Outcome, state_of
from panosc_analysis.search.query import Question, query_from, question_from
from panosc_analysis.search.transport import limited
from panosc_analysis.settings import Provider, Settings, load_settings

__all__ = ["FederatedSearch", "search"]

_OLDEST = datetime.min.replace(tzinfo=UTC)


def search(settings: Settings | None = None, **query: Any) -> Hits:
    """Find datasets at all configured providers.

    Takes as long as the slowest provider, at most the settings' timeout. See `panosc_analysis.search.Query` for the
    words. A provider that fails is named in the result and costs no other's datasets.

    Raises
    ------
    FilterError
        A word or value that cannot be understood.
    SettingsError
        No provider is configured.
    """
    return FederatedSearch(load_settings() if settings is None else settings).search(**query)


class FederatedSearch:
    """Asks all configured providers at the same time; callable with or without a running event loop.

    Parameters
    ----------
    settings
        Providers, time and size limits.

    Raises
    ------
    SettingsError
        No provider is configured.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.providers:
            raise SettingsError(
                "No search API is configured",
                hint="Set PANOSC_PROVIDERS=name=url, or list [[providers]] in the settings",
            )
        self.settings = settings

    def search(self, filter: Filter | Mapping[str, Any] | None = None, **query: Any) -> Hits:
        """Find datasets by search words (see `Query`) or by a filter, newest first.

        A dataset that several providers know is given once, as the first of them in the settings describes it.
        """
        return run(self.asearch(filter, **query))

    async def asearch(self, filter: Filter | Mapping[str, Any] | None = None, **query: Any) -> Hits:
        """Find datasets, from asynchronous code."""
        question = question_from(filter, query)
        answers = await asyncio.gather(*(self._ask(provider, question) for provider in self.settings.providers))
        merged: dict[str, Dataset] = {}
        for datasets, _ in answers:
            for dataset in datasets:
                merged.setdefault(pid_key(dataset.pid), dataset)
        found = list(merged.values())
        if not question.order:
            found.sort(key=lambda dataset: dataset.creation_date or _OLDEST, reverse=True)
        asked_for = "" if filter is not None else str(query_from(query))
        return Hits(found[: question.limit], [outcome for _, outcome in answers], asked_for)

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

    async def _ask(self, provider: Provider, question: Question) -> tuple[list[Dataset], Outcome]:
        """Ask one provider; what it answered before it failed is kept."""
        found, started = Found(), time.perf_counter()
        datasets: list[Dataset] = []
        failure: PanoscError | None = None
        try:
            async with limited(
                provider, timeout=self.settings.timeout, answer_limit=self.settings.answer_limit
            ) as transport:
                await ask(transport, question, found)
        except SearchError as error:
            failure = error
        try:
            datasets = records_to(Dataset.from_json, in_order(found.records.values(), question.order), provider)
        except SearchError as error:
            failure = error
        return datasets, _outcome(provider, found, len(datasets), failure, time.perf_counter() - started)

    def _client(self, provider: Provider) -> AsyncSearchClient:
        return AsyncSearchClient(provider, timeout=self.settings.timeout, answer_limit=self.settings.answer_limit)


def _outcome(provider: Provider, found: Found, hits: int, failure: PanoscError | None, seconds: float) -> Outcome:
    if failure is not None:
        state = "partial" if hits else state_of(failure)
        more, reason, hint = hits > 0, failure.message, failure.hint
        return Outcome(provider.name, state, hits, more, found.read, seconds, reason, hint)
    if found.unusable:
        reason = f"{found.unusable} of its records have no PID and were left out"
        return Outcome(provider.name, "partial", hits, found.more, found.read, seconds, reason, "Tell its operators")
    return Outcome(provider.name, "ok", hits, found.more, found.read, seconds)


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
