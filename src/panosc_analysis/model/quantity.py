"""Numbers with units: reading them, and converting them with pint.

pint costs a second to load, so it is loaded when two units really differ and never before.
"""

from __future__ import annotations

import math
import re
import tokenize
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import FilterError

if TYPE_CHECKING:
    from pint import UnitRegistry

__all__ = ["convert", "normal_unit", "parse_quantity"]

LONGEST_UNIT = 60
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
# One-digit powers that are not raised again: pint evaluates what it parses, and a tower of powers would never end.
_UNIT = re.compile(r"(?:[A-Za-zÅµμΩ°% */·()]|(?:\^|\*\*) ?\(?[-+]?\d\)?(?! ?(?:\^|\*\*|\d))|⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]|1(?= ?/))*")
_GLUED_POWER = re.compile(r"(?<=[A-Za-zÅ])-(?=\d)")
_SPELLINGS = {
    "ev": "eV",
    "kev": "keV",
    "angstrom": "angstrom",
    "angstroms": "angstrom",
    "ångström": "angstrom",
    "ang": "angstrom",
    "Å": "angstrom",
    "å": "angstrom",
    "k": "K",
    "kelvins": "K",
    "kelvin": "K",
    "°c": "degC",
    "degc": "degC",
    "deg c": "degC",
    "deg_c": "degC",
    "celsius": "degC",
    "°f": "degF",
    "degf": "degF",
    "fahrenheit": "degF",
    "nanometer": "nm",
    "nanometre": "nm",
    "meter": "m",
    "metre": "m",
}


@lru_cache(maxsize=1024)
def normal_unit(unit: str) -> str:
    """Give one spelling per unit where several are in use (``Å``, ``Angstrom``, ``angstroms``); others as they are.

    Only says that two spellings are the same; whether the unit exists is for `convert`.
    """
    text = unicodedata.normalize("NFC", " ".join(unit.split()))
    return _SPELLINGS.get(text.lower(), text)


def convert(value: float, unit: str, to: str) -> float | None:
    """Convert a number, offset temperatures included; ``None`` for other dimensions and unknown units.

    The same unit in two spellings costs nothing; otherwise the first call loads pint. The result is rounded to twelve
    significant digits, so that 12 400 eV are 12.4 keV and not a little less.
    """
    one, other = normal_unit(unit), normal_unit(to)
    if one == other:
        return value
    rule = _affine(one, other)
    if rule is None:
        return None
    offset, factor = rule
    found = value * factor + offset
    return float(f"{found:.12g}") if math.isfinite(found) else None


def parse_quantity(text: str) -> tuple[float, str]:
    """Split ``"8 keV"`` into its number and its unit (``""`` for none).

    Does not check that the unit exists.

    Raises
    ------
    FilterError
        No finite number with a decimal point stands at the start.
    """
    stripped = unicodedata.normalize("NFC", text.strip())
    found = _NUMBER.match(stripped)
    rest = stripped[found.end() :] if found else ""
    number = float(found.group()) if found else math.nan
    if not math.isfinite(number) or rest[:1] in {",", "."} or len(rest) > LONGEST_UNIT:
        raise FilterError(f"{text[:60]!r} is not a number with a unit", hint="Write it like 8 keV or 1.54 Å")
    return number, rest.strip()


@lru_cache(maxsize=4096)
def _affine(unit: str, to: str) -> tuple[float, float] | None:
    """(offset, factor) between two units, found by converting three numbers; ``None`` if there is no such rule."""
    registry = _registry()
    pint_unit, pint_to = _parsed(registry, unit), _parsed(registry, to)
    if pint_unit is None or pint_to is None:
        return None
    try:
        low, middle, high = (float(registry.Quantity(x, pint_unit).to(pint_to).magnitude) for x in (0.0, 1.0, 2.0))
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return None
    factor = high - middle
    straight = math.isfinite(factor) and math.isclose(middle - low, factor, rel_tol=1e-9, abs_tol=0.0)
    return (low, middle) if low == 0.0 and straight else (low, factor) if straight else None


def _parsed(registry: UnitRegistry[Any], unit: str) -> Any:
    text = _GLUED_POWER.sub("^-", unit)
    if len(text) > LONGEST_UNIT or not _UNIT.fullmatch(text):
        return None
    try:
        return registry.parse_units(text)
    except (TypeError, ValueError, ArithmeticError, AttributeError, AssertionError, SyntaxError, tokenize.TokenError):
        return None


@lru_cache(maxsize=1)
def _registry() -> UnitRegistry[Any]:
    from pint import UnitRegistry  # slow to load

    return UnitRegistry(cache_folder=None, on_redefinition="ignore")
