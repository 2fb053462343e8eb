"""Memberships from outside the claims: a registry file, and a user office that may be down or talk nonsense."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_config.identity.settings import SourceSettings
from hub_config.memberships import Memberships, RegistryMembers, SourceUnavailable, UserOffice

ANSWERS: dict[str, tuple[int, bytes]] = {
    "/people/ada/proposals": (200, b'["2026-1", "2026-2"]'),
    "/people/bob/proposals": (200, b'{"proposals": ["2026-3"], "name": "Bob"}'),
    "/people/a%2F..%2Fada/proposals": (200, b'["quoted"]'),
    "/people/down/proposals": (500, b"oops"),
    "/people/html/proposals": (200, b"<html>"),
    "/people/dict/proposals": (200, b'{"a": 1}'),
    "/people/numbers/proposals": (200, b"[1, 2]"),
    "/people/long/proposals": (200, json.dumps(["x"] * 2001).encode()),
    "/people/deep/proposals": (200, b"[" * 100_000),
    "/people/huge/proposals": (200, b" " * (2 << 20)),
    "/people/away/proposals": (302, b""),
    "/people/denied/proposals": (401, b""),
}
SEEN: list[tuple[str, str | None]] = []


class Office(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        SEEN.append((self.path, self.headers["Authorization"]))
        status, body = ANSWERS.get(self.path, (404, b"nobody"))
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            # Whoever asked has stopped reading a far too long answer.
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def office() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Office)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/people/{{person}}/proposals"
    server.shutdown()
    server.server_close()


def ask(address: str, person: str, **settings: Any) -> frozenset[str]:
    async def once() -> frozenset[str]:
        source = UserOffice(address, **settings)
        try:
            return await source.proposals_of(person)
        finally:
            await source.close()

    return asyncio.run(once())


def test_the_user_office_is_asked_with_its_token_and_a_quoted_name(office: str) -> None:
    assert ask(office, "ada", token="t-1") == {"2026-1", "2026-2"}
    assert ask(office, "bob") == {"2026-3"}
    assert ask(office, "a/../ada") == {"quoted"}
    assert ask(office, "nobody") == frozenset()
    assert ("/people/ada/proposals", "Bearer t-1") in SEEN


@pytest.mark.parametrize("person", ["down", "html", "dict", "numbers", "long", "deep", "huge", "away", "denied"])
def test_an_office_that_cannot_say_is_not_an_office_that_says_none(office: str, person: str) -> None:
    with pytest.raises(SourceUnavailable) as error:
        ask(office, person, token="never-shown")
    assert "never-shown" not in str(error.value)


def test_an_office_that_does_not_listen_is_unavailable() -> None:
    with pytest.raises(SourceUnavailable):
        ask("http://127.0.0.1:9/{person}", "ada", timeout=1)


def test_a_registry_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "proposals.yaml"
    source = RegistryMembers(file)
    with pytest.raises(SourceUnavailable):
        asyncio.run(source.proposals_of("ada"))
    file.write_text("proposals: [{id: 2026-1, members: [ada, bob]}, {id: 2026-2}, {id: 3, members: [ada]}]")
    assert asyncio.run(source.proposals_of("ada")) == {"2026-1", "3"}
    assert asyncio.run(source.proposals_of("Ada")) == frozenset()
    file.write_text("proposals: [{id: 2026-1, members: [bob]}]")
    assert asyncio.run(source.proposals_of("ada")) == frozenset()


@pytest.mark.parametrize("text", ["", "[", "proposals: 3", "proposals: [3]", "proposals: [{members: [ada]}]", "- x"])
def test_a_broken_registry_is_unavailable_and_not_empty(tmp_path: Path, text: str) -> None:
    file = tmp_path / "proposals.yaml"
    file.write_text(text)
    with pytest.raises(SourceUnavailable, match="proposals.yaml"):
        asyncio.run(RegistryMembers(file).proposals_of("ada"))


def test_sources_add_up_and_each_knows_a_person_by_its_own_name(tmp_path: Path) -> None:
    for name, member in (("a", "u1"), ("b", "0000-0002")):
        (tmp_path / name).write_text(f"proposals: [{{id: {name}, members: ['{member}']}}]")
    rows = (SourceSettings(registry=tmp_path / "a"), SourceSettings(registry=tmp_path / "b", person="orcid"))
    sources = Memberships(rows)

    def asked(claims: dict[str, Any]) -> frozenset[str]:
        return asyncio.run(sources.proposals_of("u1", claims))

    assert asked({"orcid": "0000-0002"}) == {"a", "b"}
    for odd in ({}, {"orcid": ["0000-0002"]}, {"orcid": ""}, {"orcid": "x" * 300}, {"orcid": "0000-0002\n"}):
        assert asked(odd) == {"a"}
