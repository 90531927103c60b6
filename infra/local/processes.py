"""Starting processes, waiting until they answer, and stopping them with everything they started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from .console import Failure
from .layout import REPOSITORY
from .proctable import Process, descendants, living

# The longest that a process may take to end by itself before it is killed.
GRACE_SECONDS = 8.0

_DROPPED_PREFIXES = (
    "AWS_",
    "CARGO_LAMBDA_",
    "LAMBDA_",
    "OPENAI_",
    "ANTHROPIC_",
    "CHATTER_",
)
_DROPPED_SUFFIXES = ("_API_KEY", "_SECRET_KEY")
# What the functions read: a value from the caller's shell must not stand in for one that the stack forgot.
_SETTINGS = {
    "APP_URL",
    "BACKGROUND_TIMEOUT_SECONDS",
    "BUCKET_NAME",
    "DATA_KEYS_SECRET_ID",
    "EMAIL_VERIFICATION",
    "LIMITS",
    "LOG_LEVEL",
    "MAIL_QUEUE_URL",
    "MAIL_SENDER",
    "MAIL_TRANSPORT",
    "METRICS",
    "PROVIDERS",
    "PROVIDER_KEYS_SECRET_ID",
    "QDRANT_KEY_SECRET_ID",
    "QDRANT_URL",
    "QUEUE_URL",
    "RUN_QUEUE_URL",
    "RUST_LOG",
    "SEARCH_FUNCTION_NAME",
    "SIGNING_KEYS_SECRET_ID",
    "STAGE",
    "TABLE_NAME",
    "TOKEN_ISSUER",
    "TRACES_ENDPOINT",
    "TRACE_SAMPLING",
    "TURN_TIMEOUT_SECONDS",
    "VECTOR_BUCKET_NAME",
}


class Stopped(BaseException):
    """Somebody pressed Ctrl-C or asked the process to end. Not an `Exception`, so that nothing swallows it."""


def stop_on_signals() -> None:
    def stop(number: int, frame: object) -> None:
        ignore_signals()
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def ignore_signals() -> None:
    """While stopping: a second Ctrl-C must not leave half of the stack behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def clean_environment() -> dict[str, str]:
    """The caller's environment without what could change how the functions behave.

    The build and `cargo lambda watch` get the same one; otherwise the second might compile everything again.
    """
    environment = {name: value for name, value in os.environ.items() if _kept(name)}
    # The stand-ins are on this machine, whatever proxy the rest of the world needs.
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(
            filter(None, [os.environ.get(name), "127.0.0.1", "localhost"])
        )
    # Nor may the person's own AWS profile take part.
    environment |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    return environment


def _kept(name: str) -> bool:
    if name.startswith("AWS_LC_"):
        return True  # How the cryptography library is built.
    return not (
        name in _SETTINGS
        or name.startswith(_DROPPED_PREFIXES)
        or name.endswith(_DROPPED_SUFFIXES)
    )


class Child:
    """A process of the stack, detached from the terminal: Ctrl-C reaches it only through us, in the right order."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        stdout: TextIO | int | None = None,
        stderr: int | None = None,
        umask: int = -1,
    ) -> None:
        self.name = name
        self.log = log
        self._family: set[Process] = set()
        if log and log.exists():
            log.replace(log.with_suffix(".previous.log"))
        with open(log, "wb") if log else contextlib.nullcontext(stdout) as output:
            self.process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if log else stderr,
                start_new_session=True,
                umask=umask,
                preexec_fn=_end_with_parent,
            )

    def running(self) -> bool:
        return self.process.poll() is None

    def remember_family(self) -> None:
        """Notes its descendants now; once it has died they can no longer be found through it."""
        self._family = living(self._family) | descendants([self.process.pid])

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running():
                raise self.failure(
                    f"{self.name} ended with status {self.process.returncode}"
                )
            if time.monotonic() > deadline:
                raise self.failure(f"{self.name} was not ready after {seconds:.0f} s")
            time.sleep(0.1)

    def failure(self, what: str) -> Failure:
        tail = self.tail()
        return Failure(f"{what}; the end of {self.log}:\n{tail}" if tail else what)

    def tail(self, lines: int = 25) -> str:
        if not self.log:
            return ""
        text = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in text[-lines:])

    def stop(self) -> None:
        """Asks it to end; then asks whatever it left; then does not ask."""
        self.remember_family()
        _send([Process(self.process.pid, "")] if self.running() else [], signal.SIGTERM)
        self._wait_for_family(GRACE_SECONDS, lambda: not self.running())
        _send(living(self._family), signal.SIGTERM)
        self._wait_for_family(2.0, lambda: True)
        _send(living(self._family), signal.SIGKILL)
        self._wait_for_family(2.0, lambda: True)
        self.process.wait()

    def _wait_for_family(self, seconds: float, also: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.remember_family()
            self.process.poll()
            if also():
                # Its children get a moment to follow.
                deadline = min(deadline, time.monotonic() + 2.0)
                if not living(self._family):
                    return
            time.sleep(0.05)


def run(
    what: str,
    command: list[str],
    *,
    env: Mapping[str, str] | None = None,
    stdout: TextIO | None = None,
) -> None:
    """Runs a command to its end with its output on the terminal."""
    child = Child(what, command, env=env, stdout=stdout)
    _finish(child)


def capture(
    what: str, command: list[str], *, env: Mapping[str, str] | None = None
) -> str:
    """Runs a command to its end; the answer is its standard output."""
    child = Child(what, command, env=env, stdout=subprocess.PIPE)
    return _finish(child)


def _finish(child: Child) -> str:
    try:
        output, _ = child.process.communicate()
    except BaseException:
        child.stop()
        raise
    if child.process.returncode:
        raise Failure(
            f"{child.name} failed (status {child.process.returncode}); what it said stands above"
        )
    return (output or b"").decode()


def _send(processes: set[Process] | list[Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def _end_with_parent() -> None:
    """Between fork and exec. On Linux the kernel ends the child should we be killed without a chance to stop it."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # `ignore_signals` would be inherited.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
