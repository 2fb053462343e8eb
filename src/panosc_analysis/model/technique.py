"""An experimental technique."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panosc_analysis.model import reading
from panosc_analysis.model.writing import stated

__all__ = ["Technique"]


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique, named by its term in the PaNET ontology where the provider does so.

    Parameters
    ----------
    pid
        The PaNET address (``http://purl.org/pan-science/PaNET/PaNET…``), or an identifier local to the provider.
    name
        The label.
    local_pid
        The provider's own identifier, where it states the PaNET address apart.
    """

    pid: str
    name: str
    local_pid: str | None = None

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> Technique:
        """Read a record; a PaNET address given apart (``panetId``) goes before a local identifier."""
        address, pid = reading.text(obj.get("panetId")), reading.text(obj.get("pid"))
        local = pid if address and pid != address else None
        return cls(address or pid or "", reading.text(obj.get("name")) or "", local)

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words."""
        if self.local_pid is None:
            return stated(pid=self.pid, name=self.name)
        return stated(pid=self.local_pid, name=self.name, panetId=self.pid)
