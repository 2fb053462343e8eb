"""How each kind of cluster is started: what differs between them, and their errors said plainly."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from panosc_analysis.errors import ReductionError
from panosc_analysis.reduction.clusters import dashboard_link
from panosc_analysis.reduction.engine import available_threads

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Wanted", "gateway", "local", "on_this_machine", "slurm", "threads"]

LOOPBACK = "127.0.0.1"
_ELSEWHERE = 2  # workers to begin with where they cost nothing of this machine
_GIB = 1 << 30
Started = tuple[Any, "Client", str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for; ``None`` leaves it to the kind."""

    workers: int | None
    threads: int | None
    memory: str | int | None
    options: Mapping[str, Any]

    def no_options(self, kind: str) -> None:
        """Refuse options, for a kind that has none."""
        if self.options:
            raise ReductionError(
                f"{kind} has no option {', '.join(self.options)}", hint="Use workers=, threads= and memory="
            )


def threads(wanted: Wanted) -> Started:
    """Start a scheduler and a worker in this process."""
    wanted.no_options("A cluster of threads")
    client = on_this_machine(wanted, processes=False)
    return client.cluster, client, _own_dashboard(client)


def local(wanted: Wanted) -> Started:
    """Start worker processes on this machine."""
    wanted.no_options("A cluster on this machine")
    client = on_this_machine(wanted, processes=True)
    return client.cluster, client, client.dashboard_link


def on_this_machine(wanted: Wanted, *, processes: bool) -> Client:
    """Start workers here, sized by what this session's control group leaves it; the client closes them with itself.

    Raises
    ------
    ReductionError
        They do not start.
    """
    _, distributed = _dask()
    from panosc_analysis.reduction.thread_worker import ThreadWorker

    workers = wanted.workers or 1
    try:
        return distributed.Client(
            n_workers=workers,
            threads_per_worker=wanted.threads or max(1, available_threads() // workers),
            memory_limit=wanted.memory or "auto",
            # Dask's protocol within a process asks the network which address the machine has.
            protocol="tcp://",
            host=LOOPBACK,
            # Without the host the dashboard would listen on every address of the machine.
            dashboard_address=f"{LOOPBACK}:0",
            processes=processes,
            worker_class=None if processes else ThreadWorker,
        )
    except (OSError, RuntimeError, TimeoutError) as error:
        raise ReductionError(
            f"The workers did not start ({error})", hint="Reduce in threads of this process instead"
        ) from error


def gateway(wanted: Wanted) -> Started:
    """Ask the facility's Dask Gateway for workers that are this session: its numbers, its data, its image."""
    _dask()
    try:
        from aiohttp import ClientError
        from dask_gateway import GatewayCluster
        from dask_gateway.client import GatewayClusterError, GatewayServerError
    except ImportError as error:
        raise _missing("dask-gateway") from error
    asked = dict(wanted.options)
    asked |= {"worker_cores": wanted.threads} if wanted.threads else {}
    asked |= {"worker_memory": _bytes(wanted.memory) / _GIB} if wanted.memory else {}
    deployed = GatewayCluster.__new__(GatewayCluster)  # held apart, so that one that fails can be closed too
    quiet = _Quiet(deployed)
    try:
        deployed.__init__(shutdown_on_close=True, **asked)
        deployed.scale(wanted.workers or _ELSEWHERE)
        return quiet, deployed.get_client(), gateway_dashboard(deployed.name, deployed.dashboard_link)
    except (GatewayClusterError, GatewayServerError, ClientError, OSError, ValueError, TimeoutError) as error:
        quiet.close()
        raise ReductionError(
            f"The facility's cluster gave no workers: {_said(error)}",
            hint="Ask for less, wait, or use workers on this machine: pan.cluster('local')",
        ) from error
    except BaseException:
        quiet.close()
        raise


class _Quiet:
    """A gateway's cluster that is closed once and for all.

    dask-gateway closes its connection again when it is collected, by then without an event loop, and complains.
    """

    def __init__(self, deployed: Any) -> None:
        self.scale, self.adapt, self._deployed = deployed.scale, deployed.adapt, deployed

    def close(self) -> None:
        if hasattr(self._deployed, "gateway") and not self._deployed.asynchronous:
            self._deployed.close()
            self._deployed.gateway._asynchronous = True


def gateway_dashboard(name: str, link: str | None) -> str:
    """Return the address of a gateway cluster's dashboard: inside Lab, since nobody else can reach the scheduler.

    Parameters
    ----------
    name
        ``namespace.cluster`` on Kubernetes.
    link
        What the gateway says.
    """
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    namespace, dot, cluster = name.partition(".")
    if not prefix or not dot:
        return link or ""
    return f"{prefix}proxy/dask-{cluster}.{namespace}:8787/status"


def slurm(wanted: Wanted) -> Started:
    """Submit a job for each worker; scheduler and workers know each other by certificates of their own."""
    dask, distributed = _dask()
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise _missing("dask-jobqueue") from error
    _check_slurm_options(wanted.options)
    own = Path.home() / ".cache" / "panosc-analysis" / "slurm"
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    usual = {
        "python": sys.executable,
        "processes": 1,
        "local-directory": tempfile.gettempdir(),
        "log-directory": str(own),
    }
    site, given = dask.config.get("jobqueue.slurm"), dict(wanted.options)
    chosen = {name.replace("-", "_"): value for name, value in usual.items() if site.get(name) is None}
    sized = _slurm_sizes(site, wanted)
    # Where the jobs find them; nobody else can read what mkdtemp makes.
    certificates = tempfile.mkdtemp(prefix="tls-", dir=own)
    try:
        deployed = SLURMCluster(
            # Whoever is on these computers could otherwise connect to the scheduler, and run as this person.
            security=_certificates(distributed, certificates),
            protocol="tls://",
            scheduler_options={"dashboard_address": f"{LOOPBACK}:0", **given.pop("scheduler_options", {})},
            n_workers=wanted.workers or _ELSEWHERE,
            **{**chosen, **sized, **given},
        )
    except (OSError, RuntimeError, ValueError, TypeError, TimeoutError) as error:
        shutil.rmtree(certificates, ignore_errors=True)
        raise ReductionError(
            f"SLURM took no jobs ({_said(error)})",
            hint="Check `sinfo`, and queue= and account=; or use workers on this machine: pan.cluster('local')",
        ) from error
    finalize(deployed, shutil.rmtree, certificates, ignore_errors=True)
    client = distributed.Client(deployed)
    return deployed, client, _own_dashboard(client)


def _certificates(distributed: Any, directory: str) -> Any:
    """Make a certificate that scheduler and workers of one cluster share, in files of `directory`."""
    made = distributed.Security.temporary().get_tls_config_for_role("scheduler")
    files = {}
    for what in ("ca_file", "cert", "key"):
        files[what] = str(Path(directory) / f"{what}.pem")
        Path(files[what]).write_text(made[what], encoding="ascii")
    roles = {
        f"tls_{role}_{what}": files[what] for role in ("client", "scheduler", "worker") for what in ("cert", "key")
    }
    return distributed.Security(tls_ca_file=files["ca_file"], require_encryption=True, **roles)


def _check_slurm_options(options: Mapping[str, Any]) -> None:
    """Refuse what no job has, before there is a scheduler that would have to be ended again."""
    from dask_jobqueue.core import Job, JobQueueCluster
    from dask_jobqueue.slurm import SLURMJob

    known = {name for made in (JobQueueCluster, Job, SLURMJob) for name in signature(made.__init__).parameters}
    if unknown := options.keys() - known:
        raise ReductionError(
            f"SLURM's jobs have no option {', '.join(sorted(unknown))}",
            hint="Common ones are queue=, account=, walltime=",
        )


def _own_dashboard(client: Client) -> str:
    """Return the address of a dashboard that listens on loopback, which Dask does not know of its scheduler."""
    from distributed.utils import format_dashboard_link

    return str(format_dashboard_link(LOOPBACK, client.scheduler_info(n_workers=0)["services"]["dashboard"]))


def _slurm_sizes(site: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Return cores and memory of a job: as asked, as the site configured it, else a quarter of a node or four cores."""
    cores = wanted.threads or site.get("cores")
    memory = wanted.memory or site.get("memory")
    if cores and memory:
        return {"cores": cores, "memory": str(memory)}
    node_cores, node_memory = _smallest_node()
    cores = cores or max(1, min(node_cores, max(4, node_cores // 4)))
    return {"cores": cores, "memory": str(memory or f"{max(256, node_memory * cores // node_cores * 9 // 10)} MiB")}


def _smallest_node() -> tuple[int, int]:
    """Ask SLURM for cores and memory (MiB) of the smallest node."""
    try:
        told = subprocess.run(["sinfo", "-h", "-o", "%c %m"], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        raise ReductionError(
            f"SLURM does not answer ({_said(error)})", hint="Try `sinfo`, or use workers here: pan.cluster('local')"
        ) from error
    rows = re.findall(r"^(\d+)\+? (\d+)\+?$", told.stdout, re.MULTILINE)
    if not rows:
        raise ReductionError("SLURM has no nodes", hint="Use workers on this machine: pan.cluster('local')")
    return min((int(cores), int(memory)) for cores, memory in rows)


def _dask() -> tuple[Any, Any]:
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ReductionError(
            "Workers need the package distributed, which is not installed",
            hint="Install panosc-analysis with the extra 'reduction', or reduce in threads",
        ) from error
    dask.config.set({"distributed.dashboard.link": dashboard_link(dask.config.get("distributed.dashboard.link"))})
    return dask, distributed


def _missing(package: str) -> ReductionError:
    return ReductionError(
        f"This kind of cluster needs the package {package}, which is not installed",
        hint="Install panosc-analysis with the extra 'clusters', or use workers on this machine: pan.cluster('local')",
    )


def _bytes(amount: str | int) -> int:
    from dask.utils import parse_bytes

    try:
        return int(parse_bytes(amount))
    except ValueError as error:
        raise ReductionError(f"{amount!r} is no amount of memory", hint='Write it as in "8GB"') from error


def _said(error: BaseException) -> str:
    if isinstance(error, subprocess.CalledProcessError) and error.stderr:
        return str(error.stderr).strip()
    return str(error).strip() or type(error).__name__
