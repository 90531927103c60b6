"""Fetches what the stack runs on: pinned packages into a virtual environment."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import TextIO

from .layout import INFRA, TOOLS, Home
from .lock import taking_turns
from .processes import clean_environment, run


def install_tools(home: Home, output: TextIO) -> Path:
    return _virtual_environment(home, home.venv, INFRA / "requirements.txt", output)


def install_sam(home: Home, output: TextIO) -> Path:
    """Apart from the tools, because it wants other versions of the same packages."""
    return _virtual_environment(
        home, home.sam_venv, INFRA / "requirements-sam.txt", output
    )


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
