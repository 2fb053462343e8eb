"""Start a whole hub with one backend for the length of a test module, on free ports and under names of its own."""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import httpx
import yaml

from hub_config.authentication import make_password
from hub_config.launcher import free_ports, running_hub
from hub_config.policy import Policy, read_policy
from hub_config.running import connected, end_sessions, prepared_settings
from hub_config.settings import HubSettings, write_settings
from panosc_analysis.cli.up import index_roots
from tests.sessions.cluster import Namespace, image, namespace, start_hub
from tests.sessions.faults import forwarder
from tests.sessions.inside import Person, log_in_with_password

__all__ = ["Kind", "Platform", "docker_missing", "platform", "write_policy"]

Kind = Literal["local", "docker", "kubernetes"]
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
    pid: int = 0
    namespace: Namespace | None = None
    people: dict[str, Person] = field(default_factory=dict)
    browsers: ExitStack = field(default_factory=ExitStack)
    environment: Mapping[str, str] = field(default_factory=dict)

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

    def kill_hub(self) -> None:
        """End the hub without a word; returns once another one answers."""
        if self.namespace is not None:
            old = self.namespace.get("pods", "-l", "app=hub")["items"][0]["metadata"]["name"]
            self.namespace.kubectl("delete", "pod", old, "--grace-period=0", "--force")
            self._until_another_hub_is_ready(old)
            self._until_the_hub_answers()
            return
        os.kill(self.pid, signal.SIGKILL)
        told = write_settings(self.settings, self.settings.state / "hub.json") | self.environment
        log, address = self.settings.state / "logs" / "hub-again.log", (self.settings.host, self.settings.port)
        self.pid = self.browsers.enter_context(running_hub(told, log, address, 120, self.kind))

    def _until_another_hub_is_ready(self, old: str, seconds: float = 120) -> None:
        """Wait for a pod that is not the old one, which may still answer for a moment after it was deleted."""
        assert self.namespace is not None
        deadline = time.monotonic() + seconds
        while True:
            for pod in self.namespace.get("pods", "-l", "app=hub")["items"]:
                conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
                if pod["metadata"]["name"] != old and conditions.get("Ready") == "True":
                    return
            assert time.monotonic() < deadline, "no other pod of the hub became ready"
            time.sleep(0.2)

    def _until_the_hub_answers(self, seconds: float = 90) -> None:
        """Wait for the hub behind the proxy, whose error page stands there as long as there is none."""
        deadline = time.monotonic() + seconds
        while True:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/hub/login", timeout=5).status_code == 200:
                    return
            assert time.monotonic() < deadline, "the hub does not answer"
            time.sleep(0.2)

    def left_of(self, person: str) -> list[str]:
        """Names of containers or pods that are there for a person's sessions."""
        if self.namespace is not None:
            marked = [(pod["metadata"]["annotations"], pod["metadata"]["name"]) for pod in self.namespace.pods()]
            return [name for annotations, name in marked if annotations["org.panosc.analysis/person"] == person]
        client = connected()
        try:
            wanted = {"label": f"org.panosc.analysis.person={person}", "name": self.policy.docker.prefix}
            return [one["Names"][0] for one in client.containers(all=True, filters=wanted)]
        finally:
            client.close()


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
    facts: Mapping[str, Any] | None = None,
    visible: tuple[str, ...] | None = None,
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
        Index the policy's roots and serve them; not in a cluster, where that is no service of the hub.
    facts
        More of ``cluster.yaml``.
    visible
        Roots that get a volume in a cluster; all of them unless said otherwise.
    """
    policy = read_policy(policy_file)
    if kind == "kubernetes":
        with in_cluster(policy, people, environment or {}, facts or {}, visible or tuple(policy.roots)) as hub:
            yield hub
        return
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
            running = Platform(kind, policy, settings, pid, environment=dict(environment or {}))
            yield running
    finally:
        if running:
            running.browsers.close()
        if kind == "docker":
            end_sessions(client, policy, HUB_IMAGE)
            for volume in client.volumes(filters={"name": f"{policy.docker.prefix}-home-"})["Volumes"] or ():
                client.remove_volume(volume["Name"])
            client.close()


@contextmanager
def in_cluster(
    policy: Policy,
    people: tuple[str, ...],
    environment: Mapping[str, str],
    facts: Mapping[str, Any],
    visible: tuple[str, ...],
) -> Iterator[Platform]:
    """Run the hub in a namespace of its own, where people reach it through a port of this machine's loopback."""
    directory = policy.path.parent
    passwords = {"PANOSC_HUB_PASSWORD": make_password(), "PANOSC_HUB_ADMIN_PASSWORD": make_password(admin=True)}
    demo = {"demo": {"people": [*people, "oskar"], "operators": ["oskar"]}} if policy.identity is None else {}
    roots = {name: {"claim": f"root-{name}"} for name in policy.roots}
    known = {
        "state": str(policy.hub.state), "roots": roots, "network": {}, **demo, "start_timeout": 120,
        "homes": {"size": "100Mi"}, "requests": {"cpu": 0.02, "memory": 0.05},
        "images": {kind: image(kind) for kind in ("lab", "desktop")}, **facts,
    }  # fmt: skip
    with namespace() as where, ExitStack() as stack:
        for name in visible:
            where.volume(f"root-{name}", policy.roots[name])
        start_hub(where, directory, facts=known, secret=passwords, environment=environment)
        door = stack.enter_context(forwarder("127.0.0.1", where.address("proxy-public"), 8000))
        settings = HubSettings(
            state=policy.hub.state, policy=policy.path, host="127.0.0.1", port=door.port, hub_port=8081,
            proxy_port=8001, internal=where.address("hub"), people=(*people, "oskar"),
            password=passwords["PANOSC_HUB_PASSWORD"], admin_password=passwords["PANOSC_HUB_ADMIN_PASSWORD"],
        )  # fmt: skip
        running = Platform("kubernetes", policy, settings, namespace=where)
        stack.enter_context(running.browsers)
        running._until_the_hub_answers()
        try:
            yield running
        finally:
            # With a failed test, pytest shows it.
            for name in ("hub", "proxy"):
                print(where.kubectl("logs", f"deployment/{name}", "--tail=200", "--all-containers"))


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
