"""The backends, each with a hub of its own for the length of a module."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sessions.cluster import cluster_missing
from tests.sessions.facility import MEMBERS, Tree, make_tree, policy_content
from tests.sessions.inside import Person
from tests.sessions.platform import Kind, Platform, docker_missing, mounted_tmpfs, platform, write_policy


@dataclass
class Running:
    """A hub in which everybody's session runs."""

    platform: Platform
    people: dict[str, Person]
    tree: Tree
    nested: bool


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Write a line into the run's own output, where an operator who reads it looks for the figures."""
    plugins = request.config.pluginmanager
    reporter, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")

    def write(line: str) -> None:
        # While a test runs, what the reporter writes would be kept with the test's own output.
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)

    return write


def require(kind: Kind) -> None:
    """Skip where the backend cannot be, or fail where PANOSC_REQUIRE names it."""
    reason = {"docker": docker_missing, "kubernetes": cluster_missing}[kind]() if kind != "local" else ""
    if reason:
        if kind in os.environ.get("PANOSC_REQUIRE", ""):
            pytest.fail(reason)
        pytest.skip(reason)


DOCKER = pytest.param("docker", marks=pytest.mark.docker)
KUBERNETES = pytest.param("kubernetes", marks=pytest.mark.kubernetes)


@pytest.fixture(scope="session")
def hubs() -> Iterator[tuple[ExitStack, dict[Kind, Running]]]:
    """The hubs that `running` has started: they serve every module that wants them."""
    with ExitStack() as stack:
        yield stack, {}


@pytest.fixture(scope="module", params=["local", DOCKER, KUBERNETES])
def running(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    hubs: tuple[ExitStack, dict[Kind, Running]],
) -> Running:
    """Every person logged in, with a session started."""
    require(request.param)
    stack, known = hubs
    if request.param not in known:
        directory = tmp_path_factory.mktemp(f"sessions-{request.param}")
        known[request.param] = stack.enter_context(everybody_running(request.param, directory))
    return known[request.param]


@contextmanager
def everybody_running(kind: Kind, directory: Path) -> Iterator[Running]:
    """Start a hub with the facility's people in their sessions, and another file system below a proposal."""
    tree = make_tree(directory / "facility")
    nested = mounted_tmpfs(directory / "facility" / "p1" / "nested")
    if nested:
        (directory / "facility" / "p1" / "nested").chmod(0o777)
        (directory / "facility" / "p1" / "nested" / "below.txt").write_text("below a mount")
        (directory / "facility" / "p1" / "nested" / "below.txt").chmod(0o666)
    try:
        policy = write_policy(directory, policy_content(directory / "facility"))
        below = {"roots": {"data": {"claim": "root-data", "mounted_below": ["p1/nested"] if nested else []}}}
        with platform(kind, policy, tuple(MEMBERS), facts=below) as hub:
            people = {name: hub.log_in(name) for name in MEMBERS}
            for person in people.values():
                failure = person.start(options={"profile": "lab"})
                assert failure is None, failure
            yield Running(hub, people, tree, nested)
    finally:
        if nested:
            unmount(directory / "facility" / "p1" / "nested")


def unmount(directory: Path) -> None:
    """Take the mount below a proposal away again."""
    import subprocess

    subprocess.run(["umount", str(directory)], check=True)
