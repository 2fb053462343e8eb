"""Homes of container sessions: made once, owned by the person's numbers, never removed by this package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker

from hub_config.spawning.containers import LABEL

if TYPE_CHECKING:
    from hub_config.accounts import Account

__all__ = ["Home", "HomeFailed", "home_of", "make_home"]

PLACE = "/homes"
MAKE = 'set -e; home=/homes/$1; [ -d "$home" ] || mkdir -m 700 "$home"; chown "$2" "$home"; chmod 700 "$home"'


class HomeFailed(RuntimeError):
    """A home could not be made; the message is Docker's or the shell's."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where one home is: a directory of this host, or a volume."""

    volume: str | None = None
    directory: Path | None = None

    @property
    def mount(self) -> dict[str, Any]:
        """Docker's description of the mount, without its target."""
        if self.volume is not None:
            return {"Type": "volume", "Source": self.volume, "VolumeOptions": {"NoCopy": True}}
        return {"Type": "bind", "Source": str(self.directory), "BindOptions": {"Propagation": "rprivate"}}


def home_of(escaped_name: str, prefix: str, homes: Path | None) -> Home:
    """Return where the home of a person is; `escaped_name` is her name made fit for names of volumes."""
    if homes is not None:
        return Home(directory=homes / escaped_name)
    return Home(volume=f"{prefix}-home-{escaped_name}")


def make_home(client: docker.APIClient, home: Home, account: Account, image: str) -> bool:
    """Make the home if there is none; returns whether it is new. Costs half a second once, a round trip later.

    A container that may change owners and do nothing else gives the home to the person's numbers; so the hub itself
    needs no right over homes.

    Raises
    ------
    HomeFailed
        It could not be made; nothing half made is left.
    """
    if home.volume is None:
        return _make_directory(client, home, account, image)
    try:
        client.inspect_volume(home.volume)
    except docker.errors.NotFound:
        client.create_volume(home.volume, labels={f"{LABEL}.home": "1"})
    else:
        return False
    mount = {**home.mount, "Target": f"{PLACE}/home"}
    try:
        _run(client, image, mount, "home", account, [])
    except HomeFailed:
        client.remove_volume(home.volume)
        raise
    return True


def _make_directory(client: docker.APIClient, home: Home, account: Account, image: str) -> bool:
    directory = home.directory
    assert directory is not None  # noqa: S101 - one of the two is there
    if directory.is_dir():
        return False
    mount = {"Type": "bind", "Source": str(directory.parent), "Target": PLACE}
    _run(client, image, mount, directory.name, account, ["DAC_OVERRIDE"])
    return True


def _run(
    client: docker.APIClient, image: str, mount: dict[str, Any], name: str, account: Account, more: list[str]
) -> None:
    host = client.create_host_config(
        cap_drop=["ALL"], cap_add=["CHOWN", "FOWNER", *more], security_opt=["no-new-privileges:true"],
        mounts=[mount], read_only=True, network_mode="none",
    )  # fmt: skip
    made = client.create_container(
        image, entrypoint=["/bin/sh", "-c", MAKE, "sh", name, f"{account.uid}:{account.gid}"], command=[], user="0:0",
        host_config=host, labels={f"{LABEL}.home": "1"},
    )  # fmt: skip
    try:
        client.start(made)
        status = client.wait(made, timeout=60)["StatusCode"]
        if status != 0:
            raise HomeFailed(client.logs(made).decode("utf-8", "replace").strip() or f"exit code {status}")
    finally:
        client.remove_container(made, force=True)
