"""Everybody logs in at once, and the provider takes a second for every answer: nobody sees an error."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from typing import Any

import httpx
import pytest

PEOPLE = {f"person-{n}": {"groups": ["/proposals/2026-1"]} for n in range(120)}


async def log_in(url: str, person: str) -> int:
    """Log in as a browser does; returns the status of the last page, after waiting where the hub asks to."""
    # Without a certificate store of its own for each of so many browsers: all of this is plain http on loopback.
    async with httpx.AsyncClient(follow_redirects=True, timeout=120, verify=False) as browser:
        for _ in range(5):
            page = await browser.get(f"{url}/hub/oauth_login?next=/hub/home")
            if re.search(r"/login/[\w-]+$", page.url.path):
                page = await browser.post(str(page.url), data={"login": person})
            if page.status_code != 429:
                break
            await asyncio.sleep(float(page.headers.get("Retry-After", 1)))
        return page.status_code


def test_f6_a_storm_of_logins_at_a_slow_provider(start_hub: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    with start_hub(tmp_path_factory.mktemp("hub"), PEOPLE) as hub:
        hub.provider.fault(delay=1.0)

        async def everybody() -> list[int]:
            return await asyncio.gather(*(log_in(hub.url, person) for person in PEOPLE))

        started = time.monotonic()
        outcome = Counter(asyncio.run(everybody()))
        print(f"{len(PEOPLE)} logins at once, provider 1 s: {dict(outcome)} in {time.monotonic() - started:.1f} s")
        assert outcome == {200: len(PEOPLE)}
        assert len(hub.api("GET", "/users", "reader").json()) >= 100
        assert "Traceback" not in hub.log
