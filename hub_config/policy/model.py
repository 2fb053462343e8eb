"""What a policy says, as frozen records; read by `hub_config.policy.reading`, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from hub_config.registry import Proposal

__all__ = [
    "Accounts", "Dask", "Docker", "Homes", "Hub", "Limits", "OpenData", "Policy", "Profile", "Sessions", "Share",
    "default_image",
]  # fmt: skip

OpenData = Literal["released", "public", "none"]
BYTES = {"M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may use at most.

    Parameters
    ----------
    memory
        With its unit: ``512M``, ``4G``; powers of 1024.
    cpu
        Cores.
    processes
        Processes and threads together.
    """

    memory: str = "4G"
    cpu: float = 2.0
    processes: int = 512

    @property
    def bytes(self) -> int:
        """The memory in bytes."""
        return int(float(self.memory[:-1]) * BYTES[self.memory[-1]])

    def __str__(self) -> str:
        cores = f"{self.cpu:g} core{'s' if self.cpu != 1 else ''}"
        return f"{cores} · {self.memory[:-1]} {self.memory[-1]}B"


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of session that people may choose.

    Parameters
    ----------
    name
        What links and programs call it.
    title, description
        What people read.
    kind
        ``lab`` opens JupyterLab, ``desktop`` a remote desktop.
    image
        Container image; local sessions have none.
    groups
        Hub groups that may use it; ``None`` means everybody.
    limits
        What a session of it may use.
    """

    name: str
    title: str
    description: str = ""
    kind: Literal["lab", "desktop"] = "lab"
    image: str = ""
    groups: frozenset[str] | None = None
    limits: Limits = field(default_factory=Limits)


def default_image(kind: str) -> str:
    """Name of the image that this version of the package makes for sessions of a kind."""
    return f"panosc-analysis/{kind}:{version('panosc-analysis')}"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where uid and gid come from.

    Parameters
    ----------
    source
        ``fixed``: the same for everybody; ``claim``: what the identity provider says; ``file``: a file like
        ``/etc/passwd``; ``system``: this machine's own accounts, with LDAP and SSSD where they are set up.
    uid, gid
        For ``fixed``.
    file
        For ``file``.
    minimum
        Numbers below it are system accounts and refused.
    """

    source: Literal["fixed", "claim", "file", "system"] = "fixed"
    uid: int = 1000
    gid: int = 1000
    file: Path | None = None
    minimum: int = 1000


@dataclass(frozen=True, slots=True)
class Homes:
    """Where homes are: below one directory of this machine, or each in a volume of its own (``None``)."""

    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class Sessions:
    """How many, how long, how recently memberships must have been confirmed, how often they are compared (seconds)."""

    named: int = 3
    idle_timeout: int = 7200
    max_age: int = 259200
    fresh: int = 600
    reconcile: int = 60


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hub listens, what people open, where it keeps its state."""

    address: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    state: Path = Path("state")
    announcement: str = ""


@dataclass(frozen=True, slots=True)
class Docker:
    """Names and addresses that the sessions of one Docker host use."""

    network: str = "panosc-sessions"
    subnet: str = "172.30.0.0/22"
    prefix: str = "panosc"


@dataclass(frozen=True, slots=True)
class Share:
    """Cores and memory that one process may use, or several together."""

    cpu: float
    memory: str

    @property
    def bytes(self) -> int:
        """The memory in bytes."""
        return int(float(self.memory[:-1]) * BYTES[self.memory[-1]])


@dataclass(frozen=True, slots=True)
class Dask:
    """What the Dask clusters of sessions may use; a person may ask for less, never for more.

    Parameters
    ----------
    worker, scheduler
        One process of each kind, at most.
    clusters
        Clusters that a person may have at once.
    person
        What all clusters of a person may use together.
    proposal
        What all clusters that see an embargoed proposal may use together, whoever started them.
    idle_timeout, max_age
        Seconds after which an idle cluster, and every cluster, ends.
    overcommit
        How many times more CPU may be promised than a node has: what is asked of the cluster's scheduler is the limit
        divided by it.
    """

    worker: Share = field(default_factory=lambda: Share(2.0, "8G"))
    scheduler: Share = field(default_factory=lambda: Share(1.0, "2G"))
    clusters: int = 2
    person: Share = field(default_factory=lambda: Share(16.0, "64G"))
    proposal: Share = field(default_factory=lambda: Share(64.0, "256G"))
    idle_timeout: int = 1800
    max_age: int = 86400
    overcommit: float = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that ``panosc.yaml`` decides."""

    path: Path
    facility: str
    roots: Mapping[str, Path]
    proposals: tuple[Proposal, ...]
    profiles: tuple[Profile, ...]
    open_data: OpenData = "released"
    accounts: Accounts = field(default_factory=Accounts)
    homes: Homes = field(default_factory=Homes)
    sessions: Sessions = field(default_factory=Sessions)
    hub: Hub = field(default_factory=Hub)
    docker: Docker = field(default_factory=Docker)
    dask: Dask = field(default_factory=Dask)
    identity: Mapping[str, Any] | None = None
    tables: tuple[Path, ...] = ()

    def profile(self, name: str) -> Profile | None:
        """Return the profile of that name."""
        return next((one for one in self.profiles if one.name == name), None)
