"""Rules of the API that JSON Schema can't state, and what is no fault of the API's. Each entry is left out of what
`infra/fuzz` reports, and says why. Nothing else is.
"""

from __future__ import annotations

import json
import re
from typing import Any

# What requests break that the document allows: the sentence in the reply, and why the document can't tell.
_UNSTATED = [
    # What there is, and whose.
    (r"this token is not valid any more", "tokens come by mail"),
    (r"you do not belong to this tenant", "who belongs to what changes"),
    (r"must be the id of a conversation of yours", "whose things are changes"),
    (r"there is no such (file of yours|item of a response)", "what there is changes"),
    (r"is not one of this listing|must be the id of an (entry|item) of this list", "only replies have such values"),
    (r"must be as a response of this API has it", "it is sealed, so nobody can make it"),
    (r"send `If-Match` with the `ETag`", "it is needed where the thing exists already"),
    (r"it has changed since you read it", "which entity tag is the newest changes"),
    (r"only a response with `background`", "it depends on how the response was asked for"),
    (r"must be that of the vector store", "it is compared with what is stored"),
    (r"must be a moment", "which moments are taken depends on the time of day"),
    # What the deployment and its models can do.
    (r"there is no such model|no provider has a model|is no model of the type", "models are the catalogue's and the tenant's"),
    (r"is neither a model nor a route", "models are the catalogue's and the tenant's"),
    (r"is not one that looks at images|must be \d+ for this model", "what a model can do is in the catalogue"),
    (r"this deployment has no such backend", "backends are the deployment's"),
    (r"could not be fetched", "an issuer must be reached, and none is from here"),
    # Several values together.
    (r"must be left out where `|leave one of both out|give either this or", "of two fields only one is told"),
    (r"give exactly one of", "null counts as left out, so that it can't be told by which fields are there"),
    (r"must be less than half of|must not be less than start|not both 0", "two fields are compared"),
    (r"less than context_window|must have a limit, if `month` has none", "two fields are compared"),
    (r"must name one of the tools|without tools", "what one field allows depends on another"),
    (r"only the wire openai has", "what one field allows depends on another"),
    (r"is only for streams", "what one field allows depends on another"),
    (r"must have a message of the user, or results of tools", "one of several entries must have a role"),
    (r"must follow the answer with that call", "entries are compared with each other"),
    # What patterns can't say.
    (r"is widely known or easy to guess", "which passwords are bad is a list and a comparison with the account"),
    (r"must be a JSON Schema", "which schemas are taken is a vocabulary of its own"),
    (r"must not lead to a private", "which addresses are public is a list of ranges"),
    (r"\d+ bytes", "bytes are counted, and not characters"),
    (r"in base64", "not every text of its letters is base64 of something"),
    (r"without a point|must be u\d+$", "1.0 is a whole number to JSON Schema"),
    # What is in the document on purpose, and refused.
    (r"(is|are) not supported", "what OpenAI's clients send is named, also where it is refused (OPENAI.md)"),
    (r"comes with tools that run on the server", "requests and replies have one list of workflows"),
    (r"owners are made in the tenant", "requests and replies have one list of roles"),
]

# cargo-lambda's emulator answers by itself, with a type of its own, where a body that is no UTF-8 is called text or JSON: the
# function never sees that request. On AWS it is sent on as base64.
_EMULATOR = "https://httpstatuses.com/"

# Lists go on where a reply says. Nobody can make such a value, so it is left out of requests that are right otherwise.
OPAQUE = {"cursor", "after", "before"}


def is_no_fault(kind: str, body: bytes) -> bool:
    """Whether a difference of that kind, with that reply, is told above."""
    try:
        reply = json.loads(body)
    except ValueError:
        return False
    if not isinstance(reply, dict):
        return False
    if str(reply.get("type", "")).startswith(_EMULATOR):
        return True
    if kind != "RejectedPositiveData":
        return False
    said = list(_sentences(reply))
    return bool(said) and all(
        any(re.search(pattern, sentence) for pattern, _ in _UNSTATED) for sentence in said
    )


def _sentences(reply: dict[str, Any]) -> list[str]:
    """What the reply says is wrong: one sentence a field."""
    if reply.get("errors"):
        return [str(error.get("detail")) for error in reply["errors"]]
    error = reply.get("error")
    said = error.get("message") if isinstance(error, dict) else reply.get("detail")
    return [str(said)] if said else []
