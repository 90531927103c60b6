"""The last words before the stack goes quiet: where it is, and a first conversation to paste."""

from __future__ import annotations

from .layout import Home, Ports, url
from .providers import Provider

# For any POSIX shell, also interactively: no comments, no history expansion.
_FIRST_CONVERSATION = """\
API={api}/api/v1 JSON='Content-Type: application/json'
ME='{{"email":"ada@example.com","password":"correct horse battery"}}'
field() {{ python3 -c "import json,sys; print(json.load(sys.stdin)['$1'])"; }}
curl -s "$API/auth/register" -H "$JSON" -d "$ME"; echo
TOKEN=$(curl -s "$API/auth/login" -H "$JSON" -d "$ME" | field access_token)
CHAT=$(curl -s "$API/conversations" -H "$JSON" -H "Authorization: Bearer $TOKEN" -d '{{}}' | field id)
curl -N "$API/conversations/$CHAT/messages" -H "$JSON" -H "Authorization: Bearer $TOKEN" \\
  -d '{{"content":"Why is the sky blue?","stream":true}}'
"""


def welcome(home: Home, ports: Ports, chosen: list[Provider], seconds: float) -> str:
    default = chosen[0]
    conversation = _FIRST_CONVERSATION.format(api=url(ports.api))
    return (
        f"\nChatter is ready after {seconds:.0f} s: {url(ports.api)} (documentation: {url(ports.api)}/docs)\n"
        f"Answers come from {default.models[0]['id']} of the provider {default.name} unless a request names another.\n"
        f"{_vectors(chosen)}\n{_verdicts(chosen)}\n"
        f"\nA first conversation, to paste into another terminal:\n\n{conversation}\n"
        f"Mails are not sent but put into {home.mail}\n"
        f"Logs: {home.logs}\nCtrl-C stops it."
    )


def _vectors(chosen: list[Provider]) -> str:
    for provider in chosen:
        for model in provider.embedding_models:
            return f"Knowledge bases get their vectors from {model['id']} of the provider {provider.name} unless they name another."
    return "There is no embedding model, which knowledge bases need."


def _verdicts(chosen: list[Provider]) -> str:
    for provider in chosen:
        for model in provider.moderation_models:
            return f"Moderations are made by {model['id']} of the provider {provider.name} unless they name another model."
    return "There is no moderation model, so that POST /v1/moderations is refused; CHATTER_MODERATION_MODELS names some."
