"""Run one local hub from start to end: find ports, start, wait until it answers, and leave nothing behind."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil

from hub_config.errors import HubConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["free_ports", "next_free_port", "running_hub"]

DEPLOYMENTS = Path(__file__).parent / "deployments"
# Ending all sessions, kernels and the proxy takes the hub about four seconds; twice that, then it is ended by force.
STOP_TIMEOUT = 15.0


def next_free_port(host: str, wanted: int, tries: int = 100) -> int:
    """First port from `wanted` on that nobody listens on.

    Raises
    ------
    HubConfigError
        None of `tries` ports is free.
    """
    for port in range(wanted, wanted + tries):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise HubConfigError(f"No free port from {wanted} to {wanted + tries - 1} on {host}. Name another with --port.")


def free_ports(count: int) -> tuple[int, ...]:
    """Ports on loopback that were free a moment ago, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return tuple(int(one.getsockname()[1]) for one in sockets)


@contextmanager
def running_hub(
    environment: Mapping[str, str],
    log: Path,
    address: tuple[str, int],
    timeout: float,
    deployment: Literal["local", "docker"] = "local",
) -> Iterator[int]:
    """Run the hub for the length of a ``with`` block; yields its process id once its login page answers.

    Its output goes to `log`. At the end, however the block ends, the hub and every process it started are gone;
    sessions in containers are not its processes and go on.

    Raises
    ------
    HubConfigError
        It died or did not answer within `timeout` seconds; the message holds the end of its log.
    """
    command = [sys.executable, "-m", "jupyterhub", "-f", str(DEPLOYMENTS / f"{deployment}.py")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=dict(os.environ) | dict(environment),
            cwd=log.parent,
            # A Ctrl-C in the terminal must reach only the launcher, which then ends the hub in order.
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(process, log, address, timeout)
        yield process.pid
    finally:
        _stop(process)


def _wait_until_it_answers(
    process: subprocess.Popen[bytes], log: Path, address: tuple[str, int], timeout: float
) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise HubConfigError(f"The hub did not start:\n{_last_lines(log)}\nThe whole log is in {log}.")
        if _answers(address):
            return
        time.sleep(0.1)
    raise HubConfigError(f"The hub did not answer within {timeout:.0f} s:\n{_last_lines(log)}\nThe log is in {log}.")


def _answers(address: tuple[str, int]) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=2)
    try:
        connection.request("GET", "/hub/login")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _last_lines(log: Path, count: int = 12) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-count:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the hub in order, then whatever of its family is still there."""
    family = _family(process.pid)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            family += [p for p in _family(process.pid) if p not in family]
            process.kill()
            process.wait()
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for child in family:
            _signal(child, sign)
        _, family = psutil.wait_procs(family, timeout=3)


def _family(pid: int) -> list[psutil.Process]:
    """Return every descendant of `pid` as it is now; psutil tells a process from a later one with the same number."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, sign: signal.Signals) -> None:
    try:
        process.send_signal(sign)
    except psutil.NoSuchProcess:
        return
