"""helm, and the charts that are not ours."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.helm.charts import CHART, Chart, copied


@pytest.fixture(scope="session")
def charts(pytestconfig: pytest.Config) -> Path | None:
    """The folder with packages of the charts this one depends on: the one given, or what helm has fetched."""
    given = pytestconfig.getoption("--charts")
    fetched = CHART / "charts"
    return Path(given).resolve() if given else fetched if any(fetched.glob("*.tgz")) else None


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory, charts: Path | None) -> Chart:
    """A copy of the chart that helm can render; skips where there is no helm."""
    if shutil.which("helm") is None:
        reason = "helm is not on the PATH"
        if "kubernetes" in os.environ.get("PANOSC_REQUIRE", ""):
            pytest.fail(reason)
        pytest.skip(reason)
    return copied(tmp_path_factory.mktemp("chart"), charts)
