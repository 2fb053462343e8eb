"""Who asks the gateway for clusters: a running session, by the token that the hub gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, web
from dask_gateway_server.auth import JupyterHubAuthenticator, unauthorized
from dask_gateway_server.models import User

from hub_config.dask import owner_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SessionAuthenticator", "session_of_token"]


class SessionAuthenticator(JupyterHubAuthenticator):  # type: ignore[misc]  # dask-gateway ships no types
    """Lets in who shows the token of a running session; her clusters belong to that session and to no other of hers."""

    async def authenticate(self, request: Any) -> Any:
        """Ask the hub whose token this is, and of which session."""
        token = self.get_token(request)
        if token is None:
            raise unauthorized("jupyterhub")
        try:
            async with self.session.get(
                f"{self.jupyterhub_api_url}/user", headers={"Authorization": f"token {token}"}, ssl=self.ssl_context
            ) as answer:
                if answer.status in (401, 403, 404):
                    raise unauthorized("jupyterhub")
                answer.raise_for_status()
                model = await answer.json()
        except ClientError as error:
            self.log.error("The hub could not be asked about a token: %r", error)
            raise web.HTTPInternalServerError(reason="The hub does not answer; try again in a minute") from error
        server = session_of_token(model)
        if server is None:
            # Of all refusals dask-gateway's client shows the reason of this one.
            raise web.HTTPUnprocessableEntity(
                reason="Clusters are for sessions: use the token that a session of the hub has"
            )
        return User(owner_name(model["name"], server), groups=model.get("groups") or ())


def session_of_token(model: Mapping[str, Any]) -> str | None:
    """Return the name of the session that the token of the hub's `model` was made for; ``None`` for any other token."""
    if model.get("kind") != "user":
        return None
    prefix = f"access:servers!server={model['name']}/"
    named = [scope.removeprefix(prefix) for scope in model.get("scopes") or () if scope.startswith(prefix)]
    return named[0] if len(named) == 1 else None
