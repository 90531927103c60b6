"""A mixture of requests for minutes: what fails, how long each kind takes, and what has no processor time left first."""

from __future__ import annotations

import math
import os
import random
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench_lambda import Broken, Event, Function, resident_megabytes, used_ms
from bench_report import Cell, heading, notes, percentile, table
from bench_stage import (
    CHAT_SECONDS,
    CONVERSATIONS,
    FIRST_PIECE,
    MESSAGES,
    Person,
    Stage,
    checked_turn,
    expect,
    request,
    sample,
    turn,
)
from bench_turns import closed_loop

# How many processes of each function, each with one worker that never rests. A third of what people do is chatting.
WORKERS = {"chat": 8, "conversations": 4, "auth": 1, "models": 1}
MOST_TURNS = 30
# Access tokens live for ten minutes.
_TOKEN_SECONDS = 400
_MORE_THAN_ALL = 0.9


@dataclass
class Kind:
    walls: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Load:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.kinds: dict[str, Kind] = {}
        self.used: dict[str, float] = {}
        self.memory: dict[str, tuple[float, float, float]] = {}
        self.seconds = 0.0
        self.turns = self.stored = 0

    def run(self, seconds: int) -> None:
        # Who chats also looks at it: the first of them are those of the other workers too.
        people = self._stage.register(
            *(f"busy-{number}" for number in range(WORKERS["chat"]))
        )
        places = {
            person.name: self._stage.conversations(person, 1) for person in people
        }
        renewing = threading.Event()
        renewal = threading.Thread(target=self._renew, args=(people, renewing))
        with ExitStack() as stack:
            processes = {
                name: stack.enter_context(
                    self._stage.functions(name, workers, FIRST_PIECE)
                )
                for name, workers in WORKERS.items()
            }
            deadline = time.monotonic() + seconds
            workers = [
                self._worker(name, function, person, places, deadline)
                for name, functions in processes.items()
                for function, person in zip(functions, people)
            ]
            renewal.start()
            before, memory = self._used(processes), _memory(processes)
            try:
                self.seconds = closed_loop(workers)
            finally:
                renewing.set()
                renewal.join()
            after, grown = self._used(processes), _memory(processes)
            self.used = {name: after[name] - before[name] for name in after}
            peaks = {
                name: max(one.peak_megabytes() for one in functions)
                for name, functions in processes.items()
            }
            self.memory = {
                name: (memory[name], grown[name], peaks[name]) for name in processes
            }
        self._stage.log_in(*people)
        for person in people:
            self.stored += self._stage.stored_answers(person, places[person.name])

    def _renew(self, people: list[Person], ended: threading.Event) -> None:
        while not ended.wait(_TOKEN_SECONDS):
            self._stage.log_in(*people)

    def _worker(
        self,
        name: str,
        function: Function,
        person: Person,
        places: dict[str, list[str]],
        deadline: float,
    ) -> Callable[[], None]:
        chance = random.Random(f"{name} {person.name}")
        kinds = {
            "chat": self._chat,
            "conversations": self._conversations,
            "auth": self._auth,
            "models": self._models,
        }

        def work() -> None:
            while time.monotonic() < deadline:
                kinds[name](function, person, places[person.name], chance)

        return work

    def _chat(
        self, function: Function, person: Person, mine: list[str], chance: random.Random
    ) -> None:
        stream = chance.random() < 0.8
        event = turn(person.token, mine[-1], stream=stream)
        if self._ask(
            "a turn, streamed" if stream else "a turn, whole", function, event
        ):
            self.turns += 1
        if chance.random() < 1 / MOST_TURNS:
            # The conversations function is busy elsewhere; this one is made by a process of its own.
            mine += self._stage.conversations(person, 1)

    def _conversations(
        self, function: Function, person: Person, mine: list[str], chance: random.Random
    ) -> None:
        token, path = person.token, {"conversation_id": mine[-1]}
        drawn = chance.random()
        if drawn < 0.5:
            event = request("GET", CONVERSATIONS, token)
            self._ask("list conversations", function, event)
        elif drawn < 0.9:
            event = request("GET", MESSAGES, token, path=path)
            self._ask("list messages", function, event)
        else:
            event = sample("conversations/create", token)
            self._ask("create a conversation", function, event, 201)

    def _auth(
        self, function: Function, person: Person, _: list[str], chance: random.Random
    ) -> None:
        if chance.random() < 0.02:
            event = sample("auth/login", body=person.credentials())
            self._ask("log in", function, event)
        else:
            self._ask("who am I", function, sample("auth/me", person.token))

    def _models(
        self, function: Function, person: Person, _: list[str], chance: random.Random
    ) -> None:
        self._ask("list models", function, sample("models/list", person.token))

    def _ask(
        self, name: str, function: Function, event: Event, status: int = 200
    ) -> bool:
        kind = self.kinds.setdefault(name, Kind())
        answer = function.invoke(event, CHAT_SECONDS)
        kind.walls.append(answer.cost.wall_ms)
        kind.cpus.append(answer.cost.cpu_ms)
        if answer.marked_ms is not None:
            kind.firsts.append(answer.marked_ms)
        try:
            if name.startswith("a turn"):
                checked_turn(answer, stream=name.endswith("streamed"))
            else:
                expect(status, answer)
        except Broken as broken:
            kind.failures.append(str(broken))
            return False
        return True

    def _used(self, processes: dict[str, list[Function]]) -> dict[str, float]:
        used = {
            name: sum(used_ms(one.pid) for one in functions)
            for name, functions in processes.items()
        }
        used |= {name: used_ms(pid) for name, pid in self._stage.world.pids.items()}
        return used | {"what measures": time.process_time() * 1e3}


def _memory(processes: dict[str, list[Function]]) -> dict[str, float]:
    return {
        name: statistics.fmean(resident_megabytes(one.pid) for one in functions)
        for name, functions in processes.items()
    }


def report(load: Load) -> None:
    heading(f"A mixed load for {load.seconds:.0f} seconds")
    rows: list[list[Cell]] = []
    for name, kind in sorted(load.kinds.items()):
        rows.append(
            [
                name,
                len(kind.walls),
                len(kind.failures),
                len(kind.walls) / load.seconds,
                percentile(kind.firsts, 50),
                percentile(kind.walls, 50),
                percentile(kind.walls, 99),
                statistics.fmean(kind.cpus),
            ]
        )
    columns = ["kind", "requests", "failed", "a second", "first token p50 ms"]
    table([*columns, "p50 ms", "p99 ms", "own CPU ms"], rows)
    print()
    shares: list[list[Cell]] = []
    for name, used in sorted(load.used.items(), key=lambda entry: -entry[1]):
        start, end, peak = load.memory.get(name, (math.nan,) * 3)
        shares.append(
            [name, WORKERS.get(name, 1), used / 1e3 / load.seconds, start, end, peak]
        )
    memory = ["MiB at the start", "at the end", "peak"]
    table(["process", "of them", "processors busy", *memory], shares)
    busy = sum(load.used.values()) / 1e3 / load.seconds
    workers = ", ".join(f"{count} of {name}" for name, count in WORKERS.items())
    notes(
        f"A closed loop: {workers}, each with one request at a time and no pause.",
        f"{load.turns} turns were answered whole; {load.stored} are stored.",
        _saturated(load, busy),
        *_failures(load),
    )
    if load.turns != load.stored:
        raise Broken(f"load: {load.turns} turns were answered and {load.stored} stored")


def _saturated(load: Load, busy: float) -> str:
    """What has no time left: a single process that is always busy, or the machine."""
    single = {"provider stand-in", "what measures"}
    for name in single:
        if load.used[name] / 1e3 / load.seconds > _MORE_THAN_ALL:
            return f"What saturates first: {name}, one thread at a time, which is always busy."
    most = max(load.used, key=lambda name: load.used[name])
    cores = os.cpu_count() or 1
    if busy > _MORE_THAN_ALL * cores:
        return f"What saturates first: the processors; {busy:.1f} of {cores} are busy, most of it with {most}."
    return (
        f"{busy:.1f} of {cores} processors are busy with this, most of it with {most}; the rest is waiting, or other work "
        "of this machine."
    )


def _failures(load: Load) -> list[str]:
    return [
        f"{name}: {kind.failures[0][:300]}"
        for name, kind in sorted(load.kinds.items())
        if kind.failures
    ]
