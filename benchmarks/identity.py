"""What identity costs: reading entitlements, reading a person's whole claim, and a storm of logins at a slow provider.

``.venv/bin/python benchmarks/identity.py`` from the root of the repository, after ``requirements/install test``.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hub_config.entitlements import Refused, parse, read_claim
from tests.integration.hub.conftest import running_hub
from tests.integration.hub.test_storm import PEOPLE, log_in
from tests.unit.hub_config.test_entitlements import RULES, A, P, mutated

ROUNDS = 7


def median(work: Callable[[], object]) -> float:
    """Median seconds of `ROUNDS` rounds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def parse_all(values: list[str]) -> None:
    for value in values:
        with contextlib.suppress(Refused):
            parse(value, RULES)


def reading() -> None:
    right = [f"{P}2024-{n}:role=member{A}" for n in range(20_000)]
    near = list(mutated(20_000, seed=1))
    claim = [f"{P}2024-{n}{A}" for n in range(200)] + [f"urn:geant:other:group:x:{n}{A}" for n in range(200)]
    split = median(lambda: [value.split(":") for value in right])
    for name, values in (("right values", right), ("mutated values", near)):
        took = median(lambda values=values: parse_all(values))  # type: ignore[misc]
        print(f"{name}: {len(values) / took:,.0f} values/s, {took / split:.1f} times a plain split")
    print(f"a claim of 200 proposals and 200 foreign values: {median(lambda: read_claim(claim, RULES)) * 1e3:.2f} ms")


def storm(connections: int) -> str:
    """Let everybody log in at once, with so many connections to a provider that takes a second for every answer."""
    lines = f"import hub_config.identity.asking as asking\nasking.CONNECTIONS = {connections}"

    async def everybody(url: str) -> list[tuple[int, float]]:
        async def one(person: str) -> tuple[int, float]:
            started = time.monotonic()
            return await log_in(url, person), time.monotonic() - started

        return await asyncio.gather(*(one(person) for person in PEOPLE))

    with tempfile.TemporaryDirectory() as folder, running_hub(Path(folder), PEOPLE, last_lines=lines) as hub:
        hub.provider.fault(delay=1.0)
        done = asyncio.run(everybody(hub.url))
    times = sorted(seconds for _, seconds in done)
    return (
        f"{connections} connections: {dict(Counter(status for status, _ in done))}, "
        f"median {statistics.median(times):.1f} s, slowest {times[-1]:.1f} s"
    )


if __name__ == "__main__":
    reading()
    print(f"{len(PEOPLE)} logins at once, the provider takes 1 s for every answer")
    for connections in (10, 100):
        print(" ", storm(connections))
