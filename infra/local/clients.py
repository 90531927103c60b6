"""The suites in tests/clients: OpenAI's libraries for Python and Node, LangChain and the AI SDK, as they are, against a
running stack.

tests/clients/*/any       holds against every stack: whatever the model says, it is right
tests/clients/*/scripted  needs the scripted provider and two keys more:
                            cargo run --bin scripted-provider -- --addr 127.0.0.1:8001
                            CHATTER_LOCAL_MODEL=1 CHATTER_CAPABILITIES=tools,structured_output \\
                              CHATTER_MODERATION_MODELS=scripted-moderation \\
                              infra/up --provider scripted=http://127.0.0.1:8001/v1

POST /api/v1/api-keys makes keys, PUT /api/v1/tenants/{tenant_id}/budgets/api-key:{id} their budgets.
CHATTER_API_KEY     a key with all scopes, if not --key: other people on this machine can see arguments
CHATTER_SPENT_KEY   for scripted: a key with the scope chat and a budget of no tokens, {"day":{"tokens":0}}
CHATTER_READER_KEY  for scripted: a key with the scope models:read alone

It leaves files, conversations and responses behind, and expects that nobody else adds any meanwhile: use a tenant of its
own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .console import Failure, say
from .install import Clients, install_clients
from .layout import CLIENTS, Home
from .machine import faults_of_python, refuse
from .processes import Child, Stopped, clean_environment, stop_on_signals
from .providers import local_model_names


@dataclass(frozen=True)
class Run:
    """One library's suite."""

    name: str
    command: list[str]


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    stop_on_signals()
    try:
        refuse(faults_of_python())
        clients = install_clients(Home.at(None), sys.stdout)
        if options.setup_only:
            say("infra/clients: everything is in place")
            return 0
        return _run(clients, options)
    except Failure as failure:
        print(f"infra/clients: {failure}", file=sys.stderr)
        return 1
    except Stopped:
        return 130


def _options(arguments: list[str]) -> argparse.Namespace:
    chat, embedding = local_model_names()
    parser = argparse.ArgumentParser(
        prog="infra/clients",
        description="Drive a running Chatter with OpenAI's libraries and what is built on them.",
        epilog=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--url",
        default="http://127.0.0.1:9000",
        help="where it is (default: %(default)s)",
    )
    add("--key", metavar="KEY", help="an API key with all scopes")
    add("--model", default=chat, help="any model that answers (default: %(default)s)")
    add("--embedding-model", default=embedding, help="default: %(default)s")
    add("--scripted-model", help="the scripted provider's, for the tests that need it")
    add("--only", choices=("python", "node"), help="leave the other language out")
    add(
        "--seconds",
        type=float,
        default=600.0,
        help="the longest that all may take (default: %(default)s)",
    )
    add("--setup-only", action="store_true", help="install what is needed, and no more")
    return parser.parse_args(arguments)


def _run(clients: Clients, options: argparse.Namespace) -> int:
    environment = clean_environment() | _settings(options)
    folders = ["any", "scripted"] if options.scripted_model else ["any"]
    runs = [
        Run("python", _python(clients, folders)),
        Run("node", _node(clients, folders)),
    ]
    runs = [run for run in runs if options.only in (None, run.name)]
    end = time.monotonic() + options.seconds
    failed = [
        run.name for run in runs if _fails(run, environment, end, options.seconds)
    ]
    if not options.scripted_model:
        say(
            "infra/clients: tests/clients/*/scripted was left out, because there is no --scripted-model"
        )
    if failed:
        raise Failure(
            f"the tests of {' and '.join(failed)} failed; what they said stands above"
        )
    return 0


def _fails(run: Run, environment: dict[str, str], end: float, seconds: float) -> bool:
    say(f"infra/clients: {run.name}")
    child = Child(f"the suite of {run.name}", run.command, env=environment)
    try:
        return child.process.wait(max(end - time.monotonic(), 0.0)) != 0
    except subprocess.TimeoutExpired:
        raise Failure(
            f"{child.name} had not ended when {seconds:.0f} s were over; --seconds gives more"
        ) from None
    finally:
        child.stop()


def _settings(options: argparse.Namespace) -> dict[str, str]:
    """What the suites read. A value that is missing is told before anything runs."""
    values = {
        "URL": f"{options.url.rstrip('/')}/v1",
        "KEY": options.key or os.environ.get("CHATTER_API_KEY"),
        "MODEL": options.model,
        "EMBEDDING_MODEL": options.embedding_model,
    }
    if options.scripted_model:
        values |= {
            "SCRIPTED_MODEL": options.scripted_model,
            "SPENT_KEY": os.environ.get("CHATTER_SPENT_KEY"),
            "READER_KEY": os.environ.get("CHATTER_READER_KEY"),
        }
    hints = {"KEY": "CHATTER_API_KEY (or --key)"}
    missing = [name for name, value in values.items() if not value]
    if missing:
        names = " and ".join(hints.get(name, f"CHATTER_{name}") for name in missing)
        raise Failure(f"set {names}; infra/clients --help says to what")
    return {f"CHATTER_CLIENTS_{name}": value for name, value in values.items()} | {
        # Only what requirements.txt names for it takes part: some packages bring plugins.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _python(clients: Clients, folders: list[str]) -> list[str]:
    suite = CLIENTS / "python"
    command = [str(clients.python), "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["-c", str(suite / "pytest.ini"), "--rootdir", str(suite)]
    return command + [str(suite / folder) for folder in folders]


def _node(clients: Clients, folders: list[str]) -> list[str]:
    # One file after the other: they look at lists that all of them add to.
    command = [str(clients.node), "--test", "--test-concurrency=1"]
    command += ["--test-timeout=180000", "--test-reporter=spec"]
    return command + [str(path) for folder in folders for path in _node_tests(folder)]


def _node_tests(folder: str) -> list[Path]:
    return sorted((CLIENTS / "node" / folder).glob("*.test.mjs"))
