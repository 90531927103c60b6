"""LangChain's ChatOpenAI and OpenAIEmbeddings, which many applications have in the SDK's place."""

import json

import pytest
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from stack import SECONDS, call, recite, say, setting


class City(BaseModel):
    """A city."""

    name: str
    inhabitants: int


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return say(f"It rains in {city}.")


OSLO = '{"name":"Oslo","inhabitants":717710}'


def chat(**options) -> ChatOpenAI:
    return ChatOpenAI(
        model=setting("SCRIPTED_MODEL"),
        base_url=setting("URL"),
        api_key=setting("KEY"),
        timeout=SECONDS,
        **options,
    )


# Over chat completions, and over responses.
@pytest.fixture(params=[False, True], ids=["completions", "responses"])
def responses(request) -> bool:
    return request.param


def test_it_invokes(responses):
    answer = chat(use_responses_api=responses).invoke(
        [SystemMessage("Be kind."), HumanMessage(say("Hello", " world"))]
    )
    assert answer.text == "Hello world"
    assert answer.usage_metadata["input_tokens"] == 11
    assert answer.usage_metadata["output_tokens"] == 2


def test_it_streams(responses):
    model = chat(use_responses_api=responses, stream_usage=True)
    pieces = list(model.stream(say("Hello", " big", " world")))
    texts = [piece.text for piece in pieces if piece.text]
    assert "".join(texts) == "Hello big world"
    assert len(texts) >= 2
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    assert whole.usage_metadata["total_tokens"] == 14


def test_it_sends_what_was_said_before(responses):
    model = chat(use_responses_api=responses)
    first = HumanMessage(say("Of which country?"))
    answer = model.invoke([first])
    last = HumanMessage(recite())
    sent = json.loads(
        model.invoke([SystemMessage("Be kind."), first, answer, last]).text
    )
    roles = [message["role"] for message in sent["messages"]]
    assert roles[0] in ("system", "developer")
    assert roles[1:] == ["user", "assistant", "user"]
    assert "Of which country?" in json.dumps(sent["messages"][2])


def test_it_calls_tools_and_gets_the_answer(responses):
    model = chat(use_responses_api=responses).bind_tools([weather])
    question = HumanMessage(call("weather", {"city": "Oslo"}))
    asked = model.invoke([question])
    [made] = asked.tool_calls
    assert (made["name"], made["args"]) == ("weather", {"city": "Oslo"})
    result = weather.invoke(made)
    assert isinstance(result, ToolMessage)
    assert model.invoke([question, asked, result]).text == "It rains in Oslo."


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_it_structures_output(responses, method):
    model = chat(use_responses_api=responses)
    structured = model.with_structured_output(City, method=method)
    assert structured.invoke(say(OSLO)) == City(name="Oslo", inhabitants=717710)


def test_it_structures_output_by_a_call(responses):
    model = chat(use_responses_api=responses)
    structured = model.with_structured_output(City, method="function_calling")
    asked = call("City", {"name": "Oslo", "inhabitants": 717710})
    assert structured.invoke(asked) == City(name="Oslo", inhabitants=717710)


def test_it_embeds(embedding_model):
    embeddings = OpenAIEmbeddings(
        model=embedding_model,
        base_url=setting("URL"),
        api_key=setting("KEY"),
        # As its documentation says for what is not OpenAI's own: texts are sent, not the numbers of OpenAI's tokens.
        check_embedding_ctx_length=False,
    )
    one, two = embeddings.embed_documents(["The sea is blue.", "Taxes are due."])
    query = embeddings.embed_query("The sea is blue.")
    assert len(one) == len(two) == len(query)
    assert query == pytest.approx(one, abs=1e-3)
    assert one != two
