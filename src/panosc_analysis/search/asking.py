"""Asking one provider a question, page by page, until nothing new comes.

Implementations turn pages differently. Some give fewer records than were asked for because they have a limit of their
own, others because they cut the page before they apply a condition on a relation: a short page is then not the end, and
neither is an empty one. One repeats its last record for ever. So after a short page the next one starts behind what
came, a fruitless page is followed by one behind everything covered so far, and two fruitless pages are the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from panosc_analysis.errors import ProviderAnswerError
from panosc_analysis.filters import Filter, related
from panosc_analysis.model import pid_key
from panosc_analysis.search import wire
from panosc_analysis.search.query import Question
from panosc_analysis.search.transport import Transport, address

__all__ = ["Found", "ask", "not_understood", "rows"]

SMALLEST_PAGE, LARGEST_PAGE = 50, 1000
_NOT_UNDERSTOOD = frozenset({400, 404, 414, 422, 431, 500, 501})


@dataclass(slots=True)
class Found:
    """What one provider has answered so far; filled page by page, so that it holds something when time is over.

    Parameters
    ----------
    records
        Hits by their PID's key.
    read
        Records looked at.
    unusable
        Records without a PID.
    more
        Whether the provider may have more hits.
    """

    records: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    read: int = 0
    unusable: int = 0
    more: bool = False


async def ask(transport: Transport, question: Question, found: Found, entity: wire.Entity = "Datasets") -> None:
    """Fill ``found`` with the records that the question accepts, at most its limit.

    Raises
    ------
    SearchError
        The provider cannot be reached, refuses, or answers something else than records. If it only fails over one
        filter of several, the others are asked first.
    """
    failure: ProviderAnswerError | None = None
    for position, one in enumerate(question.filters):
        try:
            await _Reading(transport, question, found, entity).filter(one)
        except ProviderAnswerError as error:
            if not not_understood(error):
                raise
            failure = failure or error
        if len(found.records) >= question.limit:
            found.more = found.more or position + 1 < len(question.filters)
            return
    if failure is not None:
        raise failure


def not_understood(error: ProviderAnswerError) -> bool:
    """Say whether the provider failed over what was asked, so that a simpler request may do."""
    return error.data.get("status") in _NOT_UNDERSTOOD


def rows(transport: Transport, answer: Any) -> list[Any]:
    """Check that an answer is a list.

    Raises
    ------
    ProviderAnswerError
        It is something else.
    """
    if isinstance(answer, list):
        return answer
    name = transport.provider.name
    raise ProviderAnswerError(
        f"{name} answered with something else than a list of records",
        hint="Check its url in the settings, or tell its operators",
        provider=name,
    )


@dataclass(slots=True)
class _Reading:
    """Reads the answers to one filter."""

    transport: Transport
    question: Question
    found: Found
    entity: wire.Entity
    seen: set[str] = field(default_factory=set)
    saw_documents: bool = False

    async def filter(self, filter: Filter) -> None:
        """Send the filter in the narrow form, then, where that failed or brought nothing, in others."""
        needs_documents = self.entity == "Datasets" and wire.asks_for_documents(filter)
        sent = wire.narrowed(filter, self.entity)
        try:
            await self.pages(self.entity, sent)
        except ProviderAnswerError as error:
            if not not_understood(error) or self.seen:
                raise
            if not needs_documents:
                await self.pages(self.entity, wire.plain(filter, self.entity))
        covering = wire.with_wildcards(sent)
        if not self.seen and covering is not None and not needs_documents:
            await self.pages(self.entity, covering)
        if needs_documents and not self.saw_documents:
            await self.through_documents(filter)

    async def through_documents(self, filter: Filter) -> None:
        sent = wire.through_documents(filter)
        await self.pages("Documents", sent)
        covering = wire.with_wildcards(sent)
        if not self.saw_documents and covering is not None:
            await self.pages("Documents", covering)

    async def pages(self, entity: wire.Entity, sent: Filter) -> None:
        joins = any(one.joins for one in sent.include)
        narrow = sent.where is not None or joins
        size = min(max(self.question.limit, SMALLEST_PAGE if narrow else 1), LARGEST_PAGE)
        skip, covered, largest, fruitless = 0, 0, LARGEST_PAGE, 0
        turned: set[str] = set()
        while len(self.found.records) < self.question.limit:
            asked = size
            size, page = await self.page(entity, replace(sent, limit=asked, skip=skip))
            largest = size if size < asked else largest
            self.take(page, size, unfold=entity != self.entity)
            new = {pid_key(pid) for record in page if (pid := _pid(record))} - turned
            turned |= new
            covered = max(covered, skip + size)
            fruitless = 0 if new else fruitless + 1
            if fruitless >= (2 if joins else 1):
                return
            skip, size = (skip + min(len(page), size) if new else covered), largest

    async def page(self, entity: wire.Entity, sent: Filter) -> tuple[int, list[Any]]:
        """Get one page, a smaller one if that is too large."""
        size = sent.limit or LARGEST_PAGE
        while True:
            path = address(f"/{entity}", "filter", replace(sent, limit=size).to_text())
            try:
                return size, rows(self.transport, await self.transport.get(path))
            except ProviderAnswerError as error:
                if not error.data.get("too_large") or size <= 1:
                    raise
            size = max(1, size // 4)

    def take(self, page: list[Any], size: int, *, unfold: bool) -> None:
        records = list(_datasets_of(page)) if unfold else page
        self.saw_documents = self.saw_documents or (unfold and bool(page))
        for position, record in enumerate(records):
            pid = _pid(record)
            if pid is None:
                self.found.unusable += 1
                continue
            self.saw_documents = self.saw_documents or bool(related(record, "documents"))
            if pid_key(pid) in self.seen:
                continue
            self.seen.add(pid_key(pid))
            self.found.read += 1
            if self.question.accepts(record):
                self.found.records.setdefault(pid_key(pid), record)
            if len(self.found.records) >= self.question.limit:
                self.found.more = position + 1 < len(records) or len(page) >= size
                return


def _pid(record: Any) -> str | None:
    pid = record.get("pid") if isinstance(record, dict) else None
    return pid if isinstance(pid, str) and pid.strip() else None


def _datasets_of(documents: list[Any]) -> Iterator[Any]:
    """Turn documents with their datasets into datasets with their document."""
    for document in documents:
        if isinstance(document, dict):
            alone = {name: value for name, value in document.items() if name != "datasets"}
            for dataset in related(document, "datasets"):
                yield {**dataset, "documents": [alone]}
