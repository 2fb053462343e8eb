"""Where reductions run: threads of this process, workers on this machine, the facility's Dask Gateway, or SLURM.

One contract over all of them: `Cluster`. Which of them there is, its environment says; `start_cluster` without
arguments takes the largest.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, get_args

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.cluster_state import ClusterState, state_of
from panosc_analysis.reduction.engine import available_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from distributed import Client

__all__ = [
    "Cluster",
    "Kind",
    "dashboard_link",
    "kind_that_is_there",
    "local_cluster",
    "start_cluster",
]

Kind = Literal["threads", "local", "gateway", "slurm"]

TITLES: dict[Kind, str] = {
    "threads": "Threads in this process",
    "local": "Workers on this machine",
    "gateway": "Workers on the facility's cluster",
    "slurm": "SLURM jobs",
}
_LINK = "DASK_DISTRIBUTED__DASHBOARD__LINK"
_GATEWAY = "DASK_GATEWAY__ADDRESS"
_LOOK = 0.2  # seconds between looks at whether workers have come


class Cluster:
    """Workers that reductions use as long as it is open. A context manager; `start_cluster` makes it.

    Parameters
    ----------
    kind
        What it is.
    deployed
        Dask's cluster: anything with ``scale``, ``adapt`` and ``close``.
    client
        Connected to it; it is the current one.
    dashboard
        Address of its dashboard as the person's browser reaches it.
    """

    face: Callable[[Cluster], Any] | None = None
    """What shows a cluster in a notebook; set by the room that knows widgets."""

    def __init__(self, kind: Kind, deployed: Any, client: Client, dashboard: str) -> None:
        self.kind, self.client, self.dashboard = kind, client, dashboard
        self._deployed = deployed
        self._adapting: tuple[int, int | None] | None = None

    @property
    def title(self) -> str:
        """What it is, for people."""
        return TITLES[self.kind]

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed and its scheduler answers."""
        return self.client.status in ("running", "connecting")

    @property
    def adapting(self) -> tuple[int, int | None] | None:
        """Bounds (least, most) between which the number of workers follows the work; ``None`` where it stays."""
        return self._adapting

    def state(self) -> ClusterState:
        """Look at the workers and tasks now; one question to the scheduler.

        Raises
        ------
        ReductionError
            It has been closed, or its scheduler does not answer.
        """
        self._must_be_open()
        try:
            return state_of(self.client)
        except (OSError, TimeoutError) as error:
            raise _gone() from error

    def scale(self, workers: int) -> None:
        """Ask for so many workers; those that are there work while others start. Ends `adapt`.

        Raises
        ------
        ReductionError
            Less than one, or more than the facility gives.
        """
        self._must_be_open()
        if workers < 1:
            raise ReductionError(f"{workers} workers cannot work", hint="Ask for at least one, or close the cluster")
        self._stop_adapting()
        self._ask("scale", workers)

    def adapt(self, minimum: int = 1, maximum: int | None = None) -> None:
        """Let the number of workers follow the work.

        Parameters
        ----------
        minimum, maximum
            Bounds; `maximum` is as many as the facility gives without, on this machine as many as it has cores.

        Raises
        ------
        ReductionError
            Bounds that cannot be.
        """
        self._must_be_open()
        if minimum < 0 or (maximum is not None and maximum < max(1, minimum)):
            raise ReductionError(
                f"The number of workers cannot be between {minimum} and {maximum}", hint="Use 0 ≤ minimum ≤ maximum"
            )
        if maximum is None and self.kind in ("threads", "local"):
            maximum = max(minimum, available_threads())
        self._ask("adapt", minimum=minimum, maximum=maximum)
        self._adapting = (minimum, maximum)

    def wait(self, workers: int = 1, timeout: float = 120) -> None:
        """Wait until so many workers are there.

        Raises
        ------
        ReductionError
            They did not come in `timeout` seconds; those that did go on.
        """
        deadline = time.monotonic() + timeout
        while (there := len(self.state().workers)) < workers:
            if time.monotonic() > deadline:
                raise ReductionError(
                    f"{there} of {workers} workers started within {timeout:g} s",
                    hint="The computers may be busy: go on with fewer workers or wait longer with `cluster.wait()`",
                )
            time.sleep(_LOOK)

    def close(self) -> None:
        """End workers and scheduler; what was not fetched is lost. Closing again does nothing."""
        with suppress(OSError, TimeoutError):
            self.client.close()
        self._deployed.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if not self.is_open:
            return f"<Cluster {self.title}: closed>"
        state = self.state()
        return f"<Cluster {self.title}: {len(state.workers)} workers, {state.threads} threads, {self.dashboard}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        if self.face is None:
            return {"text/plain": repr(self)}
        return type(self).face(self)._repr_mimebundle_(include=include, exclude=exclude)  # type: ignore[misc]

    def _must_be_open(self) -> None:
        if not self.is_open:
            raise _gone()

    def _stop_adapting(self) -> None:
        if self._adapting is None:
            return
        self._adapting = None
        # dask-gateway's own scheduler stops by itself when it is told to scale.
        adaptive = getattr(self._deployed, "_adaptive", None)
        if adaptive is not None:
            adaptive.stop()

    def _ask(self, what: str, *arguments: Any, **named: Any) -> None:
        try:
            getattr(self._deployed, what)(*arguments, **named)
        except Exception as error:
            raise ReductionError(
                f"The workers could not be changed ({error})", hint="Those that are there go on; try again later"
            ) from error


def _gone() -> ReductionError:
    return ReductionError("The cluster is closed or does not answer", hint="Start another one with `pan.cluster()`")


def kind_that_is_there(environment: Mapping[str, str] | None = None) -> Kind:
    """Find the largest thing to compute on that there is here.

    The hub says where its Dask Gateway is (``DASK_GATEWAY__ADDRESS``). SLURM is used from a machine that can submit
    and is not a job itself. Else workers on this machine, or threads where it has one core for this session.

    Parameters
    ----------
    environment
        The process's own without.
    """
    env = os.environ if environment is None else environment
    if env.get(_GATEWAY):
        return "gateway"
    if shutil.which("sbatch", path=env.get("PATH")) and not env.get("SLURM_JOB_ID"):
        return "slurm"
    return "local" if available_threads() > 1 else "threads"


def start_cluster(
    kind: Kind | None = None,
    *,
    workers: int | None = None,
    threads: int | None = None,
    memory: str | None = None,
    **options: Any,
) -> Cluster:
    """Start workers; reductions use them until the cluster is closed.

    Returns when the first worker is there. Costs 0.3 s for threads, two seconds on this machine, five and more on the
    facility's cluster; with SLURM as long as the queue lasts.

    Parameters
    ----------
    kind
        ``"threads"``, ``"local"``, ``"gateway"`` or ``"slurm"``; what `kind_that_is_there` finds without.
    workers
        How many; one on this machine and two elsewhere without, since the threads of a worker share its work.
    threads, memory
        Of each worker, as in ``threads=4, memory="8GB"``. Without: equal parts of what this session may use; what the
        facility gives at most; a part of a node of SLURM.
    **options
        What only one kind has: for the gateway ``proposal=``, to see and count for one proposal, and
        ``idle_timeout=``; for SLURM what `dask_jobqueue.SLURMCluster` takes, as ``queue=`` and ``walltime=``.

    Raises
    ------
    ReductionError
        There is no such thing here, it refuses, or no worker came; the message says which and what to try.
    """
    from panosc_analysis.reduction import deploying

    chosen = kind or kind_that_is_there()
    if chosen not in get_args(Kind):
        raise ReductionError(f"There is no kind of cluster {kind!r}", hint=f"Use one of {', '.join(get_args(Kind))}")
    if (workers is not None and workers < 1) or (threads is not None and threads < 1):
        raise ReductionError("Workers and threads are counted from one", hint="Use positive numbers, or none")
    wanted = deploying.Wanted(workers, threads, memory, options)
    deployed, client, dashboard = getattr(deploying, chosen)(wanted)
    cluster = Cluster(chosen, deployed, client, dashboard)
    try:
        cluster.wait(1, 600 if chosen == "slurm" else 180)
    except BaseException:
        cluster.close()
        raise
    return cluster


def local_cluster(
    n_workers: int | None = None, memory: str | int | None = None, *, threads: int | None = None
) -> Client:
    """Start Dask workers on this machine and make them the current client; use it as a context manager, or close it.

    Scheduler, workers and dashboard listen on the loopback address only, on free ports. Starting takes about two
    seconds. A reduction in this process is as fast with threads; workers help with code that holds Python's lock.

    Parameters
    ----------
    n_workers
        Processes; one without, since the threads of a process share what they have decoded.
    memory
        Limit of each worker, as in ``"4GB"``; an equal part of what this session may use without.
    threads
        Threads per worker; the cores this session may use divided by the workers without.

    Raises
    ------
    ReductionError
        `distributed` is not installed, or the workers do not start.
    """
    from panosc_analysis.reduction import deploying

    if n_workers is not None and n_workers < 1:
        raise ReductionError(f"{n_workers} workers cannot be started", hint="Use a positive number")
    return deploying.on_this_machine(deploying.Wanted(n_workers, threads, memory, {}), processes=True)


def dashboard_link(configured: str) -> str:
    """Choose the pattern of the dashboard's address: as configured, else through the hub's proxy where there is one.

    Parameters
    ----------
    configured
        Dask's setting; ``DASK_DISTRIBUTED__DASHBOARD__LINK`` sets it.
    """
    if os.environ.get(_LINK) or not os.environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        return configured
    return "{JUPYTERHUB_SERVICE_PREFIX}proxy/{port}/status"
