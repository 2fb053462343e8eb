"""What a reduction gives: named arrays with axes, units, errors and masks, and the record of where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from panosc_analysis.provenance import Record

__all__ = ["ReductionResult", "ResultArray", "ResultAxis"]


@dataclass(frozen=True, eq=False, slots=True)
class ResultAxis:
    """The positions of the values along one dimension.

    Parameters
    ----------
    name
        A NeXus field name.
    label
        What to write along it.
    units
        Of `values`; ``None`` where they are only counted.
    values
        Centres, shape (n,).
    """

    name: str
    label: str
    units: str | None
    values: NDArray[Any]


@dataclass(frozen=True, eq=False, slots=True)
class ResultArray:
    """One array of a result.

    Parameters
    ----------
    name
        Its key in the result, a NeXus field name.
    label
        What it is.
    values
        Shape as `axes` say.
    axes
        One per dimension.
    units
        ``None`` if the file does not tell them.
    errors
        Standard uncertainties, in the same shape; ``None`` if not known.
    scale
        How it is best shown.
    masked
        True where there is no value, in the same shape; ``None`` for nowhere. The values there are 0, or NaN for
        floating-point numbers.
    """

    name: str
    label: str
    values: NDArray[Any]
    axes: tuple[ResultAxis, ...]
    units: str | None
    errors: NDArray[np.float64] | None = None
    scale: Literal["linear", "log"] = "linear"
    masked: NDArray[np.bool_] | None = None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Give the values to NumPy."""
        return np.array(self.values, dtype=dtype, copy=copy)

    def to_xarray(self) -> Any:
        """Make an `xarray.DataArray`; see `panosc_analysis.reduction.labelled.xarray_array`."""
        from panosc_analysis.reduction.labelled import xarray_array

        return xarray_array(self)

    def to_scipp(self) -> Any:
        """Make a `scipp.DataArray`; see `panosc_analysis.reduction.labelled.scipp_array`."""
        from panosc_analysis.reduction.labelled import scipp_array

        return scipp_array(self)


class ReductionResult(Mapping[str, ResultArray]):
    """Arrays by name.

    Parameters
    ----------
    arrays
        In the order in which they are listed.
    record
        Where they come from.
    default
        Name of the array to show first.
    notes
        What somebody who uses the numbers should know, such as chunks that were left out.
    is_partial
        It was stopped, or the data ended, before all frames were there; the notes say where.
    """

    def __init__(
        self,
        arrays: tuple[ResultArray, ...],
        record: Record,
        default: str,
        notes: tuple[str, ...],
        *,
        is_partial: bool = False,
    ) -> None:
        self._arrays = {array.name: array for array in arrays}
        self.record, self.default, self.notes, self.is_partial = record, default, notes, is_partial

    @overload
    def __getitem__(self, key: str) -> ResultArray: ...
    @overload
    def __getitem__(self, key: tuple[str, ...]) -> tuple[ResultArray, ...]: ...
    def __getitem__(self, key: str | tuple[str, ...]) -> ResultArray | tuple[ResultArray, ...]:
        """One array by name, or several: ``mean, profile = result["mean", "profile"]``."""
        if isinstance(key, tuple):
            return tuple(self[name] for name in key)
        if key not in self._arrays:
            raise KeyError(f"no {key!r} in this result, which has {', '.join(self._arrays)}")
        return self._arrays[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def to_xarray(self) -> Any:
        """Make an `xarray.DataTree` of all arrays; see `panosc_analysis.reduction.labelled.xarray_tree`."""
        from panosc_analysis.reduction.labelled import xarray_tree

        return xarray_tree(self)

    def to_scipp(self) -> Any:
        """Make a `scipp.DataGroup` of all arrays; see `panosc_analysis.reduction.labelled.scipp_group`."""
        from panosc_analysis.reduction.labelled import scipp_group

        return scipp_group(self)

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {array.values.shape}" for name, array in self.items())
        return f"<ReductionResult {told}{' (partial)' if self.is_partial else ''}>"
