"""A beamline or instrument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from panosc_analysis.model import reading
from panosc_analysis.model.writing import stated

if TYPE_CHECKING:
    from panosc_analysis.model.dataset import Dataset

__all__ = ["Instrument"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument at a facility.

    Parameters
    ----------
    pid
        Identifier of the instrument; empty where a dataset's answer names it only.
    name
        For example ``ID31``.
    facility
        For example ``ESRF``; empty where it is not stated.
    score
        The provider's own ranking, if it has one.
    provider
        Who answered with it.
    datasets
        Related records; empty where they were not asked for.
    """

    pid: str
    name: str
    facility: str = ""
    score: float | None = None
    provider: str | None = None
    datasets: tuple[Dataset, ...] = ()

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> Instrument:
        """Read a record; null, empty and absent are the same, extra keys are passed over."""
        from panosc_analysis.model.dataset import Dataset  # the two records name each other

        return cls(
            pid=reading.text(obj.get("pid")) or "",
            name=reading.text(obj.get("name")) or "",
            facility=reading.text(obj.get("facility")) or "",
            score=reading.number(obj.get("score")),
            provider=provider or reading.text(obj.get("provider")),
            datasets=reading.rows(obj.get("datasets"), lambda one: Dataset.from_json(one, provider)),
        )

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words."""
        return stated(
            pid=self.pid,
            name=self.name,
            facility=self.facility,
            score=self.score,
            provider=self.provider,
            datasets=self.datasets,
        )
