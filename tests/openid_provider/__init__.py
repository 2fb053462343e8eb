"""A real OpenID provider for tests: start it with people and claims, change them, revoke, and break it on purpose.

`openid_provider` starts it, `log_in` goes through its login page as a browser does. `requirements/install test` puts
its packages beside the hub's proxy.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

__all__ = ["OpenIDProvider", "free_port", "log_in", "openid_provider", "subject"]

SCRIPT = Path(__file__).with_name("provider.mjs")
NODE_MODULES = Path(sys.prefix) / "lib" / "openid_provider" / "node_modules"
# Discovery names them; a test names them to break them.
USERINFO, TOKEN, AUTHORIZE, DISCOVERY = "/me", "/token", "/auth", "/.well-known/openid-configuration"
# Claims of research AAIs; a claim must be known to the provider before a person may get it.
CLAIMS = [
    "name", "email", "preferred_username", "groups", "eduperson_entitlement", "entitlements", "eduperson_assurance",
    "voperson_id", "uidNumber", "gidNumber", "eduperson_scoped_affiliation",
]  # fmt: skip
SCOPES = [*CLAIMS, "aarc", "entitlement"]


def subject(person: str) -> str:
    """Subject identifier of `person`, opaque and always the same, as Keycloak makes them."""
    return str(uuid.UUID(bytes=hashlib.sha256(person.encode()).digest()[:16]))


def free_port() -> int:
    """A port of the loopback interface that was free just now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class OpenIDProvider:
    """A running provider and the handle to change it."""

    issuer: str
    client_id: str
    client_secret: str

    def set_claims(self, person: str, claims: Mapping[str, Any]) -> None:
        """Give `person` (login name) these claims from now on; `sub` is added where it is missing."""
        self._control(people={person: {"sub": subject(person), **claims}})

    def close_account(self, person: str) -> None:
        """End the account: no login, and every session and token of it is dead at once."""
        sub = self._control()["people"][person]["sub"]
        self._control(people={person: None}, revoke=[sub])

    def revoke(self, person: str) -> None:
        """End every session and token of `person`; she may log in again."""
        self._control(revoke=[self._control()["people"][person]["sub"]])

    def fault(
        self,
        path: str = "*",
        *,
        status: int = 0,
        body: str = "",
        content_type: str = "text/plain",
        delay: float = 0,
        hang: bool = False,
    ) -> None:
        """Break one address (or all): answer `status` and `body` instead, or after `delay` seconds, or never."""
        fault = {"status": status, "body": body, "type": content_type, "delay": delay, "hang": hang}
        self._control(faults={path: fault})

    def mend(self, path: str = "*") -> None:
        """Take a fault back."""
        self._control(faults={path: None})

    def requests(self, path: str) -> int:
        """How often an address was asked."""
        return int(self._control()["counts"].get(path, 0))

    def _control(self, **order: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.issuer}/control", json=order, timeout=10)
        answer.raise_for_status()
        return dict(answer.json())


@contextlib.contextmanager
def openid_provider(
    people: Mapping[str, Mapping[str, Any]],
    redirect_uris: Sequence[str],
    *,
    port: int | None = None,
    client_id: str = "panosc-hub",
    token_seconds: int = 600,
    refresh_tokens: bool = True,
) -> Iterator[OpenIDProvider]:
    """Run a provider on loopback that knows `people` (login name -> claims) and sends them back to `redirect_uris`.

    Parameters
    ----------
    people
        Claims for each login name. Without a ``sub`` the person gets `subject` of her name. Any password will do: the
        form asks for the name only.
    redirect_uris
        Where the provider may send people after login, e.g. ``<hub>/hub/oauth_callback``.
    port
        Port to listen on; ``None`` for a free one. The same port twice is the same issuer, after an outage.
    token_seconds
        Life of an access token.
    refresh_tokens
        Whether a login also gives a refresh token.
    """
    node = Path(sys.executable).with_name("node")
    if not NODE_MODULES.is_dir():
        raise FileNotFoundError(f"{NODE_MODULES} is missing: run `requirements/install test`")
    secret = uuid.uuid4().hex
    settings = {
        "port": port or free_port(),
        "client": {"client_id": client_id, "client_secret": secret, "redirect_uris": list(redirect_uris)},
        "people": {name: {"sub": subject(name), **claims} for name, claims in people.items()},
        "claims": CLAIMS,
        "scopes": SCOPES,
        "token_seconds": token_seconds,
        "refresh_tokens": refresh_tokens,
    }
    process = subprocess.Popen(
        [str(node), str(SCRIPT), str(NODE_MODULES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(settings))
        process.stdin.close()
        issuer = process.stdout.readline().strip()
        assert issuer.startswith("http://127.0.0.1:"), "the provider did not start; its reason is on standard error"
        yield OpenIDProvider(issuer, client_id, secret)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def log_in(browser: httpx.Client, address: str, person: str) -> httpx.Response:
    """Open `address` (the hub's ``/hub/oauth_login``) and log in as `person`; returns the page where that ends.

    `browser` must follow redirects; it keeps the cookies of the hub and of the provider.
    """
    page = browser.get(address)
    if not re.search(r"/login/[\w-]+$", page.url.path):
        return page
    return browser.post(str(page.url), data={"login": person})
