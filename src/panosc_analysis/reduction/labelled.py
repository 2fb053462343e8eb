"""Results in the labelled form of other libraries: xarray and scipp, with axes, units, uncertainties and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.reduction.result import ReductionResult, ResultArray

__all__ = ["scipp_array", "scipp_group", "xarray_array", "xarray_tree"]

# Spellings that scipp's units library does not know.
_SCIPP_UNITS = {
    "pixels": "pixel",
    "frames": "",
    "values": "",
    "peaks": "",
    "degree": "deg",
    "degrees": "deg",
    "events": "counts",
}


def xarray_array(array: ResultArray) -> Any:
    """Make an `xarray.DataArray`: coordinates from the axes, units and names as attributes, masked values NaN.

    Copies nothing unless values are masked. Where integers are masked they stay 0, and the coordinate ``masked`` tells.

    Raises
    ------
    ReductionError
        xarray is not installed.
    """
    xarray = _library("xarray")
    dims = tuple(axis.name for axis in array.axes)
    coords: dict[str, Any] = {
        axis.name: (axis.name, axis.values, _attributes(axis.label, axis.units)) for axis in array.axes
    }
    if array.errors is not None:
        coords["errors"] = (dims, array.errors, _attributes(f"standard uncertainty of {array.label}", array.units))
    if array.masked is not None:
        coords["masked"] = (dims, array.masked, {"long_name": "True where there is no value"})
    return xarray.DataArray(array.values, coords, dims, array.name, _attributes(array.label, array.units))


def xarray_tree(result: ReductionResult) -> Any:
    """Make an `xarray.DataTree` with a data set for each array; the record is its attribute ``record``, as JSON.

    Raises
    ------
    ReductionError
        xarray is not installed.
    """
    xarray = _library("xarray")
    children = {name: xarray.Dataset({name: xarray_array(array)}) for name, array in result.items()}
    tree = xarray.DataTree.from_dict({f"/{name}": child for name, child in children.items()})
    tree.attrs |= {"record": result.record.to_json(), "notes": list(result.notes)}
    return tree


def scipp_array(array: ResultArray) -> Any:
    """Make a `scipp.DataArray`: variances are the squares of the uncertainties, masks are masks.

    Values with uncertainties become float64, which variances need. Units that scipp does not know are left away.

    Raises
    ------
    ReductionError
        scipp is not installed.
    """
    scipp = _library("scipp")
    dims = [axis.name for axis in array.axes]
    coords = {
        axis.name: scipp.array(dims=[axis.name], values=_plain(axis.values), unit=_unit(scipp, axis.units))
        for axis in array.axes
    }
    values = array.values if array.errors is None else array.values.astype(np.float64)
    variances = None if array.errors is None else array.errors**2
    data = scipp.array(dims=dims, values=_plain(values), variances=variances, unit=_unit(scipp, array.units))
    masks = {} if array.masked is None else {"masked": scipp.array(dims=dims, values=array.masked)}
    return scipp.DataArray(data, coords=coords, masks=masks, name=array.name)


def scipp_group(result: ReductionResult) -> Any:
    """Make a `scipp.DataGroup` of all arrays, and the record as JSON under ``record``.

    Raises
    ------
    ReductionError
        scipp is not installed.
    """
    scipp = _library("scipp")
    arrays = {name: scipp_array(array) for name, array in result.items()}
    return scipp.DataGroup(arrays | {"record": result.record.to_json()})


def _attributes(label: str, units: str | None) -> dict[str, str]:
    return {"long_name": label} | ({"units": units} if units else {})


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Widen integers to those that scipp has: signed ones of 32 and 64 bits."""
    if values.dtype.kind == "u" and values.dtype.itemsize == 8 and values.size and int(values.max()) >= 2**63:
        raise ReductionError("Values beyond 2⁶³ do not fit into scipp's integers", hint="Use to_xarray()")
    if values.dtype.kind in "ui":
        return values.astype(np.int32 if values.dtype.itemsize < 4 or values.dtype == np.int32 else np.int64)
    return values


def _unit(scipp: Any, units: str | None) -> Any:
    if units is None:
        return None
    try:
        return scipp.Unit(_SCIPP_UNITS.get(units, units) or "dimensionless")
    except scipp.UnitError:
        return None


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise ReductionError(
            f"This needs {name}, which is not installed", hint="Install panosc-analysis with the extra 'labelled'"
        ) from error
