"""One file of a dataset, as a catalogue lists it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panosc_analysis.model import reading
from panosc_analysis.model.writing import stated

__all__ = ["File"]


@dataclass(frozen=True, slots=True)
class File:
    """A file a catalogue lists; says nothing about where, or whether, it is on this machine.

    Parameters
    ----------
    id
        Local to its provider, and at some the same for several files.
    name
        Usually the last part of the path; may hold slashes.
    path
        Absolute, relative, a directory or the full location, as each facility likes it.
    size
        Bytes.
    """

    id: str
    name: str
    path: str | None = None
    size: int | None = None

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> File:
        """Read a record; null, empty and absent are the same, extra keys are passed over."""
        path = reading.text(obj.get("path"))
        name = reading.text(obj.get("name")) or (path or "").rstrip("/").rpartition("/")[2]
        return cls(
            id=reading.text(obj.get("id")) or "",
            name=name,
            path=path,
            size=reading.whole(obj.get("size")),
        )

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words."""
        return stated(id=self.id, name=self.name, path=self.path, size=self.size)
