"""`configure(c, settings)`: one function per concern, in order."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub_config.authentication import demo_people
from hub_config.errors import HubConfigError
from hub_config.registry import read_registry
from hub_config.services import catalogue, groups
from hub_config.settings import check_loopback

if TYPE_CHECKING:
    from hub_config.settings import HubSettings

__all__ = ["configure", "node_and_proxy"]

NOTICE = (
    "This hub runs every session as a process of one account on this machine: it isolates nobody from anybody. "
    "For a facility, use a deployment that gives each person a container."
)


def configure(c: Any, settings: HubSettings) -> None:
    """Fill the traitlets configuration `c` for the local deployment.

    Writes the sessions' settings file into the state directory, starts nothing.

    Raises
    ------
    HubConfigError
        Anything with which this hub must not start.
    """
    check_loopback(settings.host)
    registry = read_registry(settings.registry)
    network(c, settings)
    state(c, settings)
    demo_people(c, settings)
    groups(c, settings, registry)
    catalogue(c, settings)
    sessions(c, settings)
    pages(c)


def network(c: Any, settings: HubSettings) -> None:
    """Listen on loopback only, with the proxy that was installed beside this Python."""
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
    c.JupyterHub.db_url = f"sqlite:///{settings.state / 'hub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(settings.state / "cookie_secret")
    c.JupyterHub.cleanup_servers = True
    c.JupyterHub.cleanup_proxy = True


def sessions(c: Any, settings: HubSettings) -> None:
    """Start sessions as local processes, each with her data and the settings of this package."""
    session_settings = settings.state / "session-settings.toml"
    session_settings.write_text(_session_settings(settings), encoding="utf-8")
    c.JupyterHub.spawner_class = "hub_config.spawning.local.LocalSpawner"
    c.LocalSpawner.registry = str(settings.registry)
    c.LocalSpawner.homes = str(settings.state / "homes")
    c.LocalSpawner.logs = str(settings.state / "logs")
    c.LocalSpawner.tutorials = str(settings.tutorials or "")
    (settings.state / "homes").mkdir(exist_ok=True)
    (settings.state / "logs").mkdir(exist_ok=True)
    c.Spawner.ip = "127.0.0.1"
    c.Spawner.args = ["--allow-root"] if os.getuid() == 0 else []
    c.Spawner.environment = {
        "PANOSC_SETTINGS": str(session_settings),
        "JUPYTER_CONFIG_PATH": str(files("hub_config") / "lab"),
        # Dask threads and OpenMP threads would otherwise multiply.
        "OMP_NUM_THREADS": "1",
    }
    # What a session may ask the hub with its token: the name and the groups, which the catalogue needs.
    c.Spawner.server_token_scopes = [
        "users:activity!user", "access:servers!server", "read:users:name!user", "read:users:groups!user",
    ]  # fmt: skip
    c.Spawner.start_timeout = 60
    c.Spawner.http_timeout = 60


def _session_settings(settings: HubSettings) -> str:
    provider = f'[[providers]]\nname = "demo"\nurl = "{settings.catalogue_url}"\ntoken_env = "JUPYTERHUB_API_TOKEN"\n\n'
    roots = '[[roots]]\npath = "~/data"\n'
    return (provider if settings.index else "") + roots


def pages(c: Any) -> None:
    """Say on every page what this deployment does not do."""
    c.JupyterHub.template_vars = {"announcement": NOTICE}
