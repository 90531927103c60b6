"""What the functions talk to in a benchmark: the table, secrets, and a model provider that answers at once."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import secrets
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench_lambda import Broken, clean_environment

TABLE = "bench"
MODEL = "bench-model"
PROVIDER = "bench"
TOKENS = [f"token{number} " for number in range(20)]
ANSWER = "".join(TOKENS)

# A port of this machine where nobody listens, so that every connection is refused at once.
REFUSED = "http://127.0.0.1:9"

# So high that no benchmark meets them.
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


class World:
    """The stand-ins, running while the context is open."""

    def __init__(self, local_dynamodb: Path, scratch: Path) -> None:
        self._binary = local_dynamodb
        self._scratch = scratch
        self._open = ExitStack()

    def __enter__(self) -> World:
        with ExitStack() as stack:
            self._aws = stack.enter_context(StandIn(_Aws)).url
            provider = stack.enter_context(StandIn(Provider))
            table = stack.enter_context(Table(self._binary, self._scratch))
            self.provider, self.table = provider.url, table.url
            # Whose time is looked at beside that of the functions.
            self.pids = {"provider stand-in": provider.pid, "table stand-in": table.pid}
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def environment(
        self,
        *,
        reachable: bool = True,
        table: str | None = None,
        provider: str | None = None,
    ) -> dict[str, str]:
        """The settings of the functions; if not `reachable`, every call of an AWS client is refused.

        `table` and `provider` are URLs in the place of those of the stand-ins.
        """
        model = {"id": MODEL, "context_window": 128_000, "max_output_tokens": 4096}
        catalogued = {
            "name": PROVIDER,
            "wire": "openai",
            "base_url": provider or self.provider,
            "models": [model],
        }
        return clean_environment() | {
            "STAGE": "local",
            "TABLE_NAME": TABLE,
            "BUCKET_NAME": "bench",
            "QUEUE_URL": f"{self._aws}/000000000000/bench",
            "MAIL_QUEUE_URL": f"{self._aws}/000000000000/bench-mail",
            "RUN_QUEUE_URL": f"{self._aws}/000000000000/bench-runs",
            "MAIL_SENDER": "bench@example.com",
            "MAIL_TRANSPORT": f"file:{self._scratch}",
            "APP_URL": "https://bench.example.com",
            "EMAIL_VERIFICATION": "optional",
            "SIGNING_KEYS_SECRET_ID": "signing-keys",
            "DATA_KEYS_SECRET_ID": "data-keys",
            "PROVIDER_KEYS_SECRET_ID": "provider-keys",
            "TOKEN_ISSUER": "https://bench.example.com",
            "PROVIDERS": json.dumps([catalogued]),
            "LIMITS": json.dumps(_LIMITS),
            "RESPONSE_CACHE": "dynamodb",
            "ALLOWED_ORIGINS": "",
            "LOG_LEVEL": "info",
            "METRICS": "routes",
            "AWS_ENDPOINT_URL": self._aws if reachable else REFUSED,
            "AWS_ENDPOINT_URL_DYNAMODB": (table or self.table)
            if reachable
            else REFUSED,
        }


class StandIn:
    """An HTTP server in a process of its own, so that it takes no time of the one that measures."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._handler = handler

    def __enter__(self) -> StandIn:
        fork = multiprocessing.get_context("fork")
        ours, theirs = fork.Pipe()
        self._process = fork.Process(
            target=_serve, args=(self._handler, theirs, os.getpid()), daemon=True
        )
        self._process.start()
        self.url = f"http://127.0.0.1:{ours.recv()}"
        self.pid = self._process.pid or 0
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()


def _serve(handler: type[BaseHTTPRequestHandler], pipe: Any, parent: int) -> None:
    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # Of connections that come at the same time.
        request_queue_size = 256

        def service_actions(self) -> None:
            # Called twice a second: whoever measures may have been killed.
            if os.getppid() != parent:
                os._exit(1)

    # Ctrl-C reaches everything in the terminal; whoever measures ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = Server(("127.0.0.1", 0), handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise head and body leave in two packets, and the second waits.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, body: bytes, content_type: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()


# Made anew for each run, and of no use elsewhere.
_SECRETS = {
    "signing-keys": json.dumps({"bootstrap": secrets.token_urlsafe(48)}),
    "data-keys": json.dumps({"bootstrap": secrets.token_urlsafe(48)}),
    "provider-keys": json.dumps({PROVIDER: secrets.token_urlsafe(24)}),
}


class _Aws(Handler):
    def do_HEAD(self) -> None:
        self.answer(b"", "application/xml")

    def do_POST(self) -> None:
        request = json.loads(self.body() or b"{}")
        target = self.headers.get("X-Amz-Target", "")
        if target.endswith(".GetSecretValue"):
            name = request["SecretId"]
            found = {
                "ARN": f"arn:aws:secretsmanager:us-east-1:0:secret:{name}",
                "Name": name,
            }
            found |= {"SecretString": _SECRETS[name], "VersionId": "1"}
            self.answer(json.dumps(found).encode(), "application/x-amz-json-1.1")
        elif target.endswith(".GetQueueAttributes"):
            found = {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:0:bench"}}
            self.answer(json.dumps(found).encode(), "application/x-amz-json-1.0")
        else:
            self.answer(
                b'{"__type":"InvalidAction"}', "application/x-amz-json-1.1", 400
            )


def _chunk(**members: Any) -> bytes:
    chunk = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
    } | members
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


_USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": len(TOKENS),
    "total_tokens": 10 + len(TOKENS),
}

_STREAM = (
    b"".join(
        _chunk(
            choices=[{"index": 0, "delta": {"content": token}, "finish_reason": None}]
        )
        for token in TOKENS
    )
    + _chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    + _chunk(choices=[], usage=_USAGE)
    + b"data: [DONE]\n\n"
)

_WHOLE = json.dumps(
    {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": ANSWER},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    }
).encode()


class Provider(Handler):
    def do_GET(self) -> None:
        self.answer(b'{"object":"list","data":[]}', "application/json")

    def do_POST(self) -> None:
        if json.loads(self.body()).get("stream"):
            self.answer(_STREAM, "text/event-stream")
        else:
            self.answer(_WHOLE, "application/json")


class Table:
    """`local-dynamodb` in memory, with the table of template.yaml."""

    def __init__(self, binary: Path, scratch: Path) -> None:
        self._binary = binary
        self._log = scratch / "local-dynamodb.log"

    def __enter__(self) -> Table:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        with self._log.open("wb") as output:
            command = [str(self._binary), "--addr", f"127.0.0.1:{self._port}"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.pid = self._process.pid
        try:
            self._wait()
            self._create()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _wait(self) -> None:
        for _ in range(200):
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise Broken(
            f"{self._binary} does not listen:\n{self._log.read_text(errors='replace')[-2000:]}"
        )

    def _create(self) -> None:
        def key(sort: str) -> list[dict[str, str]]:
            return [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ]

        kinds = {"pk": "S", "sk": "S", "active_at": "N"}
        index = {
            "IndexName": "by_activity",
            "KeySchema": key("active_at"),
            "Projection": {"ProjectionType": "ALL"},
        }
        table = {
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind}
                for name, kind in kinds.items()
            ],
            "KeySchema": key("sk"),
            "LocalSecondaryIndexes": [index],
        }
        ask_table(self.url, "CreateTable", table)


def ask_table(url: str, operation: str, request: dict[str, Any]) -> Any:
    """What the table answers to an operation; its name is put into requests that name none."""
    headers = {
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        # Nobody checks it, but there has to be one.
        "X-Amz-Date": "20260101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=0",
    }
    if "RequestItems" not in request:
        request = {"TableName": TABLE} | request
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection.request("POST", "/", json.dumps(request), headers)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    if reply.status != 200:
        raise Broken(
            f"{operation}: the table answers {reply.status} {body[:500].decode(errors='replace')}"
        )
    return json.loads(body)
