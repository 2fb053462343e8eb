"""Numbers with units as people read them: thin grouping, as many digits as carry information, units always."""

from __future__ import annotations

from typing import Any

__all__ = ["THIN", "number", "plain_label", "quantity", "unit_sign", "with_units"]

THIN = "\u202f"
"""Narrow no-break space, between groups of three digits and between a number and its unit."""

_DIGITS = 6
_PLAIN = (1e-3, 1e6)
_SIGNS = {
    "um": "µm",
    "micron": "µm",
    "microns": "µm",
    "micrometer": "µm",
    "us": "µs",
    "microsecond": "µs",
    "microseconds": "µs",
    "angstrom": "Å",
    "Angstrom": "Å",
    "angstroms": "Å",
    "deg": "°",
    "degree": "°",
    "degrees": "°",
    "1/angstrom": "Å⁻¹",
    "1/Angstrom": "Å⁻¹",
    "1/A": "Å⁻¹",
    "1/nm": "nm⁻¹",
    "1/cm": "cm⁻¹",
    "1/m": "m⁻¹",
}


def number(value: Any) -> str:
    """Write a number: ``12 345``, ``0.123457``, ``1.5e-07``; integers keep all their digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        value = value.item() if hasattr(value, "item") else value
    if isinstance(value, int):
        return f"{int(value):,}".replace(",", THIN)
    if not isinstance(value, float):
        return str(value)
    if value == 0 or _PLAIN[0] <= abs(value) < _PLAIN[1]:
        text = f"{value:.{_DIGITS}g}"
        sign = "-" if text.startswith("-") else ""
        whole, point, rest = text.lstrip("-").partition(".")
        return sign + (f"{int(whole):,}".replace(",", THIN) if whole.isdigit() else whole) + point + rest
    return f"{value:.{_DIGITS}g}"


def with_units(label: str, units: str) -> str:
    """Write a label with its unit in brackets, as axes have it."""
    return f"{label} ({units})" if label and units and units not in label else label or units


def plain_label(label: str, units: str) -> str:
    """Take the unit off the end of a label that carries it: ``q (1/nm)`` becomes ``q``."""
    for ending in (f" ({units})", f" [{units}]", f"({units})", f"[{units}]"):
        if units and label.endswith(ending):
            return label[: -len(ending)].rstrip()
    return label


def unit_sign(units: str | None) -> str:
    """Return the sign of a unit that files write out (``um``, ``degrees``, ``1/angstrom``); others stay as they are."""
    return _SIGNS.get(units or "", units or "")


def quantity(value: Any, units: str = "") -> str:
    """Write a number with its unit."""
    return f"{number(value)}{THIN}{units}" if units else number(value)
