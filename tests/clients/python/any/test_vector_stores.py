"""Vector stores: what is put in is found by its meaning."""

import time

import openai
import pytest

LOGIN = b"I forgot my login credentials and need to change them."
RAIN = b"The weather in Paris is rainy today."
RESET = "How do I reset my password?"


def upload(client, name: str, text: bytes):
    return client.files.create(file=(name, text), purpose="assistants")


def test_a_store_is_created_changed_listed_and_deleted(client):
    made = client.vector_stores.create(name="Help", metadata={"team": "support"})
    try:
        assert made.object == "vector_store"
        assert made.id.startswith("vs_")
        assert (made.name, made.metadata) == ("Help", {"team": "support"})
        assert made.file_counts.total == 0
        assert made.status in ("in_progress", "completed")
        assert abs(time.time() - made.created_at) < 300
        changed = client.vector_stores.update(made.id, name="Aid", metadata={"x": "y"})
        assert (changed.id, changed.name, changed.metadata) == (
            made.id,
            "Aid",
            {"x": "y"},
        )
        assert client.vector_stores.retrieve(made.id).name == "Aid"
        newest = client.vector_stores.list(limit=1, order="desc").data
        assert [store.id for store in newest] == [made.id]
    finally:
        gone = client.vector_stores.delete(made.id)
    assert (gone.id, gone.object, gone.deleted) == (
        made.id,
        "vector_store.deleted",
        True,
    )
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve(made.id)


def test_files_are_taken_in_and_found(client, store):
    login = upload(client, "login.txt", LOGIN)
    taken = client.vector_stores.files.create_and_poll(
        login.id,
        vector_store_id=store.id,
        attributes={"topic": "account", "year": 2026},
    )
    assert (taken.object, taken.status) == ("vector_store.file", "completed")
    assert taken.last_error is None
    assert (taken.id, taken.vector_store_id) == (login.id, store.id)
    assert taken.attributes == {"topic": "account", "year": 2026}
    rain = client.vector_stores.files.upload_and_poll(
        vector_store_id=store.id, file=("rain.txt", RAIN)
    )
    assert rain.status == "completed"
    counts = client.vector_stores.retrieve(store.id).file_counts
    assert (counts.completed, counts.in_progress, counts.total) == (2, 0, 2)

    found = list(client.vector_stores.search(store.id, query=RESET))
    assert [result.filename for result in found] == ["login.txt", "rain.txt"]
    assert found[0].file_id == login.id
    assert found[0].content[0].type == "text"
    assert found[0].content[0].text == LOGIN.decode()
    assert found[0].attributes == {"topic": "account", "year": 2026}
    assert found[0].score > found[1].score >= 0
    alone = client.vector_stores.search(store.id, query=RESET, max_num_results=1)
    assert [result.filename for result in alone] == ["login.txt"]


def test_a_search_keeps_to_its_filter(client, store):
    for name, text, topic in (
        ("login.txt", LOGIN, "account"),
        ("rain.txt", RAIN, "weather"),
    ):
        client.vector_stores.files.create_and_poll(
            upload(client, name, text).id,
            vector_store_id=store.id,
            attributes={"topic": topic},
        )
    only = {"type": "eq", "key": "topic", "value": "weather"}
    found = client.vector_stores.search(store.id, query=RESET, filters=only)
    assert [result.filename for result in found] == ["rain.txt"]
    neither = {
        "type": "and",
        "filters": [only, {"type": "eq", "key": "topic", "value": "account"}],
    }
    assert not list(client.vector_stores.search(store.id, query=RESET, filters=neither))


def test_files_of_a_store_are_listed_changed_and_taken_out(client, store):
    ids = []
    for name, text in (("login.txt", LOGIN), ("rain.txt", RAIN)):
        file = upload(client, name, text)
        client.vector_stores.files.create_and_poll(file.id, vector_store_id=store.id)
        ids.append(file.id)
    files = client.vector_stores.files
    assert [file.id for file in files.list(store.id, order="asc")] == ids
    page = files.list(store.id, order="desc", limit=1)
    assert [file.id for file in page.data] == [ids[1]] and page.has_next_page()
    done = files.list(store.id, filter="completed")
    assert {file.id for file in done} == set(ids)
    assert not list(files.list(store.id, filter="failed"))
    changed = files.update(ids[0], vector_store_id=store.id, attributes={"kept": True})
    assert changed.attributes == {"kept": True}
    text = "".join(
        part.text for part in files.content(ids[0], vector_store_id=store.id)
    )
    assert text == LOGIN.decode()
    gone = files.delete(ids[0], vector_store_id=store.id)
    assert (gone.id, gone.deleted) == (ids[0], True)
    with pytest.raises(openai.NotFoundError):
        files.retrieve(ids[0], vector_store_id=store.id)
    assert [file.id for file in files.list(store.id)] == [ids[1]]
    found = client.vector_stores.search(store.id, query=RESET)
    assert [result.filename for result in found] == ["rain.txt"]
    # Taken out of the store, it is still a file.
    assert client.files.retrieve(ids[0]).id == ids[0]


def test_a_store_can_begin_with_files(client):
    file = upload(client, "rain.txt", RAIN)
    store = client.vector_stores.create(name="Weather", file_ids=[file.id])
    try:
        end = time.monotonic() + 60
        while client.vector_stores.retrieve(store.id).file_counts.completed != 1:
            assert time.monotonic() < end, client.vector_stores.retrieve(store.id)
            time.sleep(0.3)
        [only] = client.vector_stores.files.list(store.id)
        assert only.id == file.id
    finally:
        client.vector_stores.delete(store.id)


def test_what_is_not_there_is_not_found(client, store):
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.search("vs_01arz3ndektsv4rrffq69g5fav", query="x")
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.files.create(
            store.id, file_id="file_0199f0a0b1c27d3e8f405162738495a6"
        )
