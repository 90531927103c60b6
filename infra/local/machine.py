"""Is everything here that the stack needs? All faults are told at once, each with its remedy."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .console import Failure
from .layout import REPOSITORY


def refuse(faults: Iterable[str]) -> None:
    faults = list(faults)
    if faults:
        raise Failure(
            "this machine is not ready:\n"
            + "\n".join(f"  - {fault}" for fault in faults)
        )


def faults_of_python() -> list[str]:
    # Debian and Ubuntu ship `venv` without the part that installs pip.
    if importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip"):
        return []
    return [
        "Python's venv module is missing; on Debian or Ubuntu: apt-get install python3-venv"
    ]


def faults_of_rust() -> list[str]:
    faults = []
    needed = re.search(
        r'^rust-version\s*=\s*"([\d.]+)"',
        (REPOSITORY / "Cargo.toml").read_text(),
        re.MULTILINE,
    )
    if not shutil.which("cargo") or not shutil.which("rustc"):
        version = f" {needed[1]} or newer" if needed else ""
        faults.append(
            f"Rust is missing (cargo and rustc); install version{version} with rustup: https://rustup.rs"
        )
    elif needed:
        faults += _faults_of_rustc(needed[1])
    compiler = os.environ.get("CC", "cc")
    if not shutil.which(compiler.split()[0]):
        faults.append(
            f"a C compiler is missing ({compiler}); on Debian or Ubuntu: apt-get install build-essential"
        )
    return faults


def _faults_of_rustc(needed: str) -> list[str]:
    # In the repository, because rust-toolchain.toml decides which compiler is meant.
    told = subprocess.run(
        ["rustc", "--version"], cwd=REPOSITORY, capture_output=True, text=True
    )
    found = re.match(r"rustc (\d+(?:\.\d+)+)", told.stdout)
    if not found:
        reason = (told.stderr.strip().splitlines() or ["it printed no version"])[-1]
        return [f"rustc does not run: {reason}"]
    if _numbers(found[1]) < _numbers(needed):
        return [
            f"Rust {found[1]} is too old, {needed} or newer is needed; run: rustup update stable"
        ]
    return []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def faults_of_processor() -> list[str]:
    """The local models' engine is compiled for AVX2 and would die without a word where that is missing."""
    cpuinfo = Path("/proc/cpuinfo")
    if platform.machine() not in ("x86_64", "AMD64") or not cpuinfo.exists():
        return []
    if re.search(r"^flags\s*:.*\bavx2\b", cpuinfo.read_text(), re.MULTILINE):
        return []
    return [
        "this processor lacks AVX2, which the local models need; set OPENAI_BASE_URL and CHATTER_LOCAL_EMBEDDINGS=0"
    ]


def faults_of_ports(ports: dict[str, int]) -> list[str]:
    faults = []
    for name, port in ports.items():
        if not 1 <= port <= 65535:
            faults.append(
                f"port {port} ({name}) does not exist; choose another base with --port"
            )
        elif not _free(port):
            faults.append(
                f"port {port} ({name}) is in use; stop what listens there or choose another base with --port"
            )
    return faults


def _free(port: int) -> bool:
    with socket.socket() as candidate:
        # Without this a port whose last connections are still winding down would count as taken.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
