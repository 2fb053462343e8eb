"""How the frames of a stack are divided into tasks."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from panosc_analysis.nexus import ChunkTable
    from panosc_analysis.reduction.stack import Stack

__all__ = ["divide", "number_of_tasks"]

# A task should take 0.3 to 1 s: long against Dask's millisecond, short enough to share the work evenly.
_TASK_BYTES = 256_000_000
_SMALLEST_BYTES = 32_000_000  # below this, starting sums for one more task costs more than it saves
_TASKS_PER_WORKER = 4  # partial results are as large as the sums of a frame, so their number is limited


def number_of_tasks(stack: Stack, workers: int) -> int:
    """Choose how many tasks to make for a number of threads or workers."""
    total = stack.frames * stack.frame_bytes
    shared = min(workers, total // _SMALLEST_BYTES)
    return max(1, shared, min(_TASKS_PER_WORKER * workers, total // _TASK_BYTES))


def divide(table: ChunkTable | None, span: tuple[int, int], tasks: int) -> list[tuple[int, int]]:
    """Divide frames into at most `tasks` ranges (first, end) of about the same length, cut between chunks."""
    ends = np.linspace(*span, min(tasks, span[1] - span[0]) + 1).astype(np.int64)
    if table is not None and len(table) < table.shape[0]:
        borders = np.append(table.first_frame, table.shape[0])
        ends[1:-1] = borders[np.searchsorted(borders, ends[1:-1])]
    ends = np.unique(np.minimum(ends, span[1]))
    return [(int(first), int(end)) for first, end in pairwise(ends)]
