"""What is shown, whatever it came from: frames of an array with their axes, names and units.

The widget and the exported picture start from the same `Content`, so they show the same. It holds no open file and no
data of a file: a frame is read when it is asked for. `sources` makes one from whatever there is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

from panosc_analysis.errors import NothingToPlot
from panosc_analysis.widgets.frames import masked_pixels
from panosc_analysis.widgets.quantities import quantity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from panosc_analysis.widgets.coordinates import Coordinate

__all__ = ["Content", "Kind", "Part", "Readable", "Scaled", "Series", "read_array"]

Kind = Literal["image", "curve", "scatter", "rgb", "table", "text"]

Part = tuple[slice, slice]
"""Rows and columns of a frame."""

_FRAME_DIMENSIONS: dict[Kind, int] = {"image": 2, "curve": 1, "scatter": 1, "rgb": 3, "table": 1, "text": 0}


class Readable(Protocol):
    """An array that is read by slicing: of NumPy or Dask, or a handle on a file."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102  the array's own

    @property
    def dtype(self) -> Any: ...  # noqa: D102  the array's own

    def __getitem__(self, index: Any) -> Any: ...


@runtime_checkable
class _ReadsInto(Readable, Protocol):
    """What can be read without new memory."""

    def read_into(self, out: NDArray[Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Series:
    """A curve to draw over the first one: of the same shape, against the same axes unless it brings its own.

    Parameters
    ----------
    label, units
        Name of its values and their unit.
    source
        The values.
    errors
        Standard deviations of the same shape.
    x
        Where its values lie, if not where those of the first curve do.
    """

    label: str
    units: str
    source: Readable
    errors: Readable | None = None
    x: Coordinate | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A picture or curve for each frame of an array.

    The last dimensions of `source` make a frame (two for an image, one for a curve), the leading ones are stepped
    through in C order.

    Parameters
    ----------
    kind
        How a frame is drawn.
    source
        The signal; ``None`` for text.
    axes
        One for each dimension of `source`; for points, their two coordinates.
    errors
        Standard deviations, of the signal's shape.
    mask
        Non-zero where a pixel does not count: of the shape of a frame, or of the signal.
    masked_value
        Value that stands for "not measured".
    valid
        Lowest and highest value that is a measurement.
    title, label, units
        What is shown, the name of its values and their unit.
    scale
        Scale that the data ask for.
    remarks
        What a person should know about the data before she trusts the picture.
    text
        What is shown when there is nothing to draw.
    others
        Curves over the first one.
    reopen
        Looks at the file again, which may have grown; ``None`` for what cannot change.
    file
        Where the data are, if in a file.
    code
        Arguments that show the same again, as Python would write them; empty if it came from memory.
    first
        The frame to begin with.
    """

    kind: Kind
    source: Readable | None = None
    axes: tuple[Coordinate, ...] = ()
    errors: Readable | None = None
    mask: Readable | None = None
    masked_value: int | None = None
    valid: tuple[float | None, float | None] = (None, None)
    title: str = ""
    label: str = ""
    units: str = ""
    scale: Literal["linear", "log"] = "linear"
    remarks: tuple[str, ...] = field(default=())
    text: str = ""
    others: tuple[Series, ...] = ()
    reopen: Callable[[], Content] | None = None
    file: Path | None = None
    code: tuple[str, ...] = ()
    first: int = 0

    @property
    def signal(self) -> Readable:
        """The source, where there is one.

        Raises
        ------
        NothingToPlot
            A text is shown.
        """
        if self.source is None:
            raise NothingToPlot("There is no array behind a text", hint="Show an array")
        return self.source

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole signal."""
        return () if self.source is None else tuple(self.source.shape)

    @property
    def frame_dimensions(self) -> int:
        """How many of the last dimensions make a frame."""
        return _FRAME_DIMENSIONS[self.kind]

    @property
    def leading(self) -> tuple[int, ...]:
        """Shape of the dimensions that are stepped through."""
        return self.shape[: len(self.shape) - self.frame_dimensions]

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """Shape of one frame."""
        return self.shape[len(self.leading) :]

    @property
    def frame_axes(self) -> tuple[Coordinate, ...]:
        """Axes of one frame."""
        return self.axes[len(self.leading) :]

    @property
    def n_frames(self) -> int:
        """How many frames there are; 1 for a single picture or curve."""
        return prod(self.leading)

    def place(self, frame: int) -> tuple[int, ...]:
        """Return the indices of a frame in the leading dimensions."""
        return tuple(int(i) for i in np.unravel_index(frame, self.leading)) if self.leading else ()

    def position(self, frame: int) -> str:
        """Say where a frame lies on the leading axes: ``temperature 250 K``; empty where there is no axis to say."""
        where = zip(self.axes, self.place(frame), strict=False)
        named = [(axis, axis.at(np.array([i]))[0]) for axis, i in where if not axis.is_index or len(self.leading) > 1]
        return " · ".join(f"{axis.label} {quantity(float(value), axis.units)}" for axis, value in named)

    def read(self, frame: int, part: tuple[slice, ...] = (), *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Read the values of a frame, or of a part of it; a file's into `out` where that fits."""
        return read_array(self.source, (*self.place(frame), *part, Ellipsis), out)

    def read_errors(self, frame: int) -> NDArray[Any] | None:
        """Read the standard deviations of a frame, if there are any."""
        return None if self.errors is None else read_array(self.errors, (*self.place(frame), Ellipsis))

    def read_mask(self, frame: int, part: tuple[slice, ...] = ()) -> NDArray[Any] | None:
        """Read the mask of a frame or of a part of it, if there is one."""
        if self.mask is None:
            return None
        if tuple(self.mask.shape) == self.shape:
            return read_array(self.mask, (*self.place(frame), *part, Ellipsis))
        if tuple(self.mask.shape) == self.frame_shape:
            return read_array(self.mask, (*part, Ellipsis))
        return read_array(self.mask, (Ellipsis,)).reshape(self.frame_shape)[part]

    @property
    def mask_changes(self) -> bool:
        """Whether each frame has its own mask."""
        return self.mask is not None and bool(self.leading) and tuple(self.mask.shape) == self.shape

    def arranged(self, order: tuple[int, ...]) -> Content:
        """Return the same data with their dimensions in another order: the last ones are drawn.

        Reading a frame across many stored ones costs reading them all.

        Raises
        ------
        ValueError
            `order` is no permutation of the dimensions.
        """
        if order == tuple(range(len(self.shape))):
            return self
        if sorted(order) != list(range(len(self.shape))) or self.kind not in ("image", "curve"):
            raise ValueError(f"{order} is no order of the dimensions of {self.kind} data of shape {self.shape}")
        turned: dict[str, Any] = {
            name: Arranged(array, order) if array is not None and tuple(array.shape) == self.shape else None
            for name, array in (("source", self.source), ("errors", self.errors), ("mask", self.mask))
        }
        last_two = order[-self.frame_dimensions :]
        own = tuple(range(len(self.shape) - self.frame_dimensions, len(self.shape)))
        if self.mask is not None and turned["mask"] is None and last_two == own[::-1]:
            turned["mask"] = Arranged(np.asarray(read_array(self.mask, (Ellipsis,))).reshape(self.frame_shape), (1, 0))
        others = tuple(replace(o, source=Arranged(o.source, order), errors=None) for o in self.others)
        return replace(self, axes=tuple(self.axes[i] for i in order), others=others, first=0, **turned)


class Arranged:
    """An array with its dimensions in another order, read when it is sliced by leading indices and slices."""

    def __init__(self, source: Readable, order: tuple[int, ...]) -> None:
        self.source = source
        self.order = order

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in the new order."""
        return tuple(self.source.shape[i] for i in self.order)

    @property
    def dtype(self) -> Any:
        """Type of the elements."""
        return self.source.dtype

    def __getitem__(self, index: Any) -> Any:
        given = [part for part in (index if isinstance(index, tuple) else (index,)) if part is not Ellipsis]
        given += [slice(None)] * (len(self.order) - len(given))
        stored: list[Any] = [None] * len(self.order)
        for dimension, part in zip(self.order, given, strict=True):
            stored[dimension] = part
        values = read_array(self.source, tuple(stored))
        kept = [dimension for dimension, part in zip(self.order, given, strict=True) if isinstance(part, slice)]
        return values.transpose([sorted(kept).index(dimension) for dimension in kept])


class Scaled:
    """An array of stored numbers whose values are others, scaled when it is sliced; what is no measurement is ``nan``.

    Parameters
    ----------
    source
        The stored numbers.
    scaling
        Turns them into values.
    masked_value, valid
        Stored numbers that are no measurement, as in `Content`.
    """

    def __init__(
        self,
        source: Readable,
        scaling: Callable[[NDArray[Any]], NDArray[np.float64]],
        masked_value: int | None = None,
        valid: tuple[float | None, float | None] = (None, None),
    ) -> None:
        self.source = source
        self.scaling = scaling
        self.masked_value = masked_value
        self.valid = valid

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the stored numbers."""
        return tuple(self.source.shape)

    @property
    def dtype(self) -> Any:
        """Type of the values."""
        return np.dtype(np.float64)

    def __getitem__(self, index: Any) -> Any:
        stored = read_array(self.source, index if isinstance(index, tuple) else (index,))
        masked = masked_pixels(stored, masked_value=self.masked_value, valid=self.valid)
        values = self.scaling(stored)
        return values if masked is None else np.where(masked, np.nan, values)


def read_array(source: Any, index: tuple[Any, ...], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Read a part of an array or of a handle; of a handle into `out`, if that has the part's shape and type."""
    part = source[index]
    if out is not None and isinstance(part, _ReadsInto) and (part.shape, part.dtype) == (out.shape, out.dtype):
        part.read_into(out)
        return out
    return np.asarray(part.numpy() if hasattr(part, "numpy") else part)
