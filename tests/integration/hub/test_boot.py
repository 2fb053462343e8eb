"""A hub does not start with settings that weaken who is let in, whoever wrote them and wherever."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.app import JupyterHub
from jupyterhub.crypto import CryptKeeper
from traitlets.config import Config

from hub_config.authentication import configure_identity
from hub_config.configurer import configure_docker
from hub_config.identity.boot_checks import weaknesses
from hub_config.identity.settings import identity_settings
from hub_config.settings import HubSettings
from tests.openid_provider import OpenIDProvider, openid_provider

ENVIRONMENT = {"PANOSC_OIDC_CLIENT_ID": "h", "PANOSC_OIDC_CLIENT_SECRET": "s", "JUPYTERHUB_CRYPT_KEY": "1f" * 32}
WEAK = {
    "c.JupyterHub.authenticator_class = 'dummy'": "DummyAuthenticator",
    "c.JupyterHub.authenticator_class = 'generic-oauth'": "GenericOAuthenticator",
    "c.InstituteAuthenticator.auth_refresh_age = 0": "auth_refresh_age is 0",
    "c.InstituteAuthenticator.auth_refresh_age = 7200": "auth_refresh_age is 7200",
    "c.InstituteAuthenticator.auth_refresh_strict = False": "auth_refresh_strict",
    "c.InstituteAuthenticator.refresh_pre_spawn = False": "refresh_pre_spawn",
    "c.InstituteAuthenticator.enable_auth_state = False": "enable_auth_state",
    "c.InstituteAuthenticator.allow_all = True": "allow_all is True",
    "c.InstituteAuthenticator.allow_existing_users = True": "allow_existing_users",
    "c.InstituteAuthenticator.allowed_groups = set(); c.InstituteAuthenticator.admin_groups = set()": "allowed_groups",
    "c.InstituteAuthenticator.allowed_scopes = ['openid']": "allowed_scopes",
    "c.InstituteAuthenticator.userdata_url = 'http://login.example/userinfo'": "userdata_url",
    "c.InstituteAuthenticator.token_url = ''": "token_url",
    "c.InstituteAuthenticator.oauth_callback_url = ''": "oauth_callback_url",
    "c.InstituteAuthenticator.enable_pkce = False": "enable_pkce",
    "c.InstituteAuthenticator.validate_server_cert = False": "validate_server_cert",
    "c.InstituteAuthenticator.userdata_token_method = 'url'": "userdata_token_method",
    "c.GenericOAuthenticator.username_claim = 'email'": "username_claim is set",
    "c.OAuthenticator.auth_state_groups_key = 'oauth_user.groups'": "auth_state_groups_key is set",
    "c.InstituteAuthenticator.refresh_user_hook = lambda *a: True": "refresh_user_hook is set",
    "c.CryptKeeper.keys = []": "CryptKeeper.keys is empty",
    "c.JupyterHub.token_expires_in_max_seconds = 0": "token_expires_in_max_seconds is 0",
    "c.JupyterHub.cookie_max_age_days = 400": "cookie_max_age_days is 400",
}  # fmt: skip


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIDProvider]:
    with openid_provider({}, ["http://127.0.0.1/hub/oauth_callback"]) as running:
        yield running


@pytest.fixture
def found(provider: OpenIDProvider) -> Iterator[Any]:
    """Configure, write more lines, and say what is weak in a hub made from that."""

    def check(lines: str = "", **identity: Any) -> list[str]:
        table = {"provider": "oidc", "issuer": provider.issuer, "callback_url": "http://127.0.0.1/hub/oauth_callback"}
        c = Config()
        configure_identity(c, identity_settings(table | identity, ENVIRONMENT), known_proposals={"1"})
        exec(lines, {"c": c})
        app = JupyterHub.instance(config=c, log=logging.getLogger("hub"))
        app.db = None  # a hub has its database before its authenticator
        return list(weaknesses(app, app.authenticator))

    yield check
    JupyterHub.clear_instance()
    CryptKeeper.clear_instance()


def test_what_the_project_configures_is_not_weak(found: Any) -> None:
    assert found() == []


def test_everybody_may_be_let_in_on_purpose(found: Any) -> None:
    assert found(allow_everybody=True) == []


@pytest.mark.parametrize(("lines", "said"), WEAK.items(), ids=WEAK)
def test_each_weakness_is_found_and_named(found: Any, lines: str, said: str) -> None:
    [weakness] = found(lines)
    assert said in weakness


def test_tokens_in_addresses_are_refused(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_ALLOW_TOKEN_IN_URL", "1")
    [weakness] = found()
    assert "JUPYTERHUB_ALLOW_TOKEN_IN_URL" in weakness


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"last_lines": "c.JupyterHub.authenticator_class = 'dummy'"}, "DummyAuthenticator"),
        ({"last_lines": "c.InstituteAuthenticator.auth_refresh_age = 0"}, "auth_refresh_age is 0"),
        ({"arguments": ["--InstituteAuthenticator.auth_refresh_strict=False"]}, "auth_refresh_strict is False"),
        ({"identity": {"issuer": "http://127.0.0.1:9"}}, "Is the issuer right"),
        ({"identity": {"crypt_keys": "env:NOT_SET"}}, "NOT_SET is empty"),
    ],
)
def test_a_real_hub_is_not_started_and_says_why(
    start_hub: Any, tmp_path_factory: pytest.TempPathFactory, last: dict[str, Any], said: str
) -> None:
    with start_hub(tmp_path_factory.mktemp("hub"), {}, **last) as hub:
        assert hub.process.poll() not in {None, 0}
        assert said in hub.log


def test_the_docker_deployment_logs_in_where_the_policy_says(
    provider: OpenIDProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "2026-1").mkdir(parents=True)
    policy = tmp_path / "panosc.yaml"
    policy.write_text(
        "facility: F\nroots: {data: {path: data}}\nproposals: {list: [{id: 2026-1, root: data, directory: 2026-1}]}\n"
        f"identity:\n  provider: oidc\n  issuer: {provider.issuer}\n"
        "  callback_url: http://127.0.0.1/hub/oauth_callback\n"
    )
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    settings = HubSettings(state=tmp_path / "state", policy=policy, host="127.0.0.1", port=1, hub_port=2, proxy_port=3)
    settings.state.mkdir()
    c = Config()
    configure_docker(c, settings)
    try:
        app = JupyterHub.instance(config=c, log=logging.getLogger("hub"))
        app.db = None
        assert list(weaknesses(app, app.authenticator)) == []
        person = app.authenticator.reader.person({"groups": ["proposal-2026-1", "proposal-2026-2"]})
        assert (person.proposals, person.elsewhere) == ({"2026-1"}, {"2026-2"})
        policy.write_text(policy.read_text().replace("id: 2026-1", "id: 2026-2"))
        person = app.authenticator.reader.person({"groups": ["proposal-2026-1", "proposal-2026-2"]})
        assert person.proposals == {"2026-2"}, "a proposal that the policy gains counts without a restart"
    finally:
        JupyterHub.clear_instance()
        CryptKeeper.clear_instance()
    assert [s["name"] for s in c.JupyterHub.services if "reconciling" in s["name"]] == ["reconciling"]
    assert "SharedPasswordAuthenticator" not in c
    assert "load_groups" not in c.JupyterHub
    assert list((tmp_path / "state").glob("openid-provider.json"))
