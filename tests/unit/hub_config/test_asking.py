"""Answers of a provider, told apart: good, refused, or not to be had; whatever stands at the other end of the line."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import jwt
import pytest
from tornado.httpclient import HTTPRequest

from hub_config.identity.asking import ClaimsRefused, ProviderRefused, ProviderUnavailable
from hub_config.identity.authenticator import InstituteAuthenticator
from hub_config.identity.settings import identity_settings

ISSUER = "https://login.example"


def http(status: str, body: str | bytes = b"", *headers: str) -> bytes:
    body = body.encode() if isinstance(body, str) else body
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


def ask(answer: bytes, *, scheme: str = "http") -> Any:
    """Send one request to a server that answers with exactly these bytes and hangs up."""

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n" if scheme == "http" else b"\x00")
            writer.write(answer)
            await writer.drain()
            writer.close()

    async def once() -> Any:
        server = await asyncio.start_server(answering, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        authenticator = InstituteAuthenticator()
        try:
            return await authenticator.fetch(HTTPRequest(f"{scheme}://127.0.0.1:{port}/me?token=s", request_timeout=2))
        finally:
            authenticator.http_client.close()
            server.close()
            await server.wait_closed()

    return asyncio.run(once())


def test_a_good_answer_is_a_json_object() -> None:
    assert ask(http("200 OK", '{"sub": "x"}')) == {"sub": "x"}


UNAVAILABLE = {
    "hangs up": b"",
    "noise": bytes(range(256)) * 4,
    "not http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half an answer": b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"sub": ',
    "broken header": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
    "web page": http("200 OK", "<html>Welcome</html>", "Content-Type: text/html"),
    "empty": http("200 OK"),
    "list": http("200 OK", "[1]"),
    "number": http("200 OK", "3"),
    "brackets": http("200 OK", "[" * 100_000),
    "not text": http("200 OK", b"\xff\xfe{}"),
    "far too long": http("200 OK", '{"a": "' + "x" * (2 << 20) + '"}'),
    "moved": http("302 Found", "", "Location: http://127.0.0.1:9/"),
    "gone": http("404 Not Found", "no"),
    "busy": http("429 Too Many Requests", "{}"),
    "broken": http("500 Internal Server Error", '{"error": "invalid_grant"}'),
    "down": http("503 Service Unavailable", "<html>"),
    "signed": http("200 OK", "eyJhbGciOiJub25lIn0.e30.", "Content-Type: application/jwt"),
}


@pytest.mark.parametrize("answer", UNAVAILABLE.values(), ids=UNAVAILABLE)
def test_whatever_no_working_provider_says_says_nothing_about_a_person(answer: bytes) -> None:
    with pytest.raises(ProviderUnavailable) as error:
        ask(answer)
    assert "token=s" not in str(error.value)


def test_a_line_without_tls_where_tls_belongs_is_unavailable() -> None:
    with pytest.raises(ProviderUnavailable):
        ask(http("200 OK", "{}"), scheme="https")


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        ("400 Bad Request", '{"error": "invalid_grant"}', "invalid_grant"),
        ("401 Unauthorized", '{"error": "invalid_client", "error_description": "secret"}', "invalid_client"),
        ("403 Forbidden", "<html>invalid_grant</html>", ""),
        ("400 Bad Request", '{"error": ["invalid_grant"]}', ""),
        ("400 Bad Request", '{"error": "invalid_grant\\nforged log line"}', ""),
        ("401 Unauthorized", "", ""),
    ],
)
def test_a_refusal_keeps_oauths_word_and_nothing_else(status: str, body: str, word: str) -> None:
    with pytest.raises(ProviderRefused) as refusal:
        ask(http(status, body))
    assert refusal.value.error == word
    assert "secret" not in str(refusal.value)
    assert "forged" not in str(refusal.value)


def subject_of(claims: dict[str, Any] | str) -> str:
    table = {
        "provider": "oidc", "issuer": ISSUER, "callback_url": "https://h.example/hub/oauth_callback",
    }  # fmt: skip
    environment = {"PANOSC_OIDC_CLIENT_ID": "h", "PANOSC_OIDC_CLIENT_SECRET": "s", "JUPYTERHUB_CRYPT_KEY": "a" * 64}
    authenticator = InstituteAuthenticator(identity=identity_settings(table, environment), client_id="hub")
    token = claims if isinstance(claims, str) else jwt.encode(claims, "k" * 32, "HS256")
    return authenticator._subject(token)


GOOD = {"iss": ISSUER, "aud": "hub", "sub": "person-1", "exp": 1}


def test_an_id_token_names_the_subject_also_when_it_is_old() -> None:
    assert subject_of(GOOD) == "person-1"
    assert subject_of(GOOD | {"aud": ["other", "hub"]}) == "person-1"


@pytest.mark.parametrize(
    "claims",
    [
        GOOD | {"iss": "https://evil.example"}, GOOD | {"aud": "other"}, {k: v for k, v in GOOD.items() if k != "sub"},
        {k: v for k, v in GOOD.items() if k != "aud"}, "", "a.b.c", json.dumps(GOOD),
    ],
    ids=str,
)  # fmt: skip
def test_an_id_token_for_somebody_else_is_refused(claims: Any) -> None:
    with pytest.raises(ClaimsRefused):
        subject_of(claims)
