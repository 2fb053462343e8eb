"""``cluster.yaml``, and how a hub in a cluster is configured: alone and after Zero to JupyterHub's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from hub_config.cluster import Placement, cluster_schema, read_cluster
from hub_config.configurer import configure_kubernetes
from hub_config.errors import HubConfigError
from hub_config.spawning.containers import COMMAND

PASSWORDS = {"PANOSC_HUB_PASSWORD": "kkkk-kkkk-kkkk", "PANOSC_HUB_ADMIN_PASSWORD": "kkkk-" * 10}
POLICY = {
    "facility": "F", "roots": {"data": {"path": "/facility"}},
    "proposals": {"list": [{"id": "hc-1", "directory": "hc-1", "members": ["alice"]}]},
}  # fmt: skip


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write both files, and name them in the environment."""

    def write(policy: Any = POLICY, **facts: Any) -> None:
        content = {"state": str(tmp_path / "state"), "roots": {"data": {"claim": "data"}}, **facts}
        for name, value in (("PANOSC_CLUSTER", content), ("PANOSC_POLICY", policy)):
            path = tmp_path / f"{name}.yaml"
            path.write_text(yaml.safe_dump(value))
            monkeypatch.setenv(name, str(path))
        for name, text in PASSWORDS.items():
            monkeypatch.setenv(name, text)

    return write


DEMO = {"demo": {"people": ["alice", "oskar"], "operators": ["oskar"]}}


def test_the_schema_is_one_and_needs_no_lookahead() -> None:
    Draft202012Validator.check_schema(cluster_schema())
    # Helm's validator is written in Go, whose regular expressions have none.
    assert "(?" not in yaml.safe_dump(cluster_schema())


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"roots": {}}, "roots"),
        ({"roots": {"data": {}}}, "claim"),
        ({"roots": {"data": {"claim": "Data"}}}, "Data"),
        ({"roots": {"data": {"claim": "data", "sub_path": "/abs"}}}, "sub_path"),
        ({"homes": {"size": "10"}}, "size"),
        ({"homes": {"access_mode": "ReadOnlyMany"}}, "access_mode"),
        ({"requests": {"cpu": 2}}, "requests.cpu"),
        ({"pull_policy": "Sometimes"}, "pull_policy"),
        ({"start_timeout": 5}, "start_timeout"),
        ({"autoscaling": "yes"}, "autoscaling"),
        ({"images": {"hub": "x"}}, "images"),
        ({"mounts": [{"name": "x", "mountPath": "/data"}]}, "mounts[0]"),
        ({"mounts": [{"name": "x", "mountPath": "/data/../data/p1"}]}, "mounts[0]"),
        ({"catalogues": [{"name": "F", "url": "ftp://x"}]}, "catalogues[0].url"),
        ({"demo": {"people": []}}, "demo.people"),
        ({"placement": {"host_path": "/"}}, "placement"),
        ({"network": {"hub": "hub:8081"}}, "network.hub"),
        ({"unheard": 1}, "unheard"),
    ],
)
def test_a_fault_is_refused_with_its_place(written: Any, facts: Any, says: str) -> None:
    written(**facts)
    with pytest.raises(HubConfigError) as error:
        read_cluster()
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"roots": {"other": {"claim": "x"}}, **DEMO}, "no volume for the policy's root data"),
        ({"profiles": {"gpu": {}}, **DEMO}, "no profile gpu"),
        ({}, "Nobody could log in"),
    ],
)
def test_a_cluster_must_fit_its_policy(written: Any, facts: Any, says: str) -> None:
    written(**facts)
    with pytest.raises(HubConfigError, match=says):
        configure_kubernetes(Config(), read_cluster())


def test_a_hub_of_its_own_is_configured_whole(written: Any, tmp_path: Path) -> None:
    written(
        **DEMO,
        network={"hub": "http://hub:8081", "proxy": "http://proxy-api:8001"},
        environment={"A": "b"},
        catalogues=[{"name": "F", "url": "http://catalogue:8010/api"}],
        profiles={"lab": {"node_selector": {"a": "b"}}},
        homes={"size": "1Gi", "storage_class": "fast"},
    )
    c = load()
    assert c.JupyterHub.hub_connect_url == "http://hub:8081"
    assert c.ConfigurableHTTPProxy.should_start is False
    assert c.JupyterHub.cleanup_servers is False
    assert c.KubernetesSession.cmd == COMMAND
    assert c.KubernetesSession.environment["A"] == "b"
    assert (c.KubernetesSession.storage_class, c.KubernetesSession.storage_capacity) == ("fast", "1Gi")
    assert c.KubernetesSession.cluster.profiles == {"lab": Placement(node_selector={"a": "b"})}
    settings = (tmp_path / "state" / "session-settings.toml").read_text()
    assert 'url = "http://catalogue:8010/api"' in settings
    assert 'path = "/data"' in settings
    assert c.Authenticator.allowed_users == {"alice", "oskar"}
    assert "demonstration" in str(c.JupyterHub.template_vars["announcement"])


def load() -> Config:
    """Load the deployment file as JupyterHub does."""
    import hub_config.deployments

    directory = Path(hub_config.deployments.__file__).parent
    return PyFileConfigLoader("kubernetes.py", path=str(directory)).load_config()


@pytest.fixture
def zero_to_jupyterhub() -> Config:
    """What that chart's configuration has said when its `hub.extraConfig` runs."""
    c = Config()
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    c.ConfigurableHTTPProxy.api_url = "http://proxy-api:8001"
    c.JupyterHub.hub_connect_url = "http://hub:8081"
    c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"
    c.JupyterHub.services = [{"name": "dask-gateway", "api_token": "x"}]
    c.JupyterHub.load_roles = [{"name": "r", "scopes": []}]
    c.KubeSpawner.environment = {"FROM": "the chart"}
    c.KubeSpawner.common_labels = {"app": "jupyterhub"}
    return c


def test_after_zero_to_jupyterhub_its_addresses_records_and_services_stay(
    written: Any, zero_to_jupyterhub: Config
) -> None:
    from hub_config.deployments.kubernetes import configure

    written(**DEMO)
    c = zero_to_jupyterhub
    configure(c)
    assert c.JupyterHub.db_url == "sqlite:///jupyterhub.sqlite"
    assert c.JupyterHub.hub_connect_url == "http://hub:8081"
    assert [one["name"] for one in c.JupyterHub.services] == ["dask-gateway", "renewing", "idle-culler"]
    assert [one["name"] for one in c.JupyterHub.load_roles] == ["r", "service-renewing", "service-idle-culler"]
    assert c.KubernetesSession.environment["FROM"] == "the chart"
    assert "JUPYTERHUB_ACTIVITY_INTERVAL" in c.KubernetesSession.environment
    assert c.KubeSpawner.common_labels == {"app": "jupyterhub"}
    assert c.JupyterHub.spawner_class == "hub_config.spawning.kubernetes.KubernetesSession"


def test_a_state_directory_that_cannot_be_written_is_said(written: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    written(**DEMO, state=str(tmp_path / "file" / "below"))
    with pytest.raises(HubConfigError, match="fsGroup"):
        configure_kubernetes(Config(), read_cluster())
