"""Creates the template's table, bucket, queues and secrets in the stand-ins. Doing it again changes nothing.

Runs in the tools' virtual environment, where botocore is, and prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import string
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from .layout import ACCESS_KEY, REGION, RESOURCE_NAMES
from .template import load_resources, target_of

Properties = dict[str, Any]

# CloudFormation's properties that the API takes under the same name. What is left out of a queue or a table (tags,
# backups, encryption) makes no difference on this machine.
_QUEUE_ATTRIBUTES = (
    "DelaySeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
)
_TABLE_PROPERTIES = (
    "AttributeDefinitions",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
)


class Stack:
    def __init__(self, template: Path, dynamodb: str, manager: str, aws: str) -> None:
        self._resources = load_resources(template)
        self._addresses = {"dynamodb": dynamodb, "secretsmanager": manager}
        self._aws = aws
        self._botocore = botocore.session.get_session()

    def client(self, service: str) -> Any:
        return self._botocore.create_client(
            service,
            region_name=REGION,
            endpoint_url=self._addresses.get(service, self._aws),
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=ACCESS_KEY,
            # Without this the bucket's name becomes part of a host name that does not exist.
            config=Config(
                s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=30
            ),
        )

    def properties(self, logical_id: str) -> Properties:
        if logical_id not in self._resources:
            raise SystemExit(f"the template has no resource {logical_id}")
        properties: Properties = self._resources[logical_id].get("Properties") or {}
        return properties

    def create_table(self, logical_id: str) -> None:
        dynamodb, name = self.client("dynamodb"), RESOURCE_NAMES[logical_id]
        properties = self.properties(logical_id)
        wanted = {
            key: properties[key] for key in _TABLE_PROPERTIES if key in properties
        }
        try:
            dynamodb.create_table(
                TableName=name, BillingMode="PAY_PER_REQUEST", **wanted
            )
        except ClientError as error:
            _ignore(error, "ResourceInUseException")
            _refuse_other_keys(wanted, dynamodb.describe_table(TableName=name)["Table"])
        dynamodb.get_waiter("table_exists").wait(
            TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
        expiry = properties.get("TimeToLiveSpecification")
        if expiry:
            self._set_expiry(dynamodb, name, expiry)

    def _set_expiry(self, dynamodb: Any, table: str, expiry: Properties) -> None:
        # Setting it to what it is already would be refused.
        found = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if (
            found.get("AttributeName") != expiry["AttributeName"]
            or found["TimeToLiveStatus"] == "DISABLED"
        ):
            dynamodb.update_time_to_live(
                TableName=table, TimeToLiveSpecification=expiry
            )

    def create_bucket(self, logical_id: str) -> None:
        self.properties(logical_id)
        try:
            self.client("s3").create_bucket(Bucket=RESOURCE_NAMES[logical_id])
        except ClientError as error:
            _ignore(error, "BucketAlreadyOwnedByYou", "BucketAlreadyExists")

    def create_queue(self, logical_id: str) -> str:
        """The queue's address. Its dead-letter queue is created first."""
        sqs, name, properties = (
            self.client("sqs"),
            RESOURCE_NAMES[logical_id],
            self.properties(logical_id),
        )
        attributes = {
            key: str(properties[key]) for key in _QUEUE_ATTRIBUTES if key in properties
        }
        redrive = properties.get("RedrivePolicy")
        if redrive:
            dead_letters = target_of(redrive["deadLetterTargetArn"])
            if dead_letters not in RESOURCE_NAMES:
                raise SystemExit(
                    f"{logical_id} sends its dead letters to an unknown queue: {redrive}"
                )
            address = self.create_queue(dead_letters)
            arn = sqs.get_queue_attributes(
                QueueUrl=address, AttributeNames=["QueueArn"]
            )["Attributes"]["QueueArn"]
            attributes["RedrivePolicy"] = json.dumps(
                {**redrive, "deadLetterTargetArn": arn}
            )
        try:
            address = sqs.get_queue_url(QueueName=name)["QueueUrl"]
            if attributes:
                sqs.set_queue_attributes(QueueUrl=address, Attributes=attributes)
        except ClientError as error:
            _ignore(
                error, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"
            )
            address = sqs.create_queue(QueueName=name, Attributes=attributes)[
                "QueueUrl"
            ]
        # A queue from an earlier run on another port still answers with that one.
        return f"{self._aws}/{'/'.join(address.split('/')[3:])}"

    def create_keys(self, logical_id: str) -> None:
        """Generated once, as CloudFormation would, and then left to their rotation."""
        manager, name = self.client("secretsmanager"), RESOURCE_NAMES[logical_id]
        try:
            manager.create_secret(Name=name, SecretString=self._generated(logical_id))
        except ClientError as error:
            _ignore(error, "ResourceExistsException")

    def _generated(self, logical_id: str) -> str:
        wanted = self.properties(logical_id).get("GenerateSecretString") or {}
        value = json.loads(wanted.get("SecretStringTemplate", "{}"))
        letters = string.ascii_letters + string.digits
        length = int(wanted.get("PasswordLength", 64))
        value[wanted.get("GenerateStringKey", "bootstrap")] = "".join(
            secrets.choice(letters) for _ in range(length)
        )
        return json.dumps(value)

    def put_provider_keys(self, logical_id: str, value: str) -> None:
        manager, name = self.client("secretsmanager"), RESOURCE_NAMES[logical_id]
        self.properties(logical_id)
        try:
            manager.put_secret_value(SecretId=name, SecretString=value)
        except ClientError as error:
            _ignore(error, "ResourceNotFoundException")
            manager.create_secret(Name=name, SecretString=value)


def _ignore(error: ClientError, *codes: str) -> None:
    if error.response["Error"]["Code"] not in codes:
        raise error


def _refuse_other_keys(wanted: Properties, found: Properties) -> None:
    """A table cannot change its keys, and the functions would fail on the old ones in ways that are hard to read."""

    def shape(table: Properties) -> Any:
        indexes = table.get("LocalSecondaryIndexes", []) + table.get(
            "GlobalSecondaryIndexes", []
        )
        return table["KeySchema"], sorted(
            (index["IndexName"], str(index["KeySchema"])) for index in indexes
        )

    if shape(wanted) != shape(found):
        raise SystemExit(
            "the local table has other keys than template.yaml; delete data/dynamodb.sqlite in the stack's directory, "
            "which loses the local accounts and conversations"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--dynamodb", required=True)
    parser.add_argument("--secrets", required=True)
    parser.add_argument("--aws", required=True)
    options = parser.parse_args()
    stack = Stack(options.template, options.dynamodb, options.secrets, options.aws)
    stack.create_table("Table")
    stack.create_bucket("Bucket")
    queues = {
        "queue_url": stack.create_queue("JobQueue"),
        "mail_queue_url": stack.create_queue("MailQueue"),
        "run_queue_url": stack.create_queue("RunQueue"),
    }
    stack.create_keys("SigningKeys")
    stack.create_keys("DataKeys")
    stack.put_provider_keys("ProviderKeys", os.environ["PROVIDER_KEYS"])
    print(json.dumps(queues))


if __name__ == "__main__":
    main()
