"""All providers asked at the same time, and what each gives at each moment."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from panosc_analysis.errors import PanoscError, ProviderAnswerError, SearchError
from panosc_analysis.filters import in_order
from panosc_analysis.model import Dataset
from panosc_analysis.search.asking import Found, ask
from panosc_analysis.search.one_record import records_to
from panosc_analysis.search.outcome import Outcome, outcome_of
from panosc_analysis.search.question import Question
from panosc_analysis.search.secret import Secret
from panosc_analysis.search.transport import Limits, limited
from panosc_analysis.settings import Provider

__all__ = ["Arrival", "arrivals"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one provider gave at one moment.

    Parameters
    ----------
    provider
        Its name.
    datasets
        Hits that no arrival before this one had.
    outcome
        How asking it went; ``None`` while it goes on.
    """

    provider: str
    datasets: tuple[Dataset, ...] = ()
    outcome: Outcome | None = None


async def arrivals(
    providers: Iterable[Provider], question: Question, limits: Limits, token: Callable[[Provider], Secret | None]
) -> AsyncGenerator[Arrival, None]:
    """Ask everybody; whatever ends this ends all requests. Each provider's last arrival has its outcome."""
    queue: asyncio.Queue[Arrival] = asyncio.Queue()
    work = [asyncio.create_task(_Asking(one, question, queue).run(limits, token)) for one in providers]
    try:
        asked = len(work)
        while asked:
            arrival = await queue.get()
            asked -= arrival.outcome is not None
            yield arrival
    finally:
        for one in work:
            one.cancel()
        await asyncio.gather(*work, return_exceptions=True)


@dataclass(slots=True)
class _Asking:
    """One provider while it is asked; what it answered before it failed has been given."""

    provider: Provider
    question: Question
    queue: asyncio.Queue[Arrival]
    hits: int = 0
    failure: PanoscError | None = None
    started: float = field(default_factory=time.perf_counter)

    async def run(self, limits: Limits, token: Callable[[Provider], Secret | None]) -> None:
        found = Found(arrived=self.arrived)
        try:
            async with limited(self.provider, limits, token(self.provider)) as transport:
                await ask(transport, self.question, found)
        except SearchError as error:
            self.failure = error
        except Exception:  # a mistake of ours over one provider must not cost the others
            _log.exception("Asking %s ended in a way that nobody expected", self.provider.name)
            self.failure = ProviderAnswerError(
                f"Asking {self.provider.name} ended in a way that nobody expected",
                hint="Report it with the last lines of the log",
            )
        seconds = time.perf_counter() - self.started
        outcome = outcome_of(self.provider.name, self.hits, found, self.failure, seconds)
        self.queue.put_nowait(Arrival(self.provider.name, outcome=outcome))

    def arrived(self, records: list[Mapping[str, Any]]) -> None:
        """Make datasets of a page's records; if one cannot be read, the page is left out and the outcome says so."""
        try:
            datasets = records_to(Dataset.from_json, in_order(records, self.question.order), self.provider)
        except SearchError as error:
            self.failure = error
            return
        self.hits += len(datasets)
        self.queue.put_nowait(Arrival(self.provider.name, tuple(datasets)))
