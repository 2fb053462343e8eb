"""Tokens go to their provider, in the header that it takes, and nowhere else."""

import copy
import dataclasses
import json
import logging
import pickle
import traceback

import pytest

from panosc_analysis.errors import PanoscError, ProviderRefused
from panosc_analysis.search import FederatedSearch, SearchClient, Secret
from panosc_analysis.settings import Provider, Settings
from tests.unit.search.conftest import SearchApi, dataset, refused

TOKEN = "s3cret-t0ken"
RECORDS = [dataset(n) for n in range(3)]


@dataclasses.dataclass
class Holder:
    token: Secret


def test_a_secret_shows_itself_nowhere():
    secret = Secret(TOKEN)
    shown = (
        f"{secret} {secret!r} {secret!s:>20} {[secret]} {Holder(secret)} {dataclasses.asdict(Holder(secret))} %s"
        % secret
    )
    assert TOKEN not in shown + str(vars(Holder(secret))) + str(copy.deepcopy([secret]))
    assert copy.copy(secret) is secret
    assert secret.reveal() == TOKEN
    for write in (pickle.dumps, json.dumps):
        with pytest.raises(TypeError):
            write(secret)
    with pytest.raises(AttributeError):
        secret.__dict__  # noqa: B018
    assert secret != Secret(TOKEN)


@pytest.mark.parametrize(("header", "sent"), [("Authorization", f"Bearer {TOKEN}"), ("access_token", TOKEN)])
def test_the_token_goes_into_its_header_and_is_read_at_each_call(serve, monkeypatch, header, sent):
    server = serve(SearchApi(RECORDS))
    client = SearchClient(Provider("demo", server.url, "DEMO_TOKEN", header))
    monkeypatch.delenv("DEMO_TOKEN", raising=False)
    client.find_datasets()
    assert {one.headers.get(header) for one in server.requests} == {None}
    monkeypatch.setenv("DEMO_TOKEN", TOKEN)
    server.requests.clear()
    client.find_datasets()
    assert {one.headers.get(header) for one in server.requests} == {sent}
    assert TOKEN not in repr(client.provider)


def test_a_given_token_goes_before_the_environments(serve, monkeypatch):
    monkeypatch.setenv("DEMO_TOKEN", "other")
    server = serve(SearchApi(RECORDS))
    provider = server.provider(token_env="DEMO_TOKEN")
    SearchClient(provider, token=Secret(TOKEN)).find_datasets()
    FederatedSearch(Settings(providers=(provider,)), tokens={"demo": Secret(TOKEN)}).search()
    assert {one.headers["Authorization"] for one in server.requests} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", None, "refusing"])
def test_failures_and_logs_do_not_show_the_token(serve, caplog, url):
    caplog.set_level(logging.DEBUG)
    server = serve(SearchApi(RECORDS) if url is None else lambda _: refused(403, "no"))
    address = f"{server.url}/nowhere" if url is None else server.url if url == "refusing" else url
    del server  # it keeps what it was sent
    client = SearchClient(Provider("demo", address, token_header="access_token"), token=Secret(TOKEN))
    with pytest.raises(PanoscError) as caught:
        client.get_dataset("10.5072/x")
    whole = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    written = "".join(whole.format()) + caplog.text + repr(caught.value) + str(pickle.dumps(caught.value))
    assert "get_dataset" in written
    assert TOKEN not in written


def test_a_token_that_cannot_be_sent_is_refused_before_it_is(serve, monkeypatch):
    server = serve(SearchApi(RECORDS))
    monkeypatch.setenv("DEMO_TOKEN", "two\nlines")
    with pytest.raises(ProviderRefused, match="DEMO_TOKEN") as caught:
        SearchClient(server.provider(token_env="DEMO_TOKEN")).find_datasets()
    assert "lines" not in str(caught.value).replace("on one line", "")
    assert not server.requests


def test_who_was_refused_is_told_where_the_token_is(serve):
    refusing = serve(lambda _: refused(403, "no"))
    with pytest.raises(ProviderRefused, match="DEMO_TOKEN"):
        SearchClient(refusing.provider(token_env="DEMO_TOKEN")).find_datasets()
    with pytest.raises(ProviderRefused, match="token_env"):
        SearchClient(refusing.provider()).find_datasets()
