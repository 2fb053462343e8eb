"""Settings of one hub: where it listens, where it keeps its state, who its demo people are."""

from __future__ import annotations

import ipaddress
import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub_config.errors import HubConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub_config.cluster import Cluster

__all__ = [
    "HUB_SETTINGS", "Catalogue", "HubSettings", "check_loopback", "read_settings", "settings_in_cluster",
    "write_settings",
]  # fmt: skip

HUB_SETTINGS = "PANOSC_HUB_SETTINGS"
USER_PASSWORD = "PANOSC_HUB_PASSWORD"  # noqa: S105 - the name of a variable, not a password
ADMIN_PASSWORD = "PANOSC_HUB_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable, not a password

ONE_ACCOUNT = "its sessions are plain processes of one account, so everybody who reaches it reaches everybody's files."
CONTAINERS = "a deployment with a container for each person"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One search API: its name among the hub's services, its index, its port, and what keeps the index up to date.

    Parameters
    ----------
    name
        ``catalogue``, or with the name of its root where there are several.
    index
        Made by ``panosc-analysis catalogue index``.
    port
        Where it listens.
    root, proposals
        Tree that is indexed again and again, and the table of its proposals; without them the index stays as it is.
    """

    name: str
    index: Path
    port: int
    root: Path | None = None
    proposals: Path | None = None


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Everything that one run of a hub needs to know beside the policy.

    Parameters
    ----------
    state
        Directory for the hub's database, cookie secret, homes and logs; only its owner can read it.
    policy
        ``panosc.yaml``.
    host, port
        Where people reach the hub.
    internal
        Address on which sessions reach the hub and the catalogue: loopback, or the bridge of a Docker network.
    hub_port, proxy_port
        Ports of the hub on `internal`, and of the proxy's own interface on loopback.
    catalogues
        Search APIs to run on `internal`, one for each tree of data.
    tutorials
        Notebooks that a new person finds in her home.
    operators, instructors
        Names of people with these roles. Operators administer the hub.
    people
        Everybody who may log in.
    """

    state: Path
    policy: Path
    host: str
    port: int
    hub_port: int
    proxy_port: int
    internal: str = "127.0.0.1"
    catalogues: tuple[Catalogue, ...] = ()
    tutorials: Path | None = None
    people: tuple[str, ...] = ("alice", "bob", "ines", "oskar")
    instructors: tuple[str, ...] = ("ines",)
    operators: tuple[str, ...] = ("oskar",)
    password: str = field(default="", repr=False)
    admin_password: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """Address that people open."""
        return f"http://{self.host}:{self.port}"

    def catalogue_url(self, catalogue: Catalogue) -> str:
        """Return the base address of a search API."""
        return f"http://{self.internal}:{catalogue.port}/api"

    @property
    def hub_url(self) -> str:
        """Address of the hub itself, behind the proxy."""
        return f"http://{self.internal}:{self.hub_port}"


_PATHS = ("state", "policy", "tutorials")
_SECRETS = ("password", "admin_password")


def write_settings(settings: HubSettings, path: Path) -> dict[str, str]:
    """Write `settings` for the hub's process to read; the passwords go into the returned environment, not to disk."""
    values = {k: v for k, v in asdict(settings).items() if k not in _SECRETS}
    values |= {k: str(values[k]) for k in _PATHS if values[k] is not None}
    path.write_text(json.dumps(values, indent=2, default=str) + "\n", encoding="utf-8")
    return {HUB_SETTINGS: str(path), USER_PASSWORD: settings.password, ADMIN_PASSWORD: settings.admin_password}


def read_settings(environment: Mapping[str, str] | None = None) -> HubSettings:
    """Read what `write_settings` wrote, from the file that ``$PANOSC_HUB_SETTINGS`` names.

    Raises
    ------
    HubConfigError
        No such variable or file, or a file that is not a complete settings file.
    """
    env = os.environ if environment is None else environment
    try:
        path = env[HUB_SETTINGS]
        values: dict[str, Any] = dict(json.loads(Path(path).read_text(encoding="utf-8")))
        known = {f.name for f in fields(HubSettings)}
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        values |= {k: Path(values[k]) for k in _PATHS if values.get(k)}
        values["catalogues"] = tuple(_catalogue(row) for row in values.get("catalogues", ()))
        values["password"] = env.get(USER_PASSWORD, "")
        values["admin_password"] = env.get(ADMIN_PASSWORD, "")
        return HubSettings(**values)
    except (KeyError, OSError, TypeError, ValueError) as error:
        message = (
            f"The hub's settings cannot be read ({error}). Start the hub with `make demo` or `panosc-analysis up`."
        )
        raise HubConfigError(message) from error


def settings_in_cluster(cluster: Cluster, environment: Mapping[str, str]) -> HubSettings:
    """Make the settings of a hub that is a pod, and its directories. The demo's passwords are in the environment.

    Raises
    ------
    HubConfigError
        The state directory cannot be written.
    """
    demo = cluster.demo
    try:
        (cluster.state / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HubConfigError(
            f"The state directory {cluster.state} cannot be written ({error.strerror}). "
            "Give the hub's pod a volume there that belongs to its group (fsGroup)."
        ) from error
    return HubSettings(
        state=cluster.state, policy=cluster.policy, host="0.0.0.0", port=8000, hub_port=8081, proxy_port=8001,  # noqa: S104
        password=environment.get(USER_PASSWORD, ""), admin_password=environment.get(ADMIN_PASSWORD, ""),
        people=demo.people if demo else (), instructors=demo.instructors if demo else (),
        operators=demo.operators if demo else (),
    )  # fmt: skip


def _catalogue(row: dict[str, Any]) -> Catalogue:
    return Catalogue(**row | {k: Path(row[k]) for k in ("index", "root", "proposals") if row.get(k)})


def check_loopback(host: str, why: str = ONE_ACCOUNT, instead: str = CONTAINERS) -> None:
    """Refuse an address that other machines can reach.

    Parameters
    ----------
    host
        The address.
    why, instead
        Said to the operator: the reason, and what to use for other addresses.

    Raises
    ------
    HubConfigError
        `host` is not a loopback address; the message says why and what to use instead.
    """
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        message = f"This hub does not listen on {host}: {why} Use 127.0.0.1, or {instead}."
        raise HubConfigError(message)
