"""A user's function called for each frame, and its results put together."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from panosc_analysis.errors import NotEnoughMemory, ReductionCancelled, ReductionError
from panosc_analysis.reduction.blockwise import block_ranges, chunk_ranges, run_blocks
from panosc_analysis.reduction.filling import read_selection
from panosc_analysis.reduction.memory import require_memory
from panosc_analysis.reduction.team import Team

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from panosc_analysis.nexus import ArrayHandle
    from panosc_analysis.reduction.engine import Stop
    from panosc_analysis.reduction.progress import Progress
    from panosc_analysis.reduction.work import Control

__all__ = ["call_for_frames", "collected"]

_BLOCK = 16_000_000  # bytes of decoded frames that a thread reads at a time

Numbered = list[tuple[int, Any]]


def call_for_frames(
    handle: ArrayHandle,
    function: Callable[[NDArray[Any]], Any],
    *,
    per: Literal["frame", "chunk"] = "frame",
    threads: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: Stop | None = None,
) -> Any:
    """Call a function for each frame of a handle; see `ArrayHandle.map_frames`.

    Raises
    ------
    ReductionError, ReductionCancelled
        The function failed, or it was stopped; `partial` and `frames` of the error tell what was done until then.
    OpenError
        Data that cannot be read.
    """
    part = handle[...]  # of one state of the file
    if part.ndim == 0 or per not in ("frame", "chunk"):
        raise ReductionError(
            f"{part.path} in {part.file} has no frames" if part.ndim == 0 else f"There is no per={per!r}",
            hint='Choose an array with at least one dimension, and per="frame" or per="chunk"',
        )
    calls = _Calls(part, function, per == "chunk")
    whole = len(part) if per == "frame" else len(chunk_ranges(part))
    done: Numbered = []
    results = run_blocks(
        calls, lambda blocks: block_ranges(part, _BLOCK, blocks), threads=threads, progress=progress, cancel=cancel
    )
    try:
        with closing(results):
            for some, failure in results:
                if not done and some:
                    _require_room(some[0][1], whole)
                done += some
                if failure is not None:
                    raise failure
    except ReductionError as error:
        if not isinstance(error, NotEnoughMemory):
            error.data |= _until_then(done)
        raise
    if len(done) < whole:
        raise ReductionCancelled(
            f"The function was stopped after {len(done)} of {whole} {'frames' if per == 'frame' else 'chunks'}",
            hint="The error's attribute partial has the results until then, its attribute frames tells of which",
            **_until_then(done),
        )
    return collected([value for _, value in done])


def _until_then(done: Numbered) -> dict[str, Any]:
    return {"partial": collected([value for _, value in done]) if done else None, "frames": [n for n, _ in done]}


def _require_room(value: Any, count: int) -> None:
    """Refuse to begin with what will not fit: the results and, for a moment, the array that they become."""
    if isinstance(value, np.ndarray) and value.nbytes > 1 << 16:
        require_memory(2 * count * value.nbytes, f"An array of {value.shape} for each of {count} frames")


def collected(values: list[Any]) -> Any:
    """Put results together: numbers and arrays of one shape as arrays, dictionaries and tuples entry by entry."""
    if not values:
        return values
    one = values[0]
    if all(isinstance(value, bool | int | float | complex | np.number | np.bool_) for value in values):
        return np.array(values)
    if all(isinstance(value, np.ndarray) and value.shape == np.shape(one) for value in values):
        return np.stack(values)
    if all(isinstance(value, dict) and value.keys() == one.keys() for value in values):
        return {key: collected([value[key] for value in values]) for key in one}
    if all(type(value) is tuple and len(value) == len(one) for value in values):
        return tuple(collected(list(column)) for column in zip(*values, strict=True))
    return values


def _kept(value: Any) -> Any:
    """Copy what would keep a whole block of frames in memory for the sake of a part of one."""
    if isinstance(value, np.ndarray) and value.base is not None:
        return value.copy()
    if isinstance(value, dict):
        return {key: _kept(entry) for key, entry in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_kept(entry) for entry in value)
    return value


@dataclass(frozen=True, slots=True)
class _Calls:
    """Reads blocks of a range and calls the function; gives numbered results and the failure that ended it, if any.

    Parameters
    ----------
    handle
        The array.
    function
        The user's.
    chunked
        Whether it gets chunks.
    """

    handle: ArrayHandle
    function: Callable[[NDArray[Any]], Any]
    chunked: bool

    def __call__(self, first: int, last: int, control: Control) -> tuple[Numbered, ReductionError | None]:
        part = self.handle[first:last]
        found: Numbered = []
        for begin, end in block_ranges(part, _BLOCK):
            if control.is_stopped():
                break
            block = part[begin:end]
            values = read_selection(block, Team())
            values = values.astype(values.dtype.newbyteorder("="), copy=False)
            pieces = chunk_ranges(block) if self.chunked else [(n, n + 1) for n in range(len(values))]
            for start, stop in pieces:
                if control.is_stopped():
                    return found, None
                piece = values[start:stop] if self.chunked else values[start, ...]
                number = first + begin + start
                try:
                    found.append((number, _kept(self.function(piece))))
                except Exception as error:  # whatever it is, of a function that is not ours
                    return found, self._failed(number, number + stop - start, error)
                control.add(stop - start)
        return found, None

    def _failed(self, first: int, last: int, error: Exception) -> ReductionError:
        name = getattr(self.function, "__name__", type(self.function).__name__)
        where = f"frame {first}" if not self.chunked else f"the chunk of frames {first} to {last - 1}"
        again = f"[{first}]" if not self.chunked else f"[{first}:{last}]"
        failure = ReductionError(
            f"{name} failed on {where} of {self.handle.path} in {self.handle.file}: {type(error).__name__}: {error}",
            hint=f"Try it on that alone, f(x{again}.numpy()); the error's attribute partial has what was done",
            frame=first,
        )
        failure.__cause__ = error
        return failure
