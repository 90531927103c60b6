"""What a benchmark has measured, and how it is printed."""

from __future__ import annotations

import math
import os
import statistics
from dataclasses import dataclass, field
from pathlib import Path

import bench_gateway
from bench_lambda import Cost

EMPTY = "bench-empty"
FUNCTIONS = [EMPTY, "health", "models", "auth", "conversations", "chat"]
WHAT = {
    EMPTY: "GET /healthz, answered with {}",
    "health": "GET /healthz",
    "models": "GET /api/v1/models",
    "auth": "GET /api/v1/auth/me",
    "conversations": "GET /api/v1/conversations, 20 of them",
    "chat": "POST …/messages, not streamed, 20 tokens, at most 5 turns in a conversation",
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
        first, *warm = costs
        walls = sorted(cost.wall_ms for cost in warm)
        self.first.append(first)
        self.p50.append(statistics.median(walls))
        self.p99.append(walls[min(len(walls) - 1, int(len(walls) * 0.99))])
        self.cpu.append(statistics.fmean(cost.cpu_ms for cost in warm))


COLUMNS = [
    ("binary", "MB"),
    ("start alone", "ms"),
    ("", "CPU ms"),
    ("start", "ms"),
    ("", "CPU ms"),
    ("first request", "ms"),
    ("", "CPU ms"),
    ("warm p50", "ms"),
    ("p99", "ms"),
    ("", "CPU ms"),
    ("peak", "MB"),
]


def figures(samples: Samples, binary: Path) -> list[float]:
    """What a gateway does not have is not a number."""

    def both(costs: list[Cost]) -> list[float]:
        if not costs:
            return [math.nan, math.nan]
        return [
            statistics.median(cost.wall_ms for cost in costs),
            statistics.median(cost.cpu_ms for cost in costs),
        ]

    warm = [
        statistics.median(values) for values in (samples.p50, samples.p99, samples.cpu)
    ]
    starts = both(samples.refused) + both(samples.start) + both(samples.first)
    return [
        binary.stat().st_size / 1e6 if binary.exists() else math.nan,
        *starts,
        *warm,
        statistics.median(samples.peak),
    ]


def report(
    measured: dict[str, Samples],
    binaries: Path,
    profile: str,
    rounds: int,
    requests: int,
) -> None:
    rows = {
        name: figures(samples, binaries / name) for name, samples in measured.items()
    }
    width = max(map(len, rows)) + 2

    def line(name: str, cells: list[str]) -> None:
        print(
            name.ljust(width)
            + "".join(
                cell.rjust(max(9, len(title) + 2))
                for cell, (title, _) in zip(cells, COLUMNS)
            )
        )

    line("", [title for title, _ in COLUMNS])
    line("", [unit for _, unit in COLUMNS])
    for name, row in rows.items():
        line(name, ["-" if math.isnan(value) else f"{value:.2f}" for value in row])
    print(f"\nThe same, in multiples of {EMPTY}:")
    for name, row in rows.items():
        line(
            name,
            [
                f"{value / least:.1f}" if least and not math.isnan(value) else "-"
                for value, least in zip(row, rows[EMPTY])
            ],
        )
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"""
Medians of {rounds} rounds; in each, one function after the other, each in new processes, with {requests} warm requests.
Profile {profile}; load average {load} on {os.cpu_count()} processors.
  start alone    from the start of the process to its first poll, while AWS refuses every connection: all attempts
                 of the warm-up are in it, with the pauses between them
  start          the same with the table and the secrets there (plain HTTP on this machine: no TLS)
  first request  the first after that start, from the event sent to the whole answer received
  warm           the ones after the first; CPU ms is the mean
  CPU ms         of all threads of the function, from /proc/PID/task/*/schedstat: to be trusted on a busy machine
  peak           the most memory that was resident (VmHWM)
The requests:""")
    for name, what in (WHAT | {bench_gateway.NAME: bench_gateway.WHAT}).items():
        if name not in rows:
            continue
        print(f"  {name.ljust(width)}{what}")
