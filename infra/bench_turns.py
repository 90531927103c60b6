"""Turns, one and many at a time: each worker of a closed loop has a process of `chat`, as each request has on Lambda."""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench_gateway import NAME as GATEWAY
from bench_gateway import Gateway
from bench_lambda import Broken, Function, resident_megabytes, used_ms
from bench_openai import Client
from bench_report import Cell, heading, notes, percentile, table
from bench_shared import SharedFunction
from bench_stage import (
    CHAT_SECONDS,
    FIRST_PIECE,
    TURNS_PER_CONVERSATION,
    Person,
    Stage,
    checked_turn,
    turn,
)

CONCURRENT = (1, 16, 64)
DIRECT, CHATTER, SHARED = "provider alone", "chat", "chat, one process"
# The first turns of a process, which are not counted.
WARM_UP = 2
_GATEWAY_WARM_UP = 20


@dataclass
class Run:
    """What the turns of one server took, with so many at a time."""

    whole: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    # Of each turn, where a process works on one at a time.
    cpu: list[float] = field(default_factory=list)
    # A turn's share of what the servers' processes used in the whole run.
    shares: dict[str, list[float]] = field(default_factory=dict)
    rate: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def share(self, name: str, value: float) -> None:
        self.shares.setdefault(name, []).append(value)


def closed_loop(workers: list[Callable[[], None]]) -> float:
    """Runs them side by side to their end; the seconds that it took. The first failure is raised."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in workers]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - began


class Turns:
    def __init__(
        self, stage: Stage, gateway: Path | None, counts: tuple[int, ...]
    ) -> None:
        self._stage = stage
        self._gateway = gateway
        self._counts = counts
        self._person: Person = stage.register("many-at-a-time")[0]
        self.runs: dict[tuple[str, bool, int], Run] = {}
        self.stored = 0
        self.shared = False

    def run(self, rounds: int, turns: int) -> None:
        """In each round one server after the other, whole answers and streams, one and many at a time."""
        self.shared = self.shares()
        names = [CHATTER, SHARED] if self.shared else [CHATTER]
        for _ in range(rounds):
            for concurrent in self._counts:
                for stream in (False, True):
                    each = max(3, turns // concurrent)
                    self._direct(stream, concurrent, each)
                    for name in names:
                        self._chatter(name, stream, concurrent, each)
            if self._gateway:
                with Gateway(
                    self._gateway, self._stage.world.provider, self._stage.scratch
                ) as gateway:
                    self._through(gateway, turns)

    def _found(self, name: str, stream: bool, concurrent: int) -> Run:
        return self.runs.setdefault((name, stream, concurrent), Run())

    @contextmanager
    def _processes(
        self, name: str, concurrent: int
    ) -> Iterator[Sequence[Function | SharedFunction]]:
        if name == CHATTER:
            with self._stage.functions("chat", concurrent, FIRST_PIECE) as functions:
                yield functions
            return
        command = [str(self._stage.binaries / "chat")]
        environment = self._stage.world.environment()
        log = self._stage.scratch / "chat-in-one-process.log"
        with SharedFunction(
            command, environment, log, FIRST_PIECE, concurrent
        ) as function:
            yield [function] * concurrent

    def shares(self) -> bool:
        """Whether a process of chat serves more than one turn at a time."""
        with self._processes(SHARED, 2) as functions:
            function = functions[0]
            return isinstance(function, SharedFunction) and function.serves > 1

    def _chatter(self, name: str, stream: bool, concurrent: int, each: int) -> None:
        self._stage.log_in(self._person)
        run = self._found(name, stream, concurrent)
        per_worker = -(-(each + WARM_UP) // TURNS_PER_CONVERSATION)
        made = self._stage.conversations(self._person, per_worker * concurrent)
        with self._processes(name, concurrent) as functions:
            shares = [
                made[place * per_worker : (place + 1) * per_worker]
                for place in range(concurrent)
            ]
            workers = [
                self._worker(function, share, stream, run, each)
                for function, share in zip(functions, shares)
            ]
            # Every process has served before the clock starts.
            closed_loop([warm_up for warm_up, _ in workers])
            before = self._used(functions)
            seconds = closed_loop([counted for _, counted in workers])
            for process, used in self._used(functions).items():
                run.share(process, (used - before[process]) / (each * concurrent))
            run.rate.append(each * concurrent / seconds)
            run.memory.append(
                statistics.fmean(resident_megabytes(one.pid) for one in functions)
            )
        stored = self._stage.stored_answers(self._person, made)
        if stored != (each + WARM_UP) * concurrent:
            raise Broken(
                f"chat: {stored} of {(each + WARM_UP) * concurrent} turns are stored"
            )
        self.stored += stored

    def _worker(
        self,
        function: Function | SharedFunction,
        conversations: list[str],
        stream: bool,
        run: Run,
        each: int,
    ) -> tuple[Callable[[], None], Callable[[], None]]:
        token = self._person.token
        events = [turn(token, id, stream=stream) for id in conversations]
        queue = [event for event in events for _ in range(TURNS_PER_CONVERSATION)][
            : each + WARM_UP
        ]

        def warm_up() -> None:
            for event in queue[:WARM_UP]:
                checked_turn(function.invoke(event, CHAT_SECONDS), stream=stream)

        def counted() -> None:
            for event in queue[WARM_UP:]:
                answer = function.invoke(event, CHAT_SECONDS)
                checked_turn(answer, stream=stream)
                run.whole.append(answer.cost.wall_ms)
                run.cpu.append(answer.cost.cpu_ms)
                if answer.marked_ms is not None:
                    run.first.append(answer.marked_ms)

        return warm_up, counted

    def _used(self, functions: Sequence[Function | SharedFunction]) -> dict[str, float]:
        used = {name: used_ms(pid) for name, pid in self._stage.world.pids.items()}
        used["itself"] = sum(used_ms(pid) for pid in {one.pid for one in functions})
        return used | {"driver": time.process_time() * 1e3}

    def _direct(self, stream: bool, concurrent: int, each: int) -> None:
        address = self._stage.world.provider.removeprefix("http://")
        run = self._found(DIRECT, stream, concurrent)
        pid = self._stage.world.pids["provider stand-in"]
        self._clients(lambda: Client(address), run, stream, concurrent, each, pid)

    def _through(self, gateway: Gateway, turns: int) -> None:
        # Slow, and slower at first: fewer turns are counted, after more that are not.
        client = gateway.client()
        for number in range(2 * _GATEWAY_WARM_UP):
            client.ask(stream=number % 2 == 0)
        client.close()
        for concurrent in self._counts:
            for stream in (False, True):
                run = self._found(GATEWAY, stream, concurrent)
                each = max(3, turns // 4 // concurrent)
                self._clients(
                    gateway.client, run, stream, concurrent, each, gateway.pid
                )
                run.memory.append(resident_megabytes(gateway.pid))

    @staticmethod
    def _clients(
        client: Callable[[], Client],
        run: Run,
        stream: bool,
        concurrent: int,
        each: int,
        pid: int,
    ) -> None:
        with ExitStack() as stack:
            clients = [client() for _ in range(concurrent)]
            for one in clients:
                stack.callback(one.close)

            def worker(one: Client, count: int, counts: bool) -> Callable[[], None]:
                def work() -> None:
                    for _ in range(count):
                        taken = one.ask(stream=stream)
                        if counts:
                            run.whole.append(taken.whole_ms)
                        if counts and taken.first_ms is not None:
                            run.first.append(taken.first_ms)

                return work

            closed_loop([worker(one, WARM_UP, False) for one in clients])
            before = used_ms(pid)
            seconds = closed_loop([worker(one, each, True) for one in clients])
            run.share("itself", (used_ms(pid) - before) / (each * concurrent))
            run.rate.append(each * concurrent / seconds)


COLUMNS = [
    "server",
    "at a time",
    "first token p50 ms",
    "p99",
    "whole p50 ms",
    "p99",
    "own CPU ms",
    "p50",
    "p99",
    "turns/s",
    "MiB a process",
]


def report(turns: Turns) -> None:
    for stream in (False, True):
        heading("Turns, streamed" if stream else "Turns, not streamed")
        rows: list[tuple[int, list[Cell]]] = []
        for (name, streamed, concurrent), run in turns.runs.items():
            if streamed == stream:
                rows.append((concurrent, [name, concurrent, *_figures(run)]))
        table(COLUMNS, [row for _, row in sorted(rows, key=lambda row: row[0])])
    heading("Who used the processors, CPU ms a turn")
    names = ["provider stand-in", "table stand-in", "driver"]
    spenders: list[list[Cell]] = []
    for (name, stream, concurrent), run in turns.runs.items():
        if name in (CHATTER, SHARED):
            what = (
                f"{name}: {'streamed' if stream else 'whole'}, {concurrent} at a time"
            )
            spent = [statistics.median(run.shares[of]) for of in names]
            spenders.append([what, statistics.median(run.shares["itself"]), *spent])
    table(["turns", "itself", *names], spenders)
    notes(
        f"{turns.stored} turns of chat were counted or warmed a process up; each was found stored, and each stream had its "
        "20 tokens and its terminal event.",
        "own CPU: mean, p50 and p99 of what a process of chat used for a turn. It works on one thread, so this is a turn's own time: "
        "all but waiting for the table, the provider and the processor. Of the others, their share of the whole run.",
        *(
            []
            if turns.shared
            else [
                "A process of chat serves one turn at a time, so that nothing is said of many in one process."
            ]
        ),
        "Clock times of many at a time are those of a machine that runs the table, the provider and what measures as well.",
    )


def _figures(run: Run) -> list[float]:
    # In steps of 10 ms for a whole process, so what each turn says of itself is preferred.
    each = [cpu for cpu in run.cpu if not math.isnan(cpu)]
    own = statistics.fmean(each) if each else statistics.median(run.shares["itself"])
    return [
        percentile(run.first, 50),
        percentile(run.first, 99),
        percentile(run.whole, 50),
        percentile(run.whole, 99),
        own,
        percentile(each, 50),
        percentile(each, 99),
        statistics.median(run.rate),
        statistics.fmean(run.memory) if run.memory else math.nan,
    ]
