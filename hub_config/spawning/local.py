"""Sessions as plain processes of the hub's own account: for one person's machine, isolating nobody from anybody."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import cast

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import Unicode

from hub_config.spawning.failing import last_words
from hub_config.spawning.governed import FIRST_NOTEBOOK, GovernedSpawner
from hub_config.spawning.readiness import wait_for_port
from hub_config.spawning.session import MOUNTS

__all__ = ["LocalSpawner"]


class LocalSpawner(GovernedSpawner, SimpleLocalProcessSpawner):  # type: ignore[misc]  # JupyterHub ships no types
    """Starts JupyterLab for one person with her proposals mounted read-only at ``~/data``.

    Of the policy's limits and accounts it can apply none: all sessions are processes of one account.
    """

    homes = Unicode(config=True, help="Directory that holds the homes, one for each person.")
    logs = Unicode(config=True, help="Directory for the sessions' logs.")
    tutorials = Unicode("", config=True, help="Notebooks copied into a new home; empty for none.")

    @property
    def log_file(self) -> Path:
        """Where this session writes what it says."""
        server = f"-{self.name}" if self.name else ""
        return Path(self.logs) / f"session-{self.user.name}{server}.log"

    def get_env(self) -> dict[str, str]:
        """Return the session's environment, with its mounts."""
        env = cast("dict[str, str]", super().get_env())
        mounts = self.granted.mounts if self.granted else ()
        env[MOUNTS] = json.dumps([{"source": str(m.source), "name": m.name} for m in mounts])
        return env

    async def start(self) -> tuple[str, int]:
        """Start the session; returns once it listens.

        Raises
        ------
        StartFailed
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
            said = self.log_file.read_text(encoding="utf-8", errors="replace")
            raise last_words(self.user.name, said, f"The whole log is in {self.log_file}.")
        self.started()
        return ip, port

    async def stop(self, now: bool = False) -> None:
        """End the session."""
        await super().stop(now)
        self.stopped()

    def prepare_home(self) -> Path:
        """Make the home if it is new, with the tutorials, and choose what the person sees first."""
        home = Path(self.homes) / str(self.user.escaped_name)
        new = not home.exists()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if new and self.tutorials:
            shutil.copytree(self.tutorials, home / "tutorials", ignore=shutil.ignore_patterns(".*"))
        if (home / FIRST_NOTEBOOK).exists() and new:
            self.default_url = f"/lab/tree/{FIRST_NOTEBOOK}"
        return home

    async def _alive(self) -> bool:
        return await self.poll() is None
