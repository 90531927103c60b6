"""What people and programs do with the deployment, through its API alone; mails are read where SES was given them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from local.console import note

from .client import Client, holds, until

MODEL, EMBEDDING_MODEL = "scripted", "words-64"
_PERSON = {"email": "ada@chatter.internal", "password": "correct horse staple battery"}
_READY = {
    "table",
    "signing_keys",
    "data_keys",
    "provider_keys",
    "bucket",
    "queue",
    "mail_queue",
    "run_queue",
    "provider:scripted",
}

Mails = Callable[[], list[dict[str, Any]]]


class Journey:
    def __init__(self, client: Client, mails: Mails) -> None:
        self._nobody = self._ada = client
        self._mails = mails

    def whole(self) -> None:
        for step in (
            self._everything_is_ready,
            self._a_person_gets_in_by_mail,
            self._a_turn_is_answered,
            self._a_turn_streams,
            self._a_turn_in_the_background_is_answered,
            self._a_conversation_gets_its_title,
            self._a_document_is_found,
            self._an_upload_is_found,
            self._turns_are_answered_from_documents,
            self._the_openai_door_is_open,
            self._the_others_answer,
            self._wrong_requests_get_problems,
        ):
            began = time.monotonic()
            what = step()
            note(f"{what} ({time.monotonic() - began:.1f} s)")

    def _everything_is_ready(self) -> str:
        ready = self._nobody.get("/readyz")
        names = {check["name"] for check in ready["checks"]}
        holds("everything is looked at", names == _READY, ready)
        holds("everything is ready", ready["status"] == "ready", ready)
        return f"/readyz: {len(names)} dependencies reached, each with the function's own role"

    def _a_person_gets_in_by_mail(self) -> str:
        self._nobody.post("/api/v1/auth/register", _PERSON, 202)
        mail = until("the mail to a new person", self._proof)
        lines = iter(mail.splitlines())
        next(line for line in lines if " POST /api/v1/" in line and line.endswith(":"))
        path = "/api/v1/auth/email-verification/confirm"
        self._nobody.post(path, {"token": next(lines).strip()}, 204)
        tokens = self._nobody.post("/api/v1/auth/login", _PERSON)
        self._ada = self._nobody.with_token(tokens["access_token"])
        me = self._ada.get("/api/v1/auth/me")
        holds("the address is proved", me["email_verified"] is True, me)
        return "registered, proved by a mail (SQS, mailer, SES), logged in"

    def _proof(self) -> str | None:
        found = (m for m in self._mails() if m["To"] == [_PERSON["email"]])
        return next((str(m["BodyText"]) for m in found), None)

    def _conversation(self, **settings: Any) -> str:
        made = self._ada.post("/api/v1/conversations", {"model": MODEL} | settings, 201)
        return f"/api/v1/conversations/{made['id']}"

    def _a_turn_is_answered(self) -> str:
        messages = self._conversation(title="Oslo") + "/messages"
        script = json.dumps({"say": ["In", " one", " piece"]})
        answer = self._ada.post(messages, {"content": script}, 201)
        holds("the answer", answer["content"] == "In one piece", answer)
        stored = self._ada.get(messages)["data"]
        holds("question and answer are stored", stored[1] == answer, stored)
        return "a turn: asked, answered, stored, read by another function"

    def _a_turn_streams(self) -> str:
        messages = self._conversation(title="Bergen") + "/messages"
        script = json.dumps({"say": ["Piece", " by", " piece"]})
        body = {"content": script, "stream": True}
        reply = self._ada.send("POST", messages, body, 200)
        kind = reply.headers["content-type"]
        holds("it is a stream", kind.startswith("text/event-stream"), kind)
        events = [
            line.removeprefix("event: ")
            for line in reply.body.decode().splitlines()
            if line.startswith("event: ")
        ]
        holds("its events", events[0] == "start" and events[-1] == "done", events)
        return f"a stream: {len(events)} events, all at once (the stand-in buffers)"

    def _a_turn_in_the_background_is_answered(self) -> str:
        messages = self._conversation(title="Tromsø") + "/messages"
        script = json.dumps({"say": ["In the", " background"]})
        body = {"content": script, "background": True}
        run = self._ada.post(messages, body, 202)
        found = self._ended(run)
        holds("the run is completed", found["status"] == "completed", found)
        stored = self._ada.get(messages)["data"]
        holds("its answer", stored[1]["content"] == "In the background", stored)
        return "a turn in the background: SQS, its mapping, run-worker"

    def _ended(self, run: Any) -> Any:
        def ended() -> Any:
            found = self._ada.get(f"/api/v1/runs/{run['id']}")
            return found if found["status"] not in ("queued", "in_progress") else None

        return until("the turn in the background", ended)

    def _a_conversation_gets_its_title(self) -> str:
        conversation = self._conversation()
        self._ada.post(f"{conversation}/messages", {"content": "Hello"}, 201)

        def done() -> Any:
            jobs = self._ada.get("/api/v1/jobs?type=conversation_title&limit=1")["data"]
            return jobs[0] if jobs and jobs[0]["status"] == "completed" else None

        job = until("the job that makes a title", done)
        title = self._ada.get(conversation)["title"]
        holds("the title", title and title == job["result"]["title"], job)
        return "a title: SQS, its mapping, job-worker"

    def _a_document_is_found(self) -> str:
        base = self._ada.post("/api/v1/knowledge-bases", {"name": "Help"}, 201)
        self._base = f"/api/v1/knowledge-bases/{base['id']}"
        source = {"text": "Fjords are long and deep; ferries cross them all day."}
        body = {"name": "Fjords", "source": source}
        document = self._ada.post(f"{self._base}/documents", body, 201)
        self._is_ready(document)
        self._finds("ferries on fjords", "Fjords")
        return "a document: taken in by job-worker, kept in S3, found by search"

    def _an_upload_is_found(self) -> str:
        text = b"Reindeer graze on the plateau and move to the coast in summer."
        source = {"upload": {"bytes": len(text)}, "file_name": "reindeer.txt"}
        body = {"name": "Reindeer", "source": source}
        document = self._ada.post(f"{self._base}/documents", body, 201)
        upload = document["upload"]
        put = self._nobody.request("PUT", upload["url"], text, upload["headers"])
        holds("S3 takes the upload", put.status < 300, [put.status, str(put.body)])
        path = f"{self._base}/documents/{document['id']}/complete"
        self._ada.post(path, {}, 202)
        self._is_ready(document)
        self._finds("where do reindeer graze", "Reindeer")
        return "an upload: signed by knowledge-bases, put to S3, taken in, found"

    def _turns_are_answered_from_documents(self) -> str:
        settings = {
            "workflow": "rag",
            "knowledge_base_ids": [self._base.rsplit("/", 1)[-1]],
        }
        messages = self._conversation(title="Hamar", settings=settings) + "/messages"
        script = json.dumps({"say": ["Reindeer graze on the plateau [1]."]})
        answer = self._ada.post(messages, {"content": script}, 201)
        self._cites(answer)
        body = {"content": script, "background": True}
        run = self._ended(self._ada.post(messages, body, 202))
        holds("the run is completed", run["status"] == "completed", run)
        self._cites(self._ada.get(messages)["data"][3])
        return "answers from documents: chat and run-worker call search"

    def _cites(self, answer: Any) -> None:
        cited = [citation["document_name"] for citation in answer["citations"]]
        holds("what it stands on", cited == ["Reindeer"], answer)

    def _is_ready(self, document: Any) -> None:
        path = f"{self._base}/documents/{document['id']}"

        def ready() -> Any:
            found = self._ada.get(path)
            holds("the document can be read", found.get("failure") is None, found)
            return found["status"] == "ready"

        until(f"the document {document['name']} becoming ready", ready)

    def _finds(self, query: str, name: str) -> None:
        found = self._ada.post(f"{self._base}/search", {"query": query})
        first = found["data"][:1]
        holds(f"{name} is found", first and first[0]["document_name"] == name, found)

    def _the_openai_door_is_open(self) -> str:
        new = {"name": "program", "scopes": ["models:read", "chat"]}
        made = self._ada.post("/api/v1/api-keys", new, 201)
        program = self._nobody.with_token(made["key"])
        models = {model["id"] for model in program.get("/v1/models")["data"]}
        holds("the models", {MODEL, EMBEDDING_MODEL} <= models, sorted(models))
        message = {"role": "user", "content": json.dumps({"say": ["As at", " OpenAI"]})}
        body = {"model": MODEL, "messages": [message]}
        choice = program.post("/v1/chat/completions", body)["choices"][0]
        holds("the answer", choice["message"]["content"] == "As at OpenAI", choice)
        vector = program.post("/v1/embeddings", {"model": EMBEDDING_MODEL, "input": "a"})
        holds("the vector", len(vector["data"][0]["embedding"]) == 64, vector)
        return "OpenAI's API with an API key: models, a chat completion, a vector"

    def _the_others_answer(self) -> str:
        tenant = self._ada.get("/api/v1/tenants")["data"][0]["id"]
        issuers = f"/api/v1/tenants/{tenant}/identity-providers"
        for path in (issuers, "/api/v1/provider-credentials", "/api/v1/models"):
            self._ada.get(path)
        trail = self._ada.get("/api/v1/audit")["data"]
        holds("the trail tells of the key", len(trail) > 0, trail)
        keys = self._nobody.get("/.well-known/jwks.json")["keys"]
        holds("tokens can be checked", len(keys) > 0, keys)
        return "tenants, identity-providers, provider-credentials, models, audit answer"

    def _wrong_requests_get_problems(self) -> str:
        for client, path, status, slug in (
            (self._nobody, "/api/v1/conversations", 401, "unauthenticated"),
            (self._ada, "/api/v1/conversations/conv_1", 404, "not-found"),
            (self._nobody, "/nothing", 404, "no-such-route"),
        ):
            problem = client.get(path, status)
            kind = f"urn:chatter:problem:{slug}"
            holds(f"{path} is {slug}", problem["type"] == kind, problem)
        return "wrong requests: problem documents, also of paths that nobody has"
