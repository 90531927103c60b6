"""Vectors of texts."""

import base64
import math
import struct

import openai
import pytest

from stack import make_client

TEXTS = ["How do I reset my password?", "I forgot my login.", "It rains in Paris."]


@pytest.fixture(scope="module")
def client():
    """Does not compare replies with their types: the SDK would do that before it reads the base64 that it asks for."""
    with make_client(_strict_response_validation=False) as client:
        yield client


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def test_texts_of_like_meaning_are_near_and_stand_in_their_order(
    client, embedding_model
):
    made = client.embeddings.create(model=embedding_model, input=TEXTS)
    assert made.object == "list"
    assert made.model == embedding_model
    assert [entry.index for entry in made.data] == [0, 1, 2]
    assert {entry.object for entry in made.data} == {"embedding"}
    assert made.usage.prompt_tokens > 0
    assert made.usage.total_tokens >= made.usage.prompt_tokens
    password, login, rain = [entry.embedding for entry in made.data]
    assert cosine(password, login) > cosine(password, rain)
    # In a batch or alone, a text has the same vector.
    alone = client.embeddings.create(model=embedding_model, input=TEXTS[2])
    assert len(alone.data) == 1
    assert alone.data[0].embedding == pytest.approx(rain, abs=1e-3)


def test_floats_and_base64_are_the_same_numbers(client, embedding_model):
    def of(encoding: str):
        made = client.embeddings.create(
            model=embedding_model, input=TEXTS[0], encoding_format=encoding
        )
        return made.data[0].embedding

    floats = of("float")
    assert all(isinstance(number, float) for number in floats)
    # Without an encoding the SDK asks for base64, and reads it itself.
    default = client.embeddings.create(model=embedding_model, input=TEXTS[0])
    assert default.data[0].embedding == pytest.approx(floats, abs=1e-6)
    encoded = of("base64")
    assert isinstance(encoded, str)
    numbers = struct.unpack(f"<{len(floats)}f", base64.b64decode(encoded))
    assert list(numbers) == pytest.approx(floats, abs=1e-6)


def test_what_is_no_text_is_refused(client, embedding_model):
    for nothing in ("", [], ["fine", ""]):
        with pytest.raises(openai.BadRequestError) as refused:
            client.embeddings.create(model=embedding_model, input=nothing)
        assert refused.value.param.startswith("input")


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as refused:
        client.embeddings.create(model="embed-of-another-world", input="x")
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
