"""`configure_local`, `configure_docker` and `configure_kubernetes`: one function per concern, in order."""

from __future__ import annotations

import json
import os
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hub_config.announcements import Announcement
from hub_config.audit import keep_audit
from hub_config.authentication import configure_identity, demo_people
from hub_config.cluster.reading import check_against_policy, cluster_file
from hub_config.errors import HubConfigError
from hub_config.identity.settings import identity_settings
from hub_config.policy import read_policy
from hub_config.policy.watching import current_policy
from hub_config.services import groups, reconciling, renewing, services
from hub_config.settings import check_loopback, settings_in_cluster
from hub_config.spawning.containers import COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub_config.cluster import Cluster
    from hub_config.policy import Policy
    from hub_config.settings import HubSettings

__all__ = ["configure_docker", "configure_kubernetes", "configure_local", "node_and_proxy"]

NOTICE = (
    "This hub runs every session as a process of one account on this machine: it isolates nobody from anybody. "
    "For a facility, use a deployment that gives each person a container."
)
DEMO = "This is a demonstration: its people are demo people with one password."
DEMO_PEOPLE = "its people are demo people with one password."
IDENTITY = "an `identity:` section in the policy, so that people log in at their institute"
# What a session may ask the hub with its token: the name and the groups, which the catalogue needs.
SESSION_SCOPES = ["users:activity!user", "access:servers!server", "read:users:name!user", "read:users:groups!user"]


def configure_local(c: Any, settings: HubSettings) -> None:
    """Fill the traitlets configuration `c` for sessions that are processes of this account.

    Writes the sessions' settings file into the state directory, starts nothing.

    Raises
    ------
    HubConfigError
        Anything with which this hub must not start.
    """
    check_loopback(settings.host)
    policy = read_policy(settings.policy)
    network(c, settings)
    state(c, settings)
    demo_people(c, settings)
    groups(c, settings, policy)
    services(c, settings, policy)
    sessions(c, settings, policy, "~/data")
    processes(c, settings)
    pages(c, settings, NOTICE)


def configure_docker(c: Any, settings: HubSettings) -> None:
    """Fill the traitlets configuration `c` for sessions that are containers on this host.

    Raises
    ------
    HubConfigError
        Anything with which this hub must not start.
    """
    policy = read_policy(settings.policy)
    network(c, settings)
    c.JupyterHub.hub_bind_url = settings.hub_url
    if policy.hub.public_url:
        c.JupyterHub.public_url = policy.hub.public_url
    state(c, settings)
    # A hub that restarts finds its sessions running.
    c.JupyterHub.cleanup_servers = False
    if policy.identity is None:
        check_loopback(settings.host, DEMO_PEOPLE, IDENTITY)
        demo_people(c, settings)
        groups(c, settings, policy)
        services(c, settings, policy)
    else:
        institute(c, settings, policy.identity)
        services(c, settings, policy, [reconciling(settings, policy)])
    sessions(c, settings, policy, "/data")
    containers(c, settings, policy)
    pages(c, settings, policy.hub.announcement)


def configure_kubernetes(c: Any, cluster: Cluster) -> None:
    """Fill the traitlets configuration `c` for sessions that are pods of this cluster.

    What Zero to JupyterHub's configuration has said before about addresses, records, nodes and labels stays.

    Raises
    ------
    HubConfigError
        Anything with which this hub must not start.
    """
    policy = read_policy(cluster.policy)
    check_against_policy(cluster, policy)
    settings = settings_in_cluster(cluster, os.environ)
    if cluster.network is not None:
        service_addresses(c, cluster)
    if policy.hub.public_url:
        c.JupyterHub.public_url = policy.hub.public_url
    keep_audit(settings.state / "logs" / "audit.jsonl")
    c.JupyterHub.cleanup_servers = False
    renewed = renewing(settings, cluster_file())
    if policy.identity is not None:
        institute(c, settings, policy.identity)
        services(c, settings, policy, [reconciling(settings, policy), renewed])
    elif cluster.demo is not None:
        demo_people(c, settings)
        groups(c, settings, policy)
        services(c, settings, policy, [renewed])
    else:
        raise HubConfigError(f"Nobody could log in: give {IDENTITY}, or `demo:` people in cluster.yaml.")
    sessions(c, settings, policy, "/data", [(one.name, one.url) for one in cluster.catalogues])
    pods(c, cluster, settings)
    pages(c, settings, policy.hub.announcement or ("" if policy.identity is not None else DEMO))


def service_addresses(c: Any, cluster: Cluster) -> None:
    """Say where hub and proxy find each other, and where the hub keeps its records."""
    network = cluster.network
    assert network is not None  # noqa: S101 - asked before
    c.JupyterHub.hub_bind_url = f"http://0.0.0.0:{urlsplit(network.hub).port or 80}"
    c.JupyterHub.hub_connect_url = network.hub
    c.ConfigurableHTTPProxy.api_url = network.proxy
    c.ConfigurableHTTPProxy.should_start = False
    c.JupyterHub.db_url = network.database or f"sqlite:///{cluster.state / 'hub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(cluster.state / "cookie_secret")


def pods(c: Any, cluster: Cluster, settings: HubSettings) -> None:
    """Start sessions as pods; what is said here about them holds whatever was configured for KubeSpawner."""
    c.JupyterHub.spawner_class = "hub_config.spawning.kubernetes.KubernetesSession"
    # A proxy that was restarted gets its routes back; its traffic still counts as nobody's work.
    c.JupyterHub.proxy_class = "hub_config.routes.QuietProxy"
    c.JupyterHub.last_activity_interval = 30
    own, homes = c.KubernetesSession, cluster.homes
    own.cluster = cluster
    own.settings_file = str(settings.state / "session-settings.toml")
    own.cmd = COMMAND
    own.environment = {**c.Spawner.environment, **c.KubeSpawner.get("environment", {}), **cluster.environment}
    if cluster.namespace:
        own.namespace = cluster.namespace
    own.image_pull_policy = cluster.pull_policy
    if cluster.pull_secrets:
        own.image_pull_secrets = list(cluster.pull_secrets)
    own.start_timeout = cluster.start_timeout
    # An API server that is slow must not be asked again before it has answered: it would refuse the second pod.
    own.k8s_api_request_timeout, own.k8s_api_request_retry_timeout = 15, 45
    own.storage_pvc_ensure = homes.claim is None
    own.pvc_name_template, own.storage_capacity = "home-{username}", homes.size
    own.storage_class, own.storage_access_modes = homes.storage_class, [homes.access_mode]


def institute(c: Any, settings: HubSettings, identity: Mapping[str, Any]) -> None:
    """Let people log in at their institute; it says who is member of which of the policy's proposals."""

    def known() -> frozenset[str]:
        return frozenset(p.id.lower() for p in current_policy(settings.policy).proposals)

    configure_identity(c, identity_settings(identity, os.environ), known_proposals=known, state=settings.state)


def network(c: Any, settings: HubSettings) -> None:
    """Listen where people come, with the proxy that was installed beside this Python."""
    c.JupyterHub.bind_url = settings.url
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{settings.hub_port}"
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings.proxy_port}"
    c.ConfigurableHTTPProxy.command = node_and_proxy()
    c.ConfigurableHTTPProxy.pid_file = str(settings.state / "proxy.pid")


def node_and_proxy() -> list[str]:
    """Command of configurable-http-proxy: the real node binary, since its wrapper leaves the proxy behind on SIGTERM.

    Raises
    ------
    HubConfigError
        One of them is not installed.
    """
    scripts = Path(sys.executable).parent
    node = next((n for n in (scripts / "node", shutil.which("node")) if n and Path(n).exists()), None)
    installed = (
        Path(sys.prefix) / "lib" / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    )
    proxy = next((p for p in (installed, shutil.which("configurable-http-proxy")) if p and Path(p).exists()), None)
    if node is None or proxy is None:
        raise HubConfigError("configurable-http-proxy or its node is not installed. Run `make install`.")
    return [str(node), str(proxy)]


def state(c: Any, settings: HubSettings) -> None:
    """Keep everything the hub writes in its state directory."""
    for part in ("homes", "logs", "names"):
        (settings.state / part).mkdir(mode=0o700, exist_ok=True)
    c.JupyterHub.db_url = f"sqlite:///{settings.state / 'hub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(settings.state / "cookie_secret")
    c.JupyterHub.cleanup_servers = True
    c.JupyterHub.cleanup_proxy = True
    keep_audit(settings.state / "logs" / "audit.jsonl")


def sessions(
    c: Any, settings: HubSettings, policy: Policy, data: str, providers: Sequence[tuple[str, str]] | None = None
) -> None:
    """Say what every session is told, whatever it runs in: where it sees its data, and whom it asks for datasets."""
    if providers is None:
        providers = own_catalogues(settings, policy.facility)
    settings_file = settings.state / "session-settings.toml"
    settings_file.write_text(_session_settings(providers, data), encoding="utf-8")
    settings_file.chmod(0o644)
    c.GovernedSpawner.policy_file = str(settings.policy)
    c.GovernedSpawner.memberships_of_the_hub = policy.identity is None
    c.JupyterHub.allow_named_servers = policy.sessions.named > 0
    c.JupyterHub.named_server_limit_per_user = policy.sessions.named
    # Activity is what sessions report: a desktop's picture stream is traffic, but nobody's work.
    c.JupyterHub.last_activity_interval = 0
    c.Spawner.server_token_scopes = SESSION_SCOPES
    c.Spawner.args = ["--HubOAuth.cache_max_age=60"]
    c.Spawner.environment = {
        # Often enough for the idle timeout, and a minute is often enough for everybody.
        "JUPYTERHUB_ACTIVITY_INTERVAL": str(min(60, max(2, policy.sessions.idle_timeout // 10 or 60))),
    }
    c.Spawner.start_timeout = 60
    c.Spawner.http_timeout = 60


def processes(c: Any, settings: HubSettings) -> None:
    """Start sessions as processes of this account, each with its data in a mount namespace of its own."""
    c.JupyterHub.spawner_class = "hub_config.spawning.local.LocalSpawner"
    c.LocalSpawner.homes = str(settings.state / "homes")
    c.LocalSpawner.logs = str(settings.state / "logs")
    c.LocalSpawner.tutorials = str(settings.tutorials or "")
    c.Spawner.ip = "127.0.0.1"
    c.Spawner.args += ["--allow-root"] if os.getuid() == 0 else []
    c.Spawner.environment |= {
        "PANOSC_SETTINGS": str(settings.state / "session-settings.toml"),
        "JUPYTER_CONFIG_PATH": str(files("hub_config") / "lab"),
        "DASK_DISTRIBUTED__SCHEDULER__PRELOAD": '["hub_config.lab.dask_activity"]',
        # Dask threads and OpenMP threads would otherwise multiply.
        "OMP_NUM_THREADS": "1",
    }


def containers(c: Any, settings: HubSettings, policy: Policy) -> None:
    """Start sessions as containers on the network that was made for them."""
    c.JupyterHub.spawner_class = "hub_config.spawning.docker.DockerSession"
    c.DockerSession.settings_file = str(settings.state / "session-settings.toml")
    c.DockerSession.names = str(settings.state / "names")
    c.DockerSession.prefix = policy.docker.prefix
    c.DockerSession.network_name = policy.docker.network
    c.DockerSession.use_internal_ip = True
    c.DockerSession.remove = True
    # The profile names the image; it is made or pulled by the operator, never by a start.
    c.DockerSession.pull_policy = "skip"
    c.DockerSession.allowed_images = []


def own_catalogues(settings: HubSettings, facility: str) -> list[tuple[str, str]]:
    """Name the search APIs that run beside this hub, and their addresses."""
    several = len(settings.catalogues) > 1
    return [
        (f"{facility} ({one.name.removeprefix('catalogue-')})" if several else facility, settings.catalogue_url(one))
        for one in settings.catalogues
    ]


def _session_settings(providers: Sequence[tuple[str, str]], data: str) -> str:
    text = ""
    for provider in providers:
        # JSON's strings are TOML's.
        name, url = (json.dumps(part, ensure_ascii=False) for part in provider)
        text += f'[[providers]]\nname = {name}\nurl = {url}\ndialect = "panosc-analysis"\n'
        text += 'token_env = "JUPYTERHUB_API_TOKEN"\n\n'
    return text + f'[[roots]]\npath = "{data}"\n'


def pages(c: Any, settings: HubSettings, always: str) -> None:
    """Say on every page what the operators announce; errors say what to do."""
    c.JupyterHub.template_paths = [str(files("hub_config") / "pages")]
    c.JupyterHub.template_vars = {"announcement": Announcement(settings.state / "announcement.txt", always)}
