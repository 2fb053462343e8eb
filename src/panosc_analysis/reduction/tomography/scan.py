"""What the frames of a tomography scan are, by NXtomo's ``image_key``, and the angles they were taken at."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.model import convert
from panosc_analysis.nexus import open_file, reading
from panosc_analysis.nexus.attributes import child, children, is_dataset, is_group, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from panosc_analysis.reduction.stack import Stack

__all__ = ["Scan", "mean_frame", "read_scan"]

PROJECTION, FLAT, DARK = 0, 1, 2
_DEEPEST = 4


@dataclass(frozen=True, eq=False, slots=True)
class Scan:
    """A scan about one axis in a parallel beam.

    Parameters
    ----------
    keys
        Of each frame: 0 projection, 1 flat field, 2 dark field, 3 invalid.
    angles
        Of each frame, in radians.
    axis
        Column of the rotation axis; ``None`` if the file does not tell.
    pixel_size
        Width of a pixel in mm; ``None`` if the file does not tell.
    """

    keys: NDArray[np.int64]
    angles: NDArray[np.float64]
    axis: float | None
    pixel_size: float | None

    def frames(self, key: int) -> NDArray[np.int64]:
        """Give the numbers of the frames of one kind."""
        numbers: NDArray[np.int64] = np.flatnonzero(self.keys == key).astype(np.int64)
        return numbers


def read_scan(stack: Stack) -> Scan:
    """Read what the frames are; reads metadata only.

    Raises
    ------
    ReductionError
        The file has no ``image_key`` or ``rotation_angle`` with one value for each frame, or no projections.
    """
    handle = stack.handle
    with open_file(handle.file) as file, reading(handle.file, handle.path):
        entry = file[posixpath.join("/", handle.path.strip("/").split("/")[0])]
        found = dict(_fields(entry if is_group(entry) else file, 0))
        keys, angles = _series(found.get("image_key"), stack), _series(found.get("rotation_angle"), stack)
        if keys is None or angles is None:
            missing = "image_key" if keys is None else "rotation_angle"
            raise ReductionError(
                f"{handle.file} has no {missing} with one value for each of its {stack.frames} frames",
                hint="Choose a tomography scan (NXtomo)",
                path=str(handle.file),
            )
        scale = convert(1.0, text(found["rotation_angle"], "units") or "deg", "rad")
        size = found.get("x_pixel_size")
        pixel = None if size is None else convert(float(np.ravel(size[()])[0]), text(size, "units") or "m", "mm")
        axis = found.get("x_rotation_axis_pixel_position")
        position = None if axis is None else float(np.ravel(axis[()])[0])
    scan = Scan(keys.astype(np.int64), angles.astype(np.float64) * (scale or np.pi / 180), position, pixel)
    if len(scan.frames(PROJECTION)) < 2:
        raise ReductionError(f"{handle.file} has no projections (image_key 0)", hint="Choose a whole scan")
    return scan


def mean_frame(stack: Stack, numbers: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Average some frames, one after the other; ``None`` for no frames."""
    if not len(numbers):
        return None
    total = np.zeros(stack.pixels)
    for number in map(int, numbers):
        total += stack.read(number, number + 1)[0]
    return total / len(numbers)


def _fields(group: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Give the fields that describe a scan, wherever in the entry they are; the ones nearest to its top come last."""
    wanted = ("image_key", "rotation_angle", "x_pixel_size", "x_rotation_axis_pixel_position")
    below = list(children(group))
    if depth < _DEEPEST:
        for _, node in below:
            if is_group(node):
                yield from _fields(node, depth + 1)
    for name in wanted:
        node = child(group, name)
        if is_dataset(node) and node.shape is not None and node.size and node.dtype.kind in "iuf":
            yield name, node


def _series(node: Any, stack: Stack) -> NDArray[Any] | None:
    """Read one value per frame; of the frames that are selected, where a part is."""
    if node is None or node.ndim != 1:
        return None
    values = np.asarray(node[()])
    selection = stack.handle.selection
    if selection and isinstance(selection[0], range) and len(values) == stack.handle.stored_shape[0]:
        values = values[np.asarray(selection[0])]
    return values if len(values) == stack.frames else None
