"""What a session's pod is made of, as data: computed from what was granted, checked without a cluster.

A Dask worker gets the same parts, so it sees what its owner's session sees, under the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hub_config.spawning.containers import DATA, HOME, LABEL, SETTINGS, group_file, passwd_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hub_config.access import Access, Mount
    from hub_config.accounts import Account
    from hub_config.cluster import Cluster, RootVolume
    from hub_config.policy import Policy

__all__ = [
    "EMBARGOED",
    "NoVolume",
    "PodParts",
    "container_security",
    "data_mounts",
    "home_of",
    "pod_parts",
    "pod_security",
]

EMBARGOED = f"{LABEL}/embargoed"
"""Annotation: the proposals that a session sees as a member, with spaces between."""

SHARED_MEMORY = "256Mi"
# The person herself makes her home, so nobody else needs a right over it; the parent must let her.
MAKE_HOME = """
home=/homes/$1
[ -d "$home" ] || { mkdir -p "${home%/*}" && mkdir -m 700 "$home"; } && exit
echo "The home $1 is not on the volume of homes, and number $2 may not make it there."
exit 1
"""


class NoVolume(LookupError):
    """A directory that a person may see, but that no volume of the cluster is known to hold."""


@dataclass(frozen=True, slots=True)
class PodParts:
    """What the policy decides about a pod; all in the words of Kubernetes.

    Parameters
    ----------
    labels, annotations
        For accounting; the annotations also carry the session's small files.
    pod_security, container_security
        Numbers and bounds.
    volumes, mounts
        All that is mounted.
    init_containers
        Programs that run before.
    """

    labels: dict[str, str]
    annotations: dict[str, str]
    pod_security: dict[str, Any]
    container_security: dict[str, Any]
    volumes: list[dict[str, Any]]
    mounts: list[dict[str, Any]]
    init_containers: list[dict[str, Any]] = field(default_factory=list)


def pod_parts(
    granted: Access,
    policy: Policy,
    cluster: Cluster,
    *,
    profile: str,
    server: str,
    image: str,
    home_claim: str,
    settings: str,
) -> PodParts:
    """Describe the pod of one session or worker.

    Parameters
    ----------
    granted, policy, cluster
        What the person gets, by which rules, on what; `granted.account` is there.
    profile, server, image
        Names for accounting; the image also makes a shared home.
    home_claim
        Claim of the home, where each person has one.
    settings
        Text of the session's settings file.
    """
    account = granted.account
    if account is None:
        raise ValueError("a pod needs the person's numbers")
    data_volumes, mounts = data_mounts(granted, policy, cluster)
    home, home_mount, make = home_of(granted.person, account, cluster, home_claim, image)
    files, file_mounts = _small_files()
    names = {p.gid: p.id.lower() for p in policy.proposals if p.gid is not None}
    return PodParts(
        labels={**cluster.labels, f"{LABEL}/profile": profile},
        annotations={
            f"{LABEL}/person": granted.person,
            f"{LABEL}/server": server,
            f"{LABEL}/mounts": " ".join(m.name for m in granted.mounts),
            # What membership alone opens: a Dask cluster of this session asks whether it still does.
            EMBARGOED: " ".join(granted.embargoed),
            f"{LABEL}/passwd": passwd_file(granted.person, account),
            f"{LABEL}/group": group_file(granted, account, names),
            f"{LABEL}/settings": settings,
        },
        pod_security=pod_security(granted, account, cluster),
        container_security=container_security(),
        volumes=[*data_volumes, home, files, *_temporary(cluster), *map(dict, cluster.volumes)],
        mounts=[*mounts, home_mount, *file_mounts, *_TEMPORARY_MOUNTS, *map(dict, cluster.mounts)],
        init_containers=make,
    )


def pod_security(granted: Access, account: Account, cluster: Cluster) -> dict[str, Any]:
    """Return the pod's security context: the person's numbers, and no group that an image would add."""
    context: dict[str, Any] = {
        "runAsNonRoot": True,
        "runAsUser": account.uid,
        "runAsGroup": account.gid,
        "supplementalGroups": list(granted.gids),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if cluster.strict_groups:
        context["supplementalGroupsPolicy"] = "Strict"
    if cluster.homes.claim is None and cluster.homes.group_owner:
        # Of all volumes only the home can be changed by this: the data's claims are read-only.
        context |= {"fsGroup": account.gid, "fsGroupChangePolicy": "OnRootMismatch"}
    return context


def container_security() -> dict[str, Any]:
    """Return the container's security context: nothing but computing."""
    return {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def data_mounts(granted: Access, policy: Policy, cluster: Cluster) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return volumes and mounts of the data: a read-only mount by sub-path for each proposal, never one of a parent.

    Raises
    ------
    NoVolume
        A proposal lies below no root, or its root has no volume.
    """
    used: dict[str, str] = {}
    mounts = []
    for mount in granted.mounts:
        root = _root_of(mount, policy)
        volume = used.setdefault(root, f"data-{len(used)}")
        found = cluster.roots.get(root)
        if found is None:
            raise NoVolume(f"the cluster has no volume for the root {root}")
        for target, sub_path in _places(mount, policy.roots[root], found):
            mounts.append(_read_only(volume, target, sub_path, recursive=cluster.recursive_read_only))
    volumes = [
        {"name": volume, "persistentVolumeClaim": {"claimName": cluster.roots[root].claim, "readOnly": True}}
        for root, volume in used.items()
    ]
    return volumes, mounts


def _root_of(mount: Mount, policy: Policy) -> str:
    holding = [name for name, path in policy.roots.items() if path in mount.source.parents]
    if not holding:
        raise NoVolume(f"{mount.source} is below no root")
    return max(holding, key=lambda name: len(policy.roots[name].parts))


def _places(mount: Mount, root: Path, volume: RootVolume) -> Iterator[tuple[str, str]]:
    """Yield where in the session what of the volume is mounted: the proposal, then what is mounted below it."""
    place = PurePosixPath(mount.source).relative_to(root)
    yield f"{DATA}/{mount.name}", str(PurePosixPath(volume.sub_path) / place)
    for below in map(PurePosixPath, volume.mounted_below):
        if place in below.parents:
            yield f"{DATA}/{mount.name}/{below.relative_to(place)}", str(PurePosixPath(volume.sub_path) / below)


def _read_only(volume: str, target: str, sub_path: str, *, recursive: bool) -> dict[str, Any]:
    mount = {"name": volume, "mountPath": target, "subPath": sub_path, "readOnly": True}
    return mount | ({"recursiveReadOnly": "Enabled"} if recursive else {})


def home_of(
    person: str, account: Account, cluster: Cluster, claim: str, image: str
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """Return the home's volume and mount, and what makes it where it is a directory of a shared volume."""
    homes = cluster.homes
    volume = {"name": "home", "persistentVolumeClaim": {"claimName": homes.claim or claim}}
    mount: dict[str, Any] = {"name": "home", "mountPath": HOME}
    if homes.claim is None:
        return volume, mount, []
    place = homes.sub_path.replace("{uid}", str(account.uid)).replace("{name}", _directory_name(person))
    make = {
        "name": "home",
        "image": image,
        "imagePullPolicy": cluster.pull_policy,
        "command": ["/bin/sh", "-c", MAKE_HOME, "sh", place, str(account.uid)],
        "securityContext": container_security(),
        "volumeMounts": [{"name": "home", "mountPath": "/homes"}],
        "resources": {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "10m", "memory": "16Mi"}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    return volume, mount | {"subPath": place}, [make]


def _directory_name(person: str) -> str:
    """Write a name so that it is one directory, another one for each person, and no way out."""
    name = quote(person, safe="@")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def _small_files() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Bring files into the pod that are its own annotations: no object to make, to watch and to remove."""
    places = {"passwd": "/etc/passwd", "group": "/etc/group", "settings": SETTINGS}
    items = [
        {"path": name, "fieldRef": {"fieldPath": f"metadata.annotations['{LABEL}/{name}']"}, "mode": 0o444}
        for name in places
    ]
    mounts = [
        {"name": "files", "mountPath": target, "subPath": name, "readOnly": True} for name, target in places.items()
    ]
    return {"name": "files", "downwardAPI": {"items": items}}, mounts


def _temporary(cluster: Cluster) -> list[dict[str, Any]]:
    """Give what a program may write: in memory, so that a full one is an error in the program and no eviction."""
    sizes: Mapping[str, str] = {"tmp": cluster.temporary, "shm": SHARED_MEMORY}
    return [{"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": size}} for name, size in sizes.items()]


_TEMPORARY_MOUNTS = [{"name": "tmp", "mountPath": "/tmp"}, {"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108
