"""The last binnings that pyFAI was asked for, so that the next reduction with the same ones begins at once.

Making one takes from a quarter of a second to many seconds. What counts is the content: the text of the geometry, the
window of the detector, the options, flat field and dark current.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from panosc_analysis.reduction.geometry import Geometry
    from panosc_analysis.reduction.integration.binning import Binning, BinningOptions

__all__ = ["MOST_BYTES", "content_key", "remembered_binning"]

MOST_BYTES = 256_000_000
"""Memory of all that is remembered; a larger binning is made each time."""

_known: OrderedDict[bytes, Binning] = OrderedDict()
_lock = threading.Lock()


def content_key(
    geometry: Geometry, shape: tuple[int, ...], options: BinningOptions, *arrays: NDArray[Any] | None
) -> bytes | None:
    """Make a key of what a binning depends on; ``None`` where the geometry names another file, which may change."""
    if "filename" in geometry.poni.lower():
        return None
    digest = hashlib.sha256(repr((geometry.poni, shape, options)).encode())
    for array in arrays:
        digest.update(b"none" if array is None else repr((array.shape, array.dtype.str)).encode())
        if array is not None:
            digest.update(array.tobytes())
    return digest.digest()


def remembered_binning(key: bytes | None, make: Callable[[], Binning]) -> Binning:
    """Give the binning of a key, made now if it is not known."""
    if key is None:
        return make()
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    binning = make()
    with _lock:
        _known[key] = binning
        while _known and sum(each.nbytes for each in _known.values()) > MOST_BYTES:
            _known.popitem(last=False)
    return binning
