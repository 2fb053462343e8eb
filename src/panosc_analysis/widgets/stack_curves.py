"""The mean of a region in each frame of a stack, computed beside the notebook: by Dask's workers if there are any.

Without a cluster one thread reads frame after frame; HDF5 decodes one at a time anyway, and the picture must stay
alive. The values come while it runs, so a curve grows before the eyes.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.errors import PanoscError
from panosc_analysis.widgets.renderer import Renderer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from panosc_analysis.widgets.content import Content
    from panosc_analysis.widgets.regions import Region

__all__ = ["StackCurve", "region_means"]

_PER_TASK = 16  # frames


class StackCurve:
    """A curve over all frames in the making.

    Parameters
    ----------
    content
        The stack.
    region
        The pixels whose mean is taken.

    Attributes
    ----------
    values
        The mean of the unmasked pixels in each frame; ``nan`` where it is not known yet or nothing counts.
    done
        How many frames are known.
    error
        What went wrong, for a person; empty while nothing did.
    """

    def __init__(self, content: Content, region: Region) -> None:
        self.content, self.region = content, region
        self.values: NDArray[np.float64] = np.full(content.n_frames, np.nan)
        self.done = 0
        self.error = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="curve over the stack", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether there is more to come."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """Stop before the next frames; what is known stays."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> NDArray[np.float64]:
        """Wait until it is whole; return the values."""
        self._thread.join(timeout)
        return self.values

    def _run(self) -> None:
        tasks = [
            range(start, min(start + _PER_TASK, self.values.size)) for start in range(0, self.values.size, _PER_TASK)
        ]
        try:
            client = None if isinstance(self.content.source, np.ndarray) else _client()
            (self._run_here if client is None else self._run_on)(tasks, client)
        except PanoscError as error:
            self.error = f"{error.message}. {error.hint}."
        except Exception as error:
            self.error = f"The curve over the stack cannot be computed ({type(error).__name__}: {error})."

    def _run_here(self, tasks: list[range], _client: Any) -> None:
        for frames in tasks:
            if self._stop.is_set():
                return
            self._take(frames, region_means(self.content, self.region, frames))

    def _run_on(self, tasks: list[range], client: Any) -> None:
        from distributed import as_completed

        futures = {
            client.submit(region_means, self.content, self.region, frames, pure=False): frames for frames in tasks
        }
        try:
            for future, means in as_completed(futures, with_results=True):
                if self._stop.is_set():
                    return
                self._take(futures[future], means)
        finally:
            client.cancel(list(futures))

    def _take(self, frames: range, means: NDArray[np.float64]) -> None:
        self.values[frames.start : frames.stop] = means
        self.done += len(frames)


def region_means(content: Content, region: Region, frames: range) -> NDArray[np.float64]:
    """Return the mean of the unmasked pixels of a region in some frames; reads only the region's rows and columns."""
    renderer = Renderer(content)
    part = region.part(content.frame_shape)
    inside = region.mask(part)
    means = np.full(len(frames), np.nan)
    for i, frame in enumerate(frames):
        read = renderer.part(frame, part)
        kept = read.values[inside if read.masked is None else inside & ~read.masked]
        if kept.size:
            means[i] = kept.mean(dtype=np.float64)
    return means


def _client() -> Any:
    """Return the Dask client of this notebook, if there is one."""
    if "distributed" not in sys.modules:
        return None
    from distributed import default_client

    try:
        return default_client()
    except ValueError:
        return None
