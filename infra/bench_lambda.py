"""A function's process and the Runtime API that it polls, as far as a benchmark needs them."""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# More than any request takes, also in a debug build on a busy machine.
PATIENCE_SECONDS = 60.0
# Between the head and the body of a streamed answer.
PRELUDE_END = b"\0" * 8
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"

Event = dict[str, Any]


class Broken(Exception):
    """The function does not do what is to be measured. Its text says what it did instead."""


@dataclass(frozen=True)
class Cost:
    """What something took: by the clock, and of a processor."""

    wall_ms: float
    cpu_ms: float


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    cost: Cost
    # From the event sent to the piece of the body that holds the function's marker; `None` where it has none.
    marked_ms: float | None = None

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Request:
    """What the function asks of the Runtime API."""

    line: str
    headers: dict[str, str]
    body: bytes
    # When the marker was there, by `time.perf_counter`.
    marked: float | None = None


class Connection:
    def __init__(self, connected: socket.socket, marker: bytes | None = None) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(PATIENCE_SECONDS)
        self.socket = connected
        self._marker = marker
        self._unread = b""

    def read_request(self) -> Request | None:
        """`None` when the other side has closed it."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        line, *fields = head.decode().split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, value in (field.split(":", 1) for field in fields)
        }
        if headers.get("transfer-encoding") == "chunked":
            body, marked = self._chunks()
            return Request(line, headers, body, marked)
        return Request(
            line, headers, self._exactly(int(headers.get("content-length", 0)))
        )

    def _chunks(self) -> tuple[bytes, float | None]:
        body, marked = b"", None
        while True:
            length = self._until(b"\r\n")
            if length is None:
                raise Broken(
                    "the function closed the connection in the middle of its answer"
                )
            chunk = self._exactly(int(length.split(b";")[0], 16) + 2)[:-2]
            if not chunk:
                return body, marked
            body += chunk
            if self._marker and marked is None and self._marker in body:
                marked = time.perf_counter()

    def _until(self, end: bytes) -> bytes | None:
        while end not in self._unread:
            if not self._fill():
                return None
        found, self._unread = self._unread.split(end, 1)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self._unread) < count:
            if not self._fill():
                raise Broken(
                    "the function closed the connection in the middle of its answer"
                )
        found, self._unread = self._unread[:count], self._unread[count:]
        return found

    def _fill(self) -> bool:
        # The runtime's client leaves Nagle's algorithm on: the second small packet of an answer waits until the first
        # is acknowledged, which the kernel may put off for 40 ms. That would be all that is seen of a streamed answer.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        data = self.socket.recv(65536)
        self._unread += data
        return bool(data)


class Function:
    """A started function. It has polled for its first event when the constructor returns."""

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        log: Path,
        marker: bytes | None = None,
    ) -> None:
        self._log = log
        self._marker = marker
        self._count = 0
        self._connections: list[Connection] = []
        self._polling: Connection | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        api = f"127.0.0.1:{self._listener.getsockname()[1]}"
        environment = environment | {
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_LAMBDA_FUNCTION_NAME": log.stem,
        }
        with log.open("wb") as output:
            started = time.perf_counter()
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            self._next_poll()
        except BaseException:
            self.stop()
            raise
        self.pid = self._process.pid
        self.start = Cost((time.perf_counter() - started) * 1e3, cpu_ms(self.pid))

    def __enter__(self) -> Function:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for connection in self._connections:
            connection.socket.close()
        self._listener.close()

    def invoke(self, event: Event, seconds: int = 29) -> Answer:
        self._count += 1
        sent = invocation(event, self._count, seconds)
        if self._polling is None:
            raise Broken("the function was not waiting for an event")
        cpu_before, began = cpu_ms(self._process.pid), time.perf_counter()
        self._polling.socket.sendall(sent)
        connection, request = self._next_request()
        wall_ms = (time.perf_counter() - began) * 1e3
        if not request.line.startswith("POST ") or not request.line.split(" ")[
            1
        ].endswith("/response"):
            raise Broken(f"the function reports {request.line}: {request.body[:500]!r}")
        connection.socket.sendall(ACCEPTED)
        self._next_poll()
        cost = Cost(wall_ms, cpu_ms(self._process.pid) - cpu_before)
        marked_ms = None if request.marked is None else (request.marked - began) * 1e3
        return answer_of(request, cost, marked_ms)

    def peak_megabytes(self) -> float:
        return peak_megabytes(self._process.pid)

    def _next_poll(self) -> None:
        connection, request = self._next_request()
        if (
            not request.line.startswith("GET ")
            or "/invocation/next" not in request.line
        ):
            raise Broken(f"the function reports {request.line}: {request.body[:500]!r}")
        self._polling = connection

    def _next_request(self) -> tuple[Connection, Request]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            sockets = [
                self._listener,
                *(connection.socket for connection in self._connections),
            ]
            ready, _, _ = select.select(sockets, [], [], 0.5)
            for connection in [
                connection
                for connection in self._connections
                if connection.socket in ready
            ]:
                request = connection.read_request()
                if request is not None:
                    return connection, request
                self._connections.remove(connection)
            if self._listener in ready:
                self._connections.append(
                    Connection(self._listener.accept()[0], self._marker)
                )
            if not ready and self._process.poll() is not None:
                raise Broken(
                    f"the function ended with status {self._process.returncode}:\n{self.log()}"
                )
        raise Broken(
            f"the function was silent for {PATIENCE_SECONDS:.0f} s:\n{self.log()}"
        )

    def log(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])


def invocation(event: Event, number: int, seconds: int) -> bytes:
    """What a poll is answered with."""
    payload = json.dumps(event).encode()
    head = (
        "HTTP/1.1 200 OK\r\n"
        f"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-{number:012d}\r\n"
        f"Lambda-Runtime-Deadline-Ms: {int((time.time() + seconds) * 1000)}\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"
        "Lambda-Runtime-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload


def cpu_ms(pid: int) -> float:
    """What its threads have used so far; /proc/PID/schedstat alone would be the first thread's."""
    total = 0
    for schedstat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(schedstat.read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass  # A thread that has just ended.
    return total / 1e6


def used_ms(pid: int) -> float:
    """What a process has used so far with the threads that have ended: in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


def resident_megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_megabytes(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise Broken("the system does not say how much memory a process takes")


def answer_of(request: Request, cost: Cost, marked_ms: float | None) -> Answer:
    if PRELUDE_END in request.body:
        prelude, body = request.body.split(PRELUDE_END, 1)
        return Answer(json.loads(prelude)["statusCode"], body, cost, marked_ms)
    whole = json.loads(request.body)
    text: str = whole.get("body") or ""
    encoded = whole.get("isBase64Encoded", False)
    body = base64.b64decode(text) if encoded else text.encode()
    return Answer(whole["statusCode"], body, cost, marked_ms)


def clean_environment() -> dict[str, str]:
    """What Lambda itself sets, with credentials that no stand-in looks at."""
    return {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH": "true",
        "MALLOC_MMAP_THRESHOLD_": "4194304",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "TZ": ":UTC",
    }
