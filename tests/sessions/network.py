"""Where a session can go, on each backend: addresses that it must not reach, and those that it must."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub_config.policy import Docker
from hub_config.running import connected
from hub_config.spawning.network import _wanted
from tests.sessions.cluster import image
from tests.sessions.conftest import Running

__all__ = ["Place", "forbidden", "listening_everywhere", "needed", "of_ipv6"]

Place = tuple[str, int]
# Listens on every address of this machine, as databases and exporters often do; a process, so that no test has to.
LISTEN = """
import socket
server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
print(server.getsockname()[1], flush=True)
while True:
    server.accept()[0].close()
"""
NEIGHBOUR = "import socketserver as s; s.ThreadingTCPServer(('', {port}), s.BaseRequestHandler).serve_forever()"
METADATA, ELSEWHERE = ("169.254.169.254", 80), ("192.0.2.1", 80)


@contextmanager
def listening_everywhere() -> Iterator[int]:
    """A server of the host on every address; yields its port."""
    with subprocess.Popen([sys.executable, "-c", LISTEN], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def forbidden(running: Running, port: int) -> dict[str, Place]:
    """Places that alice's session must not reach; on `port` the host listens."""
    return _forbidden_to_pods(running, port) if running.platform.namespace else _forbidden_to_containers(running, port)


def needed(running: Running) -> dict[str, Place]:
    """Places that it must reach."""
    settings = running.platform.settings
    if running.platform.namespace is None:
        return {"the hub": (settings.internal, settings.hub_port)}
    return {
        "the hub by its name": ("hub", 8081),
        "the hub": (settings.internal, 8081),
        "the catalogue": ("catalogue", 8010),
    }


def _forbidden_to_containers(running: Running, port: int) -> dict[str, Place]:
    settings, docker = running.platform.settings, running.platform.policy.docker
    client = connected()
    try:
        found = client.inspect_container(f"{docker.prefix}-bob")["NetworkSettings"]["Networks"][docker.network]
    finally:
        client.close()
    bob = str(found["IPAddress"])
    return {
        "bob's Lab": (bob, 8888),
        "bob's Dask": (bob, 8787),
        "the proxy's interface": (settings.internal, settings.proxy_port),
        "the hub's front door": (settings.internal, settings.port),
        "a port of the host": (settings.internal, port),
        "a port of the host by another address": ("172.17.0.1", port),
        "the metadata address": METADATA,
        "another machine": ELSEWHERE,
        "the Docker daemon": (settings.internal, 2375),
    }


def _forbidden_to_pods(running: Running, port: int) -> dict[str, Place]:
    where = running.platform.namespace
    assert where is not None
    with_neighbours(running)
    bob, proxy, hub = where.pod_of("bob")["status"], *(_first(running, app) for app in ("proxy", "hub"))
    database = _first(running, "database")
    api, node = _api_server(), str(bob["hostIP"])
    return {
        "bob's Lab": (bob["podIP"], 8888),
        "bob's Dask": (bob["podIP"], 8787),
        "the proxy's interface": ("proxy-api", 8001),
        "the proxy's interface by its pod": (proxy, 8001),
        "another port of the hub's pod": (hub, 22),
        "a database": (database, 5432),
        "another port of the catalogue's pod": (_first(running, "catalogue"), 5432),
        "the Kubernetes API": ("10.96.0.1", 443),
        "the Kubernetes API by its address": api,
        "the kubelet": (node, 10250),
        "a port of the node": (node, port),
        "the metadata address": METADATA,
        "another machine": ELSEWHERE,
    }


def _api_server() -> Place:
    said = subprocess.run(
        ["kubectl", "get", "endpoints", "kubernetes", "-n", "default", "-o", "json"], capture_output=True, check=True
    )
    subset = json.loads(said.stdout)["subsets"][0]
    return str(subset["addresses"][0]["ip"]), int(subset["ports"][0]["port"])


def _first(running: Running, app: str) -> str:
    assert running.platform.namespace is not None
    return str(running.platform.namespace.get("pods", "-l", f"app={app}")["items"][0]["status"]["podIP"])


def with_neighbours(running: Running) -> None:
    """Run what a facility has beside the hub: something in the catalogue's place, and a database."""
    where = running.platform.namespace
    assert where is not None
    for app, ports in (("catalogue", (8010, 5432)), ("database", (5432,))):
        containers = [
            {"name": f"on-{port}", "image": image("hub"), "imagePullPolicy": "IfNotPresent",
             "command": ["python3", "-c", NEIGHBOUR.format(port=port)],
             "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
             "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1}}
            for port in ports
        ]  # fmt: skip
        spec = {
            "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1, "containers": containers,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 990, "seccompProfile": {"type": "RuntimeDefault"}},
        }  # fmt: skip
        where.apply(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": app, "labels": {"app": app}}, "spec": spec},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": app},
             "spec": {"selector": {"app": app}, "ports": [{"name": f"on-{p}", "port": p} for p in ports]}},
            {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": app},
             "spec": {"podSelector": {"matchLabels": {"app": app}}, "policyTypes": ["Ingress"], "ingress": [{}]}},
        )  # fmt: skip
    where.kubectl("wait", "pod/catalogue", "pod/database", "--for=condition=Ready", "--timeout=60s")


def of_ipv6(running: Running) -> str:
    """The bridge's link-local address, which every interface with IPv6 has."""
    if running.platform.namespace is not None:
        return "fe80::1"
    bridge = _wanted(Docker(network=running.platform.policy.docker.network)).bridge
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        address, *_, name = line.split()
        if name == bridge:
            return ":".join(address[i : i + 4] for i in range(0, 32, 4))
    return "fe80::1"
