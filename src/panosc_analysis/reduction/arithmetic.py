"""Sum, mean, variance and extremes of a handle along any axes, equal to NumPy's, in memory that does not grow with it.

Integers of up to 32 bits go through the compiled sums of `moments`, which are exact; everything else through NumPy,
block by block, with `partial`. All values count: there are no masks here.
"""

from __future__ import annotations

import warnings
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from panosc_analysis.errors import ReductionError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction.blockwise import block_ranges, run_blocks
from panosc_analysis.reduction.memory import require_memory
from panosc_analysis.reduction.moments import MomentsKernel
from panosc_analysis.reduction.partial import PartialWork, State, joined
from panosc_analysis.reduction.placing import divided, run_job
from panosc_analysis.reduction.progress import CancelToken
from panosc_analysis.reduction.stack import Stack
from panosc_analysis.reduction.work import Job

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from panosc_analysis.nexus.computing import Axes, Reduction
    from panosc_analysis.reduction.moments import Moments

__all__ = ["reduce_axes", "reduce_stack"]

_SMALL = 4_000_000  # bytes that NumPy reduces before anything else is ready to
_FEW_PIXELS = 16  # for which compiled sums of whole frames do not pay
_BUFFER = 32_000_000  # bytes that each thread of the engine holds of the frames
_BLOCK = 16_000_000  # bytes of decoded frames that a thread hands to NumPy at a time; some temporary copies come to it


def reduce_axes(
    handle: ArrayHandle,
    name: Reduction,
    axis: Axes = None,
    *,
    dtype: DTypeLike | None = None,
    ddof: float = 0,
    keepdims: bool = False,
) -> Any:
    """Reduce a handle along axes; see `ArrayHandle.mean`.

    Raises
    ------
    AxisError
        There is no such axis.
    ReductionError
        No numbers, or a result that does not fit into memory.
    OpenError
        Data that cannot be read.
    """
    part = handle[...]  # of one state of the file
    if part.dtype.kind not in "biufc":
        raise ReductionError(
            f"{part.path} in {part.file} holds no numbers (type {part.dtype})", hint="Choose an array of numbers"
        )
    axes = tuple(range(part.ndim)) if axis is None else tuple(sorted(normalize_axis_tuple(axis, part.ndim)))
    kind = _result_type(part.dtype, name, dtype)
    if part.size == 0 or part.nbytes <= _SMALL or not axes:
        return _with_numpy(part, name, axes, kind, ddof, keepdims=keepdims)
    left = [length for number, length in enumerate(part.shape) if number not in axes]
    require_memory((40 if axes[0] == 0 else 8) * int(np.prod(left, dtype=np.int64)), f"The {name} along axis {axis}")
    values = reduce_stack(part, name, axes, ddof)
    shape = [1 if number in axes else length for number, length in enumerate(part.shape)]
    return np.asarray(values).astype(kind, copy=False).reshape(shape if keepdims else left)[()]


def _result_type(stored: np.dtype[Any], name: Reduction, asked: DTypeLike | None) -> np.dtype[Any]:
    """Choose what NumPy would give: sums of integers in 64 bits, means and variances of integers in float64."""
    if asked is not None:
        return np.dtype(asked)
    native = stored.newbyteorder("=")
    if name in ("min", "max"):
        return native
    if native.kind == "c":
        return np.abs(np.empty(0, native)).dtype if name in ("std", "var") else native
    if native.kind == "f":
        return native
    if name != "sum":
        return np.dtype(np.float64)
    return np.dtype(np.uint64 if native.kind == "u" else np.int64)


def _with_numpy(
    part: ArrayHandle, name: Reduction, axes: tuple[int, ...], kind: np.dtype[Any], ddof: float, *, keepdims: bool
) -> Any:
    """Read a small array and let NumPy do it, in double precision as everything here."""
    values = part.numpy()
    options: dict[str, Any] = {"axis": axes, "keepdims": keepdims}
    if name in ("std", "var"):
        options["ddof"] = ddof
    if name not in ("min", "max"):
        exact = name == "sum" and kind.kind in "iub"
        options["dtype"] = kind if exact else np.promote_types(values.dtype, np.float64)
    return np.asarray(getattr(np, name)(values, **options)).astype(kind, copy=False)[()]


def reduce_stack(part: ArrayHandle, name: Reduction, axes: tuple[int, ...], ddof: float = 0) -> NDArray[Any]:
    """Reduce along sorted axes whatever the size: the other axes are left, in the widest type."""
    first = part.selection[0]
    if isinstance(first, int):  # one frame: a stack of it
        part = ArrayHandle(part.file, part.path, (range(first, first + 1), *part.selection[1:]))
        axes = (0, *(axis + 1 for axis in axes))
    shape = part.shape
    number = int(np.prod([shape[axis] for axis in axes], dtype=np.int64))
    stack = Stack(part, shape[0], shape[1:], part.dtype)
    if name in ("std", "var") and number <= ddof:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=4)
    counts = stack.dtype.kind in "bui" and stack.dtype.itemsize <= 4 and stack.pixels >= _FEW_PIXELS
    per_frame = axes == tuple(range(1, len(shape))) and name in ("sum", "mean")
    if counts and per_frame:
        return _of_totals(stack, name, number)
    if counts and axes[0] == 0:
        return _of_moments(stack, name, axes, number, ddof)
    return _of_blocks(part, name, axes, number, ddof)


def _of_totals(stack: Stack, name: Reduction, number: int) -> NDArray[Any]:
    totals = _moments(MomentsKernel(stack.native, stack.pixels, totals=True), stack).totals
    if totals is None:
        raise AssertionError("the kernel was asked to keep them")
    return totals if name == "sum" else totals / number


def _of_moments(stack: Stack, name: Reduction, axes: tuple[int, ...], number: int, ddof: float) -> NDArray[Any]:
    """Reduce the pixels' own sums along what axes there are in the frame."""
    spread, extremes = name in ("std", "var"), name in ("min", "max")
    found = _moments(MomentsKernel(stack.native, stack.pixels, variance=spread, extremes=extremes), stack)
    inside, shape = tuple(axis - 1 for axis in axes[1:]), stack.frame_shape
    if extremes:
        extreme = np.asarray(found.min if name == "min" else found.max).reshape(shape)
        return np.asarray(extreme.min(axis=inside) if name == "min" else extreme.max(axis=inside))
    total = found.sum.reshape(shape)
    if name == "sum":
        return np.asarray(total.sum(axis=inside))
    means = total / stack.frames
    mean = means.mean(axis=inside, keepdims=True)
    if name == "mean":
        limits = np.iinfo(np.uint8 if stack.dtype.kind == "b" else stack.dtype)
        exact = max(limits.max, -int(limits.min)) * number < 1 << 63
        return np.asarray(total.sum(axis=inside) / number if exact else mean.squeeze(inside))
    variance = np.asarray(found.variance).reshape(shape)
    if inside:
        variance = variance + (means - mean) ** 2
    return _spread(np.asarray(variance.mean(axis=inside)) * number, number, ddof, name)


def _spread(squares: NDArray[Any], number: int, ddof: float, name: Reduction) -> NDArray[Any]:
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = squares / np.float64(max(number - ddof, 0))
    return np.asarray(np.sqrt(variance) if name == "std" else variance)


def _moments(kernel: MomentsKernel, stack: Stack) -> Moments:
    """Run the compiled sums, here or on the workers of the current client."""
    job = Job(stack, kernel, _BUFFER, "raise")
    ranges = divided(job, [(0, stack.frames)])
    part = run_job(job, ranges, threads=None, progress=None, cancel=CancelToken())
    found: Moments = part.sums.finish()
    return found


def _of_blocks(part: ArrayHandle, name: Reduction, axes: tuple[int, ...], number: int, ddof: float) -> NDArray[Any]:
    """Let NumPy reduce blocks, and join what it finds in their order: the same bits for any number of threads."""
    work = PartialWork(part, name, axes, _BLOCK)
    state: State | None = None
    rows: list[State] = []
    with closing(run_blocks(work, lambda workers: block_ranges(part, 4 * _BLOCK, workers))) as results:
        for found in results:
            if axes[0] == 0:
                state = found if state is None else joined(name, state, found)
            else:
                rows.append(found)
    whole = State.concatenated(rows) if state is None else state
    if name in ("std", "var"):
        return _spread(whole.squares.squeeze(axes), number, ddof, name)
    values = whole.values.squeeze(axes)
    return np.asarray(values / number if name == "mean" else values)
