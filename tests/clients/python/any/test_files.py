"""Files: uploaded, listed, read and deleted."""

import time

import openai
import pytest

TEXT = "The lighthouse of Lindesnes was lit in 1656. Schön war's.\n".encode()


@pytest.fixture
def file(client):
    file = client.files.create(file=("lighthouse.txt", TEXT), purpose="user_data")
    yield file
    try:
        client.files.delete(file.id)
    except openai.NotFoundError:
        pass  # The test has deleted it.


def test_a_file_comes_back_as_it_was_sent(client, file):
    assert file.object == "file"
    assert file.id.startswith("file")
    assert (file.filename, file.bytes) == ("lighthouse.txt", len(TEXT))
    assert file.purpose == "user_data"
    assert file.status in ("uploaded", "processed")
    assert abs(time.time() - file.created_at) < 300
    found = client.files.retrieve(file.id)
    assert (found.id, found.bytes, found.filename) == (
        file.id,
        file.bytes,
        file.filename,
    )
    assert client.files.content(file.id).read() == TEXT


def test_a_deleted_file_is_gone(client, file):
    gone = client.files.delete(file.id)
    assert (gone.id, gone.object, gone.deleted) == (file.id, "file", True)
    for look in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError):
            look(file.id)
    assert file.id not in [entry.id for entry in client.files.list()]


def test_lists_are_read_page_by_page(client):
    made = []
    try:
        for number in range(3):
            # The contents differ, so that these are three files for whoever knows contents by their hash.
            content = f"Page {number} of {time.time_ns()}".encode()
            file = (f"page-{number}.txt", content)
            made.append(client.files.create(file=file, purpose="user_data").id)
        page = client.files.list(limit=2, order="desc")
        assert [entry.id for entry in page.data] == [made[2], made[1]]
        assert page.has_next_page()
        after = client.files.list(limit=1, order="desc", after=made[1])
        assert [entry.id for entry in after.data] == [made[0]]
        # The SDK fetches page after page by itself.
        newest = []
        for entry in client.files.list(limit=1, order="desc"):
            newest.append(entry.id)
            if len(newest) == 3:
                break
        assert newest == made[::-1]
        oldest_first = [entry.id for entry in client.files.list(order="asc")]
        assert [id for id in oldest_first if id in made] == made
    finally:
        for id in made:
            client.files.delete(id)


def test_a_file_without_a_known_purpose_is_refused(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=("x.txt", b"x"), purpose="amusement")
    assert refused.value.param == "purpose"
