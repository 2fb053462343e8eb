"""A condition on parameters with numbers as values: all values of one name and unit at once, in any unit asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.catalogue.own_fields import compared
from panosc_analysis.filters import And, Comparison, Or, Where, matches
from panosc_analysis.filters.evaluation import asked_unit, mentions_value
from panosc_analysis.model import convert, normal_unit

if TYPE_CHECKING:
    from panosc_analysis.catalogue.columns import Array

__all__ = ["fitting_numbers"]

_TOLERANCE = 1e-9  # of a converted bound; the filter rounds to twelve digits, so nearer ones are looked at singly
_NUMERIC = frozenset({"eq", "gt", "gte", "lt", "lte", "between"})


def fitting_numbers(where: Where | None, group: dict[str, Any], values: Array) -> Array:
    """Mark the values of one group that fulfil a condition on parameters, as `matches` would one by one.

    Parameters
    ----------
    where
        The condition.
    group
        The name and the unit that all of them have.
    values
        Ascending.
    """
    return _fitting(where, _Seen(group, values, (str(group.get("unit") or ""),)))


@dataclass(frozen=True, slots=True)
class _Seen:
    """Values of one group, seen in the unit that is asked for.

    Parameters
    ----------
    group, values
        As for `fitting_numbers`.
    units
        The unit they are stored in, then those they are converted into, one after the other.
    """

    group: dict[str, Any]
    values: Array
    units: tuple[str, ...]

    def all(self, *, answer: bool) -> Array:
        """Mark all or none."""
        return np.full(len(self.values), answer)

    def converted(self, value: float) -> float | None:
        """See one value in the unit asked for."""
        found: float | None = value
        for unit, to in pairwise(self.units):
            found = None if found is None else convert(found, unit, to)
        return found

    def one_by_one(self, where: Where) -> Array:
        """Ask the filter about every different value: for what cannot be said by numbers."""
        different, places = np.unique(self.values, return_inverse=True)
        seen = self.group if len(self.units) == 1 else {**self.group, "unit": self.units[-1]}
        answers = [matches(where, {**seen, "value": self.converted(float(one))}) for one in different]
        return np.asarray(answers, bool)[places] if answers else self.all(answer=False)


def _fitting(where: Where | None, seen: _Seen) -> Array:
    match where:
        case And(parts):
            inner = _in_asked_unit(seen, parts)
            found = seen.all(answer=True)
            # What holds or fails for all values alike comes first: mostly the name, and then nothing else matters.
            for part in sorted(parts, key=mentions_value):
                found &= _fitting(part, inner) if found.any() else False
            return found
        case Or(parts):
            return reduce(np.logical_or, (_fitting(part, seen) for part in parts), seen.all(answer=False))
        case Comparison("value"):
            return _of_values(where, seen)
    group = seen.group if len(seen.units) == 1 else {**seen.group, "unit": seen.units[-1]}
    return seen.all(answer=matches(where, group))


def _in_asked_unit(seen: _Seen, parts: tuple[Where, ...]) -> _Seen:
    unit = asked_unit(parts) if "unit" in seen.group else None
    if unit is None or convert(1.0, seen.units[-1], unit) is None:
        return seen
    return replace(seen, units=(*seen.units, unit))


def _of_values(where: Comparison, seen: _Seen) -> Array:
    operands = where.value if isinstance(where.value, tuple) else (where.value,)
    are_numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in operands)
    if where.operator not in _NUMERIC or not are_numbers or any(abs(one) > 2**53 for one in operands):
        return seen.one_by_one(where)
    if len({normal_unit(one) for one in seen.units}) == 1:
        return compared(seen.values, where.operator, where.value)
    return _converted(where, seen, operands) if len(seen.units) == 2 else seen.one_by_one(where)


def _converted(where: Comparison, seen: _Seen, operands: tuple[float, ...]) -> Array:
    """Compare with converted bounds; values as near to a bound as rounding goes are asked about singly."""
    stored, asked = seen.units
    zero, one, *bounds = (convert(float(value), asked, stored) for value in (0.0, 1.0, *operands))
    if zero is None or one is None or one <= zero or any(bound is None for bound in bounds):
        return seen.one_by_one(where)
    numbers = [bound for bound in bounds if bound is not None]
    found = compared(seen.values, where.operator, numbers if where.operator == "between" else numbers[0])
    for bound, operand in zip(numbers, operands, strict=True):
        width = _TOLERANCE * max(abs(bound), abs(operand * (one - zero)), abs(zero))
        near = slice(
            np.searchsorted(seen.values, bound - width, "left"), np.searchsorted(seen.values, bound + width, "right")
        )
        found[near] = replace(seen, values=seen.values[near]).one_by_one(where)
    return found
