"""A client of the deployed API, which knows HTTP and what the stand-in's gateway does to streams."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from local.console import Failure

# A function that has to start on a busy machine takes its time.
_TIMEOUT_SECONDS = 90.0
_PATIENCE_SECONDS = 60.0
# Between the head and the body of what a function streams.
_END_OF_HEAD = b"\x00" * 8


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Whoever has that token; nobody without one."""

    def __init__(self, base: str, certificate: Path, token: str | None = None) -> None:
        self._base, self._certificate, self._token = base, certificate, token
        self._tls = ssl.create_default_context(cafile=str(certificate))

    def with_token(self, token: str) -> Client:
        return Client(self._base, self._certificate, token)

    def get(self, path: str, expected: int = 200) -> Any:
        return self.send("GET", path, None, expected).json()

    def post(self, path: str, body: Any, expected: int = 200) -> Any:
        reply = self.send("POST", path, body, expected)
        return reply.json() if reply.body else None

    def send(self, method: str, path: str, body: Any, expected: int) -> Reply:
        headers = {"Accept": "*/*", "User-Agent": "deploy-local"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        reply = _unwrapped(self.request(method, self._base + path, data, headers))
        if reply.status != expected:
            text = reply.body.decode(errors="replace")[:1000]
            raise Failure(
                f"{method} {path} answers {reply.status} where {expected} was to come: {text}"
            )
        return reply

    def request(
        self, method: str, address: str, body: bytes | None, headers: dict[str, str]
    ) -> Reply:
        """Any address of the stand-in, as it is."""
        url = urlsplit(address)
        connection = http.client.HTTPSConnection(
            url.hostname or "", url.port, timeout=_TIMEOUT_SECONDS, context=self._tls
        )
        target = url.path + (f"?{url.query}" if url.query else "")
        try:
            connection.request(method, target, body, headers)
            reply = connection.getresponse()
            lowered = {name.lower(): value for name, value in reply.getheaders()}
            return Reply(reply.status, lowered, reply.read())
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"{method} {url.path} got no answer: {error!r}") from error
        finally:
            connection.close()


def _unwrapped(reply: Reply) -> Reply:
    """Of a function that streams the stand-in hands on all it sent: a head as JSON, eight zeros, and the body."""
    head, found, body = reply.body.partition(_END_OF_HEAD)
    if not found:
        return reply
    told = json.loads(head)
    headers = {name.lower(): value for name, value in told.get("headers", {}).items()}
    return Reply(int(told["statusCode"]), headers, body)


def until(what: str, look: Callable[[], Any]) -> Any:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise Failure(f"{what} did not happen in {_PATIENCE_SECONDS:.0f} s")


def holds(what: str, truth: bool, seen: Any) -> None:
    if not truth:
        raise Failure(f"{what} does not hold: {json.dumps(seen)[:1000]}")
