"""One stack a home, and one installation at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from .console import Failure


@contextlib.contextmanager
def only_one(path: Path, address: str) -> Iterator[None]:
    """Holds the lock of a running stack, or tells who holds it.

    The kernel drops the lock with the process, however that ends: a stale file locks nobody out.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(_holder(path)) from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "address": address}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        return f"Chatter is already running at {holder['address']} (pid {holder['pid']}); stop it there with Ctrl-C"
    except (OSError, ValueError, KeyError):
        return f"Chatter is already starting or stopping; it holds {path}"


@contextlib.contextmanager
def taking_turns(path: Path) -> Iterator[None]:
    """Waits until nobody else installs into the same home."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
