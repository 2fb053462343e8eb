"""Start a whole hub with one backend for the length of a test module, on free ports and under names of its own."""

from __future__ import annotations

import os
import random
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import yaml

from hub_config.authentication import make_password
from hub_config.launcher import free_ports, running_hub
from hub_config.policy import Policy, read_policy
from hub_config.running import connected, end_sessions, prepared_settings
from hub_config.settings import HubSettings, write_settings
from panosc_analysis.cli.up import index_roots
from tests.sessions.inside import Person, log_in_with_password

__all__ = ["Kind", "Platform", "docker_missing", "platform", "write_policy"]

Kind = Literal["local", "docker"]
HUB_IMAGE = f"panosc-analysis/hub:{version('panosc-analysis')}"


def docker_missing() -> str:
    """Why there can be no containers here; empty if there can."""
    from hub_config.errors import HubConfigError

    try:
        client = connected()
    except HubConfigError as error:
        return str(error)
    try:
        client.inspect_image(f"panosc-analysis/lab:{version('panosc-analysis')}")
    except Exception as error:
        return f"the images are not built (images/build): {error}"
    finally:
        client.close()
    return ""


@dataclass
class Platform:
    """A running hub, and how to log in."""

    kind: Kind
    policy: Policy
    settings: HubSettings
    pid: int
    people: dict[str, Person] = field(default_factory=dict)
    browsers: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        """Where people reach it."""
        return self.settings.url

    def log_in(self, name: str) -> Person:
        """Log in with the demo password; the same person stays logged in."""
        if name in self.people:
            return self.people[name]
        operator = name in self.settings.operators
        password = self.settings.admin_password if operator else self.settings.password
        self.people[name] = log_in_with_password(self.url, name, password, self.browsers)
        return self.people[name]


def write_policy(directory: Path, content: Mapping[str, Any]) -> Path:
    """Write a policy that uses names and addresses of its own; returns its path."""
    name = f"pt-{secrets.token_hex(4)}"
    # A slice of a range that is for private networks, chosen anew each time so that runs do not meet.
    subnet = f"10.{random.randint(64, 250)}.{random.randint(0, 63) * 4}.0/22"
    own = {
        "docker": {"network": name, "subnet": subnet, "prefix": name},
        "hub": {"state": str(directory / "state"), "port": free_ports(1)[0]},
    }
    path = directory / "panosc.yaml"
    path.write_text(yaml.safe_dump({**own, **content}, sort_keys=False), encoding="utf-8")
    return path


@contextmanager
def platform(
    kind: Kind,
    policy_file: Path,
    people: tuple[str, ...],
    environment: Mapping[str, str] | None = None,
    *,
    with_catalogue: bool = False,
) -> Iterator[Platform]:
    """Run the hub; at the end its sessions, volumes, network and rules are gone.

    Parameters
    ----------
    kind
        Backend.
    policy_file
        Made by `write_policy`.
    people
        Who may log in.
    environment
        More of it for the hub.
    with_catalogue
        Index the policy's roots and serve them.
    """
    policy = read_policy(policy_file)
    if kind == "local":
        settings = _local_settings(policy)
    else:
        client = connected()
        settings = prepared_settings(client, policy, HUB_IMAGE)
    settings = replace(settings, people=(*people, "oskar"), catalogues=settings.catalogues if with_catalogue else ())
    if with_catalogue:
        index_roots(policy, settings)
    log = settings.state / "logs" / "hub.log"
    log.parent.mkdir(mode=0o700, exist_ok=True)
    told = write_settings(settings, settings.state / "hub.json") | dict(environment or {})
    running = None
    try:
        with running_hub(told, log, (settings.host, settings.port), 120, kind) as pid:
            running = Platform(kind, policy, settings, pid)
            yield running
    finally:
        if running:
            running.browsers.close()
        if kind == "docker":
            end_sessions(client, policy, HUB_IMAGE)
            for volume in client.volumes(filters={"name": f"{policy.docker.prefix}-home-"})["Volumes"] or ():
                client.remove_volume(volume["Name"])
            client.close()


def _local_settings(policy: Policy) -> HubSettings:
    policy.hub.state.mkdir(mode=0o700, parents=True)
    hub_port, proxy_port = free_ports(2)
    return HubSettings(
        state=policy.hub.state, policy=policy.path, host="127.0.0.1", port=policy.hub.port, hub_port=hub_port,
        proxy_port=proxy_port, password=make_password(),
        admin_password=make_password(admin=True),
    )  # fmt: skip


def mounted_tmpfs(directory: Path) -> bool:
    """Mount a file system below a proposal, as autofs or a second export would be; only root can."""
    if os.getuid() != 0:
        return False
    return subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(directory)], check=False).returncode == 0
