"""The identity section: what an operator may write, and what stops the hub."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hub_config.errors import HubConfigError
from hub_config.identity.addresses import is_safe
from hub_config.identity.presets import PRESETS
from hub_config.identity.provider import discover
from hub_config.identity.settings import SCHEMA, identity_settings

KEY = "0f" * 32
ENVIRONMENT = {"PANOSC_OIDC_CLIENT_ID": "hub", "PANOSC_OIDC_CLIENT_SECRET": "very-secret", "JUPYTERHUB_CRYPT_KEY": KEY}
CALLBACK = "https://hub.example.org/hub/oauth_callback"
MINIMAL: dict[str, dict[str, Any]] = {
    "egi": {"entitlements": {"proposals": "p.example:proposals"}},
    "geant": {"issuer": "https://x", "entitlements": {"namespace": "urn:geant:x", "proposals": "p:q"}},
    "keycloak": {"issuer": "https://x/realms/facility"},
    "oidc": {"issuer": "https://x"},
}


def settings(provider: str, /, **more: Any) -> Any:
    table = {"provider": provider, "callback_url": CALLBACK, **MINIMAL[provider]}
    return identity_settings({**table, **more}, ENVIRONMENT)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("provider", PRESETS)
def test_every_preset_needs_few_words(provider: str) -> None:
    made = settings(provider)
    assert made.allowed_groups == {"members"}
    assert "openid" in made.scopes
    assert "offline_access" in made.scopes
    assert (made.refresh.age, made.refresh.grace) == (300, 3600)
    assert made.user_name.claim in {"sub", "voperson_id"}


def test_what_the_operator_writes_goes_before_the_preset() -> None:
    made = settings("keycloak", refresh={"grace": 60}, group_claim={"claim": "roles"}, scopes=["openid"])
    assert (made.refresh.grace, made.refresh.age) == (60, 300)
    assert made.plain_groups.claim == "roles"
    assert made.plain_groups.proposal_prefix == "/proposals/"
    assert made.scopes == ("openid",)


def test_secrets_come_from_the_environment_or_a_file_and_show_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from-file\n")
    made = settings("oidc", client_secret=f"file:{file}")
    assert made.client_secret == "from-file"
    assert made.crypt_keys == (KEY,)
    assert "from-file" not in repr(made)
    assert KEY not in repr(made)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"client_secret": "very-secret"}, "identity.client_secret"),
        ({"client_secret": "file:/nowhere/at/all"}, "cannot be read"),
        ({"client_secret": "env:NOT_SET"}, "NOT_SET is empty"),
        ({"callback_url": "http://hub.example.org/hub/oauth_callback"}, "https"),
        ({"issuer": "http://login.example.org"}, "https"),
        ({"user_name": {"claim": "email"}}, "identity.user_name.claim"),
        ({"user_name": {"claim": "preferred_username"}}, "identity.user_name.claim"),
        ({"user_name": {"claim": "sub", "pattern": "("}}, "regular expression"),
        ({"allow_everybody": True, "allowed_groups": ["x"]}, "contradict"),
        ({"allowed_groups": []}, "identity.allowed_groups"),
        ({"refresh": {"age": 0}}, "identity.refresh.age"),
        ({"hub_groups": {"proposal-1": ["x"]}}, "identity.hub_groups"),
        ({"hub_groups": {"members": ["x"]}}, "identity.hub_groups"),
        ({"unknown": 1}, "unknown"),
        ({"provider": "facebook"}, "identity.provider"),
        ({"memberships": [{"registry": "relative.yaml"}]}, "absolute"),
        ({"memberships": [{"user_office": "http://office.example/{person}"}]}, "https"),
        ({"memberships": [{"user_office": "https://office.example/"}]}, "identity.memberships.0"),
        ({"lifetimes": {"token": 0}}, "identity.lifetimes.token"),
    ],
)
def test_what_must_not_be_is_refused_and_the_key_is_named(more: dict[str, Any], said: str) -> None:
    with pytest.raises(HubConfigError, match=said):
        settings("oidc", **more)


@pytest.mark.parametrize("keys", ["", "short", "zz" * 32, KEY + ";short"])
def test_no_good_crypt_key_no_hub(keys: str) -> None:
    table = {"provider": "oidc", "callback_url": CALLBACK, **MINIMAL["oidc"]}
    with pytest.raises(HubConfigError, match="crypt_keys"):
        identity_settings(table, {**ENVIRONMENT, "JUPYTERHUB_CRYPT_KEY": keys})


def test_two_keys_while_they_change() -> None:
    table = {"provider": "oidc", "callback_url": CALLBACK, **MINIMAL["oidc"]}
    made = identity_settings(table, {**ENVIRONMENT, "JUPYTERHUB_CRYPT_KEY": f"{KEY};{'1e' * 32}"})
    assert len(made.crypt_keys) == 2


@pytest.mark.parametrize("missing", ["namespace", "proposals"])
def test_entitlements_need_a_namespace_and_a_group(missing: str) -> None:
    section = {k: v for k, v in MINIMAL["geant"]["entitlements"].items() if k != missing}
    with pytest.raises(HubConfigError, match="nothing says|missing"):
        settings("geant", entitlements=section)


@pytest.mark.parametrize("address", ["https://a.example", "http://127.0.0.1:1", "http://localhost", "http://[::1]:2"])
def test_safe_addresses(address: str) -> None:
    assert is_safe(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://a.example",
        "http://127.0.0.1.example",
        "http://10.0.0.1",
        "ftp://a",
        "https://",
        "a.example",
        "",
        "http://",
    ],
)
def test_unsafe_addresses(address: str) -> None:
    assert not is_safe(address)


Answer = tuple[int, bytes]


@pytest.fixture
def serving() -> Iterator[Callable[[Callable[[str], Answer]], str]]:
    """Start a real server that answers every request as told; returns its address."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def start(answer: Callable[[str], Answer]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answer(f"http://{self.headers['Host']}")
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def document(address: str, **changes: Any) -> bytes:
    endpoints = {f"{name}_endpoint": f"{address}/{name}" for name in ("authorization", "token", "userinfo")}
    merged = {"issuer": address, **endpoints, **changes}
    return json.dumps({k: v for k, v in merged.items() if v is not None}).encode()


def test_the_discovery_document_gives_the_addresses(serving: Any) -> None:
    issuer = serving(lambda me: (200, document(me, end_session_endpoint=f"{me}/end")))
    found = discover(issuer)
    assert (found.authorization, found.token) == (f"{issuer}/authorization", f"{issuer}/token")
    assert (found.userinfo, found.end_session) == (f"{issuer}/userinfo", f"{issuer}/end")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda me: (404, b"no"), "cannot be read"),
        (lambda me: (302, b""), "cannot be read"),
        (lambda me: (200, b"<html>"), "not JSON"),
        (lambda me: (200, b"[]"), "no object"),
        (lambda me: (200, b"[" * 200_000), "not JSON"),
        (lambda me: (200, b" " * (2 << 20)), "not JSON"),
        (lambda me: (200, document(me, issuer=f"{me}/")), "another issuer"),
        (lambda me: (200, document(me, issuer=None)), "another issuer"),
        (lambda me: (200, document(me, userinfo_endpoint=None)), "userinfo_endpoint"),
        (lambda me: (200, document(me, token_endpoint="http://evil.example/token")), "https"),
        (lambda me: (200, document(me, code_challenge_methods_supported=["plain"])), "PKCE"),
    ],
)
def test_a_document_that_is_none_stops_the_hub(serving: Any, answer: Any, said: str) -> None:
    with pytest.raises(HubConfigError, match=said):
        discover(serving(answer))


def test_a_hub_starts_again_while_its_provider_is_down(serving: Any, tmp_path: Path) -> None:
    kept, down = tmp_path / "provider.json", []
    issuer = serving(lambda me: (503, b"") if down else (200, document(me)))
    found = discover(issuer, kept=kept)
    down.append(True)
    assert discover(issuer, kept=kept) == found
    with pytest.raises(HubConfigError, match="cannot be read"):
        discover(issuer, kept=tmp_path / "other.json")
    with pytest.raises(HubConfigError, match="another issuer"):
        discover(f"{issuer}/", kept=kept)


def test_a_provider_that_cannot_be_reached_stops_the_hub() -> None:
    with pytest.raises(HubConfigError, match="reachable"):
        discover("http://127.0.0.1:9", timeout=2)


def examples(repository: Path) -> list[dict[str, Any]]:
    page = (repository / "docs" / "operating" / "identity.md").read_text(encoding="utf-8")
    return [yaml.safe_load(block)["identity"] for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]


def test_every_example_of_the_operators_page_is_one(repository: Path, tmp_path: Path) -> None:
    found = examples(repository)
    assert {example["provider"] for example in found} == set(PRESETS)
    secret = tmp_path / "secret"
    secret.write_text("s")
    for example in found:
        for row in example.get("memberships", []):
            if "token" in row:
                row["token"] = f"file:{secret}"
        identity_settings(example, ENVIRONMENT)
