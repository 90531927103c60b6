"""The order of things: check, install, build, start, watch, and stop in reverse."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from . import functions, providers, services
from .console import Failure, Progress, note, say
from .install import install_tools
from .layout import Home, Ports, url
from .lock import only_one
from .machine import (
    faults_of_ports,
    faults_of_processor,
    faults_of_python,
    faults_of_rust,
    refuse,
)
from .processes import Child, Stopped, ignore_signals, stop_on_signals
from .weights import fetch_chat_model, fetch_embedding_model
from .welcome import welcome

_SETUP_STEPS, _ALL_STEPS = 4, 8


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    stop_on_signals()
    try:
        return _up(options)
    except Failure as failure:
        print(f"infra/up: {failure}", file=sys.stderr)
        return 1
    except Stopped:
        say("stopped before it was ready")
        return 130


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infra/up",
        description="Start the whole of Chatter on this machine, and stop it with Ctrl-C.",
        epilog=providers.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--home",
        metavar="DIR",
        help="where tools, data and logs are kept (default: .chatter)",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=int,
        default=9000,
        help="the API's; the next five are used too",
    )
    parser.add_argument(
        "--provider",
        metavar="NAME=URL",
        action="append",
        default=[],
        help="another OpenAI-compatible server",
    )
    parser.add_argument(
        "--setup-only", action="store_true", help="install and build, start nothing"
    )
    return parser.parse_args(arguments)


def _up(options: argparse.Namespace) -> int:
    home, ports = Home.at(options.home), Ports(options.port)
    local = (
        providers.wants_local_model(os.environ, options.provider),
        providers.wants_local_embeddings(os.environ),
    )
    progress = Progress(_SETUP_STEPS if options.setup_only else _ALL_STEPS)
    with only_one(home.path / "lock", url(ports.api)):
        progress.step("checking this machine")
        _check(options, ports, local)
        # Before anything slow: a server that does not answer is known at once.
        chosen = [] if options.setup_only else _providers(options, ports)
        progress.step("installing the tools (the first time downloads them)")
        install_tools(home, sys.stdout)
        _fetch(home, local, progress)
        progress.step("building the functions (the first time takes several minutes)")
        names, target = functions.discover()
        functions.build(names)
        if options.setup_only:
            say(f"everything is in place after {progress.done():.0f} s")
            return 0
        with ExitStack() as started:
            children = _start(home, ports, chosen, names, target, progress, started)
            say(welcome(home, ports, chosen, progress.done()))
            return _stay(children)


def _fetch(home: Home, local: tuple[bool, bool], progress: Progress) -> None:
    """The local models: the one that chats and the one that makes vectors, as far as they are needed."""
    chat, embeddings = local
    if not (chat or embeddings):
        progress.step("not fetching the local models, which are not needed")
        return
    progress.step("fetching the local models")
    if chat:
        fetch_chat_model(home)
    if embeddings:
        fetch_embedding_model(home)


def _start(
    home: Home,
    ports: Ports,
    chosen: list[providers.Provider],
    names: list[str],
    target: Path,
    progress: Progress,
    started: ExitStack,
) -> list[Child]:
    """Every part of the stack, running and ready. Leaving `started` stops them, the last one first."""
    children: list[Child] = []

    def keep(child: Child) -> Child:
        children.append(started.enter_context(_stopping(child)))
        return child

    progress.step("starting the stand-ins for AWS and what else the functions need")
    dynamodb = keep(services.start_dynamodb(home, ports, target))
    secrets = keep(services.start_secrets(home, ports, target))
    aws = keep(services.start_aws(home, ports))
    local = services.named(providers.LOCAL, chosen)
    model = keep(services.start_model(home, ports, local)) if local else None
    local = services.named(providers.LOCAL_EMBEDDINGS, chosen)
    embeddings = keep(services.start_embeddings(home, ports, local)) if local else None
    if model:
        services.wait_for_model(model, ports.model)
    if embeddings:
        services.wait_for_model(embeddings, ports.embeddings)
    services.wait_for_dynamodb(dynamodb, ports)
    services.wait_for_secrets(secrets, ports)
    services.wait_for_aws(aws, ports)
    progress.step("creating the resources of template.yaml")
    queues = services.create_resources(home, ports, chosen)
    progress.step("starting the functions")
    functions.write_settings(home, ports, queues, chosen)
    watch = keep(functions.start(home, ports))
    functions.wait(watch, ports)
    functions.warm(names, ports, watch)
    for pump in services.start_pumps(home, ports, queues):
        keep(pump)
    progress.step("asking whether everything is ready")
    for state in functions.readiness(ports):
        note(state)
    return children


def _providers(options: argparse.Namespace, ports: Ports) -> list[providers.Provider]:
    chosen = providers.choose(os.environ, options.provider, ports)
    for provider in chosen:
        note(f"provider {provider.name} at {provider.base_url}: {_listed(provider)}")
    return chosen


def _check(options: argparse.Namespace, ports: Ports, local: tuple[bool, bool]) -> None:
    chat, embeddings = local
    needed = {}
    if not options.setup_only:
        needed = {
            "the API": ports.api,
            "DynamoDB": ports.dynamodb,
            "Secrets Manager": ports.secrets,
            "the other AWS services": ports.aws,
        }
        if chat:
            needed["the local model"] = ports.model
        if embeddings:
            needed["the local embedding model"] = ports.embeddings
    faults = [*faults_of_python(), *faults_of_rust(), *faults_of_ports(needed)]
    faults += faults_of_processor() if chat or embeddings else []
    refuse([*faults, *providers.check_names(options.provider)])


def _listed(provider: providers.Provider) -> str:
    models = provider.models + provider.embedding_models + provider.moderation_models
    ids = [model["id"] for model in models]
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")


@contextmanager
def _stopping(child: Child) -> Iterator[Child]:
    try:
        yield child
    finally:
        ignore_signals()
        child.stop()


def _stay(children: list[Child]) -> int:
    """Until somebody stops it, or a part ends by itself."""
    try:
        while True:
            for child in children:
                if not child.running():
                    raise child.failure(
                        f"{child.name} ended with status {child.process.returncode}; stopping the rest"
                    )
                child.remember_family()
            time.sleep(1.0)
    except Stopped:
        say("\nstopping")
        return 0
