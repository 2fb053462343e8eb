"""One record of a provider, and the files of one dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from panosc_analysis.errors import DatasetNotFound, ProviderAnswerError
from panosc_analysis.filters import Filter, Include
from panosc_analysis.model import quote_pid, same_pid
from panosc_analysis.search.asking import LARGEST_PAGE, not_understood, rows
from panosc_analysis.search.dialects import Dialect
from panosc_analysis.search.transport import Transport, address
from panosc_analysis.settings import Provider

__all__ = [
    "dataset_relations",
    "document_relations",
    "files_of",
    "files_or_none",
    "get_record",
    "no_relations",
    "records_to",
]

T = TypeVar("T")

# People are given only where they are asked for, and where they can be.
_PEOPLE = Filter(include=(Include("person"), Include("affiliation")))

Relations = tuple[Include, ...]


def dataset_relations(dialect: Dialect) -> Iterator[Relations]:
    """Give what to include with a dataset, to be tried in turn: everything, then less.

    An unknown relation is an error to most servers, and one fails over datasets that have no technique.
    """
    most = ("instrument", "parameters", "samples", "files")
    for names in ((*most, "techniques"), most):
        for documents in dialect.documents:
            yield _named(*names, documents)
        yield _named(*names)
    yield _named("instrument", "files")
    yield _named("instrument")


def document_relations(_: Dialect) -> Iterator[Relations]:
    """Give what to include with a document, to be tried in turn."""
    yield (Include("members", _PEOPLE), *_named("parameters", "datasets"))
    yield _named("members", "parameters", "datasets")
    yield _named("datasets")
    yield ()


def no_relations(_: Dialect) -> Iterator[Relations]:
    """Give nothing to include."""
    yield ()


def _named(*names: str) -> Relations:
    return tuple(Include(name) for name in names)


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


async def get_record(
    transport: Transport, entity: str, pid: str, relations: Callable[[Dialect], Iterator[Relations]]
) -> Mapping[str, Any]:
    """Get one record, with as many relations as the provider knows.

    Raises
    ------
    DatasetNotFound
        It has none of that PID.
    ProviderAnswerError
        It answered with something else.
    """
    path = f"/{entity}/{quote_pid(pid)}"
    tries = list(relations(transport.dialect))
    for position, include in enumerate(tries):
        try:
            record = await transport.get(address(path, "filter", Filter(include=include).to_text() if include else ""))
        except ProviderAnswerError as error:
            if error.data.get("status") == 404:
                raise _no_such_record(transport.provider, pid) from error
            if not not_understood(error) or position + 1 == len(tries):
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


async def files_of(transport: Transport, pid: str) -> list[Any]:
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


async def files_or_none(transport: Transport, pid: str) -> list[Any]:
    """Read a dataset's files; none from a provider without an address for them."""
    try:
        return await files_of(transport, pid)
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
