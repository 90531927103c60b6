"""Models, as the SDK lists them."""

import time

import openai
import pytest


def test_every_model_of_the_list_can_be_retrieved(client, model, embedding_model):
    models = list(client.models.list())
    ids = [entry.id for entry in models]
    assert {model, embedding_model} <= set(ids)
    assert len(ids) == len(set(ids))
    for entry in models:
        assert entry.object == "model"
        assert isinstance(entry.owned_by, str) and entry.owned_by
        assert isinstance(entry.created, int) and 0 <= entry.created <= time.time() + 60
    assert client.models.retrieve(model) == next(
        entry for entry in models if entry.id == model
    )


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("gpt-of-another-world")
    assert refused.value.code == "model_not_found"
    assert refused.value.param == "model"
    assert refused.value.type == "invalid_request_error"


def test_an_asynchronous_client_gets_the_same_list(client):
    import asyncio

    from stack import setting

    async def ids() -> list[str]:
        given = {"base_url": setting("URL"), "api_key": setting("KEY")}
        async with openai.AsyncOpenAI(**given) as waiting:
            return [entry.id async for entry in waiting.models.list()]

    assert asyncio.run(ids()) == [entry.id for entry in client.models.list()]
