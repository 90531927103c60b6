"""Who sends the requests of infra/fuzz, and things of theirs that requests can name."""

from __future__ import annotations

import secrets
import sys
import time
from typing import Any

import requests

_PASSWORD = "correct horse canary staple"
# Access tokens are good for ten minutes.
_FRESH_SECONDS = 240.0

Json = dict[str, Any]


class Broken(Exception):
    """The API does not do what is needed to begin at all."""


class Person:
    """An account that is the owner of a tenant: of one for several people, or of its own alone."""

    def __init__(self, url: str, number: int, *, alone: bool) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._token: str | None = None
        self._elsewhere: dict[str, tuple[str | None, float]] = {}
        email = f"fuzz-{secrets.token_hex(6)}-{number}@example.com"
        self._login = {"email": email, "password": _PASSWORD}
        self.send("POST", "/api/v1/auth/register", json=self._login)
        self._log_in()
        if not alone:
            tenant = self.send("POST", "/api/v1/tenants", json={"name": "Looms"})
            self._login["tenant_id"] = tenant["id"]
            self._log_in()
        self.tenant: str = self.send("GET", "/api/v1/auth/me")["tenant_id"]

    def _log_in(self) -> None:
        self._token = None
        tokens = self.send("POST", "/api/v1/auth/login", json=self._login)
        self._token = tokens["access_token"]
        self._fresh_until = time.monotonic() + _FRESH_SECONDS

    def credentials(self) -> tuple[str, str]:
        """The e-mail address and the password."""
        return str(self._login["email"]), _PASSWORD

    def token(self) -> str:
        if self._token is None or time.monotonic() > self._fresh_until:
            self._log_in()
        return str(self._token)

    def token_in(self, tenant: str) -> str | None:
        """A token for another tenant of this person's; `None` if it is none."""
        kept, until = self._elsewhere.get(tenant, (None, 0.0))
        if time.monotonic() > until:
            body = {"tenant_id": tenant}
            reply = self.reply("POST", "/api/v1/auth/switch-tenant", json=body)
            kept = reply.json()["access_token"] if reply.ok else None
            self._elsewhere[tenant] = (kept, time.monotonic() + _FRESH_SECONDS)
        return kept

    def send(self, method: str, path: str, **request: Any) -> Json:
        reply = self.reply(method, path, **request)
        if not reply.ok:
            raise Broken(f"{method} {path}: {reply.status_code} {reply.text}")
        return reply.json() if reply.content else {}

    def reply(self, method: str, path: str, **request: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return self._session.request(
            method, self._url + path, headers=headers, timeout=60.0, **request
        )


class Things:
    """One thing of each kind that a path can name, made when it is first wanted, and again when it is gone."""

    def __init__(self, owner: Person) -> None:
        self._owner = owner
        self._there: dict[str, str] = {}
        self._models = owner.send("GET", "/api/v1/models")["data"]

    def model(self, kind: str) -> str | None:
        """The id of a model for chat, embedding or moderation, if there is one."""
        found = (model["id"] for model in self._models if model["type"] == kind)
        return next(found, None)

    def get(self, parameter: str, path: str) -> str | None:
        """The id for that parameter; `None` where nobody knows one."""
        kind = _kind(parameter, path)
        if kind not in self._there:
            made = self._made(kind)
            if made is None:
                return None
            self._there[kind] = made
        return self._there[kind]

    def _made(self, kind: str) -> str | None:
        make = getattr(self, f"_make_{kind}", None)
        try:
            return make() if make else None
        except Broken as error:
            # Requests that name it go on with one that nobody has; whoever reads the result should know.
            print(f"infra/fuzz: no {kind} could be made: {error}", file=sys.stderr)
            return None

    def forget(self, parameter: str, path: str) -> None:
        """It has just been deleted, and what stood in it."""
        gone = _kind(parameter, path)
        inside = {
            "conversation_id": ("item_id", "run_id", "job_id"),
            "knowledge_base_id": ("document_id", "batch_id"),
        }
        for kind in (gone, *inside.get(gone, ())):
            self._there.pop(kind, None)

    def _make_conversation_id(self) -> str:
        return self._owner.send("POST", "/api/v1/conversations", json={})["id"]

    def _make_run_id(self) -> str:
        path = f"/api/v1/conversations/{self.get('conversation_id', '')}/messages"
        return self._owner.send("POST", path, json={"content": "Hello"})["run_id"]

    def _make_job_id(self) -> str:
        job = {"type": "conversation_title", "conversation_id": self.get("conversation_id", "")}
        return self._owner.send("POST", "/api/v1/jobs", json=job)["id"]

    def _make_item_id(self) -> str:
        path = f"/v1/conversations/{self.get('conversation_id', '')}/items"
        item = {"type": "message", "role": "user", "content": "Hello"}
        return self._owner.send("POST", path, json={"items": [item]})["data"][0]["id"]

    def _make_response_id(self) -> str:
        body = {"model": self.model("chat"), "input": "Hello"}
        return self._owner.send("POST", "/v1/responses", json=body)["id"]

    def _make_knowledge_base_id(self) -> str | None:
        if not self.model("embedding"):
            return None
        return self._owner.send("POST", "/api/v1/knowledge-bases", json={"name": "Handbook"})["id"]

    def _make_document_id(self) -> str | None:
        base = self.get("knowledge_base_id", "")
        text = f"The notice period is three months. {secrets.token_hex(4)}"
        document = {"name": "Notice", "source": {"text": text}}
        path = f"/api/v1/knowledge-bases/{base}/documents"
        return self._owner.send("POST", path, json=document)["id"] if base else None

    def _make_file_id(self) -> str:
        files = {"file": ("notice.txt", f"Three months. {secrets.token_hex(4)}".encode())}
        form = {"purpose": "assistants"}
        return self._owner.send("POST", "/v1/files", files=files, data=form)["id"]

    def _make_batch_id(self) -> str | None:
        base = self.get("knowledge_base_id", "")
        path = f"/v1/vector_stores/{base}/file_batches"
        body = {"file_ids": [self._make_file_id()]}
        return self._owner.send("POST", path, json=body)["id"] if base else None

    def _make_api_key_id(self) -> str:
        # There may be as many as a tenant may have: the requests make some too.
        for key in self._owner.send("GET", "/api/v1/api-keys")["data"]:
            return str(key["id"])
        key = {"name": "fuzz", "scopes": ["models:read"]}
        return self._owner.send("POST", "/api/v1/api-keys", json=key)["id"]

    def _make_invitation_id(self) -> str:
        path = f"/api/v1/tenants/{self._owner.tenant}/invitations"
        body = {"email": f"{secrets.token_hex(6)}@example.com", "role": "member"}
        return self._owner.send("POST", path, json=body)["id"]

    def _make_tenant_id(self) -> str:
        return self._owner.tenant

    def _make_user_id(self) -> str:
        return self._owner.send("GET", "/api/v1/auth/me")["id"]

    def _make_session_id(self) -> str:
        return self._owner.send("GET", "/api/v1/auth/sessions")["data"][0]["id"]

    def _make_scope(self) -> str:
        return "tenant"

    def _make_provider(self) -> str | None:
        return next((model["provider"] for model in self._models), None)

    def _make_model_id(self) -> str | None:
        return self.model("chat")


def _kind(parameter: str, path: str) -> str:
    """Names that mean the same thing, and one that means two."""
    if parameter == "file_id" and "vector_stores" in path:
        return "document_id"
    return {"vector_store_id": "knowledge_base_id", "model": "model_id"}.get(parameter, parameter)


