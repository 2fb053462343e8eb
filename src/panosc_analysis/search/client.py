"""One provider of the search API: find, get, count, list files; asynchronous and not.

The client sends what the provider's dialect evaluates correctly (`panosc_analysis.search.wire`) and judges the answers
itself. It holds no connection between calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from panosc_analysis.errors import FilterError, ProviderAnswerError
from panosc_analysis.filters import Filter, Where, in_order, parse_where
from panosc_analysis.model import Dataset, Document, File, Instrument
from panosc_analysis.search import wire
from panosc_analysis.search.asking import Found, ask, not_understood
from panosc_analysis.search.background import run
from panosc_analysis.search.one_record import (
    dataset_relations,
    document_relations,
    files_of,
    files_or_none,
    get_record,
    no_relations,
    records_to,
)
from panosc_analysis.search.other_queries import DocumentQuery, InstrumentQuery
from panosc_analysis.search.query import question_from
from panosc_analysis.search.question import Question
from panosc_analysis.search.secret import Secret, token_of
from panosc_analysis.search.transport import Limits, Transport, address, limited
from panosc_analysis.search.words import LARGEST_LIMIT
from panosc_analysis.settings import Provider

__all__ = ["AsyncSearchClient", "SearchClient"]

FilterLike = Filter | Mapping[str, Any]


class AsyncSearchClient:
    """Asks one provider, from asynchronous code.

    Parameters
    ----------
    provider
        Name, address and where its token is.
    timeout
        Seconds that one call may take, all its requests together.
    answer_limit
        Largest answer to one request, in bytes after decompression.
    cache_seconds
        How long an answer may be used again for the same token; 0 for never.
    token
        Who asks; without it, what the provider's environment variable holds at each call.

    Notes
    -----
    Every method raises `ProviderUnreachable`, `ProviderRefused` or `ProviderAnswerError` when the provider fails.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        timeout: float = 4.5,
        answer_limit: int = 5_000_000,
        cache_seconds: float = 30.0,
        token: Secret | None = None,
    ) -> None:
        self.provider = provider
        self.limits = Limits(timeout, answer_limit, cache_seconds)
        self._token = token

    async def find_datasets(self, filter: FilterLike | None = None, **query: Any) -> list[Dataset]:
        """Find datasets by search words (see `Query`) or by a filter.

        Turns pages until ``limit`` (100) datasets are found or nothing new comes. Raises when time is over, even if
        some were found; `FederatedSearch` keeps those.

        Raises
        ------
        FilterError
            A word or value that cannot be understood.
        """
        question = question_from(filter, query)
        return records_to(Dataset.from_json, await self._find(question, "Datasets"), self.provider)

    async def find_documents(self, filter: FilterLike | None = None, **query: Any) -> list[Document]:
        """Find proposals and publications by search words (see `DocumentQuery`) or by a filter."""
        question = question_from(filter, query, DocumentQuery)
        return records_to(Document.from_json, await self._find(question, "Documents"), self.provider)

    async def find_instruments(self, filter: FilterLike | None = None, **query: Any) -> list[Instrument]:
        """Find instruments by search words (see `InstrumentQuery`) or by a filter."""
        question = question_from(filter, query, InstrumentQuery)
        return records_to(Instrument.from_json, await self._find(question, "Instruments"), self.provider)

    async def get_dataset(self, pid: str) -> Dataset:
        """Get one dataset with everything the provider tells about it, its files included.

        Raises
        ------
        DatasetNotFound
            This provider has no such dataset.
        """
        async with self._transport() as transport:
            record = await get_record(transport, "Datasets", pid, dataset_relations)
            if not record.get("files"):
                record = {**record, "files": await files_or_none(transport, pid)}
        return records_to(Dataset.from_json, [record], self.provider)[0]

    async def get_document(self, pid: str) -> Document:
        """Get one proposal or publication; raises `DatasetNotFound` if this provider has none of that PID."""
        async with self._transport() as transport:
            record = await get_record(transport, "Documents", pid, document_relations)
        return records_to(Document.from_json, [record], self.provider)[0]

    async def get_instrument(self, pid: str) -> Instrument:
        """Get one instrument; raises `DatasetNotFound` if this provider has none of that PID."""
        async with self._transport() as transport:
            record = await get_record(transport, "Instruments", pid, no_relations)
        return records_to(Instrument.from_json, [record], self.provider)[0]

    async def count_datasets(self, where: Where | Mapping[str, Any] | None = None, **query: Any) -> int:
        """Count datasets by a condition or by search words.

        The provider's own count is taken only where it counts what was asked; else the datasets are read.

        Raises
        ------
        FilterError
            There are more than can be read; or both a condition and words are given.
        """
        return await self._count("Datasets", where, question_from(None, query) if query else None)

    async def count_documents(self, where: Where | Mapping[str, Any] | None = None, **query: Any) -> int:
        """Count proposals and publications; see `count_datasets`."""
        return await self._count("Documents", where, question_from(None, query, DocumentQuery) if query else None)

    async def count_instruments(self, where: Where | Mapping[str, Any] | None = None, **query: Any) -> int:
        """Count instruments; see `count_datasets`."""
        return await self._count("Instruments", where, question_from(None, query, InstrumentQuery) if query else None)

    async def files(self, pid: str) -> tuple[File, ...]:
        """List the files of a dataset; empty where the provider states none.

        Raises
        ------
        DatasetNotFound
            This provider has no such dataset.
        """
        async with self._transport() as transport:
            try:
                found = await files_of(transport, pid)
            except ProviderAnswerError as error:
                if not not_understood(error):
                    raise  # one implementation has no such address, and one always fails there
                found = (await get_record(transport, "Datasets", pid, dataset_relations)).get("files") or []
        return tuple(records_to(File.from_json, found, self.provider))

    async def _find(self, question: Question, entity: str) -> list[Mapping[str, Any]]:
        found = Found()
        async with self._transport() as transport:
            await ask(transport, question, found, entity)
        return in_order(found.records.values(), question.order)

    async def _count(
        self, entity: str, where: Where | Mapping[str, Any] | None, question: Question | None = None
    ) -> int:
        condition = parse_where(where) if where is None or isinstance(where, Mapping) else where
        if question is not None and condition is not None:
            raise FilterError("A condition and search words are given together", hint="Give one of them")
        async with self._transport() as transport:
            if question is None and wire.counts(condition, entity, transport.dialect):
                return await self._own_count(transport, entity, condition)
            asked = replace(question or Question((Filter(condition),)), limit=LARGEST_LIMIT)
            found = Found()
            await ask(transport, asked, found, entity)
        if found.more:
            raise FilterError(f"There are more than {LARGEST_LIMIT}", hint="Count less at once, by dates for example")
        return len(found.records)

    async def _own_count(self, transport: Transport, entity: str, condition: Where | None) -> int:
        text = Filter(condition).to_text()[len('{"where":') : -1] if condition else ""
        answer = await transport.get(address(f"/{entity}/count", "where", text))
        count = answer.get("count") if isinstance(answer, dict) else answer
        if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
            return count
        raise ProviderAnswerError(
            f"{self.provider.name} answered with something else than a count",
            hint="Find the datasets instead and count them",
            provider=self.provider.name,
        )

    def _transport(self) -> AbstractAsyncContextManager[Transport]:
        return limited(self.provider, self.limits, self._token or token_of(self.provider))


class SearchClient:
    """Asks one provider and waits; also inside a notebook, where an event loop is running.

    The same calls as `AsyncSearchClient`, which see, run on an event loop in a thread of its own. That, and not a
    second, blocking way to speak HTTP, is what makes the time limit hold: a blocking read of a header that comes byte
    by byte, or a name look-up that hangs, cannot be interrupted. ``with`` may be used and does nothing.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        timeout: float = 4.5,
        answer_limit: int = 5_000_000,
        cache_seconds: float = 30.0,
        token: Secret | None = None,
    ) -> None:
        self._client = AsyncSearchClient(
            provider, timeout=timeout, answer_limit=answer_limit, cache_seconds=cache_seconds, token=token
        )

    @property
    def provider(self) -> Provider:
        """Who is asked."""
        return self._client.provider

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def find_datasets(self, filter: FilterLike | None = None, **query: Any) -> list[Dataset]:
        """Find datasets by search words or by a filter."""
        return run(self._client.find_datasets(filter, **query))

    def find_documents(self, filter: FilterLike | None = None, **query: Any) -> list[Document]:
        """Find proposals and publications by search words or by a filter."""
        return run(self._client.find_documents(filter, **query))

    def find_instruments(self, filter: FilterLike | None = None, **query: Any) -> list[Instrument]:
        """Find instruments by search words or by a filter."""
        return run(self._client.find_instruments(filter, **query))

    def get_dataset(self, pid: str) -> Dataset:
        """Get one dataset with everything the provider tells about it."""
        return run(self._client.get_dataset(pid))

    def get_document(self, pid: str) -> Document:
        """Get one proposal or publication."""
        return run(self._client.get_document(pid))

    def get_instrument(self, pid: str) -> Instrument:
        """Get one instrument."""
        return run(self._client.get_instrument(pid))

    def count_datasets(self, where: Where | Mapping[str, Any] | None = None, **query: Any) -> int:
        """Count datasets by a condition or by search words."""
        return run(self._client.count_datasets(where, **query))

    def count_documents(self, where: Where | Mapping[str, Any] | None = None, **query: Any) -> int:
        """Count documents by a condition or by search words."""
        return run(self._client.count_documents(where, **query))

    def count_instruments(self, where: Where | Mapping[str, Any] | None = None, **query: Any) -> int:
        """Count instruments by a condition or by search words."""
        return run(self._client.count_instruments(where, **query))

    def files(self, pid: str) -> tuple[File, ...]:
        """List the files of a dataset."""
        return run(self._client.files(pid))
