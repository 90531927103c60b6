"""What each route costs at the table: capacity units and round trips, in a process that has served before."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from bench_lambda import Answer, Broken, Event, Function
from bench_meter import Bill, Meter, metered
from bench_report import Cell, heading, notes, table
from bench_stage import (
    CHAT_SECONDS,
    CONVERSATIONS,
    MESSAGES,
    Person,
    Stage,
    expect,
    request,
    sample,
    set_header,
    turn,
)
from bench_world import MODEL

CONVERSATION = f"{CONVERSATIONS}/{{conversation_id}}"


@dataclass(frozen=True)
class Route:
    function: str
    what: str
    status: int
    # A new event each time: what is created or deleted is another one.
    event: Callable[[], Event]


class Units:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._person: Person = stage.register("counted")[0]
        self._conversation = stage.conversations(self._person, 20)[0]
        self._spare = iter(stage.conversations(self._person, 4))
        self._newcomers = 0
        self.bills: list[tuple[Route, Bill]] = []
        self.left_out: list[str] = []

    def run(self) -> None:
        with metered(self._stage.world.table) as meter, ExitStack() as stack:
            environment = self._stage.world.environment(
                table=meter.table, provider=meter.provider
            )
            started: dict[str, Function] = {}
            for route in self._routes(started):
                name = route.function
                if not self._stage.has(name):
                    if name not in self.left_out:
                        self.left_out.append(name)
                    continue
                if name not in started:
                    one = self._stage.function(name, environment)
                    started[name] = stack.enter_context(one)
                self._measure(route, started[name], meter)

    def _measure(self, route: Route, function: Function, meter: Meter) -> None:
        # The first time pays for what a process remembers.
        self._ask(route, function, route.event())
        event = route.event()
        meter.forget()
        self._ask(route, function, event)
        self.bills.append((route, meter.bill()))

    @staticmethod
    def _ask(route: Route, function: Function, event: Event) -> Answer:
        try:
            return expect(route.status, function.invoke(event, CHAT_SECONDS))
        except Broken as broken:
            raise Broken(f"{route.what}: {broken}") from broken

    def _routes(self, started: dict[str, Function]) -> Iterator[Route]:
        yield from self._of_health()
        yield from self._of_auth(started)
        yield from self._of_conversations()
        yield from self._of_chat(started)
        yield from self._of_others()

    def _of_health(self) -> Iterator[Route]:
        yield Route("health", "GET /healthz", 200, lambda: sample("health/live"))
        yield Route("health", "GET /readyz", 200, lambda: sample("health/ready"))

    def _of_auth(self, started: dict[str, Function]) -> Iterator[Route]:
        def newcomer() -> Event:
            self._newcomers += 1
            body = Person(f"newcomer-{self._newcomers}").credentials()
            return sample("auth/register", body=body)

        def refresh() -> Event:
            body = self._person.credentials()
            tokens = started["auth"].invoke(sample("auth/login", body=body)).json()
            body = {"refresh_token": tokens["refresh_token"]}
            return request("POST", "/api/v1/auth/refresh", body=body)

        def login() -> Event:
            return sample("auth/login", body=self._person.credentials())

        yield Route(
            "auth", "GET /.well-known/jwks.json", 200, lambda: sample("auth/jwks")
        )
        yield Route("auth", "POST …/auth/register", 202, newcomer)
        yield Route("auth", "POST …/auth/login", 200, login)
        yield Route("auth", "POST …/auth/refresh", 200, refresh)
        yield self._plain("auth", "GET", "/api/v1/auth/me")
        yield self._plain("auth", "GET", "/api/v1/auth/sessions")

    def _of_conversations(self) -> Iterator[Route]:
        path = {"conversation_id": self._conversation}
        token = self._person.token
        title = {"title": "Another title"}

        def delete() -> Event:
            spare = {"conversation_id": next(self._spare)}
            return request("DELETE", CONVERSATION, token, path=spare)

        def create() -> Event:
            return sample("conversations/create", token)

        yield Route("conversations", f"POST {CONVERSATIONS}", 201, create)
        yield self._plain("conversations", "GET", CONVERSATIONS)
        yield self._plain("conversations", "GET", CONVERSATION, path=path)
        yield self._plain("conversations", "PATCH", CONVERSATION, title, path)
        yield self._plain("conversations", "GET", MESSAGES, path=path)
        yield self._plain(
            "conversations", "GET", "/v1/conversations/{conversation_id}", path=path
        )
        yield Route("conversations", f"DELETE {CONVERSATION}", 204, delete)

    def _of_chat(self, started: dict[str, Function]) -> Iterator[Route]:
        token, conversation = self._person.token, self._conversation

        def with_key() -> Event:
            event = turn(token, conversation)
            set_header(event, "Idempotency-Key", str(uuid.uuid4()))
            return event

        def run() -> Event:
            listed = started["chat"].invoke(sample("chat/list_runs", token)).json()
            path = {"run_id": listed["data"][0]["id"]}
            return request("GET", "/api/v1/runs/{run_id}", token, path=path)

        asked = {"role": "user", "content": "What is the capital of Norway?"}
        completion = {"model": MODEL, "messages": [asked]}
        response = {"model": MODEL, "input": asked["content"]}
        one, streamed = (
            turn(token, conversation),
            turn(token, conversation, stream=True),
        )
        yield Route("chat", f"POST {MESSAGES}", 201, lambda: one)
        yield Route("chat", f"POST {MESSAGES}, streamed", 200, lambda: streamed)
        yield Route("chat", f"POST {MESSAGES}, Idempotency-Key", 201, with_key)
        yield self._plain("chat", "GET", "/api/v1/runs")
        yield Route("chat", "GET /api/v1/runs/{run_id}", 200, run)
        yield self._plain("chat", "POST", "/v1/chat/completions", completion)
        yield self._plain("chat", "POST", "/v1/responses", response)
        yield self._plain("chat", "POST", "/v1/responses", response | {"store": False})

    def _of_others(self) -> Iterator[Route]:
        yield self._plain("models", "GET", "/api/v1/models")
        yield self._plain("models", "GET", "/v1/models")
        yield self._plain("models", "GET", "/api/v1/registry")
        key = {"name": "nightly", "scopes": ["chat"], "expires_in_seconds": 7_776_000}
        yield self._plain("api-keys", "GET", "/api/v1/api-keys")
        yield self._plain("api-keys", "POST", "/api/v1/api-keys", key, status=201)
        yield self._plain("knowledge-bases", "GET", "/api/v1/knowledge-bases")
        yield self._plain("jobs", "GET", "/api/v1/jobs")
        yield self._plain("tenants", "GET", "/api/v1/tenants")
        yield self._plain("audit", "GET", "/api/v1/audit")
        keys = "/api/v1/provider-credentials"
        yield self._plain("provider-credentials", "GET", keys)

    def _plain(
        self,
        function: str,
        method: str,
        resource: str,
        body: object = None,
        path: dict[str, str] | None = None,
        status: int = 200,
    ) -> Route:
        event = request(method, resource, self._person.token, body, path)
        what = f"{method} {resource}"
        if body and "store" in json.dumps(body):
            what += ", not stored"
        return Route(function, what, status, lambda: event)


COLUMNS = [
    "route",
    "calls",
    "read units",
    "write units",
    "counting",
    "round trips",
    "before the provider",
    "after it",
]


def report(units: Units) -> None:
    heading("Capacity units and round trips by route")
    rows = [[route.what, *cells(bill)] for route, bill in units.bills]
    table(COLUMNS, rows, digits=1)
    notes(
        "The second request of a process, so without what it remembers for half a minute. Units are those of the table "
        "stand-in, which counts as DynamoDB says that it does.",
        "counting: writes of rate limits, one unit each, beside the calls before; their policies here are such that a process "
        "takes permits for many requests at once.",
        "round trips: calls that follow each other, the counting ones too; those made side by side are one.",
    )
    if units.left_out:
        print(f"- Left out, because they were not built: {', '.join(units.left_out)}.")


def cells(bill: Bill) -> list[Cell]:
    def told(count: int | None) -> Cell:
        return "-" if count is None else count

    return [
        bill.calls,
        bill.reads,
        bill.writes,
        bill.counting,
        bill.trips,
        told(bill.before_provider),
        told(bill.after_provider),
    ]
