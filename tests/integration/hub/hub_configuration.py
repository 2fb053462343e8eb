"""What JupyterHub loads in these tests: the project's identity, light sessions, and services with few rights."""

import json
import os
import sys
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner

import hub_config
from hub_config.authentication import configure_identity
from hub_config.configurer import node_and_proxy
from hub_config.identity.settings import identity_settings

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - JupyterHub provides it
TEST = json.loads(os.environ["HUB_TEST"])


class LightSpawner(SimpleLocalProcessSpawner):  # type: ignore[misc]
    """Notes the embargoed proposals a session was started with, as the project's spawners do."""

    proposals: list[str] = []  # noqa: RUF012 - set at every start

    async def start(self):  # type: ignore[no-untyped-def]
        self.proposals = sorted(g.name.removeprefix("proposal-") for g in self.user.groups if "proposal-" in g.name)
        self.environment = {"PROPOSALS": ",".join(self.proposals)}
        return await super().start()

    def get_state(self):  # type: ignore[no-untyped-def]
        return {**super().get_state(), "panosc_proposals": self.proposals}

    def load_state(self, state):  # type: ignore[no-untyped-def]
        super().load_state(state)
        self.proposals = state.get("panosc_proposals", [])


state = Path(TEST["state"])
configure_identity(c, identity_settings(TEST["identity"], os.environ), known_proposals=TEST["proposals"], state=state)
c.JupyterHub.cleanup_servers = False
c.JupyterHub.bind_url = TEST["url"]
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{TEST['ports'][0]}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{TEST['ports'][1]}"
c.ConfigurableHTTPProxy.command = node_and_proxy()
c.ConfigurableHTTPProxy.pid_file = str(state / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{state / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(state / "cookie_secret")
c.JupyterHub.template_paths = [str(Path(hub_config.__file__).with_name("pages"))]
c.JupyterHub.spawner_class = LightSpawner
c.SimpleLocalProcessSpawner.home_dir_template = str(state / "{username}")
c.Spawner.cmd = [sys.executable, str(Path(__file__).with_name("light_server.py"))]
c.JupyterHub.services = [{"name": name, "api_token": token} for name, token in TEST["services"].items()]
c.JupyterHub.load_roles = [
    {"name": name, "services": [name], "scopes": scopes} for name, scopes in TEST["scopes"].items()
]  # fmt: skip
exec(TEST["last_lines"])
