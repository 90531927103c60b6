"""How functions start, and what a request costs them, each in a process of its own beside an empty Lambda."""

from __future__ import annotations

import math
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

import bench_gateway
import bench_python
from bench_gateway import Gateway
from bench_lambda import Answer, Broken, Cost, Event, Function
from bench_python import Python
from bench_report import heading, notes, table
from bench_stage import (
    CHAT_SECONDS,
    TURNS_PER_CONVERSATION,
    Stage,
    checked_turn,
    expect,
    sample,
    turn,
)

EMPTY = "bench-empty"
LISTED = 20
# The functions whose requests are measured too, with what is asked of them.
REQUESTS = {
    EMPTY: ("health/live", "GET /healthz, answered with {}"),
    "health": ("health/live", "GET /healthz"),
    "models": ("models/list", "GET /api/v1/models"),
    "auth": ("auth/me", "GET /api/v1/auth/me"),
    "conversations": (
        "conversations/list",
        f"GET /api/v1/conversations, {LISTED} of them: one call of the table",
    ),
    "chat": (
        "chat/send_message",
        f"POST …/messages, not streamed, 20 tokens, at most {TURNS_PER_CONVERSATION} turns in a conversation",
    ),
    "api-keys": ("api-keys/list", "GET /api/v1/api-keys, none"),
    "audit": ("audit/list", "GET /api/v1/audit"),
    "jobs": ("jobs/list", "GET /api/v1/jobs, none"),
    "knowledge-bases": ("knowledge-bases/list", "GET /api/v1/knowledge-bases, none"),
    "provider-credentials": (
        "provider-credentials/list",
        "GET /api/v1/provider-credentials",
    ),
    "tenants": ("tenants/list", "GET /api/v1/tenants"),
}
_PYTHON_SENDS = {
    bench_python.EMPTY: "health/live",
    bench_python.LISTING: "conversations/list",
}


@dataclass
class Samples:
    """One number a round for each column."""

    refused: list[Cost] = field(default_factory=list)
    start: list[Cost] = field(default_factory=list)
    first: list[Cost] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)

    def add(self, costs: list[Cost]) -> None:
        """The requests of a round, in the order in which they were sent."""
        if not costs:
            return
        first, *warm = costs
        walls = sorted(cost.wall_ms for cost in warm)
        self.first.append(first)
        self.p50.append(statistics.median(walls))
        self.p99.append(walls[min(len(walls) - 1, int(len(walls) * 0.99))])
        self.cpu.append(statistics.fmean(cost.cpu_ms for cost in warm))


class Starts:
    def __init__(
        self, stage: Stage, functions: list[str], python: bool, gateway: Path | None
    ) -> None:
        self._stage = stage
        self._functions = functions
        self._gateway = gateway
        self._reader, self._talker = stage.register("reader", "talker")
        stage.conversations(self._reader, LISTED)
        self._python = Python(stage, self._reader) if python else None
        names = [*functions, *(_PYTHON_SENDS if python else [])]
        names += [bench_gateway.NAME] if gateway else []
        self.samples = {name: Samples() for name in names}
        self._conversations: list[str] = []

    def run(self, rounds: int, requests: int) -> None:
        for number in range(rounds):
            self._round(requests)
            print(f"starts: round {number + 1} of {rounds}", file=sys.stderr)
        stored = self._stage.stored_answers(self._talker, self._conversations)
        if stored != requests + 1:
            raise Broken(
                f"chat: {stored} of the {requests + 1} turns of the last round are stored"
            )

    def _round(self, requests: int) -> None:
        self._stage.log_in(self._reader, self._talker)
        refused = self._stage.world.environment(reachable=False)
        for name in self._functions:
            samples = self.samples[name]
            with self._stage.function(name, refused) as function:
                samples.refused.append(function.start)
            events = self._events(name, requests + 1)
            with self._stage.function(name) as function:
                self._measure(name, function, events)
        if self._python:
            for name, sent in _PYTHON_SENDS.items():
                events = [sample(sent, self._reader.token)] * (requests + 1)
                with self._python.function(name) as function:
                    self._measure(name, function, events)
        if self._gateway:
            samples = self.samples[bench_gateway.NAME]
            provider = self._stage.world.provider
            with Gateway(self._gateway, provider, self._stage.scratch) as gateway:
                samples.start.append(gateway.start)
                costs = [gateway.ask() for _ in range(requests + 1)]
                samples.peak.append(gateway.peak_megabytes())
            samples.add(costs)

    def _measure(self, name: str, function: Function, events: list[Event]) -> None:
        samples = self.samples[name]
        samples.start.append(function.start)
        seconds = CHAT_SECONDS if name == "chat" else 29
        try:
            costs = [
                _checked(name, function.invoke(event, seconds)).cost for event in events
            ]
        except Broken as broken:
            raise Broken(f"{name}: {broken}") from broken
        samples.peak.append(function.peak_megabytes())
        samples.add(costs)

    def _events(self, name: str, count: int) -> list[Event]:
        if name == "chat":
            needed = -(-count // TURNS_PER_CONVERSATION)
            self._conversations = self._stage.conversations(self._talker, needed)
            token = self._talker.token
            turns = [turn(token, id) for id in self._conversations]
            return [turns[index // TURNS_PER_CONVERSATION] for index in range(count)]
        if name not in REQUESTS:
            return []
        return [sample(REQUESTS[name][0], self._reader.token)] * count


def _checked(name: str, answer: Answer) -> Answer:
    if name == "chat":
        return checked_turn(answer, stream=False)
    expect(200, answer)
    if name in ("conversations", bench_python.LISTING):
        listed = len(answer.json()["data"])
        if listed != LISTED:
            raise Broken(f"{listed} items in the list and not {LISTED}")
    return answer


COLUMNS = [
    "",
    "binary MB",
    "start alone ms",
    "CPU ms",
    "start ms",
    "CPU ms",
    "first ms",
    "CPU ms",
    "warm p50 ms",
    "p99 ms",
    "CPU ms",
    "peak MiB",
]


def _figures(samples: Samples, binary: Path) -> list[float]:
    """What a gateway does not have is not a number."""

    def both(costs: list[Cost]) -> list[float]:
        if not costs:
            return [math.nan, math.nan]
        return [
            statistics.median(cost.wall_ms for cost in costs),
            statistics.median(cost.cpu_ms for cost in costs),
        ]

    warm = [
        statistics.median(values) if values else math.nan
        for values in (samples.p50, samples.p99, samples.cpu)
    ]
    starts = both(samples.refused) + both(samples.start) + both(samples.first)
    return [
        binary.stat().st_size / 1e6 if binary.exists() else math.nan,
        *starts,
        *warm,
        statistics.median(samples.peak),
    ]


def report(starts: Starts, binaries: Path, rounds: int, requests: int) -> None:
    rows = {
        name: _figures(samples, binaries / name)
        for name, samples in starts.samples.items()
    }
    heading("Starts and single requests")
    table(COLUMNS, [[name, *row] for name, row in rows.items()])
    print(f"\nThe same, in multiples of {EMPTY}:\n")
    least = rows[EMPTY]
    multiples = {
        name: [value / base if base else math.nan for value, base in zip(row, least)]
        for name, row in rows.items()
    }
    table(COLUMNS, [[name, *row] for name, row in multiples.items()], digits=1)
    what = {name: text for name, (_, text) in REQUESTS.items()}
    what |= bench_python.WHAT | {bench_gateway.NAME: bench_gateway.WHAT}
    notes(
        f"Medians of {rounds} rounds; in each, one function after the other, each in new processes, with {requests} warm requests.",
        "start alone: from the start of the process to its first poll, while AWS refuses every connection: all attempts of the "
        "warm-up are in it, with the pauses between them.",
        "start: the same with the table and the secrets there (plain HTTP on this machine: no TLS).",
        "first: the first request after that start, from the event sent to the whole answer received; warm: the ones after it, "
        "whose CPU ms is the mean.",
        "CPU ms: of all threads of the function, from /proc/PID/task/*/schedstat: to be trusted on a busy machine.",
        "peak: the most memory that was resident (VmHWM).",
        *(f"{name}: {what[name]}." for name in rows if name in what),
    )
