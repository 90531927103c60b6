"""A client of servers that speak as OpenAI does: a gateway, or the provider stand-in with nothing in between."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass

from bench_lambda import Broken
from bench_world import ANSWER, MODEL

# Servers close a connection that nobody has used for some seconds.
_IDLE_SECONDS = 2.0


@dataclass(frozen=True)
class Taken:
    """By the clock, until the first piece of the text and until the end."""

    whole_ms: float
    first_ms: float | None = None


class Client:
    """One connection that is kept."""

    def __init__(self, address: str, key: str = "of-no-use") -> None:
        self._connection = http.client.HTTPConnection(address, timeout=120)
        self._used = 0.0
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
        }

    def close(self) -> None:
        self._connection.close()

    def get(self, path: str) -> int:
        self._connection.request("GET", path, headers=self._headers)
        reply = self._connection.getresponse()
        reply.read()
        return reply.status

    def ask(self, *, stream: bool = False) -> Taken:
        message = {"role": "user", "content": "What is the capital of Norway?"}
        body = json.dumps({"model": MODEL, "messages": [message], "stream": stream})
        began = time.perf_counter()
        if began - self._used > _IDLE_SECONDS:
            self._connection.close()
        self._connection.request("POST", "/v1/chat/completions", body, self._headers)
        reply = self._connection.getresponse()
        if reply.status != 200:
            raise Broken(f"status {reply.status}: {reply.read()[:500]!r}")
        if stream:
            taken = self._read_stream(reply, began)
            self._used = time.perf_counter()
            return taken
        answer = json.loads(reply.read())
        self._used = time.perf_counter()
        taken = Taken((self._used - began) * 1e3)
        if answer["choices"][0]["message"]["content"] != ANSWER:
            raise Broken(f"not what the provider said: {answer}")
        return taken

    @staticmethod
    def _read_stream(reply: http.client.HTTPResponse, began: float) -> Taken:
        text, first, done = "", None, False
        while line := reply.readline():
            if not line.startswith(b"data:"):
                continue
            if line[5:].strip() == b"[DONE]":
                done = True
                continue
            choices = json.loads(line[5:])["choices"]
            piece = (choices[0]["delta"].get("content") or "") if choices else ""
            if piece and first is None:
                first = (time.perf_counter() - began) * 1e3
            text += piece
        # So that the connection can be used again.
        reply.read()
        if text != ANSWER or not done or first is None:
            raise Broken(f"a stream without all of its pieces: {text!r}")
        return Taken((time.perf_counter() - began) * 1e3, first)
