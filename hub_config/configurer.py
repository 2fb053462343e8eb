"""`configure_local` and `configure_docker`: one function per concern, in order."""

from __future__ import annotations

import json
import os
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub_config.announcements import Announcement
from hub_config.audit import keep_audit
from hub_config.authentication import configure_identity, demo_people
from hub_config.errors import HubConfigError
from hub_config.identity.settings import identity_settings
from hub_config.policy import read_policy
from hub_config.policy.watching import current_policy
from hub_config.services import groups, reconciling, services
from hub_config.settings import check_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub_config.policy import Policy
    from hub_config.settings import HubSettings

__all__ = ["configure_docker", "configure_local", "node_and_proxy"]

NOTICE = (
    "This hub runs every session as a process of one account on this machine: it isolates nobody from anybody. "
    "For a facility, use a deployment that gives each person a container."
)
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


def sessions(c: Any, settings: HubSettings, policy: Policy, data: str) -> None:
    """Say what every session is told, whatever it runs in; `data` is where it sees its data."""
    settings_file = settings.state / "session-settings.toml"
    settings_file.write_text(_session_settings(settings, policy.facility, data), encoding="utf-8")
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


def _session_settings(settings: HubSettings, facility: str, data: str) -> str:
    providers = ""
    for one in settings.catalogues:
        named = facility if len(settings.catalogues) == 1 else f"{facility} ({one.name.removeprefix('catalogue-')})"
        # JSON's strings are TOML's.
        name, url = json.dumps(named, ensure_ascii=False), json.dumps(settings.catalogue_url(one))
        providers += f'[[providers]]\nname = {name}\nurl = {url}\ndialect = "panosc-analysis"\n'
        providers += 'token_env = "JUPYTERHUB_API_TOKEN"\n\n'
    return providers + f'[[roots]]\npath = "{data}"\n'


def pages(c: Any, settings: HubSettings, always: str) -> None:
    """Say on every page what the operators announce; errors say what to do."""
    c.JupyterHub.template_paths = [str(files("hub_config") / "pages")]
    c.JupyterHub.template_vars = {"announcement": Announcement(settings.state / "announcement.txt", always)}
