"""Stops sessions that see data their owner may no longer see. Run by the hub as a service.

``python -m hub_config.identity.reconciling --policy panosc.yaml`` compares, again and again, the embargoed proposals
that each running session was started with against its owner's groups now. A session that sees too much is stopped
after a notice period; its home is untouched. It needs the rights in `SCOPES` and no other, and changes no membership.
When the hub does not answer, it stops nothing.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from hub_config.access import is_open_data
from hub_config.policy import PolicyError
from hub_config.policy.watching import current_policy

__all__ = ["SCOPES", "Reconciler", "Surplus", "surplus"]

SCOPES = ("list:users", "read:users:groups", "read:servers", "admin:server_state", "delete:servers")
PAGE = 100
log = logging.getLogger("reconciling")


@dataclass(frozen=True, slots=True)
class Surplus:
    """One running session with more than its owner may see now."""

    user: str
    server: str
    started: str
    proposals: tuple[str, ...]


def surplus(user: dict[str, Any], is_open: Callable[[str], bool]) -> Iterator[Surplus]:
    """Yield the sessions of one user, as the hub's API describes her, that see too much.

    Parameters
    ----------
    user
        The hub's model of her, with groups, servers and their state.
    is_open
        Whether everybody may see a proposal now.
    """
    groups = set(user["groups"])
    for name, server in (user.get("servers") or {}).items():
        mounted = (server.get("state") or {}).get("panosc_proposals") or ()
        lost = tuple(p for p in mounted if f"proposal-{p.lower()}" not in groups and not is_open(p))
        if lost and not server.get("stopped"):
            yield Surplus(user["name"], name, str(server.get("started")), lost)


class Reconciler:
    """Looks at all sessions and stops those that keep seeing too much.

    Parameters
    ----------
    client
        Talks to the hub's API, with a token.
    open_proposals
        Says which proposals everybody may see now.
    notice
        Seconds between the first sight and the stop, so that a short error of a provider stops nobody.
    clock
        Seconds that only go forward.
    """

    def __init__(
        self,
        client: httpx.Client,
        open_proposals: Callable[[], Collection[str]],
        notice: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._open_proposals = open_proposals
        self._notice = notice
        self._clock = clock
        self._seen: dict[Surplus, float] = {}

    def look(self) -> list[Surplus]:
        """Go through all sessions once; returns those that were told to stop.

        Raises
        ------
        httpx.HTTPError
            The hub did not answer; nothing was stopped on half an answer.
        """
        now, opened = self._clock(), self._open_proposals()
        found = [s for user in list(self._users()) for s in surplus(user, opened.__contains__)]
        for session in found:
            if session not in self._seen:
                what = ", ".join(session.proposals)
                log.warning(
                    "%s sees what it may no longer see (%s); it ends in %d s", _name(session), what, self._notice
                )
        self._seen = {session: self._seen.get(session, now) for session in found}
        due = [session for session, since in self._seen.items() if now - since >= self._notice]
        for session in due:
            self._stop(session)
        return due

    def _users(self) -> Iterator[dict[str, Any]]:
        offset: int | None = 0
        while offset is not None:
            query: dict[str, str | int] = {"state": "active", "offset": offset, "limit": PAGE}
            page = self._client.get("/users", params=query).raise_for_status().json()
            yield from page["items"]
            following = page["_pagination"]["next"]
            offset = following["offset"] if following else None

    def _stop(self, session: Surplus) -> None:
        name = f"/servers/{quote(session.server, safe='')}" if session.server else "/server"
        answer = self._client.delete(f"/users/{quote(session.user, safe='')}{name}")
        # 404: it has ended by itself; 400: it is starting or stopping, which the next look will see.
        if answer.status_code not in {202, 204, 400, 404}:
            answer.raise_for_status()
        log.warning("%s stopped: no longer granted %s", _name(session), ", ".join(session.proposals))


def _name(session: Surplus) -> str:
    return f"Session {session.user}/{session.server}"


def open_proposals(policy: Path) -> frozenset[str]:
    """Return the identifiers of the proposals that are open to everybody now, by the policy as it is now.

    Raises
    ------
    PolicyError
        The policy must not be used.
    """
    now, current = datetime.now(UTC), current_policy(policy)
    return frozenset(p.id for p in current.proposals if is_open_data(p, current, now))


def main(arguments: list[str] | None = None) -> None:
    """Look again and again until the hub ends this service."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", type=Path, required=True, help="panosc.yaml: which proposals are open to everybody")
    parser.add_argument("--interval", type=float, default=60, help="seconds between two looks")
    parser.add_argument("--notice", type=float, default=120, help="seconds from the first sight to the stop")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="[%(levelname)s reconciling] %(message)s", level=logging.WARNING)
    headers = {
        "Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}",
        "Accept": "application/jupyterhub-pagination+json",
    }
    with httpx.Client(base_url=os.environ["JUPYTERHUB_API_URL"], headers=headers, timeout=30) as client:
        reconciler = Reconciler(client, lambda: open_proposals(options.policy), options.notice)
        while True:
            time.sleep(options.interval)
            try:
                reconciler.look()
            except (httpx.HTTPError, PolicyError, KeyError, TypeError, ValueError) as error:
                log.error("The sessions could not be looked at, so none was stopped: %r", error)


if __name__ == "__main__":
    main()
