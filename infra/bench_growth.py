"""Whether a turn and a listing cost more where there is more: older messages, conversations, other tenants."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from bench_lambda import Broken, Event, Function
from bench_meter import Bill, metered
from bench_report import Cell, heading, notes, percentile, table
from bench_stage import (
    CHAT_SECONDS,
    CONVERSATIONS,
    MESSAGES,
    Person,
    Stage,
    checked_turn,
    expect,
    request,
    turn,
)
from bench_units import cells
from bench_world import TABLE, ask_table

SIZES = (10, 1_000, 10_000)
TENANTS = (1, 100)
TURNS = LISTINGS = 40
_BATCH = 25
# As long as most messages are.
_TEXT = (
    "A sentence of a conversation that has gone on for a while, of no interest to anybody. "
    * 4
)

Item = dict[str, Any]


class Growth:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._url = stage.world.table
        self.rows: list[list[Cell]] = []

    def run(self, sizes: tuple[int, ...], tenants: tuple[int, ...]) -> None:
        with metered(self._url) as meter, ExitStack() as stack:
            environment = self._stage.world.environment(
                table=meter.table, provider=meter.provider
            )
            self._meter = meter
            self._plain, self._metered = (
                {
                    name: stack.enter_context(self._stage.function(name, settings))
                    for name in ("chat", "conversations")
                }
                for settings in (None, environment)
            )
            for size in sizes:
                self._messages(size)
            for size in sizes:
                self._conversations(size)
            others = 1
            for count in tenants:
                self._others(count - others)
                others = count
                what = f"tenants: {count}"
                (person,) = self._stage.register(f"of-{count}-tenants")
                (conversation,) = self._stage.conversations(person, 1)
                self._turn(what, person, conversation, TURNS)
                self._listing(what, person)

    def _messages(self, size: int) -> None:
        (person,) = self._stage.register(f"with-{size}-messages")
        (conversation,) = self._stage.conversations(person, 1)
        # One real turn shows how messages look.
        self._take_turn("chat", person, conversation)
        question, answer = self._items(conversation)
        copies = []
        for sequence in range(3, size + 1):
            item = copy.deepcopy(question if sequence % 2 else answer)
            _renumber(item, sequence, f"MSG#{sequence:010}")
            item["content"] = {"S": _TEXT}
            copies.append(item)
        self._put(copies)
        what = f"messages: {size:,}"
        self._turn(what, person, conversation, TURNS)
        path = {"conversation_id": conversation}
        event = request("GET", MESSAGES, person.token, path=path, query={"limit": "20"})
        self._measure(f"{what}, a page of 20", "conversations", [event] * LISTINGS)

    def _conversations(self, size: int) -> None:
        (person,) = self._stage.register(f"with-{size}-conversations")
        (conversation,) = self._stage.conversations(person, 1)
        (item,) = self._found("sk", f"CONV#{conversation}")
        copies = []
        for number in range(1, size):
            other = copy.deepcopy(item)
            _renumber(other, number, f"CONV#{_other(conversation, number)}")
            other["active_at"] = {"N": str(int(item["active_at"]["N"]) - number)}
            copies.append(other)
        self._put(copies)
        self._listing(f"conversations: {size:,}", person)

    def _others(self, count: int) -> None:
        """So many other tenants, each with somebody who has a conversation and has said something."""
        names = [f"other-{number}" for number in range(max(0, count))]
        for person in self._stage.register(*names) if names else []:
            (conversation,) = self._stage.conversations(person, 1)
            self._take_turn("chat", person, conversation)

    def _turn(self, what: str, person: Person, conversation: str, count: int) -> None:
        event = turn(person.token, conversation)
        self._measure(f"{what}, a turn", "chat", [event] * count)

    def _listing(self, what: str, person: Person) -> None:
        event = request("GET", CONVERSATIONS, person.token)
        self._measure(
            f"{what}, listing conversations", "conversations", [event] * LISTINGS
        )

    def _measure(self, what: str, name: str, events: list[Event]) -> None:
        bill = self._bill(name, events[0])
        function = self._plain[name]
        costs = [_checked(name, function, event) for event in events]
        # The first of them reads the membership and the session.
        costs = costs[1:]
        self.rows.append(
            [
                what,
                percentile([wall for wall, _ in costs], 50),
                statistics.fmean(cpu for _, cpu in costs),
                *cells(bill)[:3],
                bill.trips,
            ]
        )

    def _bill(self, name: str, event: Event) -> Bill:
        function, meter = self._metered[name], self._meter
        _checked(name, function, event)
        meter.forget()
        _checked(name, function, event)
        return meter.bill()

    def _take_turn(self, name: str, person: Person, conversation: str) -> None:
        _checked(name, self._plain[name], turn(person.token, conversation))

    def _items(self, conversation: str) -> tuple[Item, Item]:
        found = self._found("pk", f"#CONV#{conversation}")
        first, second = sorted(
            (item for item in found if item["sk"]["S"].startswith("MSG#")),
            key=lambda item: str(item["sk"]["S"]),
        )
        return first, second

    def _found(self, attribute: str, end: str) -> list[Item]:
        return [item for item in _scan(self._url) if item[attribute]["S"].endswith(end)]

    def _put(self, items: list[Item]) -> None:
        for place in range(0, len(items), _BATCH):
            puts = [
                {"PutRequest": {"Item": item}} for item in items[place : place + _BATCH]
            ]
            answer = ask_table(
                self._url, "BatchWriteItem", {"RequestItems": {TABLE: puts}}
            )
            if answer.get("UnprocessedItems"):
                raise Broken("the table stand-in has left writes of a batch undone")


def _checked(name: str, function: Function, event: Event) -> tuple[float, float]:
    answer = function.invoke(event, CHAT_SECONDS)
    if name == "chat":
        checked_turn(answer, stream=False)
    expect(201 if name == "chat" else 200, answer)
    return answer.cost.wall_ms, answer.cost.cpu_ms


def _renumber(item: Item, number: int, sort_key: str) -> None:
    item["sk"] = {"S": sort_key}
    item["id"] = {"S": _other(item["id"]["S"], number)}
    if "sequence" in item:
        item["sequence"] = {"N": str(number)}


def _other(id: str, number: int) -> str:
    """An id of the same kind that nothing has."""
    return f"{id[:-12]}{number:012x}"


def _scan(url: str) -> Iterator[Item]:
    start: dict[str, Any] = {}
    while True:
        page = ask_table(url, "Scan", start)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


COLUMNS = [
    "what there is, and what is done",
    "p50 ms",
    "own CPU ms",
    "calls",
    "read units",
    "write units",
    "round trips",
]


def report(growth: Growth) -> None:
    heading("Growth")
    table(COLUMNS, growth.rows)
    notes(
        f"Each row: {TURNS - 1} requests one after the other, in a process that has served before; units and round trips of one "
        "of them. Messages have about 350 letters.",
        "The table stand-in is an SQLite database in memory: its times with many items are its own, units are those of DynamoDB.",
    )
