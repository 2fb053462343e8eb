"""One Docker host: prepare it for sessions, run its hub, end its sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from requests.exceptions import RequestException

from hub_config.authentication import make_password
from hub_config.errors import HubConfigError
from hub_config.launcher import free_ports, next_free_port
from hub_config.settings import Catalogue, HubSettings
from hub_config.spawning.containers import LABEL
from hub_config.spawning.network import close_the_host, make_network, remove_network
from hub_config.tables import write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub_config.policy import Policy

__all__ = ["connected", "end_sessions", "missing_images", "prepared_settings"]


def connected() -> docker.APIClient:
    """Return a client of this host's Docker daemon.

    Raises
    ------
    HubConfigError
        None answers, or this account may not ask it.
    """
    try:
        return docker.APIClient(version="auto", **docker.utils.kwargs_from_env())
    except (docker.errors.DockerException, RequestException) as error:
        raise HubConfigError(
            f"No Docker daemon answers ({error}). Start it, and let this account use it (group docker)."
        ) from error


def missing_images(client: docker.APIClient, policy: Policy) -> list[str]:
    """Images of the policy's profiles that are not on this host."""
    missing = []
    for image in sorted({profile.image for profile in policy.profiles}):
        try:
            client.inspect_image(image)
        except docker.errors.ImageNotFound:
            missing.append(image)
    return missing


def prepared_settings(client: docker.APIClient, policy: Policy, hub_image: str, *, tries: int = 1) -> HubSettings:
    """Make the state directory, the network and the packet filter; return the settings of the hub to start.

    The internal ports are chosen once and kept, since running sessions know them.

    Parameters
    ----------
    client
        Of this host's daemon.
    policy
        The facility's.
    hub_image
        Image with the packet filter's tools, for an account that is not root.
    tries
        How many ports from the policy's on may be taken instead.

    Raises
    ------
    HubConfigError
        An image is missing, or something cannot be made.
    """
    if missing := missing_images(client, policy):
        raise HubConfigError(f"Not on this host: {', '.join(missing)}. Make them with `images/build`, or pull them.")
    state = policy.hub.state
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        ports = _kept_ports(state / "ports.json", ["hub", "proxy", *policy.roots])
    except OSError as error:
        raise HubConfigError(f"The state directory {state} cannot be used: {error.strerror}.") from error
    network = make_network(client, policy.docker)
    close_the_host(client, network, [port for name, port in ports.items() if name != "proxy"], hub_image)
    demo = policy.identity is None
    return HubSettings(
        state=state,
        policy=policy.path,
        host=policy.hub.address,
        port=next_free_port(policy.hub.address, policy.hub.port, tries),
        internal=network.gateway,
        password=make_password() if demo else "",
        admin_password=make_password(admin=True) if demo else "",
        hub_port=ports["hub"],
        proxy_port=ports["proxy"],
        catalogues=tuple(_catalogue(policy, name, ports[name]) for name in policy.roots),
    )


def _catalogue(policy: Policy, root: str, port: int) -> Catalogue:
    """Describe the search API of one root, and write the table of its proposals from the policy."""
    name = "catalogue" if len(policy.roots) == 1 else f"catalogue-{root}"
    directory = policy.roots[root]
    table = policy.hub.state / f"{name}.json"
    write_table(policy, root, table)
    return Catalogue(name, policy.hub.state / f"{name}.sqlite", port, directory, table)


def _kept_ports(file: Path, names: list[str]) -> dict[str, int]:
    try:
        kept = {str(name): int(port) for name, port in json.loads(file.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        kept = {}
    missing = [name for name in names if name not in kept]
    kept |= dict(zip(missing, free_ports(len(missing)), strict=True))
    file.write_text(json.dumps(kept), encoding="utf-8")
    return {name: kept[name] for name in names}


def end_sessions(client: docker.APIClient, policy: Policy, hub_image: str) -> list[str]:
    """Stop and remove every session of this host and its network; homes stay. Returns whose they were."""
    ended = []
    for found in _sessions(client, policy):
        ended.append(str(found["Labels"].get(f"{LABEL}.person", "?")))
        client.stop(found["Id"], timeout=10)
        client.remove_container(found["Id"], force=True)
    remove_network(client, policy.docker, hub_image)
    return ended


def _sessions(client: docker.APIClient, policy: Policy) -> Iterator[dict[str, dict[str, str]]]:
    wanted = {"label": [f"{LABEL}.network={policy.docker.network}"]}
    yield from (one for one in client.containers(all=True, filters=wanted) if f"{LABEL}.person" in one["Labels"])
