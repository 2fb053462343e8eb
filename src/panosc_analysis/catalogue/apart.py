"""Reading strangers' files in processes of their own.

A damaged or hostile file can end the process that reads it, keep it busy for ever or fill its memory. Then that process
is given up, the file is listed with the reason, and the others are read.
"""

from __future__ import annotations

import os
import resource
from concurrent.futures import CancelledError, TimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pebble import ProcessExpired, ProcessPool

from panosc_analysis.catalogue.children import context
from panosc_analysis.errors import PanoscError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

__all__ = ["PATIENCE", "Said", "reading"]

PATIENCE = 60.0  # seconds for one file
_MEMORY = 8 << 30  # bytes of addresses that a process may have
_AT_ONCE = 16  # files given to a process together
_PRELOADED = "panosc_analysis.catalogue.harvest"
_WAITING = 256  # of these lots are waiting or being read


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says, or why it could not be read.

    Parameters
    ----------
    path
        Relative to the root.
    harvest
        As `panosc_analysis.catalogue.packing.pack` writes it; ``None`` if there is none.
    described, holds_data, identifier, links
        As in `Harvest`; links as texts.
    error, reason
        The kind of failure and what to tell people.
    """

    path: str
    harvest: str | None = None
    described: bool = False
    holds_data: bool = False
    identifier: str | None = None
    links: tuple[str, ...] = ()
    error: str | None = None
    reason: str | None = None


class _Reading:
    """Files that are being read by other processes.

    Parameters
    ----------
    pool
        The processes.
    root
        Paths are relative to this directory.
    paths
        What to read; the first files are given to the processes at once.
    patience
        Seconds for one file.
    """

    def __init__(self, pool: ProcessPool, root: Path, paths: Sequence[str], patience: float) -> None:
        self._pool, self._root, self._patience = pool, root, patience
        self._lots = iter([tuple(paths[start : start + _AT_ONCE]) for start in range(0, len(paths), _AT_ONCE)])
        self._running: list[tuple[tuple[str, ...], Future[list[Said]]]] = []
        self._give()

    def __iter__(self) -> Iterator[Said]:
        """Give what the files say, in their order."""
        while self._running:
            paths, future = self._running.pop(0)
            self._give()
            try:
                yield from future.result()
            except (ProcessExpired, TimeoutError, CancelledError, MemoryError):
                # One of them is to blame: each by itself.
                for path in paths:
                    yield self._alone(path)

    def _give(self) -> None:
        while len(self._running) < _WAITING and (paths := next(self._lots, None)) is not None:
            self._running.append((paths, self._future(paths)))

    def _future(self, paths: tuple[str, ...]) -> Future[list[Said]]:
        future: Future[list[Said]] = self._pool.schedule(_read, args=(str(self._root), paths), timeout=self._patience)
        return future

    def _alone(self, path: str) -> Said:
        try:
            return self._future((path,)).result()[0]
        except TimeoutError:
            reason = f"reading it takes longer than {self._patience:g} seconds"
        except MemoryError:
            reason = "reading it takes more memory than there is"
        except (ProcessExpired, CancelledError) as error:
            code = getattr(error, "exitcode", None)
            how = f" (signal {-code})" if isinstance(code, int) and code < 0 else ""
            reason = f"reading it ended the reading process{how}: it is damaged, or made to do harm"
        return Said(path, error="ReaderLost", reason=f"{reason}. Look at it with care")


@contextmanager
def reading(root: Path, paths: Sequence[str], patience: float = PATIENCE) -> Iterator[Iterable[Said]]:
    """Start processes that read files; they are ended with this context.

    Costs half a second once and about four milliseconds for each file and processor. One process for each processor
    that this one may use.
    """
    if not paths:
        yield ()
        return
    workers = min(len(os.sched_getaffinity(0)), -(-len(paths) // _AT_ONCE))
    with ProcessPool(max_workers=workers, initializer=_limit, context=context(_PRELOADED)) as pool:
        try:
            yield _Reading(pool, root, paths, patience)
        finally:
            pool.stop()  # type: ignore[no-untyped-call]


def _limit() -> None:
    """Keep a reading process within its memory, and what is left of it when it dies off the disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, most))


def _read(root: str, paths: tuple[str, ...]) -> list[Said]:
    return [_said(root, path) for path in paths]


def _said(root: str, path: str) -> Said:
    from pathlib import Path

    from panosc_analysis.catalogue.harvest import harvest_file
    from panosc_analysis.catalogue.packing import pack

    try:
        found = harvest_file(Path(root) / path)
    except PanoscError as error:
        return Said(path, error=type(error).__name__, reason=f"{error}".replace(f"{root}/", ""))
    links = tuple(map(str, found.links))
    return Said(path, pack(found), found.described, found.holds_data, found.identifier, links)
