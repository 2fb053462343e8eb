"""Sessions as Docker containers: nothing of the host, nothing of other people, exactly the data of this person."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
from docker.utils import version_gte
from dockerspawner import DockerSpawner
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import Timeout
from traitlets import Unicode

from hub_config.spawning.containers import (
    COMMAND,
    ENVIRONMENT,
    RECURSIVE_SINCE,
    SETTINGS,
    container,
    group_file,
    passwd_file,
)
from hub_config.spawning.failing import StartFailed, last_words
from hub_config.spawning.governed import GovernedSpawner
from hub_config.spawning.homes import Home, HomeFailed, home_of, make_home
from hub_config.spawning.mounted import nested_mounts
from hub_config.spawning.readiness import wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub_config.access import Access
    from hub_config.accounts import Account

__all__ = ["DockerSession"]

DOWN = (
    "The Docker daemon of this facility does not answer, so no session can be started now. Running sessions may go on. "
    "Try again in a minute; if it stays like this, tell the operator."
)


class DockerSession(GovernedSpawner, DockerSpawner):  # type: ignore[misc]  # JupyterHub ships no types
    """Starts a hardened container with the person's numbers and her proposals below ``/data``."""

    settings_file = Unicode(config=True, help="This package's settings for sessions, mounted read-only into each.")
    names = Unicode(config=True, help="Directory for the sessions' passwd and group files.")

    async def start(self) -> tuple[str, int]:
        """Start the container; returns once the session listens.

        Raises
        ------
        StartFailed
            The person has no account here, the image is missing, the daemon does not answer, or the session died; the
            message says which and, where it died, what it said last.
        """
        _, profile, account = self.decided()
        self.image = profile.image
        with said_plainly(self):
            image = await self._image()
            new = await self._in_thread(make_home, self.client, self.home(), account, self.image)
            if new:
                self.begin_with_the_tutorial()
            ip, port = await super().start()
        if not await wait_for_port(ip, port, alive=self._alive, timeout=self.start_timeout - 5):
            said = await self.docker("logs", self.container_id, tail=20)
            await self.docker("remove_container", self.container_id, force=True)
            raise last_words(self.user.name, said.decode("utf-8", "replace"))
        self.started(image)
        return ip, port

    async def stop(self, now: bool = False) -> None:
        """End the session and remove its container; one that is gone already is no error."""
        with said_plainly(self):
            if await self.get_object() is not None:
                await super().stop(now)
        self.clear_state()
        self.stopped()

    async def poll(self) -> Any:
        """Return ``None`` while the session runs; also while the daemon cannot be asked, since it may well run."""
        try:
            return await super().poll()
        except (NoConnection, Timeout) as error:
            self.log.warning("The Docker daemon does not answer: %s", error)
            return None

    async def create_object(self) -> Any:
        """Create the container from what was granted; nothing else can be configured into it."""
        granted, profile, account = self.decided()
        self.image = profile.image
        recursive = version_gte(self.client.api_version, RECURSIVE_SINCE)
        spec = container(
            granted,
            profile,
            name=self.container_name,
            server=self.name,
            home=self.home().mount,
            files=self._name_files(granted, account) | {SETTINGS: Path(self.settings_file)},
            network=self.network_name,
            nested=None if recursive else {m.name: nested_mounts(m.source) for m in granted.mounts},
        )
        return await self.docker(
            "create_container",
            command=[*COMMAND, *self.get_args()],
            environment=self.get_env(),
            host_config=self.client.create_host_config(**spec.host),
            **spec.create,
        )

    def get_env(self) -> dict[str, str]:
        """Return the session's environment."""
        env: dict[str, str] = super().get_env()
        return env | ENVIRONMENT

    def home(self) -> Home:
        """Return where the person's home is."""
        policy = self.policy()
        return home_of(self.escaped_name, policy.docker.prefix, policy.homes.directory)

    async def _image(self) -> str:
        """Return the image's digest, which goes on record."""
        try:
            found = await self.docker("inspect_image", self.image)
        except docker.errors.ImageNotFound as error:
            message = f"The image {self.image} is not on this host. The operator makes it with `images/build`."
            raise StartFailed(message, reason="image missing", status_code=500) from error
        return str(found["Id"])

    def _name_files(self, granted: Access, account: Account) -> dict[str, Path]:
        """Write the session's ``/etc/passwd`` and ``/etc/group``; returns them by their place in the container."""
        names = {p.gid: p.id.lower() for p in self.policy().proposals if p.gid is not None}
        texts = {"passwd": passwd_file(self.user.name, account), "group": group_file(granted, account, names)}
        files = {}
        for what, text in texts.items():
            file = Path(self.names) / f"{self.container_name}.{what}"
            file.write_text(text, encoding="utf-8")
            file.chmod(0o644)
            files[f"/etc/{what}"] = file
        return files

    async def _alive(self) -> bool:
        return await self.poll() is None

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.wrap_future(self.executor.submit(partial(function, *arguments)))


@contextmanager
def said_plainly(spawner: DockerSession) -> Iterator[None]:
    """Turn what Docker says into what a person can use; the log keeps Docker's own words."""
    try:
        yield
    except (NoConnection, Timeout) as error:
        spawner.log.error("The Docker daemon does not answer: %s", error)
        raise StartFailed(DOWN, reason="Docker does not answer", status_code=503) from error
    except HomeFailed as error:
        message = f"The home of {spawner.user.name} could not be made: {error}. Tell the operator."
        raise StartFailed(message, reason="no home", status_code=500) from error
    except docker.errors.APIError as error:
        message = f"Docker refused: {error.explanation}. Tell the operator."
        raise StartFailed(message, reason="Docker refused", status_code=500) from error
