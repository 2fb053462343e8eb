"""What is shown, whatever it came from: frames of an array with their axes, names and units.

The widget and the exported picture start from the same `Content`, so they show the same. It holds no open file and no
data of a file: a frame is read when it is asked for. `sources` makes one from whatever there is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from panosc_analysis.widgets.quantities import quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.widgets.coordinates import Coordinate

__all__ = ["Content", "Kind", "Readable", "read_array"]

Kind = Literal["image", "curve", "scatter", "text"]

_FRAME_DIMENSIONS: dict[Kind, int] = {"image": 2, "curve": 1, "scatter": 1, "text": 0}


class Readable(Protocol):
    """An array that is read by slicing: of NumPy or Dask, or a handle on a file."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102  the array's own

    @property
    def dtype(self) -> Any: ...  # noqa: D102  the array's own

    def __getitem__(self, index: Any) -> Any: ...


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
    title, label, units
        What is shown, the name of its values and their unit.
    scale
        Scale that the data ask for.
    remarks
        What a person should know about the data before she trusts the picture.
    text
        What is shown when there is nothing to draw.
    """

    kind: Kind
    source: Readable | None = None
    axes: tuple[Coordinate, ...] = ()
    errors: Readable | None = None
    mask: Readable | None = None
    masked_value: int | None = None
    title: str = ""
    label: str = ""
    units: str = ""
    scale: Literal["linear", "log"] = "linear"
    remarks: tuple[str, ...] = field(default=())
    text: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole signal."""
        return () if self.source is None else tuple(self.source.shape)

    @property
    def leading(self) -> tuple[int, ...]:
        """Shape of the dimensions that are stepped through."""
        return self.shape[: len(self.shape) - _FRAME_DIMENSIONS[self.kind]]

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
        named = [(axis, axis.centres[i]) for axis, i in where if not axis.is_index or len(self.leading) > 1]
        return " · ".join(f"{axis.label} {quantity(float(value), axis.units)}" for axis, value in named)

    def read(self, frame: int) -> NDArray[Any]:
        """Read the values of a frame."""
        return read_array(self.source, (*self.place(frame), Ellipsis))

    def read_errors(self, frame: int) -> NDArray[Any] | None:
        """Read the standard deviations of a frame, if there are any."""
        return None if self.errors is None else read_array(self.errors, (*self.place(frame), Ellipsis))

    def read_mask(self, frame: int) -> NDArray[Any] | None:
        """Read the mask of a frame, if there is one."""
        if self.mask is None:
            return None
        if tuple(self.mask.shape) == self.shape:
            return read_array(self.mask, (*self.place(frame), Ellipsis))
        return read_array(self.mask, (Ellipsis,)).reshape(self.frame_shape)

    @property
    def mask_changes(self) -> bool:
        """Whether each frame has its own mask."""
        return self.mask is not None and bool(self.leading) and tuple(self.mask.shape) == self.shape


def read_array(source: Any, index: tuple[Any, ...]) -> NDArray[Any]:
    """Read a part of an array or of a handle."""
    part = source[index]
    return np.asarray(part.numpy() if hasattr(part, "numpy") else part)
