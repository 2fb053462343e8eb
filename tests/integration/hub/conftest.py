"""A real hub in front of a real OpenID provider, both on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.openid_provider import OpenIDProvider, free_port, log_in, openid_provider, subject

CONFIGURATION = Path(__file__).with_name("hub_configuration.py")
SCOPES = {
    "reader": ["list:users", "read:users", "read:servers", "admin:server_state", "admin:auth_state", "read:metrics"],
    "starter": ["servers", "read:users:name"],
}


class HubProcess:
    """The hub's process, which can be started again; its sessions outlive it."""

    def __init__(self, command: list[str], environment: dict[str, str], directory: Path, url: str) -> None:
        self.command, self.environment, self.directory, self.url = command, environment, directory, url
        self.family: list[psutil.Process] = []

    def start(self) -> None:
        """Start it; returns when it answers or has ended."""
        with (self.directory / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=self.directory, stdout=log, stderr=subprocess.STDOUT
            )
        eventually(lambda: self.poll() is not None or self._answers(), seconds=60)

    def stop(self) -> None:
        """End it in order; sessions stay."""
        if self.poll() is None:
            self.family += psutil.Process(self.process.pid).children(recursive=True)
        self.process.terminate()
        self.process.wait(20)

    def end(self) -> None:
        """End it, and whatever it has left behind."""
        self.stop()
        for child in self.family:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        return self.process.poll()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/hub/health", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


@dataclass(frozen=True)
class Hub:
    """A running hub and its provider."""

    url: str
    provider: OpenIDProvider
    services: dict[str, str]
    state: Path
    process: HubProcess
    browsers: contextlib.ExitStack

    @property
    def log(self) -> str:
        """Everything the hub said until now."""
        return (self.state / "hub.log").read_text(encoding="utf-8", errors="replace")

    def browser(self) -> httpx.Client:
        """A browser without cookies; closed with the hub."""
        return self.browsers.enter_context(httpx.Client(follow_redirects=True, timeout=30))

    def log_in(self, person: str) -> tuple[httpx.Client, httpx.Response]:
        """A browser in which `person` has just logged in, and the page where that ended."""
        browser = self.browser()
        return browser, log_in(browser, f"{self.url}/hub/oauth_login?next=/hub/home", person)

    def api(self, method: str, path: str, token: str, **body: Any) -> httpx.Response:
        """Ask the hub's API with `token`, or with the token of the service of that name."""
        headers = {"Authorization": f"token {self.services.get(token, token)}"}
        return httpx.request(method, f"{self.url}/hub/api{path}", headers=headers, timeout=30, **body)

    def user(self, person: str) -> dict[str, Any]:
        """What the hub knows about `person`."""
        return dict(self.api("GET", f"/users/{subject(person)}", "reader").raise_for_status().json())

    def proposals(self, person: str) -> set[str]:
        """Groups of `person` that are proposals."""
        return {name for name in self.user(person)["groups"] if name.startswith("proposal-")}

    def token(self, browser: httpx.Client, person: str) -> str:
        """Make an API token by the cookie, as the token page does."""
        answer = browser.post(
            f"{self.url}/hub/api/users/{subject(person)}/tokens",
            json={"note": "test"},
            headers={"X-XSRFToken": browser.cookies.get("_xsrf", path="/hub/") or ""},
        )
        return str(answer.raise_for_status().json()["token"])

    def start_session(self, person: str, token: str) -> int:
        """Start a session by API; returns the status once it runs (201), or the one of the refusal."""
        answer = self.api("POST", f"/users/{subject(person)}/server", token)
        if answer.status_code in {201, 202}:
            eventually(lambda: self.user(person)["servers"].get("", {}).get("ready"), seconds=20)
            return 201
        return answer.status_code

    def session(self, person: str, token: str) -> httpx.Response:
        """Ask the session of `person` itself, as JupyterLab in a browser does."""
        headers = {"Authorization": f"token {token}"}
        return httpx.get(f"{self.url}/user/{subject(person)}/", headers=headers, timeout=30)


def eventually(true: Callable[[], Any], *, seconds: float) -> float:
    """Wait until `true()` is; returns how long that took."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < seconds, f"not within {seconds} s"
        time.sleep(0.1)
    return time.monotonic() - started


@contextlib.contextmanager
def running_hub(
    directory: Path,
    people: dict[str, dict[str, Any]],
    *,
    identity: dict[str, Any] | None = None,
    proposals: tuple[str, ...] = ("2026-1", "2026-2"),
    scopes: dict[str, list[str]] | None = None,
    last_lines: str = "",
    arguments: Sequence[str] = (),
    token_seconds: int = 600,
    refresh_tokens: bool = True,
) -> Iterator[Hub]:
    """Start provider and hub; `last_lines` and `arguments` are what an operator adds to the project's settings."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    services = {name: uuid.uuid4().hex for name in SCOPES | (scopes or {})}
    tokens = {"token_seconds": token_seconds, "refresh_tokens": refresh_tokens}
    with openid_provider(people, [f"{url}/hub/oauth_callback"], **tokens) as provider:  # type: ignore[arg-type]
        table = {
            "provider": "keycloak", "issuer": provider.issuer, "callback_url": f"{url}/hub/oauth_callback",
            "user_name": {"claim": "sub"}, "hub_groups": {"operators": ["/operators"], "users": ["/users"]},
            "allowed_groups": ["members", "users"], **(identity or {}),
        }  # fmt: skip
        test = {
            "identity": table, "proposals": proposals, "state": str(directory), "url": url,
            "ports": [free_port(), free_port()], "services": services, "scopes": SCOPES | (scopes or {}),
            "last_lines": last_lines,
        }  # fmt: skip
        environment = {
            **os.environ, "HUB_TEST": json.dumps(test), "JUPYTERHUB_CRYPT_KEY": "5a" * 32,
            "PANOSC_OIDC_CLIENT_ID": provider.client_id, "PANOSC_OIDC_CLIENT_SECRET": provider.client_secret,
        }  # fmt: skip
        command = [sys.executable, "-m", "jupyterhub", "-f", str(CONFIGURATION), *arguments]
        process = HubProcess(command, environment, directory, url)
        try:
            process.start()
            with contextlib.ExitStack() as browsers:
                yield Hub(url, provider, services, directory, process, browsers)
        finally:
            process.end()


HubFactory = Callable[..., AbstractContextManager[Hub]]


@pytest.fixture(scope="session")
def start_hub() -> HubFactory:
    """`running_hub`, for tests that need a hub of their own."""
    return running_hub
