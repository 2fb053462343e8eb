"""Asks again about everybody with a running session, so that what has ended at the provider ends here soon.

The hub itself asks only when a person's own request comes. A session in which nobody moves sends none, whatever its
programs read meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hub_config.identity.alarms import alarm

if TYPE_CHECKING:
    from hub_config.identity.authenticator import InstituteAuthenticator

__all__ = ["Rounds"]

AT_ONCE = 10
LONGEST_PAUSE = 30.0


class Rounds:
    """Rounds of one hub.

    Parameters
    ----------
    authenticator
        Asks, and decides.
    users
        JupyterHub's users.
    """

    def __init__(self, authenticator: InstituteAuthenticator, users: Any) -> None:
        self._authenticator = authenticator
        self._users = users
        age = authenticator.auth_refresh_age
        self._pause = min(LONGEST_PAUSE, age / 4)
        # One pause early: then a request finds the answer already there, and no page waits for a slow provider.
        self._due_after = age - self._pause

    async def run(self) -> None:
        """Go round until the hub ends. Each person is asked about once in `auth_refresh_age`, a few at a time."""
        while True:
            await asyncio.sleep(self._pause)
            try:
                slots = asyncio.Semaphore(AT_ONCE)
                await asyncio.gather(*(self._ask(user, slots) for user in self._due()))
            except Exception as error:  # whatever it is, there is a next round
                alarm(self._authenticator.log, "round", f"a round was not finished: {error!r}")

    def _due(self) -> Iterator[Any]:
        now = time.monotonic()
        for user in list(self._users.values()):
            # JupyterHub's own note of the last refresh, so that neither asks what the other has just asked.
            last = user._auth_refreshed
            if user.running and (not last or now - last >= self._due_after):
                yield user

    async def _ask(self, user: Any, slots: asyncio.Semaphore) -> None:
        async with slots:
            try:
                result = await self._authenticator.refresh_user(user)
                if result is False:
                    return
                user._auth_refreshed = time.monotonic()
                if result is not True:
                    self._authenticator.keep_groups(user, set(result["groups"]))
                    await user.save_auth_state(result["auth_state"])
            except Exception as error:  # whatever it is, the others are asked about too
                alarm(self._authenticator.log, "round", f"{user.name} could not be asked about: {error!r}")
