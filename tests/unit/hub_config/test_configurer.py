"""The hub's configuration as data: what a local hub is started with, and with what it is not."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
import tomllib
from pathlib import Path

import pytest
from jupyterhub.app import JupyterHub
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from hub_config.authentication import make_password
from hub_config.cluster import read_cluster
from hub_config.configurer import configure_docker, configure_kubernetes, configure_local
from hub_config.errors import HubConfigError
from hub_config.settings import Catalogue, HubSettings, read_settings, write_settings

SECTIONS = {
    "JupyterHub",
    "GovernedSpawner",
    "DockerSession",
    "ConfigurableHTTPProxy",
    "SharedPasswordAuthenticator",
    "Authenticator",
    "LocalSpawner",
    "Spawner",
}


@pytest.fixture
def settings(tmp_path: Path) -> HubSettings:
    (tmp_path / "facility.json").write_text(
        json.dumps({"proposals": [{"id": "hc-1", "directory": "hc-1", "members": ["alice", "eve"]}]})
    )
    policy = tmp_path / "panosc.yaml"
    policy.write_text('facility: F "1"\nroots: {data: {path: .}}\nproposals: {files: [facility.json]}\n')
    state = tmp_path / "state"
    state.mkdir()
    return HubSettings(
        state=state, policy=policy, host="127.0.0.1", port=1, hub_port=2, proxy_port=3,
        catalogues=(Catalogue("catalogue", tmp_path / "index.sqlite", 4),),
        password=make_password(), admin_password=make_password(admin=True),
    )  # fmt: skip


@pytest.fixture
def configured(settings: HubSettings) -> Config:
    c = Config()
    configure_local(c, settings)
    return c


@pytest.fixture
def containers(settings: HubSettings) -> Config:
    c = Config()
    configure_docker(c, dataclasses.replace(settings, internal="172.30.0.1"))
    return c


def test_every_address_is_loopback(configured: Config) -> None:
    addresses = [
        configured.JupyterHub.bind_url,
        configured.JupyterHub.hub_bind_url,
        configured.ConfigurableHTTPProxy.api_url,
    ]
    assert all(a.startswith("http://127.0.0.1:") for a in addresses)
    assert configured.Spawner.ip == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "hub.example.org", "", "127.0.0.1.example.org"])
def test_any_other_address_is_refused_with_the_reason(settings: HubSettings, host: str) -> None:
    with pytest.raises(HubConfigError, match="container for each person"):
        configure_local(Config(), dataclasses.replace(settings, host=host))


def test_only_named_people_may_log_in(configured: Config) -> None:
    assert configured.Authenticator.allowed_users == {"alice", "bob", "ines", "oskar"}
    assert configured.Authenticator.allow_all is False
    assert configured.Authenticator.admin_users == {"oskar"}


def test_a_hub_without_password_is_refused(settings: HubSettings) -> None:
    for missing in ({"password": ""}, {"admin_password": ""}):
        with pytest.raises(HubConfigError, match="no password"):
            configure_local(Config(), dataclasses.replace(settings, **missing))  # type: ignore[arg-type]


def test_groups_come_from_the_registry_and_hold_only_people_of_this_hub(configured: Config) -> None:
    assert configured.JupyterHub.load_groups["proposal-hc-1"] == {"users": ["alice"]}
    assert configured.JupyterHub.load_groups["instructors"] == {"users": ["ines"]}


def test_the_catalogue_holds_no_right_of_its_own(configured: Config) -> None:
    service = next(one for one in configured.JupyterHub.services if one["name"] == "catalogue")
    assert not {"api_token", "admin"} & set(service)
    assert service["command"][0] == sys.executable


def test_every_service_has_its_own_scopes_and_only_those(configured: Config) -> None:
    granted = {role["services"][0]: role["scopes"] for role in configured.JupyterHub.load_roles}
    assert granted == {
        "idle-culler": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
    assert not any("admin" in service for service in configured.JupyterHub.services)


def test_a_session_may_ask_the_hub_only_about_itself(configured: Config) -> None:
    assert all(s.endswith(("!user", "!server")) for s in configured.Spawner.server_token_scopes)


@pytest.mark.parametrize("deployment", ["configured", "containers"])
def test_no_section_and_no_trait_is_misspelt(
    deployment: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    config = request.getfixturevalue(deployment)
    assert set(config) <= SECTIONS
    caplog.set_level(logging.WARNING)
    log = logging.getLogger("traitlets-check")
    hub = JupyterHub(config=config, log=log)
    spawner = hub.spawner_class(config=config, _deprecated_db_session=None, log=log)
    assert spawner.policy_file == config.GovernedSpawner.policy_file
    hub.authenticator_class(config=config, log=log)
    assert "not recognized" not in caplog.text


def test_containers_reach_the_hub_on_their_network_and_outlive_it(containers: Config) -> None:
    assert containers.JupyterHub.hub_bind_url == "http://172.30.0.1:2"
    assert containers.JupyterHub.cleanup_servers is False
    assert containers.ConfigurableHTTPProxy.api_url.startswith("http://127.0.0.1:")


def test_no_start_pulls_or_chooses_an_image(containers: Config) -> None:
    assert containers.DockerSession.pull_policy == "skip"
    assert containers.DockerSession.allowed_images == []


def test_demo_people_are_not_let_in_from_elsewhere(settings: HubSettings) -> None:
    with pytest.raises(HubConfigError, match="identity"):
        configure_docker(Config(), dataclasses.replace(settings, host="0.0.0.0"))


def test_what_sessions_are_told_is_toml_whatever_the_facility_is_called(settings: HubSettings) -> None:
    configure_local(Config(), settings)
    told = tomllib.loads((settings.state / "session-settings.toml").read_text())
    assert told["providers"][0]["name"] == 'F "1"'


def test_passwords_are_not_written_to_disk(settings: HubSettings, tmp_path: Path) -> None:
    file = tmp_path / "hub.json"
    environment = write_settings(settings, file)
    text = file.read_text()
    assert settings.password not in text
    assert settings.admin_password not in text
    assert settings.password not in repr(settings)
    assert read_settings(environment) == settings


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"state": 3}'])
def test_unreadable_settings_say_how_to_start(tmp_path: Path, text: str) -> None:
    file = tmp_path / "hub.json"
    file.write_text(text)
    with pytest.raises(HubConfigError, match="make demo"):
        read_settings({"PANOSC_HUB_SETTINGS": str(file)})


@pytest.mark.parametrize("name", ["local", "docker"])
def test_the_deployment_file_loads(
    name: str, settings: HubSettings, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in write_settings(settings, settings.state / "hub.json").items():
        monkeypatch.setenv(variable, value)
    loaded = PyFileConfigLoader(f"{name}.py", path=str(repository / "hub_config" / "deployments")).load_config()
    assert loaded.JupyterHub.bind_url == settings.url


def test_passwords_are_long_enough_and_differ() -> None:
    assert len(make_password()) >= 8
    assert len(make_password(admin=True)) >= 32
    assert len({make_password() for _ in range(50)}) == 50


def test_what_runs_beside_the_hub_of_a_pod_asks_it_from_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "panosc.yaml").write_text("facility: F\nroots: {data: {path: /data/visitor}}\n")
    (tmp_path / "cluster.yaml").write_text(
        f"state: {tmp_path}\nroots: {{data: {{claim: data}}}}\ndemo: {{people: [alice]}}\n"
    )
    for name, value in {
        "PANOSC_POLICY": tmp_path / "panosc.yaml", "PANOSC_CLUSTER": tmp_path / "cluster.yaml",
        "PANOSC_HUB_PASSWORD": make_password(), "PANOSC_HUB_ADMIN_PASSWORD": make_password(admin=True),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    c = Config()
    # As Zero to JupyterHub's configuration has it: a service's name, which leads out of the pod and is refused there.
    c.JupyterHub.hub_connect_url = "http://hub:8081"
    c.JupyterHub.base_url = "/analysis/"
    c.JupyterHub.services = [{"name": "prometheus", "api_token": "x"}]
    configure_kubernetes(c, read_cluster())
    own = {one["name"]: one["environment"] for one in c.JupyterHub.services if one.get("command")}
    assert set(own) == {"idle-culler", "renewing"}
    assert {one["JUPYTERHUB_API_URL"] for one in own.values()} == {"http://127.0.0.1:8081/analysis/hub/api"}
    assert c.JupyterHub.services[0]["name"] == "prometheus"
