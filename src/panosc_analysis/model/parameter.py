"""One measured or set quantity of a dataset or document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panosc_analysis.model import reading
from panosc_analysis.model.quantity import convert
from panosc_analysis.model.writing import stated

__all__ = ["Parameter"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named value with its unit, as the provider wrote both.

    Parameters
    ----------
    name
        For example ``incident_photon_energy``; there is no official list.
    value
        A number or a text; numeric texts are read as numbers.
    unit
        As written by the provider, ``""`` for none.
    id
        Local to its provider; ``None`` where it has none.
    """

    name: str
    value: Any
    unit: str = ""
    id: str | None = None

    @classmethod
    def from_json(cls, obj: Mapping[str, Any], provider: str | None = None) -> Parameter:
        """Read a record; null, empty and absent are the same, extra keys are passed over."""
        value = obj.get("value")
        if isinstance(value, str):
            found = reading.number(value)
            value = value if found is None else found
        name, unit = reading.text(obj.get("name")) or "", reading.text(obj.get("unit")) or ""
        return cls(name, value, unit, reading.text(obj.get("id")))

    def to_json(self) -> dict[str, Any]:
        """Write the record in the search API's words."""
        return stated(id=self.id, name=self.name, value=self.value, unit=self.unit)

    def to(self, unit: str) -> float | None:
        """Give the value in another unit; ``None`` for a text or another dimension. May load pint."""
        found = reading.number(self.value)
        return None if found is None else convert(found, self.unit, unit)
