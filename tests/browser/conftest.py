"""The platform as a newcomer starts it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest


@dataclass(frozen=True)
class Platform:
    """A running demo: where it is, how to get in, where it keeps things."""

    url: str
    password: str
    directory: Path
    process: subprocess.Popen[str]

    def home(self, person: str) -> Path:
        """The directory that `person` sees as ~."""
        return self.directory / "hub" / "homes" / person


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """`panosc-analysis demo` with a new facility, in a path with a space; ended as Ctrl-C ends it."""
    directory = tmp_path_factory.mktemp("the demo")
    command = [sys.executable, "-m", "panosc_analysis", "demo", "--directory", str(directory), "--port", "18000"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, cwd=directory
    )
    said: list[str] = []
    try:
        yield Platform(*_address(process, said), directory, process)
    finally:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert process.returncode == 0, "".join(said) + rest
        assert len(family) > 3, "the hub, its proxy, its catalogue and sessions were running"
        # What ends with the program, such as Python's own fork server, sees its end a moment later.
        _, left = psutil.wait_procs(family, timeout=5)
        assert [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def _address(process: subprocess.Popen[str], said: list[str]) -> tuple[str, str]:
    """Read the address and the password off the terminal, as a person does."""
    url = password = None
    deadline = time.monotonic() + 240
    assert process.stdout is not None
    while time.monotonic() < deadline and not (url and password):
        line = process.stdout.readline()
        assert line, "the demo ended before it gave an address:\n" + "".join(said)
        said.append(line)
        if found := re.match(r"\s*Open\s+(http\S+)", line):
            url = found[1]
        if found := re.match(r"\s*Password\s+(\S+)", line):
            password = found[1]
    assert url, "".join(said)
    assert password, "".join(said)
    return url, password
