"""One provider of the search API: find, get, count, list files; asynchronous and not.

The client sends the narrow form that all implementations understand (`panosc_analysis.search.wire`) and judges the
answers itself. It holds no connection between calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

from panosc_analysis.errors import DatasetNotFound, ProviderAnswerError
from panosc_analysis.filters import Filter, Include, Where, in_order, parse_where
from panosc_analysis.model import Dataset, Document, File, Instrument, quote_pid, same_pid
from panosc_analysis.search.asking import LARGEST_PAGE, Found, ask, not_understood, rows
from panosc_analysis.search.background import run
from panosc_analysis.search.query import Question, question_from
from panosc_analysis.search.secret import Secret, token_of
from panosc_analysis.search.transport import Limits, Transport, address, limited
from panosc_analysis.settings import Provider

__all__ = ["AsyncSearchClient", "SearchClient", "records_to"]

T = TypeVar("T")
FilterLike = Filter | Mapping[str, Any]

# Tried in turn: not every server knows every relation, and an unknown one is an error to most.
_DATASET_RELATIONS = (
    ("instrument", "techniques", "parameters", "samples", "files", "documents"),
    ("instrument", "techniques", "parameters", "samples", "files"),
    ("instrument", "files"),
    ("instrument",),
)
_DOCUMENT_RELATIONS = (("members", "parameters", "datasets"), ("datasets",), ())


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

    async def find_documents(self, filter: FilterLike | None = None, *, limit: int = 100) -> list[Document]:
        """Find proposals and publications by a filter."""
        question = question_from(filter or {}, {"limit": limit})
        return records_to(Document.from_json, await self._find(question, "Documents"), self.provider)

    async def find_instruments(self, filter: FilterLike | None = None, *, limit: int = 100) -> list[Instrument]:
        """Find instruments by a filter."""
        question = question_from(filter or {}, {"limit": limit})
        return records_to(Instrument.from_json, await self._find(question, "Instruments"), self.provider)

    async def get_dataset(self, pid: str) -> Dataset:
        """Get one dataset with everything the provider tells about it, its files included.

        Raises
        ------
        DatasetNotFound
            This provider has no such dataset.
        """
        async with self._transport() as transport:
            record = await _get(transport, "Datasets", pid, _DATASET_RELATIONS)
            if not record.get("files"):
                record = {**record, "files": await _files_or_none(transport, pid)}
        return records_to(Dataset.from_json, [record], self.provider)[0]

    async def get_document(self, pid: str) -> Document:
        """Get one proposal or publication; raises `DatasetNotFound` if this provider has none of that PID."""
        async with self._transport() as transport:
            record = await _get(transport, "Documents", pid, _DOCUMENT_RELATIONS)
        return records_to(Document.from_json, [record], self.provider)[0]

    async def get_instrument(self, pid: str) -> Instrument:
        """Get one instrument; raises `DatasetNotFound` if this provider has none of that PID."""
        async with self._transport() as transport:
            record = await _get(transport, "Instruments", pid, ((),))
        return records_to(Instrument.from_json, [record], self.provider)[0]

    async def count_datasets(self, where: Where | Mapping[str, Any] | None = None) -> int:
        """Say how many datasets the provider counts; it may count conditions otherwise than `find_datasets` does."""
        return await self._count("Datasets", where)

    async def count_documents(self, where: Where | Mapping[str, Any] | None = None) -> int:
        """Say how many documents the provider counts."""
        return await self._count("Documents", where)

    async def count_instruments(self, where: Where | Mapping[str, Any] | None = None) -> int:
        """Say how many instruments the provider counts."""
        return await self._count("Instruments", where)

    async def files(self, pid: str) -> tuple[File, ...]:
        """List the files of a dataset; empty where the provider states none.

        Raises
        ------
        DatasetNotFound
            This provider has no such dataset.
        """
        async with self._transport() as transport:
            try:
                found = await _files(transport, pid)
            except ProviderAnswerError as error:
                if not not_understood(error):
                    raise  # one implementation has no such address, and one always fails there
                found = (await _get(transport, "Datasets", pid, (("files",), ("instrument",)))).get("files") or []
        return tuple(records_to(File.from_json, found, self.provider))

    async def _find(self, question: Question, entity: str) -> list[Mapping[str, Any]]:
        found = Found()
        async with self._transport() as transport:
            await ask(transport, question, found, entity)
        return in_order(found.records.values(), question.order)

    async def _count(self, entity: str, where: Where | Mapping[str, Any] | None) -> int:
        condition = parse_where(where) if where is None or isinstance(where, Mapping) else where
        text = Filter(condition).to_text()[len('{"where":') : -1] if condition else ""
        async with self._transport() as transport:
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

    def __init__(self, provider: Provider, **options: Any) -> None:
        self._client = AsyncSearchClient(provider, **options)

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

    def find_documents(self, filter: FilterLike | None = None, *, limit: int = 100) -> list[Document]:
        """Find proposals and publications by a filter."""
        return run(self._client.find_documents(filter, limit=limit))

    def find_instruments(self, filter: FilterLike | None = None, *, limit: int = 100) -> list[Instrument]:
        """Find instruments by a filter."""
        return run(self._client.find_instruments(filter, limit=limit))

    def get_dataset(self, pid: str) -> Dataset:
        """Get one dataset with everything the provider tells about it."""
        return run(self._client.get_dataset(pid))

    def get_document(self, pid: str) -> Document:
        """Get one proposal or publication."""
        return run(self._client.get_document(pid))

    def get_instrument(self, pid: str) -> Instrument:
        """Get one instrument."""
        return run(self._client.get_instrument(pid))

    def count_datasets(self, where: Where | Mapping[str, Any] | None = None) -> int:
        """Say how many datasets the provider counts."""
        return run(self._client.count_datasets(where))

    def count_documents(self, where: Where | Mapping[str, Any] | None = None) -> int:
        """Say how many documents the provider counts."""
        return run(self._client.count_documents(where))

    def count_instruments(self, where: Where | Mapping[str, Any] | None = None) -> int:
        """Say how many instruments the provider counts."""
        return run(self._client.count_instruments(where))

    def files(self, pid: str) -> tuple[File, ...]:
        """List the files of a dataset."""
        return run(self._client.files(pid))


def records_to(read: Callable[[Any, str], T], records: Any, provider: Provider) -> list[T]:
    """Make the model's records.

    Raises
    ------
    ProviderAnswerError
        A record that holds itself, or so much of others that it cannot be read.
    """
    try:
        return [read(record, provider.name) for record in records if isinstance(record, Mapping)]
    except RecursionError:
        raise ProviderAnswerError(
            f"{provider.name} answered with a record nested too deeply",
            hint="Tell its operators",
            provider=provider.name,
        ) from None


async def _get(
    transport: Transport, entity: str, pid: str, relations: tuple[tuple[str, ...], ...]
) -> Mapping[str, Any]:
    path = f"/{entity}/{quote_pid(pid)}"
    for position, names in enumerate(relations):
        filter = Filter(include=tuple(Include(name) for name in names))
        try:
            record = await transport.get(address(path, "filter", filter.to_text() if names else ""))
        except ProviderAnswerError as error:
            if error.data.get("status") == 404:
                raise _no_such_record(transport.provider, pid) from error
            if not not_understood(error) or position + 1 == len(relations):
                raise
            continue
        if isinstance(record, dict) and same_pid(str(record.get("pid")), pid):
            return record
        break
    name = transport.provider.name
    raise ProviderAnswerError(
        f"{name} answered with something else than the record {pid}",
        hint="Search for it by its title, or tell the operators",
        provider=name,
        pid=pid,
    )


async def _files(transport: Transport, pid: str) -> list[Any]:
    """Read all pages of a dataset's files. Identifiers are not unique everywhere: path and name tell files apart."""
    found: dict[tuple[str, str], Any] = {}
    skip = 0
    while True:
        text = Filter(limit=LARGEST_PAGE, skip=skip).to_text()
        page = rows(transport, await transport.get(address(f"/Datasets/{quote_pid(pid)}/files", "filter", text)))
        named = {(str(row.get("path")), str(row.get("name"))): row for row in page if isinstance(row, dict)}
        if named.keys() <= found.keys():
            return list(found.values())
        found = {**named, **found}
        skip += len(page)


async def _files_or_none(transport: Transport, pid: str) -> list[Any]:
    try:
        return await _files(transport, pid)
    except ProviderAnswerError as error:
        if not not_understood(error):
            raise
        return []  # a provider without this address has told all it knows in the record


def _no_such_record(provider: Provider, pid: str) -> DatasetNotFound:
    return DatasetNotFound(
        f"{provider.name} has no record {pid}",
        hint="Check the PID, or whether you may see it: a record that is not yours is not there",
        pid=pid,
        provider=provider.name,
    )
