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

__all__ = ["HUB_SETTINGS", "HubSettings", "check_loopback", "read_settings", "write_settings"]

HUB_SETTINGS = "PANOSC_HUB_SETTINGS"
USER_PASSWORD = "PANOSC_HUB_PASSWORD"  # noqa: S105 - the name of a variable, not a password
ADMIN_PASSWORD = "PANOSC_HUB_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable, not a password


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Everything the local deployment needs to know.

    Parameters
    ----------
    state
        Directory for the hub's database, cookie secret, homes and logs; only its owner can read it.
    registry
        File that lists the facility's proposals (see `hub_config.registry`).
    index
        Index of the catalogue, or ``None`` for a hub without a catalogue.
    host, port
        Where people reach the hub; `host` must be a loopback address.
    hub_port, proxy_port, catalogue_port
        Internal ports, all on loopback.
    tutorials
        Notebooks that a new person finds in her home.
    operators, instructors
        Names of people with these roles. Operators administer the hub.
    people
        Everybody who may log in.
    """

    state: Path
    registry: Path
    host: str
    port: int
    hub_port: int
    proxy_port: int
    catalogue_port: int
    index: Path | None = None
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

    @property
    def catalogue_url(self) -> str:
        """Base address of the search API."""
        return f"http://127.0.0.1:{self.catalogue_port}/api"


_PATHS = ("state", "registry", "index", "tutorials")
_SECRETS = ("password", "admin_password")


def write_settings(settings: HubSettings, path: Path) -> dict[str, str]:
    """Write `settings` for the hub's process to read; the passwords go into the returned environment, not to disk."""
    values = {k: v for k, v in asdict(settings).items() if k not in _SECRETS}
    values |= {k: str(values[k]) for k in _PATHS if values[k] is not None}
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
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
        values["password"] = env.get(USER_PASSWORD, "")
        values["admin_password"] = env.get(ADMIN_PASSWORD, "")
        return HubSettings(**values)
    except (KeyError, OSError, TypeError, ValueError) as error:
        message = (
            f"The hub's settings cannot be read ({error}). Start the hub with `panosc-analysis demo` or `make demo`."
        )
        raise HubConfigError(message) from error


def check_loopback(host: str) -> None:
    """Refuse an address that other machines can reach.

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
        message = (
            f"The local deployment does not listen on {host}: its sessions are plain processes of one account, "
            "so everybody who reaches it reaches everybody's files. Use 127.0.0.1, or a deployment with a container "
            "for each person."
        )
        raise HubConfigError(message)
