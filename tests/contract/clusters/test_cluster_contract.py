"""What every kind of cluster promises, asked of real schedulers and workers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from panosc_analysis.errors import ReductionError
from panosc_analysis.nexus import ArrayHandle
from panosc_analysis.reduction import Progress, ReductionResult, reduce
from panosc_analysis.reduction.clusters import Kind, kind_that_is_there, start_cluster
from tests.contract.clusters.conftest import Start


def bits(result: ReductionResult) -> dict[str, bytes]:
    return {name: result[name].values.tobytes() for name in result}


@pytest.fixture(scope="module")
def expected(stack: Path) -> dict[str, bytes]:
    """The result of threads of this process, without any cluster."""
    return bits(reduce(ArrayHandle(stack, "data"), ["statistics"], threads=2, tasks=3))


def test_it_is_what_there_is_here(kind: Kind, environment: dict[str, str]) -> None:
    if environment:
        assert kind_that_is_there() == kind
    assert kind_that_is_there({"PATH": "", **environment}) in (kind, "local")


def test_reductions_use_it_and_give_the_same_bits(start: Start, stack: Path, expected: dict[str, bytes]) -> None:
    cluster = start(workers=2)
    cluster.wait(2)
    seen: list[Progress] = []
    result = reduce(ArrayHandle(stack, "data"), ["statistics"], tasks=8, progress=seen.append)
    assert bits(result) == expected
    assert (seen[-1].done, seen[-1].total) == (640, 640)
    held = cluster.client.map(str, range(8))
    wait_for(lambda: all(one.done() for one in held))
    state = cluster.state()
    assert (state.done, state.total) == (8, 8)
    assert len(state.workers) == state.threads == 2
    assert all(worker.memory_limit for worker in state.workers)


def test_workers_come_and_go(start: Start) -> None:
    cluster = start(workers=1)
    cluster.wait(1)
    cluster.scale(2)
    cluster.wait(2)
    cluster.scale(1)
    wait_for(lambda: len(cluster.state().workers) == 1)
    cluster.adapt(minimum=2, maximum=2)
    assert cluster.adapting == (2, 2)
    cluster.wait(2)
    cluster.scale(1)
    assert cluster.adapting is None
    wait_for(lambda: len(cluster.state().workers) == 1)


def test_a_killed_worker_costs_time_and_nothing_else(
    kind: Kind, start: Start, stack: Path, expected: dict[str, bytes]
) -> None:
    if kind == "threads":
        pytest.skip("a thread of this process cannot be killed without the process")
    cluster = start(workers=2)
    cluster.wait(2)
    victim = min(cluster.client.run(os.getpid).values())
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if not killed and progress.done < progress.total:
            killed.append(progress.done)
            os.kill(victim, signal.SIGKILL)

    for tasks in (40, 160, 640):  # on a fast machine few tasks are done before anybody can be killed
        result = reduce(ArrayHandle(stack, "data"), ["statistics"], tasks=tasks, buffer=1, progress=kill)
        assert bits(result) == expected
        if killed:
            break
    assert killed, "it was done before anybody could be killed"

    def gone() -> bool:
        try:
            return victim not in cluster.client.run(os.getpid).values()
        except OSError:  # the scheduler has not noticed yet
            return False

    wait_for(gone)


def test_what_cannot_be_is_refused_and_breaks_nothing(start: Start) -> None:
    cluster = start(workers=1)
    for refused in (
        lambda: cluster.scale(0),
        lambda: cluster.adapt(3, 2),
        lambda: cluster.adapt(-1),
        lambda: cluster.wait(50, timeout=0.5),
    ):
        with pytest.raises(ReductionError):
            refused()
    assert cluster.client.submit(sum, [1, 2]).result() == 3


def test_a_closed_cluster_says_so_and_leaves_nobody_behind(kind: Kind, start: Start) -> None:
    import psutil

    cluster = start(workers=1)
    pids = list(cluster.client.run(os.getpid).values())
    assert cluster.dashboard.startswith("http://127.0.0.1:")
    cluster.close()
    cluster.close()
    assert "closed" in repr(cluster)
    with pytest.raises(ReductionError, match="closed"):
        cluster.state()
    with pytest.raises(ReductionError, match="closed"):
        cluster.scale(2)
    if kind != "threads":
        wait_for(lambda: not any(psutil.pid_exists(pid) and running(pid) for pid in pids))


def test_an_option_that_a_kind_does_not_have_is_refused(kind: Kind, environment: dict[str, str]) -> None:
    with pytest.raises(ReductionError):
        start_cluster(kind, run_as_root=True)


def running(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Any, timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
