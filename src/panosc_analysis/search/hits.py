"""What a search found."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

from panosc_analysis.errors import FilterError
from panosc_analysis.model import Dataset, pid_key
from panosc_analysis.search.outcome import Outcome
from panosc_analysis.search.table import as_html, as_text

__all__ = ["Hits"]


class Hits(Sequence[Dataset]):
    """The datasets that a search found, and how asking each provider went. Prints as a table.

    Parameters
    ----------
    datasets
        In the order in which they are shown.
    outcomes
        One per provider, in the settings' order.
    asked_for
        The question in words, for an empty list.
    cut
        Whether the providers gave more than these.
    further
        Asks the same question again for so many more.
    """

    def __init__(
        self,
        datasets: Iterable[Dataset],
        outcomes: Iterable[Outcome] = (),
        asked_for: str = "",
        *,
        cut: bool = False,
        further: Callable[[int], Hits] | None = None,
    ) -> None:
        self.datasets = tuple(datasets)
        self.outcomes = tuple(outcomes)
        self.asked_for = asked_for
        self.cut = cut
        self._further = further

    @property
    def has_more(self) -> bool:
        """Whether a provider is known to have more than is shown here."""
        return self.cut or any(outcome.more for outcome in self.outcomes)

    @property
    def complete(self) -> bool:
        """Whether every provider answered in full and has no more than is shown here."""
        return not self.has_more and all(outcome.state == "ok" for outcome in self.outcomes)

    def page(self, number: int, size: int = 25) -> Hits:
        """Give one page of these, the first being 1; empty behind the last. Asks nobody.

        Raises
        ------
        FilterError
            No such page can be.
        """
        if number < 1 or size < 1:
            raise FilterError(f"There is no page {number} of {size}", hint="Give numbers from 1 on")
        return self[(number - 1) * size : number * size]

    def pages(self, size: int = 25) -> Iterator[Hits]:
        """Give these page by page."""
        for number in range(1, -(-len(self) // size) + 1):
            yield self.page(number, size)

    def more(self, count: int = 100) -> Hits:
        """Ask for so many further ones. Those that are here keep their places; the new ones stand behind them.

        Raises
        ------
        FilterError
            These do not come from a search.
        """
        if self._further is None:
            raise FilterError("These hits do not come from a search", hint="Search, and ask what that gives for more")
        again = self._further(count)
        known = {pid_key(one.pid) for one in self.datasets}
        new = [one for one in again.datasets if pid_key(one.pid) not in known]
        return Hits((*self.datasets, *new), again.outcomes, self.asked_for, cut=again.cut, further=again._further)

    def __len__(self) -> int:
        return len(self.datasets)

    @overload
    def __getitem__(self, index: int) -> Dataset: ...
    @overload
    def __getitem__(self, index: slice) -> Hits: ...
    def __getitem__(self, index: int | slice) -> Dataset | Hits:
        if isinstance(index, slice):
            part = self.datasets[index]
            cut = self.cut or len(part) < len(self.datasets)
            return Hits(part, self.outcomes, self.asked_for, cut=cut, further=self._further)
        try:
            return self.datasets[index]
        except IndexError:
            raise IndexError(f"there is no dataset {index}: {self}") from None

    def __str__(self) -> str:
        width = shutil.get_terminal_size((120, 24)).columns
        return as_text(self.datasets, self.outcomes, self.asked_for, width, more=self.has_more)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self.datasets, self.outcomes, self.asked_for, more=self.has_more)

    def to_json(self) -> dict[str, Any]:
        """Write everything for a program: ``datasets`` in the search API's words, ``outcomes`` per provider."""
        return {
            "datasets": [dataset.to_json() for dataset in self.datasets],
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
            "complete": self.complete,
        }
