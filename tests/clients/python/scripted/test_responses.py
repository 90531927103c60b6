"""Responses, whole: what is answered, stored, read and deleted."""

import json
import time

import openai
import pytest
from pydantic import BaseModel

from stack import WEATHER_TOOL, call, recite, say, user


class City(BaseModel):
    name: str
    inhabitants: int


def test_a_response_comes_whole_and_is_kept(client, scripted):
    made = client.responses.create(
        model=scripted,
        input=say("Hello", " world"),
        metadata={"ticket": "17"},
        instructions="Be kind.",
        temperature=0.5,
    )
    assert made.object == "response"
    assert made.id.startswith("resp_")
    assert made.status == "completed"
    assert made.model == scripted
    assert made.output_text == "Hello world"
    assert abs(time.time() - made.created_at) < 300
    assert made.error is None and made.incomplete_details is None
    assert made.metadata == {"ticket": "17"}
    assert made.instructions == "Be kind."
    assert made.temperature == 0.5
    [message] = made.output
    assert message.id.startswith("msg_")
    assert (message.type, message.role, message.status) == (
        "message",
        "assistant",
        "completed",
    )
    [part] = message.content
    assert (part.type, part.text, part.annotations) == (
        "output_text",
        "Hello world",
        [],
    )
    usage = made.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (11, 2, 13)
    kept = client.responses.retrieve(made.id)
    assert kept.to_dict() == made.to_dict()


def test_a_deleted_response_is_gone(client, scripted):
    made = client.responses.create(model=scripted, input=say("x"))
    client.responses.delete(made.id)
    for look in (
        client.responses.retrieve,
        client.responses.delete,
        client.responses.input_items.list,
    ):
        with pytest.raises(openai.NotFoundError):
            look(made.id)


def test_what_is_not_to_be_stored_is_not_found(client, scripted):
    made = client.responses.create(model=scripted, input=say("secret"), store=False)
    assert (made.status, made.output_text) == ("completed", "secret")
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.APIStatusError) as refused:
        client.responses.create(
            model=scripted, input=say("x"), previous_response_id=made.id
        )
    assert refused.value.status_code in (400, 404)


def sent(client, scripted, **asked) -> list[tuple[str, str]]:
    """The role and the text of the messages that the provider was sent."""
    made = client.responses.create(model=scripted, **asked)
    messages = json.loads(made.output_text)["messages"]

    def text(content) -> str:
        if isinstance(content, str):
            return content
        return "".join(part["text"] for part in content or [])

    return [(message["role"], text(message["content"])) for message in messages]


def test_the_model_is_sent_instructions_and_all_items(client, scripted):
    got = sent(
        client,
        scripted,
        instructions="Answer in Norwegian.",
        input=[
            user("What is the capital?"),
            {"role": "assistant", "content": "Of which country?"},
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": recite()}],
            },
        ],
    )
    assert got[0][0] in ("system", "developer")
    assert "Answer in Norwegian." in got[0][1]
    assert got[1:] == [
        ("user", "What is the capital?"),
        ("assistant", "Of which country?"),
        ("user", recite()),
    ]


def test_a_response_goes_on_from_the_one_before(client, scripted):
    first = client.responses.create(
        model=scripted, input=say("Of which country?"), instructions="Be brief."
    )
    got = sent(client, scripted, input=recite(), previous_response_id=first.id)
    # Instructions hold for one response.
    assert got == [
        ("user", say("Of which country?")),
        ("assistant", "Of which country?"),
        ("user", recite()),
    ]
    second = client.responses.create(
        model=scripted, input=say("Norway"), previous_response_id=first.id
    )
    assert second.previous_response_id == first.id
    # Two may go on from the same one, and neither knows of the other.
    branch = sent(client, scripted, input=recite(), previous_response_id=second.id)
    assert [text for role, text in branch if role == "assistant"] == [
        "Of which country?",
        "Norway",
    ]


def test_items_that_are_stored_can_be_named(client, scripted):
    """As the AI SDK sends what a model said before."""
    before = client.responses.create(model=scripted, input=say("Of which country?"))
    named = {"type": "item_reference", "id": before.output[0].id}
    got = sent(client, scripted, input=[user("The capital?"), named, user(recite())])
    assert got == [
        ("user", "The capital?"),
        ("assistant", "Of which country?"),
        ("user", recite()),
    ]
    nobody = {"type": "item_reference", "id": "msg_01arz3ndektsv4rrffq69g5fav"}
    with pytest.raises(openai.APIStatusError) as refused:
        client.responses.create(model=scripted, input=[nobody, user(say("x"))])
    assert refused.value.status_code in (400, 404)


def test_a_conversation_takes_what_was_asked_and_answered(client, scripted):
    conversation = client.conversations.create(
        items=[{"type": "message", "role": "user", "content": "My name is Ada."}]
    )
    made = client.responses.create(
        model=scripted, input=say("Hello Ada"), conversation=conversation.id
    )
    assert made.conversation.id == conversation.id
    items = list(client.conversations.items.list(conversation.id, order="asc"))
    assert [item.content[0].text for item in items] == [
        "My name is Ada.",
        say("Hello Ada"),
        "Hello Ada",
    ]
    assert items[-1].id == made.output[0].id
    got = sent(client, scripted, input=recite(), conversation={"id": conversation.id})
    assert [text for _, text in got] == [
        "My name is Ada.",
        say("Hello Ada"),
        "Hello Ada",
        recite(),
    ]
    client.conversations.delete(conversation.id)


def test_a_conversation_and_a_response_before_exclude_each_other(client, scripted):
    conversation = client.conversations.create()
    first = client.responses.create(model=scripted, input=say("x"))
    with pytest.raises(openai.BadRequestError):
        client.responses.create(
            model=scripted,
            input=say("x"),
            conversation=conversation.id,
            previous_response_id=first.id,
        )
    client.conversations.delete(conversation.id)


def test_what_was_asked_is_listed(client, scripted):
    made = client.responses.create(
        model=scripted,
        input=[user("One"), {"role": "assistant", "content": "Two"}, user(say("x"))],
    )
    items = client.responses.input_items
    listed = list(items.list(made.id, order="asc"))
    assert [(item.role, item.content[0].text) for item in listed] == [
        ("user", "One"),
        ("assistant", "Two"),
        ("user", say("x")),
    ]
    newest = items.list(made.id, limit=1)
    assert [item.id for item in newest.data] == [listed[-1].id]
    # The SDK fetches page after page by itself.
    pages = items.list(made.id, order="desc", limit=1)
    assert [item.id for item in pages] == [item.id for item in listed[::-1]]


def test_a_call_comes_back_and_its_result_is_answered(client, scripted):
    question = call("weather", {"city": "Oslo"})
    first = client.responses.create(
        model=scripted, input=question, tools=[WEATHER_TOOL]
    )
    assert first.status == "completed"
    [asked] = first.output
    assert (asked.type, asked.name, asked.status) == (
        "function_call",
        "weather",
        "completed",
    )
    assert asked.call_id and asked.id.startswith("fc_")
    assert json.loads(asked.arguments) == {"city": "Oslo"}
    assert [tool.name for tool in first.tools] == ["weather"]
    result = {
        "type": "function_call_output",
        "call_id": asked.call_id,
        "output": say("It is 21 °C."),
    }
    # By what was stored, and by what the client kept itself.
    stored = client.responses.create(
        model=scripted,
        input=[result],
        previous_response_id=first.id,
        tools=[WEATHER_TOOL],
    )
    assert stored.output_text == "It is 21 °C."
    kept = client.responses.create(
        model=scripted,
        input=[user(question), *first.output, result],
        tools=[WEATHER_TOOL],
        store=False,
    )
    assert kept.output_text == "It is 21 °C."


def test_a_result_of_a_call_that_nobody_made_is_refused(client, scripted):
    result = {"type": "function_call_output", "call_id": "call_none", "output": "x"}
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model=scripted, input=[result], tools=[WEATHER_TOOL])


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "name": "weather"}]
)
def test_a_call_can_be_demanded(client, scripted, choice):
    made = client.responses.create(
        model=scripted,
        input=call("weather", {"city": "Oslo"}),
        tools=[WEATHER_TOOL],
        tool_choice=choice,
    )
    assert [item.type for item in made.output] == ["function_call"]
    told = made.tool_choice
    assert (told if isinstance(told, str) else told.to_dict()) == choice


def test_an_answer_is_parsed_into_a_type(client, scripted):
    made = client.responses.parse(
        model=scripted,
        input=say('{"name":"Oslo",', '"inhabitants":717710}'),
        text_format=City,
    )
    assert made.output_parsed == City(name="Oslo", inhabitants=717710)


def test_the_model_is_told_what_the_answer_must_be(client, scripted):
    schema = {"type": "object", "properties": {"messages": {"type": "array"}}}
    wanted = {
        "type": "json_schema",
        "name": "anything",
        "schema": schema,
        "strict": False,
    }
    made = client.responses.create(
        model=scripted, input=recite(), text={"format": wanted}
    )
    got = json.loads(made.output_text)["response_format"]
    assert got["type"] == "json_schema"
    assert got["json_schema"]["schema"] == schema
    assert made.text.format.type == "json_schema"
    assert made.text.format.name == "anything"


def test_an_answer_that_was_cut_says_so(client, scripted):
    made = client.responses.create(
        model=scripted, input=say("Once upon", finish="length"), max_output_tokens=33
    )
    assert made.status == "incomplete"
    assert made.incomplete_details.reason == "max_output_tokens"
    assert made.output_text == "Once upon"
    assert made.max_output_tokens == 33
