"""A proxy before the table that notes each call with its capacity units, and a provider that notes when it was asked.

Both run in threads of whoever measures: they count, and nobody looks at the time that they take.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench_world import Handler, Provider

_READS = {"GetItem", "Query", "BatchGetItem", "TransactGetItems", "Scan"}
_PASSED_ON = ("X-Amz-Target", "Authorization", "X-Amz-Date", "Content-Type")
# So long that calls which are made side by side are seen to be.
_PAUSE_SECONDS = 0.01
_QUIET_SECONDS = 0.15


@dataclass(frozen=True)
class Call:
    operation: str
    units: float
    # Of a counter of a rate limit: it depends on the policies, and is told apart.
    counting: bool
    began: float
    ended: float


@dataclass(frozen=True)
class Bill:
    """What one request asked of the table."""

    calls: int
    reads: float
    writes: float
    counting: int
    # Calls that followed each other; those that were made side by side are one.
    trips: int
    before_provider: int | None
    after_provider: int | None


class Meter:
    """Running while the context of `metered` is open."""

    def __init__(self, table: str, provider: str) -> None:
        self.table = table
        self.provider = provider
        self.calls: list[Call] = []
        self.asked: list[tuple[float, float]] = []
        self._last = 0.0

    def forget(self) -> None:
        """What is still under way belongs to the request before, so it waits until the table is quiet."""
        self._settle()
        self.calls.clear()
        self.asked.clear()

    def bill(self) -> Bill:
        self._settle()
        calls = sorted(self.calls, key=lambda call: call.ended)
        real = [call for call in calls if not call.counting]
        before, after = None, None
        if self.asked:
            began, ended = self.asked[0][0], self.asked[-1][1]
            before = _trips([call for call in calls if call.ended <= began])
            after = _trips([call for call in calls if call.began >= ended])
        return Bill(
            calls=len(real),
            reads=sum(call.units for call in real if call.operation in _READS),
            writes=sum(call.units for call in real if call.operation not in _READS),
            counting=len(calls) - len(real),
            trips=_trips(calls),
            before_provider=before,
            after_provider=after,
        )

    def _settle(self) -> None:
        known = -1
        while known != len(self.calls):
            known = len(self.calls)
            time.sleep(_QUIET_SECONDS)


def _trips(calls: list[Call]) -> int:
    """The longest row of calls of which each began after the one before had ended; they are in order of their ends."""
    count, until = 0, 0.0
    for call in calls:
        if call.began >= until:
            count, until = count + 1, call.ended
    return count


def units(consumed: Any) -> float:
    """One object, or one a table in transactions and batches."""
    if isinstance(consumed, list):
        return sum(units(one) for one in consumed)
    return float((consumed or {}).get("CapacityUnits", 0.0))


@contextmanager
def metered(table: str) -> Iterator[Meter]:
    noted = Meter("", "")
    address = table.removeprefix("http://")
    connections = threading.local()

    class Metering(Handler):
        def do_POST(self) -> None:
            began = time.monotonic()
            request = json.loads(self.body())
            key = request.get("Key", {}).get("pk", {}).get("S", "")
            request["ReturnConsumedCapacity"] = "TOTAL"
            if not hasattr(connections, "one"):
                connections.one = http.client.HTTPConnection(address, timeout=30)
            headers = {name: self.headers[name] for name in _PASSED_ON}
            connections.one.request("POST", "/", json.dumps(request), headers)
            reply = connections.one.getresponse()
            body = reply.read()
            time.sleep(_PAUSE_SECONDS)
            call = Call(
                operation=self.headers["X-Amz-Target"].rpartition(".")[2],
                units=units(json.loads(body).get("ConsumedCapacity")),
                counting=key.startswith("LIMIT#"),
                began=began,
                ended=time.monotonic(),
            )
            noted.calls.append(call)
            self.answer(body, "application/x-amz-json-1.0", reply.status)

    class Noting(Provider):
        def do_POST(self) -> None:
            began = time.monotonic()
            super().do_POST()
            noted.asked.append((began, time.monotonic()))

    with _served(Metering) as noted.table, _served(Noting) as noted.provider:
        yield noted


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
