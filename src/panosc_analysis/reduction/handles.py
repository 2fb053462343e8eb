"""What `ArrayHandle` computes, done here: the module that the package gives to `panosc_analysis.nexus.computing`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

from panosc_analysis.reduction.engine import available_threads
from panosc_analysis.reduction.filling import read_selection
from panosc_analysis.reduction.memory import require_memory
from panosc_analysis.reduction.team import Team

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.nexus.computing import Axes, Reduction
    from panosc_analysis.reduction.engine import Stop
    from panosc_analysis.reduction.progress import Progress

__all__ = ["as_dask", "map_frames", "read", "reduce_array"]

_WORTH_LOADING = 64_000_000  # bytes that HDF5 reads while the compiled decoder is loaded
_COMPILED = "panosc_analysis.reduction.kernels.bitshuffle"


def read(handle: ArrayHandle) -> NDArray[Any]:
    """Read a handle's selection with all threads of this process; see `ArrayHandle.numpy`.

    Raises
    ------
    NotEnoughMemory
        It does not fit.
    OpenError
        It cannot be read.
    """
    require_memory(handle.nbytes, f"Reading {handle.path} of {handle.file.name}")
    if handle.nbytes < _WORTH_LOADING and _COMPILED not in sys.modules:
        return handle.read_hdf5()
    with Team(available_threads()) as team:
        return read_selection(handle, team)


def as_dask(handle: ArrayHandle, chunks: Any) -> Any:
    """Make a `dask.array.Array` of a handle; see `ArrayHandle.dask`."""
    from panosc_analysis.reduction.lazy import make_dask_array

    return make_dask_array(handle, chunks)


def reduce_array(
    handle: ArrayHandle, name: Reduction, axis: Axes, dtype: DTypeLike | None, ddof: float, keepdims: bool
) -> Any:
    """Reduce a handle along axes; see `ArrayHandle.mean`."""
    from panosc_analysis.reduction.arithmetic import reduce_axes

    return reduce_axes(handle, name, axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def map_frames(
    handle: ArrayHandle,
    function: Callable[[NDArray[Any]], Any],
    *,
    per: Literal["frame", "chunk"],
    threads: int | None,
    progress: Callable[[Progress], None] | None,
    cancel: Stop | None,
) -> Any:
    """Call a function for each frame of a handle; see `ArrayHandle.map_frames`."""
    from panosc_analysis.reduction.mapping import call_for_frames

    return call_for_frames(handle, function, per=per, threads=threads, progress=progress, cancel=cancel)
