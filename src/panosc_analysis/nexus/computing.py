"""Who does the work of a handle: what decodes in parallel and sums, told from outside.

This room opens files and knows nothing of reductions. The package tells once, when it is imported, how to get at the
room that does, in workers too. Where the libraries for that are not installed, a handle reads through HDF5 and says of
everything else what to install.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from panosc_analysis.errors import ReductionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

    from panosc_analysis.nexus.array import ArrayHandle

__all__ = ["Axes", "Computing", "Reduction", "computing", "provide", "required"]

Axes = int | tuple[int, ...] | None
"""One axis, several, or all of them, as NumPy has it."""

Reduction = Literal["sum", "mean", "std", "var", "min", "max"]


class Computing(Protocol):
    """What does the work; the module `panosc_analysis.reduction.handles` is one."""

    def read(self, handle: ArrayHandle) -> NDArray[Any]:
        """Read a handle's selection into a new array."""

    def as_dask(self, handle: ArrayHandle, chunks: Any) -> Any:
        """Make a `dask.array.Array` of a handle."""

    def reduce_array(
        self, handle: ArrayHandle, name: Reduction, axis: Axes, dtype: DTypeLike | None, ddof: float, keepdims: bool
    ) -> Any:
        """Reduce a handle along axes."""

    def map_frames(
        self,
        handle: ArrayHandle,
        function: Callable[[NDArray[Any]], Any],
        *,
        per: Literal["frame", "chunk"],
        threads: int | None,
        progress: Callable[[Any], None] | None,
        cancel: Any,
    ) -> Any:
        """Call a function for each frame of a handle."""


_loaders: list[Callable[[], Computing]] = []


def provide(load: Callable[[], Computing]) -> None:
    """Tell how to get at what does the work; called when the first handle needs it."""
    _loaders[:] = [load]


def computing() -> Computing | None:
    """Load what does the work; ``None`` where its libraries are not installed."""
    try:
        return _loaders[0]() if _loaders else None
    except ModuleNotFoundError:
        return None


def required(what: str) -> Computing:
    """Load what does the work.

    Raises
    ------
    ReductionError
        Its libraries are not installed.
    """
    found = computing()
    if found is None:
        raise ReductionError(
            f"{what} needs libraries that are not installed here",
            hint="Install panosc-analysis[reduction], or read the array with .numpy()",
        )
    return found
