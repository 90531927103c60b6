"""Chat completions, whole and streamed."""

import asyncio
import json
import time

import openai
import pytest

from stack import recite, say, setting, user


def test_an_answer_comes_whole(client, scripted):
    answer = client.chat.completions.create(
        model=scripted, messages=[user(say("Hello", " world"))]
    )
    assert answer.object == "chat.completion"
    assert answer.id.startswith("chatcmpl-")
    assert answer.model == scripted
    assert abs(time.time() - answer.created) < 300
    [choice] = answer.choices
    assert (choice.index, choice.finish_reason) == (0, "stop")
    assert choice.message.role == "assistant"
    assert choice.message.content == "Hello world"
    assert choice.message.refusal is None
    assert not choice.message.tool_calls
    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (
        11,
        2,
        13,
    )
    assert answer._request_id.startswith("req_")


def chunks_of(client, **asked):
    with client.chat.completions.create(stream=True, **asked) as stream:
        return list(stream)


def test_an_answer_comes_in_chunks_and_ends_with_what_was_used(client, scripted):
    pieces = ["Hel", "lo ", "wor", "ld: schön 🙂"]
    chunks = chunks_of(
        client,
        model=scripted,
        messages=[user(say(*pieces))],
        stream_options={"include_usage": True},
    )
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert {chunk.model for chunk in chunks} == {scripted}
    *said, used = chunks
    assert used.choices == []
    assert (used.usage.prompt_tokens, used.usage.total_tokens) == (11, 15)
    assert all(chunk.usage is None for chunk in said)
    assert said[0].choices[0].delta.role == "assistant"
    texts = [chunk.choices[0].delta.content for chunk in said]
    assert "".join(text for text in texts if text) == "".join(pieces)
    reasons = [chunk.choices[0].finish_reason for chunk in said]
    assert reasons == [None] * (len(said) - 1) + ["stop"]


def test_what_was_used_is_told_only_if_asked_for(client, scripted):
    chunks = chunks_of(client, model=scripted, messages=[user(say("a"))])
    assert all(chunk.usage is None for chunk in chunks)
    assert all(chunk.choices for chunk in chunks)


def test_text_comes_while_the_model_still_writes(client, scripted):
    script = say("a", "b", "c", "d", delay_ms=250)
    came = []
    with client.chat.completions.create(
        model=scripted, messages=[user(script)], stream=True
    ) as stream:
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                came.append(time.monotonic())
    assert came[-1] - came[0] > 0.5


def test_the_helper_for_streams_puts_the_answer_together(client, scripted):
    with client.chat.completions.stream(
        model=scripted, messages=[user(say("Hello", " world"))]
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        answer = stream.get_final_completion()
    assert "".join(deltas) == "Hello world"
    assert answer.choices[0].message.content == "Hello world"


def sent(client, scripted, messages, **asked) -> dict:
    """What the provider was sent."""
    answer = client.chat.completions.create(model=scripted, messages=messages, **asked)
    return json.loads(answer.choices[0].message.content)


def texts_of(content) -> str:
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content)


def test_the_model_is_sent_the_instructions_and_all_turns(client, scripted):
    for role in ("system", "developer"):
        got = sent(
            client,
            scripted,
            [
                {"role": role, "content": "Answer in Norwegian."},
                user("What is the capital?"),
                {"role": "assistant", "content": "Of which country?"},
                user([{"type": "text", "text": recite()}]),
            ],
        )["messages"]
        assert got[0]["role"] in ("system", "developer")
        assert "Answer in Norwegian." in texts_of(got[0]["content"])
        turns = [(message["role"], texts_of(message["content"])) for message in got[1:]]
        assert turns == [
            ("user", "What is the capital?"),
            ("assistant", "Of which country?"),
            ("user", recite()),
        ]


def test_parameters_reach_the_model(client, scripted):
    asked = {"stop": ["END", "\n\n"], "temperature": 0.25, "top_p": 0.5}
    got = sent(client, scripted, [user(recite())], max_completion_tokens=77, **asked)
    assert {name: got[name] for name in asked} == asked
    assert 77 in (got.get("max_completion_tokens"), got.get("max_tokens"))
    # The older name, and one text instead of a list.
    got = sent(client, scripted, [user(recite())], max_tokens=78, stop="END")
    assert 78 in (got.get("max_completion_tokens"), got.get("max_tokens"))
    assert got["stop"] in ("END", ["END"])


def test_an_answer_that_was_cut_says_so(client, scripted):
    answer = client.chat.completions.create(
        model=scripted, messages=[user(say("Once upon", finish="length"))]
    )
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == "Once upon"


def test_no_question_is_refused(client, scripted):
    for messages in ([], [{"role": "system", "content": "Be kind."}]):
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model=scripted, messages=messages)
        assert refused.value.param.startswith("messages")


def test_several_are_answered_side_by_side(scripted):
    async def answers() -> list[str]:
        given = {"base_url": setting("URL"), "api_key": setting("KEY")}
        async with openai.AsyncOpenAI(**given) as client:
            asked = [
                client.chat.completions.create(
                    model=scripted, messages=[user(say(f"answer {n}", delay_ms=200))]
                )
                for n in range(8)
            ]
            done = await asyncio.gather(*asked)
            return [answer.choices[0].message.content for answer in done]

    assert asyncio.run(answers()) == [f"answer {n}" for n in range(8)]


def test_a_stream_can_be_read_asynchronously(scripted):
    async def text() -> str:
        given = {"base_url": setting("URL"), "api_key": setting("KEY")}
        async with openai.AsyncOpenAI(**given) as client:
            stream = await client.chat.completions.create(
                model=scripted, messages=[user(say("Hello", " world"))], stream=True
            )
            deltas = [
                chunk.choices[0].delta.content or ""
                async for chunk in stream
                if chunk.choices
            ]
            return "".join(deltas)

    assert asyncio.run(text()) == "Hello world"
