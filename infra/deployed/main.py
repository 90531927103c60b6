"""Deploys `.aws-sam/build` as it is to a stand-in for AWS (ministack) and uses it: CloudFormation makes the table, the
bucket, the queues, the secrets, the roles, the functions and the API; requests go through its API Gateway, messages
through its SQS, and each function has the permissions of its role and no others. All of it is gone at the end.

Everything is reached over TLS, as on AWS: the bucket's policy refuses what is not. The model provider is the scripted
one, under a name that a proxy on this machine leads to it. Nothing leaves this machine. Who runs it as root also gives
the stand-in port 443 of 127.0.0.1, if that is free.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from local.console import Failure, Progress, note, say
from local.functions import discover
from local.install import install_sam, install_tools
from local.layout import ACCESS_KEY, INFRA, TOOLS, Home, private_directory, url
from local.lock import only_one
from local.machine import faults_of_python, refuse
from local.processes import (
    Child,
    Stopped,
    capture,
    clean_environment,
    ignore_signals,
    run,
    stop_on_signals,
)
from local.web import answers, listens

from .built import BUILD, Build
from .client import Client
from .journey import EMBEDDING_MODEL, MODEL, Journey
from .left_out import LEFT_OUT, NOT_AS_ON_AWS, REWRITTEN

_RINGS = ("SigningKeys", "DataKeys")
_PROVIDER, _AWS = "models.chatter.internal", "aws.chatter.internal"
_STEPS = 8


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    stop_on_signals()
    try:
        refuse(faults_of_python())
        home = Home.at(str(TOOLS / "deployed"))
        with only_one(home.path / "lock", "infra/deploy-local"):
            _deploy(home, options)
    except Failure as failure:
        print(f"infra/deploy-local: {failure}", file=sys.stderr)
        return 1
    except Stopped:
        return 130
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infra/deploy-local",
        description="Deploy the built template to a stand-in for AWS on this machine, and use it.",
        epilog=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--build",
        metavar="DIR",
        type=Path,
        default=BUILD,
        help="what `sam build` left (default: .aws-sam/build)",
    )
    parser.add_argument(
        "--provider",
        metavar="FILE",
        type=Path,
        help="the binary scripted-provider; it is built if left out",
    )
    return parser.parse_args(arguments)


def _deploy(home: Home, options: argparse.Namespace) -> None:
    progress = Progress(_STEPS)
    progress.step("Looking at what was built")
    build = Build(options.build.resolve())
    note(f"{len(build.functions)} functions for {build.architecture} in {build.directory}")
    progress.step("Preparing the tools")
    install_tools(home, sys.stdout)
    install_sam(home, sys.stdout)
    world = World(home, options.provider or _scripted_provider())
    try:
        with ExitStack() as children:
            progress.step("Starting the stand-in and the provider")
            world.start(children)
            progress.step("Uploading and transforming")
            left_out = world.prepare(build)
            progress.step("Deploying with CloudFormation")
            api = world.deploy(build, left_out)
            progress.step("Using it")
            try:
                Journey(world.client(api), world.mails).whole()
                world.rotate()
            except Failure as failure:
                world.keep_logs()
                said = "\n".join([*_errors(home.logs)[:5], f"all logs are in {home.logs}"])
                raise Failure(f"{failure}; what functions logged:\n{said}") from None
            progress.step("Reading the functions' logs")
            world.keep_logs()
            _refuse_errors(home.logs)
            progress.step("Stopping")
    finally:
        shutil.rmtree(home.scratch, ignore_errors=True)
    for what in NOT_AS_ON_AWS:
        note(f"not as on AWS: {what}")
    say(f"deployed and used in {progress.done():.0f} s; logs: {home.logs}")


def _errors(logs: Path) -> list[str]:
    return [
        line
        for log in sorted(logs.glob("aws-lambda-*.log"))
        for line in log.read_text().splitlines()
        if '"level":"ERROR"' in line or "AccessDenied" in line
    ]


def _refuse_errors(logs: Path) -> None:
    """Refuses what an answer hid, such as a permission that is missing and that was done without."""
    if errors := _errors(logs):
        raise Failure(f"functions logged errors, in {logs}:\n" + "\n".join(errors[:5]))
    note("no function logged an error or that something was denied")


def _scripted_provider() -> Path:
    _, target = discover()
    command = ["cargo", "build", "--locked", "--bin", "scripted-provider"]
    run("building the scripted provider", command, env=clean_environment())
    return target / "debug" / "scripted-provider"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class World:
    """The stand-in with what is deployed to it, the provider, and the proxy that leads to it."""

    def __init__(self, home: Home, provider: Path) -> None:
        self._home, self._program = home, provider
        if not provider.exists():
            raise Failure(f"there is no {provider}; leave --provider out, and it is built")
        # What a run before left, should it have been killed.
        shutil.rmtree(home.scratch, ignore_errors=True)
        shutil.rmtree(home.logs, ignore_errors=True)
        self._scratch = home.scratch
        self._certificate = self._scratch / "certificate.pem"
        self._key = self._scratch / "key.pem"
        self._aws, self._provider, self._gate = (_free_port() for _ in range(3))
        self._endpoint = f"https://127.0.0.1:{self._aws}"

    def start(self, children: ExitStack) -> None:
        _make_certificate(self._certificate, self._key)
        command = [str(self._program), "--addr", f"127.0.0.1:{self._provider}"]
        self._start(children, "provider", command, self._provider)
        command = [sys.executable, "-m", "deployed.gate", "--name", _PROVIDER]
        command += ["--port", str(self._gate), "--provider", str(self._provider)]
        command += ["--certificate", str(self._certificate), "--key", str(self._key)]
        self._start(children, "gate", command, self._gate)
        command = [str(self._home.venv / "bin" / "ministack")]
        self._start(children, "aws", command, self._aws, self._aws_environment())

    def _start(
        self,
        children: ExitStack,
        name: str,
        command: list[str],
        port: int,
        env: dict[str, str] | None = None,
    ) -> None:
        log = self._home.logs / f"{name}.log"
        child = Child(name, command, env=env or _environment(), log=log, umask=0o077)
        children.callback(child.stop)
        # Whatever ends this, nothing may be left behind.
        children.callback(ignore_signals)
        child.wait_until(lambda: listens(port), 60.0)

    def _aws_environment(self) -> dict[str, str]:
        """Functions inherit it: that is where they get the way out and the certificate to trust from."""
        temporary = private_directory(self._scratch / "aws")
        return _environment() | {
            "TMPDIR": str(temporary),
            "BIND_HOST": "127.0.0.1",
            # What the addresses of queues begin with: functions refuse settings that name this machine.
            "MINISTACK_HOST": _AWS,
            "GATEWAY_PORT": str(self._aws),
            # Signatures and policies are held.
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
            "AWS_ENDPOINT_URL": self._endpoint,
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(self._certificate),
            "MINISTACK_SSL_KEY": str(self._key),
            "SSL_CERT_FILE": str(self._certificate),
            "HTTPS_PROXY": url(self._gate),
            "https_proxy": url(self._gate),
            # Parts of it that would listen on ports of their own.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }

    def prepare(self, build: Build) -> dict[str, str]:
        """Puts the code where functions are made of it, and the template into a file. The answer has what of it is
        left out."""
        archives = private_directory(self._scratch / "archives")
        build.zip(archives)
        code = self._ask("upload", "--directory", str(archives))
        shutil.rmtree(archives)
        command = [str(self._home.sam_venv / "bin" / "python"), "-m", "deployed.template"]
        command += ["--template", str(build.template), "--code", json.dumps(code)]
        made = json.loads(capture("transforming", command, env=_environment()))
        self._template.write_text(json.dumps(made["document"]))
        left_out: dict[str, str] = made["left_out"]
        if unused := set(LEFT_OUT) - set(left_out.values()):
            raise Failure(
                f"the template has no {', '.join(sorted(unused))}; take it out of infra/deployed/left_out.py"
            )
        return left_out

    @property
    def _template(self) -> Path:
        return self._scratch / "template.json"

    def deploy(self, build: Build, left_out: dict[str, str]) -> str:
        """The address of the API."""
        parameters = json.dumps(_parameters(build))
        options = ["--template", str(self._template), "--parameters", parameters]
        made = self._ask("deploy", *options)
        wanted = json.loads(self._template.read_text())["Resources"]
        unmade = sorted(set(wanted) - set(made["resources"]))
        if wrong := [name for name in unmade if "Condition" not in wanted[name]]:
            raise Failure(f"CloudFormation made no {', '.join(wrong)}, and did not say why")
        kinds = Counter(kind for kind, _ in made["resources"].values())
        note(f"{len(made['resources'])} resources are made, of {len(kinds)} types")
        note(f"not made with these parameters: {', '.join(unmade) or 'none'}")
        for kind, count in sorted(Counter(left_out.values()).items()):
            note(f"left out: {count} of {kind}: {LEFT_OUT[kind]}")
        for what in REWRITTEN:
            note(f"rewritten: {what}")
        refused = self._ask("refuses", "--table", made["outputs"]["TableName"])
        note(f"policies are held: somebody without one gets {refused['code']}")
        self._made = {name: found for name, (_, found) in made["resources"].items()}
        self._secrets = [made["outputs"][f"{name}Arn"] for name in _RINGS]
        api = self._made["Api"]
        return f"{self._endpoint}/restapis/{api}/prod/_user_request_"

    def client(self, api: str) -> Client:
        return Client(api, self._certificate)

    def mails(self) -> list[dict[str, Any]]:
        """What SES was given, as whoever reads mails would see it."""
        address = f"{self._endpoint}/_ministack/ses/messages"
        reply = self.client("").request("GET", address, None, {})
        return [mail for mails in reply.json()["messages"].values() for mail in mails]

    def rotate(self) -> None:
        function = self._made["KeyRotationFunction"]
        self._ask("rotates", "--function", function, "--secrets", *self._secrets)
        note("key-rotation: called for both rings with its own role")

    def keep_logs(self) -> None:
        try:
            lines = self._ask("logs", "--directory", str(self._home.logs))
        except Failure as failure:
            note(f"the functions' logs can't be had: {failure}")
            return
        silent = sorted(name for name, count in lines.items() if not count)
        note(f"log groups with lines: {len(lines) - len(silent)}; silent: {', '.join(silent) or 'none'}")

    def _ask(self, command: str, *options: str) -> Any:
        python = str(self._home.venv / "bin" / "python")
        line = [python, "-m", "deployed.cloud", command, "--endpoint", self._endpoint]
        line += ["--certificate", str(self._certificate), *options]
        return json.loads(capture(f"asking the stand-in to {command}", line, env=_environment()))


def _environment() -> dict[str, str]:
    return clean_environment() | {
        "PYTHONPATH": str(INFRA),
        "PYTHONDONTWRITEBYTECODE": "1",
        # For this machine alone; whatever proxy the person has leads elsewhere.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _parameters(build: Build) -> dict[str, str]:
    """Those that have no default, and the provider. Everything else is as it is shipped."""
    model = {"id": MODEL, "context_window": 8192, "max_output_tokens": 1024}
    vectors = {"id": EMBEDDING_MODEL, "dimensions": 64, "max_input_tokens": 500}
    provider = {
        "name": "scripted",
        "wire": "openai",
        "base_url": f"https://{_PROVIDER}/v1",
        "models": [model],
        "embedding_models": [vectors],
    }
    return {
        "Architecture": build.architecture,
        "TokenIssuer": "https://later.invalid",
        "AppUrl": "https://chat.chatter.internal",
        "MailSender": "no-reply@chatter.internal",
        "Providers": json.dumps([provider], separators=(",", ":")),
        "ProviderApiKeys": json.dumps({"scripted": "of-no-use"}),
    }


def _make_certificate(certificate: Path, key: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=deploy-local"]
    names = f"subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:{_PROVIDER}"
    command += ["-addext", names, "-addext", "basicConstraints=critical,CA:FALSE"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Failure("there is no openssl: install the package openssl") from None
    if made.returncode:
        raise Failure(f"openssl made no certificate: {made.stderr.strip()}")
