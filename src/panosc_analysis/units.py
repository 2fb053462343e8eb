"""Units to write amounts with: ``12 * keV``, ``(8, 12) * keV``, ``1.54 * angstrom``.

Importing this loads nothing. An amount is what the search takes for a quantity; it converts with pint, which is loaded
when two units really differ, and becomes pint's own quantity for arithmetic (`Amount.pint`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from panosc_analysis.errors import FilterError
from panosc_analysis.model import convert

if TYPE_CHECKING:
    from pint import Quantity

__all__ = [
    "Amount", "K", "MPa", "MeV", "Pa", "T", "Unit", "angstrom", "bar", "cm", "deg", "degC", "eV", "hour", "keV", "m",
    "mK", "mT", "mbar", "meV", "minute", "mm", "ms", "nm", "pm", "s", "um", "unit",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, or several, with a unit.

    Parameters
    ----------
    magnitude
        The number or numbers.
    units
        The unit's name.
    """

    magnitude: Any
    units: str

    def to(self, unit: str | Unit) -> Amount:
        """Give the same in another unit.

        Raises
        ------
        FilterError
            Another dimension, or a unit that does not exist.
        """
        name = str(unit)
        if isinstance(self.magnitude, Iterable):
            return Amount(tuple(self._one(value, name) for value in self.magnitude), name)
        return Amount(self._one(self.magnitude, name), name)

    def pint(self) -> Quantity[Any]:
        """Give pint's own quantity, of its application registry. Loads pint."""
        import pint

        found: Quantity[Any] = pint.Quantity(self.magnitude, self.units)
        return found

    def _one(self, value: float | None, unit: str) -> float | None:
        if value is None:  # an open end of a range
            return None
        found = convert(float(value), self.units, unit)
        if found is None:
            raise FilterError(f"{value} {self.units} cannot be written in {unit}", hint="Give a unit of the same kind")
        return found

    def __str__(self) -> str:
        return f"{self.magnitude} {self.units}"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit; times a number, a tuple or an array it makes an `Amount`."""

    name: str
    __array_ufunc__ = None  # an array leaves the multiplication to the unit

    def __rmul__(self, magnitude: Any) -> Amount:
        return Amount(magnitude, self.name)

    __mul__ = __rmul__

    def __str__(self) -> str:
        return self.name


def unit(name: str) -> Unit:
    """Give a unit that is not named here. Loads pint.

    Raises
    ------
    FilterError
        There is no such unit.
    """
    if convert(1.0, name, f"1/(1/({name}))") is None:
        raise FilterError(f"{name[:60]!r} is not a unit", hint="Write it like keV, angstrom or kg/m^3")
    return Unit(name)


keV, eV, meV, MeV = Unit("keV"), Unit("eV"), Unit("meV"), Unit("MeV")
angstrom, nm, pm, um, mm, cm, m = (Unit(name) for name in ("angstrom", "nm", "pm", "um", "mm", "cm", "m"))
K, mK, degC = Unit("K"), Unit("mK"), Unit("degC")
Pa, MPa, bar, mbar = Unit("Pa"), Unit("MPa"), Unit("bar"), Unit("mbar")
T, mT = Unit("T"), Unit("mT")
s, ms, minute, hour, deg = Unit("s"), Unit("ms"), Unit("minute"), Unit("hour"), Unit("deg")
