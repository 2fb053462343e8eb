"""A reduction that runs beside the notebook: its progress, a button that stops it, and its result as it comes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import ipywidgets

from panosc_analysis.errors import PanoscError, ReductionCancelled
from panosc_analysis.reduction import CancelToken, ReductionResult
from panosc_analysis.widgets.progress import ReductionProgress
from panosc_analysis.widgets.sources import content_of
from panosc_analysis.widgets.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable

    from panosc_analysis.reduction import Progress

__all__ = ["RunningReduction"]

Result = TypeVar("Result")


class Run(Protocol):
    """Reduces something; calls `update` with results so far, if there are any."""

    def __call__(
        self,
        *,
        update: Callable[[ReductionResult], None],
        progress: Callable[[Progress], None],
        cancel: CancelToken,
    ) -> ReductionResult:
        """Reduce."""


class RunningReduction(ipywidgets.VBox, Generic[Result]):  # type: ignore[misc]  # its base class has no types
    """A reduction in a thread of its own, so that the notebook goes on.

    Shows its progress with a button that stops it, and its default array as soon as there is one, renewed as more
    comes. `wait` gives the result; what was stopped gives what it had until then.

    Parameters
    ----------
    run
        Reduces.
    finished
        Makes of the result what is given to the person.
    what
        What is being done.
    """

    def __init__(self, run: Run, finished: Callable[[ReductionResult], Result], *, what: str = "Reducing") -> None:
        self._cancel, self._finished = CancelToken(), finished
        self.progress = ReductionProgress(self._cancel, what)
        self.viewer: Viewer | None = None
        self.error: Exception | None = None
        self._latest: ReductionResult | None = None
        super().__init__([self.progress])
        self._thread = threading.Thread(target=self._work, args=(run,), name="reduction", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    @property
    def latest(self) -> Result | None:
        """The result so far; ``None`` before there is one."""
        return None if self._latest is None else self._finished(self._latest)

    def cancel(self) -> None:
        """Stop it after the frames that are being worked on."""
        self._cancel.cancel()

    def wait(self, timeout: float | None = None) -> Result:
        """Wait for the result.

        Parameters
        ----------
        timeout
            Seconds to wait at most.

        Raises
        ------
        TimeoutError
            It still runs.
        PanoscError
            What went wrong.
        """
        self._thread.join(timeout)
        if self.is_running:
            raise TimeoutError(f"It still runs after {timeout:g} s; .cancel() stops it")
        if self.error is not None:
            raise self.error
        if self._latest is None:
            raise AssertionError("what ended without an error has a result")
        return self._finished(self._latest)

    def _work(self, run: Run) -> None:
        try:
            self._show(run(update=self._show, progress=self.progress, cancel=self._cancel))
        except ReductionCancelled as error:
            partial = error.data.get("partial")
            if isinstance(partial, ReductionResult):
                self._show(partial)
            else:
                self.error = error
        except Exception as error:
            self.error = error
        self._say_how_it_ended()

    def _say_how_it_ended(self) -> None:
        result, error = self._latest, self.error
        if error is not None:
            self.progress.finish(failed=True, said=str(error) if isinstance(error, PanoscError) else repr(error))
        elif result is not None and result.is_partial:
            self.progress.finish(failed=True, said=result.notes[-1][:1].upper() + result.notes[-1][1:])
        else:
            self.progress.finish()

    def _show(self, result: ReductionResult) -> None:
        self._latest = result
        content = content_of(result)
        if self.viewer is None:
            self.viewer = Viewer(content)
            self.children = (self.progress, self.viewer)
        else:
            self.viewer.renew(content)
