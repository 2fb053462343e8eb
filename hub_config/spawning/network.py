"""The network of one host's sessions: they reach the hub and the catalogue, and nothing and nobody else.

Docker keeps an internal network away from other networks and, without communication between containers, sessions away
from each other. What it leaves open are the ports of the host itself, which the bridge's address reaches; a chain of
the host's packet filter closes them.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker

from hub_config.errors import HubConfigError
from hub_config.spawning.containers import LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub_config.policy import Docker

__all__ = ["SessionNetwork", "close_the_host", "filter_rules", "make_network", "remove_network"]

BRIDGED_TRAFFIC = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


@dataclass(frozen=True, slots=True)
class SessionNetwork:
    """A Docker network: its name, the bridge's interface on the host, and its address there."""

    name: str
    bridge: str
    gateway: str


def make_network(client: docker.APIClient, settings: Docker) -> SessionNetwork:
    """Make the network, or check that the one of that name is what it must be.

    Raises
    ------
    HubConfigError
        It cannot be made, or one of that name lets sessions reach more than it should.
    """
    network = _wanted(settings)
    try:
        found = client.inspect_network(network.name)
    except docker.errors.NotFound:
        pool = docker.types.IPAMPool(subnet=settings.subnet, gateway=network.gateway)
        try:
            client.create_network(
                network.name,
                driver="bridge",
                internal=True,
                ipam=docker.types.IPAMConfig(pool_configs=[pool]),
                options=_options(network),
                labels={f"{LABEL}.network": network.name},
            )
        except docker.errors.APIError as error:
            message = (
                f"Docker cannot make the sessions' network {network.name} ({settings.subnet}): {error.explanation}."
            )
            raise HubConfigError(f"{message} Choose another `docker.subnet` in the policy.") from error
        return network
    _check(found, network, settings)
    return network


def remove_network(client: docker.APIClient, settings: Docker, image: str) -> None:
    """Remove the network and the host's rules about it; what is not there is no error.

    Raises
    ------
    HubConfigError
        The rules could not be removed.
    """
    with contextlib.suppress(docker.errors.NotFound):
        client.remove_network(settings.network)
    _run(client, image, _opening(_wanted(settings)))


def _wanted(settings: Docker) -> SessionNetwork:
    # An interface's name has at most 15 characters.
    bridge = "pan-" + hashlib.sha256(settings.network.encode()).hexdigest()[:10]
    try:
        gateway = str(next(ipaddress.ip_network(settings.subnet).hosts()))
    except ValueError as error:
        raise HubConfigError(f"`docker.subnet` in the policy is no network: {error}.") from error
    return SessionNetwork(settings.network, bridge, gateway)


def _options(network: SessionNetwork) -> dict[str, str]:
    return {
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.name": network.bridge,
    }


def _check(found: dict[str, Any], network: SessionNetwork, settings: Docker) -> None:
    options = found.get("Options") or {}
    pools = [(pool.get("Subnet"), pool.get("Gateway")) for pool in found["IPAM"]["Config"] or ()]
    right = (
        found["Internal"]
        and found["Driver"] == "bridge"
        and not found.get("EnableIPv6")
        and all(options.get(key) == value for key, value in _options(network).items())
        and pools == [(settings.subnet, network.gateway)]
    )
    if not right:
        message = f"There is a Docker network {network.name} that was not made for sessions as this policy wants them."
        raise HubConfigError(f"{message} Remove it (docker network rm {network.name}) or name another in the policy.")


def filter_rules(network: SessionNetwork, ports: Sequence[int]) -> tuple[str, str]:
    """Rules for ``iptables-restore --noflush`` and ``ip6tables-restore --noflush``: made anew, all at once."""
    chain = f"PANOSC-{network.bridge}"
    answers = f"-A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    doors = [f"-A {chain} -d {network.gateway}/32 -p tcp --dport {port} -j ACCEPT" for port in ports]
    version4 = ["*filter", f":{chain} - [0:0]", answers, *doors, f"-A {chain} -j REJECT", "COMMIT", ""]
    version6 = ["*filter", f":{chain} - [0:0]", f"-A {chain} -j REJECT", "COMMIT", ""]
    return "\n".join(version4), "\n".join(version6)


def close_the_host(client: docker.APIClient, network: SessionNetwork, ports: Sequence[int], image: str) -> None:
    """Let sessions reach `ports` of the host, and none of its others.

    As root on the host it uses the host's own tools; otherwise a container of `image` in the host's network, which
    whoever may start sessions may start too.

    Raises
    ------
    HubConfigError
        The rules could not be set: sessions would reach the host.
    """
    if BRIDGED_TRAFFIC.exists() and BRIDGED_TRAFFIC.read_text().strip() != "1":
        raise HubConfigError(
            "Sessions would reach each other: net.bridge.bridge-nf-call-iptables is off. "
            "Set it to 1 (sysctl -w net.bridge.bridge-nf-call-iptables=1) and start again."
        )
    _run(client, image, _closing(network, ports))


def _closing(network: SessionNetwork, ports: Sequence[int]) -> str:
    lines = ["set -e"]
    for tool, rules in zip(("iptables", "ip6tables"), filter_rules(network, ports), strict=True):
        chain = f"PANOSC-{network.bridge}"
        jump = f"INPUT -i {network.bridge} -j {chain}"
        lines += [
            f"{tool}-restore --wait=10 --noflush <<'END'\n{rules}END",
            f"{tool} --wait 10 -C {jump} 2>/dev/null || {tool} --wait 10 -I {jump.replace('INPUT', 'INPUT 1', 1)}",
        ]
    return "\n".join(lines) + "\n"


def _opening(network: SessionNetwork) -> str:
    lines = []
    for tool in ("iptables", "ip6tables"):
        chain = f"PANOSC-{network.bridge}"
        lines += [
            f"if {tool} --wait 10 -n -L {chain} >/dev/null 2>&1; then set -e",
            f"{tool} --wait 10 -D INPUT -i {network.bridge} -j {chain}",
            f"{tool} --wait 10 -F {chain}",
            f"{tool} --wait 10 -X {chain}; fi",
        ]
    return "\n".join(lines) + "\n"


def _run(client: docker.APIClient, image: str, script: str) -> None:
    own = os.geteuid() == 0 and all(map(shutil.which, ("iptables-restore", "ip6tables-restore")))
    status, said = _run_here(script) if own else _run_in_container(client, image, script)
    if status != 0:
        raise HubConfigError(f"The host's packet filter cannot be set, so sessions would reach the host: {said}")


def _run_here(script: str) -> tuple[int, str]:
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, (done.stderr or done.stdout).strip()


def _run_in_container(client: docker.APIClient, image: str, script: str) -> tuple[int, str]:
    host = client.create_host_config(
        network_mode="host", cap_drop=["ALL"], cap_add=["NET_ADMIN"], read_only=True, tmpfs={"/run": "size=1m"}
    )
    try:
        made = client.create_container(
            image, entrypoint=["/bin/sh", "-c", script], command=[], user="0:0", host_config=host
        )
    except docker.errors.ImageNotFound:
        return 1, f"this account is not root, and the image {image} is not here; make it with `images/build hub`"
    try:
        client.start(made)
        status = int(client.wait(made, timeout=60)["StatusCode"])
        return status, client.logs(made).decode("utf-8", "replace").strip()
    finally:
        client.remove_container(made, force=True)
