"""Requests from schemathesis, with everything that it has: it sends what the document allows and what it does not,
follows what replies name, and compares each reply with the document. It acts as people whom it registers for that
(fuzz_people.py); what it is told about the API stands in fuzz.toml, each line with its reason.

The stack should have the scripted provider and no other, so that turns take no time:
  cargo run --bin scripted-provider -- --addr 127.0.0.1:8001
  CHATTER_CAPABILITIES=tools,structured_output CHATTER_MODERATION_MODELS=scripted-moderation \\
    infra/up --provider scripted=http://127.0.0.1:8001/v1

It leaves accounts with all that they made behind. Never point it at a deployment that people use.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path

from .console import Failure, say
from .install import install_fuzz
from .layout import INFRA, Home, private_directory
from .machine import faults_of_python, refuse
from .processes import Child, Stopped, clean_environment, stop_on_signals
from .web import answers

_PHASES = ("examples", "coverage", "fuzzing", "stateful")


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    stop_on_signals()
    try:
        refuse(faults_of_python())
        home = Home.at(None)
        programs = install_fuzz(home, sys.stdout)
        if options.setup_only:
            say("infra/fuzz: everything is in place")
            return 0
        return _run(home, programs, options)
    except Failure as failure:
        print(f"infra/fuzz: {failure}", file=sys.stderr)
        return 1
    except Stopped:
        return 130


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infra/fuzz",
        description="Hold a running Chatter to its own OpenAPI document.",
        epilog=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--url",
        default="http://127.0.0.1:9000",
        help="where it is (default: %(default)s)",
    )
    add(
        "--seed",
        type=int,
        help="the seed of a run before; a new one is made, and printed, if left out",
    )
    add(
        "--max-examples",
        type=int,
        default=25,
        help="requests an operation in the phases that are random (default: %(default)s)",
    )
    add(
        "--phases",
        default=",".join(_PHASES),
        help="which, with commas between (default: %(default)s)",
    )
    add(
        "--only",
        action="append",
        default=[],
        metavar="OPERATION_ID",
        help="this operation alone; may be given several times",
    )
    add(
        "--document",
        metavar="FILE",
        help="hold it to this document instead of its own, such as one that is being written",
    )
    add("--setup-only", action="store_true", help="install what is needed, and no more")
    options = parser.parse_args(arguments)
    if unknown := set(options.phases.split(",")) - set(_PHASES):
        parser.error(f"there is no phase {', '.join(sorted(unknown))}")
    return options


def _run(home: Home, programs: Path, options: argparse.Namespace) -> int:
    url = options.url.rstrip("/")
    if not answers(f"{url}/healthz", timeout=30.0):
        raise Failure(f"{url}/healthz does not answer; start a stack, or say with --url where one is")
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    say(f"infra/fuzz: the same requests again with --seed {seed}")
    reports = private_directory(home.path / "fuzz")
    command = [str(programs / "schemathesis"), "--config-file", str(INFRA / "fuzz.toml")]
    document = str(Path(options.document).resolve()) if options.document else f"{url}/openapi.json"
    command += ["run", document, "--url", url, "--seed", str(seed)]
    command += ["--mode", "all", "--checks", "all", "--phases", options.phases]
    command += ["--max-examples", str(options.max_examples)]
    command += ["--report", "ndjson,junit", "--report-dir", str(reports)]
    for operation in options.only:
        command += ["--include-operation-id", operation]
    environment = clean_environment() | {
        "SCHEMATHESIS_HOOKS": "local.fuzz_hooks",
        "CHATTER_FUZZ_URL": url,
        "PYTHONPATH": str(INFRA),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    child = Child("schemathesis", command, env=environment)
    try:
        status = child.process.wait()
    finally:
        child.stop()
    if status:
        raise Failure(
            f"the API and its document differ, as told above; --seed {seed} sends the same requests, and {reports} has "
            "all of them"
        )
    return os.EX_OK
