"""Which pixels of an image mean nothing: pixel masks and the number that stands for "no value"."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.nexus.attributes import (
    FOREIGN,
    Node,
    child,
    children,
    is_group,
    is_numeric,
    nx_class,
    read_attribute,
    read_number,
    text,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.nexus.nxdata import Plottable

__all__ = ["detectors_of", "is_detector", "mask_path", "masked_value", "valid_range"]

_LARGEST_FRAME = 1 << 25  # pixels that are read to know what stands for "no value"


def is_detector(node: Node) -> bool:
    """Whether the group is a detector."""
    return is_group(node) and nx_class(node) in ("NXdetector", "SASdetector")


def detectors_of(entry: Node, entry_path: str) -> dict[str, Node]:
    """Return the detectors of an entry by path: those in its instrument, and those directly in it."""
    found: dict[str, Node] = {}
    for name, node in children(entry) if is_group(entry) else ():
        path = posixpath.join(entry_path, name)
        if is_detector(node):
            found[path] = node
        elif is_group(node) and nx_class(node) == "NXinstrument":
            found |= {posixpath.join(path, n): below for n, below in children(node) if is_detector(below)}
    return found


def mask_path(found: Plottable, detectors: dict[str, Node]) -> str | None:
    """Return the path of a mask that has the shape of the signal's frames, or of the signal.

    Looked for beside the signal, then in the entry's detectors, also where Dectris keeps it. NeXus, canSAS, CXI and the
    European XFEL mark pixels to leave out by values that are not zero.
    """
    shape = tuple(found.signal.shape)
    for path, group in {found.group_path: found.group, **detectors}.items():
        for name in ("pixel_mask", "detectorSpecific/pixel_mask"):
            node: Node = child(group, name) if is_group(group) else None
            if is_numeric(node) and node.dtype.kind in "biu" and _is_of_frame(tuple(node.shape), shape):
                return posixpath.join(path, name)
    named = text(found.group, "mask") if found.group is not None else ""
    for name in (named, "mask" if _is_xfel(found) else ""):
        node = child(found.group, name) if name else None
        if is_numeric(node) and node.dtype.kind in "biu" and tuple(node.shape) == shape:
            return posixpath.join(found.group_path, name)
    return None


def _is_of_frame(mask: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return len(mask) > 1 and mask[-2:] == shape[-2:] and set(mask[:-2]) <= {1}


def _is_xfel(found: Plottable) -> bool:
    return found.group_path.startswith("/INSTRUMENT/") and found.group_path.endswith("/image")


def masked_value(signal: Node) -> int | None:
    """Return the number that marks pixels without a value in an image or stack of images, if there is one.

    ``_FillValue`` where the file gives it. Otherwise detectors that count in unsigned integers write the largest number
    for gaps and dead pixels. With 32 and 64 bits nothing else reaches it, so it always counts as no value. With 16
    bits a camera may truly saturate there, so the first frame is read: the largest number must occur in it, and
    nothing in the tenth below it, where a saturating camera would have values too. With 8 bits it is a value.
    Never asked for curves: a counter that is full is a measurement.
    """
    fill = read_attribute(signal, "_FillValue")
    fill = fill[0] if isinstance(fill, list) and fill else fill
    if isinstance(fill, int) and signal.dtype.kind in "iu":
        return fill
    if signal.dtype.kind != "u" or signal.dtype.itemsize == 1:
        return None
    largest = int(np.iinfo(signal.dtype).max)
    if signal.dtype.itemsize > 2 or _is_apart(signal, largest):
        return largest
    return None


def valid_range(signal: Node, detectors: dict[str, Node]) -> tuple[float | None, float | None]:
    """Return the lowest and the highest value that is a measurement; ``None`` where there is no such end.

    From ``valid_range``, ``valid_min`` and ``valid_max`` of the data, ``underload_value`` and ``saturation_value`` of
    the detector of integer counts, if there is only one. Pilatus detectors count in signed integers and write −1 for
    gaps and −2 for dead pixels; where the first frame has these and nothing else below zero, zero is the lowest value.
    """
    both = read_attribute(signal, "valid_range")
    both = both if isinstance(both, list) and len(both) == 2 else [None, None]
    detectors = detectors if signal.dtype.kind in "iu" and len(signal.shape) > 1 else {}
    given = [read_attribute(signal, name) for name in ("valid_min", "valid_max")]
    said = [_detector_number(detectors, name) for name in ("underload_value", "saturation_value")]
    low, high = (
        next((float(end) for end in ends if isinstance(end, int | float)), None)
        for ends in zip(given, both, said, strict=True)
    )
    if low is None and signal.dtype.kind == "i" and signal.dtype.itemsize >= 4:
        frame = _first_frame(signal)
        negative = frame[frame < 0] if frame is not None else np.empty(0)
        if negative.size and np.isin(negative, (-1, -2)).all():
            low = 0.0
    return low, high


def _detector_number(detectors: dict[str, Node], name: str) -> float | None:
    """Return a single number of the only detector; of several, nobody knows whose image it is."""
    if len(detectors) != 1:
        return None
    value = read_number(next(iter(detectors.values())), name)
    return None if value is not None and name == "saturation_value" and value <= 0 else value


def _is_apart(signal: Node, largest: int) -> bool:
    frame = _first_frame(signal)
    if frame is None:
        return False
    high = frame[frame >= largest - largest // 10]
    return high.size > 0 and bool((high == largest).all())


def _first_frame(signal: Node) -> NDArray[Any] | None:
    """Read the first frame; of one that is too large to be held, the rows in its middle."""
    *leading, rows, columns = signal.shape if len(signal.shape) > 1 else (1, *signal.shape)
    kept = max(1, min(rows, _LARGEST_FRAME // max(1, columns)))
    first = (rows - kept) // 2
    place = (*(0 for _ in leading), slice(first, first + kept))
    try:
        return np.asarray(signal[place if len(signal.shape) > 1 else slice(0, _LARGEST_FRAME)])
    except FOREIGN:
        return None
