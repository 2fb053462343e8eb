"""Asking one provider a question, page by page, until nothing new comes.

Implementations turn pages differently. Some give fewer records than were asked for because they have a limit of their
own, others because they cut the page before they apply a condition on a relation: then a short page is not the end, and
neither is an empty one. One repeats its last record for ever. So the next page starts behind the rows that this one
went through, which a second request counts where the page alone cannot tell; nothing new is the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from panosc_analysis.errors import ProviderAnswerError
from panosc_analysis.filters import Filter, related
from panosc_analysis.model import pid_key
from panosc_analysis.search import wire
from panosc_analysis.search.dialects import Dialect
from panosc_analysis.search.dialects.facility import asks_for_facility, decided
from panosc_analysis.search.question import Question
from panosc_analysis.search.transport import Transport, address

__all__ = ["Found", "ask", "not_understood", "rows"]

SMALLEST_PAGE, LARGEST_PAGE = 50, 1000
_NOT_UNDERSTOOD = frozenset({400, 404, 414, 422, 431, 500, 501})

Record = Mapping[str, Any]


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
    arrived
        Called with the new hits of each page.
    """

    records: dict[str, Record] = field(default_factory=dict)
    read: int = 0
    unusable: int = 0
    more: bool = False
    arrived: Callable[[list[Record]], None] | None = None


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
    needs_documents: bool = False  # so much that a page without any is a sign that they are called otherwise

    @property
    def dialect(self) -> Dialect:
        return self.transport.dialect

    async def filter(self, filter: Filter) -> None:
        """Send the filter in the dialect's form; where a dataset's documents decide, by each way that leads to them."""
        if self.dialect.one_facility and asks_for_facility(filter):
            known = await self.facility()
            possible = filter if known is None else decided(filter, known)
            if possible is None:
                return
            filter = possible
        if self.entity != "Datasets" or not wire.asks_for_documents(filter):
            await self.one_way(filter, "documents")
            return
        failure: ProviderAnswerError | None = None
        self.needs_documents = len(self.dialect.documents) > 1
        for name in self.dialect.documents:
            try:
                await self.one_way(filter, name)
            except ProviderAnswerError as error:
                if not not_understood(error):
                    raise
                failure = error
            if self.saw_documents:
                return
        if len(self.dialect.documents) == 1 and failure is None:
            return
        for sent in wire.through_documents(filter, self.dialect):
            await self.pages("Documents", sent)

    async def facility(self) -> str | None:
        """Ask for the facility that every instrument shows; ``None`` if no instrument is known."""
        _, page = await self.page("Instruments", Filter(limit=1))
        found = page[0].get("facility") if page and isinstance(page[0], dict) else None
        return found if isinstance(found, str) and found else None

    async def one_way(self, filter: Filter, documents: str) -> None:
        """Send the narrow form, then, where that is not understood, the least that can be sent."""
        try:
            for sent in wire.requests(filter, self.entity, self.dialect, documents=documents):
                await self.pages(self.entity, sent)
        except ProviderAnswerError as error:
            least = wire.bare(filter, self.entity, self.dialect, documents=documents)
            if not not_understood(error) or self.dialect.complete:
                raise
            await self.pages(self.entity, least)

    async def pages(self, entity: wire.Entity, sent: wire.Sent) -> None:
        narrow = sent.filter.where is not None or any(one.joins for one in sent.filter.include)
        size = min(max(self.question.limit, SMALLEST_PAGE if narrow else 1), LARGEST_PAGE)
        skip, largest = 0, LARGEST_PAGE
        turned: set[str] = set()
        gone_through: set[str] = set()
        while len(self.found.records) < self.question.limit:
            asked = size
            size, page = await self.page(entity, replace(sent.filter, limit=asked, skip=skip))
            self.take(page, size, unfold=entity != self.entity)
            step, pids, known = len(page), _pids(page), turned
            if sent.rows is not None and len(page) < size and not self.is_full():
                _, through = await self.page(entity, replace(sent.rows, limit=size, skip=skip))
                step, pids, known = max(len(through), step), _pids(through) | pids, gone_through
            if pids <= known or (self.needs_documents and not self.saw_documents and entity == self.entity):
                return
            turned |= _pids(page)
            gone_through |= pids
            largest = size if size < asked else largest
            skip, size = skip + step, largest

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

    def is_full(self) -> bool:
        return len(self.found.records) >= self.question.limit

    def take(self, page: list[Any], size: int, *, unfold: bool) -> None:
        records = list(_datasets_of(page)) if unfold else page
        self.saw_documents = self.saw_documents or (unfold and bool(page))
        new: list[Record] = []
        for position, record in enumerate(records):
            if self.accepts(record):
                self.found.records[pid_key(record["pid"])] = record
                new.append(record)
            if self.is_full():
                self.found.more = position + 1 < len(records) or len(page) >= size
                break
        if new and self.found.arrived is not None:
            self.found.arrived(new)

    def accepts(self, record: Any) -> bool:
        """Judge a record, also one that was refused before: another answer may show more of its relations."""
        pid = _pid(record)
        if pid is None:
            self.found.unusable += 1
            return False
        self.saw_documents = self.saw_documents or bool(related(record, "documents"))
        key = pid_key(pid)
        if key not in self.seen:
            self.seen.add(key)
            self.found.read += 1
        return key not in self.found.records and self.question.accepts(record)


def _pids(page: list[Any]) -> set[str]:
    return {pid_key(pid) for record in page if (pid := _pid(record))}


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
