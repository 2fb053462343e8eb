"""One record of a provider, and the files of one dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from panosc_analysis.errors import DatasetNotFound, ProviderAnswerError
from panosc_analysis.filters import Filter, Include
from panosc_analysis.model import quote_pid, same_pid
from panosc_analysis.search.asking import LARGEST_PAGE, not_understood, rows
from panosc_analysis.search.transport import Transport, address
from panosc_analysis.settings import Provider

__all__ = ["DATASET_RELATIONS", "DOCUMENT_RELATIONS", "files_of", "files_or_none", "get_record", "records_to"]

T = TypeVar("T")

# Tried in turn: not every server knows every relation, and an unknown one is an error to most.
DATASET_RELATIONS = (
    ("instrument", "techniques", "parameters", "samples", "files", "documents"),
    ("instrument", "techniques", "parameters", "samples", "files"),
    ("instrument", "files"),
    ("instrument",),
)
DOCUMENT_RELATIONS = (("members", "parameters", "datasets"), ("datasets",), ())


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
    transport: Transport, entity: str, pid: str, relations: tuple[tuple[str, ...], ...]
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
