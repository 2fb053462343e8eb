"""The proxy's routes, looked at again and again without taking its traffic for anybody's work."""

from __future__ import annotations

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy

__all__ = ["QuietProxy"]


class QuietProxy(ConfigurableHTTPProxy):  # type: ignore[misc]  # JupyterHub ships no types
    """Leaves out when each route was used last: a desktop's picture is traffic; sessions say themselves what is work.

    JupyterHub restores the routes of a proxy that was restarted only together with reading those times.
    """

    async def get_all_routes(self) -> dict[str, Any]:
        """Return the routes that the proxy has now."""
        routes: dict[str, Any] = await super().get_all_routes()
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes
