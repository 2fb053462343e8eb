"""Wait for a session to listen, without the hub's back-off and with the reason when it dies."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["wait_for_port"]

# JupyterHub's own wait doubles its pauses up to five seconds; a session is ready long before it shows.
PAUSE = 0.1


async def wait_for_port(ip: str, port: int, *, alive: Callable[[], Awaitable[bool]], timeout: float) -> bool:
    """Return ``True`` as soon as something accepts connections, ``False`` when `alive` says no or after `timeout` s."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            while await alive():
                try:
                    _, writer = await asyncio.open_connection(ip, port)
                except OSError:
                    await asyncio.sleep(PAUSE)
                    continue
                writer.close()
                return True
    return False
