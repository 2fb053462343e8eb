"""A session that starts quickly: asks the hub who is there, as JupyterLab does, and says what it was started with.

``python light_server.py``; JupyterHub's spawner gives the rest by the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import web

# A session remembers for five minutes whom the hub let in; here for a second, to see what the hub says.
REMEMBERED = int(os.environ.get("REMEMBERED", "1"))
HUB = HubOAuth(cache_max_age=REMEMBERED)


class Callback(HubOAuthCallbackHandler):  # type: ignore[misc]
    """Where the hub sends people back to."""

    hub_auth = HUB


class Who(HubOAuthenticated, web.RequestHandler):  # type: ignore[misc]
    """Answers to whoever the hub lets in."""

    hub_auth = HUB

    @web.authenticated
    def get(self) -> None:
        self.write({"user": self.get_current_user()["name"], "environment": dict(os.environ)})


async def main() -> None:
    url, prefix = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]), os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    routes = [(prefix + "oauth_callback", Callback), (prefix + ".*", Who)]
    web.Application(routes, cookie_secret=os.urandom(32)).listen(url.port, url.hostname)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
