"""Sessions as plain processes of the hub's own account: for one person's machine, isolating nobody from anybody."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from jupyterhub.spawner import SimpleLocalProcessSpawner, SpawnException
from traitlets import Unicode

from hub_config.access import Access, access_for
from hub_config.registry import read_registry
from hub_config.spawning.readiness import wait_for_port
from hub_config.spawning.session import MOUNTS

__all__ = ["LocalSpawner"]

FIRST_NOTEBOOK = "tutorials/01-find-look-reduce.ipynb"


class LocalSpawner(SimpleLocalProcessSpawner):  # type: ignore[misc]  # JupyterHub ships no types
    """Starts JupyterLab for one person with her proposals mounted read-only at ``~/data``."""

    registry = Unicode(config=True, help="File that lists the facility's proposals; see hub_config.registry.")
    homes = Unicode(config=True, help="Directory that holds the homes, one for each person.")
    logs = Unicode(config=True, help="Directory for the sessions' logs.")
    tutorials = Unicode("", config=True, help="Notebooks copied into a new home; empty for none.")

    @property
    def log_file(self) -> Path:
        """Where this session writes what it says."""
        return Path(self.logs) / f"session-{self.user.name}.log"

    def access(self) -> Access:
        """Return what the person sees now, from her groups now."""
        groups = {group.name for group in self.user.groups}
        return access_for(self.user.name, groups, read_registry(Path(self.registry)), datetime.now(UTC))

    def get_env(self) -> dict[str, str]:
        """Return the session's environment, with its mounts."""
        env = cast("dict[str, str]", super().get_env())
        env[MOUNTS] = json.dumps([{"source": str(m.source), "name": m.name} for m in self.access().mounts])
        return env

    async def start(self) -> tuple[str, int]:
        """Start the session; returns once it listens.

        Raises
        ------
        SpawnException
            It died or did not listen in time; the message holds its last words.
        """
        home = self.prepare_home()
        self.home_dir = str(home)
        self.cmd = [
            sys.executable, "-m", "hub_config.spawning.session", "--data", str(home / "data"), "--",
            sys.executable, "-m", "jupyterhub.singleuser",
        ]  # fmt: skip
        with self.log_file.open("wb") as log:
            self.popen_kwargs = {"stdout": log, "stderr": log, "stdin": -3}
            ip, port = await super().start()
        if not await wait_for_port(ip, port, alive=self._alive, timeout=self.start_timeout - 5):
            raise self._failure()
        return ip, port

    def prepare_home(self) -> Path:
        """Make the home if it is new, with the tutorials, and choose what the person sees first."""
        home = Path(self.homes) / str(self.user.escaped_name)
        new = not home.exists()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if new and self.tutorials:
            shutil.copytree(self.tutorials, home / "tutorials", ignore=shutil.ignore_patterns(".*"))
        first = (home / FIRST_NOTEBOOK).is_file() and new
        self.default_url = f"/lab/tree/{FIRST_NOTEBOOK}" if first else "/lab"
        return home

    async def _alive(self) -> bool:
        return await self.poll() is None

    def _failure(self) -> Any:
        said = self.log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = "\n".join(said[-8:]) or "It said nothing."
        reason = f"The session of {self.user.name} did not start:\n{last}\nThe whole log is in {self.log_file}."
        return SpawnException(reason, reason="The session did not start", status_code=500)
