"""Progress on a terminal: one line on standard error, rewritten. Needs no notebook and imports nothing of one."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from panosc_analysis.widgets.quantities import THIN, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from panosc_analysis.reduction import Progress

__all__ = ["Counting", "bar", "counting_progress", "duration", "progress_line", "speed", "text_progress"]

_BAR = 24
_EVERY = 0.1  # seconds between two writings; the last state is always written


class Counting(Protocol):
    """A function that is told how many are done."""

    def __call__(self, done: int, total: int | None, what: str = "", /) -> None:  # noqa: D102  the class says it
        ...


class _Write(Protocol):
    def __call__(self, text: str, *, is_last: bool) -> None: ...


@contextmanager
def text_progress(stream: TextIO | None = None) -> Iterator[Callable[[Progress], None]]:
    """Show the progress of a reduction on one line of `stream`, standard error without it.

    On something that is no terminal (a log file) only the last state is written.

    Examples
    --------
    >>> with text_progress() as report:
    ...     reduce(handle, steps, progress=report)
    """
    with _line(stream) as write:
        yield lambda progress: write(progress_line(progress), is_last=progress.done >= progress.total)


@contextmanager
def counting_progress(stream: TextIO | None = None) -> Iterator[Counting]:
    """Show ``done`` of ``total`` on one line of `stream`; with ``total=None`` only how many."""
    started = time.monotonic()
    with _line(stream) as write:

        def report(done: int, total: int | None, what: str = "", /) -> None:
            if total:
                spent = time.monotonic() - started
                left = f" · {duration(spent / done * (total - done))} left" if 0 < done < total and spent > 1 else ""
                # The count of a million things (bytes) says nothing to a person.
                count = f"{number(done)}/{number(total)} " if total < 1_000_000 else ""
                write(f"{bar(done / total)} {count}{what}{left}".rstrip(), is_last=done >= total)
            else:
                write(f"{number(done)} {what}".rstrip(), is_last=False)

        yield report


def progress_line(progress: Progress) -> str:
    """Write what, how far, how fast and how long yet."""
    parts = [f"{number(progress.done)}/{number(progress.total)} {progress.unit}".rstrip()]
    if progress.rate:
        parts.append(speed(progress))
    if progress.remaining is not None and progress.done < progress.total:
        parts.append(f"{duration(progress.remaining)} left")
    if progress.waiting:
        parts.append(progress.waiting)
    return f"{bar(progress.done / progress.total if progress.total else 0.0)} {' · '.join(parts)}"


def speed(progress: Progress) -> str:
    """Write how fast it goes, with three digits."""
    return f"{number(float(f'{progress.rate:.3g}'))}{THIN}{progress.unit}/s"


def bar(fraction: float) -> str:
    """Draw a bar of fixed width with the percentage."""
    full = round(min(1.0, max(0.0, fraction)) * _BAR)
    return f"{'█' * full}{'░' * (_BAR - full)} {min(1.0, max(0.0, fraction)):4.0%}"


def duration(seconds: float) -> str:
    """Write a time to wait: ``8 s``, ``2 min 05 s``, ``1 h 20 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


@contextmanager
def _line(stream: TextIO | None) -> Iterator[_Write]:
    """Give a function that rewrites one line, at most ten times a second; the line is ended when the work has."""
    out = sys.stderr if stream is None else stream
    rewrites = out.isatty()
    last, shown, written = "", "", -_EVERY

    def write(text: str, *, is_last: bool) -> None:
        nonlocal last, shown, written
        last = text
        if rewrites and (is_last or time.monotonic() - written >= _EVERY):
            out.write(f"\r\x1b[K{text}")
            out.flush()
            shown, written = text, time.monotonic()

    try:
        yield write
    finally:
        if last:
            out.write(("" if shown == last else f"\r\x1b[K{last}") + "\n" if rewrites else f"{last}\n")
            out.flush()
