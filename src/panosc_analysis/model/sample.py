"""What was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panosc_analysis.model import reading
from panosc_analysis.model.writing import stated

__all__ = ["Sample"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample; some providers state its name only."""

    pid: str
    name: str
    description: str | None = None

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> Sample:
        """Read a record; null, empty and absent are the same, extra keys are passed over."""
        return cls(
            pid=reading.text(obj.get("pid")) or "",
            name=reading.text(obj.get("name")) or "",
            description=reading.text(obj.get("description")),
        )

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words."""
        return stated(pid=self.pid, name=self.name, description=self.description)
