"""Schemathesis asks the real server what its OpenAPI description allows, and what it does not.

``PANOSC_SCHEMATHESIS_EXAMPLES=500`` makes a long run of it, with every phase that schemathesis has. The seed is fixed;
``PANOSC_SCHEMATHESIS_SEED`` gives another.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from panosc_analysis.catalogue import create_app, index_records

EXAMPLES = os.environ.get("PANOSC_SCHEMATHESIS_EXAMPLES", "")
ALL_PHASES = "examples,coverage,fuzzing,stateful"
SEED = os.environ.get("PANOSC_SCHEMATHESIS_SEED", "1")
# Not positive_data_acceptance: the description cannot say which relations a record has or which texts are dates.
# Not unsupported_method: OPTIONS is answered for portals of other facilities.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance"
)


def records() -> dict[str, Any]:
    technique = {"pid": "http://purl.org/pan-science/PaNET/PaNET01188", "name": "small angle x-ray scattering"}
    datasets = [
        {
            "pid": f"10.5072/a/{number}", "title": f"Scan {number}", "isPublic": True, "size": number,
            "creationDate": f"2026-03-0{number + 1}T10:00:00.000Z", "techniques": [technique],
            "instrument": {"pid": "i/1", "name": "BM1", "facility": "Here"},
            "parameters": [{"name": "sample_temperature", "value": 20 * number, "unit": "K"}],
            "samples": [{"name": "straße"}], "files": [{"id": "1", "name": "a.h5", "path": "x/a.h5", "size": 3}],
        }
        for number in range(5)
    ]  # fmt: skip
    document = {"pid": "10.5072/d", "title": "All", "type": "proposal", "isPublic": True, "datasets": datasets}
    return {"datasets": datasets, "documents": [document]}


def test_schemathesis_finds_no_failure(tmp_path: Path, serve: Callable[[Any], str]) -> None:
    index_records(tmp_path / "index.db", **records())
    url = serve(create_app(tmp_path / "index.db"))
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--checks", CHECKS, "--no-color",
        "--max-examples", EXAMPLES or "40", "--phases", ALL_PHASES if EXAMPLES else "fuzzing",
        "--seed", SEED, "--generation-database", "none", "--suppress-health-check", "all",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    tried = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert tried is not None, done.stdout
    assert tried[1] == tried[2]
    assert int(tried[1]) > 200
