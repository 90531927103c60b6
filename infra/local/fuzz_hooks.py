"""What schemathesis asks of us while it runs, in its own virtual environment (`SCHEMATHESIS_HOOKS`).

Requests that are right so far name things that exist, and hold the newest entity tag; otherwise nearly all would end as
404, 412 or 422 and tell nothing. What is wrong on purpose stays wrong. Who sends it is not the same person where an
operation would end that person's session, account or tenant: there it is one who is replaced afterwards, so no operation
has to be left out.
"""

from __future__ import annotations

import itertools
import os
import uuid
from typing import Any

import schemathesis
from schemathesis import HookContext
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from .fuzz_people import Broken, Person, Things
from .fuzz_rules import OPAQUE, is_no_fault

# What these do well may take away the right to do anything else.
_ENDING = {
    "change_email",
    "change_password",
    "confirm_reset",
    "delete_account",
    "delete_tenant",
    "log_out",
    "log_out_everywhere",
    "put_registry",
    "remove_member",
    "resume_tenant",
    "revoke_session",
    "suspend_tenant",
    "switch_tenant",
    "update_member",
}
# Whoever is the only owner of a tenant that others may belong to must first name another one.
_ALONE = {"delete_account"}
# In bodies: which model belongs into a field, by operation; everywhere else one that chats.
_MODELS = {"create_embeddings": "embedding", "create_moderation": "moderation"}
# And which thing belongs into other fields.
_NAMED = {
    "conversation_id": "conversation_id",
    "file_id": "file_id",
    "previous_response_id": "response_id",
    "tenant_id": "tenant_id",
}
_LISTED = {
    "file_ids": "file_id",
    "knowledge_base_ids": "knowledge_base_id",
    "readers": "user_id",
}


class Cast:
    """The person who sends most requests, and those who may be lost."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = itertools.count()
        self._owner = self._person(alone=False)
        # By whether they are alone in their tenant.
        self._extra: dict[bool, tuple[Person, Things]] = {}
        self.known: set[str] = set()

    def _person(self, *, alone: bool) -> tuple[Person, Things]:
        person = Person(self._url, next(self._numbers), alone=alone)
        return person, Things(person)

    def of(self, operation_id: str) -> tuple[Person, Things]:
        if operation_id not in _ENDING:
            return self._owner
        alone = operation_id in _ALONE
        if alone not in self._extra:
            self._extra[alone] = self._person(alone=alone)
        return self._extra[alone]

    def token_for(self, operation_id: str) -> str:
        try:
            token = self.of(operation_id)[0].token()
        except Broken:
            self.used(operation_id)
            token = self.of(operation_id)[0].token()
        self.known.add(token)
        return token

    def used(self, operation_id: str) -> None:
        if operation_id in _ENDING:
            self._extra.pop(operation_id in _ALONE, None)


_CAST = Cast(os.environ["CHATTER_FUZZ_URL"])


def _operation_id(case: schemathesis.Case) -> str:
    found: str = case.operation.definition.raw.get("operationId", "")
    return found


@schemathesis.auth(refresh_interval=None)
class Bearer:
    def get(self, case: schemathesis.Case, context: Any) -> str:
        return _CAST.token_for(_operation_id(case))

    def set(self, case: schemathesis.Case, data: str, context: Any) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Makes a request that is right so far one that can be done."""
    person, things = _CAST.of(_operation_id(case))
    if case.meta is None:
        return
    from_replies = case.meta.phase.name == TestPhase.STATEFUL
    if not from_replies and not case.meta.is_negative_at(ParameterLocation.PATH):
        _name_things(case, things)
    if not case.meta.is_negative_at(ParameterLocation.HEADER):
        _hold_the_newest(case, person)
    _renew(case, person)
    if not from_replies and not case.meta.is_negative_at(ParameterLocation.QUERY):
        for name in OPAQUE & set(case.query or {}):
            del case.query[name]
    if not from_replies and not case.meta.is_negative_at(ParameterLocation.BODY):
        _name_in_body(case.body, case, things)
        _prove(case, person)


def _renew(case: schemathesis.Case, person: Person) -> None:
    """A request may be sent long after it was made, and its person replaced meanwhile. One without a token of ours is
    meant to be without. A tenant in the path wants a token for it."""
    sent = (case.headers or {}).get("Authorization", "").removeprefix("Bearer ")
    if sent not in _CAST.known:
        return
    token = _CAST.token_for(_operation_id(case))
    tenant = (case.path_parameters or {}).get("tenant_id")
    if isinstance(tenant, str) and tenant != person.tenant:
        token = person.token_in(tenant) or token
        _CAST.known.add(token)
    case.headers["Authorization"] = f"Bearer {token}"


def _name_things(case: schemathesis.Case, things: Things) -> None:
    for name, value in list((case.path_parameters or {}).items()):
        if _stays_unknown(case, value):
            continue
        known = things.get(name, case.path)
        if known is not None:
            case.path_parameters[name] = known


def _stays_unknown(case: schemathesis.Case, value: Any) -> bool:
    """One in sixteen, where values are random."""
    return case.meta.phase.name == TestPhase.FUZZING and str(value).endswith("7")


def _hold_the_newest(case: schemathesis.Case, person: Person) -> None:
    for name in list(case.headers or {}):
        if _stays_unknown(case, case.headers[name]):
            continue
        if name.lower() == "idempotency-key":
            # The same key with another request is refused, as it should be.
            case.headers[name] = str(uuid.uuid4())
        elif name.lower() == "if-match":
            case.headers[name] = _newest(case.formatted_path, person) or case.headers[name]


def _newest(path: str, person: Person) -> str | None:
    """The entity tag of the thing there, or of the one that something is done to."""
    for place in (path, path.rsplit("/", 1)[0]):
        reply = person.reply("GET", place)
        if reply.ok and "etag" in reply.headers:
            return str(reply.headers["etag"])
    return None


def _name_in_body(value: Any, case: schemathesis.Case, things: Things) -> None:
    """Puts things that exist where a body has their ids, at any depth."""
    if isinstance(value, list):
        for entry in value:
            _name_in_body(entry, case, things)
    if not isinstance(value, dict):
        return
    for name, old in value.items():
        if isinstance(old, str) and not _stays_unknown(case, old):
            value[name] = _known(name, case, things) or old
        elif name == "rerank" and isinstance(old, dict) and "model" in old:
            old["model"] = things.model("rerank") or old["model"]
        elif name in _LISTED and isinstance(old, list) and old:
            known = things.get(_LISTED[name], "")
            value[name] = [known] if known else old
        else:
            _name_in_body(old, case, things)


def _prove(case: schemathesis.Case, person: Person) -> None:
    """Puts the password of whoever sends it where one is asked for, as at the deletion of an account."""
    operation_id = _operation_id(case)
    if operation_id == "register" or not isinstance(case.body, dict):
        return
    email, password = person.credentials()
    if operation_id == "log_in":
        case.body["email"] = email
    for name in {"password", "current_password"} & set(case.body):
        case.body[name] = password


def _known(name: str, case: schemathesis.Case, things: Things) -> str | None:
    if name == "model":
        return things.model(_MODELS.get(_operation_id(case), "chat"))
    if name == "embedding_model":
        return things.model("embedding")
    named = _NAMED.get(name)
    return things.get(named, "") if named else None


@schemathesis.hook
def after_call(context: HookContext, case: schemathesis.Case, response: Any) -> None:
    if not 200 <= response.status_code < 300:
        return
    operation_id = _operation_id(case)
    if case.method == "DELETE":
        things = _CAST.of(operation_id)[1]
        names = list(case.path_parameters or {})
        for name in names[-1:]:
            things.forget(name, case.path)
    _CAST.used(operation_id)


@schemathesis.hook
def filter_failure(
    context: HookContext, failure: Any, case: schemathesis.Case, response: Any
) -> bool:
    return not is_no_fault(type(failure).__name__, response.content)
