"""From ``cluster.yaml`` to a `Cluster`, held against the policy: a root without a volume is seen before a start."""

from __future__ import annotations

import json
import os
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from hub_config.cluster.model import Cluster, Demo, Homes, Network, Placement, Requests, RootVolume, SearchService
from hub_config.policy.document import PolicyError, read_document
from hub_config.spawning.containers import DATA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub_config.policy import Policy

__all__ = ["CLUSTER", "POLICY", "check_against_policy", "cluster_file", "cluster_schema", "read_cluster"]

CLUSTER, POLICY = "PANOSC_CLUSTER", "PANOSC_POLICY"
DEFAULTS = {CLUSTER: "/etc/panosc/cluster.yaml", POLICY: "/etc/panosc/panosc.yaml"}


@cache
def cluster_schema() -> dict[str, Any]:
    """Return the JSON schema of the file, of which a chart can make its own values' schema."""
    text = (files("hub_config.cluster") / "schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def cluster_file(environment: Mapping[str, str] | None = None) -> Path:
    """Return where ``cluster.yaml`` is, if this is the pod of a hub."""
    return Path((os.environ if environment is None else environment).get(CLUSTER) or DEFAULTS[CLUSTER])


def read_cluster(environment: Mapping[str, str] | None = None) -> Cluster:
    """Read the file that ``$PANOSC_CLUSTER`` names (``/etc/panosc/cluster.yaml``); ``$PANOSC_POLICY`` names the policy.

    Raises
    ------
    PolicyError
        Something in it must not be used; every fault is named with its line.
    """
    env = os.environ if environment is None else environment
    path, policy = (Path(env.get(name) or DEFAULTS[name]) for name in (CLUSTER, POLICY))
    document = read_document(path, schema=cluster_schema())
    content = document.content
    faults = [
        document.fault(("mounts", index), "the facility's data are there, and nothing else")
        for index, row in enumerate(content.get("mounts", ()))
        if PurePosixPath(row["mountPath"]).is_relative_to(DATA)
    ]
    if faults:
        raise PolicyError(str(path), faults)
    parts: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in content.items()
        if key not in _SECTIONS
    }
    parts |= {key: make(content[key]) for key, make in _SECTIONS.items() if key in content}
    return Cluster(policy=policy, **parts)


def check_against_policy(cluster: Cluster, policy: Policy) -> None:
    """Refuse a cluster that lacks a volume of one of the policy's roots, or knows profiles that there are not.

    Raises
    ------
    PolicyError
        It names what is missing.
    """
    names = {profile.name for profile in policy.profiles}
    faults = [
        *(f"roots: there is no volume for the policy's root {n}" for n in policy.roots if n not in cluster.roots),
        *(f"profiles: the policy has no profile {n}" for n in cluster.profiles if n not in names),
    ]
    if faults:
        raise PolicyError("cluster.yaml", faults)


def _root(row: Mapping[str, Any]) -> RootVolume:
    return RootVolume(row["claim"], row.get("sub_path", ""), tuple(row.get("mounted_below", ())))


def _placement(row: Mapping[str, Any]) -> Placement:
    parts: dict[str, Any] = {**row, "tolerations": tuple(row.get("tolerations", ()))}
    return Placement(**parts)


_SECTIONS: dict[str, Any] = {
    "state": Path,
    "roots": lambda rows: {name: _root(row) for name, row in rows.items()},
    "homes": lambda row: Homes(**row),
    "requests": lambda row: Requests(**row),
    "placement": _placement,
    "profiles": lambda rows: {name: _placement(row) for name, row in rows.items()},
    "catalogues": lambda rows: tuple(SearchService(**row) for row in rows),
    "demo": lambda row: Demo(**{key: tuple(names) for key, names in row.items()}),
    "network": lambda row: Network(**row),
}
