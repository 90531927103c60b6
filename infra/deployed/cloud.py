"""What `sam deploy` and whoever runs a deployment ask of AWS, asked of the stand-in.

Runs in the tools' virtual environment, where botocore is; each command prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from local.layout import ACCESS_KEY, REGION

from deployed.left_out import LEFT_OUT

STACK = "chatter"
# Where `sam deploy` puts archives and template.
ARTIFACTS = "chatter-artifacts"
_PATIENCE_SECONDS = 180.0

Options = argparse.Namespace


class Cloud:
    def __init__(self, endpoint: str, certificate: Path) -> None:
        self._endpoint, self._certificate = endpoint, certificate
        self._botocore = botocore.session.get_session()

    def client(self, service: str, **credentials: str) -> Any:
        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": ACCESS_KEY}
        return self._botocore.create_client(
            service,
            region_name=REGION,
            endpoint_url=self._endpoint,
            verify=str(self._certificate),
            **(keys | credentials),
            config=Config(
                s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=120
            ),
        )


def upload(cloud: Cloud, options: Options) -> dict[str, str]:
    """The address of each archive."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=ARTIFACTS)
    code = {}
    for archive in sorted(options.directory.glob("*.zip")):
        with archive.open("rb") as body:
            s3.put_object(Bucket=ARTIFACTS, Key=archive.name, Body=body)
        code[archive.stem] = f"s3://{ARTIFACTS}/{archive.name}"
    return code


def deploy(cloud: Cloud, options: Options) -> dict[str, Any]:
    """As `sam deploy` does: a change set of the template in the bucket, described, then executed."""
    formation = cloud.client("cloudformation")
    _known_by_now(formation)
    sender = options.parameters["MailSender"]
    cloud.client("sesv2").create_email_identity(EmailIdentity=sender.partition("@")[2])
    cloud.client("s3").put_object(
        Bucket=ARTIFACTS, Key="template.json", Body=options.template.read_bytes()
    )
    formation.create_change_set(
        StackName=STACK,
        ChangeSetName="first",
        ChangeSetType="CREATE",
        # By its address, because a request has room for 51,200 bytes.
        TemplateURL=f"{options.endpoint}/{ARTIFACTS}/template.json",
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in options.parameters.items()
        ],
    )
    for change_set in _described(
        lambda: formation.describe_change_set(StackName=STACK, ChangeSetName="first")
    ):
        if change_set["Status"] == "FAILED":
            raise SystemExit(f"the change set failed: {change_set.get('StatusReason')}")
        if change_set["Status"] == "CREATE_COMPLETE":
            break
    formation.execute_change_set(StackName=STACK, ChangeSetName="first")
    for answer in _described(lambda: formation.describe_stacks(StackName=STACK)):
        stack = answer["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            break
        if "FAILED" in stack["StackStatus"] or "ROLLBACK" in stack["StackStatus"]:
            raise SystemExit(f"{stack['StackStatus']}:\n{_faults(formation)}")
    return {
        "outputs": {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])},
        "resources": _resources(formation),
    }


def _described(describe: Any) -> Iterator[Any]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        yield describe()
        time.sleep(0.2)
    raise SystemExit(f"the stack was not made in {_PATIENCE_SECONDS:.0f} s")


def _known_by_now(formation: Any) -> None:
    """Refuses to leave types out that the stand-in could make."""
    kinds = [line for line in LEFT_OUT if " " not in line]
    resources = {f"Resource{number}": {"Type": kind} for number, kind in enumerate(kinds)}
    try:
        formation.validate_template(TemplateBody=json.dumps({"Resources": resources}))
        refused = ""
    except ClientError as error:
        refused = error.response["Error"]["Message"]
    if known := [kind for kind in kinds if kind not in refused]:
        raise SystemExit(
            f"the stand-in knows {', '.join(known)}; take it out of infra/deployed/left_out.py"
        )


def _faults(formation: Any) -> str:
    events = formation.describe_stack_events(StackName=STACK)["StackEvents"]
    faults = [
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("FAILED")
    ]
    return "\n".join(faults[:20])


def _resources(formation: Any) -> dict[str, list[str]]:
    """Type and physical id of each, by logical id."""
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    resources = {}
    for page in pages:
        for found in page["StackResourceSummaries"]:
            if found["ResourceStatus"] != "CREATE_COMPLETE":
                raise SystemExit(
                    f"{found['LogicalResourceId']} is {found['ResourceStatus']}"
                )
            resources[found["LogicalResourceId"]] = [
                found["ResourceType"],
                found["PhysicalResourceId"],
            ]
    return resources


def refuses(cloud: Cloud, options: Options) -> dict[str, str]:
    """Whether the stand-in holds policies at all: somebody without one is refused."""
    iam = cloud.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    nobody = cloud.client(
        "dynamodb",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    try:
        nobody.get_item(
            TableName=options.table, Key={"pk": {"S": "CHECK"}, "sk": {"S": "CHECK"}}
        )
    except ClientError as error:
        return {"code": error.response["Error"]["Code"]}
    raise SystemExit("the stand-in lets somebody read the table whom no policy allows it")


def rotates(cloud: Cloud, options: Options) -> dict[str, str]:
    """Whether the function that rotates starts, and may look at both rings: of a version that is in use already, which
    is what the stand-in makes of a rotation, it says that nothing is left to do."""
    manager, service = cloud.client("secretsmanager"), cloud.client("lambda")
    said = {}
    for secret in options.secrets:
        token = str(uuid.uuid4())
        manager.rotate_secret(
            SecretId=secret, ClientRequestToken=token, RotationLambdaARN=options.function
        )
        event = {"Step": "createSecret", "SecretId": secret, "ClientRequestToken": token}
        answer = service.invoke(
            FunctionName=options.function, Payload=json.dumps(event).encode()
        )
        said[secret] = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            raise SystemExit(f"the function that rotates failed: {said[secret]}")
    return said


def logs(cloud: Cloud, options: Options) -> dict[str, int]:
    """Writes what the functions logged, a file for each group."""
    service, lines = cloud.client("logs"), {}
    for page in service.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            found = service.get_paginator("filter_log_events").paginate(logGroupName=name)
            events = [event["message"] for part in found for event in part["events"]]
            lines[name] = len(events)
            path = options.directory / f"{name.strip('/').replace('/', '-')}.log"
            path.write_text("\n".join(event.rstrip("\n") for event in events) + "\n")
    return lines


_COMMANDS = {
    "upload": upload,
    "deploy": deploy,
    "refuses": refuses,
    "rotates": rotates,
    "logs": logs,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=sorted(_COMMANDS))
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--template", type=Path)
    parser.add_argument("--parameters", type=json.loads)
    parser.add_argument("--table")
    parser.add_argument("--function")
    parser.add_argument("--secrets", nargs="*", default=[])
    options = parser.parse_args()
    cloud = Cloud(options.endpoint, options.certificate)
    try:
        answer = _COMMANDS[options.command](cloud, options)
    except ClientError as error:
        raise SystemExit(f"the stand-in refuses: {error}") from None
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
