"""Where progress is shown: a widget in a notebook, a line on a terminal, or nowhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from panosc_analysis.widgets.terminal import text_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from panosc_analysis.reduction import CancelToken, Progress

    Report = Callable[[Progress], None]

__all__ = ["reduction_progress"]


@contextmanager
def reduction_progress(
    *, enabled: bool = True, stream: TextIO | None = None
) -> Iterator[tuple[Report | None, CancelToken]]:
    """Show the progress of a reduction as long as the block runs.

    Parameters
    ----------
    enabled
        Show it at all.
    stream
        A stream to write it to; without one a widget in a notebook, else standard error.

    Yields
    ------
    :
        What to give the reduction as ``progress`` and as ``cancel``.
    """
    from panosc_analysis.reduction import CancelToken

    cancel = CancelToken()
    if not enabled:
        yield None, cancel
    elif stream is None and _in_notebook():
        with _widget(cancel) as report:
            yield report, cancel
    else:
        with text_progress(stream) as report:
            yield report, cancel


@contextmanager
def _widget(cancel: CancelToken) -> Iterator[Report]:
    from IPython.display import display

    from panosc_analysis.widgets.progress import ReductionProgress

    widget = ReductionProgress(cancel)
    show: Any = display  # which has no types
    show(widget)
    failed = True
    try:
        yield widget
        failed = False
    finally:
        widget.finish(failed=failed)


def _in_notebook() -> bool:
    """Whether this process is a Jupyter kernel, which is the only one that has displays to show a widget on."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None
