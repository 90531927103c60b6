"""What the functions talk to: DynamoDB, Secrets Manager, the other AWS services, the resources in them, and the local models."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .console import Failure
from .functions import LOCAL_DYNAMODB, LOCAL_SECRETS
from .layout import ACCESS_KEY, INFRA, TEMPLATE, Home, Ports, url
from .processes import Child, capture, clean_environment
from .providers import Provider
from .web import answers, listens

# What the embedding model was made for, [CLS] and [SEP] included.
EMBEDDING_CONTEXT = 512


def start_dynamodb(home: Home, ports: Ports, target: Path) -> Child:
    # Its file holds the accounts and the conversations.
    file = home.data / "dynamodb.sqlite"
    return _start("dynamodb", target / "debug" / LOCAL_DYNAMODB, ports.dynamodb, file, home)


def start_secrets(home: Home, ports: Ports, target: Path) -> Child:
    file = home.data / "secrets-manager.json"
    return _start("secrets", target / "debug" / LOCAL_SECRETS, ports.secrets, file, home)


def _start(name: str, program: Path, port: int, file: Path, home: Home) -> Child:
    """One of our own stand-ins. Nobody else may read its file."""
    if not program.exists():
        raise Failure(f"cargo did not build {program}")
    command = [str(program), "--addr", f"127.0.0.1:{port}", "--file", str(file)]
    return Child(
        name,
        command,
        env=clean_environment(),
        log=home.logs / f"{name}.log",
        umask=0o077,
    )


def wait_for_secrets(child: Child, ports: Ports) -> None:
    child.wait_until(lambda: listens(ports.secrets), 30.0)


def wait_for_dynamodb(child: Child, ports: Ports) -> None:
    # A request would have to be signed; creating the table right after this says more than a probe could.
    child.wait_until(lambda: listens(ports.dynamodb), 30.0)


def start_aws(home: Home, ports: Ports) -> Child:
    """SQS and S3. It keeps their state: objects at once, the rest when it is asked to end."""
    state = home.data / "aws"
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", str(home.path)),
        "TMPDIR": str(home.scratch),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(ports.aws),
        "SERVICES": "s3,sqs",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        # Whose presigned addresses are good: it checks those, though no other signature.
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        # Parts of it that would listen on ports of their own.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    return Child(
        "aws",
        [str(home.venv / "bin" / "ministack")],
        env=env,
        log=home.logs / "aws.log",
        umask=0o077,
    )


def wait_for_aws(child: Child, ports: Ports) -> None:
    child.wait_until(lambda: answers(f"{url(ports.aws)}/_ministack/health"), 60.0)


def start_model(home: Home, ports: Ports, local: Provider) -> Child:
    model = local.models[0]
    engine = ("model_server", model["id"], model["context_window"])
    return _start_engine("model", engine, home, home.chat_model, ports.model, local)


def start_embeddings(home: Home, ports: Ports, local: Provider) -> Child:
    engine = ("embedding_server", local.embedding_models[0]["id"], EMBEDDING_CONTEXT)
    weights, port = home.embedding_model, ports.embeddings
    return _start_engine("embeddings", engine, home, weights, port, local)


def _start_engine(
    name: str,
    engine: tuple[str, str, int],
    home: Home,
    weights: Path,
    port: int,
    local: Provider,
) -> Child:
    """`engine` is a module, the model's name and how many tokens it can have before it."""
    module, model, context = engine
    command = _python(home, module) + ["--weights", str(weights), "--port", str(port)]
    command += ["--name", model, "--context", str(context)]
    env = _python_environment() | {
        "MODEL_SERVER_KEY": local.key or "",
        # The engine's threads spin while they wait for one another; on a busy machine that makes it a hundred times
        # slower. Read when the engine is loaded, hence from here.
        "OMP_WAIT_POLICY": "passive",
    }
    return Child(name, command, env=env, log=home.logs / f"{name}.log")


def wait_for_model(child: Child, port: int) -> None:
    child.wait_until(lambda: answers(f"{url(port)}/health"), 60.0)


def start_pumps(home: Home, ports: Ports, queues: dict[str, str]) -> list[Child]:
    """Hand the functions that have a queue their messages, as many at once as in template.yaml: mails leave, and jobs
    and turns in the background are done, as long as they do."""
    return [
        _start_pump(home, ports, "mailer", queues["mail_queue_url"], (10, 90)),
        _start_pump(home, ports, "job-worker", queues["queue_url"], (5, 330)),
        _start_pump(home, ports, "run-worker", queues["run_queue_url"], (1, 930)),
    ]


def _start_pump(
    home: Home, ports: Ports, function: str, queue: str, batch: tuple[int, int]
) -> Child:
    size, seconds = batch
    command = _python(home, "pump") + ["--api", url(ports.api), "--aws", url(ports.aws)]
    command += ["--function", function, "--queue", queue]
    command += ["--batch-size", str(size), "--invoke-seconds", str(seconds)]
    name = f"pump-{function}"
    return Child(name, command, env=_python_environment(), log=home.logs / f"{name}.log")


def named(name: str, providers: list[Provider]) -> Provider | None:
    return next((provider for provider in providers if provider.name == name), None)


def create_resources(
    home: Home, ports: Ports, providers: list[Provider]
) -> dict[str, str]:
    """Creates what is missing of the template's resources; the answer has the queues' addresses."""
    command = _python(home, "resources") + [
        "--template",
        str(TEMPLATE),
        "--dynamodb",
        url(ports.dynamodb),
        "--secrets",
        url(ports.secrets),
        "--aws",
        url(ports.aws),
    ]
    # In the environment and not among the arguments, which everybody on the machine can read.
    keys = {provider.name: provider.key for provider in providers if provider.key}
    env = _python_environment() | {"PROVIDER_KEYS": json.dumps(keys)}
    created: dict[str, str] = json.loads(
        capture("creating the resources", command, env=env)
    )
    return created


def _python(home: Home, module: str) -> list[str]:
    return [str(home.venv / "bin" / "python"), "-m", f"{__package__}.{module}"]


def _python_environment() -> dict[str, str]:
    return clean_environment() | {"PYTHONPATH": str(INFRA)}
