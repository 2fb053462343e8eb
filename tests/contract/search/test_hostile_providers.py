"""Every hostile provider at once beside one good one, with the limits that people really get."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from panosc_analysis.search import FederatedSearch
from panosc_analysis.settings import Provider, Settings
from panosc_analysis.testing import json_answer, serve
from panosc_analysis.testing.hostile import BODIES, CONNECTIONS, NASTY_RECORDS, answering
from panosc_analysis.testing.implementations import Reference
from panosc_analysis.testing.server import running

GOOD = [{"pid": f"10.5072/demo/set-{n}", "title": f"LaB6 {n}", "isPublic": True} for n in range(3)]
STATES = {
    "30 s of silence": "timed out",
    "byte by byte": "timed out",
    "reset in the middle": "unreachable",
    "closed at once": "unreachable",
    "another protocol": "malformed",
    "new records for ever": "partial",
    "500": "failed",
}


@pytest.fixture(scope="module")
def everybody() -> Iterator[Settings]:
    with ExitStack() as stack:
        handlers = {name: answering(body) for name, body in BODIES.items()} | CONNECTIONS
        providers = [Provider(name, stack.enter_context(running(handler))) for name, handler in handlers.items()]
        good = stack.enter_context(serve(Reference(GOOD))).provider("good", dialect="reference")
        yield Settings(providers=(*providers, Provider("gone", "http://127.0.0.1:1"), good))


def test_each_is_named_and_none_costs_the_others_or_the_callers_time(
    everybody: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    started = time.monotonic()
    hits = FederatedSearch(everybody).search(limit=10_000)
    assert time.monotonic() - started < 6  # 4.5 s for each, all at once, on a machine that may be busy
    states = {one.provider: one.state for one in hits.outcomes}
    assert states == dict.fromkeys(BODIES, "malformed") | STATES | {"gone": "unreachable", "good": "ok"}
    assert {one["pid"] for one in GOOD} <= {one.pid for one in hits}
    assert all(one.reason and one.hint for one in hits.outcomes if one.state != "ok")
    assert "nobody expected" not in caplog.text + str(hits)


def test_the_good_ones_hits_do_not_wait_for_the_others(everybody: Settings) -> None:
    started = time.monotonic()
    for arrival in FederatedSearch(everybody).stream(limit=10):
        if arrival.provider == "good" and arrival.datasets:
            break
    assert time.monotonic() - started < 3
    assert len(arrival.datasets) == 3


def test_every_call_of_the_client_ends_in_an_error_with_a_hint(everybody: Settings) -> None:
    from panosc_analysis.errors import PanoscError
    from panosc_analysis.search import SearchClient

    for provider in everybody.providers[: len(BODIES)]:
        client = SearchClient(provider)
        for call in (client.get_dataset, client.get_document, client.get_instrument, client.files):
            with pytest.raises(PanoscError) as caught:
                call("10.1000/x")
            assert caught.value.hint, provider.name


def test_nothing_in_a_record_runs_or_steers() -> None:
    with serve(lambda request: json_answer([] if "skip" in request.target else NASTY_RECORDS)) as server:
        hits = FederatedSearch(Settings(providers=(server.provider("<b>nasty</b>"),))).search()
    assert len(hits) == 3
    assert hits.outcomes[0].state == "partial"
    assert "have no PID" in hits.outcomes[0].reason
    page, text = hits._repr_html_(), str(hits)
    assert not set("\x1b\u202e") & set(page + text)
    assert not re.search(r"<script|<img|<b>|href=\"(?!https://doi\.org/)", page)
    assert hits[0].is_public is None
    assert (hits[0].size, hits[0].creation_date) == (None, None)
