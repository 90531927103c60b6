"""Which stack the suite speaks to, and what its scripted provider can be told to do."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import openai
import pytest
from openai import OpenAI

# No call may hang: a suite that waits for ever says nothing.
SECONDS = 60.0


def setting(name: str) -> str:
    """A setting of the suite, which `infra/clients` gives. Without it the run ends, rather than passing something over."""
    value = os.environ.get(f"CHATTER_CLIENTS_{name}", "")
    if not value:
        pytest.exit(
            f"CHATTER_CLIENTS_{name} is not set; start the suite with infra/clients", 2
        )
    return value


def make_client(**options: Any) -> OpenAI:
    """The SDK as its users have it: nothing but an address and a key. It compares every reply and event with its types,
    which it does not by itself."""
    given: dict[str, Any] = {"base_url": setting("URL"), "api_key": setting("KEY")}
    given |= {"timeout": SECONDS, "_strict_response_validation": True}
    return OpenAI(**(given | options))


@contextmanager
def counted(**options: Any) -> Iterator[tuple[OpenAI, list[str]]]:
    """A client, and the paths of the requests that it sends, the SDK's own repetitions among them."""
    sent: list[str] = []
    hooks: dict[str, list[Callable[..., Any]]] = {
        "request": [lambda request: sent.append(request.url.path)]
    }
    with openai.DefaultHttpxClient(event_hooks=hooks) as http:
        yield make_client(http_client=http, **options), sent


def script(**told: Any) -> str:
    """A message that tells the scripted provider what to do: `infra/stand-ins/src/provider/script.rs` has the words."""
    return json.dumps(told)


def say(*pieces: str, **told: Any) -> str:
    return script(say=list(pieces), **told)


def call(name: str, arguments: dict[str, Any], **told: Any) -> str:
    """Calls a tool, with arguments that come in two pieces."""
    text = json.dumps(arguments)
    pieces = [text[: len(text) // 2], text[len(text) // 2 :]]
    return script(calls=[{"name": name, "arguments": pieces}], **told)


def recite() -> str:
    """Answers with the request that the provider got, as JSON."""
    return script(recite=True)


def unique(text: str) -> str:
    """The provider counts how often it was asked the same, over all runs."""
    return f"{text} {uuid.uuid4()}"


def rising(events: Iterable[Any]) -> None:
    """Each event must have a higher number than the one before."""
    numbers = [event.sequence_number for event in events]
    assert all(a < b for a, b in pairwise(numbers)), numbers


def user(content: Any) -> Any:
    return {"role": "user", "content": content}


WEATHER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}

# As chat completions have it, and as responses have it.
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": WEATHER_SCHEMA,
    },
}
WEATHER_TOOL: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather in a city.",
    "parameters": WEATHER_SCHEMA,
    "strict": False,
}
