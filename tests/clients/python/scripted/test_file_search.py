"""Answers from files, with citations."""

import pytest

from stack import recite, rising, say

FACT = "The lighthouse of Lindesnes was lit in 1656 and is the oldest in Norway."


@pytest.fixture
def filled(client, store):
    """A vector store with one file, and that file."""
    file = client.files.create(
        file=("lighthouse.txt", FACT.encode()), purpose="assistants"
    )
    taken = client.vector_stores.files.create_and_poll(
        file.id, vector_store_id=store.id
    )
    assert taken.status == "completed"
    return store.id, file.id


def test_an_answer_cites_the_file_that_it_is_from(client, scripted, filled):
    store, file = filled
    made = client.responses.create(
        model=scripted,
        input=say(FACT),
        tools=[{"type": "file_search", "vector_store_ids": [store]}],
    )
    assert made.status == "completed"
    assert [item.type for item in made.output] == ["file_search_call", "message"]
    search, message = made.output
    assert search.status == "completed"
    assert search.id and search.queries == [say(FACT)]
    assert made.output_text == FACT
    [citation] = message.content[0].annotations
    assert (citation.type, citation.file_id) == ("file_citation", file)
    assert citation.filename == "lighthouse.txt"
    assert 0 <= citation.index <= len(FACT)
    kept = client.responses.retrieve(made.id)
    assert kept.output[1].content[0].annotations == [citation]


def test_a_search_and_its_citations_come_in_events(client, scripted, filled):
    store, file = filled
    with client.responses.create(
        model=scripted,
        input=say(*[word + " " for word in FACT.split()]),
        tools=[{"type": "file_search", "vector_store_ids": [store]}],
        stream=True,
    ) as stream:
        events = list(stream)
    types = [event.type for event in events]
    searching = [t for t in types if t.startswith("response.file_search_call.")]
    assert searching == [
        "response.file_search_call.in_progress",
        "response.file_search_call.searching",
        "response.file_search_call.completed",
    ]
    assert types.index(searching[-1]) < types.index("response.output_text.delta")
    cited = [e for e in events if e.type == "response.output_text.annotation.added"]
    assert [event.annotation.file_id for event in cited] == [file]
    rising(events)
    assert types[-1] == "response.completed"
    [citation] = events[-1].response.output[-1].content[0].annotations
    assert citation.file_id == file


def test_the_model_is_sent_what_was_found(client, scripted, filled):
    store, _ = filled
    made = client.responses.create(
        model=scripted,
        input=recite(),
        tools=[{"type": "file_search", "vector_store_ids": [store]}],
    )
    assert FACT in made.output_text
