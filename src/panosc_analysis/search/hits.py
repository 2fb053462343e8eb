"""What a search found."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from typing import Any, overload

from panosc_analysis.model import Dataset
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
    """

    def __init__(self, datasets: Iterable[Dataset], outcomes: Iterable[Outcome] = (), asked_for: str = "") -> None:
        self.datasets = tuple(datasets)
        self.outcomes = tuple(outcomes)
        self.asked_for = asked_for

    @property
    def complete(self) -> bool:
        """Whether every provider answered in full and has no more than is shown here."""
        return all(outcome.state == "ok" and not outcome.more for outcome in self.outcomes)

    def __len__(self) -> int:
        return len(self.datasets)

    @overload
    def __getitem__(self, index: int) -> Dataset: ...
    @overload
    def __getitem__(self, index: slice) -> Hits: ...
    def __getitem__(self, index: int | slice) -> Dataset | Hits:
        if isinstance(index, slice):
            return Hits(self.datasets[index], self.outcomes, self.asked_for)
        try:
            return self.datasets[index]
        except IndexError:
            raise IndexError(f"there is no dataset {index}: {self}") from None

    def __str__(self) -> str:
        width = shutil.get_terminal_size((120, 24)).columns
        return as_text(self.datasets, self.outcomes, self.asked_for, width)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self.datasets, self.outcomes, self.asked_for)

    def to_json(self) -> dict[str, Any]:
        """Write everything for a program: ``datasets`` in the search API's words, ``outcomes`` per provider."""
        return {
            "datasets": [dataset.to_json() for dataset in self.datasets],
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
            "complete": self.complete,
        }
