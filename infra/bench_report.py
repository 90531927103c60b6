"""How a benchmark prints what it has measured: as Markdown that can be read on a terminal too."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

Cell = str | int | float


def heading(text: str) -> None:
    print(f"\n## {text}\n", flush=True)


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Cell]], digits: int = 2
) -> None:
    """The first column is text; of the others, what is not a number is a dash."""
    cells = [list(columns)] + [[_text(cell, digits) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]

    def line(row: Sequence[str]) -> str:
        first, *others = (cell for cell in row)
        padded = [first.ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(others, widths[1:])]
        return f"| {' | '.join(padded)} |"

    print(line(cells[0]))
    rule = ["-" * max(3, widths[0])]
    rule += [f"{'-' * max(2, width - 1)}:" for width in widths[1:]]
    print(f"| {' | '.join(rule)} |")
    for row in cells[1:]:
        print(line(row))
    print(end="", flush=True)


def _text(cell: Cell, digits: int) -> str:
    if isinstance(cell, float):
        return "-" if math.isnan(cell) else f"{cell:.{digits}f}"
    return str(cell)


def notes(*lines: str) -> None:
    print()
    for line in lines:
        print(f"- {line}")
    print(end="", flush=True)


def machine(profile: str) -> None:
    """The kind of machine, and not which one."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    models = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"{time.strftime('%Y-%m-%d')}, profile {profile}; {os.cpu_count()} processors "
        f"({models[0] if models else platform.machine()}), {memory:.0f} GiB of memory; load average {load} at the start.",
        flush=True,
    )


def percentile(values: Sequence[float], percent: int) -> float:
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
