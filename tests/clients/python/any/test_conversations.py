"""Conversations and their items, without a model."""

import time

import openai
import pytest

ITEMS = [
    {"type": "message", "role": "user", "content": "What is the capital of Norway?"},
    {"type": "message", "role": "assistant", "content": "Oslo."},
]


@pytest.fixture
def conversation(client):
    conversation = client.conversations.create(metadata={"topic": "cities"})
    yield conversation
    try:
        client.conversations.delete(conversation.id)
    except openai.NotFoundError:
        pass  # The test has deleted it.


def texts(items) -> list[str]:
    return [item.content[0].text for item in items]


def test_a_conversation_is_created_changed_and_deleted(client, conversation):
    assert conversation.object == "conversation"
    assert conversation.id.startswith("conv_")
    assert conversation.metadata == {"topic": "cities"}
    assert abs(time.time() - conversation.created_at) < 300
    assert client.conversations.retrieve(conversation.id) == conversation
    changed = client.conversations.update(conversation.id, metadata={"topic": "rivers"})
    assert changed.metadata == {"topic": "rivers"}
    assert changed.created_at == conversation.created_at
    gone = client.conversations.delete(conversation.id)
    assert (gone.id, gone.object, gone.deleted) == (
        conversation.id,
        "conversation.deleted",
        True,
    )
    for look in (client.conversations.retrieve, client.conversations.items.list):
        with pytest.raises(openai.NotFoundError):
            look(conversation.id)


def test_items_are_put_in_listed_read_and_taken_out(client, conversation):
    items = client.conversations.items
    made = items.create(conversation.id, items=ITEMS)
    assert made.object == "list"
    assert [item.role for item in made.data] == ["user", "assistant"]
    assert [item.content[0].type for item in made.data] == ["input_text", "output_text"]
    assert {item.type for item in made.data} == {"message"}
    assert {item.status for item in made.data} == {"completed"}
    ids = [item.id for item in made.data]
    assert [made.first_id, made.last_id] == ids
    asked, answered = ITEMS[0]["content"], ITEMS[1]["content"]
    assert texts(items.list(conversation.id, order="asc")) == [asked, answered]
    assert texts(items.list(conversation.id)) == [answered, asked]
    page = items.list(conversation.id, order="asc", limit=1)
    assert [item.id for item in page.data] == ids[:1] and page.has_more
    rest = items.list(conversation.id, order="asc", after=ids[0])
    assert [item.id for item in rest.data] == ids[1:] and not rest.has_more
    # The SDK fetches page after page by itself.
    assert texts(items.list(conversation.id, order="asc", limit=1)) == [asked, answered]
    one = items.retrieve(ids[0], conversation_id=conversation.id)
    assert (one.id, one.content[0].text) == (ids[0], asked)
    left = items.delete(ids[0], conversation_id=conversation.id)
    assert (left.id, left.object) == (conversation.id, "conversation")
    assert texts(items.list(conversation.id)) == [answered]
    with pytest.raises(openai.NotFoundError):
        items.retrieve(ids[0], conversation_id=conversation.id)


def test_a_conversation_can_begin_with_items(client):
    made = client.conversations.create(items=ITEMS)
    try:
        listed = client.conversations.items.list(made.id, order="asc")
        assert texts(listed) == [item["content"] for item in ITEMS]
    finally:
        client.conversations.delete(made.id)


def test_too_much_metadata_is_refused(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.conversations.create(metadata={f"name-{n}": "x" for n in range(17)})
    assert refused.value.param == "metadata"
