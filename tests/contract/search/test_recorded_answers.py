"""Every answer that was recorded from the implementations of the search API, given to the client by a real server."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from panosc_analysis.filters import Filter, filter_from_text
from panosc_analysis.search.background import run
from panosc_analysis.search.client import AsyncSearchClient
from panosc_analysis.search.federation import FederatedSearch
from panosc_analysis.settings import Provider, Settings

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def recorded(shared_data):
    """The pairs by number, and the address of a server that answers below each number with that pair's answer."""
    lines = (shared_data / "search-api" / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) for line in lines]

    class Replay(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            pair = pairs[int(parts.path.split("/")[1])]
            filter = filter_from_text(parse_qs(parts.query).get("filter", [""])[0])
            further = filter.skip and isinstance(pair["response"], list)
            body = json.dumps([] if further else pair["response"]).encode()
            self.send_response(pair["status"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Replay) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield pairs, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_every_answer_to_find_is_understood_or_named(recorded):
    pairs, url = recorded
    states = Counter()
    for number, pair in enumerate(pairs):
        if pair["path"].lower() != "/datasets":
            continue
        federation = FederatedSearch(Settings(providers=(Provider("recorded", f"{url}/{number}"),)))
        hits = federation.search(Filter(limit=1000))
        (outcome,) = hits.outcomes
        states[outcome.state] += 1
        if pair["status"] == 200:
            pids = {record["pid"] for record in pair["response"] if "pid" in record}
            assert {hit.pid for hit in hits} == pids, pair["id"]
            assert outcome.answered
        else:
            assert outcome.state == "failed", pair["id"]
            assert str(pair["status"]) in outcome.reason
    assert states["ok"] > 130
    assert states["failed"] > 20


def test_every_recorded_count_is_a_number_or_refused(recorded):
    pairs, url = recorded
    counted = Counter()
    for number, pair in enumerate(pairs):
        if not pair["path"].lower().endswith("/datasets/count"):
            continue
        client = AsyncSearchClient(Provider("recorded", f"{url}/{number}"))
        try:
            found = run(client.count_datasets())
        except ValueError:  # a federation that adds a list to a number answers with a text
            counted["refused"] += 1
            assert pair["status"] != 200 or not isinstance(pair["response"]["count"], int), pair["id"]
        else:
            counted["read"] += 1
            assert found == pair["response"]["count"]
    assert counted["read"] > 5
    assert counted["refused"] > 0
