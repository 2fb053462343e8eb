"""All tests of the images need a daemon and the images."""

from __future__ import annotations

import os

import pytest

from tests.images.container import missing


@pytest.fixture(scope="session", autouse=True)
def images_there() -> None:
    """Skip where something is missing, or fail where PANOSC_REQUIRE names docker."""
    if reason := missing():
        if "docker" in os.environ.get("PANOSC_REQUIRE", ""):
            pytest.fail(reason)
        pytest.skip(reason)
