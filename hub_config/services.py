"""What runs beside the hub, and with which rights."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub_config.registry import Registry
    from hub_config.settings import HubSettings

__all__ = ["catalogue", "groups"]


def groups(c: Any, settings: HubSettings, registry: Registry) -> None:
    """Make one hub group for each proposal and role, from the registry's members."""
    members = {p.group: {"users": [m for m in p.members if m in settings.people]} for p in registry.proposals}
    roles = {"instructors": settings.instructors, "operators": settings.operators}
    c.JupyterHub.load_groups = members | {name: {"users": list(people)} for name, people in roles.items()}


def catalogue(c: Any, settings: HubSettings) -> None:
    """Run the search API beside the hub.

    It asks the hub with the asking person's own token which groups she is in; it holds no right of its own.
    """
    if settings.index is None:
        return
    membership = f"http://127.0.0.1:{settings.hub_port}/hub/api/user"
    command = [
        sys.executable, "-m", "panosc_analysis", "catalogue", "serve", "--index", str(settings.index),
        "--port", str(settings.catalogue_port), "--membership", membership,
    ]  # fmt: skip
    c.JupyterHub.services = [{"name": "catalogue", "command": command}]
