"""A handle as an array to compute with: reductions, functions of NumPy, Dask, and functions of the user's own.

The work is done by whoever `panosc_analysis.nexus.computing` knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from panosc_analysis.errors import ReductionError
from panosc_analysis.nexus.computing import required

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import DTypeLike, NDArray

    from panosc_analysis.nexus.array import ArrayHandle
    from panosc_analysis.nexus.computing import Axes, Reduction

__all__ = ["AsArray"]

_WHOLE = 1 << 30  # bytes that a NumPy function without a way of its own may read of a handle


class AsArray:
    """The methods that make a handle an array to compute with."""

    __slots__ = ()

    def dask(self, chunks: Any = None) -> Any:
        """Make a `dask.array.Array` of the selection, whose blocks are decoded in parallel outside HDF5's lock.

        The graph holds the name of the file and what to read of it, no numbers, so it goes to any cluster whose workers
        see the file. It is of the array as it is now: what is appended later is not in it.

        Parameters
        ----------
        chunks
            As Dask takes them. Without, whole stored chunks and, where they fit, whole frames, of about Dask's
            ``array.chunk-size`` together. Blocks that cut stored chunks have these decoded more than once.

        Raises
        ------
        ReductionError
            Dask is not installed.
        """
        return required("A dask array").as_dask(_handle(self), chunks)

    def map_frames(
        self,
        function: Callable[[NDArray[Any]], Any],
        *,
        per: Literal["frame", "chunk"] = "frame",
        threads: int | None = None,
        progress: Callable[[Any], None] | None = None,
        cancel: Any = None,
    ) -> Any:
        """Call a function of yours for each frame, in threads or on the workers of the current cluster.

        Frames are decoded in parallel outside HDF5's lock. Threads share Python's own lock: a function that spends its
        time in NumPy, SciPy or compiled code runs on all cores of this process; one in plain Python gains from
        ``pan.cluster()``, whose workers are processes. Memory: some frames for each thread, and the results.

        Parameters
        ----------
        function
            Gets a frame as an array of its own, in the machine's byte order, which it may change and keep.
        per
            ``"chunk"`` to get all frames of a stored chunk at a time, shape (n, …) with n less at the end, also where
            a chunk holds one.
        threads
            How many in this process, also where there is a cluster.
        progress
            Called in this thread with a `panosc_analysis.reduction.Progress`, four times a second and at the end.
        cancel
            Stops it when it is set, before the next frame: a `panosc_analysis.reduction.CancelToken`.

        Returns
        -------
        :
            The results in the order of the frames. Numbers make an array of shape (frames,), arrays of one shape one of
            (frames, …); dictionaries with the same keys and tuples of the same length make one of such for each entry;
            anything else makes a list. Per chunk it is the same with one result for each chunk.

        Raises
        ------
        ReductionError
            The function failed; the message names the frame, the cause is its error.
        ReductionCancelled
            It was cancelled: the error's `partial` has the results until then, its `frames` tells of which frames.
        OpenError
            Data that cannot be read.
        """
        found = required("Calling a function for each frame")
        return found.map_frames(_handle(self), function, per=per, threads=threads, progress=progress, cancel=cancel)

    def sum(self, axis: Axes = None, dtype: DTypeLike | None = None, *, keepdims: bool = False) -> Any:
        """Sum along axes, in one pass in which frames are decoded in parallel; see `mean`.

        Integers are summed exactly in 64 bits and modulo 2^64 like NumPy's, floating-point numbers in float64.
        """
        return _reduced(self, "sum", axis, dtype, keepdims=keepdims)

    def mean(self, axis: Axes = None, dtype: DTypeLike | None = None, *, keepdims: bool = False) -> Any:
        """Average along axes, in one pass in which frames are decoded in parallel.

        Runs on the workers of the current Dask client, else in threads. Memory: some frames for each thread and the
        result, whatever the length. All values count, as for NumPy: no mask is applied and a gap's marker is a number;
        ``ds.reduce("statistics")`` knows masks, units and uncertainties.

        Parameters
        ----------
        axis
            One axis, several, or all.
        dtype
            Of the result; without, what NumPy gives: float64 for integers, that of the data for floating-point numbers,
            which are summed in float64 nevertheless.
        keepdims
            Keep the axes with length 1.

        Returns
        -------
        :
            A NumPy array, a NumPy scalar where no axis is left.

        Raises
        ------
        AxisError
            There is no such axis.
        ReductionError
            No numbers.
        OpenError
            Data that cannot be read.
        """
        return _reduced(self, "mean", axis, dtype, keepdims=keepdims)

    def var(
        self,
        axis: Axes = None,
        dtype: DTypeLike | None = None,
        *,
        ddof: float = 0,
        keepdims: bool = False,
    ) -> Any:
        """Variance along axes: squared distances from the mean, divided by their number less `ddof`; see `mean`."""
        return _reduced(self, "var", axis, dtype, ddof=ddof, keepdims=keepdims)

    def std(
        self,
        axis: Axes = None,
        dtype: DTypeLike | None = None,
        *,
        ddof: float = 0,
        keepdims: bool = False,
    ) -> Any:
        """Take the root of `var`: the standard deviation along axes; see `mean`."""
        return _reduced(self, "std", axis, dtype, ddof=ddof, keepdims=keepdims)

    def min(self, axis: Axes = None, *, keepdims: bool = False) -> Any:
        """Smallest value along axes, NaN where one is NaN, as for NumPy; see `mean`."""
        return _reduced(self, "min", axis, None, keepdims=keepdims)

    def max(self, axis: Axes = None, *, keepdims: bool = False) -> Any:
        """Largest value along axes, NaN where one is NaN, as for NumPy; see `mean`."""
        return _reduced(self, "max", axis, None, keepdims=keepdims)

    def __array_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Give ``numpy.mean(handle)`` and its like to the methods; other functions of NumPy get what `numpy` reads.

        Raises
        ------
        ReductionError
            A function without a way of its own, and more than 1 GB to read for it.
        """
        name = _METHODS.get(func)
        if name is not None and args and isinstance(args[0], AsArray):
            given = {key: value for key, value in kwargs.items() if value is not np._NoValue}
            if "correction" in given:
                given["ddof"] = given.pop("correction")
            return getattr(args[0], name)(*args[1:], **given)
        return func(*_read(args, func.__name__), **_read(dict(kwargs), func.__name__))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Give ``numpy.add.reduce(handle)`` and its like to the methods; for other functions read as `numpy` does.

        Raises
        ------
        ReductionError
            More than 1 GB to read for it.
        """
        name = _UFUNCS.get(ufunc.__name__) if method == "reduce" else None
        if name is not None and isinstance(inputs[0], AsArray) and set(kwargs) <= {"axis", "dtype", "keepdims"}:
            options = dict(zip(("axis", "dtype"), inputs[1:], strict=False)) | kwargs
            if name != "sum":
                options.pop("dtype", None)
            return getattr(inputs[0], name)(**({"axis": 0} | options))
        return getattr(ufunc, method)(*_read(inputs, ufunc.__name__), **_read(kwargs, ufunc.__name__))


_METHODS: dict[Callable[..., Any], str] = {
    np.sum: "sum",
    np.mean: "mean",
    np.std: "std",
    np.var: "var",
    np.min: "min",
    np.max: "max",
}
_UFUNCS = {"add": "sum", "minimum": "min", "maximum": "max"}


def _handle(array: AsArray) -> ArrayHandle:
    """Take an array for the handle that it is: these methods are for no other class."""
    return cast("ArrayHandle", array)


def _reduced(
    array: AsArray,
    name: Reduction,
    axis: Axes,
    dtype: DTypeLike | None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
) -> Any:
    return required(f"The {name} of a handle").reduce_array(_handle(array), name, axis, dtype, ddof, keepdims)


def _read(value: Any, name: str) -> Any:
    """Read all handles among the arguments of a function."""
    if isinstance(value, AsArray):
        handle = _handle(value)
        if handle.nbytes > _WHOLE:
            raise ReductionError(
                f"numpy.{name} would read all {handle.nbytes / 1e9:.1f} GB of {handle.path} into memory",
                hint="Read it yourself with .numpy() if that is meant, compute with .dask(), or frame by frame with "
                ".map_frames()",
            )
        return handle.numpy()
    if isinstance(value, tuple):
        return tuple(_read(item, name) for item in value)
    if isinstance(value, list):
        return [_read(item, name) for item in value]
    if isinstance(value, dict):
        return {key: _read(item, name) for key, item in value.items()}
    return value
