"""Lambdas in Python beside the functions: one that does nothing, and one that checks a token and asks the table once."""

from __future__ import annotations

import base64
import json
import subprocess
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench_lambda import Broken, Function
from bench_stage import REPOSITORY, Person, Stage, expect, sample
from bench_world import ask_table

EMPTY, LISTING = "python-empty", "python-listing"
WHAT = {
    EMPTY: "Python on awslambdaric, the handler answers {}",
    LISTING: "Python on awslambdaric: checks the token (PyJWT), one Query (boto3), 20 conversations",
}
PACKAGES = ("awslambdaric", "boto3", "PyJWT")
HOME = REPOSITORY / ".chatter" / "bench"
REQUIREMENTS = Path(__file__).with_name("requirements-bench.txt")
_INSTALL_SECONDS = 1800


def install(name: str, packages: tuple[str, ...]) -> Path:
    """The programs of a virtual environment that has these packages of the requirements, made if it is not there."""
    lines = REQUIREMENTS.read_text().splitlines()
    wanted = [line for line in lines if line.startswith(packages)]
    programs, stamp = HOME / name / "bin", HOME / f"{name}.made-of"
    if stamp.exists() and stamp.read_text() == "\n".join(wanted):
        return programs
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        venv.create(HOME / name, clear=True, with_pip=True)
        command = [str(programs / "python"), "-m", "pip", "install", "--quiet", *wanted]
        subprocess.run(command, check=True, timeout=_INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError) as failure:
        raise Broken(f"{', '.join(wanted)} could not be installed: {failure}") from None
    stamp.write_text("\n".join(wanted))
    return programs


class Python:
    """Starts the two of them. What the second needs to know of the stack is asked of it when this is made."""

    def __init__(self, stage: Stage, reader: Person) -> None:
        self._stage = stage
        self._program = install("python", PACKAGES) / "python"
        with stage.function("auth") as auth:
            self._jwks = expect(200, auth.invoke(sample("auth/jwks"))).body.decode()
        claims = _claims(reader.token)
        self._partition = _partition_of(stage.world.table, claims["sub"])

    @contextmanager
    def function(self, name: str) -> Iterator[Function]:
        handler = f"bench_python_handler.{name.removeprefix('python-')}"
        environment = self._stage.world.environment() | {
            "_HANDLER": handler,
            "LAMBDA_TASK_ROOT": str(Path(__file__).parent),
            "PYTHONPATH": str(Path(__file__).parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "JWKS": self._jwks,
            "PARTITION": self._partition,
        }
        command = [str(self._program), "-m", "awslambdaric", handler]
        with self._stage.function(name, environment, command=command) as function:
            yield function


def _claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _partition_of(table: str, user: str) -> str:
    """The partition with that person's conversations."""
    start: dict[str, Any] = {}
    while True:
        page = ask_table(table, "Scan", start)
        for item in page["Items"]:
            partition: str = item["pk"]["S"]
            if partition.endswith(f"#USER#{user}") and "CONV#" in item["sk"]["S"]:
                return partition
        if "LastEvaluatedKey" not in page:
            raise Broken(f"the table has no conversation of {user}")
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
