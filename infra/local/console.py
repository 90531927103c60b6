"""What the person at the terminal reads."""

import os
import sys
import time


class Failure(Exception):
    """Something the person can act on. Its text is whole sentences; no traceback is shown."""


class Progress:
    """Numbered steps with the time each took, so that a slow first start does not look like a hang."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._step = 0
        self._began = time.monotonic()
        self._step_began = self._began

    def step(self, what: str) -> None:
        self._finish_step()
        self._step += 1
        self._step_began = time.monotonic()
        say(bold(f"[{self._step}/{self._steps}] {what}"))

    def done(self) -> float:
        """Ends the last step; the answer is the seconds since the start."""
        self._finish_step()
        return time.monotonic() - self._began

    def _finish_step(self) -> None:
        if self._step:
            say(f"      {time.monotonic() - self._step_began:.1f} s")


def say(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Ctrl-C ends `infra/up | tee log` from the right. What remains to be done matters more than to be seen.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(text: str) -> None:
    """A detail of the current step."""
    say(f"      {text}")


def bold(text: str) -> str:
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return text if plain else f"\033[1m{text}\033[0m"
