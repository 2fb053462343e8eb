"""What a session's container is made of, as data: computed from what was granted, checked without a daemon."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub_config.access import Access, Mount
    from hub_config.accounts import Account
    from hub_config.policy import Limits, Profile

__all__ = ["COMMAND", "ENVIRONMENT", "LABEL", "Container", "container", "group_file", "passwd_file"]

HOME, DATA, SETTINGS = "/home/jovyan", "/data", "/etc/panosc/settings.toml"
TUTORIALS = "/usr/share/panosc/tutorials"
# Isolated (-I), so that a stray json.py in the home cannot keep a session from starting.
COMMAND = [
    "python", "-I", "-m", "hub_config.spawning.container", "--data", DATA, "--tutorials", TUTORIALS, "--",
    "jupyterhub-singleuser",
]  # fmt: skip
ENVIRONMENT = {"HOME": HOME, "PANOSC_SETTINGS": SETTINGS}
LABEL = "org.panosc.analysis"
# Since this version of the daemon's interface a read-only bind can be demanded to be so with all that is below it.
RECURSIVE_SINCE = "1.44"
PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Container:
    """Arguments of ``create_container`` and of ``create_host_config``."""

    create: dict[str, Any]
    host: dict[str, Any]


def container(
    granted: Access,
    profile: Profile,
    *,
    name: str,
    server: str,
    home: Mapping[str, Any],
    files: Mapping[str, Path],
    network: str,
    nested: Mapping[str, Sequence[Path]] | None,
) -> Container:
    """Describe the container of one session.

    Parameters
    ----------
    granted, profile
        What the policy and the person decided; `granted.account` is there.
    name, server
        The container's and the named server's name.
    home
        Docker's description of the home mount, without its target.
    files
        Files of this host mounted read-only, by their path in the container.
    network
        Docker network.
    nested
        For a daemon that cannot make binds read-only recursively: the mount points below each proposal's directory,
        relative to it, each of which gets a bind of its own. ``None`` demands recursive binds of the daemon.
    """
    account = granted.account
    if account is None:
        raise ValueError("a container needs the person's numbers")
    labels = {f"{LABEL}.person": granted.person, f"{LABEL}.server": server, f"{LABEL}.profile": profile.name}
    labels |= {f"{LABEL}.network": network, f"{LABEL}.mounts": " ".join(m.name for m in granted.mounts)}
    create = {
        "image": profile.image,
        "name": name,
        # A fixed name: the desktop keeps one log for each host name in the home.
        "hostname": "session",
        "user": f"{account.uid}:{account.gid}",
        "working_dir": HOME,
        "labels": labels,
    }
    mounts = [
        {**home, "Target": HOME},
        *(_bind(source, target) for target, source in files.items()),
        *(one for mount in granted.mounts for one in _data_binds(mount, nested)),
    ]
    groups = [str(gid) for gid in granted.gids]
    return Container(
        create, {"mounts": mounts, "network_mode": network, "group_add": groups, **_bounds(profile.limits)}
    )


def _bounds(limits: Limits) -> dict[str, Any]:
    """Say what no session may do, and how much of the host it may use."""
    return {
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "tmpfs": {"/tmp": "rw,nosuid,nodev,size=1g,mode=1777", DATA: "ro,nosuid,nodev,noexec,size=1m,mode=755"},  # noqa: S108
        "ipc_mode": "private",
        "shm_size": "256m",
        "pids_limit": limits.processes,
        "mem_limit": limits.bytes,
        "memswap_limit": limits.bytes,
        "cpu_period": 100_000,
        "cpu_quota": int(limits.cpu * 100_000),
        # Without this a session reaches what the host offers on the bridge's link-local address.
        "sysctls": {"net.ipv6.conf.all.disable_ipv6": "1"},
        "log_config": {"type": "json-file", "config": {"max-size": "10m", "max-file": "2"}},
    }


def _data_binds(mount: Mount, nested: Mapping[str, Sequence[Path]] | None) -> list[dict[str, Any]]:
    target = f"{DATA}/{mount.name}"
    if nested is None:
        options = {"Propagation": "rprivate", "ReadOnlyForceRecursive": True}
        return [{**_bind(mount.source, target), "BindOptions": options}]
    below = [_bind(mount.source / one, f"{target}/{one}") for one in nested.get(mount.name, ())]
    return [_bind(mount.source, target), *below]


def _bind(source: Path, target: str) -> dict[str, Any]:
    """Bind exactly this file system: what is mounted below it would stay writable with an old daemon."""
    options = {"Propagation": "rprivate", "NonRecursive": True}
    return {"Type": "bind", "Source": str(source), "Target": target, "ReadOnly": True, "BindOptions": options}


def passwd_file(person: str, account: Account) -> str:
    """Write the session's ``/etc/passwd``: programs want a name for the number, and the desktop needs one."""
    name = person if PLAIN_NAME.fullmatch(person) and person != "root" else "scientist"
    return f"root:x:0:0::/:/usr/sbin/nologin\n{name}:x:{account.uid}:{account.gid}::{HOME}:/bin/bash\n"


def group_file(granted: Access, account: Account, names: Mapping[int, str]) -> str:
    """Write the session's ``/etc/group``; `names` gives the proposals' groups their names."""
    rows = {0: "root", account.gid: "users"} | {gid: names.get(gid, f"group{gid}") for gid in granted.gids}
    return "".join(f"{name}:x:{gid}:\n" for gid, name in rows.items())
