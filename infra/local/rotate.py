"""Plays Secrets Manager's part in a rotation: begins it, then sends the function the four events, one after the other."""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from typing import Any

from .console import Failure, say
from .layout import REPOSITORY, RESOURCE_NAMES, Ports, url
from .web import Unanswered, call

SECRETS = {"signing-keys": "SigningKeys", "data-keys": "DataKeys"}
FUNCTION = "key-rotation"
STEPS = ("create_secret", "set_secret", "test_secret", "finish_secret")
# What the secret says is called; here this program calls it.
FUNCTION_ARN = f"arn:aws:lambda:us-east-1:000000000000:function:{FUNCTION}"

Answer = dict[str, Any]


class Refused(Failure):
    """Secrets Manager's own refusal."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="infra/rotate",
        description="Rotate a ring of keys of the local stack that runs.",
    )
    parser.add_argument(
        "secret", nargs="?", choices=sorted(SECRETS), default="signing-keys"
    )
    parser.add_argument(
        "--port", metavar="N", type=int, default=9000, help="the API's, as for infra/up"
    )
    options = parser.parse_args(arguments)
    try:
        rotate(RESOURCE_NAMES[SECRETS[options.secret]], Ports(options.port))
    except Failure as failure:
        print(f"infra/rotate: {failure}", file=sys.stderr)
        return 1
    return 0


def rotate(name: str, ports: Ports) -> None:
    arn, token = _begin(name, ports)
    for step in STEPS:
        event = json.loads(
            (REPOSITORY / "events" / FUNCTION / f"{step}.json").read_text()
        )
        event |= {"SecretId": arn, "ClientRequestToken": token}
        _invoke(event, ports)
        say(f"{event['Step']}: done")
    stages = _manager("DescribeSecret", {"SecretId": name}, ports)["VersionIdsToStages"]
    if "AWSCURRENT" not in stages.get(token, []):
        raise Failure(f"the version {token} has not come into use: {stages}")
    say(
        f"{name}: version {token} is the current one; its new key is known to all in five minutes and used in an hour"
    )


def _begin(name: str, ports: Ports) -> tuple[str, str]:
    """The secret's ARN and the version to make: a new one, or that of a rotation that was not completed."""
    token = str(uuid.uuid4())
    request = {
        "SecretId": name,
        "ClientRequestToken": token,
        "RotationLambdaARN": FUNCTION_ARN,
    }
    try:
        begun = _manager("RotateSecret", request, ports)
    except Refused:
        described = _manager("DescribeSecret", {"SecretId": name}, ports)
        pending = [
            version
            for version, stages in described["VersionIdsToStages"].items()
            if "AWSPENDING" in stages and "AWSCURRENT" not in stages
        ]
        if not pending:
            raise
        say(f"{name}: going on with the rotation to {pending[0]}, which is not complete")
        return described["ARN"], pending[0]
    say(f"{name}: rotating to version {token}")
    return begun["ARN"], token


def _manager(operation: str, request: Answer, ports: Ports) -> Answer:
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"secretsmanager.{operation}",
    }
    answer = _post(
        url(ports.secrets), request, headers, f"is infra/up running on port {ports.api}?"
    )
    if "__type" in answer:
        raise Refused(
            f"Secrets Manager refuses {operation}: {answer['__type']}, {answer.get('Message', '')}"
        )
    return answer


def _invoke(event: Answer, ports: Ports) -> None:
    address = f"{url(ports.api)}/2015-03-31/functions/{FUNCTION}/invocations"
    answer = _post(address, event, {}, "functions.log says why")
    # A function that succeeds answers null.
    if answer:
        raise Failure(
            f"{event['Step']} failed: {answer.get('errorMessage', answer)}; functions.log says more, and "
            "infra/rotate goes on from there"
        )


def _post(address: str, body: Answer, headers: dict[str, str], hint: str) -> Answer:
    try:
        reply = call(
            address, body=json.dumps(body).encode(), headers=headers, timeout=60.0
        )
    except Unanswered as error:
        raise Failure(f"{address} does not answer ({error}); {hint}") from error
    try:
        answer = reply.json()
    except ValueError:
        text = reply.body.decode(errors="replace")[:500]
        raise Failure(f"{address} answers {reply.status}: {text}; {hint}") from None
    return answer if isinstance(answer, dict) else {}
