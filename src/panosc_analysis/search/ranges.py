"""Ranges of a quantity, in the ways a person writes them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from panosc_analysis.errors import FilterError
from panosc_analysis.filters import And, Comparison
from panosc_analysis.model import convert, parse_quantity

__all__ = ["Quantity", "Range"]

_BETWEEN = re.compile(r"\s*(?:\.\.+|:|–|\bto\b)\s*|(?<=\d)\s*-\s*(?=\d)")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A parameter that can be asked for by its own word.

    Parameters
    ----------
    parameter
        Its name in the search API.
    unit
        What a bare number means.
    relative, absolute
        How far a single value reaches to both sides, as a part of itself and in the unit.
    """

    parameter: str
    unit: str
    relative: float = 0.0
    absolute: float = 0.0

    def range(self, wanted: Any) -> Range:
        """Read ``12``, ``"12 keV"``, ``"8-12 keV"``, ``(8, 12)``, ``(8, None)``, ``("8 keV", "12 keV")`` or pint's.

        Raises
        ------
        FilterError
            No number, not finite, an unknown unit or another dimension, or an empty range.
        """
        low, high = self._ends(wanted)
        if low is not None and high is not None and low > high:
            raise FilterError(f"The range {wanted!r} is empty", hint="Give the smaller value first")
        if low is None and high is None:
            raise FilterError(f"The range {wanted!r} has no end", hint="Give at least one value")
        return Range(self, low, high)

    def _ends(self, wanted: Any) -> tuple[float | None, float | None]:
        if hasattr(wanted, "to") and hasattr(wanted, "magnitude"):
            wanted = self._magnitude(wanted)
        if isinstance(wanted, str) and _BETWEEN.search(wanted.strip()):
            wanted = self._parts(wanted)
        if isinstance(wanted, str | int | float):
            value = self._number(wanted)
            width = abs(value) * self.relative + self.absolute
            return value - width, value + width
        try:
            low, high = wanted
        except (TypeError, ValueError):
            raise FilterError(
                f"{wanted!r} is no value and no range", hint=f"Give a number, or (low, high), in {self.unit}"
            ) from None
        return (None if low is None else self._number(low)), (None if high is None else self._number(high))

    def _magnitude(self, quantity: Any) -> Any:
        try:
            found = quantity.to(self.unit).magnitude
        except (TypeError, ValueError, AttributeError) as error:
            raise FilterError(f"{quantity} cannot be read in {self.unit}", hint=f"Give it in {self.unit}") from error
        return found.tolist() if hasattr(found, "tolist") else found

    def _parts(self, text: str) -> tuple[str, ...]:
        """Split a written range; the unit at its end is meant for both ends."""
        low, *others = _BETWEEN.split(text.strip())
        if len(others) != 1:
            raise FilterError(f"{text[:60]!r} is no range", hint="Write it like 8-12 keV")
        _, unit = parse_quantity(others[0])
        return (low if parse_quantity(low)[1] else f"{low} {unit}", others[0])

    def _number(self, wanted: Any) -> float:
        value, unit = parse_quantity(wanted) if isinstance(wanted, str) else (wanted, "")
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise FilterError(f"{wanted!r} is no finite number", hint=f"Give a number in {self.unit}")
        found = convert(value, unit, self.unit) if unit else float(value)
        if found is None:
            raise FilterError(f"{wanted!r} cannot be read in {self.unit}", hint=f"Give it in {self.unit}")
        return found


@dataclass(frozen=True, slots=True)
class Range:
    """An interval of a quantity, both ends included, in the quantity's own unit; ``None`` for no end."""

    quantity: Quantity
    low: float | None
    high: float | None

    def where(self) -> And:
        """Give the condition on a parameter."""
        ends = [("gte", self.low), ("lte", self.high)]
        return And(
            (
                Comparison("name", "eq", self.quantity.parameter),
                *(Comparison("value", operator, end) for operator, end in ends if end is not None),
                Comparison("unit", "eq", self.quantity.unit),
            )
        )

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g} {self.quantity.unit}"
        return (
            f"from {self.low:g} {self.quantity.unit}"
            if self.high is None
            else f"up to {self.high:g} {self.quantity.unit}"
        )
