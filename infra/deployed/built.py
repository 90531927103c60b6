"""What `sam build` left: a template, and for each function a directory with its `bootstrap`."""

from __future__ import annotations

import platform
import re
import zipfile
from pathlib import Path

from local.console import Failure
from local.layout import REPOSITORY

BUILD = REPOSITORY / ".aws-sam" / "build"
_HOW = "`infra/check-template --build --own-architecture` makes one"
# Where an ELF file says for which processor it is, and what stands there.
_MACHINE = slice(18, 20)
_MACHINES = {b"\x3e\x00": "x86_64", b"\xb7\x00": "arm64"}
_NAMES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


class Build:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.template = directory / "template.yaml"
        if not self.template.exists():
            raise Failure(f"there is no build in {directory}; {_HOW}")
        # By line and not as YAML, which the machine's own Python can't read: `sam build` writes each on one line.
        found = re.findall(r"^ +CodeUri: (\S+)$", self.template.read_text(), re.MULTILINE)
        self.functions = {name: directory / name / "bootstrap" for name in sorted(set(found))}
        missing = [name for name, path in self.functions.items() if not path.exists()]
        if missing or not self.functions:
            what = ", ".join(missing) or "any function"
            raise Failure(f"{directory} has no bootstrap for {what}; {_HOW}")
        self.architecture = self._architecture()

    def _architecture(self) -> str:
        """That of the binaries, which this machine must be able to run."""
        own = _NAMES.get(platform.machine(), platform.machine())
        for name, path in self.functions.items():
            with path.open("rb") as file:
                built_for = _MACHINES.get(file.read(20)[_MACHINE], "another processor")
            if built_for != own:
                raise Failure(
                    f"{name} is built for {built_for}, which this machine ({own}) can't run; "
                    "`infra/check-template --build --own-architecture` builds for it"
                )
        return own

    def zip(self, into: Path) -> dict[str, Path]:
        """One archive a function, as `sam package` makes them. Not compressed: it goes no further than this machine."""
        archives = {}
        for name, path in self.functions.items():
            archives[name] = into / f"{name}.zip"
            with zipfile.ZipFile(archives[name], "w", zipfile.ZIP_STORED) as archive:
                member = zipfile.ZipInfo("bootstrap")
                member.external_attr = 0o100755 << 16
                archive.writestr(member, path.read_bytes())
        return archives
