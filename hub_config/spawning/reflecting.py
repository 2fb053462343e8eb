"""What the hub knows of its pods and their events; it outlives an API server that does not answer for a while."""

from __future__ import annotations

import asyncio
from typing import Any

from kubespawner.reflector import ResourceReflector
from kubespawner.spawner import EventReflector, PodReflector

__all__ = ["STEADY"]


class SteadyReflector(ResourceReflector):  # type: ignore[misc]  # KubeSpawner ships no types
    """Never gives up, keeps what it knew, and says whether the API server answered last time.

    KubeSpawner's own ends for good when the API server has not answered for 51 seconds; from then on the hub would see
    no new pod until it is restarted.
    """

    answering = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_failure = self._again

    def _again(self) -> None:
        self.watch_task = asyncio.create_task(self._watch_and_update())

    async def _list_and_update(self, resource_version: str | None = None) -> str:
        try:
            version: str = await super()._list_and_update(resource_version)
        except Exception:
            self.answering = False
            raise
        self.answering = True
        return version


class SteadyPods(SteadyReflector, PodReflector):  # type: ignore[misc]  # KubeSpawner ships no types
    """Pods."""


class SteadyEvents(SteadyReflector, EventReflector):  # type: ignore[misc]  # KubeSpawner ships no types
    """Events about pods."""


STEADY = {PodReflector: SteadyPods, EventReflector: SteadyEvents}
