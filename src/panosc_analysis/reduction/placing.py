"""Where a reduction runs: on the workers of the current Dask client, else in threads of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from panosc_analysis.reduction.engine import available_threads, current_client, run_in_threads, run_on_cluster
from panosc_analysis.reduction.frames import find_route
from panosc_analysis.reduction.plan import divide, number_of_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

    from panosc_analysis.reduction.engine import Stop
    from panosc_analysis.reduction.progress import Progress
    from panosc_analysis.reduction.work import Job, Part

__all__ = ["client_for", "divided", "run_job", "worker_threads"]


def client_for(threads: int | None) -> Client | None:
    """Give the current client, unless somebody named a number of threads, which are those of this process."""
    return current_client() if threads is None else None


def worker_threads(client: Client) -> int:
    """Count the threads of all workers; one where none has come yet."""
    return max(1, sum(map(int, client.nthreads().values())))


def divided(
    job: Job, spans: list[tuple[int, int]], *, tasks: int | None = None, threads: int | None = None
) -> list[tuple[int, int]]:
    """Divide what is to be done into tasks; in this process the threads share each batch, so that one will do."""
    client = client_for(threads)
    if client is None and tasks is None:
        return spans
    table = find_route(job.stack).table
    if client is None:
        return [part for span in spans for part in divide(table, span, tasks or 0)]
    number = tasks or number_of_tasks(job.stack, worker_threads(client))
    whole = sum(end - first for first, end in spans)
    return [
        part for first, end in spans for part in divide(table, (first, end), max(1, number * (end - first) // whole))
    ]


def run_job(
    job: Job,
    ranges: list[tuple[int, int]],
    *,
    threads: int | None,
    progress: Callable[[Progress], None] | None,
    cancel: Stop,
    between: Callable[[list[Part]], None] | None = None,
) -> Part:
    """Run tasks, on the workers if there are any; `between` is called in this process only."""
    client = client_for(threads)
    if client is not None:
        return run_on_cluster(client, job, ranges, progress=progress, cancel=cancel)
    workers = threads or available_threads()
    return run_in_threads(job, ranges, threads=workers, progress=progress, cancel=cancel, between=between)
