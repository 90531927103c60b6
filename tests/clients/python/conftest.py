"""What the tests are handed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI
from openai.types import VectorStore

from stack import make_client, setting


@pytest.fixture(scope="session")
def client() -> Iterator[OpenAI]:
    with make_client() as client:
        yield client


@pytest.fixture(scope="session")
def impatient() -> Iterator[OpenAI]:
    """Gives up at the first failure, so that a test sees it as the server told it."""
    with make_client(max_retries=0) as client:
        yield client


@pytest.fixture(scope="session")
def model() -> str:
    """A model that answers whatever it is asked."""
    return setting("MODEL")


@pytest.fixture(scope="session")
def embedding_model() -> str:
    return setting("EMBEDDING_MODEL")


@pytest.fixture(scope="session")
def scripted() -> str:
    """The model of the scripted provider, which does what the last message says."""
    return setting("SCRIPTED_MODEL")


@pytest.fixture
def store(client: OpenAI) -> Iterator[VectorStore]:
    """A vector store of the test's own."""
    store = client.vector_stores.create(name="clients")
    yield store
    client.vector_stores.delete(store.id)
