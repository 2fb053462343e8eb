"""How a condition on parameters is sent: by name and strict bounds, in each unit that is in use.

Few servers convert units, and each knows its own operators: strict bounds are what all of them evaluate. The bounds
are a little wider than asked for; the answer is judged afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

from panosc_analysis.filters import And, Comparison, Or, Where
from panosc_analysis.model import normal_unit

__all__ = ["flattened", "narrowed"]

# (unit, factor, offset) to the group's first unit. Here and not by pint, which would cost a second before every search.
_GROUPS = (
    (("keV", 1.0, 0.0), ("eV", 1e-3, 0.0)),
    (("angstrom", 1.0, 0.0), ("nm", 10.0, 0.0)),
    (("K", 1.0, 0.0), ("celsius", 1.0, 273.15)),
)
_WIDER = 1e-6


def narrowed(where: Where | None) -> Where | None:
    """Give what is sent for a condition on one numeric parameter; ``None`` for any other condition."""
    parts = tuple(flattened(And((where,)))) if where else ()
    compared = {part.field: part for part in parts if isinstance(part, Comparison)}
    name, unit = compared.get("name"), compared.get("unit")
    bounds = [bound for part in parts for bound in _bounds(part)]
    if name is None or name.operator != "eq" or not bounds or (unit is not None and unit.operator != "eq"):
        return None
    if unit is None:
        return _condition(name, bounds, None)
    asked = [_condition(name, ends, other) for other, ends in _in_each_unit(bounds, str(unit.value))]
    sent = tuple(one for one in asked if one is not None)
    return None if len(sent) != len(asked) else sent[0] if len(sent) == 1 else Or(sent)


def flattened(where: And) -> Iterator[Where]:
    """Give the parts of nested ``and`` one after the other."""
    for part in where.parts:
        if isinstance(part, And):
            yield from flattened(part)
        else:
            yield part


def _bounds(part: Where) -> list[tuple[str, float]]:
    if not isinstance(part, Comparison) or part.field != "value":
        return []
    ends = part.value if part.operator == "between" else (part.value, part.value)
    if not isinstance(ends, tuple) or any(isinstance(one, bool) or not isinstance(one, int | float) for one in ends):
        return []
    low = [("gt", float(ends[0]))] if part.operator in {"eq", "gt", "gte", "between"} else []
    high = [("lt", float(ends[1]))] if part.operator in {"eq", "lt", "lte", "between"} else []
    return low + high


def _in_each_unit(bounds: list[tuple[str, float]], unit: str) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    for group in _GROUPS:
        for one, factor, offset in group:
            if normal_unit(one) == normal_unit(unit):
                base = [(operator, end * factor + offset) for operator, end in bounds]
                for other, divisor, shift in group:
                    yield other, [(operator, (end - shift) / divisor) for operator, end in base]
                return
    yield unit, bounds


def _condition(name: Comparison, bounds: list[tuple[str, float]], unit: str | None) -> And | None:
    """Join the parts; a bound of zero is not sent, as some take it for no bound. ``None`` if no bound is left."""
    wide = [Comparison("value", operator, _wide(operator, end)) for operator, end in bounds if abs(end) > 1e-9]
    in_unit = [] if unit is None else [Comparison("unit", "eq", unit)]
    return And((name, *wide, *in_unit)) if wide else None


def _wide(operator: str, end: float) -> float:
    step = abs(end) * _WIDER
    return float(f"{end - step if operator == 'gt' else end + step:.9g}")
