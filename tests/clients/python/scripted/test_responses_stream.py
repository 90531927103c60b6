"""Responses as streams of events."""

import json
import time

from stack import WEATHER_TOOL, call, rising, say


def events_of(client, **asked):
    with client.responses.create(stream=True, **asked) as stream:
        return list(stream)


def test_events_come_in_their_order_and_end_with_the_response(client, scripted):
    pieces = ["Hel", "lo ", "wor", "ld: schön 🙂"]
    events = events_of(client, model=scripted, input=say(*pieces))
    rising(events)
    assert events[0].sequence_number == 0
    types = [event.type for event in events]
    deltas = [e for e in events if e.type == "response.output_text.delta"]
    assert [t for t in types if t != "response.output_text.delta"] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    # All deltas stand together, after what they belong to was announced.
    first = types.index("response.output_text.delta")
    assert types[first : first + len(deltas)] == [deltas[0].type] * len(deltas)
    assert types[first - 1] == "response.content_part.added"
    text = "".join(pieces)
    assert len(deltas) >= 2
    assert "".join(event.delta for event in deltas) == text
    done = next(e for e in events if e.type == "response.output_text.done")
    assert done.text == text
    created, last = events[0].response, events[-1].response
    assert (created.status, created.output, created.id) == ("in_progress", [], last.id)
    assert (last.status, last.output_text) == ("completed", text)
    assert last.usage.total_tokens == 15
    item = next(e for e in events if e.type == "response.output_item.done").item
    assert item == last.output[0]
    assert {event.item_id for event in deltas} == {item.id}
    assert {(event.output_index, event.content_index) for event in deltas} == {(0, 0)}
    assert client.responses.retrieve(last.id).to_dict() == last.to_dict()


def test_text_comes_while_the_model_still_writes(client, scripted):
    came = []
    with client.responses.create(
        model=scripted, input=say("a", "b", "c", "d", delay_ms=250), stream=True
    ) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                came.append(time.monotonic())
    assert came[-1] - came[0] > 0.5


def test_the_helper_for_streams_puts_the_answer_together(client, scripted):
    with client.responses.stream(
        model=scripted, input=say("Hello", " world")
    ) as stream:
        deltas = [e.delta for e in stream if e.type == "response.output_text.delta"]
        made = stream.get_final_response()
    assert "".join(deltas) == made.output_text == "Hello world"


def test_calls_come_in_events(client, scripted):
    events = events_of(
        client,
        model=scripted,
        input=call("weather", {"city": "Oslo"}),
        tools=[WEATHER_TOOL],
    )
    rising(events)
    added = next(e for e in events if e.type == "response.output_item.added")
    assert (added.item.type, added.item.name) == ("function_call", "weather")
    pieces = [
        e.delta for e in events if e.type == "response.function_call_arguments.delta"
    ]
    done = next(e for e in events if e.type == "response.function_call_arguments.done")
    assert "".join(pieces) == done.arguments
    assert json.loads(done.arguments) == {"city": "Oslo"}
    assert events[-1].type == "response.completed"
    [item] = events[-1].response.output
    assert (item.id, item.arguments) == (done.item_id, done.arguments)
    ended = next(e for e in events if e.type == "response.output_item.done")
    assert ended.item == item


def test_a_stream_that_fails_ends_with_the_failure(client, scripted):
    script = say("Once", " upon", cut_after=1)
    events = events_of(client, model=scripted, input=script)
    rising(events)
    assert events[-1].type == "response.failed"
    failed = events[-1].response
    assert failed.status == "failed"
    assert failed.error.code and failed.error.message


def test_a_stream_that_was_cut_ends_as_incomplete(client, scripted):
    events = events_of(client, model=scripted, input=say("Once", finish="length"))
    assert events[-1].type == "response.incomplete"
    reason = events[-1].response.incomplete_details.reason
    assert reason == "max_output_tokens"
