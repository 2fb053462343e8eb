"""A running session that sees too much ends, soon, whoever sits before it; and none ends for another reason."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub_config.identity.reconciling import SCOPES, Reconciler, surplus
from tests.integration.hub.conftest import eventually
from tests.openid_provider import USERINFO, subject

PEOPLE: dict[str, dict[str, Any]] = {
    name: {"groups": ["/proposals/2026-1", "/proposals/2026-2", "/users"]} for name in ("alice", "bob", "carol", "dora")
}
SHORT = {"refresh": {"age": 2, "grace": 60, "timeout": 1}}


@pytest.fixture(scope="module")
def hub(start_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    scopes = {"reconciling": list(SCOPES)}
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE, identity=SHORT, scopes=scopes) as running:
        yield running


@pytest.fixture
def client(hub: Any) -> Iterator[httpx.Client]:
    headers = {
        "Authorization": f"token {hub.services['reconciling']}", "Accept": "application/jupyterhub-pagination+json",
    }  # fmt: skip
    with httpx.Client(base_url=f"{hub.url}/hub/api", headers=headers) as made:
        yield made


def session(hub: Any, person: str) -> None:
    browser, _ = hub.log_in(person)
    token = hub.token(browser, person)
    assert hub.start_session(person, token) == 201
    assert hub.user(person)["servers"][""]["state"]["panosc_proposals"] == ["2026-1", "2026-2"]


def test_a_silent_session_ends_after_the_notice_when_a_proposal_is_withdrawn(hub: Any, client: httpx.Client) -> None:
    session(hub, "alice")
    hub.provider.set_claims("alice", {"groups": ["/proposals/2026-1", "/users"]})
    # Nobody sends a request for alice: the hub's rounds find it out.
    eventually(lambda: hub.proposals("alice") == {"proposal-2026-1"}, seconds=10)
    clock = [0.0]
    reconciler = Reconciler(client, tuple, notice=120, clock=lambda: clock[0])
    assert reconciler.look() == []
    clock[0] = 119
    assert reconciler.look() == []
    assert hub.user("alice")["servers"][""]["ready"]
    clock[0] = 120
    [stopped] = reconciler.look()
    assert (stopped.user, stopped.proposals) == (subject("alice"), ("2026-2",))
    eventually(lambda: not hub.user("alice")["servers"], seconds=10)
    assert reconciler.look() == []


def test_what_has_become_open_ends_nothing_and_neither_does_what_came_back(hub: Any, client: httpx.Client) -> None:
    session(hub, "bob")
    hub.provider.set_claims("bob", {"groups": ["/users"]})
    eventually(lambda: not hub.proposals("bob"), seconds=10)
    opened = Reconciler(client, lambda: {"2026-1", "2026-2"}, notice=0)
    assert opened.look() == []
    clock = [0.0]
    half = Reconciler(client, lambda: {"2026-1"}, notice=10, clock=lambda: clock[0])
    assert half.look() == []
    hub.provider.set_claims("bob", PEOPLE["bob"])
    eventually(lambda: hub.proposals("bob") == {"proposal-2026-1", "proposal-2026-2"}, seconds=10)
    clock[0] = 20
    assert half.look() == []
    assert hub.user("bob")["servers"][""]["ready"]


def test_a_closed_account_loses_its_session_as_a_service_of_the_hub_sees_it(hub: Any, tmp_path: Path) -> None:
    session(hub, "carol")
    policy = tmp_path / "panosc.yaml"
    policy.write_text("facility: F\nroots: {data: {path: .}}\n", encoding="utf-8")
    command = [sys.executable, "-m", "hub_config.identity.reconciling", "--policy", str(policy)]
    environment = {
        **os.environ, "JUPYTERHUB_API_URL": f"{hub.url}/hub/api", "JUPYTERHUB_API_TOKEN": hub.services["reconciling"],
    }  # fmt: skip
    said = tmp_path / "said"
    with said.open("wb") as log:
        service = subprocess.Popen([*command, "--interval", "0.5", "--notice", "1"], env=environment, stderr=log)
    try:
        time.sleep(3)
        assert hub.user("carol")["servers"][""]["ready"], "as long as she may see it, it runs"
        hub.provider.close_account("carol")
        eventually(lambda: not hub.user("carol")["servers"], seconds=15)
        # The session is gone before the service has heard that it is.
        line = f"Session {subject('carol')}/ stopped: no longer granted 2026-1, 2026-2"
        eventually(lambda: line in said.read_text(encoding="utf-8"), seconds=10)
    finally:
        service.terminate()
        service.wait(10)


def test_an_outage_ends_no_session(hub: Any, client: httpx.Client) -> None:
    session(hub, "dora")
    asked = hub.provider.requests(USERINFO)
    hub.provider.fault(USERINFO, status=500)
    try:
        eventually(lambda: hub.provider.requests(USERINFO) > asked + 2, seconds=20)
        assert Reconciler(client, tuple, notice=0).look() == []
    finally:
        hub.provider.mend(USERINFO)
    assert hub.proposals("dora") == {"proposal-2026-1", "proposal-2026-2"}


def test_it_can_do_nothing_else(hub: Any) -> None:
    """Its token is refused everywhere but where it is needed."""
    user = subject("dora")
    hub.log_in("dora")
    refused = [
        ("POST", f"/users/{user}/server"), ("POST", f"/users/{user}/tokens"), ("DELETE", f"/users/{user}"),
        ("PATCH", f"/users/{user}"), ("POST", "/users/somebody"), ("POST", "/groups/proposal-2026-1/users"),
        ("GET", "/proxy"), ("GET", "/services"), ("POST", "/shutdown"), ("GET", f"/users/{user}/tokens"),
    ]  # fmt: skip
    answers = {(m, p): hub.api(m, p, "reconciling", json={}).status_code for m, p in refused if m != "GET"}
    answers |= {(m, p): hub.api(m, p, "reconciling").status_code for m, p in refused if m == "GET"}
    assert {call: status for call, status in answers.items() if status not in {403, 404}} == {}
    assert "auth_state" not in hub.api("GET", f"/users/{user}", "reconciling").json()


def test_a_hub_that_does_not_answer_stops_nothing() -> None:
    with httpx.Client(base_url="http://127.0.0.1:9/hub/api") as dead, pytest.raises(httpx.HTTPError):
        Reconciler(dead, tuple, notice=0).look()


def test_only_what_runs_and_is_lost_counts() -> None:
    server = {"state": {"panosc_proposals": ["1", "2"]}, "started": "t", "stopped": False}
    user = {"name": "u", "groups": ["proposal-1"], "servers": {"": server, "x": server | {"stopped": True}}}
    [found] = surplus(user, lambda _: False)
    assert (found.server, found.proposals) == ("", ("2",))
    assert list(surplus(user | {"servers": {"": {"state": None}, "y": {"state": {}}}}, lambda _: False)) == []
