"""One process that serves many events at a time, as Lambda Managed Instances let it: it polls as often as it may."""

from __future__ import annotations

import itertools
import math
import queue
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench_lambda import (
    ACCEPTED,
    PATIENCE_SECONDS,
    Answer,
    Broken,
    Connection,
    Cost,
    Event,
    Request,
    answer_of,
    invocation,
)

# For more polls, after the first.
_POLLS_SECONDS = 2.0


@dataclass
class _Invocation:
    number: int
    sent: bytes
    began: float = 0.0
    ended: float = 0.0
    answer: Request | None = None


class SharedFunction:
    """A started function, which was told that it may serve `most` events at a time."""

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        log: Path,
        marker: bytes,
        most: int,
    ) -> None:
        self._marker = marker
        self._numbers = itertools.count(1)
        self._waiting: queue.Queue[_Invocation] = queue.Queue()
        self._sent: dict[int, tuple[_Invocation, threading.Event]] = {}
        self._polls = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        api = f"127.0.0.1:{self._listener.getsockname()[1]}"
        environment = environment | {
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_LAMBDA_FUNCTION_NAME": log.stem,
            "AWS_LAMBDA_MAX_CONCURRENCY": str(most),
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.pid = self._process.pid
        threading.Thread(target=self._accept, daemon=True).start()
        deadline = time.monotonic() + _POLLS_SECONDS
        while time.monotonic() < deadline and self._polls < most:
            time.sleep(0.02)

    def __enter__(self) -> SharedFunction:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.close()

    @property
    def serves(self) -> int:
        """How many events it takes at a time."""
        return self._polls

    def invoke(self, event: Event, seconds: int) -> Answer:
        number = next(self._numbers)
        answered = threading.Event()
        asked = _Invocation(number, invocation(event, number, seconds))
        self._sent[number] = (asked, answered)
        self._waiting.put(asked)
        if not answered.wait(PATIENCE_SECONDS) or asked.answer is None:
            raise Broken(f"no answer within {PATIENCE_SECONDS:.0f} s")
        request = asked.answer
        # Nobody can say which of them used the processor.
        cost = Cost((asked.ended - asked.began) * 1e3, math.nan)
        marked = request.marked
        marked_ms = None if marked is None else (marked - asked.began) * 1e3
        return answer_of(request, cost, marked_ms)

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            connection = Connection(connected, self._marker)
            # It may wait for an event for as long as it likes.
            connected.settimeout(None)
            threading.Thread(
                target=self._serve, args=(connection,), daemon=True
            ).start()

    def _serve(self, connection: Connection) -> None:
        try:
            while request := connection.read_request():
                self._answer(connection, request)
        except (OSError, Broken):
            # It ended, or was stopped in the middle of something; whoever waits is told by the time that passes.
            return
        finally:
            connection.socket.close()

    def _answer(self, connection: Connection, request: Request) -> None:
        method, path, _ = request.line.split(" ")
        if method == "GET":
            self._polls += 1
            asked = self._waiting.get()
            asked.began = time.perf_counter()
            connection.socket.sendall(asked.sent)
            return
        number = int(path.split("/")[-2].rpartition("-")[2])
        asked, answered = self._sent.pop(number)
        asked.ended = time.perf_counter()
        asked.answer = request if path.endswith("/response") else None
        answered.set()
        connection.socket.sendall(ACCEPTED)
