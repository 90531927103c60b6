"""Which processes descend from which. `cargo lambda watch` puts every function into a group of its own, so killing
groups is not enough to leave nothing behind: the tree has to be followed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """The start time tells a process from a later one that got the same number."""

    pid: int
    started: str


def descendants(roots: Iterable[int]) -> set[Process]:
    """The living processes among `roots` and everything they started."""
    table = _table()
    found = {pid for pid in roots if pid in table}
    grew = True
    while grew:
        more = {pid for pid, (parent, _) in table.items() if parent in found} - found
        found |= more
        grew = bool(more)
    return {Process(pid, table[pid][1]) for pid in found}


def living(processes: Iterable[Process]) -> set[Process]:
    table = _table()
    return {
        process
        for process in processes
        if process.pid in table and table[process.pid][1] == process.started
    }


def _table() -> dict[int, tuple[int, str]]:
    """Parent and start time by process id, without the dead that nobody has waited for yet."""
    return _table_of_proc() if Path("/proc/self/stat").exists() else _table_of_ps()


def _table_of_proc() -> dict[int, tuple[int, str]]:
    table = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path("/proc", entry, "stat").read_text()
        except OSError:
            continue  # It ended meanwhile.
        # The second field, the name, may contain spaces and parentheses.
        state, parent, *rest = stat.rpartition(")")[2].split()
        if state not in "ZX":
            table[int(entry)] = (int(parent), rest[17])
    return table


def _table_of_ps() -> dict[int, tuple[int, str]]:
    listing = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,state=,lstart="],
        capture_output=True,
        text=True,
        check=True,
    )
    table = {}
    for line in listing.stdout.splitlines():
        pid, parent, state, started = line.split(None, 3)
        if not state.startswith("Z"):
            table[int(pid)] = (int(parent), started)
    return table
