"""The few HTTP calls that the stack makes itself."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.error
import urllib.request
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Reply(NamedTuple):
    """Any answer, also a refusal."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Unanswered(Exception):
    """No HTTP answer at all."""


def call(
    address: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 10.0,
) -> Reply:
    """GET, or POST when there is a body."""
    request = urllib.request.Request(address, data=body, headers=headers or {})
    try:
        with _opener(address).open(request, timeout=timeout) as response:
            return Reply(response.status, response.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Reply(refusal.code, refusal.read())
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise Unanswered(str(reason) or type(reason).__name__) from error


def answers(address: str, timeout: float = 2.0) -> bool:
    """Whether a service is up and content."""
    try:
        return call(address, timeout=timeout).status < 300
    except Unanswered:
        return False


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _opener(address: str) -> urllib.request.OpenerDirector:
    if urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1"):
        # A proxy from the environment could not reach this machine.
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener()
