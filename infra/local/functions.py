"""The Rust side: which functions there are, building them, their settings, and whether they answer."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .console import Failure
from .layout import ACCESS_KEY, REGION, REPOSITORY, RESOURCE_NAMES, Home, Ports, url
from .processes import Child, capture, clean_environment, run
from .providers import Provider
from .web import Reply, Unanswered, call, listens

LOCAL_DYNAMODB = "local-dynamodb"
LOCAL_SECRETS = "local-secrets"

# Long enough for a function that has to be compiled again after all.
_START_SECONDS = 300.0

# A failed check is remembered for some seconds, so the first answer may be out of date.
_READY_SECONDS = 20.0

# So high that nobody at this machine meets them.
_LIMITS = [
    {
        "name": f"{kind}-{per}",
        "class": kind,
        "per": per,
        "quota": 1_000_000,
        "window": 60,
    }
    for kind, per in (
        ("open", "source"),
        ("auth", "source"),
        ("mail", "source"),
        ("read", "caller"),
        ("write", "caller"),
        ("turn", "caller"),
        ("sensitive", "caller"),
    )
]

# Where the usual tools serve a page that is being written: Next.js and others, Vite, Angular.
_ORIGINS = [f"http://localhost:{port}" for port in (3000, 5173, 4200)]


def discover() -> tuple[list[str], Path]:
    """The functions' binaries, and the directory where cargo puts what it builds."""
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    metadata = json.loads(
        capture("reading the workspace", command, env=clean_environment())
    )
    binaries = [
        target["name"]
        for package in metadata["packages"]
        if Path(package["manifest_path"]).is_relative_to(REPOSITORY / "functions")
        for target in package["targets"]
        if "bin" in target["kind"]
    ]
    return sorted(binaries), Path(metadata["target_directory"])


def build(functions: list[str]) -> None:
    """Builds as `cargo lambda watch` will: it runs `cargo run --bin NAME` for each, without choosing a package.

    Cargo unites the features of all the packages that a command selects, so with `--package` here the first request
    would compile most of it again.
    """
    binaries = [
        option
        for name in [*functions, LOCAL_DYNAMODB, LOCAL_SECRETS]
        for option in ("--bin", name)
    ]
    run(
        "building the functions", ["cargo", "build", *binaries], env=clean_environment()
    )


def write_settings(
    home: Home, ports: Ports, queues: dict[str, str], providers: list[Provider]
) -> None:
    """Writes the file from which `cargo lambda watch` gives the functions their environment."""
    settings = {
        "STAGE": "local",
        "TABLE_NAME": RESOURCE_NAMES["Table"],
        "SIGNING_KEYS_SECRET_ID": RESOURCE_NAMES["SigningKeys"],
        "DATA_KEYS_SECRET_ID": RESOURCE_NAMES["DataKeys"],
        "PROVIDER_KEYS_SECRET_ID": RESOURCE_NAMES["ProviderKeys"],
        "TOKEN_ISSUER": url(ports.api),
        "BUCKET_NAME": RESOURCE_NAMES["Bucket"],
        "QUEUE_URL": queues["queue_url"],
        "MAIL_QUEUE_URL": queues["mail_queue_url"],
        "RUN_QUEUE_URL": queues["run_queue_url"],
        "SEARCH_FUNCTION_NAME": "search",
        "MAIL_SENDER": "chatter@example.com",
        "MAIL_TRANSPORT": f"file:{home.mail}",
        # There is no application here; the links in mails name the API, and the mails say which route to call.
        "APP_URL": url(ports.api),
        "EMAIL_VERIFICATION": "optional",
        "PROVIDERS": json.dumps(
            [provider.public() for provider in providers], separators=(",", ":")
        ),
        "LIMITS": json.dumps(_LIMITS, separators=(",", ":")),
        "RESPONSE_CACHE": "dynamodb",
        # An application that is written on this machine, wherever its tools serve it.
        "ALLOWED_ORIGINS": ",".join(_ORIGINS),
        "LOG_LEVEL": "info",
        # There is no CloudWatch here that would read them.
        "METRICS": "off",
        # A collector on this machine, if somebody has one.
        "TRACES_ENDPOINT": os.environ.get("CHATTER_LOCAL_TRACES", ""),
        "TRACE_SAMPLING": "1",
        # As deployed: events of API Gateway carry the stage before the path.
        "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH": "true",
        "MALLOC_MMAP_THRESHOLD_": "4194304",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_ENDPOINT_URL": url(ports.aws),
        "AWS_ENDPOINT_URL_DYNAMODB": url(ports.dynamodb),
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": url(ports.secrets),
        # Functions call each other where everybody calls them.
        "AWS_ENDPOINT_URL_LAMBDA": url(ports.api),
    }
    descriptor = os.open(home.env_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.writelines(
            f"{name}='{_quoted(value)}'\n" for name, value in settings.items()
        )


def _quoted(value: str) -> str:
    """For between single quotes. Its reader takes `\\n` for a newline even there and has no escape for the quote;
    in JSON, the only value that can hold either, every backslash sequence can be written as `\\u` and four digits.
    """
    plain = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
    value = re.sub(
        r'\\([nrtbf"\\/])',
        lambda found: f"\\u{ord(plain.get(found[1], found[1])):04x}",
        value,
    )
    return value.replace("'", "\\u0027")


def start(home: Home, ports: Ports) -> Child:
    command = [str(home.venv / "bin" / "cargo-lambda"), "lambda", "watch"]
    command += [
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
        str(ports.api),
        "--env-file",
        str(home.env_file),
    ]
    # The emulator would answer every preflight request itself, more generously than the functions do.
    command += ["--disable-cors"]
    return Child(
        "functions", command, env=clean_environment(), log=home.logs / "functions.log"
    )


def wait(watch: Child, ports: Ports) -> None:
    watch.wait_until(lambda: listens(ports.api), 60.0)


def warm(functions: list[str], ports: Ports, watch: Child) -> None:
    """Starts every function, which otherwise happens at its first request, and waits until each has answered."""
    seen = watch.log.stat().st_size if watch.log else 0
    with ThreadPoolExecutor(max_workers=len(functions)) as pool:
        pending = {name: pool.submit(_invoke, name, ports) for name in functions}
        try:
            watch.wait_until(
                lambda: _crashed(watch, seen)
                or all(call.done() for call in pending.values()),
                _START_SECONDS,
            )
            silent = [name for name, call in pending.items() if not call.done()]
            if silent:
                raise watch.failure(
                    f"a function ended instead of answering ({', '.join(silent)} still silent)"
                )
            for name, answer in pending.items():
                if answer.result():
                    raise watch.failure(
                        f"the function {name} cannot be reached: {answer.result()}"
                    )
        except BaseException:
            # A request to a function that is not running never ends; stopping the emulator ends it.
            watch.stop()
            raise


def _invoke(function: str, ports: Ports) -> str | None:
    """What went wrong, or `None`: any answer of the function will do, also that it has no such path
    or, from one without routes, that it is no event of its own."""
    address = f"{url(ports.api)}/2015-03-31/functions/{function}/invocations"
    try:
        reply = call(address, body=json.dumps(_EVENT).encode(), timeout=_START_SECONDS)
    except Unanswered as error:
        return str(error)
    missing = b"that function doesn't exist" in reply.body
    return "cargo-lambda does not know it" if missing else None


def _crashed(watch: Child, seen: int) -> bool:
    """cargo-lambda tells of a function's end only in its log."""
    if not watch.log:
        return False
    with watch.log.open("rb") as file:
        file.seek(seen)
        return b"command exited" in file.read()


def readiness(ports: Ports) -> Iterator[str]:
    """Each dependency's state in words, as the health function sees it.

    A provider that fails is told and no more: it may be somebody else's, and the rest works without it.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        reply, checks = _ask(f"{url(ports.api)}/readyz")
        if reply.status == 200 or time.monotonic() > deadline:
            break
        time.sleep(1.0)
    failed = [check["name"] for check in checks if check["status"] != "ok"]
    only_providers = failed and all(name.startswith("provider:") for name in failed)
    if reply.status != 200 and not only_providers:
        names = ", ".join(failed) or reply.body.decode(errors="replace")
        raise Failure(
            f"{url(ports.api)}/readyz still answers {reply.status}: {names}; functions.log says why"
        )
    for check in checks:
        yield f"{check['name']}: {check['status']} ({check['milliseconds']} ms)"


def _ask(address: str) -> tuple[Reply, list[dict[str, Any]]]:
    try:
        reply = call(address, timeout=60.0)
        return reply, reply.json()["checks"]
    except Unanswered as error:
        raise Failure(f"{address} does not answer: {error}") from error
    except (ValueError, KeyError, TypeError):
        return reply, []


_EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/",
    "rawQueryString": "",
    "headers": {"host": "127.0.0.1", "accept": "application/json"},
    "requestContext": {
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": "127.0.0.1",
        "domainPrefix": "127",
        "http": {
            "method": "GET",
            "path": "/",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "up",
        },
        "requestId": "warm-up",
        "routeKey": "$default",
        "stage": "$default",
        "time": "01/Jan/2026:00:00:00 +0000",
        "timeEpoch": 1767225600000,
    },
    "isBase64Encoded": False,
}
