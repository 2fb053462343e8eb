"""The real servers that clusters are asked of: a dask-gateway with its local backend, and a SLURM of one node."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

__all__ = ["dask_gateway", "slurm", "slurm_missing"]

GATEWAY = """
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.DaskGateway.address = "127.0.0.1:{api}"
c.Proxy.address = "127.0.0.1:{web}"
c.Proxy.tcp_address = "127.0.0.1:{tcp}"
c.UnsafeLocalBackend.clusters_directory = {directory!r}
c.ClusterConfig.scheduler_cmd = [{python!r}, "-m", "dask", "scheduler"]
c.ClusterConfig.worker_cmd = [{python!r}, "-m", "dask", "worker"]
c.ClusterConfig.cluster_max_workers = 3
from dask_gateway_server.options import Float, Integer, Options, String
c.Backend.cluster_options = Options(
    Integer("worker_cores", default=1, min=1, max=2), Float("worker_memory", default=1, min=0.25, max=2),
    handler=lambda asked: {{"worker_cores": asked.worker_cores, "worker_memory": f"{{asked.worker_memory}} G"}},
)
"""
SLURM = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={state}/munge.socket
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SlurmdParameters=config_overrides
MpiDefault=none
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/node
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=6000 State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def ports(count: int) -> list[int]:
    """Return free ports of the loopback address."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@contextmanager
def process(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a server as long as the block lasts, with all that it starts."""
    with log.open("ab") as out:
        running = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, **(environment or {})}, start_new_session=True
        )
        try:
            yield running.pid
        finally:
            running.terminate()
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait(10)


def wait_until(ready: Callable[[], bool], log: Path, what: str) -> None:
    """Wait for a server, and show its log if it does not come."""
    deadline = time.monotonic() + 90
    while not ready():
        assert time.monotonic() < deadline, f"{what} did not start:\n{log.read_text()[-3000:]}"
        time.sleep(0.1)


@contextmanager
def dask_gateway(directory: Path) -> Iterator[dict[str, str]]:
    """Run dask-gateway's own server, its workers processes of this account; yields what the hub would tell sessions."""
    import httpx

    directory.mkdir(parents=True, exist_ok=True)
    api, web, tcp = ports(3)
    config, log = directory / "config.py", directory / "gateway.log"
    values = {"api": api, "web": web, "tcp": tcp, "directory": str(directory / "clusters"), "python": sys.executable}
    config.write_text(GATEWAY.format(**values))
    server = str(Path(sys.executable).with_name("dask-gateway-server"))
    url = f"http://127.0.0.1:{web}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/api/health").status_code == 200
        except httpx.HTTPError:
            return False

    with process([server, "--config", str(config)], log):
        wait_until(answers, log, "dask-gateway")
        yield {"DASK_GATEWAY__ADDRESS": url, "DASK_GATEWAY__PROXY_ADDRESS": f"gateway://127.0.0.1:{tcp}"}


def slurm_missing() -> str:
    """Why there can be no SLURM here; empty if there can."""
    missing = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name)]
    if missing:
        return f"no SLURM on this machine: {', '.join(missing)} (Debian: apt install slurm-wlm munge)"
    return "" if os.getuid() == 0 else "SLURM's own programs must be started by root"


@contextmanager
def slurm(directory: Path) -> Iterator[dict[str, str]]:
    """Run a SLURM of one node; yields the environment in which its commands work."""
    directory.mkdir(parents=True, exist_ok=True)
    controller, node = ports(2)
    for name in ("controller", "node"):
        (directory / name).mkdir()
    config, log = directory / "slurm.conf", directory / "slurm.log"
    config.write_text(SLURM.format(host=socket.gethostname(), controller=controller, node=node, state=directory))
    key = directory / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    # The directories above belong to the one who runs the tests, which munged does not like of a socket's place.
    munge = [
        "munged", "--foreground", "--force", "--key-file", str(key), "--socket", str(directory / "munge.socket"),
        "--pid-file", str(directory / "munged.pid"), "--seed-file", str(directory / "munge.seed"),
        "--log-file", str(directory / "munged.log"),
    ]  # fmt: skip
    environment = {"SLURM_CONF": str(config)}

    def idle() -> bool:
        told = subprocess.run(
            ["sinfo", "-h", "-o", "%T"], env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        return told.stdout.strip() == "idle"

    with ExitStack() as running:
        running.enter_context(process(munge, log))
        wait_until((directory / "munge.socket").exists, log, "munged")
        running.enter_context(process(["slurmctld", "-D", "-i"], log, environment))
        running.enter_context(process(["slurmd", "-D"], log, environment))
        wait_until(idle, log, "SLURM")
        yield environment
