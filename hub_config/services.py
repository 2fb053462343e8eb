"""What runs beside the hub, and with which rights."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from hub_config.policy import Policy
    from hub_config.settings import Catalogue, HubSettings

__all__ = ["Service", "catalogue", "culler", "groups", "reconciling", "renewing", "services"]


# A look at what changed costs little; new files are found within this many seconds.
INDEX_EVERY = 300


@dataclass(frozen=True, slots=True)
class Service:
    """A program beside the hub: its name, its command, and what it may ask of the hub."""

    name: str
    command: Sequence[str]
    scopes: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


def groups(c: Any, settings: HubSettings, policy: Policy) -> None:
    """Make one hub group for each proposal and role, from the members that the policy's tables name."""
    members = {p.group: {"users": [m for m in p.members if m in settings.people]} for p in policy.proposals}
    roles = {"instructors": settings.instructors, "operators": settings.operators}
    c.JupyterHub.load_groups = members | {name: {"users": list(people)} for name, people in roles.items()}


def services(c: Any, settings: HubSettings, policy: Policy, extra: Sequence[Service] = ()) -> None:
    """Start what runs beside the hub, each with the rights it needs and no other."""
    wanted = [*extra]
    for one in settings.catalogues:
        wanted += [catalogue(settings, one), *indexing(one, policy)]
    if policy.sessions.idle_timeout or policy.sessions.max_age:
        wanted.append(culler(policy))
    # They are processes beside the hub: by its name in a cluster they would come to it from outside, and be refused.
    near = {"JUPYTERHUB_API_URL": f"{settings.hub_url}{c.JupyterHub.get('base_url', '/').rstrip('/')}/hub/api"}
    # Zero to JupyterHub's configuration may have named some before.
    c.JupyterHub.services = [
        *c.JupyterHub.get("services", ()),
        *({"name": one.name, "command": one.command, "environment": {**near, **one.environment}} for one in wanted),
    ]
    c.JupyterHub.load_roles = [
        *c.JupyterHub.get("load_roles", ()),
        *(
            {"name": f"service-{one.name}", "services": [one.name], "scopes": list(one.scopes)}
            for one in wanted
            if one.scopes
        ),
    ]


def catalogue(settings: HubSettings, one: Catalogue) -> Service:
    """Run a search API. It asks the hub with the asking person's own token which groups she is in."""
    membership = f"{settings.hub_url}/hub/api/user"
    command = [
        sys.executable, "-m", "panosc_analysis", "catalogue", "serve", "--index", str(one.index),
        "--host", settings.internal, "--port", str(one.port), "--membership", membership,
    ]  # fmt: skip
    if settings.internal != "127.0.0.1":
        command.append("--plain-http")
    return Service(one.name, command)


def indexing(one: Catalogue, policy: Policy) -> list[Service]:
    """Keep an index up to date with its tree; where the catalogue has no tree, nothing does."""
    if one.root is None:
        return []
    command = [
        sys.executable, "-m", "panosc_analysis", "catalogue", "index", str(one.root), "--index", str(one.index),
        "--facility", policy.facility, "--every", str(INDEX_EVERY),
    ]  # fmt: skip
    if one.proposals is not None:
        command += ["--proposals", str(one.proposals)]
    return [Service(f"{one.name}-index", command)]


def culler(policy: Policy) -> Service:
    """End sessions that nobody uses, and those that are too old."""
    sessions = policy.sessions
    timeout = sessions.idle_timeout or sessions.max_age
    shortest = min(seconds for seconds in (timeout, sessions.max_age) if seconds)
    every = max(2, min(300, shortest // 4))
    command = [
        sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={timeout}", f"--cull-every={every}",
        f"--max-age={sessions.max_age}", "--remove-named-servers=True",
    ]  # fmt: skip
    return Service("idle-culler", command, ("list:users", "read:users:activity", "read:servers", "delete:servers"))


def reconciling(settings: HubSettings, policy: Policy) -> Service:
    """Stop sessions that see data which their owners may no longer see."""
    # Here, because it brings an HTTP client that a hub with demo people has no use for.
    from hub_config.identity.reconciling import SCOPES

    every = policy.sessions.reconcile
    command = [
        sys.executable, "-m", "hub_config.identity.reconciling", "--policy", str(settings.policy),
        f"--interval={every}", f"--notice={2 * every}",
    ]  # fmt: skip
    return Service("reconciling", command, SCOPES)


def renewing(settings: HubSettings, facts: Path) -> Service:
    """End the hub of a pod when what it has read at its start has changed; the cluster starts it again."""
    from hub_config.renewing import SCOPES

    command = [
        sys.executable, "-m", "hub_config.renewing", "--policy", str(settings.policy), "--cluster", str(facts),
    ]  # fmt: skip
    return Service("renewing", command, SCOPES)
