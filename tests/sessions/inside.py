"""Talk to a hub as people's browsers and scripts do, and run code inside a session through its own kernel."""

from __future__ import annotations

import json
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import websocket

__all__ = ["Failure", "Person", "log_in_with_password"]


@dataclass(frozen=True)
class Failure:
    """A start that did not succeed: HTTP status and what the person reads."""

    status: int
    message: str


@dataclass
class Person:
    """Somebody with a login cookie and a token of her own."""

    url: str
    name: str
    browser: httpx.Client
    token: str = field(default="", repr=False)
    kernels: dict[str, str] = field(default_factory=dict)

    def api(self, method: str, path: str, **keywords: Any) -> httpx.Response:
        """Ask the hub's REST API with the person's own token."""
        headers = {"Authorization": f"token {self.token}"}
        return httpx.request(method, f"{self.url}/hub/api{path}", headers=headers, timeout=60, **keywords)

    def start(self, server: str = "", options: object = None, *, timeout: float = 90) -> Failure | None:
        """Start a session; returns once it is ready, or what went wrong."""
        body = {"user_options": options} if options is not None else {}
        answer = self.api("POST", self._server(server), json=body)
        if answer.status_code not in (201, 202):
            return Failure(answer.status_code, answer.json().get("message", ""))
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = self.api("GET", f"/users/{self.name}").json()["servers"].get(server)
            if found is None or (not found["ready"] and not found["pending"]):
                return Failure(500, self._why(server))
            if found["ready"]:
                return None
            time.sleep(0.1)
        raise AssertionError(f"the session of {self.name} is neither ready nor failed after {timeout} s")

    def _why(self, server: str) -> str:
        """Why a start failed that was still going on when it was answered."""
        said = self.api("GET", f"{self._server(server)}/progress").text
        events = [json.loads(line.removeprefix("data:")) for line in said.splitlines() if line.startswith("data:")]
        return str(events[-1]["message"]) if events else said

    def stop(self, server: str = "") -> None:
        """Stop a session and wait until it is gone."""
        self.kernels.pop(server, None)
        answer = self.api("DELETE", self._server(server), json={"remove": True} if server else None)
        assert answer.status_code in (202, 204, 404), answer.text
        deadline = time.monotonic() + 30
        while server in self.servers() and (self.servers()[server]["pending"] or self.servers()[server]["ready"]):
            assert time.monotonic() < deadline, "the session does not stop"
            time.sleep(0.1)

    def servers(self) -> dict[str, Any]:
        """The person's servers as the hub describes them."""
        return dict(self.api("GET", f"/users/{self.name}").json()["servers"])

    def run(self, code: str, server: str = "", *, timeout: float = 60) -> str:
        """Run code in a kernel of the session (the same one each time); returns what it printed.

        An exception in the code fails the test with its traceback.
        """
        printed: list[str] = []
        channel = self._kernel(server, timeout)
        try:
            message = _request(code)
            channel.send(json.dumps(message))
            while True:
                answer = json.loads(channel.recv())
                if answer.get("parent_header", {}).get("msg_id") != message["header"]["msg_id"]:
                    continue
                kind, content = answer["msg_type"], answer["content"]
                if kind == "stream":
                    printed.append(content["text"])
                elif kind == "error":
                    raise AssertionError("\n".join(content["traceback"]))
                elif kind == "status" and content["execution_state"] == "idle":
                    return "".join(printed)
        finally:
            channel.close()

    def begin(self, code: str, server: str = "") -> None:
        """Start code in the session's kernel, and leave."""
        channel = self._kernel(server, 30)
        channel.send(json.dumps(_request(code)))
        while json.loads(channel.recv())["msg_type"] != "execute_input":
            pass
        channel.close()

    def asked(self, code: str, server: str = "", **keywords: Any) -> Any:
        """Run code that prints one JSON value, and return the value."""
        return json.loads(self.run(code, server, **keywords))

    def session_url(self, server: str = "") -> str:
        """Address of a session."""
        return f"{self.url}/user/{self.name}/{server}".rstrip("/")

    def _server(self, server: str) -> str:
        return f"/users/{self.name}/servers/{server}" if server else f"/users/{self.name}/server"

    def _kernel(self, server: str, timeout: float) -> websocket.WebSocket:
        headers = {"Authorization": f"token {self.token}"}
        if server not in self.kernels:
            answer = httpx.post(f"{self.session_url(server)}/api/kernels", headers=headers, json={}, timeout=60)
            assert answer.status_code == 201, answer.text
            self.kernels[server] = answer.json()["id"]
        address = self.session_url(server).replace("http://", "ws://")
        return websocket.create_connection(
            f"{address}/api/kernels/{self.kernels[server]}/channels",
            header=[f"{key}: {value}" for key, value in headers.items()],
            timeout=timeout,
        )


def log_in_with_password(url: str, name: str, password: str, browsers: ExitStack) -> Person:
    """Log in on the hub's own page, and get a token there; the browser is closed with `browsers`."""
    browser = browsers.enter_context(httpx.Client(base_url=url, follow_redirects=True, timeout=60))
    browser.get("/hub/login")
    form = {"username": name, "password": password, "_xsrf": browser.cookies.get("_xsrf", path="/hub/")}
    answer = browser.post("/hub/login", data=form, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    person = Person(url, name, browser)
    person.token = new_token(browser, name)
    return person


def new_token(browser: httpx.Client, name: str) -> str:
    """Make an API token as the hub's token page does."""
    headers = {
        "X-XSRFToken": str(browser.cookies.get("_xsrf", path="/hub/")),
        "Referer": f"{browser.base_url}hub/token",
    }
    answer = browser.post(f"/hub/api/users/{name}/tokens", headers=headers, json={"note": "tests"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def _request(code: str) -> dict[str, Any]:
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    header = {"msg_id": uuid.uuid4().hex, "username": "", "session": uuid.uuid4().hex, "msg_type": "execute_request"}
    return {"header": header | {"version": "5.3"}, "parent_header": {}, "metadata": {}, "content": content,
            "channel": "shell", "buffers": []}  # fmt: skip
