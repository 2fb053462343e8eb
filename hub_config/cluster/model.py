"""What is known about a cluster, as frozen records; read by `hub_config.cluster.reading`, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub_config.policy.model import Profile, default_image

__all__ = ["Cluster", "Demo", "Homes", "Network", "Placement", "RootVolume", "SearchService"]


@dataclass(frozen=True, slots=True)
class RootVolume:
    """Where one root of the policy is: a claim, and the directory of its volume that is the root.

    Parameters
    ----------
    claim
        PersistentVolumeClaim in the sessions' namespace.
    sub_path
        Directory of the volume; empty for the volume itself.
    mounted_below
        Directories, relative to the root, on which another file system is mounted. A mount by sub-path does not carry
        what is mounted below it, so each of these gets a mount of its own in the sessions that see its proposal.
    """

    claim: str
    sub_path: str = ""
    mounted_below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Homes:
    """Where homes are: a claim each, or directories of one shared volume.

    Parameters
    ----------
    claim
        The shared volume's; ``None`` for a claim each.
    sub_path
        A person's directory on the shared volume, with ``{uid}`` and ``{name}``.
    storage_class, size, access_mode
        Of a claim each.
    group_owner
        Give a new volume to the person's group, as block storage needs it.
    """

    claim: str | None = None
    sub_path: str = "{uid}"
    storage_class: str | None = None
    size: str = "10Gi"
    access_mode: str = "ReadWriteOnce"
    group_owner: bool = True


@dataclass(frozen=True, slots=True)
class Requests:
    """Share of a session's limits that is kept free for it, between 0 and 1."""

    cpu: float = 0.1
    memory: float = 0.5


@dataclass(frozen=True, slots=True)
class Placement:
    """On which nodes sessions run, with what of them; the words are those of a pod."""

    image: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    resources: Mapping[str, str | int] = field(default_factory=dict)
    priority_class: str = ""
    runtime_class: str = ""

    def __or__(self, other: Placement) -> Placement:
        """Add what `other` says; where both say something that can be only one thing, `other` decides."""
        return Placement(
            other.image or self.image,
            {**self.node_selector, **other.node_selector},
            (*self.tolerations, *other.tolerations),
            {**self.resources, **other.resources},
            other.priority_class or self.priority_class,
            other.runtime_class or self.runtime_class,
        )


@dataclass(frozen=True, slots=True)
class SearchService:
    """A search API that sessions ask: its name for people, and its base address."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Demo:
    """People of a demonstration, who log in with one password."""

    people: tuple[str, ...]
    instructors: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses for a hub whose configuration is this package's alone."""

    hub: str = "http://hub:8081"
    proxy: str = "http://proxy-api:8001"
    database: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Everything that ``cluster.yaml`` says; its schema describes each field.

    Parameters
    ----------
    policy
        ``panosc.yaml``, mounted from a ConfigMap or Secret; read anew when it changes.
    roots
        By the names that the policy gives its roots.
    network
        ``None`` where another configuration, as Zero to JupyterHub's, has said these things.
    """

    policy: Path
    roots: Mapping[str, RootVolume]
    state: Path = Path("/srv/jupyterhub")
    namespace: str = ""
    homes: Homes = field(default_factory=Homes)
    images: Mapping[str, str] = field(default_factory=dict)
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    requests: Requests = field(default_factory=Requests)
    temporary: str = "1Gi"
    placement: Placement = field(default_factory=Placement)
    profiles: Mapping[str, Placement] = field(default_factory=dict)
    autoscaling: bool = False
    start_timeout: int = 300
    recursive_read_only: bool = True
    strict_groups: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Mapping[str, Any], ...] = ()
    mounts: tuple[Mapping[str, Any], ...] = ()
    catalogues: tuple[SearchService, ...] = ()
    demo: Demo | None = None
    network: Network | None = None

    def placement_of(self, profile: Profile) -> Placement:
        """Return where sessions of `profile` run, with the image that they get."""
        default = self.images.get(profile.kind) if profile.image == default_image(profile.kind) else None
        placed = Placement(image=default or profile.image) | self.placement
        return placed | self.profiles.get(profile.name, Placement())
