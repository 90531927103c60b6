"""Plays Lambda's and EventBridge's part for a function with a queue: hands it the messages, and wakes it every minute.

Runs in the tools' virtual environment, where botocore is, for as long as the stack does. It keeps nothing: what it had
in hand when it ended comes again, as on AWS.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .console import say
from .layout import ACCESS_KEY, REGION, REPOSITORY
from .web import Unanswered, call

# As in template.yaml.
_SWEEP_SECONDS = 60.0
_POLL_SECONDS = 5
_PAUSE_SECONDS = 2.0

Message = dict[str, Any]


class Failed(Exception):
    """The function did not handle the event: all of its messages come again."""


class Pump:
    def __init__(self, options: argparse.Namespace) -> None:
        self._function = options.function
        self._address = (
            f"{options.api}/2015-03-31/functions/{options.function}/invocations"
        )
        self._queue = options.queue
        self._batch_size = options.batch_size
        self._invoke_seconds = options.invoke_seconds
        self._sweep = json.loads(
            (REPOSITORY / "events" / options.function / "sweep.json").read_text()
        )
        self._sqs = botocore.session.get_session().create_client(
            "sqs",
            region_name=REGION,
            endpoint_url=options.aws,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=ACCESS_KEY,
            config=Config(connect_timeout=5, read_timeout=30),
        )

    def run(self) -> None:
        next_sweep = time.monotonic()
        while True:
            try:
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + _SWEEP_SECONDS
                    self._invoke(self._sweep)
                self._pass_on()
            except (Failed, BotoCoreError, ClientError) as error:
                say(f"{type(error).__name__}: {error}")
                time.sleep(_PAUSE_SECONDS)

    def _pass_on(self) -> None:
        received = self._sqs.receive_message(
            QueueUrl=self._queue,
            MaxNumberOfMessages=self._batch_size,
            WaitTimeSeconds=_POLL_SECONDS,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = received.get("Messages") or []
        if not messages:
            return
        failed = self._failures({"Records": [_record(message) for message in messages]})
        for message in messages:
            if message["MessageId"] not in failed:
                self._sqs.delete_message(
                    QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"]
                )
        say(f"{len(messages)} messages, {len(failed)} failed")

    def _failures(self, event: Message) -> set[str]:
        """The ids that failed. An answer that is not one fails them all, as on AWS."""
        answer = self._invoke(event)
        try:
            return {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        except (KeyError, TypeError):
            raise Failed(
                f"the answer of {self._function} names no batchItemFailures"
            ) from None

    def _invoke(self, event: Message) -> Any:
        try:
            reply = call(
                self._address,
                body=json.dumps(event).encode(),
                timeout=self._invoke_seconds,
            )
            answer = reply.json()
        except (Unanswered, ValueError) as error:
            raise Failed(f"{self._function} did not answer: {error}") from error
        if reply.status != 200:
            raise Failed(
                f"{self._function} failed ({reply.status}); functions.log says why"
            )
        return answer


def _record(message: Message) -> Message:
    """A message as Lambda hands it over."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {
            name: {"dataType": value["DataType"], "stringValue": value["StringValue"]}
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "awsRegion": REGION,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--api", required=True)
    parser.add_argument("--aws", required=True)
    parser.add_argument("--function", required=True)
    parser.add_argument("--queue", required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    # Longer than the function's timeout.
    parser.add_argument("--invoke-seconds", type=float, required=True)
    Pump(parser.parse_args()).run()


if __name__ == "__main__":
    main()
