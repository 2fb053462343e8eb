"""A beamline or instrument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panosc_analysis.model import reading
from panosc_analysis.model.writing import stated

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
    """

    pid: str
    name: str
    facility: str = ""
    score: float | None = None
    provider: str | None = None

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> Instrument:
        """Read a record; null, empty and absent are the same, extra keys are passed over."""
        return cls(
            pid=reading.text(obj.get("pid")) or "",
            name=reading.text(obj.get("name")) or "",
            facility=reading.text(obj.get("facility")) or "",
            score=reading.number(obj.get("score")),
            provider=provider or reading.text(obj.get("provider")),
        )

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words."""
        return stated(pid=self.pid, name=self.name, facility=self.facility, score=self.score, provider=self.provider)
