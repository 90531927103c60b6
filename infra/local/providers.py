"""Which models answer and which make vectors of texts. By default small ones on this machine; the environment puts
others in their place.

OPENAI_BASE_URL        any server that speaks OpenAI's protocol (Ollama, vLLM), with OPENAI_API_KEY if it wants one
OPENAI_API_KEY         alone: OpenAI itself
ANTHROPIC_API_KEY      Anthropic, at ANTHROPIC_BASE_URL if that is set
GEMINI_API_KEY         Google, at GEMINI_BASE_URL if that is set
CHATTER_MODELS         ids, comma separated, instead of asking the OpenAI server what it has
CHATTER_CONTEXT_WINDOW, CHATTER_MAX_OUTPUT_TOKENS
                       tokens, for models that providers.json does not know (8192 and 1024)
CHATTER_CAPABILITIES   what those can do beside text, comma separated: tools, images, structured_output, reasoning
CHATTER_MODERATION_MODELS
                       ids, comma separated, of models that judge what is harmful: at the first --provider, or else at the
                       OpenAI server. There are none otherwise, but at OpenAI itself
CHATTER_LOCAL_MODEL=1  the local models as well, after the others
CHATTER_LOCAL_EMBEDDINGS=0
                       no embedding model on this machine. Otherwise there is one unless a chosen provider is known to
                       have its own: OpenAI itself and Google do
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .console import Failure
from .layout import Ports, url
from .web import Unanswered, call

Model = dict[str, Any]

LOCAL, LOCAL_EMBEDDINGS = "local", "local-embeddings"
_CAPABILITIES = ("tools", "images", "structured_output", "reasoning", "reasoning_budget")
_KNOWN: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("providers.json").read_text()
)


@dataclass(frozen=True)
class Provider:
    name: str
    wire: str
    base_url: str
    models: list[Model]
    key: str | None = None
    embedding_models: list[Model] = field(default_factory=list)
    moderation_models: list[Model] = field(default_factory=list)

    def public(self) -> dict[str, Any]:
        """What the functions read from PROVIDERS. The key is not among it: that is in Secrets Manager."""
        return {
            "name": self.name,
            "wire": self.wire,
            "base_url": self.base_url,
            "models": self.models,
            "embedding_models": self.embedding_models,
            "moderation_models": self.moderation_models,
        }


@dataclass(frozen=True)
class Settings:
    """The part of the environment that decides, checked."""

    env: Mapping[str, str]

    def get(self, name: str) -> str | None:
        return self.env.get(name, "").strip() or None

    def tokens(self, name: str, default: int) -> int:
        value = self.get(name) or str(default)
        if not value.isdecimal() or int(value) < 1:
            raise Failure(f"{name} must be a number of tokens, not {value!r}")
        return int(value)

    def models(self) -> list[str]:
        return self._names("CHATTER_MODELS")

    def moderation_models(self) -> list[Model]:
        return [{"id": name} for name in self._names("CHATTER_MODERATION_MODELS")]

    def capabilities(self) -> list[str]:
        names = self._names("CHATTER_CAPABILITIES")
        if unknown := [name for name in names if name not in _CAPABILITIES]:
            raise Failure(
                f"CHATTER_CAPABILITIES has {', '.join(unknown)}; there are {', '.join(_CAPABILITIES)}"
            )
        return names

    def _names(self, name: str) -> list[str]:
        names = (part.strip() for part in self.env.get(name, "").split(","))
        return list(dict.fromkeys(name for name in names if name))


def local_model_names() -> tuple[str, str]:
    """The models on this machine: the one that chats and the one that makes vectors."""
    chat, embeddings = _KNOWN[LOCAL], _KNOWN[LOCAL_EMBEDDINGS]
    return chat["models"][0]["id"], embeddings["embedding_models"][0]["id"]


def wants_local_model(env: Mapping[str, str], named: list[str]) -> bool:
    """Whether the chat model on this machine is needed; without it nothing of it is fetched or started."""
    settings = Settings(env)
    others = named or [
        name
        for name in (
            "OPENAI_BASE_URL",
            "OPENAI_API_KEY",
            "ANTHROPIC_API_KEY",
            "GEMINI_API_KEY",
        )
        if settings.get(name)
    ]
    return not others or settings.get("CHATTER_LOCAL_MODEL") == "1"


def wants_local_embeddings(env: Mapping[str, str]) -> bool:
    """The same of the embedding model on this machine."""
    settings = Settings(env)
    if settings.get("CHATTER_LOCAL_EMBEDDINGS") == "0":
        return False
    others = _is_openai_itself(settings) or settings.get("GEMINI_API_KEY")
    return not others or settings.get("CHATTER_LOCAL_MODEL") == "1"


def _is_openai_itself(settings: Settings) -> bool:
    return bool(settings.get("OPENAI_API_KEY") and not settings.get("OPENAI_BASE_URL"))


def choose(env: Mapping[str, str], named: list[str], ports: Ports) -> list[Provider]:
    """The providers in order; the first model of each kind is the default."""
    settings = Settings(env)
    chosen = [_named(text, settings) for text in named]
    if settings.get("OPENAI_BASE_URL") or settings.get("OPENAI_API_KEY"):
        chosen.append(_openai(settings))
    for name in ("anthropic", "gemini"):
        if settings.get(f"{name.upper()}_API_KEY"):
            chosen.append(_with_key(name, settings))
    if wants_local_model(env, named):
        chosen.append(_local(LOCAL, ports.model))
    _add_moderation(chosen, named, settings)
    # Last, because the first one answers.
    if wants_local_embeddings(env):
        chosen.append(_local(LOCAL_EMBEDDINGS, ports.embeddings))
    _refuse_repetition(chosen)
    return chosen


def _add_moderation(
    chosen: list[Provider], named: list[str], settings: Settings
) -> None:
    """Gives the models that judge to who has them."""
    models = settings.moderation_models()
    if not models:
        return
    if not named and not any(provider.name == "openai" for provider in chosen):
        raise Failure(
            "CHATTER_MODERATION_MODELS needs a --provider or an OpenAI server that has them"
        )
    # Those that are named come first, then OpenAI's.
    chosen[0].moderation_models[:] = models


def _local(name: str, port: int) -> Provider:
    """Its server listens for this machine alone, yet web pages can reach that too: hence a key."""
    known = _KNOWN[name]
    return Provider(
        name,
        known["wire"],
        f"{url(port)}/v1",
        known["models"],
        secrets.token_urlsafe(32),
        known.get("embedding_models", []),
    )


def _refuse_repetition(chosen: list[Provider]) -> None:
    """A request names a model by its id alone."""
    names = [provider.name for provider in chosen]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise Failure(
            f"two providers are called {name!r}; give the one from --provider another name"
        )
    listed_by: dict[str, str] = {}
    for provider in chosen:
        for model in (
            provider.models + provider.embedding_models + provider.moderation_models
        ):
            other = listed_by.setdefault(model["id"], provider.name)
            if other != provider.name:
                raise Failure(
                    f"{other} and {provider.name} both have the model {model['id']}; leave one of them out"
                )


def check_names(named: list[str]) -> list[str]:
    """What is wrong with the values of --provider, before anything is fetched or built for them."""
    faults = [
        f"--provider wants NAME=URL, not {text!r}" for text in named if not _parts(text)
    ]
    faults += [
        f"--provider cannot be called {name!r}: that is the model on this machine"
        for name in (LOCAL, LOCAL_EMBEDDINGS)
        if any(text.startswith(f"{name}=") for text in named)
    ]
    return faults


def _parts(text: str) -> tuple[str, str] | None:
    name, _, address = text.partition("=")
    parts = urlsplit(address)
    if (
        re.fullmatch(r"[a-z][a-z0-9-]*", name)
        and parts.scheme in ("http", "https")
        and parts.hostname
    ):
        return name, address.rstrip("/")
    return None


def _named(text: str, settings: Settings) -> Provider:
    parts = _parts(text)
    if not parts:
        raise Failure(check_names([text])[0])
    name, base_url = parts
    key = settings.get(f"{name.upper().replace('-', '_')}_API_KEY")
    return Provider(
        name, "openai", base_url, _ask_for_models(name, base_url, key, settings), key
    )


def _openai(settings: Settings) -> Provider:
    known = _KNOWN["openai"]
    base_url = (settings.get("OPENAI_BASE_URL") or known["base_url"]).rstrip("/")
    key = settings.get("OPENAI_API_KEY")
    if settings.models():
        models = [_model(name, settings) for name in settings.models()]
    elif settings.get("OPENAI_BASE_URL"):
        models = _ask_for_models("OPENAI_BASE_URL", base_url, key, settings)
    else:
        models = known["models"]
    # Another server may have none, or others.
    other = known if _is_openai_itself(settings) else {}
    return Provider(
        "openai",
        known["wire"],
        base_url,
        models,
        key,
        other.get("embedding_models", []),
        list(other.get("moderation_models", [])),
    )


def _with_key(name: str, settings: Settings) -> Provider:
    known = _KNOWN[name]
    prefix = name.upper()
    base_url = (settings.get(f"{prefix}_BASE_URL") or known["base_url"]).rstrip("/")
    return Provider(
        name,
        known["wire"],
        base_url,
        known["models"],
        settings.get(f"{prefix}_API_KEY"),
        known.get("embedding_models", []),
    )


def _ask_for_models(
    name: str, base_url: str, key: str | None, settings: Settings
) -> list[Model]:
    address = f"{base_url}/models"
    try:
        reply = call(address, headers={"Authorization": f"Bearer {key}"} if key else {})
    except Unanswered as error:
        raise Failure(
            f"the models of {name} cannot be listed: {address} does not answer ({error})"
        ) from error
    if reply.status != 200:
        raise Failure(
            f"the models of {name} cannot be listed: {address} answers {reply.status}"
        )
    try:
        # A dictionary, because some servers list a model twice.
        ids = list(dict.fromkeys(entry["id"] for entry in reply.json()["data"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(
            f"{address} does not answer like OpenAI's; set CHATTER_MODELS to name the models"
        ) from error
    if not ids:
        raise Failure(f"{address} lists no model; load one there first")
    return [_model(model, settings) for model in ids]


def _model(name: str, settings: Settings) -> Model:
    known: list[Model] = _KNOWN["openai"]["models"]
    for model in known:
        if model["id"] == name:
            return model
    context_window = settings.tokens("CHATTER_CONTEXT_WINDOW", 8192)
    output = settings.tokens("CHATTER_MAX_OUTPUT_TOKENS", 1024)
    if output >= context_window:
        raise Failure(
            f"CHATTER_MAX_OUTPUT_TOKENS ({output}) must be less than CHATTER_CONTEXT_WINDOW ({context_window})"
        )
    return {
        "id": name,
        "context_window": context_window,
        "max_output_tokens": output,
        "capabilities": settings.capabilities(),
    }
