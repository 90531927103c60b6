"""What every part of the benchmark needs: functions by name, people who have logged in, and events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench_lambda import Answer, Broken, Event, Function
from bench_world import ANSWER, World

REPOSITORY = Path(__file__).resolve().parent.parent

# What a stream of a turn holds as soon as the first piece of the answer is there, and at its end.
FIRST_PIECE, TERMINAL = b"event: delta", b"event: done"
CHAT_SECONDS = 300
TURNS_PER_CONVERSATION = 5
CONVERSATIONS = "/api/v1/conversations"
MESSAGES = f"{CONVERSATIONS}/{{conversation_id}}/messages"


@dataclass
class Person:
    name: str
    token: str = ""
    refresh: str = ""

    def credentials(self) -> dict[str, str]:
        return {
            "email": f"{self.name}@example.com",
            "password": f"{self.name} and a long password",
        }


class Stage:
    """Starts functions as Lambda would, with the settings of the world."""

    def __init__(self, binaries: Path, world: World, scratch: Path) -> None:
        self.binaries = binaries
        self.world = world
        self.scratch = scratch
        self._started = 0

    def has(self, name: str) -> bool:
        return (self.binaries / name).exists()

    @contextmanager
    def function(
        self,
        name: str,
        environment: dict[str, str] | None = None,
        marker: bytes | None = None,
        command: list[str] | None = None,
    ) -> Iterator[Function]:
        self._started += 1
        log = self.scratch / f"{name}-{self._started}.log"
        try:
            function = Function(
                command or [str(self.binaries / name)],
                environment or self.world.environment(),
                log,
                marker,
            )
        except Broken as broken:
            raise Broken(f"{name}: {broken}") from broken
        with function:
            yield function

    @contextmanager
    def functions(
        self, name: str, count: int, marker: bytes | None = None
    ) -> Iterator[list[Function]]:
        """As many processes of one function, as Lambda has where so many requests come at once."""
        with ExitStack() as stack:
            yield [
                stack.enter_context(self.function(name, marker=marker))
                for _ in range(count)
            ]

    def register(self, *names: str) -> list[Person]:
        people = [Person(name) for name in names]
        with self.function("auth") as auth:
            for person in people:
                body = person.credentials()
                expect(202, auth.invoke(sample("auth/register", body=body)))
        self.log_in(*people)
        return people

    def log_in(self, *people: Person) -> None:
        """Access tokens live for ten minutes."""
        with self.function("auth") as auth:
            for person in people:
                event = sample("auth/login", body=person.credentials())
                tokens = expect(200, auth.invoke(event)).json()
                person.token = tokens["access_token"]
                person.refresh = tokens["refresh_token"]

    def conversations(self, person: Person, count: int) -> list[str]:
        """New ones with a title, so that no job looks for one."""
        with self.function("conversations") as function:
            event = sample("conversations/create", person.token)
            return [
                str(expect(201, function.invoke(event)).json()["id"])
                for _ in range(count)
            ]

    def stored_answers(self, person: Person, conversations: list[str]) -> int:
        """How many turns are stored in them with the answer that the provider gave."""
        stored = 0
        with self.function("conversations") as function:
            for conversation in conversations:
                query = {"limit": "100"}
                while query:
                    page = self._messages(function, person, conversation, query)
                    stored += sum(
                        message["role"] == "assistant" and message["content"] == ANSWER
                        for message in page["data"]
                    )
                    cursor = page.get("next_cursor")
                    query = {"limit": "100", "cursor": cursor} if cursor else {}
        return stored

    @staticmethod
    def _messages(
        function: Function, person: Person, conversation: str, query: dict[str, str]
    ) -> Any:
        path = {"conversation_id": conversation}
        event = request("GET", MESSAGES, person.token, path=path, query=query)
        return expect(200, function.invoke(event)).json()


def sample(
    name: str,
    token: str | None = None,
    conversation: str | None = None,
    body: Any = None,
) -> Event:
    """An event of `events/`, with what it lacks."""
    event: Event = json.loads((REPOSITORY / "events" / f"{name}.json").read_text())
    if token:
        set_header(event, "Authorization", f"Bearer {token}")
    if conversation:
        event["path"] = event["resource"].replace("{conversation_id}", conversation)
    if body is not None:
        event |= {"body": json.dumps(body), "isBase64Encoded": False}
    return event


def request(
    method: str,
    resource: str,
    token: str | None = None,
    body: Any = None,
    path: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> Event:
    """An event as API Gateway makes it of such a request."""
    event = sample("conversations/list", token, body=body)
    real = resource
    for name, value in (path or {}).items():
        real = real.replace(f"{{{name}}}", value)
    event |= {"httpMethod": method, "resource": resource, "path": real}
    event["requestContext"] |= {"httpMethod": method, "resourcePath": resource}
    if query:
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = {
            name: [value] for name, value in query.items()
        }
    if body is not None:
        set_header(event, "Content-Type", "application/json")
    return event


def turn(token: str, conversation: str, *, stream: bool = False) -> Event:
    name = "send_message_as_stream" if stream else "send_message"
    return sample(f"chat/{name}", token, conversation)


def set_header(event: Event, name: str, value: str) -> None:
    event["headers"][name] = value
    event["multiValueHeaders"][name] = [value]


def expect(status: int, answer: Answer) -> Answer:
    if answer.status != status:
        raise Broken(
            f"status {answer.status} where {status} is right: {answer.body[:500]!r}"
        )
    return answer


def checked_turn(answer: Answer, *, stream: bool) -> Answer:
    """An answer that is whole: what the provider said, or a stream with all pieces and the terminal event."""
    expect(200 if stream else 201, answer)
    if not stream:
        if answer.json()["content"] != ANSWER:
            raise Broken(f"not what the provider said: {answer.body[:500]!r}")
        return answer
    if streamed_text(answer.body) != ANSWER or TERMINAL not in answer.body:
        raise Broken(f"a stream without all of its pieces: {answer.body[:2000]!r}")
    if answer.marked_ms is None:
        raise Broken("nobody noted when the first piece of a stream came")
    return answer


def streamed_text(stream: bytes) -> str:
    text = ""
    for event in stream.decode().split("\n\n"):
        lines = event.splitlines()
        if "event: delta" in lines:
            data = next(line for line in lines if line.startswith("data:"))
            text += json.loads(data[5:])["content"]
    return text
