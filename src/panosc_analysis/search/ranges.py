"""Ranges of a quantity, in the ways a person writes them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from panosc_analysis.errors import FilterError
from panosc_analysis.filters import And, Comparison, Where
from panosc_analysis.model import convert, parse_quantity
from panosc_analysis.search.words import literal

__all__ = ["Quantity", "Range", "of_parameter"]

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
        bounds = (Comparison("value", operator, end) for operator, end in ends if end is not None)
        unit = (Comparison("unit", "eq", self.quantity.unit),) if self.quantity.unit else ()
        return And((Comparison("name", "eq", self.quantity.parameter), *bounds, *unit))

    def __str__(self) -> str:
        low, high = ("" if end is None else f"{end:g}" for end in (self.low, self.high))
        said = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"
        return f"{said} {self.quantity.unit}".rstrip()


def of_parameter(name: str, wanted: Any) -> Where:
    """Require any parameter: a range or number in the unit that it is given in, or a part of a text.

    A bare number compares with whatever unit is stored; a single one reaches 1 % to both sides.

    Raises
    ------
    FilterError
        A value that cannot be understood.
    """
    if not name.strip():
        raise FilterError("A parameter has no name", hint='Write parameters={"sample_pressure": "1-2 bar"}')
    unit = _unit_of(wanted)
    if unit is not None:
        return Quantity(name, unit, relative=0.01).range(wanted).where()
    return And((Comparison("name", "eq", name), Comparison("value", "ilike", literal(str(wanted)))))


def _unit_of(wanted: Any) -> str | None:
    """Give the unit that a quantity is written in, empty for none; ``None`` for a text."""
    if hasattr(wanted, "units"):
        return str(wanted.units)
    if isinstance(wanted, str):
        try:
            return parse_quantity(_BETWEEN.split(wanted.strip())[-1])[1]
        except FilterError:
            return None
    if isinstance(wanted, list | tuple):
        return next((unit for one in wanted if isinstance(one, str) and (unit := _unit_of(one))), "")
    return ""
