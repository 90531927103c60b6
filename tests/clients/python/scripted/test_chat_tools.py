"""Tools and structured output of chat completions."""

import json

import openai
import pytest
from pydantic import BaseModel

from stack import WEATHER, call, recite, say, script, user


class City(BaseModel):
    name: str
    inhabitants: int


def test_a_call_comes_back_and_its_result_is_answered(client, scripted):
    question = user(call("weather", {"city": "Oslo"}))
    first = client.chat.completions.create(
        model=scripted, messages=[question], tools=[WEATHER]
    )
    [choice] = first.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    [asked] = choice.message.tool_calls
    assert asked.type == "function" and asked.id
    assert asked.function.name == "weather"
    assert json.loads(asked.function.arguments) == {"city": "Oslo"}
    # The SDK's own message goes back as it came.
    result = {"role": "tool", "tool_call_id": asked.id, "content": say("It is 21 °C.")}
    last = client.chat.completions.create(
        model=scripted, messages=[question, choice.message, result], tools=[WEATHER]
    )
    assert last.choices[0].finish_reason == "stop"
    assert last.choices[0].message.content == "It is 21 °C."


def test_the_model_is_sent_the_call_and_its_result(client, scripted):
    asked = {
        "id": "call_weather",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
    }
    answer = client.chat.completions.create(
        model=scripted,
        messages=[
            user("How is the weather?"),
            {"role": "assistant", "content": None, "tool_calls": [asked]},
            {"role": "tool", "tool_call_id": "call_weather", "content": recite()},
        ],
        tools=[WEATHER],
    )
    got = json.loads(answer.choices[0].message.content)
    assert [message["role"] for message in got["messages"][-3:]] == [
        "user",
        "assistant",
        "tool",
    ]
    [sent] = got["messages"][-2]["tool_calls"]
    assert sent["function"]["name"] == "weather"
    assert json.loads(sent["function"]["arguments"]) == {"city": "Oslo"}
    assert got["messages"][-1]["tool_call_id"] == sent["id"]
    [tool] = got["tools"]
    wanted = WEATHER["function"]
    assert tool["function"]["name"] == "weather"
    assert tool["function"]["description"] == wanted["description"]
    assert tool["function"]["parameters"] == wanted["parameters"]


def test_several_calls_come_in_chunks(client, scripted):
    calls = [
        {"name": "weather", "arguments": ['{"city":', '"Oslo"}']},
        {"name": "weather", "arguments": ['{"city":"Bergen"}']},
    ]
    put_together: dict[int, dict[str, str]] = {}
    reasons = []
    with client.chat.completions.create(
        model=scripted,
        messages=[user(script(say=["Let me see."], calls=calls))],
        tools=[WEATHER],
        stream=True,
    ) as stream:
        for chunk in stream:
            for choice in chunk.choices:
                reasons.append(choice.finish_reason)
                for piece in choice.delta.tool_calls or []:
                    one = put_together.setdefault(
                        piece.index, {"id": "", "name": "", "arguments": ""}
                    )
                    one["id"] += piece.id or ""
                    one["name"] += piece.function.name or ""
                    one["arguments"] += piece.function.arguments or ""
    assert reasons[-1] == "tool_calls"
    assert sorted(put_together) == [0, 1]
    assert {one["name"] for one in put_together.values()} == {"weather"}
    assert len({one["id"] for one in put_together.values()}) == 2
    cities = [json.loads(put_together[n]["arguments"])["city"] for n in (0, 1)]
    assert cities == ["Oslo", "Bergen"]


@pytest.mark.parametrize("choice", ["none", "auto"])
def test_the_model_is_told_whether_it_may_call(client, scripted, choice):
    answer = client.chat.completions.create(
        model=scripted,
        messages=[user(recite())],
        tools=[WEATHER],
        tool_choice=choice,
    )
    got = json.loads(answer.choices[0].message.content)
    # `auto` is what holds anyway.
    assert got.get("tool_choice", "auto") == choice


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "weather"}}]
)
def test_a_call_can_be_demanded(client, scripted, choice):
    answer = client.chat.completions.create(
        model=scripted,
        messages=[user(call("weather", {"city": "Oslo"}))],
        tools=[WEATHER],
        tool_choice=choice,
    )
    assert len(answer.choices[0].message.tool_calls) == 1


def test_a_demand_for_an_unknown_tool_is_refused(client, scripted):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(
            model=scripted,
            messages=[user(say("x"))],
            tools=[WEATHER],
            tool_choice={"type": "function", "function": {"name": "tides"}},
        )
    assert refused.value.param.startswith("tool_choice")


def test_an_answer_is_parsed_into_a_type(client, scripted):
    pieces = ['{"name":"Oslo",', '"inhabitants":717710}']
    answer = client.chat.completions.parse(
        model=scripted, messages=[user(say(*pieces))], response_format=City
    )
    assert answer.choices[0].message.parsed == City(name="Oslo", inhabitants=717710)


def test_the_arguments_of_a_call_are_parsed_into_a_type(client, scripted):
    tool = openai.pydantic_function_tool(City)
    question = user(call("City", {"name": "Oslo", "inhabitants": 717710}))
    answer = client.chat.completions.parse(
        model=scripted, messages=[question], tools=[tool]
    )
    message = answer.choices[0].message
    [asked] = message.tool_calls
    assert asked.function.parsed_arguments == City(name="Oslo", inhabitants=717710)
    # The SDK sends back what it parsed too, in `parsed` and `parsed_arguments`.
    result = {"role": "tool", "tool_call_id": asked.id, "content": say("I see.")}
    last = client.chat.completions.create(
        model=scripted, messages=[question, message, result], tools=[tool]
    )
    assert last.choices[0].message.content == "I see."


def test_the_model_is_told_what_the_answer_must_be(client, scripted):
    schema = {"type": "object", "properties": {"messages": {"type": "array"}}}
    answer = client.chat.completions.create(
        model=scripted,
        messages=[user(recite())],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "anything", "schema": schema},
        },
    )
    got = json.loads(answer.choices[0].message.content)["response_format"]
    assert got["type"] == "json_schema"
    assert got["json_schema"]["name"] == "anything"
    assert got["json_schema"]["schema"] == schema
    answer = client.chat.completions.create(
        model=scripted,
        messages=[user(recite())],
        response_format={"type": "json_object"},
    )
    got = json.loads(answer.choices[0].message.content)["response_format"]
    assert got == {"type": "json_object"}


def test_a_faulty_schema_is_refused(client, scripted):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(
            model=scripted,
            messages=[user(say("x"))],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "faulty", "schema": {"type": "nonsense"}},
            },
        )
    assert refused.value.param.startswith("response_format")
