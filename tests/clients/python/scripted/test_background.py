"""Responses in the background: polled, read along, resumed and cancelled."""

import time

import openai
import pytest

from stack import rising, say


def ended(client, id: str):
    end = time.monotonic() + 60
    while (found := client.responses.retrieve(id)).status in ("queued", "in_progress"):
        assert time.monotonic() < end, found
        time.sleep(0.2)
    return found


def test_a_response_in_the_background_is_polled(client, scripted):
    made = client.responses.create(
        model=scripted, input=say("In", " the", " background"), background=True
    )
    assert made.status in ("queued", "in_progress")
    assert made.background is True
    assert made.output == []
    found = ended(client, made.id)
    assert (found.status, found.output_text) == ("completed", "In the background")
    assert found.background is True
    assert found.usage.output_tokens == 3


def test_a_stream_that_broke_is_read_on_where_it_broke(client, scripted):
    words = [f"word-{n} " for n in range(12)]
    stream = client.responses.create(
        model=scripted,
        input=say(*words, delay_ms=100),
        background=True,
        stream=True,
    )
    before = []
    for event in stream:
        before.append(event)
        if event.type == "response.output_text.delta":
            break
    stream.close()
    id = before[0].response.id
    last = before[-1].sequence_number
    with client.responses.retrieve(id, stream=True, starting_after=last) as rest:
        after = list(rest)
    assert after[0].sequence_number == last + 1
    assert after[-1].type == "response.completed"
    text = "".join(words)
    assert after[-1].response.output_text == text
    both = before + after
    deltas = [e.delta for e in both if e.type == "response.output_text.delta"]
    assert "".join(deltas) == text
    rising(both)
    # Read from its beginning it is the same events.
    with client.responses.retrieve(id, stream=True) as whole:
        again = list(whole)
    assert [event.to_dict() for event in again] == [event.to_dict() for event in both]


def test_a_response_is_cancelled(client, scripted):
    script = say(*["word "] * 200, delay_ms=200)
    made = client.responses.create(model=scripted, input=script, background=True)
    end = time.monotonic() + 60
    while client.responses.retrieve(made.id).status == "queued":
        assert time.monotonic() < end
        time.sleep(0.2)
    cancelled = client.responses.cancel(made.id)
    assert cancelled.id == made.id
    found = ended(client, made.id)
    assert found.status == "cancelled"
    # Once more it is as it is.
    assert client.responses.cancel(made.id).status == "cancelled"


def test_only_what_runs_in_the_background_is_cancelled(client, scripted):
    made = client.responses.create(model=scripted, input=say("x"))
    with pytest.raises(openai.APIStatusError) as refused:
        client.responses.cancel(made.id)
    assert refused.value.status_code in (400, 409)


def test_what_fails_in_the_background_says_why(client, scripted):
    made = client.responses.create(
        model=scripted, input=say("x", status=400), background=True
    )
    found = ended(client, made.id)
    assert found.status == "failed"
    assert found.error.code and found.error.message


def test_the_background_needs_what_is_stored(client, scripted):
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(
            model=scripted, input=say("x"), background=True, store=False
        )
    assert refused.value.param in ("background", "store")
